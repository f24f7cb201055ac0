//! Making and extending archives.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io::{self, BufWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::users::Names;
use isobox_applet::{Context, Error, Input, Result, read, tree, write_all};
use isopod_tar::{Entry, Format, Kind, Limits, Reader, Writer};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::names::{strip, unsafe_prefix};
use super::options::{Action, Options};
use super::read::{archive_name, open};
use super::{ArchiveFile, archive_error, directory, sparse};
use crate::codec::{Finish, Plain};
use crate::listing;

const BUFFER: usize = 256 << 10;

/// Directories within each other that are entered.
const DEPTH: usize = 2048;

/// Makes an archive.
pub(super) fn create(cx: &mut Context<'_>, options: &Options) -> Result<()> {
    if options.operands.is_empty() {
        return Err(Error::usage("no files to make an archive of"));
    }
    let file = options.archive.as_ref().map(|name| cx.create(name)).transpose()?;
    cx.stdout.flush()?;
    let target = file.as_ref().map_or(cx.stdout.fd(), |file| file.as_fd());
    pack_into(cx, options, target)
}

/// Makes an archive at the present position of an open file.
pub(crate) fn pack_into(
    cx: &mut Context<'_>,
    options: &Options,
    target: BorrowedFd<'_>,
) -> Result<()> {
    Packer::new(options, target, 0, HashMap::new())?.pack(cx)
}

/// Appends to an archive, everything or what is newer there.
pub(super) fn append(cx: &mut Context<'_>, options: &Options) -> Result<()> {
    let Some(name) = &options.archive else {
        return Err(Error::usage("an archive to extend is named by -f"));
    };
    let flags = OFlags::RDWR | OFlags::CREATE;
    let file = cx.open_with(name, flags, Mode::from_raw_mode(0o666))?;
    let fail = |error: io::Error| Error::path(name, error);
    let input = Input::from(file.try_clone().map_err(fail)?);
    let (archive, is_packed) = open(input, options.codec).map_err(fail)?;
    if is_packed {
        return Err(Error::message("compressed archives cannot be extended"));
    }
    let mut reader = Reader::new(archive, &Limits::default()).with_global_headers();
    let mut times = HashMap::new();
    while let Some(entry) = reader.next_entry().map_err(|e| archive_error(options, e))? {
        if options.action == Action::Update {
            times.insert(entry.path, entry.mtime.0);
        }
    }
    let end = reader.end_of_entries();
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(end)).map_err(|e| fail(e.into()))?;
    Packer::new(options, file.as_fd(), end, times)?.pack(cx)
}

type Target<'a> = BufWriter<Box<dyn Finish + 'a>>;

struct Packer<'a> {
    options: &'a Options,
    writer: Writer<Target<'a>>,
    format: Format,
    /// First names of files that have several.
    links: HashMap<(u64, u64), Vec<u8>>,
    /// What is in an archive that is updated.
    times: HashMap<Vec<u8>, i64>,
    owners: Names,
    /// Names by number, so that the files are read once.
    known: HashMap<(bool, u32), Vec<u8>>,
    /// The archive itself, which is not stored in itself.
    archive: (u64, u64),
    to_stdout: bool,
    /// Prefixes that were removed from names, once each.
    told: HashSet<Vec<u8>>,
    /// Directories that are being walked.
    above: Vec<(u64, u64)>,
    buffer: Vec<u8>,
}

