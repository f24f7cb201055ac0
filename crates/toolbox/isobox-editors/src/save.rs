//! Saving an edited text.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use isobox_applet::replace::Replacement;
use isobox_applet::{Context, Error, Result, write_all};
use rustix::fs::{FileType, Mode, OFlags};

/// Writes a file whole: a regular one that has no other name is replaced by a new one, so that
/// neither a full disk nor a crash leaves half of it; anything else is written in place.
pub(crate) fn save(cx: &Context<'_>, path: &OsStr, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Error::path(path, error);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = cx.open_with(path, flags, Mode::from_raw_mode(0o666))?;
    let status = rustix::fs::fstat(&file).map_err(|errno| failed(errno.into()))?;
    let regular = FileType::from_raw_mode(status.st_mode).is_file();
    if regular
        && status.st_nlink == 1
        && let Ok(new) = Replacement::new(cx.dir, path, file.as_fd())
    {
        write_all(new.as_fd(), bytes).map_err(failed)?;
        rustix::fs::fsync(new.as_fd()).map_err(|errno| failed(errno.into()))?;
        return new.commit();
    }
    if regular {
        rustix::fs::ftruncate(&file, 0).map_err(|errno| failed(errno.into()))?;
    }
    write_all(file.as_fd(), bytes).map_err(failed)
}
