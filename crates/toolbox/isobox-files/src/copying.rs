//! Copies of files and trees, for `cp`, `mv` and `install`: by descriptor, so that a directory
//! which is swapped for a link on the way leads nowhere else.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::copy::{self, Failure};
use isobox_applet::{Context, Error, Result, tree};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, SeekFrom, Stat, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    None,
    Named,
    All,
}

/// What is kept of the original.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preserve {
    pub(crate) mode: bool,
    pub(crate) owner: bool,
    pub(crate) times: bool,
    pub(crate) links: bool,
    pub(crate) attributes: bool,
}

/// What to do where the target exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Overwrite,
    Ask,
    Keep,
}

/// How holes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sparse {
    Auto,
    Always,
    Never,
}

/// How to copy.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) recursive: bool,
    pub(crate) follow: Follow,
    pub(crate) preserve: Preserve,
    pub(crate) existing: Existing,
    pub(crate) force: bool,
    pub(crate) remove_first: bool,
    pub(crate) update: bool,
    pub(crate) hard_links: bool,
    pub(crate) symbolic_links: bool,
    pub(crate) one_system: bool,
    pub(crate) attributes_only: bool,
    pub(crate) verbose: bool,
    pub(crate) sparse: Sparse,
    pub(crate) backup: Option<String>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            recursive: false,
            follow: Follow::All,
            preserve: Preserve::default(),
            existing: Existing::Overwrite,
            force: false,
            remove_first: false,
            update: false,
            hard_links: false,
            symbolic_links: false,
            one_system: false,
            attributes_only: false,
            verbose: false,
            sparse: Sparse::Auto,
            backup: None,
        }
    }
}

/// A file by its directory and name, and what it is called in messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) dir: BorrowedFd<'p>,
    pub(crate) name: &'p OsStr,
    pub(crate) path: &'p OsStr,
}

