//! Finding the program to execute, in the words in which callers know the failures.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FileType, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::plan::ProcessPlan;
use crate::resolve;

/// The largest `/etc/passwd` that is searched.
const PASSWD_LIMIT: u64 = 1024 * 1024;

/// Path of the program. Called in the container, as the user that will execute it.
pub(super) fn find(process: &ProcessPlan) -> Result<CString> {
    let name = &process.args[0];
    let quoted = format!("exec: {:?}", name.to_string_lossy());
    if name.as_bytes().contains(&b'/') {
        let path = Path::new(OsStr::from_bytes(name.as_bytes()));
        return check(path)
            .map(|()| name.clone())
            .map_err(|errno| refusal(&quoted, Some(name.as_bytes()), errno));
    }
    let mut denied = None;
    for directory in process.variable("PATH").unwrap_or_default().split(|byte| *byte == b':') {
        // An empty element is the working directory.
        let directory = if directory.is_empty() { b".".as_slice() } else { directory };
        let path: PathBuf =
            Path::new(OsStr::from_bytes(directory)).join(OsStr::from_bytes(name.as_bytes()));
        match check(&path) {
            Ok(()) => {
                return Ok(
                    CString::new(path.into_os_string().into_vec()).expect("parts hold no NUL")
                );
            }
            Err(Errno::ACCESS) => denied = Some(Errno::ACCESS),
            Err(_) => {}
        }
    }
    Err(match denied {
        Some(errno) => refusal(&quoted, None, errno),
        None => Error::Init {
            text: format!("{quoted}: executable file not found in $PATH"),
            kind: ErrorKind::CommandNotFound,
        },
    })
}

fn check(path: &Path) -> std::result::Result<(), Errno> {
    let stat = rustix::fs::stat(path)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    rustix::fs::accessat(rustix::fs::CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
}

/// Text and kind of a program that cannot be executed.
fn refusal(quoted: &str, stat_of: Option<&[u8]>, errno: Errno) -> Error {
    let (text, kind) = match (errno, stat_of) {
        (Errno::NOENT | Errno::NOTDIR, Some(path)) => (
            format!("{quoted}: stat {}: {}", String::from_utf8_lossy(path), words(errno)),
            ErrorKind::CommandNotFound,
        ),
        _ => (format!("{quoted}: {}", words(errno)), ErrorKind::CommandNotExecutable),
    };
    Error::Init { text, kind }
}

/// Text and kind of an `execve(2)` that failed.
pub(super) fn failed_exec(path: &CString, error: &std::io::Error) -> Error {
    let errno = Errno::from_raw_os_error(error.raw_os_error().unwrap_or(0));
    let kind = match errno {
        Errno::NOENT | Errno::NOTDIR => ErrorKind::CommandNotFound,
        _ => ErrorKind::CommandNotExecutable,
    };
    Error::Init { text: format!("exec {}: {}", path.to_string_lossy(), words(errno)), kind }
}

/// The texts that callers look for.
fn words(errno: Errno) -> String {
    match errno {
        Errno::NOENT => "no such file or directory".into(),
        Errno::NOTDIR => "not a directory".into(),
        // The kernel's own answer comes last: older clients know only that one.
        Errno::ISDIR => "is a directory: permission denied".into(),
        Errno::ACCESS => "permission denied".into(),
        Errno::PERM => "operation not permitted".into(),
        Errno::NOEXEC => "exec format error".into(),
        other => other.to_string(),
    }
}

/// The environment, with `HOME` added from the container's `/etc/passwd` if it is missing.
pub(super) fn environment(root: &OwnedFd, process: &ProcessPlan) -> Vec<CString> {
    let mut env = process.env.clone();
    if process.variable("HOME").is_none_or(<[u8]>::is_empty) {
        env.retain(|variable| variable.as_bytes() != b"HOME=");
        let home = home(root, process.uid).unwrap_or_else(|| b"/".to_vec());
        if let Ok(variable) = CString::new([b"HOME=".as_slice(), &home].concat()) {
            env.push(variable);
        }
    }
    env
}

/// The home directory that the container's files know for a user.
fn home(root: &OwnedFd, uid: u32) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let handle = resolve::handle(root.as_fd(), "/etc/passwd").ok()?;
    // A fifo or device in its place is not read.
    if resolve::file_type(handle.as_fd()).ok()? != FileType::RegularFile {
        return None;
    }
    let file = resolve::open(root.as_fd(), "/etc/passwd", flags, ResolveFlags::empty()).ok()?;
    let mut text = Vec::new();
    std::io::Read::read_to_end(
        &mut std::io::Read::take(std::fs::File::from(file), PASSWD_LIMIT),
        &mut text,
    )
    .ok()?;
    home_in(&text, uid)
}

fn home_in(passwd: &[u8], uid: u32) -> Option<Vec<u8>> {
    let uid = uid.to_string();
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let found = fields.nth(2)? == uid.as_bytes();
        let home = fields.nth(2)?;
        (found && !home.is_empty()).then(|| home.to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_found_by_user_id() {
        let passwd =
            b"root:x:0:0:root:/root:/bin/sh\nbad line\nu:x:1000:1000::/home/u:\nn:x:7:7::::\n";
        assert_eq!(home_in(passwd, 0).as_deref(), Some(b"/root".as_slice()));
        assert_eq!(home_in(passwd, 1000).as_deref(), Some(b"/home/u".as_slice()));
        assert_eq!(home_in(passwd, 7), None);
        assert_eq!(home_in(passwd, 8), None);
    }
}
