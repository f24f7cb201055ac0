//! Writing a file tree as a tar archive.

use isopod_images::tar::{Entry, Kind, Writer};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags, major, makedev, minor, openat,
    readlinkat, statx,
};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Deepest directory that is entered.
const DEPTH_LIMIT: usize = 1024;

/// What to pack.
#[derive(Debug)]
pub(crate) struct Pack<'a> {
    /// The directory that `name` is in.
    pub(crate) parent: BorrowedFd<'a>,
    /// Name of the file or directory; `.` is the directory itself.
    pub(crate) name: &'a CStr,
    /// What it is called in the archive; empty leaves out the directory itself.
    pub(crate) called: &'a str,
    /// Leave out what is mounted below it.
    pub(crate) one_mount: bool,
}

/// Writes the archive.
pub(crate) fn pack(what: &Pack<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut packer = Packer { writer: Writer::new(out), seen: HashMap::new(), mount: None };
    if what.one_mount {
        packer.mount = Some(look_at(what.parent, what.name)?.stx_mnt_id);
    }
    packer.add(what.parent, what.name, what.called.as_bytes(), 0)?;
    packer.writer.finish()?;
    Ok(())
}

struct Packer<'a> {
    writer: Writer<&'a mut dyn Write>,
    /// First path in the archive of files with several names.
    seen: HashMap<(u64, u64), Vec<u8>>,
    /// The mount to stay on.
    mount: Option<u64>,
}

impl Packer<'_> {
    fn add(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        path: &[u8],
        depth: usize,
    ) -> io::Result<()> {
        let stat = match look_at(parent, name) {
            Ok(stat) => stat,
            // It went away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth > 0 => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(mut entry) = entry_of(&stat, path) else {
            return Ok(());
        };
        let is_foreign = self.mount.is_some_and(|mount| mount != stat.stx_mnt_id);
        match entry.kind {
            Kind::Directory => {
                if !path.is_empty() {
                    entry.path.push(b'/');
                    self.writer.header(&entry)?;
                }
                if is_foreign {
                    return Ok(());
                }
                self.add_children(parent, name, path, depth)
            }
            _ if is_foreign => Ok(()),
            Kind::Symlink => {
                entry.link = readlinkat(parent, name, Vec::new())?.into_bytes();
                self.writer.header(&entry)
            }
            Kind::File => self.add_file(parent, name, entry, &stat),
            _ => self.writer.header(&entry),
        }
    }

    fn add_children(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        path: &[u8],
        depth: usize,
    ) -> io::Result<()> {
        if depth >= DEPTH_LIMIT {
            return Err(io::Error::other(format!(
                "directories are nested deeper than {DEPTH_LIMIT}"
            )));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(parent, name, flags, Mode::empty())?;
        for child in names(&directory)? {
            let mut child_path = path.to_vec();
            if !child_path.is_empty() {
                child_path.push(b'/');
            }
            child_path.extend_from_slice(child.as_bytes());
            self.add(directory.as_fd(), &child, &child_path, depth + 1)?;
        }
        Ok(())
    }

    fn add_file(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        mut entry: Entry,
        stat: &Statx,
    ) -> io::Result<()> {
        if stat.stx_nlink > 1 {
            let id = (makedev(stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino);
            if let Some(first) = self.seen.get(&id) {
                entry.kind = Kind::HardLink;
                entry.link.clone_from(first);
                entry.size = 0;
                entry.stored = 0;
                return self.writer.header(&entry);
            }
            self.seen.insert(id, entry.path.clone());
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Mode::empty())?;
        let mut value = [0u8; 256];
        if let Ok(length) = rustix::fs::fgetxattr(&file, c"security.capability", &mut value) {
            entry.xattrs.push((b"security.capability".to_vec(), value[..length].to_vec()));
        }
        self.writer.copy(&entry, &mut std::fs::File::from(file))
    }
}

fn look_at(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<Statx> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    Ok(statx(parent, name, flags, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?)
}

/// The entry of what is not a socket, which no archive holds.
fn entry_of(stat: &Statx, path: &[u8]) -> Option<Entry> {
    let mode = u32::from(stat.stx_mode);
    let kind = match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::Char,
        FileType::BlockDevice => Kind::Block,
        _ => return None,
    };
    let size = if kind == Kind::File { stat.stx_size } else { 0 };
    let device = makedev(stat.stx_rdev_major, stat.stx_rdev_minor);
    Some(Entry {
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        size,
        stored: size,
        mtime: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        device: (major(device), minor(device)),
        ..Entry::plain(path, kind, mode & 0o7777)
    })
}

fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        match entry {
            Ok(entry) if entry.file_name() != c"." && entry.file_name() != c".." => {
                names.push(entry.file_name().to_owned());
            }
            Ok(_) => {}
            Err(Errno::NOENT) => break,
            Err(error) => return Err(error.into()),
        }
    }
    names.sort_unstable();
    Ok(names)
}
