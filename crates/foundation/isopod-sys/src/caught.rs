//! Signals noted by a handler and looked at later, as a shell does.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bit `n - 1` for signal `n`.
static PENDING: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(signal: libc::c_int) {
    PENDING.fetch_or(1 << (signal - 1), Ordering::Relaxed);
}

/// What a signal does to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// What the kernel does by default.
    Default,
    /// Nothing.
    Ignore,
    /// It is noted for [`take_pending`] and interrupts the system call that waits.
    Catch,
}

/// Sets the action of a signal (1 to 64).
pub fn set_action(signal: i32, action: Action) -> io::Result<()> {
    if !(1..=64).contains(&signal) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: an all-zero action is valid: default, no flags (system calls are interrupted), no
    // further signals held back. `note` only touches an atomic, and the number is in range.
    unsafe {
        let mut act: libc::sigaction = std::mem::zeroed();
        act.sa_sigaction = match action {
            Action::Default => libc::SIG_DFL,
            Action::Ignore => libc::SIG_IGN,
            Action::Catch => note as extern "C" fn(libc::c_int) as libc::sighandler_t,
        };
        match libc::sigaction(signal, &raw const act, std::ptr::null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Whether a signal is ignored.
#[must_use]
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: the structure is filled by the call, or stays all zero.
    unsafe {
        let mut act: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut act) == 0
            && act.sa_sigaction == libc::SIG_IGN
    }
}

/// The signals that came and were not taken yet.
#[inline]
#[must_use]
pub fn pending() -> u64 {
    PENDING.load(Ordering::Relaxed)
}

/// Takes one signal that came.
pub fn take(signal: i32) -> bool {
    let bit = 1u64 << (signal - 1);
    PENDING.fetch_and(!bit, Ordering::Relaxed) & bit != 0
}

/// Forgets what came.
pub fn clear() {
    PENDING.store(0, Ordering::Relaxed);
}

/// Waits for a caught signal unless `ready` says that there is no need to, without missing one
/// that comes in between.
pub fn wait_unless(mut ready: impl FnMut() -> bool) {
    // SAFETY: all sets are initialised by the calls that take them; sigsuspend restores the mask.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut old: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut old);
        if !ready() {
            libc::sigsuspend(&raw const old);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const old, std::ptr::null_mut());
    }
}

/// Sends a signal to a process, a group (negative), or whoever `kill(2)` says; 0 only asks.
pub fn kill(target: i32, signal: i32) -> io::Result<()> {
    // SAFETY: a system call on two numbers.
    match unsafe { libc::kill(target, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends this process by a signal's default action, so that whoever waits sees why.
pub fn die_by(signal: i32) -> ! {
    // SAFETY: the default action runs no code of ours; the set is initialised by the calls.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
        libc::_exit(128 + signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_signal_is_noted_once() {
        set_action(libc::SIGUSR2, Action::Catch).unwrap();
        kill(std::process::id() as i32, libc::SIGUSR2).unwrap();
        wait_unless(|| pending() != 0);
        assert!(take(libc::SIGUSR2));
        assert!(!take(libc::SIGUSR2));
        set_action(libc::SIGUSR2, Action::Ignore).unwrap();
        assert!(is_ignored(libc::SIGUSR2));
        set_action(libc::SIGUSR2, Action::Default).unwrap();
        assert!(set_action(0, Action::Ignore).is_err());
    }
}
