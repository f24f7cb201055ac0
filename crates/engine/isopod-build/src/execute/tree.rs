//! File trees by a descriptor of their root. Links are followed within the tree; no path leads
//! out of it.

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid, chownat, mkdirat, openat,
    statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

/// Deepest directory that is entered.
pub(super) const DEPTH: usize = 1024;

/// Opens a path below `root`, following links.
pub(super) fn open(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    isopod_sys::rooted::open(root, path, flags, ResolveFlags::empty())
}

/// What a path is, links followed; `None` if there is nothing.
pub(super) fn stat(root: BorrowedFd<'_>, path: &str) -> io::Result<Option<Stat>> {
    match open(root, path, OFlags::PATH) {
        Ok(fd) => Ok(Some(rustix::fs::fstat(&fd)?)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a name in a directory is, links not followed.
pub(super) fn stat_at(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<Stat>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

pub(super) fn is_dir(stat: &Stat) -> bool {
    kind(stat) == FileType::Directory
}

/// Names in a directory, sorted.
pub(super) fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Opens a directory within one, not following a link.
pub(super) fn enter(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::empty())?)
}

/// How missing directories are made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Make {
    pub(super) owner: Option<(u32, u32)>,
    /// Whether a link on the way is replaced by a directory.
    pub(super) replace_links: bool,
}

/// Opens a directory below `root`, making what is missing. Returns whether it was made.
pub(super) fn make_dirs(
    root: BorrowedFd<'_>,
    path: &str,
    make: Make,
) -> io::Result<(OwnedFd, bool)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    if !make.replace_links {
        match open(root, path, flags) {
            Err(Errno::NOENT) => {}
            other => return Ok((other?, false)),
        }
    }
    let mut here = open(root, "", flags)?;
    let mut so_far = String::new();
    let mut made = false;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        so_far.push('/');
        so_far.push_str(part);
        made = false;
        let name = OsStr::new(part);
        if make.replace_links
            && stat_at(here.as_fd(), name)?.is_some_and(|stat| kind(&stat) == FileType::Symlink)
        {
            unlinkat(&here, name, AtFlags::empty())?;
        }
        here = match open(root, &so_far, flags) {
            Err(Errno::NOENT) => {
                // A link to nothing: its target is what is to be made.
                match mkdirat(&here, name, Mode::from_raw_mode(0o755)) {
                    Err(Errno::EXIST) => return Err(io::ErrorKind::NotADirectory.into()),
                    other => other?,
                }
                made = true;
                if let Some((uid, gid)) = make.owner {
                    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
                    chownat(&here, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
                }
                open(root, &so_far, flags)?
            }
            other => other?,
        };
    }
    Ok((here, made))
}

/// The directory and the name of a path.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path))
}
