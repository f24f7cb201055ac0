//! Sockets passed by a service manager (`sd_listen_fds(3)`).

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

/// More than any service manager passes.
const LIMIT: RawFd = 1024;

/// Takes the descriptors that were passed to this very process, close-on-exec from now on.
///
/// They can be taken once; a second call returns none.
pub fn listen_fds() -> Vec<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = |name: &str| std::env::var(name).ok()?.parse::<RawFd>().ok();
    let ours = number("LISTEN_PID").is_some_and(|pid| pid.unsigned_abs() == std::process::id());
    let count = number("LISTEN_FDS").filter(|count| (1..=LIMIT).contains(count));
    let Some(count) = count.filter(|_| ours && !TAKEN.swap(true, Ordering::SeqCst)) else {
        return Vec::new();
    };
    (FIRST..FIRST + count).filter_map(take).collect()
}

/// Owns an inherited descriptor; `None` when there is none of that number.
fn take(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: fcntl with F_SETFD takes no pointers; a number that is no open file gives an error.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
        return None;
    }
    // SAFETY: the service manager passed this descriptor to this process for it to own, it is
    // open (see above), and `listen_fds` hands each out once.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A duplicate of a descriptor that this process was started with, by its number: both are one
/// open file, and share its locks.
pub fn inherited(number: u32) -> std::io::Result<OwnedFd> {
    let number = RawFd::try_from(number).map_err(std::io::Error::other)?;
    // SAFETY: fcntl with F_DUPFD_CLOEXEC takes no pointers; a number that is no open file gives
    // an error.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
