//! Bytes from one open file to another, within the kernel where that is possible.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::{Error, Input, Output, Result, read, write_all};

const BUFFER: usize = 256 * 1024;
/// The most that one system call is asked to move, so that it can be interrupted.
const STEP: usize = 16 << 20;

/// Copies the rest of `input` to standard output. Read errors name the file.
pub fn to_output(input: &mut Input<'_>, output: &mut Output<'_>, name: &OsStr) -> Result<()> {
    output.put(input.unread())?;
    input.consume(usize::MAX);
    output.flush()?;
    copy(input.as_fd(), output.fd(), u64::MAX).map(drop).map_err(|failure| match failure {
        Failure::Read(error) => Error::path(name, error),
        Failure::Write(error) => Error::Output(error),
    })
}

/// Which side of a copy failed.
#[derive(Debug)]
pub enum Failure {
    /// Reading the source.
    Read(io::Error),
    /// Writing the target.
    Write(io::Error),
}

/// Copies at most `limit` bytes from the current position of `from` to that of `to`; returns how
/// many there were.
pub fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, limit: u64) -> Result<u64, Failure> {
    let mut copied = 0;
    match (kind(from), kind(to)) {
        // Files of size 0 may be those of /proc, which in-kernel copying takes for empty.
        (Some((FileType::RegularFile, 1..)), Some((FileType::RegularFile, _))) if !appends(to) => {
            copied = range(from, to, limit)?;
        }
        (Some((FileType::Fifo, _)), Some((FileType::Fifo | FileType::RegularFile, _)))
        | (Some((FileType::RegularFile, 1..)), Some((FileType::Fifo, _)))
            if !appends(to) =>
        {
            copied = splice(from, to, limit)?;
        }
        (Some((FileType::RegularFile, 1..)), Some(_)) if !appends(to) => {
            copied = send(from, to, limit)?;
        }
        _ => {}
    }
    // Whatever the kernel would not move, and the end of the file, is read.
    Ok(copied + through_buffer(from, to, limit - copied)?)
}

fn kind(fd: BorrowedFd<'_>) -> Option<(FileType, i64)> {
    let status = rustix::fs::fstat(fd).ok()?;
    Some((FileType::from_raw_mode(status.st_mode), status.st_size))
}

/// A file opened for appending can be written, but not spliced to.
fn appends(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fcntl_getfl(fd).is_ok_and(|flags| flags.contains(OFlags::APPEND))
}

fn step(limit: u64, copied: u64) -> usize {
    usize::try_from(limit - copied).unwrap_or(usize::MAX).min(STEP)
}

fn range(from: BorrowedFd<'_>, to: BorrowedFd<'_>, limit: u64) -> Result<u64, Failure> {
    let mut copied = 0;
    while copied < limit {
        match rustix::fs::copy_file_range(from, None, to, None, step(limit, copied)) {
            Ok(0) => break,
            Ok(count) => copied += count as u64,
            Err(Errno::INTR) => {}
            Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                return Err(Failure::Write(errno.into()));
            }
            // Another file system, an old kernel, the same file: the buffer finds out.
            Err(_) => break,
        }
    }
    Ok(copied)
}

fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, limit: u64) -> Result<u64, Failure> {
    let mut copied = 0;
    while copied < limit {
        let length = step(limit, copied);
        match rustix::pipe::splice(from, None, to, None, length, SpliceFlags::MOVE) {
            Ok(0) => break,
            Ok(count) => copied += count as u64,
            Err(Errno::INTR) => {}
            Err(errno @ (Errno::PIPE | Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                return Err(Failure::Write(errno.into()));
            }
            Err(_) => break,
        }
    }
    Ok(copied)
}

/// To a socket, a terminal, a device.
fn send(from: BorrowedFd<'_>, to: BorrowedFd<'_>, limit: u64) -> Result<u64, Failure> {
    let mut copied = 0;
    while copied < limit {
        match rustix::fs::sendfile(to, from, None, step(limit, copied)) {
            Ok(0) => break,
            Ok(count) => copied += count as u64,
            Err(Errno::INTR) => {}
            Err(errno @ (Errno::PIPE | Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                return Err(Failure::Write(errno.into()));
            }
            Err(_) => break,
        }
    }
    Ok(copied)
}

fn through_buffer(from: BorrowedFd<'_>, to: BorrowedFd<'_>, limit: u64) -> Result<u64, Failure> {
    if limit == 0 {
        return Ok(0);
    }
    let mut copied = 0;
    let mut buffer = vec![0; usize::try_from(limit).unwrap_or(BUFFER).min(BUFFER)];
    while copied < limit {
        let length = buffer.len().min(step(limit, copied));
        let count = read(from, &mut buffer[..length]).map_err(Failure::Read)?;
        if count == 0 {
            break;
        }
        write_all(to, &buffer[..count]).map_err(Failure::Write)?;
        copied += count as u64;
    }
    Ok(copied)
}
