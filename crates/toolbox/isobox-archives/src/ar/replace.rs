//! Changing an archive: a new one is written beside it and takes its place.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::replace::Replacement;
use isobox_applet::{Context, Error, Input, Result, write_all};
use rustix::fs::{Mode, OFlags};

use super::{Action, MAGIC, Member, Options, Reader, file_name, header};
use crate::unpack::{FromReader, Source};

/// A member of the new archive, and where its data come from.
struct Planned {
    member: Member,
    from: From,
}

enum From {
    /// The old archive, in order.
    Old,
    File(OwnedFd),
}

/// Replaces, adds or deletes members.
pub(super) fn change(cx: &mut Context<'_>, options: &Options, archive: &OsString) -> Result<()> {
    let (old, is_new) = open(cx, options, archive)?;
    let mut plan = Vec::new();
    if !is_new {
        let mut reader = Reader::new(Input::from(clone(&old, archive)?));
        while let Some(member) = reader.next().map_err(|error| Error::path(archive, error))? {
            plan.push(Planned { member, from: From::Old });
        }
    }
    let mut dropped = vec![false; plan.len()];
    for name in &options.names {
        let outcome = plan_for(cx, options, name, &mut plan, &mut dropped);
        cx.attempt(outcome)?;
    }
    if cx.failed && options.action != Some(Action::Delete) {
        // A part of what was asked for is not what was asked for.
        return Ok(());
    }
    rustix::fs::seek(&old, rustix::fs::SeekFrom::Start(0))
        .map_err(|errno| Error::path(archive, errno))?;
    let replacement = Replacement::new(cx.dir, archive, old.as_fd())?;
    let mut reader = (!is_new).then(|| Reader::new(Input::from(old)));
    write(&replacement, archive, plan, &dropped, reader.as_mut())?;
    replacement.commit()
}

fn clone(file: &OwnedFd, name: &OsStr) -> Result<OwnedFd> {
    file.try_clone().map_err(|error| Error::path(name, error))
}

