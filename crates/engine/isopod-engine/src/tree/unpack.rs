//! Reading a tar archive into a directory of a container.

use super::open;
use crate::PutArchive;
use isopod_images::layer::decompress;
use isopod_images::tar::{Entry, Kind, Reader};
use isopod_images::{LayerError, Limits};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat,
    fchmod, fchown, fsetxattr, futimens, linkat, makedev, mkdirat, mknodat, openat, statat,
    symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Unpacks `archive` (compressed or not) into the directory `target` below `root`. Links on the
/// way lead where they would lead in the container.
pub(crate) fn unpack(
    root: BorrowedFd<'_>,
    target: &str,
    archive: impl Read + Send,
    options: PutArchive,
) -> Result<(), LayerError> {
    unpack_owned(root, target, archive, options, None)
}

/// As [`unpack`], and everything gets an owner: user and group id.
pub(crate) fn unpack_owned(
    root: BorrowedFd<'_>,
    target: &str,
    archive: impl Read + Send,
    options: PutArchive,
    owner: Option<(u32, u32)>,
) -> Result<(), LayerError> {
    let limits = Limits::default();
    let (_, input) = decompress(archive)?;
    let mut reader = Reader::new(input, &limits.archive());
    let sink = Sink { root, target, options, owner };
    // The times of directories change while files come into them, so they are set at the end.
    let mut directories = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        sink.entry(&entry, &mut reader, &mut directories)?;
    }
    for (path, mtime) in directories.into_iter().rev() {
        if let Ok(directory) = open(root, &path, OFlags::RDONLY | OFlags::DIRECTORY) {
            let _ = futimens(&directory, &times(mtime));
        }
    }
    Ok(reader.drain()?)
}

struct Sink<'a> {
    root: BorrowedFd<'a>,
    target: &'a str,
    options: PutArchive,
    owner: Option<(u32, u32)>,
}