impl<'a> Packer<'a> {
    fn new(
        options: &'a Options,
        target: BorrowedFd<'a>,
        continuing: u64,
        times: HashMap<Vec<u8>, i64>,
    ) -> Result<Self> {
        let status =
            rustix::fs::fstat(target).map_err(|errno| Error::path(archive_name(options), errno))?;
        let file = ArchiveFile(target);
        let packed: Box<dyn Finish + 'a> = match options.codec {
            None => Box::new(Plain(file)),
            Some(codec) => codec.writer(Box::new(file), options.level).map_err(Error::Output)?,
        };
        let usual = if options.xattrs { Format::Pax } else { Format::Gnu };
        let format = options.format.unwrap_or(usual);
        let output = BufWriter::with_capacity(BUFFER, packed);
        Ok(Self {
            options,
            writer: Writer::with_format(output, format).continuing(continuing),
            format,
            links: HashMap::new(),
            times,
            owners: Names::default(),
            known: HashMap::new(),
            archive: (status.st_dev, status.st_ino),
            to_stdout: options.archive.is_none(),
            told: HashSet::new(),
            above: Vec::new(),
            buffer: vec![0; BUFFER],
        })
    }

    fn pack(mut self, cx: &mut Context<'_>) -> Result<()> {
        tree::allow_deep_trees();
        let options = self.options;
        let mut present = (usize::MAX, None);
        for operand in &options.operands {
            if present.0 != operand.directories || present.1.is_none() {
                let count = operand.directories.min(options.directories.len());
                let opened = directory(cx, &options.directories[..count])?;
                present = (operand.directories, Some(opened));
            }
            let Some(at) = &present.1 else { continue };
            let name = operand.name.as_bytes();
            let end = name.iter().rposition(|&byte| byte != b'/').map_or(1, |last| last + 1);
            let name = &name[..end.min(name.len())];
            let outcome = self.member(cx, at.as_fd(), OsStr::from_bytes(name), name, None);
            cx.attempt(outcome)?;
        }
        let output = self.writer.finish_record(options.record_blocks).map_err(Error::Output)?;
        let packed = output.into_inner().map_err(|error| Error::Output(error.into_error()))?;
        packed.finish().map_err(Error::Output)
    }

    /// One file, and all below it. `path` is its name for people.
    fn member(
        &mut self,
        cx: &mut Context<'_>,
        at: BorrowedFd<'_>,
        name: &OsStr,
        path: &[u8],
        device: Option<u64>,
    ) -> Result<()> {
        if self.options.excluded.has(path) {
            return Ok(());
        }
        let fail = |errno: Errno| Error::path(OsStr::from_bytes(path), errno);
        let follow =
            if self.options.dereference { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let status = rustix::fs::statat(at, name, follow).map_err(fail)?;
        if (status.st_dev, status.st_ino) == self.archive {
            cx.warn(&Error::Bytes([path, b": file is the archive, skipped"].concat()));
            return Ok(());
        }
        let Some(kind) = kind(&status) else {
            cx.warn(&Error::Bytes([path, b": socket ignored"].concat()));
            return Ok(());
        };
        let Some(stored) = self.stored_name(cx, path)? else {
            // Nothing is left of this name, but may be of those below.
            return match kind {
                Kind::Directory => self.below(cx, at, name, path, &status, device),
                _ => Ok(()),
            };
        };
        let mut entry = self.describe(&stored, kind, &status);
        if kind == Kind::Directory && !entry.path.ends_with(b"/") {
            entry.path.push(b'/');
        }
        if self.times.get(&entry.path).is_some_and(|&time| time >= status.st_mtime) {
            return match kind {
                Kind::Directory => self.below(cx, at, name, path, &status, device),
                _ => Ok(()),
            };
        }
        if kind != Kind::Directory && status.st_nlink > 1 && !self.options.hard_dereference {
            if let Some(first) = self.links.get(&(status.st_dev, status.st_ino)) {
                entry.kind = Kind::HardLink;
                entry.link.clone_from(first);
                entry.size = 0;
                self.tell(cx, &entry)?;
                return self.header(&entry, path);
            }
            self.links.insert((status.st_dev, status.st_ino), entry.path.clone());
        }
        if self.options.xattrs {
            entry.xattrs = attributes(at, name).map_err(fail)?;
        }
        match kind {
            Kind::File => return self.file(cx, at, name, path, entry),
            Kind::Symlink => {
                entry.link =
                    rustix::fs::readlinkat(at, name, Vec::new()).map_err(fail)?.into_bytes();
            }
            _ => {}
        }
        self.tell(cx, &entry)?;
        self.header(&entry, path)?;
        if kind == Kind::Directory {
            self.below(cx, at, name, path, &status, device)?;
        }
        Ok(())
    }

    /// What is in a directory.
    fn below(
        &mut self,
        cx: &mut Context<'_>,
        at: BorrowedFd<'_>,
        name: &OsStr,
        path: &[u8],
        status: &Stat,
        device: Option<u64>,
    ) -> Result<()> {
        let other_file_system = device.is_some_and(|device| device != status.st_dev);
        if !self.options.recursive || self.options.one_file_system && other_file_system {
            return Ok(());
        }
        let fail = |errno: Errno| Error::path(OsStr::from_bytes(path), errno);
        let id = (status.st_dev, status.st_ino);
        if self.above.contains(&id) || self.above.len() >= DEPTH {
            return Err(fail(Errno::LOOP));
        }
        let opened = tree::open(at, name, self.options.dereference).map_err(fail)?;
        let mut entries = tree::entries(&opened).map_err(fail)?;
        if self.options.sorted {
            entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        }
        self.above.push(id);
        for entry in entries {
            let child = tree::join(OsStr::from_bytes(path), &entry.name);
            let below = self.member(
                cx,
                opened.as_fd(),
                &entry.name,
                child.as_bytes(),
                Some(device.unwrap_or(status.st_dev)),
            );
            cx.attempt(below)?;
        }
        self.above.pop();
        Ok(())
    }

    fn file(
        &mut self,
        cx: &mut Context<'_>,
        at: BorrowedFd<'_>,
        name: &OsStr,
        path: &[u8],
        mut entry: Entry,
    ) -> Result<()> {
        let fail = |errno: Errno| Error::path(OsStr::from_bytes(path), errno);
        let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        if !self.options.dereference {
            flags |= OFlags::NOFOLLOW;
        }
        let file = rustix::fs::openat(at, name, flags, Mode::empty()).map_err(fail)?;
        let sparse = if self.options.sparse { sparse::pieces(&file, entry.size) } else { None };
        entry.stored = entry.size;
        self.tell(cx, &entry)?;
        let missing = match sparse {
            Some(pieces) => {
                entry.sparse = Some(pieces.clone());
                entry.stored = pieces.iter().map(|piece| piece.length).sum();
                self.header(&entry, path)?;
                let mut missing = 0;
                for piece in pieces {
                    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(piece.offset))
                        .map_err(fail)?;
                    missing += self.data(cx, &file, path, piece.length)?;
                }
                missing
            }
            None => {
                self.header(&entry, path)?;
                self.data(cx, &file, path, entry.size)?
            }
        };
        self.writer.end_data().map_err(Error::Output)?;
        if missing > 0 {
            let text = format!(": file shrank by {missing} bytes, padded with zeros");
            cx.report(&Error::Bytes([path, text.as_bytes()].concat()));
        }
        Ok(())
    }

    /// Stores so many bytes of a file, whatever happens to it: those that are missing are zeros.
    fn data(
        &mut self,
        cx: &mut Context<'_>,
        file: &OwnedFd,
        path: &[u8],
        mut left: u64,
    ) -> Result<u64> {
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            let count = match read(file.as_fd(), &mut self.buffer[..wanted]) {
                Ok(count) => count,
                Err(error) => {
                    cx.report(&Error::path(OsStr::from_bytes(path), error));
                    0
                }
            };
            if count == 0 {
                let missing = left;
                self.buffer.fill(0);
                while left > 0 {
                    let step = left.min(BUFFER as u64);
                    self.writer.data(&self.buffer[..step as usize]).map_err(Error::Output)?;
                    left -= step;
                }
                return Ok(missing);
            }
            self.writer.data(&self.buffer[..count]).map_err(Error::Output)?;
            left -= count as u64;
        }
        Ok(0)
    }

    fn header(&mut self, entry: &Entry, path: &[u8]) -> Result<()> {
        self.writer.header(entry).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Error::path(OsStr::from_bytes(path), error),
            _ => Error::Output(error),
        })
    }

    /// The name that the archive has for a path; nothing if nothing is left of it.
    fn stored_name(&mut self, cx: &mut Context<'_>, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut stored = path.to_vec();
        if !self.options.absolute {
            let (prefix, rest) = path.split_at(unsafe_prefix(path));
            if !prefix.is_empty() && self.told.insert(prefix.to_vec()) {
                let words = [b"removing leading '", prefix, b"' from member names"].concat();
                cx.warn(&Error::Bytes(words));
            }
            stored = rest.to_vec();
            if stored.is_empty() {
                stored = b"./".to_vec();
            }
        }
        for transform in &self.options.transforms {
            stored = transform.apply(&stored)?;
        }
        Ok(strip(&stored, self.options.strip).map(<[u8]>::to_vec))
    }

    fn describe(&mut self, path: &[u8], kind: Kind, status: &Stat) -> Entry {
        let options = self.options;
        let is_directory = kind == Kind::Directory;
        let mode = status.st_mode & 0o7777;
        let nanoseconds = if self.format == Format::Pax { status.st_mtime_nsec as u32 } else { 0 };
        let mut mtime = (status.st_mtime, nanoseconds);
        if let Some(given) = options.mtime
            && (!options.clamp_mtime || mtime > given)
        {
            mtime = given;
        }
        let (uname, uid) = match &options.owner {
            Some((name, id)) => (name.clone().into_bytes(), *id),
            None => (self.name(true, status.st_uid), status.st_uid),
        };
        let (gname, gid) = match &options.group {
            Some((name, id)) => (name.clone().into_bytes(), *id),
            None => (self.name(false, status.st_gid), status.st_gid),
        };
        let (uname, gname) =
            if options.numeric_owner { (Vec::new(), Vec::new()) } else { (uname, gname) };
        Entry {
            uid,
            gid,
            uname,
            gname,
            mtime,
            size: if kind == Kind::File { u64::try_from(status.st_size).unwrap_or(0) } else { 0 },
            device: match kind {
                Kind::Char | Kind::Block => {
                    (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev))
                }
                _ => (0, 0),
            },
            ..Entry::plain(
                path,
                kind,
                options.mode.as_ref().map_or(mode, |change| change.apply(mode, is_directory, 0)),
            )
        }
    }

    fn name(&mut self, of_user: bool, id: u32) -> Vec<u8> {
        let owners = &mut self.owners;
        let known = self.known.entry((of_user, id)).or_insert_with(|| {
            let name = if of_user { owners.known_user(id) } else { owners.known_group(id) };
            name.unwrap_or_default().into_bytes()
        });
        known.clone()
    }

    fn tell(&mut self, cx: &mut Context<'_>, entry: &Entry) -> Result<()> {
        if self.options.verbose == 0 {
            return Ok(());
        }
        let line = if self.options.verbose > 1 {
            listing::line(entry, self.options.numeric_owner)
        } else {
            [&entry.path[..], b"\n"].concat()
        };
        if self.to_stdout {
            return write_all(cx.stderr, &line).map_err(Error::Output);
        }
        cx.stdout.put(&line)
    }
}

