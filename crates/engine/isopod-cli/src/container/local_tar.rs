//! Tar archives of local files, both ways, for `cp`.
//!
//! Unpacking trusts nothing: no entry leaves the directory, and no symbolic link in it is
//! followed, whether the archive brought it or not.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use hyper::body::Incoming;
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use tar::EntryType;
use tokio::sync::mpsc;

use isopod_client::{Payload, next_piece};

/// Size of the pieces that an archive is sent in.
const PIECE: usize = 256 * 1024;

/// Deepest directory in an archive.
const DEPTH_MAX: usize = 512;

/// Packs a file or directory under a name, on a thread; also gives the count of bytes packed.
pub(super) fn pack(source: PathBuf, name: String) -> Result<(Payload, Arc<AtomicU64>)> {
    let (sender, receiver) = mpsc::channel(4);
    let size = Arc::new(AtomicU64::new(0));
    let counted = size.clone();
    std::thread::spawn(move || {
        let out = Pieces::new(sender.clone());
        let mut builder = tar::Builder::new(out);
        builder.follow_symlinks(false);
        let mut packer = Packer { builder, links: HashMap::new(), size: counted };
        let packed = packer
            .add(&source, Path::new(&name))
            .and_then(|()| packer.builder.into_inner())
            .and_then(|mut out| out.flush());
        if let Err(error) = packed {
            // The receiver is gone if the engine already refused.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Ok((Payload::Stream(receiver), size))
}

struct Packer {
    builder: tar::Builder<Pieces>,
    /// Names by device and inode of files that have several.
    links: HashMap<(u64, u64), PathBuf>,
    size: Arc<AtomicU64>,
}

impl Packer {
    fn add(&mut self, path: &Path, name: &Path) -> io::Result<()> {
        let at =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let data = path.symlink_metadata().map_err(at)?;
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&data);
        header.set_size(0);
        if data.is_dir() {
            self.builder.append_data(&mut header, name.join(""), io::empty()).map_err(at)?;
            let mut entries =
                std::fs::read_dir(path).map_err(at)?.collect::<io::Result<Vec<_>>>().map_err(at)?;
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                self.add(&entry.path(), &name.join(entry.file_name()))?;
            }
            return Ok(());
        }
        if data.is_symlink() {
            let target = std::fs::read_link(path).map_err(at)?;
            return self.builder.append_link(&mut header, name, target).map_err(at);
        }
        if data.file_type().is_socket() {
            return Ok(());
        }
        if data.nlink() > 1 {
            if let Some(first) = self.links.get(&(data.dev(), data.ino())) {
                header.set_entry_type(EntryType::Link);
                return self.builder.append_link(&mut header, name, first).map_err(at);
            }
            self.links.insert((data.dev(), data.ino()), name.to_owned());
        }
        if data.is_file() {
            self.size.fetch_add(data.len(), Ordering::Relaxed);
            header.set_size(data.len());
            let file = File::open(path).map_err(at)?;
            // A file that grows meanwhile is cut; one that shrinks is an error.
            return self.builder.append_data(&mut header, name, file.take(data.len())).map_err(at);
        }
        device(&mut header, &data);
        self.builder.append_data(&mut header, name, io::empty()).map_err(at)
    }
}

fn device(header: &mut tar::Header, data: &Metadata) {
    let device = data.rdev();
    // Cannot fail: a GNU header has these fields.
    let _ = header.set_device_major(rustix::fs::major(device));
    let _ = header.set_device_minor(rustix::fs::minor(device));
}

/// Sends what is written in pieces.
pub(crate) struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Pieces {
    /// Sends to `sender`; what is left goes with a flush.
    pub(crate) fn new(sender: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { sender, buffer: Vec::with_capacity(PIECE) }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.sender
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the engine hung up"))
    }
}

/// How to unpack an archive of one file or directory.
pub(crate) struct Unpack {
    /// Directory to unpack in.
    pub(crate) directory: PathBuf,
    /// The name that its entries begin with.
    pub(crate) packed_as: String,
    /// The name that they get instead.
    pub(crate) name: String,
}

/// Unpacks the body of a response; returns the bytes of its files.
pub(crate) async fn receive(mut body: Incoming, unpack: Unpack) -> Result<u64> {
    let (sender, receiver) = mpsc::channel::<Bytes>(4);
    let work = tokio::task::spawn_blocking(move || {
        unpack.run(Received { receiver, current: Bytes::new() })
    });
    loop {
        match next_piece(&mut body).await? {
            None => break,
            Some(piece) => {
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
        }
    }
    drop(sender);
    work.await.context("unpacking broke off")?
}

struct Received {
    receiver: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        buffer[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}

impl Unpack {
    fn run(&self, archive: impl Read) -> Result<u64> {
        let root = rustix::fs::open(
            &self.directory,
            OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .with_context(|| format!("open {}", self.directory.display()))?;
        let mut archive = tar::Archive::new(archive);
        let mut size = 0;
        // Times and modes of directories are set last, as their contents change them.
        let mut directories = vec![];
        for entry in archive.entries().context("read the archive")? {
            let mut entry = entry.context("read the archive")?;
            let packed = entry.path().context("read a name in the archive")?.into_owned();
            let path = self.renamed(&packed)?;
            size += self
                .entry(&root, &path, &mut entry, &mut directories)
                .with_context(|| format!("unpack {}", self.directory.join(&path).display()))?;
        }
        for (path, mode, time) in directories.into_iter().rev() {
            let directory = parent(&root, &path.join("x"))?.0;
            rustix::fs::fchmod(&directory, mode).context("set the mode of a directory")?;
            rustix::fs::futimens(&directory, &time).context("set the time of a directory")?;
        }
        Ok(size)
    }

    /// The path of an entry below the directory, under its new name.
    fn renamed(&self, packed: &Path) -> Result<PathBuf> {
        let mut parts = vec![];
        for component in packed.components() {
            match component {
                Component::Normal(part) => parts.push(part),
                Component::CurDir | Component::RootDir => {}
                _ => bail!("the archive has an entry outside of it: {}", packed.display()),
            }
        }
        if parts.len() > DEPTH_MAX {
            bail!("the archive has an entry of more than {DEPTH_MAX} levels");
        }
        let mut path = PathBuf::new();
        // Entries of "DIR/." have no common name to take off.
        if !matches!(self.packed_as.as_str(), "" | "." | "/") && !parts.is_empty() {
            parts.remove(0);
        }
        if !matches!(self.name.as_str(), "" | ".") {
            path.push(&self.name);
        }
        path.extend(parts);
        Ok(path)
    }

    fn entry<R: Read>(
        &self,
        root: &OwnedFd,
        path: &Path,
        entry: &mut tar::Entry<'_, R>,
        directories: &mut Vec<(PathBuf, Mode, Timestamps)>,
    ) -> Result<u64> {
        if path.as_os_str().is_empty() {
            return Ok(0);
        }
        let header = entry.header().clone();
        let mode = Mode::from_raw_mode(header.mode().context("read its mode")? & 0o7777);
        let time = times(&header)?;
        let (parent, name) = parent(root, path)?;
        match header.entry_type() {
            EntryType::Directory => {
                match rustix::fs::mkdirat(&parent, name, Mode::RWXU) {
                    Ok(()) => {}
                    Err(Errno::EXIST) => {
                        let data = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
                        if rustix::fs::FileType::from_raw_mode(data.st_mode)
                            != rustix::fs::FileType::Directory
                        {
                            bail!("cannot overwrite non-directory with directory");
                        }
                    }
                    Err(error) => return Err(error).context("make the directory"),
                }
                directories.push((path.to_owned(), mode, time));
                return Ok(0);
            }
            EntryType::XGlobalHeader => return Ok(0),
            _ => remove(&parent, name)?,
        }
        match header.entry_type() {
            EntryType::Symlink => {
                let target = link_name(entry)?;
                rustix::fs::symlinkat(&target, &parent, name).context("make the symbolic link")?;
            }
            EntryType::Link => {
                let target = self.renamed(&link_name(entry)?)?;
                let (directory, target) = self::parent(root, &target)?;
                rustix::fs::linkat(&directory, target, &parent, name, AtFlags::empty())
                    .context("make the hard link")?;
                return Ok(0);
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let file = rustix::fs::openat(&parent, name, flags, Mode::RUSR | Mode::WUSR)
                    .context("make the file")?;
                let mut file = File::from(file);
                let size = io::copy(entry, &mut file).context("write the file")?;
                let expected = entry.size();
                if size != expected {
                    bail!("the archive ends after {size} of the file's {expected} bytes");
                }
                rustix::fs::fchmod(&file, mode).context("set the file's mode")?;
                rustix::fs::futimens(&file, &time).context("set the file's time")?;
                return Ok(size);
            }
            EntryType::Fifo | EntryType::Char | EntryType::Block => {
                make_device(&parent, name, &header, mode)?;
            }
            other => bail!("an entry of a kind that is not known: {other:?}"),
        }
        // Of a symbolic link only the time can be set.
        let _ = rustix::fs::utimensat(&parent, name, &time, AtFlags::SYMLINK_NOFOLLOW);
        Ok(0)
    }
}

fn link_name<R: Read>(entry: &tar::Entry<'_, R>) -> Result<PathBuf> {
    entry
        .link_name()
        .context("read where it leads")?
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| anyhow!("a link that leads nowhere"))
}

fn make_device(parent: &OwnedFd, name: &Path, header: &tar::Header, mode: Mode) -> Result<()> {
    use rustix::fs::FileType;
    let kind = match header.entry_type() {
        EntryType::Fifo => FileType::Fifo,
        EntryType::Char => FileType::CharacterDevice,
        _ => FileType::BlockDevice,
    };
    let number = |part: io::Result<Option<u32>>| part.ok().flatten().unwrap_or(0);
    let device = rustix::fs::makedev(number(header.device_major()), number(header.device_minor()));
    rustix::fs::mknodat(parent, name, kind, mode, device).context("make the device or pipe")
}

fn times(header: &tar::Header) -> Result<Timestamps> {
    let seconds = i64::try_from(header.mtime().context("read its time")?).unwrap_or(0);
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Ok(Timestamps { last_access: time, last_modification: time })
}

/// Takes away what is in the way of a new file; a directory stays.
fn remove(parent: &OwnedFd, name: &Path) -> Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => bail!("cannot overwrite directory with non-directory"),
        Err(error) => Err(error).context("take away the old file"),
    }
}

/// Opens the directory that a path lies in, following no symbolic link, and gives the last part.
fn parent<'a>(root: &OwnedFd, path: &'a Path) -> Result<(OwnedFd, &'a Path)> {
    let mut directory = root.try_clone().context("share the directory")?;
    let name = path.file_name().map(Path::new).context("an entry without a name")?;
    for part in path.parent().into_iter().flat_map(Path::components) {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        directory = match rustix::fs::openat(&directory, part.as_os_str(), flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) => {
                rustix::fs::mkdirat(&directory, part.as_os_str(), Mode::from_raw_mode(0o755))
                    .context("make the directory above it")?;
                rustix::fs::openat(&directory, part.as_os_str(), flags, Mode::empty())
                    .context("open the directory above it")?
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                bail!("{} is no directory", Path::new(part.as_os_str()).display())
            }
            Err(error) => return Err(error).context("open the directory above it"),
        };
    }
    Ok((directory, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(vec![]);
        for (kind, name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o640);
            header.set_mtime(5);
            // By hand, as the crate refuses the names that matter here.
            header.as_gnu_mut().expect("gnu").name[..name.len()].copy_from_slice(name.as_bytes());
            let body = match kind {
                EntryType::Symlink | EntryType::Link => {
                    let link = &mut header.as_gnu_mut().expect("gnu").linkname;
                    link[..content.len()].copy_from_slice(content.as_bytes());
                    ""
                }
                _ => content,
            };
            header.set_size(body.len() as u64);
            header.set_cksum();
            builder.append(&header, body.as_bytes()).expect("packs");
        }
        builder.into_inner().expect("packs")
    }

    fn unpack(directory: &Path, entries: &[(EntryType, &str, &str)]) -> Result<u64> {
        let unpack = Unpack {
            directory: directory.to_owned(),
            packed_as: "a".to_owned(),
            name: "b".to_owned(),
        };
        unpack.run(archive(entries).as_slice())
    }

    #[test]
    fn a_tree_is_unpacked_under_its_new_name() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let size = unpack(
            dir.path(),
            &[
                (EntryType::Directory, "a/", ""),
                (EntryType::Regular, "a/x", "hello"),
                (EntryType::Link, "a/y", "a/x"),
                (EntryType::Symlink, "a/z", "/etc/passwd"),
            ],
        )
        .expect("unpacks");
        assert_eq!(size, 5);
        assert_eq!(std::fs::read(dir.path().join("b/y")).expect("reads"), b"hello");
        let data = dir.path().join("b/x").metadata().expect("is there");
        assert_eq!((data.mode() & 0o777, data.mtime(), data.nlink()), (0o640, 5, 2));
        assert!(dir.path().join("b/z").is_symlink());
    }

    #[test]
    fn nothing_leaves_the_directory() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let outside = tempfile::tempdir().expect("temporary directory");
        let target = outside.path().to_str().expect("utf-8");
        assert!(unpack(dir.path(), &[(EntryType::Regular, "a/../../x", "no")]).is_err());
        assert!(
            unpack(
                dir.path(),
                &[(EntryType::Symlink, "a/l", target), (EntryType::Regular, "a/l/x", "no")]
            )
            .is_err()
        );
        symlink(target, dir.path().join("b2")).expect("links");
        let through = Unpack {
            directory: dir.path().to_owned(),
            packed_as: "a".to_owned(),
            name: "b2".to_owned(),
        };
        assert!(through.run(archive(&[(EntryType::Regular, "a/x", "no")]).as_slice()).is_err());
        assert!(unpack(dir.path(), &[(EntryType::Link, "a/h", "../../etc/passwd")]).is_err());
        assert_eq!(std::fs::read_dir(outside.path()).expect("lists").count(), 0);
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let from = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(from.path().join("d")).expect("makes");
        std::fs::write(from.path().join("d/f"), "text").expect("writes");
        std::fs::hard_link(from.path().join("d/f"), from.path().join("d/g")).expect("links");
        symlink("f", from.path().join("d/l")).expect("links");
        let (body, size) = pack(from.path().to_owned(), "a".to_owned()).expect("packs");
        let Payload::Stream(mut receiver) = body else { panic!("a stream") };
        let mut bytes = vec![];
        while let Some(piece) = receiver.blocking_recv() {
            bytes.extend_from_slice(&piece.expect("packs"));
        }
        assert_eq!(size.load(Ordering::Relaxed), 4);
        let to = tempfile::tempdir().expect("temporary directory");
        let unpack = Unpack {
            directory: to.path().to_owned(),
            packed_as: "a".to_owned(),
            name: "b".to_owned(),
        };
        unpack.run(bytes.as_slice()).expect("unpacks");
        assert_eq!(std::fs::read_to_string(to.path().join("b/d/l")).expect("reads"), "text");
        assert_eq!(to.path().join("b/d/g").metadata().expect("is there").nlink(), 2);
    }
}
