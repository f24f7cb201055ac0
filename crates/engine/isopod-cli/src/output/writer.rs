//! Standard output and error, unbuffered: what is written is out.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags};

/// A standard stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out(BorrowedFd<'static>);

/// Standard output.
pub(crate) fn stdout() -> Out {
    Out(rustix::stdio::stdout())
}

/// Standard error.
pub(crate) fn stderr() -> Out {
    Out(rustix::stdio::stderr())
}

impl Out {
    /// Whether it is a terminal.
    pub(crate) fn is_terminal(self) -> bool {
        rustix::termios::isatty(self.0)
    }

    /// The terminal's height and width.
    pub(crate) fn size(self) -> Option<(u32, u32)> {
        let size = rustix::termios::tcgetwinsize(self.0).ok()?;
        Some((u32::from(size.ws_row), u32::from(size.ws_col)))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(self.0, bytes) {
                Ok(count) => return Ok(count),
                Err(rustix::io::Errno::INTR) => {}
                // The terminal may be shared with a program that made it non-blocking.
                Err(rustix::io::Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.0, PollFlags::OUT)];
                    rustix::event::poll(&mut fds, None)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// One system call for the whole text, so that lines of several processes do not mix.
    fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> io::Result<()> {
        match arguments.as_str() {
            Some(text) => self.write_all(text.as_bytes()),
            None => self.write_all(arguments.to_string().as_bytes()),
        }
    }
}

/// Whether the reader of our output went away (`isopod ps | head -1`), which is no error.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
