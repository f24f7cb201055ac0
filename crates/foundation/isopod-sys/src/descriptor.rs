//! Descriptors known by number only: those that a process was started with.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// The descriptor of a number, which the caller knows to be open for as long as it is used. If it
/// is not, system calls on it fail with `EBADF`.
#[must_use]
pub fn numbered(number: RawFd) -> BorrowedFd<'static> {
    assert!(number >= 0, "a descriptor's number is not negative");
    // SAFETY: the number is not -1. All our own descriptors are owned and close-on-exec; callers
    // pass numbers of inherited ones, which nobody in this process owns, or of owned ones that
    // they keep open meanwhile.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Whether a number is that of a descriptor that the process was started with: it is open, and
/// unlike all that this process opens itself it is not close-on-exec.
#[must_use]
pub fn is_inherited(number: RawFd) -> bool {
    // SAFETY: asks for flags of a number; no memory is touched.
    number >= 0
        && matches!(unsafe { libc::fcntl(number, libc::F_GETFD) }, flags if flags >= 0 && flags & libc::FD_CLOEXEC == 0)
}

/// Closes a descriptor that the process was started with.
pub fn close_inherited(number: RawFd) -> io::Result<()> {
    if !is_inherited(number) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: an inherited descriptor is owned by nobody in this process.
    match unsafe { libc::close(number) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The times that this process and its children have used: user and system of the one, user and
/// system of the others, in microseconds.
#[must_use]
pub fn processor_times() -> [u64; 4] {
    let of = |who| {
        // SAFETY: the structure is filled by the call, or stays all zero.
        let usage: libc::rusage = unsafe {
            let mut usage = std::mem::zeroed();
            libc::getrusage(who, &raw mut usage);
            usage
        };
        let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
        (micros(usage.ru_utime), micros(usage.ru_stime))
    };
    let (own, children) = (of(libc::RUSAGE_SELF), of(libc::RUSAGE_CHILDREN));
    [own.0, own.1, children.0, children.1]
}

#[cfg(test)]
mod tests {
    #[test]
    fn own_descriptors_are_not_inherited() {
        use std::os::fd::AsRawFd;
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(!super::is_inherited(file.as_raw_fd()));
        assert!(super::close_inherited(file.as_raw_fd()).is_err());
        assert!(super::is_inherited(2));
    }
}
