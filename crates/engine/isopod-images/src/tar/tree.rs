//! Writing a directory tree, or the upper directory of an overlay, as an archive.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};

use super::{Entry, Kind, WHITEOUT_OPAQUE, WHITEOUT_PREFIX, Writer};
use crate::snapshot::xattr;

/// What to make of the tree.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TreeOptions {
    /// Turn overlayfs' marks for removed names and opaque directories into whiteout entries.
    pub(crate) whiteouts: bool,
    /// Do not go into directories on which something else is mounted.
    pub(crate) one_file_system: bool,
}

/// Appends everything under `root`, by name within each directory.
pub(crate) fn write_tree<W: Write>(
    writer: &mut Writer<W>,
    root: &Path,
    options: TreeOptions,
) -> Result<(), TreeError> {
    let dir =
        openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| TreeError::new(&[], error.into()))?;
    Walk::new(writer, options).directory(dir, Vec::new())
}

/// Appends `last` in `dir`, and everything in it, under the name `name`.
pub(crate) fn write_named<W: Write>(
    writer: &mut Writer<W>,
    dir: &OwnedFd,
    last: &[u8],
    name: &[u8],
    options: TreeOptions,
) -> Result<(), TreeError> {
    let at = |source: io::Error| TreeError::new(name, source);
    let last = CString::new(last).map_err(|error| at(error.into()))?;
    let mut walk = Walk::new(writer, options);
    // What the caller names has to exist; what vanishes below it, vanishes.
    statat(dir, &last, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| at(error.into()))?;
    let Some(below) = walk.one(dir, &last, name).map_err(at)? else {
        return Ok(());
    };
    let prefix = if name == b"." { Vec::new() } else { [name, b"/"].concat() };
    walk.directory(below, prefix)
}

/// Where in the tree it went wrong.
#[derive(Debug)]
pub(crate) struct TreeError {
    pub(crate) path: Vec<u8>,
    pub(crate) source: io::Error,
}

impl TreeError {
    fn new(path: &[u8], source: io::Error) -> Self {
        Self { path: path.to_vec(), source }
    }
}

struct Walk<'a, W> {
    writer: &'a mut Writer<W>,
    options: TreeOptions,
    /// First names of files that have several.
    links: HashMap<(u64, u64), Vec<u8>>,
    /// The file system of the first directory.
    device: Option<u64>,
}

/// A directory on the way down.
struct Level {
    fd: OwnedFd,
    path: Vec<u8>,
    names: std::vec::IntoIter<CString>,
}

impl<'a, W: Write> Walk<'a, W> {
    fn new(writer: &'a mut Writer<W>, options: TreeOptions) -> Self {
        Self { writer, options, links: HashMap::new(), device: None }
    }

    fn directory(&mut self, root: OwnedFd, prefix: Vec<u8>) -> Result<(), TreeError> {
        let mut stack = vec![self.enter(root, prefix)?];
        while let Some(level) = stack.last_mut() {
            let Some(name) = level.names.next() else {
                stack.pop();
                continue;
            };
            let path = [&level.path[..], name.to_bytes()].concat();
            let below = self
                .one(&level.fd, &name, &path)
                .map_err(|source| TreeError::new(&path, source))?;
            if let Some(fd) = below {
                let level = self.enter(fd, [&path[..], b"/"].concat())?;
                stack.push(level);
            }
        }
        Ok(())
    }

    /// Lists a directory; an opaque one says so before its content.
    fn enter(&mut self, fd: OwnedFd, path: Vec<u8>) -> Result<Level, TreeError> {
        let at = |source: io::Error| TreeError::new(&path, source);
        let names = list(&fd).map_err(at)?;
        if self.options.whiteouts && xattr::is_opaque(&fd).map_err(at)? {
            let name = [&path[..], WHITEOUT_OPAQUE].concat();
            let entry = Entry::plain(&name, Kind::File, 0);
            self.writer.header(&entry).map_err(at)?;
        }
        Ok(Level { fd, path, names: names.into_iter() })
    }

    /// Writes one entry; a directory is returned opened.
    fn one(&mut self, dir: &OwnedFd, name: &CStr, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        let stat = match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Removed by a container that runs meanwhile.
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Symlink,
            FileType::CharacterDevice if self.options.whiteouts && stat.st_rdev == 0 => {
                self.whiteout(path, name)?;
                return Ok(None);
            }
            FileType::CharacterDevice => Kind::Char,
            FileType::BlockDevice => Kind::Block,
            FileType::Fifo => Kind::Fifo,
            // Sockets mean nothing without the process that listens.
            _ => return Ok(None),
        };
        let mut entry = entry(path, kind, &stat);
        if kind != Kind::Directory && stat.st_nlink > 1 {
            let first = self.links.get(&(stat.st_dev, stat.st_ino));
            if let Some(first) = first {
                entry.kind = Kind::HardLink;
                entry.link.clone_from(first);
                entry.size = 0;
                self.writer.header(&entry)?;
                return Ok(None);
            }
            self.links.insert((stat.st_dev, stat.st_ino), path.to_vec());
        }
        entry.xattrs = xattr::archived(dir, name)?;
        match kind {
            Kind::Directory => {
                entry.path.push(b'/');
                self.writer.header(&entry)?;
                let device = *self.device.get_or_insert(stat.st_dev);
                if self.options.one_file_system && stat.st_dev != device {
                    return Ok(None);
                }
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                return Ok(Some(openat(dir, name, flags, Mode::empty())?));
            }
            Kind::File => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let mut file = File::from(openat(dir, name, flags, Mode::empty())?);
                entry.size = file.metadata()?.len();
                self.writer.copy(&entry, &mut file)?;
            }
            Kind::Symlink => {
                entry.link = readlinkat(dir, name, Vec::new())?.into_bytes();
                self.writer.header(&entry)?;
            }
            _ => self.writer.header(&entry)?,
        }
        Ok(None)
    }

    fn whiteout(&mut self, path: &[u8], name: &CStr) -> io::Result<()> {
        let parent = &path[..path.len() - name.to_bytes().len()];
        let path = [parent, WHITEOUT_PREFIX, name.to_bytes()].concat();
        self.writer.header(&Entry::plain(&path, Kind::File, 0))
    }
}

fn entry(path: &[u8], kind: Kind, stat: &Stat) -> Entry {
    Entry {
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: (stat.st_mtime, stat.st_mtime_nsec as u32),
        device: match kind {
            Kind::Char | Kind::Block => {
                (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev))
            }
            _ => (0, 0),
        },
        ..Entry::plain(path, kind, stat.st_mode & 0o7777)
    }
}

/// Names in a directory, sorted, without `.` and `..`.
pub(crate) fn list(dir: &OwnedFd) -> io::Result<Vec<CString>> {
    debug_assert!(dir.as_raw_fd() >= 0);
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Appends the one entry at `path` under `root`, without what is in it.
pub(crate) fn write_path<W: Write>(
    writer: &mut Writer<W>,
    root: &Path,
    path: &[u8],
) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let (parent, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b""[..], path),
    };
    let dir = openat(
        CWD,
        root.join(std::ffi::OsStr::from_bytes(parent)),
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut walk = Walk::new(writer, TreeOptions::default());
    walk.one(&dir, &CString::new(name)?, path)?;
    Ok(())
}

/// Appends the whiteout of `path`.
pub(crate) fn write_whiteout<W: Write>(writer: &mut Writer<W>, path: &[u8]) -> io::Result<()> {
    let split = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let path = [&path[..split], WHITEOUT_PREFIX, &path[split..]].concat();
    writer.header(&Entry::plain(&path, Kind::File, 0))
}
