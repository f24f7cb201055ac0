//! Where lines go: standard output, the file that is edited in place, the files of `w`.

use std::ffi::{OsStr, OsString};
use std::io::{BufWriter, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::script::Script;

/// A stream that remembers whether the last line lacked its end, which is written as soon as
/// another line follows.
struct Target {
    to: To,
    unended: bool,
}

enum To {
    Stdout,
    Stderr,
    File { name: OsString, file: BufWriter<std::fs::File> },
}

/// All outputs of a run.
pub(crate) struct Outputs {
    main: Target,
    files: Vec<Target>,
    in_place: Option<InPlace>,
    line_end: u8,
    unbuffered: bool,
}

/// A file that is being replaced.
struct InPlace {
    name: OsString,
    temporary: OsString,
    backup: OsString,
}

impl Outputs {
    pub(crate) fn new(
        cx: &mut Context<'_>,
        script: &Script,
        line_end: u8,
        unbuffered: bool,
    ) -> Result<Self> {
        let mut files = Vec::with_capacity(script.files.len());
        for name in &script.files {
            let to = match name.as_slice() {
                b"/dev/stdout" => To::Stdout,
                b"/dev/stderr" => To::Stderr,
                name => {
                    let name = OsStr::from_bytes(name).to_owned();
                    let file = cx.create(&name)?;
                    To::File { name, file: BufWriter::new(file.into()) }
                }
            };
            files.push(Target { to, unended: false });
        }
        let main = Target { to: To::Stdout, unended: false };
        Ok(Self { main, files, in_place: None, line_end, unbuffered })
    }

    /// Writes a line to the main output.
    pub(crate) fn line(&mut self, cx: &mut Context<'_>, text: &[u8], ended: bool) -> Result<()> {
        self.main.line(cx, text, ended, self.line_end)?;
        self.done(cx)
    }

    /// Writes text that ends as it ends.
    pub(crate) fn text(&mut self, cx: &mut Context<'_>, text: &[u8]) -> Result<()> {
        self.main.end_line(cx, self.line_end)?;
        self.main.put(cx, text)?;
        self.done(cx)
    }

    fn done(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if !self.unbuffered {
            return Ok(());
        }
        match &mut self.main.to {
            To::File { name, file } => file.flush().map_err(|error| Error::path(&*name, error)),
            _ => cx.stdout.flush(),
        }
    }

    /// Writes a line to one of the script's files. They are complete after every line, so that
    /// the script can read them.
    pub(crate) fn file(&mut self, cx: &mut Context<'_>, index: usize, text: &[u8]) -> Result<()> {
        if matches!(self.files[index].to, To::Stdout) {
            return self.line(cx, text, true);
        }
        let target = &mut self.files[index];
        target.line(cx, text, true, self.line_end)?;
        match &mut target.to {
            To::File { name, file } => file.flush().map_err(|error| Error::path(&*name, error)),
            _ => Ok(()),
        }
    }

    /// From now on the main output replaces this file; with a suffix the old one is kept.
    pub(crate) fn edit(
        &mut self,
        cx: &mut Context<'_>,
        name: &OsStr,
        suffix: &OsStr,
    ) -> Result<()> {
        self.finish(cx)?;
        let status = rustix::fs::statat(cx.dir, name, AtFlags::empty())
            .map_err(|errno| Error::path(name, errno))?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(Error::about("couldn't edit, not a regular file:", name));
        }
        let (temporary, fd) = create_beside(cx, name)?;
        let failed = |errno: rustix::io::Errno| Error::path(&temporary, errno);
        let (owner, group) = (status.st_uid, status.st_gid);
        // Only root may give files away; others keep what is theirs.
        let _not_allowed = rustix::fs::fchown(
            &fd,
            Some(rustix::fs::Uid::from_raw(owner)),
            Some(rustix::fs::Gid::from_raw(group)),
        );
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(status.st_mode & 0o7777)).map_err(failed)?;
        let file = BufWriter::with_capacity(1 << 16, fd.into());
        self.main = Target { to: To::File { name: temporary.clone(), file }, unended: false };
        let backup = backup_name(name, suffix);
        self.in_place = Some(InPlace { name: name.to_owned(), temporary, backup });
        Ok(())
    }

    /// Puts the edited file in its place.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let Some(edited) = self.in_place.take() else { return Ok(()) };
        let main = std::mem::replace(&mut self.main, Target { to: To::Stdout, unended: false });
        let To::File { mut file, .. } = main.to else { unreachable!("a file is edited in place") };
        let failed = |what: &OsStr, error: std::io::Error| Error::path(what, error);
        let outcome =
            file.flush().map_err(|error| failed(&edited.temporary, error)).and_then(|()| {
                if !edited.backup.is_empty() {
                    rustix::fs::renameat(cx.dir, &edited.name, cx.dir, &edited.backup)
                        .map_err(|errno| failed(&edited.backup, errno.into()))?;
                }
                rustix::fs::renameat(cx.dir, &edited.temporary, cx.dir, &edited.name)
                    .map_err(|errno| failed(&edited.name, errno.into()))
            });
        if outcome.is_err() {
            let _gone = rustix::fs::unlinkat(cx.dir, &edited.temporary, AtFlags::empty());
        }
        outcome
    }
}