impl Place<'_> {
    /// What is there; nothing if there is nothing.
    pub(crate) fn stat(&self, follow: bool) -> Result<Option<Stat>, Errno> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        match rustix::fs::statat(self.dir, self.name, flags) {
            Ok(status) => Ok(Some(status)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

/// A run of copying.
pub(crate) struct Copier {
    pub(crate) style: Style,
    /// Where files with several names were copied to.
    seen: HashMap<(u64, u64), OsString>,
    /// Directories that this run made, which must not be copied into themselves.
    made: Vec<(u64, u64)>,
    umask: u32,
}

impl Copier {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, seen: HashMap::new(), made: Vec::new(), umask: isobox_applet::mode::umask() }
    }

    /// Copies one file or tree. Failures are reported; returns whether all went well.
    pub(crate) fn copy(
        &mut self,
        cx: &mut Context<'_>,
        from: Place<'_>,
        to: Place<'_>,
    ) -> Result<bool> {
        tree::allow_deep_trees();
        self.entry(cx, from, to, true, None)
    }

    fn entry(
        &mut self,
        cx: &mut Context<'_>,
        from: Place<'_>,
        to: Place<'_>,
        named: bool,
        device: Option<u64>,
    ) -> Result<bool> {
        let follow = match self.style.follow {
            Follow::All => true,
            Follow::Named => named,
            Follow::None => false,
        };
        let source = match from.stat(follow) {
            Ok(Some(source)) => source,
            Ok(None) => return failed(cx, &Error::doing("can't stat", from.path, Errno::NOENT)),
            Err(errno) => return failed(cx, &Error::doing("can't stat", from.path, errno)),
        };
        let kind = FileType::from_raw_mode(source.st_mode);
        if kind.is_dir() && !self.style.recursive {
            return failed(cx, &Error::about("omitting directory", from.path));
        }
        if self.style.one_system && device.is_some_and(|device| device != source.st_dev) {
            return Ok(true);
        }
        let target = match to.stat(false) {
            Ok(target) => target,
            Err(errno) => return failed(cx, &Error::doing("can't stat", to.path, errno)),
        };
        if kind.is_dir() {
            return self.directory(cx, from, to, &source, target.as_ref(), follow);
        }
        if let Some(target) = &target
            && !self.make_way(cx, from, to, &source, target)?
        {
            return Ok(true);
        }
        let target = if target.is_some() { to.stat(false).ok().flatten() } else { None };
        if self.style.preserve.links && source.st_nlink > 1 {
            if let Some(first) = self.seen.get(&(source.st_dev, source.st_ino)) {
                if target.is_some() {
                    rustix::fs::unlinkat(to.dir, to.name, AtFlags::empty()).ok();
                }
                return match rustix::fs::linkat(cx.dir, first, to.dir, to.name, AtFlags::empty()) {
                    Ok(()) => self.told(cx, from, to),
                    Err(errno) => {
                        failed(cx, &Error::doing("can't create hard link", to.path, errno))
                    }
                };
            }
            self.seen.insert((source.st_dev, source.st_ino), to.path.to_owned());
        }
        let outcome = if self.style.hard_links {
            let flags = if follow { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
            replace(to, target.is_some() && self.style.force, || {
                rustix::fs::linkat(from.dir, from.name, to.dir, to.name, flags)
            })
            .map_err(|errno| Error::doing("can't create link", to.path, errno))
        } else if self.style.symbolic_links {
            replace(to, target.is_some() && self.style.force, || {
                rustix::fs::symlinkat(from.path, to.dir, to.name)
            })
            .map_err(|errno| Error::doing("can't create symlink", to.path, errno))
        } else if kind.is_file() || !kind.is_symlink() && !self.style.recursive {
            self.regular(cx, from, to, &source, target.as_ref(), follow)
        } else {
            self.special(from, to, &source, kind, target.is_some())
        };
        match outcome {
            Ok(()) => self.told(cx, from, to),
            Err(error) => failed(cx, &error),
        }
    }

    /// Decides about a target that exists; false if it stays as it is.
    fn make_way(
        &mut self,
        cx: &mut Context<'_>,
        from: Place<'_>,
        to: Place<'_>,
        source: &Stat,
        target: &Stat,
    ) -> Result<bool> {
        let style = &self.style;
        let kind = FileType::from_raw_mode(target.st_mode);
        let resolved = if kind.is_symlink() { to.stat(true).ok().flatten() } else { Some(*target) };
        let same = |status: &Stat| (status.st_dev, status.st_ino) == (source.st_dev, source.st_ino);
        let replaced = style.remove_first
            || style.hard_links
            || style.symbolic_links
            || style.backup.is_some();
        if resolved.as_ref().is_some_and(same)
            && (!replaced || same(target))
            && style.existing != Existing::Keep
        {
            if style.hard_links {
                return Ok(false);
            }
            let text = [
                b"'",
                from.path.as_bytes(),
                b"' and '",
                to.path.as_bytes(),
                b"' are the same file",
            ]
            .concat();
            failed(cx, &Error::Bytes(text))?;
            return Ok(false);
        }
        if kind.is_dir() {
            let text =
                [b"cannot overwrite directory '", to.path.as_bytes(), b"' with non-directory"]
                    .concat();
            failed(cx, &Error::Bytes(text))?;
            return Ok(false);
        }
        if style.existing == Existing::Keep {
            return Ok(false);
        }
        if style.update {
            let target = resolved.as_ref().unwrap_or(target);
            if (source.st_mtime, source.st_mtime_nsec) <= (target.st_mtime, target.st_mtime_nsec) {
                return Ok(false);
            }
        }
        if style.existing == Existing::Ask {
            let question =
                [cx.applet.name.as_bytes(), b": overwrite '", to.path.as_bytes(), b"'? "].concat();
            if !cx.ask(&question) {
                return Ok(false);
            }
        }
        if let Some(suffix) = &style.backup {
            let mut name = to.name.to_owned();
            name.push(suffix);
            if let Err(errno) = rustix::fs::renameat(to.dir, to.name, to.dir, &name) {
                failed(cx, &Error::doing("can't back up", to.path, errno))?;
                return Ok(false);
            }
        } else if style.remove_first
            || kind.is_symlink()
                && (style.follow == Follow::None || resolved.is_none() && style.force)
        {
            // A link in the target's place is replaced where links are copied as links.
            if let Err(errno) = rustix::fs::unlinkat(to.dir, to.name, AtFlags::empty()) {
                failed(cx, &Error::doing("can't remove", to.path, errno))?;
                return Ok(false);
            }
        } else if resolved.is_none() {
            failed(cx, &Error::about("not writing through dangling symlink", to.path))?;
            return Ok(false);
        }
        Ok(true)
    }

    fn directory(
        &mut self,
        cx: &mut Context<'_>,
        from: Place<'_>,
        to: Place<'_>,
        source: &Stat,
        target: Option<&Stat>,
        follow: bool,
    ) -> Result<bool> {
        if self.made.contains(&(source.st_dev, source.st_ino)) {
            let text =
                [b"cannot copy a directory, '", from.path.as_bytes(), b"', into itself"].concat();
            return failed(cx, &Error::Bytes(text));
        }
        let exists = match target {
            None => false,
            // A link to a directory, that was there before, is as good as one.
            Some(_) => match to.stat(true) {
                Ok(Some(status)) if FileType::from_raw_mode(status.st_mode).is_dir() => true,
                _ => {
                    let text = [
                        b"cannot overwrite non-directory '",
                        to.path.as_bytes(),
                        b"' with directory",
                    ]
                    .concat();
                    return failed(cx, &Error::Bytes(text));
                }
            },
        };
        if !exists {
            // Nobody else may enter while it is filled.
            if let Err(errno) = rustix::fs::mkdirat(to.dir, to.name, Mode::from_raw_mode(0o700)) {
                return failed(cx, &Error::doing("can't create directory", to.path, errno));
            }
            if self.style.verbose {
                self.told(cx, from, to)?;
            }
        }
        let opened = tree::open(from.dir, from.name, follow)
            .map_err(|errno| Error::doing("can't open", from.path, errno))
            .and_then(|source| {
                let target = tree::open(to.dir, to.name, exists)
                    .map_err(|errno| Error::doing("can't open", to.path, errno))?;
                Ok((source, target))
            });
        let (source_dir, target_dir) = match opened {
            Ok(pair) => pair,
            Err(error) => return failed(cx, &error),
        };
        if !exists && let Ok(status) = rustix::fs::fstat(&target_dir) {
            self.made.push((status.st_dev, status.st_ino));
        }
        let entries = match tree::entries(&source_dir) {
            Ok(entries) => entries,
            Err(errno) => return failed(cx, &Error::doing("can't read", from.path, errno)),
        };
        let mut well = true;
        for entry in entries {
            let (below, target) =
                (tree::join(from.path, &entry.name), tree::join(to.path, &entry.name));
            let from = Place { dir: source_dir.as_fd(), name: &entry.name, path: &below };
            let to = Place { dir: target_dir.as_fd(), name: &entry.name, path: &target };
            well &= self.entry(cx, from, to, false, Some(source.st_dev))?;
        }
        let outcome = if exists {
            self.attributes(target_dir.as_fd(), source_dir.as_fd(), source, None)
        } else {
            self.attributes(target_dir.as_fd(), source_dir.as_fd(), source, Some(self.umask))
        };
        match outcome {
            Ok(()) => Ok(well),
            Err(errno) => failed(cx, &Error::doing("can't preserve attributes of", to.path, errno)),
        }
    }

    fn regular(
        &self,
        cx: &Context<'_>,
        from: Place<'_>,
        to: Place<'_>,
        source: &Stat,
        target: Option<&Stat>,
        follow: bool,
    ) -> Result<()> {
        let _ = cx;
        let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        if !follow {
            flags |= OFlags::NOFOLLOW;
        }
        let input = rustix::fs::openat(from.dir, from.name, flags, Mode::empty())
            .map_err(|errno| Error::doing("can't open", from.path, errno))?;
        let private = self.style.preserve.mode || self.style.preserve.owner;
        let mode = source.st_mode & if private { 0o700 } else { 0o777 };
        let output = self.open_target(to, mode, target)?;
        if !self.style.attributes_only {
            data(input.as_fd(), output.as_fd(), source, self.style.sparse).map_err(|failure| {
                match failure {
                    Failure::Read(error) => Error::doing("error reading", from.path, error),
                    Failure::Write(error) => Error::doing("error writing", to.path, error),
                }
            })?;
        }
        self.attributes(output.as_fd(), input.as_fd(), source, None)
            .map_err(|errno| Error::doing("can't preserve attributes of", to.path, errno))
    }

    fn open_target(&self, to: Place<'_>, mode: u32, target: Option<&Stat>) -> Result<OwnedFd> {
        let base = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let create = || {
            rustix::fs::openat(
                to.dir,
                to.name,
                base | OFlags::CREATE | OFlags::EXCL,
                Mode::from_raw_mode(mode),
            )
        };
        let fail = |errno| Error::doing("can't create", to.path, errno);
        let Some(target) = target else { return create().map_err(fail) };
        // Only what was a link when it was looked at is followed.
        let link = FileType::from_raw_mode(target.st_mode).is_symlink();
        let mut flags = base;
        if !self.style.attributes_only {
            flags |= OFlags::TRUNC;
        }
        if !link {
            flags |= OFlags::NOFOLLOW;
        }
        match rustix::fs::openat(to.dir, to.name, flags, Mode::empty()) {
            Ok(file) => Ok(file),
            Err(_) if self.style.force => {
                rustix::fs::unlinkat(to.dir, to.name, AtFlags::empty()).map_err(fail)?;
                create().map_err(fail)
            }
            Err(errno) => Err(fail(errno)),
        }
    }

    /// Links, devices, pipes and sockets.
    fn special(
        &self,
        from: Place<'_>,
        to: Place<'_>,
        source: &Stat,
        kind: FileType,
        exists: bool,
    ) -> Result<()> {
        let fail = |errno: Errno| Error::doing("can't create", to.path, errno);
        if kind.is_symlink() {
            let link = rustix::fs::readlinkat(from.dir, from.name, Vec::new())
                .map_err(|errno| Error::doing("can't read link", from.path, errno))?;
            replace(to, exists, || rustix::fs::symlinkat(&link, to.dir, to.name))
                .map_err(|errno| Error::doing("can't create symlink", to.path, errno))?;
            if self.style.preserve.owner {
                let (uid, gid) = (Uid::from_raw(source.st_uid), Gid::from_raw(source.st_gid));
                match rustix::fs::chownat(
                    to.dir,
                    to.name,
                    Some(uid),
                    Some(gid),
                    AtFlags::SYMLINK_NOFOLLOW,
                ) {
                    Ok(()) | Err(Errno::PERM) => {}
                    Err(errno) => return Err(fail(errno)),
                }
            }
            if self.style.preserve.times {
                rustix::fs::utimensat(to.dir, to.name, &times(source), AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(fail)?;
            }
            return Ok(());
        }
        let mode = Mode::from_raw_mode(source.st_mode & 0o777);
        replace(to, exists, || rustix::fs::mknodat(to.dir, to.name, kind, mode, source.st_rdev))
            .map_err(fail)?;
        let made = rustix::fs::openat(
            to.dir,
            to.name,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(fail)?;
        if FileType::from_raw_mode(rustix::fs::fstat(&made).map_err(fail)?.st_mode) != kind {
            return Err(fail(Errno::EXIST));
        }
        if self.style.preserve.owner {
            let (uid, gid) = (Uid::from_raw(source.st_uid), Gid::from_raw(source.st_gid));
            rustix::fs::chownat(&made, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH).ok();
        }
        if self.style.preserve.times {
            rustix::fs::utimensat(to.dir, to.name, &times(source), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(fail)?;
        }
        Ok(())
    }

    /// Gives `to` what is to be kept of `from`. The owner first: giving a file away clears its
    /// set-id bits.
    fn attributes(
        &self,
        to: BorrowedFd<'_>,
        from: BorrowedFd<'_>,
        source: &Stat,
        fresh: Option<u32>,
    ) -> Result<(), Errno> {
        let preserve = self.style.preserve;
        let mut mode = source.st_mode & 0o7777;
        if preserve.owner {
            let (uid, gid) = (Uid::from_raw(source.st_uid), Gid::from_raw(source.st_gid));
            if rustix::fs::fchown(to, Some(uid), Some(gid)).is_err() {
                rustix::fs::fchown(to, None, Some(gid)).ok();
                // Another owner must not get the rights of this one.
                mode &= !0o6000;
            }
        }
        if preserve.attributes {
            copy_attributes(from, to);
        }
        if preserve.mode {
            rustix::fs::fchmod(to, Mode::from_raw_mode(mode))?;
        } else if let Some(umask) = fresh {
            rustix::fs::fchmod(to, Mode::from_raw_mode(mode & 0o777 & !umask))?;
        }
        if preserve.times {
            rustix::fs::futimens(to, &times(source))?;
        }
        Ok(())
    }

    fn told(&self, cx: &mut Context<'_>, from: Place<'_>, to: Place<'_>) -> Result<bool> {
        if self.style.verbose {
            cx.stdout.put(
                &[b"'", from.path.as_bytes(), b"' -> '", to.path.as_bytes(), b"'\n"].concat(),
            )?;
        }
        Ok(true)
    }
}

fn failed(cx: &mut Context<'_>, error: &Error) -> Result<bool> {
    cx.report(error);
    Ok(false)
}

/// Makes something in the place of what may be there.
fn replace(to: Place<'_>, remove: bool, make: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    match make() {
        Err(Errno::EXIST) if remove => {
            rustix::fs::unlinkat(to.dir, to.name, AtFlags::empty())?;
            make()
        }
        outcome => outcome,
    }
}

/// Times of access and modification.
pub(crate) fn times(status: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds: u64| rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    Timestamps {
        last_access: time(status.st_atime, status.st_atime_nsec),
        last_modification: time(status.st_mtime, status.st_mtime_nsec),
    }
}

/// Extended attributes, as far as the target's file system takes them.
fn copy_attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) {
    let mut names = vec![0; 64 * 1024];
    let Ok(length) = rustix::fs::flistxattr(from, &mut names[..]) else { return };
    let mut value = vec![0; 64 * 1024];
    for name in names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        if let Ok(length) = rustix::fs::fgetxattr(from, name, &mut value[..]) {
            rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty()).ok();
        }
    }
}

