//! Directories, entry by entry.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Result, glob};
use rustix::fs::{Dir, FileType, Mode, OFlags};

use super::{Settings, Side, kind, paths_differ, read, say, sides_differ};

/// A name within a directory.
pub(super) fn join(directory: &OsStr, name: &OsStr) -> OsString {
    let mut path = directory.to_owned();
    if !directory.as_bytes().ends_with(b"/") {
        path.push("/");
    }
    path.push(name);
    path
}

fn names(cx: &Context<'_>, directory: &OsStr, settings: &Settings) -> Result<BTreeSet<OsString>> {
    let failed = |errno| Error::path(directory, errno);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let opened = Dir::new(cx.open_with(directory, flags, Mode::empty())?).map_err(failed)?;
    let mut names = BTreeSet::new();
    for entry in opened {
        let entry = entry.map_err(failed)?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let excluded = |pattern: &OsString| {
            glob::matches(pattern.as_bytes(), name.as_bytes(), glob::Flags::default())
        };
        if name != "." && name != ".." && !settings.exclude.iter().any(excluded) {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// Compares what two directories hold; those within them only if that was asked for.
pub(super) fn compare(
    cx: &mut Context<'_>,
    settings: &Settings,
    old: &OsStr,
    new: &OsStr,
) -> Result<bool> {
    let (old_names, new_names) = (names(cx, old, settings)?, names(cx, new, settings)?);
    let mut differ = false;
    for name in old_names.union(&new_names) {
        if settings.start.as_ref().is_some_and(|start| name < start) {
            continue;
        }
        let outcome = match (old_names.contains(name), new_names.contains(name)) {
            (true, true) => both(cx, settings, &join(old, name), &join(new, name)),
            (in_old, _) => alone(cx, settings, (old, new), name, in_old),
        };
        differ |= cx.attempt(outcome)?.unwrap_or(true);
    }
    Ok(differ)
}

fn both(cx: &mut Context<'_>, settings: &Settings, old: &OsStr, new: &OsStr) -> Result<bool> {
    let (old_kind, new_kind) = (kind(cx, old)?, kind(cx, new)?);
    if old_kind == FileType::Directory && new_kind == FileType::Directory {
        if settings.recursive {
            return compare(cx, &Settings { start: None, ..settings.clone() }, old, new);
        }
        say(cx, &[b"Common subdirectories: ", old.as_bytes(), b" and ", new.as_bytes(), b"\n"])?;
        return Ok(false);
    }
    if old_kind == FileType::RegularFile && new_kind == FileType::RegularFile {
        return paths_differ(cx, settings, old, new);
    }
    let (old_kind, new_kind) = (name_of(old_kind).as_bytes(), name_of(new_kind).as_bytes());
    let (old, new) = (old.as_bytes(), new.as_bytes());
    say(
        cx,
        &[b"File ", old, b" is a ", old_kind, b" while file ", new, b" is a ", new_kind, b"\n"],
    )?;
    Ok(true)
}

fn name_of(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "regular file",
        FileType::Directory => "directory",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character special file",
        FileType::BlockDevice => "block special file",
        _ => "file of another kind",
    }
}

/// What is in one of the directories only; with `-N` it is compared with nothing.
fn alone(
    cx: &mut Context<'_>,
    settings: &Settings,
    (old, new): (&OsStr, &OsStr),
    name: &OsStr,
    in_old: bool,
) -> Result<bool> {
    let directory = if in_old { old } else { new };
    let path = join(directory, name);
    let kind = kind(cx, &path)?;
    if settings.new_file && kind == FileType::RegularFile {
        let there = Side { bytes: read(cx, &path)?, name: path };
        let nothing = Side { name: "/dev/null".into(), bytes: Vec::new() };
        let (old, new) = if in_old { (&there, &nothing) } else { (&nothing, &there) };
        return sides_differ(cx, settings, old, new);
    }
    if settings.new_file && settings.recursive && kind == FileType::Directory {
        let mut differ = false;
        for inner in names(cx, &path, settings)? {
            let sides = (path.as_os_str(), path.as_os_str());
            differ |= alone(cx, settings, sides, &inner, in_old)?;
        }
        return Ok(differ);
    }
    say(cx, &[b"Only in ", directory.as_bytes(), b": ", name.as_bytes(), b"\n"])?;
    Ok(true)
}