impl Sink<'_> {
    fn entry<R: Read>(
        &self,
        entry: &Entry,
        reader: &mut Reader<R>,
        directories: &mut Vec<(String, (i64, u32))>,
    ) -> Result<(), LayerError> {
        let shown = String::from_utf8_lossy(&entry.path).into_owned();
        let failed = |action: &'static str| {
            let entry = shown.clone();
            move |source: io::Error| LayerError::EntryIo { entry, action, source }
        };
        let refused = |reason: String| LayerError::Entry { entry: shown.clone(), reason };
        let parts = parts(&entry.path)
            .ok_or_else(|| refused("the path leads out of the directory".into()))?;
        let Some((name, above)) = parts.split_last() else {
            // The directory itself: its attributes are not the archive's to change.
            return Ok(());
        };
        let parent = self.directory(above).map_err(failed("make the directories above"))?;
        let name = CString::new(*name).map_err(|_| refused("the name holds a zero byte".into()))?;
        self.clear(&parent, &name, entry.kind).map_err(|error| match error {
            Errno::ISDIR | Errno::NOTDIR => refused(format!(
                "cannot overwrite {}",
                if error == Errno::ISDIR {
                    "directory with non-directory"
                } else {
                    "non-directory with directory"
                }
            )),
            error => failed("replace what is there")(error.into()),
        })?;
        let mode = Mode::from_raw_mode(entry.mode & 0o7777);
        match entry.kind {
            Kind::File => return self.file(&parent, &name, entry, reader, &failed),
            Kind::Directory => {
                match mkdirat(&parent, &name, mode) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(failed("make the directory")(error.into())),
                }
                let path = format!("{}/{}", self.target, join(&parts));
                directories.push((path, entry.mtime));
            }
            Kind::Symlink => {
                symlinkat(OsStr::from_bytes(&entry.link), &parent, &name)
                    .map_err(|e| failed("make the link")(e.into()))?;
            }
            Kind::HardLink => {
                let link = self::parts(&entry.link)
                    .ok_or_else(|| refused("the link leads out of the directory".into()))?;
                let (last, above) =
                    link.split_last().ok_or_else(|| refused("a link to nothing".into()))?;
                let from = self.directory(above).map_err(failed("find the link's target"))?;
                linkat(&from, OsStr::from_bytes(last), &parent, &name, AtFlags::empty())
                    .map_err(|e| failed("make the hard link")(e.into()))?;
                return Ok(());
            }
            Kind::Char | Kind::Block | Kind::Fifo => {
                let kind = match entry.kind {
                    Kind::Char => FileType::CharacterDevice,
                    Kind::Block => FileType::BlockDevice,
                    _ => FileType::Fifo,
                };
                mknodat(&parent, &name, kind, mode, makedev(entry.device.0, entry.device.1))
                    .map_err(|e| failed("make the node")(e.into()))?;
            }
            Kind::Other(_) => return Ok(()),
        }
        let (uid, gid) = self.owner(entry);
        chownat(&parent, &name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| failed("set the owner")(e.into()))?;
        if entry.kind != Kind::Symlink {
            chmodat(&parent, &name, mode, AtFlags::empty())
                .map_err(|e| failed("set the mode")(e.into()))?;
        }
        let _ = utimensat(&parent, &name, &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW);
        Ok(())
    }

    fn file<R: Read, F: FnOnce(io::Error) -> LayerError>(
        &self,
        parent: &OwnedFd,
        name: &CString,
        entry: &Entry,
        reader: &mut Reader<R>,
        failed: &dyn Fn(&'static str) -> F,
    ) -> Result<(), LayerError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(parent, name, flags, Mode::from_raw_mode(0o600))
            .map_err(|e| failed("create the file")(e.into()))?;
        let mut file = std::fs::File::from(fd);
        let whole = [isopod_images::tar::Piece { offset: 0, length: entry.size }];
        for piece in entry.sparse.as_deref().unwrap_or(&whole) {
            use std::io::Seek;
            file.seek(io::SeekFrom::Start(piece.offset)).map_err(failed("write the file"))?;
            let mut left = piece.length;
            while left > 0 {
                let data = reader.data_up_to(left)?;
                if data.is_empty() {
                    break;
                }
                left -= data.len() as u64;
                file.write_all(data).map_err(failed("write the file"))?;
            }
        }
        if entry.sparse.is_some() {
            file.set_len(entry.size).map_err(failed("write the file"))?;
        }
        let (uid, gid) = self.owner(entry);
        fchown(&file, uid, gid).map_err(|e| failed("set the owner")(e.into()))?;
        fchmod(&file, Mode::from_raw_mode(entry.mode & 0o7777))
            .map_err(|e| failed("set the mode")(e.into()))?;
        for (key, value) in &entry.xattrs {
            // What the file system or the engine's rights do not allow is left out.
            let _ = fsetxattr(&file, OsStr::from_bytes(key), value, XattrFlags::empty());
        }
        futimens(&file, &times(entry.mtime)).map_err(|e| failed("set the times")(e.into()))
    }

    fn owner(&self, entry: &Entry) -> (Option<Uid>, Option<Gid>) {
        if let Some((uid, gid)) = self.owner {
            return (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        }
        if self.options.copy_owners {
            (Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))
        } else {
            (Some(Uid::ROOT), Some(Gid::ROOT))
        }
    }

    /// Opens a directory below the target, making what is missing.
    fn directory(&self, parts: &[&[u8]]) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let path = format!("{}/{}", self.target, join(parts));
        match open(self.root, &path, flags) {
            Err(Errno::NOENT) => {}
            other => return Ok(other?),
        }
        for end in 1..=parts.len() {
            let path = format!("{}/{}", self.target, join(&parts[..end]));
            if let Err(Errno::NOENT) = open(self.root, &path, flags) {
                let above = open(
                    self.root,
                    &format!("{}/{}", self.target, join(&parts[..end - 1])),
                    flags,
                )?;
                mkdirat(&above, OsStr::from_bytes(parts[end - 1]), Mode::from_raw_mode(0o755))?;
            }
        }
        Ok(open(self.root, &path, flags)?)
    }

    /// Removes what is in an entry's way.
    fn clear(&self, parent: &OwnedFd, name: &CString, kind: Kind) -> Result<(), Errno> {
        let stat = match statat(parent.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error),
        };
        let present = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        match (present, kind == Kind::Directory) {
            (true, true) => Ok(()),
            (true, false) if self.options.no_overwrite_dir_non_dir => Err(Errno::ISDIR),
            (false, true) if self.options.no_overwrite_dir_non_dir => Err(Errno::NOTDIR),
            (true, false) => unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(|_| Errno::ISDIR),
            (false, _) => unlinkat(parent, name, AtFlags::empty()),
        }
    }
}

