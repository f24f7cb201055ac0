//! Where members of archives become files: below one open directory that nothing leads out of.
//!
//! Every path is looked up by `openat2` with that directory as the root, so that links (of the
//! archive, or of somebody who races with us) lead where they would in a `chroot`. The last part
//! of a path is never followed. Links that point elsewhere are made last, as both originals do it,
//! so that no later member goes through them.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use isobox_applet::{Error, Result, write_all};
use isopod_tar::{Entry, Kind, Piece};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

/// Parent directories kept open.
const PARENTS: usize = 128;

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Existing {
    /// It is removed.
    #[default]
    Replace,
    /// Its content is.
    Overwrite,
    /// It stays, and that is an error.
    Refuse,
    /// It stays.
    Skip,
    /// It stays if it is not older.
    KeepNewer,
}

/// How members become files.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    pub(crate) existing: Existing,
    /// Give files the owners that the entries name.
    pub(crate) owners: bool,
    /// Permissions exactly as in the archive; otherwise without special bits, and less the umask.
    pub(crate) permissions: bool,
    /// Times as in the archive.
    pub(crate) times: bool,
    pub(crate) xattrs: bool,
    pub(crate) umask: u32,
    /// Paths may be absolute, have `..`, and go through any link.
    pub(crate) anywhere: bool,
    /// Missing parents are an error.
    pub(crate) no_parents: bool,
}

/// The content of a member: pieces of it, one after the other.
pub(crate) trait Source {
    /// The next at most `limit` bytes; none at the end.
    fn chunk(&mut self, limit: u64) -> io::Result<&[u8]>;
}

/// Makes files.
pub(crate) struct Unpacker {
    root: Rc<OwnedFd>,
    policy: Policy,
    parents: HashMap<Vec<u8>, Rc<OwnedFd>>,
    /// Directories get their attributes at the end: until then all are ours to write into.
    directories: Vec<Entry>,
    /// Links that lead elsewhere, and hard links to those.
    late: Vec<Entry>,
    late_paths: HashSet<Vec<u8>>,
    /// What could not be done, but leaves the file whole.
    pub(crate) warnings: Vec<Error>,
}

impl Unpacker {
    pub(crate) fn new(root: OwnedFd, policy: Policy) -> Self {
        Self {
            root: Rc::new(root),
            policy,
            parents: HashMap::new(),
            directories: Vec::new(),
            late: Vec::new(),
            late_paths: HashSet::new(),
            warnings: Vec::new(),
        }
    }

    /// Makes one file. Its path is one that [`clean`] returned, unless paths may lead anywhere.
    /// [`Error::Read`] is a failure of the source; all others concern this file only.
    pub(crate) fn entry(&mut self, entry: &Entry, data: &mut dyn Source) -> Result<()> {
        if entry.path.is_empty() || entry.path == b"." {
            if entry.kind == Kind::Directory {
                self.directories.push(entry.clone());
            }
            return Ok(());
        }
        let (directory, name) = split(&entry.path);
        let parent = self.parent(directory)?;
        let name = OsStr::from_bytes(name);
        match entry.kind {
            Kind::File => self.file(entry, &parent, name, data),
            Kind::Directory => self.directory(entry, &parent, name),
            Kind::Symlink => self.symlink(entry, &parent, name),
            Kind::HardLink => self.hard_link(entry, &parent, name),
            Kind::Char | Kind::Block | Kind::Fifo => self.node(entry, &parent, name),
            Kind::Other(flag) => Err(Error::message(format!(
                "{}: unknown file type '{}', skipped",
                String::from_utf8_lossy(&entry.path),
                char::from(flag).escape_default()
            ))),
        }
    }

    /// Makes what had to wait. Errors are returned together: each concerns one file.
    pub(crate) fn finish(mut self) -> Vec<Error> {
        let mut errors = std::mem::take(&mut self.warnings);
        for entry in std::mem::take(&mut self.late) {
            errors.extend(self.late_link(&entry).err());
        }
        // The deepest first: without privilege, a directory closes when its mode is set.
        for entry in std::mem::take(&mut self.directories).iter().rev() {
            errors.extend(self.settle_directory(entry).err());
        }
        errors.append(&mut self.warnings);
        errors
    }

