//! Unpacking and listing.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::glob::{self, Flags};
use isobox_applet::{Context, Error, Input, Result, mode};
use isopod_tar::{Entry, Kind};
use rustix::fs::{Mode, OFlags};

use super::format::{self, Member};
use super::{Options, tell_blocks};
use crate::listing;
use crate::stream::Stream;
use crate::unpack::{Existing, Policy, Source, Unpacker, clean};

/// Names of one file that came without its data.
type Waiting = Vec<((u64, u64), Entry)>;

/// Lists or unpacks what matches.
pub(super) fn read(cx: &mut Context<'_>, options: &Options) -> Result<()> {
    let input = match &options.archive {
        Some(name) => cx.open_file(name)?,
        None => Input::from(cx.stdin),
    };
    let mut stream = Stream::new(input);
    let mut unpacker = if options.list {
        None
    } else {
        Some(unpacker(cx, options, options.directory.as_deref().unwrap_or(OsStr::new(".")))?)
    };
    // Where the data of a file with several names are, and names that wait for them.
    let mut linked: HashMap<(u64, u64), Vec<u8>> = HashMap::new();
    let mut waiting: Waiting = Vec::new();
    let outcome = loop {
        let mut member = match format::next(&mut stream) {
            Ok(Some(member)) => member,
            Ok(None) => break Ok(()),
            Err(error) => break Err(Error::Read(error)),
        };
        if wanted(options, &member.entry.path) {
            let done = match &mut unpacker {
                None => list(cx, options, &member.entry),
                Some(unpacker) => {
                    one(cx, options, unpacker, &mut stream, &mut member, &mut linked, &mut waiting)
                }
            };
            match done {
                Err(error @ Error::Read(_)) => break Err(error),
                other => cx.attempt(other)?,
            };
        }
        if let Err(error) = format::finish(&mut stream, &member) {
            break Err(Error::Read(error));
        }
    };
    if let Some(mut unpacker) = unpacker {
        for (inode, mut entry) in waiting {
            if let Some(first) = linked.get(&inode) {
                entry.kind = Kind::HardLink;
                entry.link.clone_from(first);
            } else {
                linked.insert(inode, entry.path.clone());
            }
            let made = unpacker.entry(&entry, &mut Stream::new(&b""[..]));
            cx.attempt(made)?;
        }
        for error in unpacker.finish() {
            cx.report(&error);
        }
    }
    let name = options.archive.as_deref().unwrap_or(OsStr::new("standard input"));
    outcome.map_err(|error: Error| error.on(name))?;
    tell_blocks(cx, options, stream.offset)
}

/// Makes files in a directory.
pub(super) fn unpacker(cx: &Context<'_>, options: &Options, name: &OsStr) -> Result<Unpacker> {
    let root = cx.open_with(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
    let given = options.owner != (None, None);
    let policy = Policy {
        existing: if options.unconditional { Existing::Replace } else { Existing::KeepNewer },
        owners: given || !options.own_files && rustix::process::geteuid().is_root(),
        permissions: true,
        times: options.times,
        xattrs: false,
        umask: mode::umask(),
        anywhere: options.absolute,
        no_parents: !options.make_directories,
    };
    Ok(Unpacker::new(root, policy))
}

fn wanted(options: &Options, path: &[u8]) -> bool {
    let matches =
        |pattern: &std::ffi::OsString| glob::matches(pattern.as_bytes(), path, Flags::default());
    options.patterns.is_empty() || options.patterns.iter().any(matches) != options.nonmatching
}

fn list(cx: &mut Context<'_>, options: &Options, entry: &Entry) -> Result<()> {
    let line = if options.verbose {
        listing::line(entry, true)
    } else {
        [&entry.path[..], b"\n"].concat()
    };
    cx.stdout.put(&line)
}

fn one(
    cx: &mut Context<'_>,
    options: &Options,
    unpacker: &mut Unpacker,
    stream: &mut Stream<Input<'_>>,
    member: &mut Member,
    linked: &mut HashMap<(u64, u64), Vec<u8>>,
    waiting: &mut Waiting,
) -> Result<()> {
    if options.verbose {
        cx.stdout.put(&[&member.entry.path[..], b"\n"].concat())?;
    }
    let entry = &mut member.entry;
    if !options.absolute {
        let refused = || Error::Bytes([b"name with '..' skipped: ", &entry.path[..]].concat());
        entry.path = clean(&entry.path).ok_or_else(refused)?;
    }
    entry.uid = options.owner.0.unwrap_or(entry.uid);
    entry.gid = options.owner.1.unwrap_or(entry.gid);
    let has_others = member.links > 1 && entry.kind == Kind::File;
    if has_others && entry.size == 0 {
        waiting.push((member.inode, entry.clone()));
        return Ok(());
    }
    if has_others {
        // Some writers store the data with every name.
        if let Some(first) = linked.get(&member.inode) {
            entry.kind = Kind::HardLink;
            entry.link.clone_from(first);
        } else {
            linked.insert(member.inode, entry.path.clone());
        }
    }
    let mut data = Summed { stream, sum: 0 };
    unpacker.entry(entry, &mut data)?;
    for warning in unpacker.warnings.drain(..) {
        cx.warn(&warning);
    }
    if let Some(expected) = member.checksum.filter(|_| entry.kind == Kind::File)
        && data.sum != expected
    {
        let text = format!(": checksum is {:#x}, expected {expected:#x}", data.sum);
        return Err(Error::Bytes([&entry.path[..], text.as_bytes()].concat()));
    }
    Ok(())
}

/// Adds up the bytes that go by.
struct Summed<'a, 'i> {
    stream: &'a mut Stream<Input<'i>>,
    sum: u32,
}

impl Source for Summed<'_, '_> {
    fn chunk(&mut self, limit: u64) -> io::Result<&[u8]> {
        let chunk = self.stream.chunk(limit)?;
        self.sum = super::pack::sum(self.sum, chunk);
        Ok(chunk)
    }
}
