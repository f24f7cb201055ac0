//! Making archives, and copying files, of the names that are read.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Input, Result, read, write_all};
use isopod_tar::{Entry, Kind};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::format::{self, Format, Member, TRAILER, padded};
use super::{Options, lines, tell_blocks};
use crate::unpack::{FromReader, Unpacker, clean};

const BUFFER: usize = 256 << 10;

/// Adds bytes to the sum that the `crc` format has.
pub(super) fn sum(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, &byte| sum.wrapping_add(byte.into()))
}

/// Makes an archive.
pub(super) fn create(cx: &mut Context<'_>, options: &Options) -> Result<()> {
    let file = options.archive.as_ref().map(|name| cx.create(name)).transpose()?;
    cx.stdout.flush()?;
    let target = file.as_ref().map_or(cx.stdout.fd(), |file| file.as_fd());
    let names = names(cx, options)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let start = options.directory.as_ref();
    let start = start.map(|name| cx.open_with(name, flags, Mode::empty())).transpose()?;
    let at = start.as_ref().map_or(cx.dir, |start| start.as_fd());
    let mut output = Archive { target, buffer: Vec::with_capacity(BUFFER), written: 0 };
    let mut seen = HashSet::new();
    for name in names {
        if options.verbose {
            let line = [name.as_bytes(), b"\n"].concat();
            write_all(cx.stderr, &line).map_err(Error::Output)?;
        }
        let outcome = describe(at, &name, options).and_then(|(mut member, file)| {
            // The first name has the data.
            let again = member.links > 1 && !seen.insert(member.inode);
            if again && member.entry.kind == Kind::File {
                member.entry.stored = 0;
                return output.member(&name, &member, None, options.format);
            }
            if let (Format::Crc, Some(file)) = (options.format, &file) {
                member.checksum = Some(checksum(file, &name)?);
            }
            output.member(&name, &member, file.as_ref(), options.format)
        });
        cx.attempt(outcome)?;
    }
    let trailer = Member::new(Entry::plain(TRAILER, Kind::File, 0), (0, 0), 1);
    output.member(OsStr::new("TRAILER!!!"), &trailer, None, options.format)?;
    let left = output.written.next_multiple_of(512) - output.written;
    output.put(&vec![0; left as usize])?;
    output.flush()?;
    tell_blocks(cx, options, output.written)
}

/// Copies files into a directory.
pub(super) fn pass(cx: &mut Context<'_>, options: &Options) -> Result<()> {
    let [target] = &options.patterns[..] else {
        return Err(Error::usage("-p takes one DIR"));
    };
    let names = names(cx, options)?;
    let mut copying = Copying {
        unpacker: super::read::unpacker(cx, options, target)?,
        first: HashMap::new(),
        target: cx.open_with(target, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?,
    };
    for name in names {
        if options.verbose {
            let line = [target.as_bytes(), b"/", name.as_bytes(), b"\n"].concat();
            write_all(cx.stderr, &line).map_err(Error::Output)?;
        }
        let outcome = copying.one(cx, options, &name).map_err(|error| error.on(&name));
        for warning in copying.unpacker.warnings.drain(..) {
            cx.warn(&warning);
        }
        cx.attempt(outcome)?;
    }
    for error in copying.unpacker.finish() {
        cx.report(&error);
    }
    tell_blocks(cx, options, 0)
}

/// Files that are copied by `-p`.
struct Copying {
    unpacker: Unpacker,
    /// First names of files that have several.
    first: HashMap<(u64, u64), Vec<u8>>,
    target: OwnedFd,
}

impl Copying {
    fn one(&mut self, cx: &Context<'_>, options: &Options, name: &OsStr) -> Result<()> {
        let (mut member, file) = describe(cx.dir, name, options)?;
        let entry = &mut member.entry;
        let refused = || Error::Bytes([b"name with '..' skipped: ", name.as_bytes()].concat());
        entry.path = clean(&entry.path).ok_or_else(refused)?;
        if options.link && entry.kind == Kind::File {
            let path = OsStr::from_bytes(&entry.path);
            return rustix::fs::linkat(cx.dir, name, &self.target, path, AtFlags::empty())
                .map_err(|errno| Error::doing("can't link to", name, errno));
        }
        if member.links > 1 && entry.kind != Kind::Directory {
            if let Some(first) = self.first.get(&member.inode) {
                entry.kind = Kind::HardLink;
                entry.link.clone_from(first);
            } else {
                self.first.insert(member.inode, entry.path.clone());
            }
        }
        let mut source: Box<dyn Read> = match file {
            Some(file) => Box::new(Input::from(file)),
            None => Box::new(std::io::empty()),
        };
        self.unpacker.entry(entry, &mut FromReader::new(&mut source))
    }
}

fn names(cx: &Context<'_>, options: &Options) -> Result<Vec<OsString>> {
    let mut input = Input::from(cx.stdin);
    lines(&mut input, if options.null { 0 } else { b'\n' })
        .map_err(|error| error.on(OsStr::new("standard input")))
}

/// What an archive says about a file, and the file itself if it has data.
fn describe(
    at: BorrowedFd<'_>,
    name: &OsStr,
    options: &Options,
) -> Result<(Member, Option<OwnedFd>)> {
    let fail = |errno| Error::path(name, errno);
    let follow = if options.dereference { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    let status = rustix::fs::statat(at, name, follow).map_err(fail)?;
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::Char,
        FileType::BlockDevice => Kind::Block,
        FileType::Fifo => Kind::Fifo,
        _ => return Err(Error::about("socket ignored:", name)),
    };
    let size = if kind == Kind::File { u64::try_from(status.st_size).unwrap_or(0) } else { 0 };
    let mut entry = Entry {
        uid: options.owner.0.unwrap_or(status.st_uid),
        gid: options.owner.1.unwrap_or(status.st_gid),
        mtime: (status.st_mtime, 0),
        size,
        stored: size,
        ..Entry::plain(name.as_bytes(), kind, status.st_mode & 0o7777)
    };
    let mut file = None;
    match kind {
        Kind::File => {
            let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            if !options.dereference {
                flags |= OFlags::NOFOLLOW;
            }
            file = Some(rustix::fs::openat(at, name, flags, Mode::empty()).map_err(fail)?);
        }
        Kind::Symlink => {
            entry.link = rustix::fs::readlinkat(at, name, Vec::new()).map_err(fail)?.into_bytes();
        }
        Kind::Char | Kind::Block => {
            entry.device = (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev));
        }
        _ => {}
    }
    let links = if kind == Kind::Directory { 2 } else { status.st_nlink as u32 };
    Ok((Member::new(entry, (status.st_dev, status.st_ino), links), file))
}

