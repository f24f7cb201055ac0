//! The FIFOs of a container's processes.
//!
//! A process of the container gets its output FIFOs opened for reading and writing. So it never
//! sees a broken pipe, whoever of ours dies, and a new supervisor opens them again by name.

use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::fs::{Gid, Uid};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Whose process it is: the FIFOs are its user's, who may thus open `/dev/stdout` again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Both ends of a FIFO.
#[derive(Debug)]
pub(crate) struct Ends {
    /// For the container's process: blocking.
    pub(crate) theirs: OwnedFd,
    /// For us: not blocking.
    pub(crate) ours: OwnedFd,
}

/// Makes and opens a FIFO that a process writes to. Relative names are in the run-time directory.
pub(crate) fn output(name: &str, owner: Owner) -> io::Result<Ends> {
    make(name)?;
    let theirs = open(name, OFlags::RDWR)?;
    chown(&theirs, owner)?;
    Ok(Ends { theirs, ours: reopen_output(name)? })
}

/// Opens our end of an output FIFO. For writing as well, so that it never reports an end while
/// the process has closed its own.
pub(crate) fn reopen_output(name: &str) -> io::Result<OwnedFd> {
    open(name, OFlags::RDWR | OFlags::NONBLOCK)
}

/// Makes and opens a FIFO that a process reads from.
pub(crate) fn input(name: &str, owner: Owner) -> io::Result<Ends> {
    make(name)?;
    let theirs = open(name, OFlags::RDONLY | OFlags::NONBLOCK)?;
    chown(&theirs, owner)?;
    let ours = reopen_input(name)?;
    fcntl_setfl(&theirs, fcntl_getfl(&theirs)? - OFlags::NONBLOCK)?;
    Ok(Ends { theirs, ours })
}

/// Opens our end of an input FIFO; fails with `ENXIO` when nobody reads from it any more.
pub(crate) fn reopen_input(name: &str) -> io::Result<OwnedFd> {
    open(name, OFlags::WRONLY | OFlags::NONBLOCK)
}

/// `/dev/null` for one who gets no stream.
pub(crate) fn null() -> io::Result<OwnedFd> {
    open("/dev/null", OFlags::RDWR)
}

/// Removes a FIFO; that it is gone already is fine.
pub(crate) fn remove(name: &str) {
    let _ = rustix::fs::unlink(name);
}

fn make(name: &str) -> io::Result<()> {
    remove(name);
    rustix::fs::mknodat(CWD, name, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
        .map_err(|error| named("make", name, error))
}

fn open(name: &str, flags: OFlags) -> io::Result<OwnedFd> {
    rustix::fs::open(name, flags | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
        .map_err(|error| named("open", name, error))
}

fn chown(fd: &OwnedFd, owner: Owner) -> io::Result<()> {
    if owner.uid == 0 && owner.gid == 0 {
        return Ok(());
    }
    rustix::fs::fchown(fd.as_fd(), Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))
        .map_err(io::Error::from)
}

fn named(action: &str, name: &str, error: rustix::io::Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{action} {name}: {error}"))
}
