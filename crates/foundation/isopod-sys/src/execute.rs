//! Becoming another program, and what must be right before it: descriptors and signals.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Becomes the program at `path`; returns only on failure.
pub fn execve(path: &CStr, args: &[CString], env: &[CString]) -> io::Error {
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both arrays end in a null pointer and point to C strings that outlive the call.
    unsafe {
        libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr());
    }
    io::Error::last_os_error()
}

/// Becomes the program that `file` is open on; returns only on failure.
pub fn execve_file(file: BorrowedFd<'_>, args: &[CString], env: &[CString]) -> io::Error {
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: as in `execve`; the path is the empty C string.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            args.as_ptr(),
            env.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    io::Error::last_os_error()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Marks every descriptor from `first` on as close-on-exec (Linux 5.11).
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: no descriptor is closed, so nobody's ownership is touched.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC)
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Closes every descriptor from `first` on but those given, whoever owns them.
///
/// For a process that is about to become another program only: owners of what is closed must
/// neither be used nor dropped any more.
pub fn close_others(first: u32, keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut kept: Vec<u32> =
        keep.iter().filter_map(|fd| u32::try_from(fd.as_raw_fd()).ok()).collect();
    kept.sort_unstable();
    let mut from = first;
    for fd in kept {
        if fd > from {
            close_range(from, fd - 1)?;
        }
        from = from.max(fd.saturating_add(1));
    }
    close_range(from, libc::c_uint::MAX)
}

fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: the caller's process neither uses nor drops the owners of what is closed: it goes
    // on to execve or _exit.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes `to` (0, 1 or 2) a copy of `from` that stays open on exec.
pub fn become_stdio(from: BorrowedFd<'_>, to: u8) -> io::Result<()> {
    assert!(to <= 2, "only the standard streams may be replaced");
    // SAFETY: the standard streams are owned by no `OwnedFd`: std refers to them by number.
    match unsafe { libc::dup2(from.as_raw_fd(), libc::c_int::from(to)) } {
        -1 => Err(io::Error::last_os_error()),
        // dup2 of a descriptor onto itself leaves close-on-exec as it was.
        _ if from.as_raw_fd() == i32::from(to) => {
            rustix::io::fcntl_setfd(from, rustix::io::FdFlags::empty()).map_err(io::Error::from)
        }
        _ => Ok(()),
    }
}

/// Sets every signal to its default action and unblocks all of them, so that the next program
/// does not inherit what std ignores (`SIGPIPE`) or the caller has blocked.
pub fn reset_signals() -> io::Result<()> {
    /// Highest signal number of Linux.
    const LAST: libc::c_int = 64;
    /// Size of the kernel's signal set.
    const SET_SIZE: usize = 8;
    // The kernel's structure, which has at most four words: all zero is the default action. The
    // call is made directly, since glibc keeps two signals for itself that a caller may have
    // ignored.
    let default = [0u64; 4];
    for signal in 1..=LAST {
        if signal == libc::SIGKILL || signal == libc::SIGSTOP {
            continue;
        }
        // SAFETY: `default` is as large as the kernel's structure, which it only reads.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                SET_SIZE,
            )
        };
    }
    // SAFETY: an all-zero set is the empty set in every libc for Linux.
    let none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `none` is a valid set.
    match unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