/// The sum of a file's bytes; the file stands at its beginning again.
fn checksum(file: &OwnedFd, name: &OsStr) -> Result<u32> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        let count = read(file.as_fd(), &mut buffer).map_err(|error| Error::path(name, error))?;
        if count == 0 {
            break;
        }
        total = sum(total, &buffer[..count]);
    }
    rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0))
        .map_err(|errno| Error::path(name, errno))?;
    Ok(total)
}

/// The archive that is made.
struct Archive<'a> {
    target: BorrowedFd<'a>,
    buffer: Vec<u8>,
    written: u64,
}

impl Archive<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        self.written += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        write_all(self.target, &self.buffer).map_err(Error::Output)?;
        self.buffer.clear();
        Ok(())
    }

    fn member(
        &mut self,
        name: &OsStr,
        member: &Member,
        file: Option<&OwnedFd>,
        format: Format,
    ) -> Result<()> {
        let header = format::header(member, format)
            .map_err(|reason| Error::Bytes([name.as_bytes(), b": ", reason.as_bytes()].concat()))?;
        self.put(&header)?;
        let size = if member.entry.kind == Kind::Symlink {
            self.put(&member.entry.link)?;
            member.entry.link.len() as u64
        } else {
            member.entry.stored
        };
        let missing = match file {
            Some(file) if member.entry.stored > 0 => self.data(name, file, size)?,
            _ => 0,
        };
        let padding = padded(size, format) - size;
        self.put(&[0; 4][..padding as usize])?;
        if missing > 0 {
            let text = format!(": file shrank by {missing} bytes, padded with zeros");
            return Err(Error::Bytes([name.as_bytes(), text.as_bytes()].concat()));
        }
        Ok(())
    }

    /// Stores so many bytes of a file; those that are missing are zeros.
    fn data(&mut self, name: &OsStr, file: &OwnedFd, size: u64) -> Result<u64> {
        let mut left = size;
        let mut chunk = vec![0; BUFFER.min(usize::try_from(size).unwrap_or(BUFFER))];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(BUFFER).min(chunk.len());
            let count = read(file.as_fd(), &mut chunk[..wanted])
                .map_err(|error| Error::path(name, error))?;
            if count == 0 {
                break;
            }
            self.put(&chunk[..count])?;
            left -= count as u64;
        }
        let missing = left;
        chunk.fill(0);
        while left > 0 {
            let step = left.min(chunk.len() as u64);
            self.put(&chunk[..step as usize])?;
            left -= step;
        }
        Ok(missing)
    }
}
