//! Waiting for a descriptor to become readable.

use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor that stays open until it is unregistered, since both own it.
///
/// tokio's successor of this call is unsafe to call, for types whose descriptor may be closed
/// behind its back; an `OwnedFd` in a private field is not one of those.
#[expect(deprecated, reason = "the unsafe successor guards against what OwnedFd rules out")]
pub(crate) fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
