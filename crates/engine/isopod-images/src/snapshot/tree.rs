//! Copying, measuring and removing directory trees, by descriptors and without following links.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use isopod_base::files::FileError;
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, chownat, fchmod,
    linkat, mkdirat, mknodat, openat, readlinkat, statat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::{Usage, xattr};
use crate::error::SnapshotError;
use crate::tar::list_names as list;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Makes a directory of ours.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<(), SnapshotError> {
    fs::DirBuilder::new().mode(mode).create(path).map_err(FileError::at("create", path))?;
    Ok(())
}

/// Opens a directory for calls that take a descriptor.
pub(crate) fn open_dir(path: &Path) -> Result<OwnedFd, SnapshotError> {
    openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| SnapshotError::tree("open", path)(error.into()))
}

/// Removes a tree. What is already gone is no error.
pub(crate) fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Without privilege, a directory that its owner may not write holds its content.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(path).map_err(SnapshotError::tree("remove", path))?;
            fs::remove_dir_all(path).map_err(SnapshotError::tree("remove", path))
        }
        Err(error) => Err(SnapshotError::tree("remove", path)(error)),
    }
}

fn make_writable(path: &Path) -> io::Result<()> {
    let mut pending = vec![path.to_path_buf()];
    while let Some(dir) = pending.pop() {
        let meta = fs::symlink_metadata(&dir)?;
        if !meta.is_dir() {
            continue;
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(meta.mode() | 0o700))?;
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Space that a tree takes.
pub(crate) fn usage(root: &Path) -> Result<Usage, SnapshotError> {
    let mut usage = Usage::default();
    let mut seen = HashSet::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(SnapshotError::tree("measure", &dir)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(SnapshotError::tree("measure", &dir))?;
            let meta = match entry.metadata() {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(SnapshotError::tree("measure", &entry.path())(error)),
            };
            usage.entries += 1;
            if meta.is_dir() {
                pending.push(entry.path());
            } else if meta.is_file() && (meta.nlink() == 1 || seen.insert((meta.dev(), meta.ino())))
            {
                usage.bytes += meta.len().min(meta.blocks() * 512);
            }
        }
    }
    Ok(usage)
}

/// Copies everything under `from` into the existing directory `to`, with all attributes, and
/// the attributes of `from` itself.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), SnapshotError> {
    let open = |path: &Path| {
        openat(CWD, path, DIRECTORY, Mode::empty())
            .map_err(|error| SnapshotError::tree("open", path)(error.into()))
    };
    let mut copier = Copier { links: HashMap::new(), root: open(to)? };
    let mut stack = vec![
        Level::new(open(from)?, open(to)?, PathBuf::new())
            .map_err(SnapshotError::tree("list", from))?,
    ];
    while let Some(level) = stack.last_mut() {
        let Some(name) = level.names.next() else {
            // Last, since copying into it changed its times.
            copy_attributes(&level.from, c".", &level.to, c".")
                .map_err(SnapshotError::tree("copy", &from.join(&level.path)))?;
            stack.pop();
            continue;
        };
        let path = level.path.join(OsStr::from_bytes(name.to_bytes()));
        let below = copier
            .one(level, &name, &path)
            .and_then(|below| below.map(|(a, b)| Level::new(a, b, path.clone())).transpose())
            .map_err(SnapshotError::tree("copy", &from.join(&path)))?;
        stack.extend(below);
    }
    Ok(())
}

/// Copies one file of any kind but a directory.
pub(crate) fn copy_file(
    from: BorrowedFd<'_>,
    name: &CStr,
    to: BorrowedFd<'_>,
    to_name: &CStr,
) -> io::Result<()> {
    let stat = statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    copy_one(from, name, &stat, to, to_name)
}

struct Copier {
    /// Where the first name of a file with several went, under the root of the copy.
    links: HashMap<(u64, u64), PathBuf>,
    root: OwnedFd,
}

struct Level {
    from: OwnedFd,
    to: OwnedFd,
    path: PathBuf,
    names: std::vec::IntoIter<CString>,
}

impl Level {
    fn new(from: OwnedFd, to: OwnedFd, path: PathBuf) -> io::Result<Self> {
        let names = list(&from)?.into_iter();
        Ok(Self { from, to, path, names })
    }
}