    fn file(
        &mut self,
        entry: &Entry,
        parent: &OwnedFd,
        name: &OsStr,
        data: &mut dyn Source,
    ) -> Result<()> {
        let at = |errno: Errno| Error::path(OsStr::from_bytes(&entry.path), errno);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Nobody else looks into a file whose owner is not set yet.
        let mode = if self.policy.owners { entry.mode & 0o700 } else { self.mode(entry) & 0o777 };
        let mode = Mode::from_raw_mode(mode);
        let file = match rustix::fs::openat(parent, name, flags | OFlags::EXCL, mode) {
            Err(Errno::EXIST) if self.policy.existing == Existing::Overwrite => {
                match rustix::fs::openat(parent, name, flags | OFlags::TRUNC, mode) {
                    Err(Errno::LOOP) => {
                        remove(parent, name).map_err(at)?;
                        rustix::fs::openat(parent, name, flags | OFlags::EXCL, mode)
                    }
                    other => other,
                }
            }
            Err(Errno::EXIST) => {
                if !self.make_way(entry, parent, name)? {
                    return Ok(());
                }
                rustix::fs::openat(parent, name, flags | OFlags::EXCL, mode)
            }
            other => other,
        }
        .map_err(at)?;
        let io_at = |error: io::Error| Error::path(OsStr::from_bytes(&entry.path), error);
        match &entry.sparse {
            None => loop {
                let chunk = data.chunk(u64::MAX).map_err(Error::Read)?;
                if chunk.is_empty() {
                    break;
                }
                write_all(file.as_fd(), chunk).map_err(io_at)?;
            },
            Some(pieces) => {
                for piece in pieces {
                    write_piece(&file, *piece, data)?.map_err(at)?;
                }
                rustix::fs::ftruncate(&file, entry.size).map_err(at)?;
            }
        }
        self.settle(entry, &file).map_err(at)
    }

