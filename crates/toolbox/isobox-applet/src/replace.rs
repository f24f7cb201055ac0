//! Files that are rewritten: the new content appears at once, or not at all.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::{Error, Result};

/// A new file beside an old one. It takes the old one's name by [`Replacement::commit`], and is
/// removed if that is never called.
#[derive(Debug)]
pub struct Replacement<'a> {
    directory: BorrowedFd<'a>,
    /// Where the name leads to if it is a link: links stay.
    target: OsString,
    temporary: OsString,
    file: OwnedFd,
    done: bool,
}

impl AsFd for Replacement<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl<'a> Replacement<'a> {
    /// Makes a file beside `name` with the permissions and, where that is allowed, the owner of
    /// `old`.
    pub fn new(directory: BorrowedFd<'a>, name: &OsStr, old: BorrowedFd<'_>) -> Result<Self> {
        let fail = |errno: Errno| Error::path(name, errno);
        let target = resolve(directory, name)?;
        let status = rustix::fs::fstat(old).map_err(fail)?;
        let (file, temporary) = beside(directory, &target, Mode::RUSR | Mode::WUSR)?;
        let replacement = Self { directory, target, temporary, file, done: false };
        let (uid, gid) =
            (rustix::fs::Uid::from_raw(status.st_uid), rustix::fs::Gid::from_raw(status.st_gid));
        // Only root may give files away; for others the file becomes theirs, as in an editor.
        rustix::fs::fchown(&replacement.file, Some(uid), Some(gid)).ok();
        rustix::fs::fchmod(&replacement.file, Mode::from_raw_mode(status.st_mode & 0o7777))
            .map_err(fail)?;
        Ok(replacement)
    }

    /// Puts the new file in the place of the old one.
    pub fn commit(mut self) -> Result<()> {
        rustix::fs::renameat(self.directory, &self.temporary, self.directory, &self.target)
            .map_err(|errno| Error::path(&self.target, errno))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Replacement<'_> {
    fn drop(&mut self) {
        if !self.done {
            rustix::fs::unlinkat(self.directory, &self.temporary, AtFlags::empty()).ok();
        }
    }
}

/// A new file of a name that nobody uses, in the directory of `target`.
fn beside(directory: BorrowedFd<'_>, target: &OsStr, mode: Mode) -> Result<(OwnedFd, OsString)> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    for attempt in 0..1000_u32 {
        let mut name = target.to_owned();
        name.push(format!(".{}.{attempt}", std::process::id()));
        match rustix::fs::openat(directory, &name, flags, mode) {
            Ok(file) => return Ok((file, name)),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(Error::path(target, errno)),
        }
    }
    Err(Error::path(target, Errno::EXIST))
}

/// Follows links of the last part of a path.
fn resolve(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OsString> {
    let mut path = name.to_owned();
    for _ in 0..40 {
        match rustix::fs::readlinkat(directory, &path, Vec::new()) {
            Ok(link) => {
                let link = OsString::from_vec(link.into_bytes());
                let parent =
                    memchr::memrchr(b'/', path.as_bytes()).map(|at| &path.as_bytes()[..=at]);
                path = match parent {
                    Some(parent) if !link.as_bytes().starts_with(b"/") => {
                        let mut joined = OsStr::from_bytes(parent).to_owned();
                        joined.push(link);
                        joined
                    }
                    _ => link,
                };
            }
            Err(Errno::INVAL) => return Ok(path),
            Err(errno) => return Err(Error::path(name, errno)),
        }
    }
    Err(Error::path(name, Errno::LOOP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("f", directory.path().join("link")).unwrap();
        let dir = std::fs::File::open(directory.path()).unwrap();
        let old = std::fs::File::open(&path).unwrap();
        let new = || Replacement::new(dir.as_fd(), OsStr::new("link"), old.as_fd()).unwrap();
        drop(new());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
        let replacement = new();
        crate::write_all(replacement.as_fd(), b"new").unwrap();
        replacement.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(directory.path().join("link").is_symlink());
    }
}
