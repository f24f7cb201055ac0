//! Other programs, started by applets: found on `PATH`, or applets of this binary.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::{Context, Error};

/// A command with the context's streams, environment and directory. Its name is looked up on
/// `PATH`; what is not there but is an applet is run by this binary.
pub fn command(
    cx: &mut Context<'_>,
    words: &[OsString],
    environment: Option<Vec<(OsString, OsString)>>,
) -> Command {
    cx.stdout.flush().ok();
    let variables = environment.unwrap_or_else(|| cx.variables.all());
    let name = words.first().cloned().unwrap_or_default();
    let path = variables.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    let mut command = match find(&name, path.as_deref(), cx) {
        Some(file) => Command::new(file),
        None if cx.registry.find(&name).is_some() => Command::new("/proc/self/exe"),
        None => Command::new(&name),
    };
    command.arg0(&name).args(words.iter().skip(1)).env_clear().envs(variables);
    command
        .stdin(stream(cx.stdin, 0))
        .stdout(stream(cx.stdout.fd(), 1))
        .stderr(stream(cx.stderr, 2));
    if cx.dir.as_raw_fd() != rustix::fs::CWD.as_raw_fd() {
        command.current_dir(format!("/proc/self/fd/{}", cx.dir.as_raw_fd()));
    }
    command
}

fn stream(fd: BorrowedFd<'_>, standard: i32) -> Stdio {
    if fd.as_raw_fd() == standard {
        return Stdio::inherit();
    }
    fd.try_clone_to_owned().map_or_else(|_| Stdio::null(), Stdio::from)
}

/// The file that a command's name means: the name itself if it has a slash.
#[must_use]
pub fn find(name: &OsStr, path: Option<&OsStr>, cx: &Context<'_>) -> Option<OsString> {
    if name.as_encoded_bytes().contains(&b'/') {
        return Some(name.to_owned());
    }
    let default = OsStr::new("/sbin:/usr/sbin:/bin:/usr/bin");
    std::env::split_paths(path.unwrap_or(default))
        .map(|directory| directory.join(name).into_os_string())
        .find(|file| is_executable(file, cx))
}

/// Whether a file may be executed and is not a directory.
#[must_use]
pub fn is_executable(file: &OsStr, cx: &Context<'_>) -> bool {
    use rustix::fs::{Access, AtFlags, FileType, accessat, statat};
    accessat(cx.dir, file, Access::EXEC_OK, AtFlags::empty()).is_ok()
        && statat(cx.dir, file, AtFlags::empty())
            .is_ok_and(|status| FileType::from_raw_mode(status.st_mode).is_file())
}

/// Replaces this process by a program; returns only if that failed, with status 127 if there is
/// no such program and 126 otherwise.
pub fn execute(
    cx: &mut Context<'_>,
    words: &[OsString],
    environment: Option<Vec<(OsString, OsString)>>,
) -> Error {
    let failure = command(cx, words, environment).exec();
    failed(words.first().map_or(OsStr::new(""), OsString::as_os_str), &failure)
}

/// Why a program did not start.
#[must_use]
pub fn failed(name: &OsStr, failure: &std::io::Error) -> Error {
    let status = if failure.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    Error::Status(
        format!("can't execute '{}': {}", name.display(), crate::errno_text(failure)),
        status,
    )
}
