//! Standard output: buffered, and honest about a full disk and a closed stream.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use crate::{Error, Result};

const CAPACITY: usize = 64 * 1024;

/// A stream to write to. Errors come back at the write or flush that meets them; what is still in
/// the buffer when an applet ends is flushed by [`crate::Applet::run`], which reports the rest.
#[derive(Debug)]
pub struct Output<'a> {
    fd: BorrowedFd<'a>,
    buffer: Vec<u8>,
    /// On a terminal every whole line is shown at once; unknown before the first write.
    terminal: Option<bool>,
}

impl<'a> Output<'a> {
    /// Writes to `fd`.
    #[must_use]
    pub const fn new(fd: BorrowedFd<'a>) -> Self {
        Self { fd, buffer: Vec::new(), terminal: None }
    }

    /// The descriptor below, for calls that move data within the kernel: flush first.
    #[must_use]
    pub const fn fd(&self) -> BorrowedFd<'a> {
        self.fd
    }

    /// Whether this is a terminal.
    pub fn is_terminal(&mut self) -> bool {
        let fd = self.fd;
        *self.terminal.get_or_insert_with(|| rustix::termios::isatty(fd))
    }

    /// Writes bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if self.terminal == Some(false) && bytes.len() <= self.buffer.capacity() - self.buffer.len()
        {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.put_slowly(bytes)
    }

    /// Writes one byte.
    #[inline]
    pub fn put_byte(&mut self, byte: u8) -> Result<()> {
        self.put(&[byte])
    }

    fn put_slowly(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(CAPACITY);
        }
        let terminal = self.is_terminal();
        if self.buffer.len() + bytes.len() > self.buffer.capacity() {
            self.flush()?;
        }
        if bytes.len() >= self.buffer.capacity() {
            return write_all(self.fd, bytes).map_err(Error::Output);
        }
        self.buffer.extend_from_slice(bytes);
        if terminal && bytes.contains(&b'\n') {
            self.flush()?;
        }
        Ok(())
    }

    /// What `write!` calls: an error is an [`Error`] and not one of formatting.
    pub fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> Result<()> {
        if let Some(text) = arguments.as_str() {
            return self.put(text.as_bytes());
        }
        let mut writer = Formatter { output: self, error: None };
        match fmt::Write::write_fmt(&mut writer, arguments) {
            Ok(()) => Ok(()),
            Err(_) => Err(writer
                .error
                .unwrap_or_else(|| Error::Output(io::Error::other("formatting failed")))),
        }
    }

    /// Hands everything to the kernel. What cannot be written is dropped, so that it is not
    /// reported twice.
    pub fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let outcome = write_all(self.fd, &self.buffer);
        self.buffer.clear();
        outcome.map_err(Error::Output)
    }
}

impl io::Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes).map(|()| bytes.len()).map_err(into_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        Output::flush(self).map_err(into_io)
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Output(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

struct Formatter<'o, 'a> {
    output: &'o mut Output<'a>,
    error: Option<Error>,
}

impl fmt::Write for Formatter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.output.put(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

/// Writes all of `bytes`, over interruptions and short writes.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_writable(fd)?,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// A stream that somebody else made non-blocking is waited for.
fn wait_writable(fd: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
