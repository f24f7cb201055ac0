//! isopod: which part of the product a command line means, and nothing else.
//!
//! The name that the program was called by decides first, its first argument second. No thread
//! and no async runtime exists before that decision: the runtime and the supervisor need a
//! process with one thread.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// A part of the product: takes its arguments, its own name first, and returns the exit status.
type Part = fn(Vec<OsString>) -> i32;

/// Parts by the name of the program.
const BY_NAME: &[(&str, Part)] =
    &[("isopod-runtime", isopod_runtime_cli::main), ("dockerd", engine)];

/// Parts by the first argument; everything else is for the command line for people.
const BY_ARGUMENT: &[(&str, Part)] = &[
    ("runtime", isopod_runtime_cli::main),
    ("engine", engine),
    ("registry", isopod_registry_server::main),
    ("supervisor", isopod_supervisor::main),
    ("container-init", isopod_supervisor::init_main),
    ("build-step", isopod_build::step_main),
];

/// What rides in the engine's process, because it shares the engine's store.
const EXTENSIONS: &[isopod_docker_api::Extension] =
    &[isopod_docker_api::Extension { name: "registry", serve: isopod_registry_server::ride }];

fn engine(arguments: Vec<OsString>) -> i32 {
    isopod_docker_api::engine_main(arguments, EXTENSIONS)
}

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let part = match named(BY_NAME, arguments.first().and_then(|name| Path::new(name).file_name()))
    {
        Some(part) => part,
        None => match named(BY_ARGUMENT, arguments.get(1).map(OsString::as_os_str)) {
            Some(part) => {
                arguments.remove(0);
                part
            }
            None => isopod_cli::main,
        },
    };
    ExitCode::from(u8::try_from(part(arguments)).unwrap_or(1))
}

fn named(parts: &[(&str, Part)], name: Option<&OsStr>) -> Option<Part> {
    let name = name?;
    parts.iter().find(|(known, _)| name == *known).map(|(_, part)| *part)
}
