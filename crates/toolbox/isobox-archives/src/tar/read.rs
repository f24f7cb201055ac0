//! Listing and unpacking.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Input, Result, mode, users, write_all};
use isopod_tar::{Entry, Kind, Limits, Reader};
use rustix::fs::{FileType, Mode, OFlags};

use super::names::{Wanted, strip};
use super::options::{Action, Options};
use super::{archive_error, directory};
use crate::codec::Codec;
use crate::listing;
use crate::unpack::{Policy, Source, Unpacker, clean};

/// Lists or unpacks what is wanted of an archive.
pub(super) fn read(cx: &mut Context<'_>, options: &Options) -> Result<()> {
    let input = match &options.archive {
        Some(name) => cx.open_file(name)?,
        None => Input::from(cx.stdin),
    };
    let (archive, must_drain) = open(input, options.codec)
        .map_err(|error| archive_error(options, isopod_tar::Error::Io(error)))?;
    read_stream(cx, options, archive, must_drain)
}

/// The same for an archive that is open already.
pub(crate) fn read_stream(
    cx: &mut Context<'_>,
    options: &Options,
    archive: Archive<'_>,
    must_drain: bool,
) -> Result<()> {
    let mut reader =
        Reader::new(archive, &Limits::default()).with_global_headers().skipping_by(Archive::skip);
    if options.ignore_zeros {
        reader = reader.ignoring_zeros();
    }
    let names = options.operands.iter().map(|operand| operand.name.as_bytes().to_vec());
    let mut wanted = Wanted::new(names, options.wildcards, options.recursive);
    let mut unpacking = match options.action {
        Action::Extract if !options.to_stdout => Some(Unpacking::new(cx, options)?),
        _ => None,
    };
    let walked = walk(cx, options, &mut reader, &mut wanted, unpacking.as_mut());
    // Whatever happened: directories get their attributes.
    for error in unpacking.map(|unpacking| unpacking.unpacker.finish()).unwrap_or_default() {
        cx.report(&error);
    }
    walked?;
    // Whoever writes to a pipe need not die of it, and checksums stand at the end.
    if must_drain {
        reader.drain().map_err(|error| archive_error(options, error))?;
    }
    for name in wanted.missing() {
        cx.report(&Error::Bytes([name, b": not found in archive"].concat()));
    }
    Ok(())
}

fn walk(
    cx: &mut Context<'_>,
    options: &Options,
    reader: &mut Reader<Archive<'_>>,
    wanted: &mut Wanted,
    mut unpacking: Option<&mut Unpacking>,
) -> Result<()> {
    while let Some(mut entry) = reader.next_entry().map_err(|e| archive_error(options, e))? {
        if entry.kind == Kind::Other(b'D') {
            // A directory with a list of its content, for incremental archives.
            entry.kind = Kind::Directory;
        }
        if !wanted.has(&entry.path) || options.excluded.has(&entry.path) {
            continue;
        }
        if options.action == Action::List {
            tell(cx, options, &entry, 1)?;
            continue;
        }
        if !rename(options, &mut entry)? {
            continue;
        }
        if options.verbose > 0 {
            tell(cx, options, &entry, 2)?;
        }
        let outcome = match &mut unpacking {
            Some(unpacking) => unpacking.entry(cx, options, entry, &mut Data(reader)),
            None => to_stdout(cx, &entry, &mut Data(reader)),
        };
        match outcome {
            Err(Error::Read(error)) => {
                return Err(archive_error(options, isopod_tar::Error::Io(error)));
            }
            other => cx.attempt(other)?,
        };
    }
    Ok(())
}

/// Prints a member: all about it from `long` times `-v` on.
fn tell(cx: &mut Context<'_>, options: &Options, entry: &Entry, long: u8) -> Result<()> {
    let line = if options.verbose >= long {
        listing::line(entry, options.numeric_owner)
    } else {
        [&entry.path[..], b"\n"].concat()
    };
    if options.to_stdout {
        cx.stdout.flush()?;
        return write_all(cx.stderr, &line).map_err(Error::Output);
    }
    cx.stdout.put(&line)
}

/// Gives an entry the name that it is unpacked under; false if nothing is left of it.
fn rename(options: &Options, entry: &mut Entry) -> Result<bool> {
    for transform in &options.transforms {
        entry.path = transform.apply(&entry.path)?;
        if entry.kind == Kind::HardLink {
            entry.link = transform.apply(&entry.link)?;
        }
    }
    let Some(path) = strip(&entry.path, options.strip) else { return Ok(false) };
    entry.path = path.to_vec();
    if entry.kind == Kind::HardLink {
        let Some(link) = strip(&entry.link, options.strip) else { return Ok(false) };
        entry.link = link.to_vec();
    }
    Ok(true)
}

fn to_stdout(cx: &mut Context<'_>, entry: &Entry, data: &mut dyn Source) -> Result<()> {
    if entry.kind != Kind::File {
        return Ok(());
    }
    let whole = [isopod_tar::Piece { offset: 0, length: entry.size }];
    let mut at = 0;
    for piece in entry.sparse.as_deref().unwrap_or(&whole) {
        zeros(cx, piece.offset - at)?;
        at = piece.offset + piece.length;
        let mut left = piece.length;
        while left > 0 {
            let chunk = data.chunk(left).map_err(Error::Read)?;
            if chunk.is_empty() {
                break;
            }
            left -= chunk.len() as u64;
            cx.stdout.put(chunk)?;
        }
    }
    zeros(cx, entry.size.saturating_sub(at))
}

