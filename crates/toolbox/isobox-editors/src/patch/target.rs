//! The file that a patch changes. Names from a patch lead nowhere outside the directory: not by
//! `..`, not from the root, and not over a symbolic link.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::replace::Replacement;
use isobox_applet::{Context, Error, Input, Result, write_all};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::parse::FilePatch;

/// A file within an open directory.
pub(crate) struct Target<'d> {
    root: BorrowedFd<'d>,
    /// What the file is called in messages.
    name: OsString,
    /// The name that the content is read from: another one if git renames or copies.
    source: OsString,
    /// Whether the user chose it; then it may be anywhere.
    chosen: bool,
    old: Option<OwnedFd>,
}

impl<'d> Target<'d> {
    /// The operand, or the file that the patch names.
    pub(crate) fn find(
        root: BorrowedFd<'d>,
        patch: &FilePatch,
        operand: Option<&OsStr>,
        strip: Option<usize>,
    ) -> Result<Self> {
        if let Some(name) = operand {
            let target = Self {
                root,
                name: name.to_owned(),
                source: name.to_owned(),
                chosen: true,
                old: None,
            };
            return target.opened(patch);
        }
        let stripped = |name: &Option<Vec<u8>>| match name.as_deref() {
            None | Some(b"/dev/null") => Ok(None),
            Some(name) => strip_name(name, strip).map(Some),
        };
        let (old, new) = (stripped(&patch.old_name)?, stripped(&patch.new_name)?);
        let target = |name: &OsString, source: &OsString| Self {
            root,
            name: name.clone(),
            source: source.clone(),
            chosen: false,
            old: None,
        };
        match (old, new) {
            (Some(old), Some(new)) if patch.rename || patch.copy => {
                target(&new, &old).opened(patch)
            }
            (Some(old), Some(new)) => {
                let first = target(&new, &new);
                let candidate = if first.is_there() { first } else { target(&old, &old) };
                let candidate = if candidate.is_there() { candidate } else { target(&new, &new) };
                candidate.opened(patch)
            }
            (Some(name), None) | (None, Some(name)) => target(&name, &name).opened(patch),
            (None, None) => Err(Error::message(
                "the patch names no file: give its name as an operand".to_owned(),
            )),
        }
    }

    fn is_there(&self) -> bool {
        self.open(&self.source, OFlags::PATH).is_ok()
    }

    /// Opens a name, in the directory unless the user chose it.
    fn open(&self, name: &OsStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if self.chosen {
            let flags = flags.difference(OFlags::NOFOLLOW);
            return rustix::fs::openat(self.root, name, flags, Mode::empty());
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(self.root, name, flags, Mode::empty(), resolve)
    }

    fn opened(mut self, patch: &FilePatch) -> Result<Self> {
        match self.open(&self.source, OFlags::RDONLY | OFlags::NONBLOCK) {
            Ok(file) => {
                let status =
                    rustix::fs::fstat(&file).map_err(|errno| Error::path(&self.source, errno))?;
                if !rustix::fs::FileType::from_raw_mode(status.st_mode).is_file() {
                    return Err(Error::about("not a regular file:", &self.source));
                }
                self.old = Some(file);
                Ok(self)
            }
            Err(Errno::NOENT) if patch.creates() => Ok(self),
            Err(Errno::LOOP) => Err(Error::about("will not follow a symbolic link:", &self.source)),
            Err(errno) => Err(Error::path(&self.source, errno)),
        }
    }

    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(crate) fn exists(&self) -> bool {
        self.old.is_some()
    }

    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some(old) = &self.old {
            let mut input = Input::from(old.as_fd());
            input.read_to_end(&mut bytes).map_err(|error| Error::path(&self.source, error))?;
        }
        Ok(bytes)
    }

