//! Copying files from one tree to another.

use super::mode;
use super::tree::{self, DEPTH, enter, names, stat_at};
use isopod_dockerfile::IgnoreList;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags, chmodat,
    chownat, copy_file_range, fchmod, fchown, fgetxattr, flistxattr, fsetxattr, futimens, mkdirat,
    mknodat, openat, readlinkat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How files are copied.
pub(super) struct Copier<'a> {
    /// Owner of everything; the source's own if absent.
    pub(super) owner: Option<(u32, u32)>,
    /// Change of modes.
    pub(super) mode: Option<&'a str>,
    /// What is left out.
    pub(super) exclude: &'a IgnoreList,
}

impl Copier<'_> {
    /// Copies what is in a directory into another.
    pub(super) fn contents(
        &self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        path: &str,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEPTH {
            return Err(io::Error::other(format!("{path}: deeper than {DEPTH} directories")));
        }
        for name in names(from)? {
            let below = format!("{path}{}", name.to_string_lossy());
            let Some(stat) = stat_at(from, &name)? else { continue };
            let excluded = self.exclude.excludes(&below);
            let skips_all = !tree::is_dir(&stat) || self.exclude.skips_all_below(&below);
            if excluded && skips_all {
                continue;
            }
            let named =
                |error: io::Error| io::Error::new(error.kind(), format!("{below}: {error}"));
            if tree::is_dir(&stat) {
                let inner = enter(from, &name).map_err(named)?;
                if excluded && !self.any_kept(inner.as_fd(), &format!("{below}/"), depth)? {
                    continue;
                }
                let (made, directory) = make_dir(to, &name).map_err(named)?;
                self.contents(inner.as_fd(), directory.as_fd(), &format!("{below}/"), depth + 1)?;
                if made {
                    self.attributes(&directory, inner.as_fd(), &stat).map_err(named)?;
                }
            } else {
                self.one(from, &name, &stat, to, &name).map_err(named)?;
            }
        }
        Ok(())
    }

    /// Whether an excluded directory holds something that is kept.
    fn any_kept(&self, directory: BorrowedFd<'_>, path: &str, depth: usize) -> io::Result<bool> {
        if depth > DEPTH {
            return Ok(false);
        }
        for name in names(directory)? {
            let below = format!("{path}{}", name.to_string_lossy());
            if !self.exclude.excludes(&below) {
                return Ok(true);
            }
            let Some(stat) = stat_at(directory, &name)? else { continue };
            if tree::is_dir(&stat) {
                let inner = enter(directory, &name)?;
                if self.any_kept(inner.as_fd(), &format!("{below}/"), depth + 1)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Copies something that is no directory; links are copied as links.
    pub(super) fn one(
        &self,
        from: BorrowedFd<'_>,
        name: &OsStr,
        stat: &Stat,
        to: BorrowedFd<'_>,
        called: &OsStr,
    ) -> io::Result<()> {
        match tree::kind(stat) {
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = openat(from, name, flags, Mode::empty())?;
                return self.file(&file, stat, to, called);
            }
            FileType::Symlink => {
                clear(to, called)?;
                let target = readlinkat(from, name, Vec::new())?;
                symlinkat(&*target, to, called)?;
            }
            FileType::Socket => return Ok(()),
            kind => {
                clear(to, called)?;
                let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
                mknodat(to, called, kind, mode, stat.st_rdev)?;
                chmodat(to, called, self.mode_of(stat, false)?, AtFlags::empty())?;
            }
        }
        let (uid, gid) = self.owner_of(stat);
        chownat(to, called, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        utimensat(to, called, &times(stat), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    /// Copies a regular file that is open.
    pub(super) fn file(
        &self,
        file: &OwnedFd,
        stat: &Stat,
        to: BorrowedFd<'_>,
        called: &OsStr,
    ) -> io::Result<()> {
        clear(to, called)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let target = openat(to, called, flags, Mode::from_raw_mode(0o600))?;
        copy_bytes(file, &target)?;
        self.attributes(&target, file.as_fd(), stat)
    }

    /// Gives a file or directory the attributes that it is to have.
    pub(super) fn attributes(
        &self,
        target: &OwnedFd,
        source: BorrowedFd<'_>,
        stat: &Stat,
    ) -> io::Result<()> {
        let (uid, gid) = self.owner_of(stat);
        fchown(target, Some(uid), Some(gid))?;
        fchmod(target, self.mode_of(stat, tree::is_dir(stat))?)?;
        copy_xattrs(source, target);
        futimens(target, &times(stat))?;
        Ok(())
    }

    fn owner_of(&self, stat: &Stat) -> (Uid, Gid) {
        let (uid, gid) = self.owner.unwrap_or((stat.st_uid, stat.st_gid));
        (Uid::from_raw(uid), Gid::from_raw(gid))
    }

    fn mode_of(&self, stat: &Stat, directory: bool) -> io::Result<Mode> {
        let own = stat.st_mode & 0o7777;
        let mode = match self.mode {
            Some(text) => mode::change(text, own, directory).map_err(io::Error::other)?,
            None => own,
        };
        Ok(Mode::from_raw_mode(mode))
    }
}

fn copy_bytes(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    loop {
        match copy_file_range(from, None, to, None, 1 << 30) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => break,
            Err(error) => return Err(error.into()),
        }
    }
    // Both positions are where the copying stopped.
    let mut from = std::fs::File::from(from.try_clone()?);
    let mut to = std::fs::File::from(to.try_clone()?);
    io::copy(&mut from, &mut to).map(|_| ())
}

/// Attributes that the file system does not take are left out.
fn copy_xattrs(from: BorrowedFd<'_>, to: &OwnedFd) {
    let mut list = vec![0u8; 64 << 10];
    let Ok(length) = flistxattr(from, &mut list[..]) else { return };
    for name in list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let wanted = name == b"security.capability" || name.starts_with(b"user.");
        if !wanted || name.starts_with(b"user.overlay.") {
            continue;
        }
        let mut value = vec![0u8; 64 << 10];
        if let Ok(length) = fgetxattr(from, name, &mut value[..]) {
            let _ = fsetxattr(to, name, &value[..length], XattrFlags::empty());
        }
    }
}

/// Makes a directory, unless it is there already.
fn make_dir(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<(bool, OwnedFd)> {
    let made = match mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error.into()),
    };
    match enter(parent, name) {
        // A link to a directory stays, and the files go where it leads.
        Err(error) if !made && is_link(parent, name) => {
            Err(io::Error::new(error.kind(), "cannot copy a directory over a symbolic link"))
        }
        Err(_) if !made => Err(io::Error::other("cannot copy a directory over a file")),
        other => Ok((made, other?)),
    }
}

fn is_link(parent: BorrowedFd<'_>, name: &OsStr) -> bool {
    stat_at(parent, name)
        .is_ok_and(|stat| stat.is_some_and(|stat| tree::kind(&stat) == FileType::Symlink))
}

/// Removes what a file is to replace.
fn clear(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {
            Err(io::Error::other("cannot copy a file over a directory"))
        }
        Err(error) => Err(error.into()),
    }
}

fn times(stat: &Stat) -> Timestamps {
    let time = Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ };
    Timestamps { last_access: time, last_modification: time }
}
