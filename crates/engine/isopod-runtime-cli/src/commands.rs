//! One module for each command, or for a few that are alike.

mod create;
mod events;
mod exec;
mod features;
mod life;
mod list;
mod ps;
mod spec;
mod update;

pub(crate) use create::{create, run_container};
pub(crate) use events::events;
pub(crate) use exec::exec;
pub(crate) use features::features;
pub(crate) use life::{delete, kill, pause, resume, start};
pub(crate) use list::{list, state};
pub(crate) use ps::ps;
pub(crate) use spec::spec;
pub(crate) use update::update;

use std::io::Write as _;

use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

/// Runs a command and gives the exit status.
pub(crate) fn run(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    globals.log.debug(&format!("command {}", invocation.command.name));
    (invocation.command.action)(invocation, globals)
}

pub(crate) fn checkpoint(_: &Invocation, _: &Globals) -> Result<i32, Error> {
    Err(Error::Checkpoint { feature: "checkpoint" })
}

pub(crate) fn restore(_: &Invocation, _: &Globals) -> Result<i32, Error> {
    Err(Error::Checkpoint { feature: "restore" })
}

/// How many descriptors from 3 on the container is to keep: those of a socket activation
/// (`sd_listen_fds(3)`) first, then those that the caller counts. All of them must be open.
pub(crate) fn preserved(invocation: &Invocation) -> Result<Preserved, Error> {
    if !invocation.command.flags.iter().any(|flag| flag.name == "preserve-fds") {
        return Ok(Preserved::default());
    }
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let activated =
        invocation.command.name != "exec" && number("LISTEN_PID") == Some(std::process::id());
    let listening = number("LISTEN_FDS").filter(|_| activated).unwrap_or(0);
    let count: u32 = invocation.number("preserve-fds")?.unwrap_or(0);
    for index in 0..count {
        let number = listening.saturating_add(index).saturating_add(3);
        if rustix::fs::access(format!("/proc/self/fd/{number}"), rustix::fs::Access::EXISTS)
            .is_err()
        {
            return Err(Error::PreservedDescriptor { index, count, number });
        }
    }
    Ok(Preserved { listening, total: listening.saturating_add(count) })
}

/// Descriptors that the container keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Preserved {
    /// Those of a socket activation.
    pub(crate) listening: u32,
    /// All of them.
    pub(crate) total: u32,
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Error::system("write to standard output"))
}

/// Refuses combinations of terminal, detachment and console socket that leave the terminal's
/// other end with nobody, or a socket with nothing.
pub(crate) fn check_terminal(terminal: bool, detached: bool, socket: bool) -> Result<(), Error> {
    if detached && terminal && !socket {
        return Err(Error::TerminalWithoutSocket);
    }
    if socket && !(detached && terminal) {
        return Err(Error::SocketWithoutTerminal);
    }
    Ok(())
}
