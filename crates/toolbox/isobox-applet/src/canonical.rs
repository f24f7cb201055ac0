//! Absolute names without links, `.` and `..`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::Context;

/// How much of a path must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// All of it.
    All,
    /// All but the last part.
    Parent,
    /// Nothing.
    Nothing,
}

/// The absolute name of `path`; links are followed if `follow`.
pub fn resolve(
    cx: &Context<'_>,
    path: &OsStr,
    need: Need,
    follow: bool,
) -> Result<OsString, Errno> {
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    let mut todo: VecDeque<Vec<u8>> = parts(path.as_bytes());
    let mut resolved = if path.as_bytes().starts_with(b"/") {
        b"/".to_vec()
    } else {
        // The context's directory by its own name.
        let current = rustix::fs::openat(
            cx.dir,
            ".",
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&current));
        match rustix::fs::readlinkat(rustix::fs::CWD, link, Vec::new()) {
            Ok(name) => name.into_bytes(),
            // Before /proc is mounted only the process's own directory can be told.
            Err(_) => rustix::process::getcwd(Vec::new())?.into_bytes(),
        }
    };
    let slash_at_end = path.as_bytes().ends_with(b"/");
    let (mut links, mut missing) = (0, false);
    while let Some(part) = todo.pop_front() {
        if part == b"." {
            continue;
        }
        if part == b".." {
            let end = memchr::memrchr(b'/', &resolved).unwrap_or(0);
            resolved.truncate(end.max(1));
            continue;
        }
        let parent = resolved.len();
        if !resolved.ends_with(b"/") {
            resolved.push(b'/');
        }
        resolved.extend_from_slice(&part);
        if missing {
            continue;
        }
        let status = rustix::fs::statat(
            rustix::fs::CWD,
            OsStr::from_bytes(&resolved),
            AtFlags::SYMLINK_NOFOLLOW,
        );
        let kind = match status {
            Ok(status) => FileType::from_raw_mode(status.st_mode),
            Err(errno) => {
                let last = todo.iter().all(|part| part == b".");
                let allowed = match need {
                    Need::All => false,
                    Need::Parent => errno == Errno::NOENT && last,
                    Need::Nothing => true,
                };
                if !allowed {
                    return Err(errno);
                }
                missing = true;
                continue;
            }
        };
        if kind.is_symlink() && follow {
            links += 1;
            if links > 40 {
                return Err(Errno::LOOP);
            }
            let target =
                rustix::fs::readlinkat(rustix::fs::CWD, OsStr::from_bytes(&resolved), Vec::new())?
                    .into_bytes();
            resolved.truncate(parent);
            if target.starts_with(b"/") {
                resolved = b"/".to_vec();
            }
            for part in parts(&target).into_iter().rev() {
                todo.push_front(part);
            }
        } else if !kind.is_dir()
            && !kind.is_symlink()
            && need != Need::Nothing
            && (!todo.is_empty() || slash_at_end)
        {
            return Err(Errno::NOTDIR);
        }
    }
    Ok(OsString::from_vec(resolved))
}

fn parts(path: &[u8]) -> VecDeque<Vec<u8>> {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect()
}
