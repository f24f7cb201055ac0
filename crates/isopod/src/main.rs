//! isopod: which part of the product a command line means, and nothing else.
//!
//! The name that the program was called by decides first, its first argument second. No thread
//! and no async runtime exists before that decision: the runtime and the supervisor need a
//! process with one thread.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// A part of the product: takes its arguments, its own name first, and returns the exit status.
type Part = fn(Vec<OsString>) -> i32;

/// Parts by the name of the program.
const BY_NAME: &[(&str, Part)] = &[
    ("isopod-runtime", isopod_runtime_cli::main),
    ("dockerd", engine),
    ("etcd", isopod_etcd_api::main),
];

/// Parts by the first argument; everything else is for the command line for people.
const BY_ARGUMENT: &[(&str, Part)] = &[
    ("runtime", isopod_runtime_cli::main),
    ("engine", engine),
    ("engine-keeper", isopod_client::keeper_main),
    ("registry", isopod_registry_server::main),
    ("store", isopod_etcd_api::main),
    ("supervisor", isopod_supervisor::main),
    ("container-init", isopod_supervisor::init_main),
    ("build-step", isopod_build::step_main),
    ("box", toolbox),
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

/// `isopod box APPLET …` becomes the toolbox, which is a small binary of its own: it lies beside
/// this one, or on `PATH`.
fn toolbox(arguments: Vec<OsString>) -> i32 {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("isobox")));
    let program = beside.filter(|file| file.is_file()).unwrap_or_else(|| "isobox".into());
    let failure = Command::new(&program).arg0("isobox").args(arguments.into_iter().skip(1)).exec();
    let text = format!("isopod: cannot run the toolbox {}: {failure}\n", program.display());
    std::io::stderr().write_all(text.as_bytes()).ok();
    if failure.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
}
