//! The caller's terminal, connected to the one in the container.

use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isopod_oci::runtime::ConsoleSize;
use rustix::io::Errno;
use rustix::termios::{OptionalActions, OutputModes, Termios};

use crate::error::Error;

/// Bytes that are moved at once.
const CHUNK: usize = 32 * 1024;

/// The terminal of who calls us, raw while this value lives.
#[derive(Debug)]
pub(crate) struct HostTerminal {
    fd: OwnedFd,
    before: Termios,
    raw: Cell<bool>,
}

impl HostTerminal {
    /// Finds the terminal among the standard streams, else the controlling one.
    pub(crate) fn find() -> Result<Self, Error> {
        let duplicate = |fd: BorrowedFd<'_>| {
            rustix::termios::isatty(fd).then(|| fd.try_clone_to_owned().ok()).flatten()
        };
        let fd = duplicate(rustix::stdio::stderr())
            .or_else(|| duplicate(rustix::stdio::stdout()))
            .or_else(|| duplicate(rustix::stdio::stdin()))
            .or_else(|| File::open("/dev/tty").ok().map(OwnedFd::from))
            .ok_or(Error::NoTerminal)?;
        let before =
            rustix::termios::tcgetattr(&fd).map_err(Error::system("read terminal settings"))?;
        Ok(Self { fd, before, raw: Cell::new(false) })
    }

    /// Passes every key on as it is; the container's terminal does the editing.
    pub(crate) fn make_raw(&self) -> Result<(), Error> {
        let mut raw = self.before.clone();
        raw.make_raw();
        self.raw.set(true);
        rustix::termios::tcsetattr(&self.fd, OptionalActions::Now, &raw)
            .map_err(Error::system("set the terminal to raw mode"))
    }

    /// Gives the container's terminal the size of this one.
    pub(crate) fn copy_size(&self, to: BorrowedFd<'_>) {
        if let Ok(size) = rustix::termios::tcgetwinsize(&self.fd) {
            // A terminal of the wrong size is no reason to stop.
            let _kept = rustix::termios::tcsetwinsize(to, size);
        }
    }
}

impl Drop for HostTerminal {
    fn drop(&mut self) {
        if !self.raw.get() {
            return;
        }
        let _gone = rustix::termios::tcsetattr(&self.fd, OptionalActions::Now, &self.before);
    }
}

/// The size of the caller's terminal, for the container's to have it from the start: a program
/// may ask for it before the two are connected.
pub(crate) fn caller_size() -> Option<ConsoleSize> {
    let terminal = HostTerminal::find().ok()?;
    let size = rustix::termios::tcgetwinsize(&terminal.fd).ok()?;
    let known = size.ws_row != 0 && size.ws_col != 0;
    known.then_some(ConsoleSize { height: size.ws_row, width: size.ws_col })
}

/// The caller's terminal is raw, so a line feed from the container must not become a carriage
/// return and a line feed a second time.
pub(crate) fn keep_line_feeds(master: BorrowedFd<'_>) -> Result<(), Error> {
    let failed = Error::system::<Errno>;
    let mut settings =
        rustix::termios::tcgetattr(master).map_err(failed("read terminal settings"))?;
    settings.output_modes.remove(OutputModes::ONLCR);
    rustix::termios::tcsetattr(master, OptionalActions::Now, &settings)
        .map_err(failed("change terminal settings"))
}

/// What became of moving some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    Some,
    /// Nothing there yet.
    Nothing,
    /// Nothing will come any more.
    End,
}

/// Moves what is there from one descriptor to another; waits for the receiver if need be.
pub(crate) fn move_bytes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Moved {
    let mut buffer = [0_u8; CHUNK];
    let count = match rustix::io::read(from, &mut buffer) {
        Ok(0) => return Moved::End,
        Ok(count) => count,
        Err(Errno::AGAIN | Errno::INTR) => return Moved::Nothing,
        // A terminal whose last user has closed it reads as EIO.
        Err(_) => return Moved::End,
    };
    let mut rest = &buffer[..count];
    while !rest.is_empty() {
        match rustix::io::write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_writable(to),
            Err(_) => return Moved::End,
        }
    }
    Moved::Some
}

fn wait_writable(fd: BorrowedFd<'_>) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: 1, tv_nsec: 0 };
    // Whatever comes of it, the write is tried again.
    let _tried_again =
        poll(&mut [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::OUT)], Some(&timeout));
}
