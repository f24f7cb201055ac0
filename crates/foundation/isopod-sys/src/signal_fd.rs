//! Signals as a readable descriptor, for programs that wait for other things at the same time;
//! and every signal number as a signal, real-time ones too.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::process::Signal;

/// The first real-time signal that the C library leaves to programs.
const FIRST_REALTIME: i32 = 34;
/// The last real-time signal of Linux.
const LAST_REALTIME: i32 = 64;

/// A descriptor that is readable when a signal is pending.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Its number.
    pub number: i32,
    /// The process that sent it, 0 for the kernel.
    pub sender: u32,
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl SignalFd {
    /// A descriptor, close-on-exec and non-blocking, for every signal that the calling thread
    /// has held back (see [`crate::signals::hold_signals`]).
    pub fn new() -> io::Result<Self> {
        let mut all = MaybeUninit::uninit();
        // SAFETY: `sigfillset` initialises the set that `signalfd` then reads.
        let fd = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::signalfd(-1, all.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just returned this descriptor to us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes the next pending signal; `None` when there is none.
    pub fn take(&self) -> io::Result<Option<Arrived>> {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let mut bytes = [0_u8; SIZE];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut bytes)) {
            // The number is the first field, the sender the fourth, each 32 bits wide.
            Ok(SIZE) => Ok(Some(Arrived {
                number: i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
                sender: u32::from_ne_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]),
            })),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The signal of a number, from 1 to 64; `None` for others and for those that the C library
/// keeps for itself.
#[must_use]
pub fn from_number(number: i32) -> Option<Signal> {
    if (FIRST_REALTIME..=LAST_REALTIME).contains(&number) {
        // SAFETY: it is a signal of Linux that the C library does not use.
        return Some(unsafe { Signal::from_raw_unchecked(number) });
    }
    Signal::from_named_raw(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(from_number(9), Some(Signal::KILL));
        assert_eq!(from_number(37).map(Signal::as_raw), Some(37));
        for number in [0, -1, 32, 33, 65, i32::MAX] {
            assert_eq!(from_number(number), None, "{number}");
        }
    }

    #[test]
    fn a_held_signal_is_read() {
        std::thread::spawn(|| {
            crate::signals::hold_signals().expect("held");
            let signals = SignalFd::new().expect("opened");
            assert_eq!(signals.take().expect("readable"), None);
            let process = rustix::process::getpid();
            let thread = rustix::thread::gettid();
            // SAFETY: `tgkill` takes no pointers.
            let sent = unsafe {
                libc::syscall(
                    libc::SYS_tgkill,
                    process.as_raw_nonzero().get(),
                    thread.as_raw_nonzero().get(),
                    libc::SIGUSR1,
                )
            };
            assert_eq!(sent, 0);
            let arrived = signals.take().expect("readable").expect("pending");
            assert_eq!(arrived.number, libc::SIGUSR1);
            assert_eq!(arrived.sender, std::process::id());
        })
        .join()
        .expect("no panic");
    }
}
