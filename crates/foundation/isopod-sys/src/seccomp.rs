//! Loading of seccomp filters.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`: the load gives a notify descriptor.
pub const NEW_LISTENER: u32 = 1 << 3;

/// Loads a filter for the calling thread. `program` is an array of `struct sock_filter`, 8
/// bytes each in the machine's byte order; `flags` are `SECCOMP_FILTER_FLAG_*`. Gives the
/// notify descriptor if one was asked for.
///
/// Needs `no_new_privs` or CAP_SYS_ADMIN in the process's user namespace.
pub fn load_filter(program: &[u8], flags: u32) -> io::Result<Option<OwnedFd>> {
    const SECCOMP_SET_MODE_FILTER: libc::c_uint = 1;
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    if !program.len().is_multiple_of(size_of::<libc::sock_filter>()) {
        return Err(invalid());
    }
    // Copied, since bytes need not be aligned as the kernel's structure asks for.
    let mut instructions: Vec<libc::sock_filter> = program
        .chunks_exact(size_of::<libc::sock_filter>())
        .map(|bytes| libc::sock_filter {
            code: u16::from_ne_bytes([bytes[0], bytes[1]]),
            jt: bytes[2],
            jf: bytes[3],
            k: u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        })
        .collect();
    let program = libc::sock_fprog {
        len: u16::try_from(instructions.len()).map_err(|_| invalid())?,
        filter: instructions.as_mut_ptr(),
    };
    // SAFETY: `program` points to `len` instructions that live until the call returns; the
    // kernel checks the program before it is used.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    match result {
        -1 => Err(io::Error::last_os_error()),
        fd if flags & NEW_LISTENER != 0 => {
            // SAFETY: the kernel has just opened this descriptor for us.
            Ok(Some(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
        }
        0 => Ok(None),
        // With TSYNC a positive answer is the thread that could not be synchronised.
        thread => Err(io::Error::other(format!("thread {thread} could not take over the filter"))),
    }
}

/// Whether the kernel knows the seccomp action (`SECCOMP_RET_*`).
#[must_use]
pub fn action_available(action: u32) -> bool {
    const SECCOMP_GET_ACTION_AVAIL: libc::c_uint = 2;
    // SAFETY: the kernel reads one integer.
    unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) == 0 }
}
