//! `clone3(2)` of a single-threaded process, and leaving shared state by `unshare(2)`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// New mount namespace.
pub const NEW_MOUNT: u64 = libc::CLONE_NEWNS as u64;
/// New cgroup namespace.
pub const NEW_CGROUP: u64 = libc::CLONE_NEWCGROUP as u64;
/// New UTS namespace.
pub const NEW_UTS: u64 = libc::CLONE_NEWUTS as u64;
/// New IPC namespace.
pub const NEW_IPC: u64 = libc::CLONE_NEWIPC as u64;
/// New user namespace.
pub const NEW_USER: u64 = libc::CLONE_NEWUSER as u64;
/// New process id namespace.
pub const NEW_PID: u64 = libc::CLONE_NEWPID as u64;
/// New network namespace.
pub const NEW_NETWORK: u64 = libc::CLONE_NEWNET as u64;
/// New time namespace (Linux 5.6).
pub const NEW_TIME: u64 = 0x80;
/// The child becomes a sibling of the caller instead of its child.
pub const SIBLING: u64 = libc::CLONE_PARENT as u64;

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args`, as of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// On which side of the clone the caller finds itself.
#[derive(Debug)]
pub enum Side {
    /// In the new process, which must not get back into the code of the old one.
    Child(ChildGuard),
    /// In the old one.
    Parent {
        /// The new process, as the caller's process id namespace numbers it.
        pid: i32,
        /// The same as a descriptor, close-on-exec.
        pidfd: OwnedFd,
    },
}

/// Ends the process when dropped: by a panic that unwinds, or by a return that should not be,
/// the copy would otherwise run on as if it were the original.
#[derive(Debug)]
pub struct ChildGuard(());

impl ChildGuard {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        exit_now(EXIT_ASTRAY);
    }
}

/// Exit status of a copy that lost its way (`EX_SOFTWARE`).
const EXIT_ASTRAY: i32 = 70;

/// Copies the calling process, as `fork(2)` does, into the namespaces asked for by `flags` and
/// into the cgroup (version 2) whose directory is given.
///
/// Refused with `EINVAL` for a process of several threads: in the copy of such a process the
/// locks of the others stay taken for ever.
pub fn clone(flags: u64, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Side> {
    if !is_single_threaded() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut pidfd: libc::c_int = -1;
    let mut args = CloneArgs {
        flags: flags | libc::CLONE_PIDFD as u64,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        // A sibling reports to the common parent with the signal of the caller.
        exit_signal: if flags & SIBLING == 0 { libc::SIGCHLD as u64 } else { 0 },
        ..CloneArgs::default()
    };
    if let Some(directory) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = directory.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM and with no stack given the child runs on a copy of this
    // memory, like after fork; `args` and `pidfd` outlive the call; the process has one
    // thread, so no lock of another thread is copied in a taken state.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone3, std::ptr::from_mut(&mut args), size_of::<CloneArgs>())
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child(ChildGuard(()))),
        pid => Ok(Side::Parent {
            pid: pid as i32,
            // SAFETY: the kernel has just stored a fresh descriptor that nobody else owns.
            pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
        }),
    }
}

/// Whether the calling process has one thread only.
#[must_use]
pub fn is_single_threaded() -> bool {
    // SAFETY: CLONE_THREAD alone changes nothing: the kernel only checks that the thread
    // group is empty and answers EINVAL if it is not.
    unsafe { libc::unshare(libc::CLONE_THREAD) == 0 }
}

/// Leaves the given namespaces for new ones (`NEW_*`).
pub fn unshare(flags: u64) -> io::Result<()> {
    let flags =
        libc::c_int::try_from(flags).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let namespaces =
        (NEW_MOUNT | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NETWORK | NEW_TIME)
            as libc::c_int;
    if flags & !namespaces != 0 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: only namespace flags are passed; descriptors and memory stay shared as they are.
    match unsafe { libc::unshare(flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Enters namespaces: `target` is a namespace's file (with `kinds` one `NEW_*` or 0), or a
/// pidfd (with `kinds` all those of that process to enter at once, Linux 5.8).
pub fn enter_namespaces(target: BorrowedFd<'_>, kinds: u64) -> io::Result<()> {
    let kinds =
        libc::c_int::try_from(kinds).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: setns touches no memory of the caller.
    match unsafe { libc::setns(target.as_raw_fd(), kinds) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends the process at once, without running destructors or handlers of the copied process.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit does not return and touches no memory.
    unsafe { libc::_exit(status) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_with_threads_is_refused() {
        // The test harness runs tests on threads.
        assert!(!super::is_single_threaded());
        assert!(super::clone(0, None).is_err());
    }
}
