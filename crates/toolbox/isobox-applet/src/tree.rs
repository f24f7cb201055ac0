//! Directories, entered by descriptor: nobody who swaps a directory for a link on the way can
//! lead a walk elsewhere.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use rustix::fs::{Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;

/// An entry of a directory. The type is unknown on some file systems.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is.
    pub kind: FileType,
    /// Its number.
    pub inode: u64,
}

/// Opens a directory; a link in its place is an error unless `follow`.
pub fn open(parent: BorrowedFd<'_>, name: &OsStr, follow: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    openat(parent, name, flags, Mode::empty())
}

/// The entries of a directory but `.` and `..`, in the order of the file system.
pub fn entries(directory: impl AsFd) -> Result<Vec<Entry>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push(Entry {
                name: OsString::from_vec(name.to_vec()),
                kind: entry.file_type(),
                inode: entry.ino(),
            });
        }
    }
    Ok(found)
}

/// A path and a name below it.
#[must_use]
pub fn join(path: &OsStr, name: &OsStr) -> OsString {
    let mut joined = path.to_owned();
    if !joined.as_encoded_bytes().ends_with(b"/") {
        joined.push("/");
    }
    joined.push(name);
    joined
}

/// The last part of a path without slashes after it; `/` for the root.
#[must_use]
pub fn last_part(path: &OsStr) -> &OsStr {
    std::path::Path::new(path).file_name().unwrap_or(if path.is_empty() {
        path
    } else {
        OsStr::new(path)
    })
}

/// Lets as many directories be open at once as the system allows: deep trees need one a level.
pub fn allow_deep_trees() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).ok();
}