/// The archive as it is; a new one is empty.
fn open(cx: &mut Context<'_>, options: &Options, archive: &OsStr) -> Result<(OwnedFd, bool)> {
    match cx.open_with(archive, OFlags::RDONLY, Mode::empty()) {
        Ok(file) => {
            let status = rustix::fs::fstat(&file).map_err(|errno| Error::path(archive, errno))?;
            Ok((file, status.st_size == 0))
        }
        Err(Error::Path { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound
                && options.action != Some(Action::Delete) =>
        {
            if !options.quiet_create {
                cx.warn(&Error::Bytes([b"creating ", archive.as_bytes()].concat()));
            }
            let flags = OFlags::RDWR | OFlags::CREATE;
            Ok((cx.open_with(archive, flags, Mode::from_raw_mode(0o666))?, true))
        }
        Err(error) => Err(error),
    }
}

fn plan_for(
    cx: &mut Context<'_>,
    options: &Options,
    name: &OsStr,
    plan: &mut Vec<Planned>,
    dropped: &mut Vec<bool>,
) -> Result<()> {
    let base = file_name(name.as_bytes());
    let present = plan
        .iter()
        .zip(&*dropped)
        .position(|(planned, dropped)| planned.member.name == base && !dropped);
    let tell = |cx: &mut Context<'_>, verb: &str| {
        if options.verbose {
            cx.stdout.put(&[verb.as_bytes(), b" - ", base, b"\n"].concat())?;
        }
        Ok::<_, Error>(())
    };
    if options.action == Some(Action::Delete) {
        if let Some(index) = present {
            dropped[index] = true;
            tell(cx, "d")?;
        }
        return Ok(());
    }
    let file = cx.open_with(name, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty())?;
    let status = rustix::fs::fstat(&file).map_err(|errno| Error::path(name, errno))?;
    let keeps = options.owners;
    let member = Member {
        name: base.to_vec(),
        mtime: if keeps { status.st_mtime } else { 0 },
        uid: if keeps { status.st_uid } else { 0 },
        gid: if keeps { status.st_gid } else { 0 },
        mode: if keeps { status.st_mode } else { 0o100_644 },
        size: u64::try_from(status.st_size).unwrap_or(0),
    };
    let planned = Planned { member, from: From::File(file) };
    match present.filter(|_| options.action == Some(Action::Replace)) {
        Some(index) => {
            if options.newer && plan[index].member.mtime >= status.st_mtime {
                return Ok(());
            }
            tell(cx, "r")?;
            // The old data are still passed over in their turn.
            if matches!(plan[index].from, From::Old) {
                dropped[index] = true;
                plan.insert(index + 1, planned);
                dropped.insert(index + 1, false);
            } else {
                plan[index] = planned;
            }
        }
        None => {
            tell(cx, "a")?;
            plan.push(planned);
            dropped.push(false);
        }
    }
    Ok(())
}

fn write(
    target: &Replacement<'_>,
    archive: &OsStr,
    plan: Vec<Planned>,
    dropped: &[bool],
    mut old: Option<&mut Reader<Input<'_>>>,
) -> Result<()> {
    let put = |bytes: &[u8]| {
        write_all(target.as_fd(), bytes).map_err(|error| Error::path(archive, error))
    };
    put(MAGIC)?;
    let (table, places) = long_names(&plan, dropped);
    if !table.is_empty() {
        let mut header = [b' '; 60];
        let size = table.len().to_string();
        header[..2].copy_from_slice(b"//");
        header[48..48 + size.len()].copy_from_slice(size.as_bytes());
        header[58..].copy_from_slice(b"`\n");
        put(&header)?;
        put(&table)?;
        if table.len() % 2 == 1 {
            put(b"\n")?;
        }
    }
    for (planned, &dropped) in plan.into_iter().zip(dropped) {
        if let From::Old = planned.from {
            let next = old.as_mut().map(|old| old.next());
            next.transpose().map_err(|error| Error::path(archive, error))?;
        }
        if dropped {
            continue;
        }
        let member = planned.member;
        let field = match places.get(&member.name) {
            Some(place) => format!("/{place}").into_bytes(),
            None => [&member.name[..], b"/"].concat(),
        };
        let bytes = header(&field, &member).map_err(|reason| {
            Error::Bytes([&member.name[..], b": ", reason.as_bytes()].concat())
        })?;
        put(&bytes)?;
        let mut input;
        let mut from_file;
        let source: &mut dyn Source = match (planned.from, &mut old) {
            (From::Old, Some(old)) => &mut **old,
            (From::Old, None) => continue,
            (From::File(file), _) => {
                input = Input::from(file).take(member.size);
                from_file = FromReader::new(&mut input);
                &mut from_file
            }
        };
        let mut left = member.size;
        loop {
            let chunk = source
                .chunk(u64::MAX)
                .map_err(|error| Error::path(OsStr::from_bytes(&member.name), error))?;
            if chunk.is_empty() {
                break;
            }
            left -= chunk.len() as u64;
            put(chunk)?;
        }
        if left > 0 {
            let phrase = [&member.name[..], b": the file shrank while it was read"].concat();
            return Err(Error::Bytes(phrase));
        }
        if member.size % 2 == 1 {
            put(b"\n")?;
        }
    }
    Ok(())
}

/// The table of names that do not fit into a header, and where in it each stands.
fn long_names(plan: &[Planned], dropped: &[bool]) -> (Vec<u8>, HashMap<Vec<u8>, usize>) {
    let mut table = Vec::new();
    let mut places = HashMap::new();
    for (planned, dropped) in plan.iter().zip(dropped) {
        let name = &planned.member.name;
        if !dropped && name.len() > 15 && !places.contains_key(name) {
            places.insert(name.clone(), table.len());
            table.extend_from_slice(name);
            table.extend_from_slice(b"/\n");
        }
    }
    (table, places)
}
