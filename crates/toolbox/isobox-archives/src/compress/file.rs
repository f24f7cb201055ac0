//! A file that is compressed or decompressed into another one beside it.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Input, Result, tree, write_all};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::options::{Job, Task, Tool, filter};
use super::{Moved, compress, decompress, decompressed_name, saved};

/// Does with one file what the job says.
pub(super) fn work(cx: &mut Context<'_>, tool: &Tool, job: &mut Job, name: &OsStr) -> Result<()> {
    let mut flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK;
    if !job.force && !job.stdout && job.task != Task::Test && job.output.is_none() {
        flags |= OFlags::NOFOLLOW;
    }
    let opened = if name == "-" {
        cx.stdin.try_clone_to_owned().map_err(|error| Error::path("stdin", error))
    } else {
        cx.open_with(name, flags, Mode::empty())
    };
    let file = match opened {
        Err(Error::Path { source, .. })
            if source.raw_os_error() == Some(Errno::LOOP.raw_os_error()) =>
        {
            job.warning(cx, &Error::about("symbolic links are not followed without -f:", name));
            return Ok(());
        }
        other => other?,
    };
    let status = rustix::fs::fstat(&file).map_err(|errno| Error::path(name, errno))?;
    let kind = FileType::from_raw_mode(status.st_mode);
    if kind == FileType::Directory {
        if job.recursive {
            return directory(cx, tool, job, name, &file);
        }
        let text = [name.as_bytes(), b" is a directory - ignored"].concat();
        job.warning(cx, &Error::Bytes(text));
        return Ok(());
    }
    let whole = job.stdout || job.task == Task::Test;
    let mut input = Input::from(file);
    if whole {
        return filter(cx, tool, job, &mut input, name);
    }
    if kind != FileType::RegularFile && !job.force && name != "-" {
        let text = [name.as_bytes(), b" is not a regular file - ignored"].concat();
        job.warning(cx, &Error::Bytes(text));
        return Ok(());
    }
    let Some(target) = target_name(cx, tool, job, name)? else {
        return Ok(());
    };
    replace(cx, tool, job, name, &mut input, &status, target)
}

fn directory(
    cx: &mut Context<'_>,
    tool: &Tool,
    job: &mut Job,
    name: &OsStr,
    directory: &OwnedFd,
) -> Result<()> {
    let mut entries = tree::entries(directory).map_err(|errno| Error::path(name, errno))?;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in entries {
        let outcome = work(cx, tool, job, &tree::join(name, &entry.name));
        cx.attempt(outcome)?;
    }
    Ok(())
}

/// The name of the file to be made; nothing if this one is passed over.
fn target_name(
    cx: &mut Context<'_>,
    tool: &Tool,
    job: &mut Job,
    name: &OsStr,
) -> Result<Option<OsString>> {
    if let Some(output) = &job.output {
        return Ok(Some(output.clone()));
    }
    let suffix = job.suffix.as_deref().unwrap_or(tool.suffix).to_owned();
    if job.task == Task::Decompress {
        let target = decompressed_name(name, tool, &suffix);
        if target.is_none() {
            let text = [name.as_bytes(), b": unknown suffix - ignored"].concat();
            job.warning(cx, &Error::Bytes(text));
        }
        return Ok(target);
    }
    if name.as_bytes().ends_with(suffix.as_bytes()) && !job.force {
        let text = [name.as_bytes(), b" already has ", suffix.as_bytes(), b" suffix - unchanged"];
        job.warning(cx, &Error::Bytes(text.concat()));
        return Ok(None);
    }
    let mut target = name.to_owned();
    target.push(suffix);
    Ok(Some(target))
}

