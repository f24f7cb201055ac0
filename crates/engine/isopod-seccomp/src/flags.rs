//! Flags for `seccomp(2)`.

use crate::Error;

/// Apply the filter to every thread.
pub(crate) const TSYNC: u32 = 1;
/// Log every action but `ALLOW`.
pub(crate) const LOG: u32 = 1 << 1;
/// Leave speculative store bypass alone.
pub(crate) const SPEC_ALLOW: u32 = 1 << 2;
/// Return a listener.
pub(crate) const NEW_LISTENER: u32 = 1 << 3;
/// Report a failed `TSYNC` by an error number, so that the return value can be the listener.
pub(crate) const TSYNC_ESRCH: u32 = 1 << 4;
/// A notified call waits in a state that only fatal signals end.
pub(crate) const WAIT_KILLABLE_RECV: u32 = 1 << 5;

/// Turns a profile's flags into the bits for the system call.
pub(crate) fn parse(names: &[String], wants_listener: bool) -> Result<u32, Error> {
    let mut bits = if wants_listener { NEW_LISTENER } else { 0 };
    for name in names {
        bits |= match name.as_str() {
            // The kernel refuses TSYNC together with a listener unless it may report in a
            // different way (Linux 5.7).
            "SECCOMP_FILTER_FLAG_TSYNC" if wants_listener => TSYNC | TSYNC_ESRCH,
            "SECCOMP_FILTER_FLAG_TSYNC" => TSYNC,
            "SECCOMP_FILTER_FLAG_LOG" => LOG,
            "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => SPEC_ALLOW,
            // Without a listener there is nothing to wait for, and the kernel answers EINVAL.
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" if wants_listener => WAIT_KILLABLE_RECV,
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => 0,
            _ => return Err(Error::UnknownFlag(name.clone())),
        };
    }
    Ok(bits)
}