    /// Owner, permissions, attributes and times of an open file.
    fn settle(&mut self, entry: &Entry, file: &OwnedFd) -> Result<(), Errno> {
        if self.policy.owners {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            rustix::fs::fchown(file, Some(uid), Some(gid))?;
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode(entry)))?;
        if self.policy.xattrs {
            for (key, value) in &entry.xattrs {
                let set = rustix::fs::fsetxattr(file, &key[..], value, XattrFlags::empty());
                self.warn_of_attribute(entry, key, set);
            }
        }
        if self.policy.times {
            rustix::fs::futimens(file, &times(entry))?;
        }
        Ok(())
    }

    fn warn_of_attribute(&mut self, entry: &Entry, key: &[u8], set: Result<(), Errno>) {
        if let Err(errno) = set {
            let phrase = [&entry.path[..], b": can't set extended attribute ", key].concat();
            self.warnings.push(Error::path(OsStr::from_bytes(&phrase), errno));
        }
    }

    fn directory(&mut self, entry: &Entry, parent: &OwnedFd, name: &OsStr) -> Result<()> {
        let at = |errno: Errno| Error::path(OsStr::from_bytes(&entry.path), errno);
        match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let status =
                    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(at)?;
                let kind = FileType::from_raw_mode(status.st_mode);
                // A link to a directory stands for it, as `/bin` does in many systems.
                let stays = kind == FileType::Directory
                    || kind == FileType::Symlink && self.open_directory(&entry.path).is_ok();
                if !stays {
                    if !self.make_way(entry, parent, name)? {
                        return Ok(());
                    }
                    rustix::fs::mkdirat(parent, name, Mode::RWXU).map_err(at)?;
                }
            }
            Err(errno) => return Err(at(errno)),
        }
        self.directories.push(entry.clone());
        Ok(())
    }

    fn settle_directory(&mut self, entry: &Entry) -> Result<()> {
        let at = |errno: Errno| Error::path(OsStr::from_bytes(&entry.path), errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = if entry.path.is_empty() { b"." } else { &entry.path[..] };
        let directory = self.open(path, flags).map_err(at)?;
        self.settle(entry, &directory).map_err(at)
    }

    fn symlink(&mut self, entry: &Entry, parent: &OwnedFd, name: &OsStr) -> Result<()> {
        if !self.policy.anywhere && leads_elsewhere(&entry.link) {
            let exists = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            if exists && !self.make_way(entry, parent, name)? {
                return Ok(());
            }
            self.late_paths.insert(entry.path.clone());
            self.late.push(entry.clone());
            return Ok(());
        }
        self.make_symlink(entry, parent, name, true)
    }

    fn make_symlink(
        &mut self,
        entry: &Entry,
        parent: &OwnedFd,
        name: &OsStr,
        replace: bool,
    ) -> Result<()> {
        let mut made = rustix::fs::symlinkat(&entry.link[..], parent, name);
        if made == Err(Errno::EXIST) && replace {
            if !self.make_way(entry, parent, name)? {
                return Ok(());
            }
            made = rustix::fs::symlinkat(&entry.link[..], parent, name);
        }
        made.map_err(|errno| link_error("symlink", entry, errno))?;
        self.settle_name(entry, parent, name)
    }

    fn hard_link(&mut self, entry: &Entry, parent: &OwnedFd, name: &OsStr) -> Result<()> {
        if entry.link == entry.path {
            return Ok(());
        }
        if self.late_paths.contains(&entry.link) {
            self.late_paths.insert(entry.path.clone());
            self.late.push(entry.clone());
            return Ok(());
        }
        let fail = |errno| link_error("hardlink", entry, errno);
        let (target_directory, target) = split(&entry.link);
        let target = OsStr::from_bytes(target);
        let from = self.open_directory(target_directory).map_err(fail)?;
        let link = || rustix::fs::linkat(&from, target, parent, name, AtFlags::empty());
        match link() {
            Err(Errno::EXIST) => {
                let inode = |directory: &OwnedFd, name: &OsStr| {
                    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                        .map(|status| (status.st_dev, status.st_ino))
                };
                if inode(&from, target).map_err(fail)? == inode(parent, name).map_err(fail)? {
                    return Ok(());
                }
                if !self.make_way(entry, parent, name)? {
                    return Ok(());
                }
                link().map_err(fail)
            }
            other => other.map_err(fail),
        }
    }

    fn late_link(&mut self, entry: &Entry) -> Result<()> {
        let (directory, name) = split(&entry.path);
        let parent = self.parent(directory)?;
        let name = OsStr::from_bytes(name);
        if entry.kind == Kind::Symlink {
            return self.make_symlink(entry, &parent, name, false);
        }
        self.late_paths.clear();
        self.hard_link(entry, &parent, name)
    }

    fn node(&mut self, entry: &Entry, parent: &OwnedFd, name: &OsStr) -> Result<()> {
        let at = |errno: Errno| Error::path(OsStr::from_bytes(&entry.path), errno);
        let kind = match entry.kind {
            Kind::Char => FileType::CharacterDevice,
            Kind::Block => FileType::BlockDevice,
            _ => FileType::Fifo,
        };
        let device = rustix::fs::makedev(entry.device.0, entry.device.1);
        let make = || {
            rustix::fs::mknodat(parent, name, kind, Mode::from_raw_mode(entry.mode & 0o700), device)
        };
        match make() {
            Err(Errno::EXIST) => {
                if !self.make_way(entry, parent, name)? {
                    return Ok(());
                }
                make().map_err(at)?;
            }
            other => other.map_err(at)?,
        }
        self.settle_name(entry, parent, name)?;
        let mode = Mode::from_raw_mode(self.mode(entry));
        rustix::fs::chmodat(parent, name, mode, AtFlags::empty()).map_err(at)
    }

    /// Owner, attributes and times of what cannot be opened.
    fn settle_name(&mut self, entry: &Entry, parent: &OwnedFd, name: &OsStr) -> Result<()> {
        let at = |errno: Errno| Error::path(OsStr::from_bytes(&entry.path), errno);
        if self.policy.owners {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(parent, name, Some(uid), Some(gid), flags).map_err(at)?;
        }
        if self.policy.xattrs {
            let directory = format!("/proc/self/fd/{}/", parent.as_raw_fd());
            let path = [directory.as_bytes(), name.as_bytes()].concat();
            for (key, value) in &entry.xattrs {
                let set = rustix::fs::lsetxattr(&path[..], &key[..], value, XattrFlags::empty());
                self.warn_of_attribute(entry, key, set);
            }
        }
        if self.policy.times {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::utimensat(parent, name, &times(entry), flags).map_err(at)?;
        }
        Ok(())
    }

    /// The permissions that an entry's file gets.
    fn mode(&self, entry: &Entry) -> u32 {
        if self.policy.permissions { entry.mode } else { entry.mode & 0o777 & !self.policy.umask }
    }

    /// Does with what is there as the policy says; whether the entry is to be made.
    fn make_way(&mut self, entry: &Entry, parent: &OwnedFd, name: &OsStr) -> Result<bool> {
        let at = |errno: Errno| Error::path(OsStr::from_bytes(&entry.path), errno);
        match self.policy.existing {
            Existing::Refuse => Err(at(Errno::EXIST)),
            Existing::Skip => Ok(false),
            Existing::KeepNewer => {
                let status =
                    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(at)?;
                let newer = status.st_mtime >= entry.mtime.0;
                if !newer {
                    remove(parent, name).map_err(at)?;
                }
                Ok(!newer)
            }
            Existing::Replace | Existing::Overwrite => {
                remove(parent, name).map_err(at)?;
                // A descriptor may stand for a directory that is gone.
                self.parents.clear();
                Ok(true)
            }
        }
    }

    /// The directory that an entry goes into, made if it is not there.
    fn parent(&mut self, directory: &[u8]) -> Result<Rc<OwnedFd>> {
        let at = |path: &[u8], errno: Errno| Error::path(OsStr::from_bytes(path), errno);
        match self.open_directory(directory) {
            Err(Errno::NOENT) if !self.policy.no_parents => {}
            other => return other.map_err(|errno| at(directory, errno)),
        }
        let mut end = 0;
        let mut parent = Rc::clone(&self.root);
        // From the top, so that a chain of many names needs no deep recursion.
        for part in directory.split(|&byte| byte == b'/') {
            end += part.len() + usize::from(end > 0);
            let here = &directory[..end];
            if part.is_empty() {
                continue;
            }
            match self.open_directory(here) {
                Ok(found) => parent = found,
                Err(Errno::NOENT) => {
                    let mode = Mode::from_raw_mode(0o777 & !self.policy.umask);
                    rustix::fs::mkdirat(&*parent, OsStr::from_bytes(part), mode)
                        .map_err(|errno| at(here, errno))?;
                    parent = self.open_directory(here).map_err(|errno| at(here, errno))?;
                }
                Err(errno) => return Err(at(here, errno)),
            }
        }
        Ok(parent)
    }

    fn open_directory(&mut self, directory: &[u8]) -> Result<Rc<OwnedFd>, Errno> {
        if directory.is_empty() {
            return Ok(Rc::clone(&self.root));
        }
        if let Some(found) = self.parents.get(directory) {
            return Ok(Rc::clone(found));
        }
        let fd = Rc::new(self.open(directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?);
        if self.parents.len() >= PARENTS {
            self.parents.clear();
        }
        self.parents.insert(directory.to_vec(), Rc::clone(&fd));
        Ok(fd)
    }

    fn open(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        if self.policy.anywhere {
            return rustix::fs::openat(&*self.root, path, flags, Mode::empty());
        }
        isopod_sys::rooted::open(&*self.root, path, flags, ResolveFlags::empty())
    }
}

/// Writes one piece of a sparse file; errors of the source come first.
fn write_piece(file: &OwnedFd, piece: Piece, data: &mut dyn Source) -> Result<Result<(), Errno>> {
    let (mut offset, mut left) = (piece.offset, piece.length);
    while left > 0 {
        let mut chunk = data.chunk(left).map_err(Error::Read)?;
        if chunk.is_empty() {
            return Err(Error::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        left -= chunk.len() as u64;
        while !chunk.is_empty() {
            match rustix::io::pwrite(file, chunk, offset) {
                Ok(0) => return Ok(Err(Errno::NOSPC)),
                Ok(count) => {
                    offset += count as u64;
                    chunk = &chunk[count..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Ok(Err(errno)),
            }
        }
    }
    Ok(Ok(()))
}

/// Removes a file or an empty directory.
fn remove(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => Err(Errno::ISDIR),
            other => other,
        },
        other => other,
    }
}

fn link_error(kind: &str, entry: &Entry, errno: Errno) -> Error {
    let words =
        [b"can't create ", kind.as_bytes(), b" '", &entry.path, b"' to '", &entry.link, b"'"]
            .concat();
    Error::path(OsStr::from_bytes(&words), errno)
}

fn times(entry: &Entry) -> Timestamps {
    let spec = |(seconds, nanoseconds): (i64, u32)| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.into(),
    };
    Timestamps {
        last_access: spec(entry.atime.unwrap_or(entry.mtime)),
        last_modification: spec(entry.mtime),
    }
}

fn leads_elsewhere(link: &[u8]) -> bool {
    link.starts_with(b"/") || link.split(|&byte| byte == b'/').any(|part| part == b"..")
}

/// Parent and name of a path.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(0) => (b"/", &path[1..]),
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// A path without leading and trailing slashes, `.` and empty parts; the root itself is empty.
/// Nothing if it has a `..`, which no honest archive needs.
pub(crate) fn clean(path: &[u8]) -> Option<Vec<u8>> {
    let mut clean = Vec::with_capacity(path.len());
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part => {
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(part);
            }
        }
    }
    Some(clean)
}