/// Copies content: as a shared extent where the file system can, hole by hole where there are
/// holes, within the kernel otherwise.
pub(crate) fn data(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    source: &Stat,
    sparse: Sparse,
) -> Result<(), Failure> {
    let kind = FileType::from_raw_mode(source.st_mode);
    if sparse == Sparse::Always {
        return zeros_as_holes(from, to);
    }
    if kind.is_file() && source.st_size > 0 && rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let holes = kind.is_file() && source.st_blocks * 512 < source.st_size;
    if !holes || sparse == Sparse::Never {
        return copy::copy(from, to, u64::MAX).map(drop);
    }
    let write = |errno: Errno| Failure::Write(errno.into());
    let read = |errno: Errno| Failure::Read(errno.into());
    let (mut at, size) = (0, u64::try_from(source.st_size).unwrap_or(0));
    while at < size {
        let start = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(_) => return copy::copy(from, to, u64::MAX).map(drop),
        };
        let end = rustix::fs::seek(from, SeekFrom::Hole(start)).map_err(read)?;
        rustix::fs::seek(from, SeekFrom::Start(start)).map_err(read)?;
        rustix::fs::seek(to, SeekFrom::Start(start)).map_err(write)?;
        copy::copy(from, to, end - start)?;
        at = end;
    }
    rustix::fs::ftruncate(to, size).map_err(write)
}

fn zeros_as_holes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Failure> {
    let write = |errno: Errno| Failure::Write(errno.into());
    let mut block = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = isobox_applet::read(from, &mut block).map_err(Failure::Read)?;
        if count == 0 {
            return rustix::fs::ftruncate(to, size).map_err(write);
        }
        for part in block[..count].chunks(4096) {
            if part.iter().all(|&byte| byte == 0) {
                rustix::fs::seek(to, SeekFrom::Current(i64::try_from(part.len()).unwrap_or(0)))
                    .map_err(write)?;
            } else {
                isobox_applet::write_all(to, part).map_err(Failure::Write)?;
            }
            size += part.len() as u64;
        }
    }
}