fn kind(status: &Stat) -> Option<Kind> {
    Some(match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::Char,
        FileType::BlockDevice => Kind::Block,
        FileType::Fifo => Kind::Fifo,
        // A socket means nothing without the process that listens.
        _ => return None,
    })
}

/// The largest list of attributes, and the largest attribute, that the kernel hands out.
const ATTRIBUTE_BYTES: usize = 64 << 10;

/// Names and values of extended attributes.
type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// All extended attributes of a name, which is not followed.
fn attributes(at: BorrowedFd<'_>, name: &OsStr) -> Result<Attributes, Errno> {
    let path = if name.as_bytes().starts_with(b"/") || at.as_raw_fd() < 0 {
        name.as_bytes().to_vec()
    } else {
        [format!("/proc/self/fd/{}/", at.as_raw_fd()).as_bytes(), name.as_bytes()].concat()
    };
    let mut names = vec![0; ATTRIBUTE_BYTES];
    let length = match rustix::fs::llistxattr(&path[..], &mut names[..]) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(errno) => return Err(errno),
    };
    let mut found = Vec::new();
    let mut value = vec![0; ATTRIBUTE_BYTES];
    for key in names[..length].split(|&byte| byte == 0).filter(|key| !key.is_empty()) {
        if let Ok(length) = rustix::fs::lgetxattr(&path[..], key, &mut value[..]) {
            found.push((key.to_vec(), value[..length].to_vec()));
        }
    }
    found.sort();
    Ok(found)
}
