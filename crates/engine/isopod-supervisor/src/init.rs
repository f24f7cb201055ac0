//! The init of a container with `--init`: process 1 that passes signals on and reaps orphans.

use isopod_sys::signals::{hold_signals, spawn_with_mask, wait_for_signal};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Runs `PROGRAM [ARGUMENT…]` (after an optional `--`) and returns its exit code; 127 when the
/// program does not exist, 126 when it cannot be run.
pub(crate) fn run(args: &[OsString]) -> i32 {
    let args = match args {
        [first, rest @ ..] if first == "--" => rest,
        other => other,
    };
    let Some((program, rest)) = args.split_first() else {
        return complain("nothing to run", &io::ErrorKind::InvalidInput.into(), 127);
    };
    match run_program(program, rest) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            complain(&program.to_string_lossy(), &error, 127)
        }
        Err(error) => complain(&program.to_string_lossy(), &error, 126),
    }
}

fn run_program(program: &OsString, args: &[OsString]) -> io::Result<i32> {
    let mask = hold_signals()?;
    let mut command = Command::new(program);
    command.args(args).process_group(0);
    let child = spawn_with_mask(&mut command, mask)?;
    let pid =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    // With a terminal its keys are for the program. SIGTTOU is held back, so this cannot stop us.
    let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), pid);
    loop {
        match wait_for_signal() {
            Ok(libc_signal) if libc_signal == Signal::CHILD.as_raw() => {
                if let Some(code) = reap(pid) {
                    return Ok(code);
                }
            }
            Ok(number) => {
                if let Some(signal) = Signal::from_named_raw(number) {
                    let _ = kill_process(pid, signal);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reaps all who have ended; returns the exit code once `main` is among them.
fn reap(main: Pid) -> Option<i32> {
    let mut code = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == main {
            code = Some(exit_code(status));
        }
    }
    code
}

fn exit_code(status: WaitStatus) -> i32 {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
        .unwrap_or(255)
}

/// What goes wrong here is told where the program would tell it.
fn complain(what: &str, error: &io::Error, code: i32) -> i32 {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "init: {what}: {error}");
    code
}