fn replace(
    cx: &mut Context<'_>,
    tool: &Tool,
    job: &mut Job,
    name: &OsStr,
    input: &mut Input<'_>,
    status: &Stat,
    mut target: OsString,
) -> Result<()> {
    let mut made = Made::new(cx, job, &target)?;
    let moved = if job.task == Task::Compress {
        let remember = job.name != Some(false);
        let origin = remember.then(|| tree::last_part(name).as_bytes());
        let mtime = if remember { u32::try_from(status.st_mtime).unwrap_or(0) } else { 0 };
        compress(job, tool, input, &mut made, (origin, mtime))
    } else {
        decompress(job, tool, input, &mut made)
    };
    let moved = moved.map_err(|error| match error {
        Error::Output(error) => Error::path(&target, error),
        other => other.on(name),
    })?;
    let mut mtime = (status.st_mtime, status.st_mtime_nsec);
    if job.task == Task::Decompress && job.name == Some(true) {
        if moved.remembered.1 != 0 {
            mtime = (moved.remembered.1.into(), 0);
        }
        if let Some(original) = &moved.remembered.0 {
            target = made.rename(cx, job, name, original)?;
        }
    }
    made.finish(status, mtime).map_err(|error| Error::path(&target, error))?;
    if let Some(warning) = moved.warning {
        let text = [name.as_bytes(), b": ", warning.as_bytes()].concat();
        cx.warn(&Error::Bytes(text));
    }
    if job.verbose {
        say(cx, job, name, &moved, Some(&target));
    }
    if !job.keep && name != "-" {
        rustix::fs::unlinkat(cx.dir, name, AtFlags::empty())
            .map_err(|errno| Error::path(name, errno))?;
    }
    Ok(())
}

/// `NAME: 61.3% - replaced with NAME.gz` on standard error.
pub(super) fn say(
    cx: &mut Context<'_>,
    job: &Job,
    name: &OsStr,
    moved: &Moved,
    target: Option<&OsStr>,
) {
    let mut line = name.as_bytes().to_vec();
    let what = match job.task {
        Task::Test => ": OK".to_owned(),
        Task::Compress => format!(": {}", saved(moved.read, moved.written)),
        _ => format!(": {}", saved(moved.written, moved.read)),
    };
    line.extend_from_slice(what.as_bytes());
    if let Some(target) = target {
        let verb: &[u8] = if job.keep { b" - created " } else { b" - replaced with " };
        line.extend_from_slice(verb);
        line.extend_from_slice(target.as_bytes());
    }
    line.push(b'\n');
    write_all(cx.stderr, &line).ok();
}

/// A file that is being made, and removed again unless it is finished.
struct Made<'a> {
    directory: BorrowedFd<'a>,
    name: OsString,
    file: OwnedFd,
    finished: bool,
}

impl<'a> Made<'a> {
    fn new(cx: &Context<'a>, job: &Job, name: &OsStr) -> Result<Self> {
        if job.force {
            rustix::fs::unlinkat(cx.dir, name, AtFlags::empty()).ok();
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = cx.open_with(name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self { directory: cx.dir, name: name.to_owned(), file, finished: false })
    }

    /// Takes the name that the compressed file remembers, in the compressed file's directory.
    fn rename(
        &mut self,
        cx: &Context<'_>,
        job: &Job,
        packed: &OsStr,
        original: &[u8],
    ) -> Result<OsString> {
        let base = original.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if matches!(base, b"" | b"." | b"..") {
            return Ok(self.name.clone());
        }
        let start = packed.len() - tree::last_part(packed).len();
        let target = [&packed.as_bytes()[..start], base].concat();
        let target = OsStr::from_bytes(&target).to_owned();
        if target == self.name {
            return Ok(target);
        }
        let flags = if job.force {
            rustix::fs::RenameFlags::empty()
        } else {
            rustix::fs::RenameFlags::NOREPLACE
        };
        rustix::fs::renameat_with(cx.dir, &self.name, cx.dir, &target, flags)
            .map_err(|errno| Error::path(&target, errno))?;
        self.name.clone_from(&target);
        Ok(target)
    }

    /// Gives it the other file's owner, permissions and time.
    fn finish(mut self, like: &Stat, mtime: (i64, u64)) -> std::io::Result<()> {
        let (uid, gid) =
            (rustix::fs::Uid::from_raw(like.st_uid), rustix::fs::Gid::from_raw(like.st_gid));
        let mut mode = like.st_mode & 0o7777;
        if rustix::fs::fchown(&self.file, Some(uid), Some(gid)).is_err() {
            // Whom it does not belong to, it must not give rights to.
            mode &= 0o777;
        }
        rustix::fs::fchmod(&self.file, Mode::from_raw_mode(mode))?;
        let time = |seconds, nanoseconds: u64| rustix::fs::Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds as _,
        };
        rustix::fs::futimens(
            &self.file,
            &rustix::fs::Timestamps {
                last_access: time(like.st_atime, like.st_atime_nsec),
                last_modification: time(mtime.0, mtime.1),
            },
        )?;
        self.finished = true;
        Ok(())
    }
}

impl Write for Made<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        write_all(self.file.as_fd(), bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if !self.finished {
            rustix::fs::unlinkat(self.directory, &self.name, AtFlags::empty()).ok();
        }
    }
}
