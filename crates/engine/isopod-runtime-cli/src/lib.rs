//! `isopod runtime …`: the command line of the OCI runtime, as runc has it.
//!
//! Commands, flags, messages, exit statuses and JSON are those that the callers of runc rely on
//! (containerd, dockerd, podman, people); the work is done by [`isopod_runtime`]. A process runs
//! one command and ends; nothing here keeps state, and no thread is started.
//!
//! Exit status: 0 when all went well; of `run` and `exec` that of the process; 255 when `exec`
//! could not start one; 3 for an unknown command; 1 for every other failure.

mod commands;
mod console;
mod definition;
mod error;
mod foreground;
mod globals;
mod help;
mod log;
mod notify;
mod parse;
mod seal;
mod streams;

use std::ffi::OsString;

use crate::error::Error;
use crate::globals::Globals;
use crate::parse::{Invocation, Parsed};

/// What the program calls itself.
const NAME: &str = "isopod-runtime";

/// Runs one command. `args[0]` is the program's name; gives the exit status.
#[must_use]
pub fn main(args: Vec<OsString>) -> i32 {
    match parse::parse(args.into_iter().skip(1)) {
        Ok(Parsed::Help(topic)) => finish(help::print(topic.as_deref()), None),
        Ok(Parsed::Version) => finish(help::print_version(), None),
        Ok(Parsed::Command(invocation)) => run(&invocation),
        Err(error) => finish(Err(error), None),
    }
}

fn run(invocation: &Invocation) -> i32 {
    // Descriptors that the container is to keep are looked at before any is opened here that
    // could take one of their numbers.
    let descriptors = commands::preserved(invocation);
    let globals = match Globals::new(invocation) {
        Ok(globals) => globals,
        Err(error) => return finish(Err(error), None),
    };
    let done = match descriptors {
        Ok(_) if invocation.command.enters_container => seal::ensure(),
        other => other.map(drop),
    };
    let result = done.and_then(|()| commands::run(invocation, &globals));
    match result {
        Ok(status) => status,
        Err(error) => finish(Err(error), Some(&globals)),
    }
}

/// Reports a failure and gives the exit status.
fn finish(result: Result<(), Error>, globals: Option<&Globals>) -> i32 {
    let Err(error) = result else { return 0 };
    if let Some(topic) = error.usage() {
        help::print_after_mistake(topic, &error);
    }
    let text = isopod_base::chain(&error).to_string();
    match globals {
        Some(globals) => globals.log.failure(&text),
        None => log::Log::default().failure(&text),
    }
    error.status()
}
