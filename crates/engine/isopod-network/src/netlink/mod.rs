//! Netlink sockets and messages: what rtnetlink and nftables have in common.
//!
//! The kernel works a request off within the call that sends it, so that the answers are there
//! when that returns.

mod message;

pub(crate) use message::{Attributes, Reader, Writer, number, text};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

pub(crate) const REQUEST: u16 = 0x1;
pub(crate) const ACK: u16 = 0x4;
pub(crate) const DUMP: u16 = 0x300;
pub(crate) const EXCLUSIVE: u16 = 0x200;
pub(crate) const CREATE: u16 = 0x400;
pub(crate) const APPEND: u16 = 0x800;
/// Of `RTM_NEWROUTE` and its like: take the place of what is there.
pub(crate) const REPLACE: u16 = 0x100;

const ERROR: u16 = 2;
const DONE: u16 = 3;
const HEADER_LENGTH: usize = 16;
/// Of the flags of a dump's message: the kernel's tables changed meanwhile.
const DUMP_INTERRUPTED: u16 = 0x10;
/// How long the kernel may take for a part of a dump.
const LIMIT: Duration = Duration::from_secs(30);
/// How often a dump that was interrupted by changes is tried again.
const DUMP_ATTEMPTS: usize = 10;

/// A netlink socket; no protocol is rtnetlink. It stays with the network namespace that it was opened in.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
}

impl Socket {
    pub(crate) fn open(protocol: Option<Protocol>) -> io::Result<Self> {
        Self::open_groups(protocol, 0)
    }

    /// One that hears of changes, too: `groups` has a bit for each kind.
    pub(crate) fn open_groups(protocol: Option<Protocol>, groups: u32) -> io::Result<Self> {
        let fd = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )?;
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        // What is refused falls back to the system's usual sizes.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&fd, 1 << 21);
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&fd, 1 << 21);
        rustix::net::sockopt::set_socket_timeout(
            &fd,
            rustix::net::sockopt::Timeout::Recv,
            Some(LIMIT),
        )?;
        Ok(Self { fd })
    }

    /// Waits for news; whether any is of this kind. More news than can be remembered are taken
    /// for it.
    pub(crate) fn hears(&self, kind: u16) -> io::Result<bool> {
        let mut buffer = vec![0; 1 << 16];
        match rustix::net::recv(&self.fd, &mut buffer, RecvFlags::empty()) {
            Ok((_, length)) => {
                Ok(Reader::new(&buffer[..length]).any(|message| message.kind == kind))
            }
            Err(rustix::io::Errno::NOBUFS) => Ok(true),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let kernel = SocketAddrNetlink::new(0, 0);
        let sent = rustix::net::sendto(&self.fd, bytes, SendFlags::empty(), &kernel)?;
        if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Sends requests and returns the first error among the answers, with the number of the
    /// message that it is about.
    pub(crate) fn execute(&self, requests: &Writer) -> Result<(), (u32, io::Error)> {
        self.send(requests.bytes()).map_err(|error| (0, error))?;
        let mut failure: Option<(u32, io::Error)> = None;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let received = rustix::net::recv(&self.fd, &mut buffer, RecvFlags::DONTWAIT);
            let length = match received {
                Ok((_, length)) => length,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err((0, error.into())),
            };
            for message in Reader::new(&buffer[..length]) {
                if message.kind == ERROR
                    && let Some(code) = message.errno()
                    && code != 0
                    && failure.as_ref().is_none_or(|(number, _)| message.number < *number)
                {
                    failure = Some((message.number, io::Error::from_raw_os_error(code)));
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Asks for a table and returns its entries: bodies of messages, without their headers.
    pub(crate) fn dump(&self, request: &Writer) -> io::Result<Vec<Vec<u8>>> {
        for _ in 0..DUMP_ATTEMPTS {
            let (entries, interrupted) = self.dump_once(request)?;
            if !interrupted {
                return Ok(entries);
            }
        }
        Err(io::Error::other("the kernel's table changes faster than it can be read"))
    }

    fn dump_once(&self, request: &Writer) -> io::Result<(Vec<Vec<u8>>, bool)> {
        self.send(request.bytes())?;
        let mut entries = Vec::new();
        let mut interrupted = false;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let (_, length) = match rustix::net::recv(&self.fd, &mut buffer, RecvFlags::empty()) {
                Err(rustix::io::Errno::INTR) => continue,
                received => received?,
            };
            for message in Reader::new(&buffer[..length]) {
                interrupted |= message.flags & DUMP_INTERRUPTED != 0;
                match message.kind {
                    DONE => return Ok((entries, interrupted)),
                    ERROR => match message.errno() {
                        Some(0) | None => return Ok((entries, interrupted)),
                        Some(code) => return Err(io::Error::from_raw_os_error(code)),
                    },
                    _ => entries.push(message.body.to_vec()),
                }
            }
        }
    }

    /// Asks for one thing; `None` if it does not exist.
    pub(crate) fn get(&self, request: &Writer) -> io::Result<Option<Vec<u8>>> {
        self.send(request.bytes())?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let (_, length) = match rustix::net::recv(&self.fd, &mut buffer, RecvFlags::empty()) {
                Err(rustix::io::Errno::INTR) => continue,
                received => received?,
            };
            let message = Reader::new(&buffer[..length]).next();
            let Some(message) = message else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            return match (message.kind, message.errno()) {
                (ERROR, Some(libc::ENODEV | libc::ENOENT)) => Ok(None),
                (ERROR, Some(code)) => Err(io::Error::from_raw_os_error(code)),
                (ERROR | DONE, _) => Ok(None),
                _ => Ok(Some(message.body.to_vec())),
            };
        }
    }
}
