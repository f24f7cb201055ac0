//! `ar`: archives of object files, and of Debian packages.

mod format;
mod replace;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::time::Civil;
use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status, mode, write_all};
use isopod_tar::{Entry, Kind};
use rustix::fs::{Mode, OFlags};

pub(crate) use format::{MAGIC, Member, Reader, header};

use crate::unpack::{Policy, Source, Unpacker};

/// `ar`
pub(crate) const AR: Applet = Applet::new(
    "ar",
    ar,
    "p|t|x|r|q|d[ovcuDU] ARCHIVE [FILE]...\n\n\
    Make, list, unpack or change ar archives\n\n\
    \tp\tPrint members\n\tt\tList\n\tx\tUnpack\n\
    \tr\tReplace or add FILEs\n\tq\tAdd FILEs at the end\n\td\tDelete members\n\
    \to\tRestore times\n\tv\tSay more\n\tc\tDo not say that the archive is new\n\
    \tu\tReplace only older members\n\
    \tD\tNo times and owners (default)\n\tU\tTimes and owners of the files",
);

const SPEC: Spec = Spec::new("ptxrqdovcuDUS", &[]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Print,
    List,
    Unpack,
    Replace,
    Append,
    Delete,
}

#[derive(Debug, Default)]
struct Options {
    action: Option<Action>,
    times: bool,
    verbose: bool,
    quiet_create: bool,
    newer: bool,
    owners: bool,
    names: Vec<OsString>,
}

fn ar(cx: &mut Context<'_>) -> Result<Status> {
    // The first word needs no dash.
    if let Some(first) = cx.args.first_mut()
        && !first.as_bytes().starts_with(b"-")
    {
        let mut dashed = OsString::from("-");
        dashed.push(&*first);
        *first = dashed;
    }
    let mut options = Options::default();
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        let action = match option {
            'p' => Action::Print,
            't' => Action::List,
            'x' => Action::Unpack,
            'r' => Action::Replace,
            'q' => Action::Append,
            'd' => Action::Delete,
            other => {
                match other {
                    'o' => options.times = true,
                    'v' => options.verbose = true,
                    'c' => options.quiet_create = true,
                    'u' => options.newer = true,
                    'U' => options.owners = true,
                    'D' => options.owners = false,
                    // No index of symbols: none is made anyway.
                    _ => {}
                }
                continue;
            }
        };
        if options.action.replace(action).is_some_and(|other| other != action) {
            return Err(Error::usage("only one of p, t, x, r, q, d can be done"));
        }
    }
    let mut operands = arguments.operands_between(1, usize::MAX)?;
    options.names = operands.split_off(1);
    let archive = operands.remove(0);
    match options.action {
        None => return Err(Error::usage("one of p, t, x, r, q, d is needed")),
        Some(Action::Print | Action::List | Action::Unpack) => read(cx, &options, &archive)?,
        Some(_) => replace::change(cx, &options, &archive)?,
    }
    Ok(cx.status())
}

/// Prints, lists or unpacks.
fn read(cx: &mut Context<'_>, options: &Options, archive: &OsString) -> Result<()> {
    let mut reader = Reader::new(cx.open_file(archive)?);
    let mut found = vec![false; options.names.len()];
    let mut unpacker = None;
    while let Some(member) = reader.next().map_err(|error| Error::path(archive, error))? {
        if !wanted(&options.names, &member.name, &mut found) {
            continue;
        }
        match options.action {
            Some(Action::List) => list(cx, options, &member)?,
            Some(Action::Print) => {
                if options.verbose {
                    cx.stdout.put(&[b"\n<", &member.name[..], b">\n\n"].concat())?;
                }
                print(cx, &mut reader).map_err(|error| error.on(archive))?;
            }
            _ => {
                if options.verbose {
                    cx.stdout.put(&[b"x - ", &member.name[..], b"\n"].concat())?;
                }
                let unpacker = match &mut unpacker {
                    Some(unpacker) => unpacker,
                    none => none.insert(new_unpacker(cx, options)?),
                };
                let outcome = unpack(unpacker, &member, &mut reader);
                cx.attempt(outcome.map_err(|error| error.on(archive)))?;
            }
        }
    }
    for error in unpacker.map(Unpacker::finish).unwrap_or_default() {
        cx.report(&error);
    }
    for (name, found) in options.names.iter().zip(found) {
        if !found {
            cx.report(&Error::Bytes([name.as_bytes(), b": not found in archive"].concat()));
        }
    }
    Ok(())
}

/// Whether a member is named, or all are meant.
fn wanted(names: &[OsString], member: &[u8], found: &mut [bool]) -> bool {
    let position = names.iter().position(|name| file_name(name.as_bytes()) == member);
    if let Some(position) = position {
        found[position] = true;
    }
    names.is_empty() || position.is_some()
}

/// The last part of a path: members have no directories.
fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

fn list(cx: &mut Context<'_>, options: &Options, member: &Member) -> Result<()> {
    if options.verbose {
        let permissions = mode::text(member.mode & 0o7777 | 0o100_000);
        let time = Civil::local(member.mtime, 0).format("%b %e %H:%M %Y");
        let (uid, gid, size) = (member.uid, member.gid, member.size);
        write!(cx.stdout, "{} {uid}/{gid} {size:>6} {time} ", &permissions[1..])?;
    }
    cx.stdout.put(&[&member.name[..], b"\n"].concat())
}

fn print(cx: &mut Context<'_>, reader: &mut Reader<Input<'_>>) -> Result<()> {
    loop {
        let chunk = reader.chunk(u64::MAX).map_err(Error::Read)?;
        if chunk.is_empty() {
            return Ok(());
        }
        cx.stdout.flush()?;
        write_all(cx.stdout.fd(), chunk).map_err(Error::Output)?;
    }
}

fn new_unpacker(cx: &Context<'_>, options: &Options) -> Result<Unpacker> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let root = cx.open_with(".".as_ref(), flags, Mode::empty())?;
    let policy = Policy { times: options.times, umask: mode::umask(), ..Policy::default() };
    Ok(Unpacker::new(root, policy))
}

fn unpack(unpacker: &mut Unpacker, member: &Member, reader: &mut Reader<Input<'_>>) -> Result<()> {
    if member.name.is_empty() || member.name.contains(&b'/') || member.name == b".." {
        let phrase = [b"not a fit name for a file: ", &member.name[..]].concat();
        return Err(Error::Bytes(phrase));
    }
    let entry = Entry {
        size: member.size,
        stored: member.size,
        mtime: (member.mtime, 0),
        ..Entry::plain(&member.name, Kind::File, member.mode & 0o7777)
    };
    unpacker.entry(&entry, reader)
}