fn zeros(cx: &mut Context<'_>, mut count: u64) -> Result<()> {
    let block = [0; 4096];
    while count > 0 {
        let step = count.min(block.len() as u64);
        cx.stdout.put(&block[..step as usize])?;
        count -= step;
    }
    Ok(())
}

/// What unpacking keeps.
struct Unpacking {
    unpacker: Unpacker,
    owners: bool,
    uids: HashMap<Vec<u8>, Option<u32>>,
    gids: HashMap<Vec<u8>, Option<u32>>,
    told_of_slash: bool,
}

impl Unpacking {
    fn new(cx: &Context<'_>, options: &Options) -> Result<Self> {
        let root = directory(cx, &options.directories)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(root.as_fd(), ".", flags, Mode::empty())
            .map_err(|errno| Error::path(".", errno))?;
        let privileged = rustix::process::geteuid().is_root();
        let owners = options.same_owner.unwrap_or(privileged);
        let policy = Policy {
            existing: options.existing,
            owners,
            permissions: options.same_permissions.unwrap_or(privileged),
            times: !options.touch,
            xattrs: options.xattrs,
            umask: mode::umask(),
            anywhere: options.absolute,
            no_parents: false,
        };
        Ok(Self {
            unpacker: Unpacker::new(root, policy),
            owners,
            uids: HashMap::new(),
            gids: HashMap::new(),
            told_of_slash: false,
        })
    }

    fn entry(
        &mut self,
        cx: &mut Context<'_>,
        options: &Options,
        mut entry: Entry,
        data: &mut dyn Source,
    ) -> Result<()> {
        if options.absolute {
            let end = entry.path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
            entry.path.truncate(end);
        } else {
            if entry.path.starts_with(b"/") && !self.told_of_slash {
                self.told_of_slash = true;
                cx.warn(&Error::message("removing leading '/' from member names"));
            }
            let inside = |path: &[u8]| {
                let refused =
                    || Error::Bytes([b"name with '..' skipped (see -P): ", path].concat());
                clean(path).ok_or_else(refused)
            };
            entry.path = inside(&entry.path)?;
            if entry.kind == Kind::HardLink {
                entry.link = inside(&entry.link)?;
            }
        }
        if let Kind::Other(flag) = entry.kind {
            let phrase = format!(
                "unknown file type '{}', unpacked as a file: ",
                char::from(flag).escape_default()
            );
            cx.warn(&Error::Bytes([phrase.as_bytes(), &entry.path].concat()));
            entry.kind = Kind::File;
        }
        if self.owners && !options.numeric_owner {
            entry.uid = named(&mut self.uids, &entry.uname, users::uid_of).unwrap_or(entry.uid);
            entry.gid = named(&mut self.gids, &entry.gname, users::gid_of).unwrap_or(entry.gid);
        }
        let outcome = self.unpacker.entry(&entry, data);
        for warning in self.unpacker.warnings.drain(..) {
            cx.warn(&warning);
        }
        outcome
    }
}

/// The number that a name has on this machine.
fn named(
    known: &mut HashMap<Vec<u8>, Option<u32>>,
    name: &[u8],
    find: fn(&str) -> Option<u32>,
) -> Option<u32> {
    // A name that is a number is none.
    let text = std::str::from_utf8(name).ok()?;
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit() || c == '+') {
        return None;
    }
    *known.entry(name.to_vec()).or_insert_with(|| find(text))
}

/// The data of a reader's present entry.
struct Data<'r, 'a>(&'r mut Reader<Archive<'a>>);

impl Source for Data<'_, '_> {
    fn chunk(&mut self, limit: u64) -> io::Result<&[u8]> {
        self.0.data_up_to(limit).map_err(|error| match error {
            isopod_tar::Error::Io(source) => source,
            other => io::Error::other(other.to_string()),
        })
    }
}

/// The bytes of an archive.
pub(crate) enum Archive<'a> {
    Plain(Input<'a>),
    Packed(Box<dyn Read + 'a>),
}

impl Read for Archive<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(target),
            Self::Packed(reader) => reader.read(target),
        }
    }
}

impl Archive<'_> {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        match self {
            Self::Plain(input) => input.skip(count),
            Self::Packed(_) => Ok(0),
        }
    }
}

/// Opens an archive, decompressed; tells whether it has to be read to its end.
pub(super) fn open(mut input: Input<'_>, codec: Option<Codec>) -> io::Result<(Archive<'_>, bool)> {
    let head = input.peek(512)?;
    // Some compression's magic number is also a name.
    let is_tar = head.get(257..262) == Some(b"ustar");
    let detected = if is_tar { None } else { Codec::detect(head) };
    if let Some(codec) = codec.or(detected) {
        return Ok((Archive::Packed(codec.reader(input)?), true));
    }
    let regular = rustix::fs::fstat(&input)
        .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::RegularFile);
    Ok((Archive::Plain(input), !regular))
}

/// The archive's own name for messages about it.
pub(super) fn archive_name(options: &Options) -> &OsStr {
    options.archive.as_deref().unwrap_or(OsStr::new("-"))
}
