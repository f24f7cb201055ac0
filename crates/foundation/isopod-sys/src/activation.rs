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
