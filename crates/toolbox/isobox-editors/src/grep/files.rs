//! Which files `grep` searches.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Input, Result};
use isobox_regex::{Options, Regex, Syntax};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::options::Grep;
use super::search::search;

/// Directories deeper than this are reported, not searched: each one on the way is kept open.
const DEPTH_MAX: usize = 500;

/// Searches every file of the command line.
pub(crate) fn search_all(cx: &mut Context<'_>, grep: &mut Grep) -> Result<()> {
    let mut files = std::mem::take(&mut grep.files);
    let recursive = grep.recurse.is_some();
    // With -r and no file it is the current directory, whose name is then not shown.
    let here = recursive && files.is_empty();
    if files.is_empty() {
        files.push(if here { "." } else { "-" }.into());
    }
    let named = grep.names.unwrap_or(files.len() > 1 || recursive);
    let filters = Filters::new(grep)?;
    for file in &files {
        let outcome = if file == "-" {
            let label = std::mem::take(&mut grep.label);
            let mut input = Input::from(cx.stdin);
            let outcome = search(cx, grep, &mut input, named.then_some(&*label), &label);
            let outcome = outcome.map_err(|error| error.on(&label));
            grep.label = label;
            outcome
        } else {
            operand(cx, grep, &filters, file, named, here)
        };
        tolerate(cx, grep, outcome)?;
        if grep.quiet && grep.found {
            break;
        }
    }
    Ok(())
}

/// Reports an error about one file, unless nobody wants to know.
fn tolerate(cx: &mut Context<'_>, grep: &Grep, outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::Path { .. }) if grep.silent => {
            cx.failed = true;
            Ok(())
        }
        other => cx.attempt(other).map(drop),
    }
}

fn operand(
    cx: &mut Context<'_>,
    grep: &mut Grep,
    filters: &Filters,
    file: &OsStr,
    named: bool,
    here: bool,
) -> Result<()> {
    let fd = cx.open_with(file, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty())?;
    let status = rustix::fs::fstat(&fd).map_err(|errno| Error::path(file, errno))?;
    if FileType::from_raw_mode(status.st_mode) != FileType::Directory {
        return if filters.wants_file(file) { one(cx, grep, fd, file, named) } else { Ok(()) };
    }
    if grep.recurse.is_none() {
        return Ok(());
    }
    let prefix = if here { OsString::new() } else { file.to_owned() };
    let mut walk = Walk { filters, named, above: vec![(status.st_dev, status.st_ino)] };
    walk.directory(cx, grep, fd, &prefix)
}

fn one(
    cx: &mut Context<'_>,
    grep: &mut Grep,
    fd: OwnedFd,
    path: &OsStr,
    named: bool,
) -> Result<()> {
    let mut input = Input::from(fd);
    search(cx, grep, &mut input, named.then_some(path), path).map_err(|error| error.on(path))
}

/// Patterns of names, compiled.
struct Filters {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    exclude_directories: Vec<Regex>,
}

impl Filters {
    fn new(grep: &Grep) -> Result<Self> {
        let compile = |globs: &[OsString]| -> Result<Vec<Regex>> {
            let glob = |glob: &OsString| {
                Regex::new(glob.as_bytes(), Syntax::Glob, Options::default())
                    .map_err(|error| Error::message(error.to_string()))
            };
            globs.iter().map(glob).collect()
        };
        let none = super::options::Recurse::default();
        let recurse = grep.recurse.as_ref().unwrap_or(&none);
        Ok(Self {
            include: compile(&recurse.include)?,
            exclude: compile(&recurse.exclude)?,
            exclude_directories: compile(&recurse.exclude_directories)?,
        })
    }

    fn wants_file(&self, path: &OsStr) -> bool {
        let name = path.as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        (self.include.is_empty() || any(&self.include, name)) && !any(&self.exclude, name)
    }
}

fn any(globs: &[Regex], name: &[u8]) -> bool {
    globs.iter().any(|glob| glob.is_match(name).unwrap_or(false))
}

/// The way down one directory of the command line.
struct Walk<'f> {
    filters: &'f Filters,
    named: bool,
    /// The directories above, by which a link that leads back is known.
    above: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn directory(
        &mut self,
        cx: &mut Context<'_>,
        grep: &mut Grep,
        fd: OwnedFd,
        path: &OsStr,
    ) -> Result<()> {
        let entries = Dir::read_from(&fd).map_err(|errno| Error::path(path, errno))?;
        for entry in entries {
            let entry = entry.map_err(|errno| Error::path(path, errno))?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let mut below = path.to_owned();
            if !path.is_empty() && !path.as_bytes().ends_with(b"/") {
                below.push("/");
            }
            below.push(OsStr::from_bytes(name));
            let outcome = self.entry(cx, grep, fd.as_fd(), OsStr::from_bytes(name), &below);
            tolerate(cx, grep, outcome)?;
            if grep.quiet && grep.found {
                break;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        cx: &mut Context<'_>,
        grep: &mut Grep,
        directory: BorrowedFd<'_>,
        name: &OsStr,
        path: &OsStr,
    ) -> Result<()> {
        let follow = grep.recurse.as_ref().is_some_and(|recurse| recurse.follow);
        let failed = |errno: Errno| Error::path(path, errno);
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let status = rustix::fs::statat(directory, name, flags).map_err(failed)?;
        let no_follow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let open = |flags: OFlags| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | no_follow | flags;
            rustix::fs::openat(directory, name, flags, Mode::empty()).map_err(failed)
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => {
                let identity = (status.st_dev, status.st_ino);
                if any(&self.filters.exclude_directories, name.as_bytes())
                    || self.above.contains(&identity)
                {
                    return Ok(());
                }
                if self.above.len() >= DEPTH_MAX {
                    return Err(failed(Errno::LOOP));
                }
                let fd = open(OFlags::DIRECTORY)?;
                self.above.push(identity);
                let outcome = self.directory(cx, grep, fd, path);
                self.above.pop();
                outcome
            }
            FileType::RegularFile if self.filters.wants_file(name) => {
                one(cx, grep, open(OFlags::empty())?, path, self.named)
            }
            _ => Ok(()),
        }
    }
}