    /// The directory of a name, which is made if it is missing, and the last component.
    fn parent<'n>(&self, name: &'n OsStr) -> Result<(OwnedFd, &'n OsStr)> {
        let bytes = name.as_bytes();
        let (directory, base) = match memchr::memrchr(b'/', bytes) {
            Some(at) => {
                (OsStr::from_bytes(&bytes[..at.max(1)]), OsStr::from_bytes(&bytes[at + 1..]))
            }
            None => (OsStr::new("."), name),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.open(directory, flags) {
            Ok(directory) => Ok((directory, base)),
            Err(Errno::NOENT) => {
                self.make_directories(directory)?;
                let opened = self.open(directory, flags);
                opened.map(|opened| (opened, base)).map_err(|errno| Error::path(directory, errno))
            }
            Err(errno) => Err(Error::path(directory, errno)),
        }
    }

    fn make_directories(&self, path: &OsStr) -> Result<()> {
        let (parent, base) = self.parent(path)?;
        match rustix::fs::mkdirat(&parent, base, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(Error::path(path, errno)),
        }
    }

    /// Puts a text in the place of the file.
    pub(crate) fn write(&self, text: &[u8], patch: &FilePatch) -> Result<()> {
        let failed = |error: std::io::Error| Error::path(&self.name, error);
        let (parent, base) = self.parent(&self.name)?;
        let mode = patch.new_mode.map(Mode::from_raw_mode);
        match &self.old {
            Some(old) if self.source == self.name => {
                let new = Replacement::new(parent.as_fd(), base, old.as_fd())?;
                write_all(new.as_fd(), text).map_err(failed)?;
                if let Some(mode) = mode {
                    rustix::fs::fchmod(new.as_fd(), mode).map_err(|errno| failed(errno.into()))?;
                }
                new.commit()?;
            }
            old => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let status = old.as_ref().and_then(|old| rustix::fs::fstat(old).ok());
                let as_before = status.map(|status| Mode::from_raw_mode(status.st_mode & 0o777));
                let mode = mode.or(as_before).unwrap_or(Mode::from_raw_mode(0o666));
                let new = rustix::fs::openat(&parent, base, flags, mode)
                    .map_err(|errno| failed(errno.into()))?;
                write_all(new.as_fd(), text).map_err(failed)?;
            }
        }
        if patch.rename && self.source != self.name {
            return self.remove();
        }
        Ok(())
    }

    /// Removes the file that was read.
    pub(crate) fn remove(&self) -> Result<()> {
        let (parent, base) = self.parent(&self.source)?;
        rustix::fs::unlinkat(&parent, base, AtFlags::empty())
            .map_err(|errno| Error::path(&self.source, errno))
    }

    /// Keeps the old text as `NAME.orig`, if there is a file.
    pub(crate) fn back_up(&self, old: &[u8]) -> Result<()> {
        if self.exists() { self.write_beside(".orig", old) } else { Ok(()) }
    }

    /// Writes what did not apply to a file that the user chose, or to `NAME.rej`.
    pub(crate) fn write_reject(
        &self,
        cx: &mut Context<'_>,
        name: Option<&OsStr>,
        text: &[u8],
    ) -> Result<()> {
        match name {
            Some(name) => self.write_output(cx, name, text),
            None => self.write_beside(".rej", text),
        }
    }

    fn write_beside(&self, suffix: &str, text: &[u8]) -> Result<()> {
        let mut name = self.name.clone();
        name.push(suffix);
        let (parent, base) = self.parent(&name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        // A link of that name is not followed: nobody chose where it leads.
        let file =
            rustix::fs::openat(&parent, base, flags | OFlags::NOFOLLOW, Mode::from_raw_mode(0o666));
        let file = file.map_err(|errno| Error::path(&name, errno))?;
        write_all(file.as_fd(), text).map_err(|error| Error::path(&name, error))
    }

    /// Writes to a file that the user chose; `-` is standard output.
    pub(crate) fn write_output(
        &self,
        cx: &mut Context<'_>,
        name: &OsStr,
        text: &[u8],
    ) -> Result<()> {
        if name == "-" {
            return cx.stdout.put(text);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.root, name, flags, Mode::from_raw_mode(0o666))
            .map_err(|errno| Error::path(name, errno))?;
        write_all(file.as_fd(), text).map_err(|error| Error::path(name, error))
    }
}

/// A name without its first components; by default without all but the last. Slashes that follow
/// each other count as one.
fn strip_name(name: &[u8], strip: Option<usize>) -> Result<OsString> {
    let mut rest = name;
    let mut stripped = 0;
    while strip.is_none_or(|count| stripped < count) {
        let Some(at) = memchr::memchr(b'/', rest) else { break };
        let slashes = rest[at..].iter().take_while(|byte| **byte == b'/').count();
        rest = &rest[at + slashes..];
        stripped += 1;
    }
    let mut parts = rest.split(|byte| *byte == b'/');
    if rest.is_empty() || rest.starts_with(b"/") || parts.any(|part| part == b"..") {
        return Err(unsafe_name(name));
    }
    Ok(OsStr::from_bytes(rest).to_owned())
}

fn unsafe_name(name: &[u8]) -> Error {
    Error::about("ignoring a potentially dangerous file name", OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_stripped_and_names_stay_inside() {
        for (name, strip, expected) in [
            ("a/b/c", None, Some("c")),
            ("a/b/c", Some(0), Some("a/b/c")),
            ("a/b/c", Some(1), Some("b/c")),
            ("a//b///c", Some(1), Some("b///c")),
            ("/a/b", Some(1), Some("a/b")),
            ("a", Some(3), Some("a")),
            ("/a/b", Some(0), None),
            ("a/../b", Some(0), None),
            ("..", None, None),
        ] {
            let found = strip_name(name.as_bytes(), strip).ok();
            assert_eq!(found, expected.map(OsString::from), "{name} {strip:?}");
        }
    }
}
