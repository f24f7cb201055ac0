//! Session keyrings.

use std::ffi::CStr;
use std::io;

/// Joins the session keyring of that name, which is made if there is none, and gives its id.
pub fn join_session_keyring(name: &CStr) -> io::Result<i32> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: `name` is a C string.
    let id = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) };
    match id {
        -1 => Err(io::Error::last_os_error()),
        id => Ok(id as i32),
    }
}