/// The components of a path of an archive; `None` if it goes up.
fn parts(path: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<_> =
        path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    (!parts.contains(&&b".."[..])).then_some(parts)
}

fn join(parts: &[&[u8]]) -> String {
    String::from_utf8_lossy(&parts.join(&b'/')).into_owned()
}

fn times(mtime: (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: mtime.0, tv_nsec: mtime.1.into() };
    Timestamps { last_access: time, last_modification: time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isopod_images::tar::Writer;

    fn archive(entries: &[(Entry, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (entry, data) in entries {
            let mut entry = entry.clone();
            entry.size = data.len() as u64;
            entry.stored = entry.size;
            if entry.kind == Kind::File {
                writer.copy(&entry, &mut &data[..]).expect("writes");
            } else {
                writer.header(&entry).expect("writes");
            }
        }
        writer.finish().expect("ends")
    }

    fn put(root: &std::path::Path, target: &str, bytes: &[u8]) -> Result<(), LayerError> {
        let fd = std::fs::File::open(root).expect("opens");
        unpack(fd.as_fd(), target, bytes, PutArchive { copy_owners: true, ..PutArchive::default() })
    }

    #[test]
    fn nothing_leaves_the_root() {
        let dir = tempfile::tempdir().expect("directory");
        let outside = dir.path().join("outside");
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("in")).expect("makes");
        std::fs::create_dir(&outside).expect("makes");
        std::os::unix::fs::symlink(&outside, root.join("in/link")).expect("links");
        let file = Entry::plain(b"../../outside/a", Kind::File, 0o644);
        assert!(put(&root, "in", &archive(&[(file, b"x")])).is_err());
        // The link leads to the same path within the root, which does not exist there.
        let through = Entry::plain(b"link/a", Kind::File, 0o644);
        let _ = put(&root, "in", &archive(&[(through, b"x")]));
        assert_eq!(std::fs::read_dir(&outside).expect("lists").count(), 0);
    }

    #[test]
    fn files_replace_files_and_come_back_packed() {
        let dir = tempfile::tempdir().expect("directory");
        std::fs::write(dir.path().join("a"), "old").expect("writes");
        let entries = [
            (Entry::plain(b"./a", Kind::File, 0o640), &b"new"[..]),
            (Entry::plain(b"d/e/f", Kind::File, 0o600), &b"deep"[..]),
            (Entry::plain(b"d", Kind::Directory, 0o700), &b""[..]),
        ];
        put(dir.path(), "", &archive(&entries)).expect("unpacks");
        assert_eq!(std::fs::read(dir.path().join("a")).expect("reads"), b"new");
        assert_eq!(std::fs::read(dir.path().join("d/e/f")).expect("reads"), b"deep");
        let root = std::fs::File::open(dir.path()).expect("opens");
        let mut packed = Vec::new();
        let what = super::super::Pack {
            parent: root.as_fd(),
            name: c"d",
            called: "renamed",
            one_mount: false,
        };
        super::super::pack(&what, &mut packed).expect("packs");
        let mut reader = Reader::new(&packed[..], &Limits::default().archive());
        let mut names = Vec::new();
        while let Some(entry) = reader.next_entry().expect("valid") {
            names.push(String::from_utf8(entry.path).expect("text"));
        }
        assert_eq!(names, ["renamed/", "renamed/e/", "renamed/e/f"]);
    }
}
