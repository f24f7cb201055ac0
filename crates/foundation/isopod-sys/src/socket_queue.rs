//! How much of what was written to a socket has not arrived.

use rustix::ioctl::{self, Getter, Opcode};
use std::io;
use std::os::fd::BorrowedFd;

/// `SIOCOUTQ` of `<linux/sockios.h>`.
const SIOCOUTQ: Opcode = 0x5411;

/// Bytes that the other end has not received; for a Unix socket, what it has not read (counted
/// with the kernel's overhead, so that only zero has an exact meaning).
pub fn unread(socket: BorrowedFd<'_>) -> io::Result<usize> {
    // SAFETY: the request writes one int, which is what the getter holds.
    let count = unsafe { ioctl::ioctl(socket, Getter::<SIOCOUTQ, libc::c_int>::new()) }?;
    Ok(usize::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn falls_to_zero_when_the_peer_has_read() {
        let (mut ours, mut theirs) = UnixStream::pair().expect("sockets");
        assert_eq!(unread(ours.as_fd()).expect("a socket"), 0);
        ours.write_all(b"hello").expect("open");
        assert_ne!(unread(ours.as_fd()).expect("a socket"), 0);
        theirs.read_exact(&mut [0; 5]).expect("sent");
        assert_eq!(unread(ours.as_fd()).expect("a socket"), 0);
    }
}