impl Drop for Outputs {
    /// An edit that an error broke off leaves the file as it was.
    fn drop(&mut self) {
        if let Some(edited) = &self.in_place {
            let _gone = std::fs::remove_file(&edited.temporary);
        }
    }
}

/// `SFX` is appended; a `*` in it stands for the name, and a slash leads to another directory.
fn backup_name(name: &OsStr, suffix: &OsStr) -> OsString {
    let (name, suffix) = (name.as_bytes(), suffix.as_bytes());
    if suffix.is_empty() {
        return OsString::new();
    }
    let at = memchr::memrchr(b'/', name).map_or(0, |slash| slash + 1);
    let (directory, base) = name.split_at(at);
    let new = match suffix.contains(&b'*') {
        true => suffix.split(|&byte| byte == b'*').collect::<Vec<_>>().join(base),
        false => [base, suffix].concat(),
    };
    let directory = if new.contains(&b'/') { &b""[..] } else { directory };
    OsStr::from_bytes(&[directory, &new].concat()).to_owned()
}

/// A new file in the directory of `name`.
fn create_beside(cx: &Context<'_>, name: &OsStr) -> Result<(OsString, OwnedFd)> {
    let at = memchr::memrchr(b'/', name.as_bytes()).map_or(0, |slash| slash + 1);
    let directory = &name.as_bytes()[..at];
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let process = rustix::process::getpid().as_raw_nonzero();
    for attempt in 0..1000 {
        let base = format!("sed{process}-{attempt}.tmp");
        let path = OsStr::from_bytes(&[directory, base.as_bytes()].concat()).to_owned();
        match cx.open_with(&path, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => return Ok((path, fd)),
            Err(Error::Path { source, .. })
                if source.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::doing("can't create temporary file beside", name, rustix::io::Errno::EXIST))
}

impl Target {
    fn put(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<()> {
        match &mut self.to {
            To::Stdout => cx.stdout.put(bytes),
            To::Stderr => isobox_applet::write_all(cx.stderr, bytes).map_err(Error::Output),
            To::File { name, file } => {
                file.write_all(bytes).map_err(|error| Error::path(&*name, error))
            }
        }
    }

    fn end_line(&mut self, cx: &mut Context<'_>, line_end: u8) -> Result<()> {
        if std::mem::take(&mut self.unended) { self.put(cx, &[line_end]) } else { Ok(()) }
    }

    fn line(&mut self, cx: &mut Context<'_>, text: &[u8], ended: bool, line_end: u8) -> Result<()> {
        self.end_line(cx, line_end)?;
        self.put(cx, text)?;
        self.unended = !ended;
        if ended { self.put(cx, &[line_end]) } else { Ok(()) }
    }
}
