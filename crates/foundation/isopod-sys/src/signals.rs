//! Signals taken one by one instead of by handlers.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// A set of signals, as the kernel keeps it for a thread.
#[derive(Clone, Copy)]
pub struct SignalMask(libc::sigset_t);

impl std::fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignalMask")
    }
}

/// Holds back every signal of the calling thread that can be held back but those of its own
/// faults, for [`wait_for_signal`]; returns which were before.
pub fn hold_signals() -> io::Result<SignalMask> {
    let mut old = MaybeUninit::uninit();
    // SAFETY: the sets are initialised by `sigfillset` and by the call itself before they are read.
    unsafe {
        let mut all = MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        let mut all = all.assume_init();
        for fault in
            [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT]
        {
            libc::sigdelset(&raw mut all, fault);
        }
        match libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, old.as_mut_ptr()) {
            0 => Ok(SignalMask(old.assume_init())),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Waits for the next signal that is held back, and returns its number.
pub fn wait_for_signal() -> io::Result<i32> {
    // SAFETY: `sigfillset` initialises the set; no information about the signal is asked for.
    let signal = unsafe {
        let mut all = MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::sigwaitinfo(all.as_ptr(), std::ptr::null_mut())
    };
    if signal < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(signal)
}

/// Starts `command` with the given mask, rather than this thread's.
pub fn spawn_with_mask(command: &mut Command, mask: SignalMask) -> io::Result<Child> {
    // SAFETY: between fork and exec only `pthread_sigmask` is called, which is
    // async-signal-safe, and the closure allocates nothing.
    unsafe {
        command.pre_exec(move || {
            match libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask.0, std::ptr::null_mut())
            {
                0 => Ok(()),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        });
    }
    command.spawn()
}

/// Writing to a pipe that nobody reads ends this process, which Rust's start-up code turns off.
pub fn default_on_broken_pipe() {
    // SAFETY: the default action of a signal runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// SIGINT.
pub const INTERRUPT: i32 = libc::SIGINT;
/// SIGPIPE.
pub const BROKEN_PIPE: i32 = libc::SIGPIPE;
/// SIGHUP.
pub const HANG_UP: i32 = libc::SIGHUP;

/// Ignores a signal; programs that are executed ignore it too.
pub fn ignore(number: i32) {
    // SAFETY: ignoring a signal runs no code of ours; a number that is none changes nothing.
    unsafe { libc::signal(number, libc::SIG_IGN) };
}

/// Gives a signal its default action.
pub fn default_action(number: i32) {
    // SAFETY: the default action of a signal runs no code of ours; a number that is none changes
    // nothing.
    unsafe { libc::signal(number, libc::SIG_DFL) };
}