/// A [`Source`] of the bytes that a reader has.
pub(crate) struct FromReader<'a> {
    reader: &'a mut dyn io::Read,
    buffer: Vec<u8>,
}

impl<'a> FromReader<'a> {
    pub(crate) fn new(reader: &'a mut dyn io::Read) -> Self {
        Self { reader, buffer: Vec::new() }
    }
}

impl Source for FromReader<'_> {
    fn chunk(&mut self, limit: u64) -> io::Result<&[u8]> {
        self.buffer.resize(128 << 10, 0);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(self.buffer.len());
        let count = self.reader.read(&mut self.buffer[..limit])?;
        Ok(&self.buffer[..count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(directory: &std::path::Path, entries: &[Entry]) -> Vec<String> {
        let root = OwnedFd::from(std::fs::File::open(directory).unwrap());
        let mut unpacker = Unpacker::new(root, Policy { umask: 0o022, ..Policy::default() });
        let mut errors = Vec::new();
        for entry in entries {
            let outcome = unpacker.entry(entry, &mut FromReader::new(&mut &b"x"[..]));
            errors.extend(outcome.err().map(|error| error.to_string()));
        }
        errors.extend(unpacker.finish().iter().map(ToString::to_string));
        errors
    }

    fn file(path: &str) -> Entry {
        Entry::plain(path.as_bytes(), Kind::File, 0o644)
    }

    fn link(kind: Kind, path: &str, target: &str) -> Entry {
        Entry { link: target.into(), ..Entry::plain(path.as_bytes(), kind, 0o777) }
    }

    #[test]
    fn no_link_leads_out() {
        let outside = tempfile::tempdir().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let target = outside.path().to_str().unwrap();
        // One that was there before, absolute and relative ones of the archive, a hard link.
        std::os::unix::fs::symlink(target, directory.path().join("before")).unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let errors = unpack(
            directory.path(),
            &[
                file("before/a"),
                link(Kind::Symlink, "up", "../"),
                file("up/b"),
                link(Kind::Symlink, "abs", target),
                file("abs/c"),
                link(Kind::HardLink, "hard", &format!("{target}/secret")),
            ],
        );
        let names: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert_eq!(errors.len(), 4, "{errors:?}");
    }

    #[test]
    fn links_elsewhere_come_last_and_hard_links_to_them_too() {
        let directory = tempfile::tempdir().unwrap();
        let errors = unpack(
            directory.path(),
            &[link(Kind::Symlink, "a", "/nowhere"), link(Kind::HardLink, "b", "a"), file("c/d/e")],
        );
        assert!(errors.is_empty(), "{errors:?}");
        let read = |name| std::fs::read_link(directory.path().join(name)).unwrap();
        assert_eq!(read("b"), std::path::Path::new("/nowhere"));
        assert_eq!(std::fs::read(directory.path().join("c/d/e")).unwrap(), b"x");
    }

    #[test]
    fn paths_are_cleaned_or_refused() {
        for (path, expected) in [
            ("a/b", Some("a/b")),
            ("/a//./b/", Some("a/b")),
            ("./", Some("")),
            ("a/../b", None),
            ("..", None),
        ] {
            assert_eq!(clean(path.as_bytes()).as_deref(), expected.map(str::as_bytes), "{path}");
        }
    }
}