impl Copier {
    fn one(
        &mut self,
        level: &Level,
        name: &CStr,
        path: &Path,
    ) -> io::Result<Option<(OwnedFd, OwnedFd)>> {
        let stat = statat(&level.from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            mkdirat(&level.to, name, Mode::RWXU)?;
            return Ok(Some((
                openat(&level.from, name, DIRECTORY, Mode::empty())?,
                openat(&level.to, name, DIRECTORY, Mode::empty())?,
            )));
        }
        if stat.st_nlink > 1 {
            if let Some(first) = self.links.get(&(stat.st_dev, stat.st_ino)) {
                linkat(&self.root, first, &level.to, name, AtFlags::empty())?;
                return Ok(None);
            }
            self.links.insert((stat.st_dev, stat.st_ino), path.to_path_buf());
        }
        copy_one(level.from.as_fd(), name, &stat, level.to.as_fd(), name)?;
        Ok(None)
    }
}

fn copy_one(
    from: BorrowedFd<'_>,
    name: &CStr,
    stat: &Stat,
    to: BorrowedFd<'_>,
    to_name: &CStr,
) -> io::Result<()> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let source = File::from(openat(from, name, read, Mode::empty())?);
            let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let target = File::from(openat(to, to_name, write, Mode::RUSR | Mode::WUSR)?);
            copy_data(&source, &target)?;
        }
        FileType::Symlink => {
            let link = readlinkat(from, name, Vec::new())?;
            symlinkat(&link, to, to_name)?;
        }
        // Sockets come to life with the process that listens.
        FileType::Socket => return Ok(()),
        kind => match mknodat(to, to_name, kind, Mode::RUSR, stat.st_rdev) {
            // Without privilege there are no devices.
            Err(Errno::PERM) if kind != FileType::Fifo => return Ok(()),
            other => other?,
        },
    }
    copy_attributes(from, name, to, to_name)
}

/// Copies content: by reference where the file system shares blocks, else the parts with data.
fn copy_data(from: &File, to: &File) -> io::Result<()> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut position = 0;
    while position < length {
        let start = match rustix::fs::seek(from, rustix::fs::SeekFrom::Data(position)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(from, rustix::fs::SeekFrom::Hole(start))?.min(length);
        let (mut at, mut to_at) = (start, start);
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(1 << 30);
            let count =
                rustix::fs::copy_file_range(from, Some(&mut at), to, Some(&mut to_at), wanted)?;
            if count == 0 {
                break;
            }
        }
        position = end;
    }
    Ok(())
}

/// Copies owner, permissions, attributes and times.
pub(crate) fn copy_attributes(
    from: impl AsFd,
    name: &CStr,
    to: impl AsFd,
    to_name: &CStr,
) -> io::Result<()> {
    let stat = statat(&from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let owner = chownat(
        &to,
        to_name,
        Some(Uid::from_raw(stat.st_uid)),
        Some(Gid::from_raw(stat.st_gid)),
        AtFlags::SYMLINK_NOFOLLOW,
    );
    match owner {
        Err(Errno::PERM) if !rustix::process::geteuid().is_root() => {}
        other => other?,
    }
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::Symlink {
        let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
        chmod_no_follow(&to, to_name, kind, mode)?;
    }
    for (key, value) in xattr::all(&from, name)? {
        xattr::set(&to, to_name, &key, &value)?;
    }
    let times = Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime as i64, tv_nsec: stat.st_atime_nsec as i64 },
        last_modification: Timespec {
            tv_sec: stat.st_mtime as i64,
            tv_nsec: stat.st_mtime_nsec as i64,
        },
    };
    Ok(utimensat(&to, to_name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Sets permission bits of something that is known not to be a link, and was made by us.
fn chmod_no_follow(dir: impl AsFd, name: &CStr, kind: FileType, mode: Mode) -> io::Result<()> {
    if kind == FileType::Directory {
        return Ok(fchmod(openat(&dir, name, DIRECTORY, Mode::empty())?, mode)?);
    }
    Ok(rustix::fs::chmodat(&dir, name, mode, AtFlags::empty())?)
}
