//! The typed channel between a runtime and the process that it prepares.
//!
//! A pair of `SOCK_SEQPACKET` sockets: one message, one packet, with at most one descriptor.
//! The closing of either end is a message too: the child that is gone without a word has died
//! (or, after [`ToParent::Executing`], has become the program); the parent that is gone makes
//! the child leave.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Longest message; an error text above it is cut.
const LIMIT: usize = 32 * 1024;
/// Most descriptors that come with one message: one for every version 1 hierarchy.
const FDS: usize = 16;
/// Longest error text, which JSON may make up to six times longer.
const TEXT_LIMIT: usize = LIMIT / 8;

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToParent {
    /// A user namespace was made: its ids are to be mapped. Answered.
    Map,
    /// The intermediate process has made the final one.
    Final {
        /// In the parent's process id namespace.
        pid: i32,
    },
    /// The namespaces are there: the hooks of the runtime's own namespaces may run. Answered.
    RuntimeHooks,
    /// Limits that only the parent may set are due now. Answered.
    Limits,
    /// The master end of the terminal comes with this message.
    Terminal,
    /// Everything that can fail early was done. Answered: by then the state is stored.
    Ready,
    /// The filter is loaded and its notify descriptor has this number in the child. Answered
    /// once it was fetched.
    Listener {
        /// Number of the descriptor.
        fd: i32,
    },
    /// The program is executed now; only an error or the end of the channel may follow.
    Executing,
    /// It did not work out; the child ends.
    Failed {
        /// The whole chain of causes.
        text: String,
        /// What sort of failure.
        kind: FailureKind,
    },
}

/// [`ErrorKind`] as it travels.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum FailureKind {
    CommandNotFound,
    CommandNotExecutable,
    Unsupported,
    Hook,
    Invalid,
    System,
}

impl From<FailureKind> for ErrorKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::CommandNotFound => Self::CommandNotFound,
            FailureKind::CommandNotExecutable => Self::CommandNotExecutable,
            FailureKind::Unsupported => Self::Unsupported,
            FailureKind::Hook => Self::Hook,
            FailureKind::Invalid => Self::Invalid,
            FailureKind::System => Self::System,
        }
    }
}

impl ToParent {
    /// Packs an error with all its causes.
    pub(crate) fn failed(error: &Error) -> Self {
        let mut text = isopod_base::chain(error).to_string();
        if text.len() > TEXT_LIMIT {
            let cut = (0..=TEXT_LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(cut);
        }
        let kind = match error.kind() {
            ErrorKind::CommandNotFound => FailureKind::CommandNotFound,
            ErrorKind::CommandNotExecutable => FailureKind::CommandNotExecutable,
            ErrorKind::Unsupported => FailureKind::Unsupported,
            ErrorKind::Hook => FailureKind::Hook,
            ErrorKind::Invalid => FailureKind::Invalid,
            _ => FailureKind::System,
        };
        Self::Failed { text, kind }
    }
}

/// One end of the channel.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// Both ends, close-on-exec.
    pub(crate) fn pair() -> Result<(Self, Self)> {
        let (a, b) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(Error::system("make a channel to the container's process"))?;
        Ok((Self(a), Self(b)))
    }

    /// An end made by connecting or accepting.
    pub(crate) fn over(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Sends a message to the parent, with a descriptor if there is one.
    pub(crate) fn tell(&self, message: &ToParent, fd: Option<BorrowedFd<'_>>) -> Result<()> {
        let bytes = serde_json::to_vec(message).expect("plain data");
        let fds: Vec<BorrowedFd<'_>> = fd.into_iter().collect();
        send_all(self.0.as_fd(), &bytes, &fds).map_err(Error::system("write to the runtime"))
    }

    /// The child's next message; `None` once its end is closed.
    pub(crate) fn hear(&self) -> Result<Option<(ToParent, Option<OwnedFd>)>> {
        let mut bytes = vec![0; LIMIT];
        let (length, mut fds) = receive(self.0.as_fd(), &mut bytes)
            .map_err(Error::system("read from the container's process"))?;
        if length == 0 {
            return Ok(None);
        }
        let fd = fds.pop();
        let message = serde_json::from_slice(&bytes[..length]).map_err(|error| {
            Error::system("read from the container's process")(io::Error::from(error))
        })?;
        Ok(Some((message, fd)))
    }

    /// Lets the child go on. One byte, so that a child under a seccomp filter can read it
    /// with `read(2)`.
    pub(crate) fn go(&self) -> Result<()> {
        send(self.0.as_fd(), b"g", None).map_err(Error::system("write to the container's process"))
    }

    /// Lets the child go on with these descriptors, at most [`FDS`]. A child that is gone is no
    /// error here: what it said last is still to be heard.
    pub(crate) fn give(&self, fds: &[BorrowedFd<'_>]) -> Result<()> {
        match send_all(self.0.as_fd(), b"g", fds) {
            Err(error) if is_gone(&error) => Ok(()),
            other => other.map_err(Error::system("write to the container's process")),
        }
    }

    /// Waits for [`Channel::give`]; `None` if the parent is gone.
    pub(crate) fn take(&self) -> Result<Option<Vec<OwnedFd>>> {
        let (length, fds) =
            receive(self.0.as_fd(), &mut [0]).map_err(Error::system("read from the runtime"))?;
        Ok((length == 1).then_some(fds))
    }

    /// Waits for [`Channel::go`]; `false` if the parent is gone.
    pub(crate) fn wait_go(&self) -> Result<bool> {
        let mut byte = [0];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut byte)) {
            Ok(count) => Ok(count == 1),
            Err(rustix::io::Errno::CONNRESET) => Ok(false),
            Err(error) => Err(Error::system("read from the runtime")(error)),
        }
    }

    /// Like [`Channel::tell`] for processes whose filter may not allow `sendmsg(2)`.
    pub(crate) fn tell_by_write(&self, message: &ToParent) -> Result<()> {
        let bytes = serde_json::to_vec(message).expect("plain data");
        rustix::io::retry_on_intr(|| rustix::io::write(&self.0, &bytes))
            .map(|_| ())
            .map_err(Error::system("write to the runtime"))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sends one packet, with a descriptor if there is one.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fd: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let fds: Vec<BorrowedFd<'_>> = fd.into_iter().collect();
    send_all(socket, bytes, &fds)
}

fn send_all(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut once = || {
        rustix::io::retry_on_intr(|| {
            rustix::net::recvmsg(
                socket,
                &mut [IoSliceMut::new(bytes)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            )
        })
    };
    let received = match once() {
        // The other end was closed with something unread in it. The kernel says so once, and
        // before it gives what the other end had sent.
        Err(rustix::io::Errno::CONNRESET) => match once() {
            Err(rustix::io::Errno::CONNRESET) => return Ok((0, Vec::new())),
            other => other?,
        },
        other => other?,
    };
    let mut all = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            all.extend(fds);
        }
    }
    Ok((received.bytes, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_descriptors_arrive_and_the_end_is_noticed() {
        let (parent, child) = Channel::pair().expect("pair");
        let file = std::fs::File::open("/dev/null").expect("opens");
        child.tell(&ToParent::Terminal, Some(file.as_fd())).expect("tells");
        let (message, fd) = parent.hear().expect("hears").expect("a message");
        assert!(matches!(message, ToParent::Terminal) && fd.is_some());
        parent.go().expect("goes");
        assert!(child.wait_go().expect("hears"));
        drop(child);
        assert!(parent.hear().expect("hears").is_none());
    }

    #[test]
    fn the_last_words_of_a_child_are_heard_although_it_did_not_listen() {
        let (parent, child) = Channel::pair().expect("pair");
        parent.go().expect("goes");
        child.tell(&ToParent::Ready, None).expect("tells");
        drop(child);
        assert!(matches!(parent.hear().expect("hears"), Some((ToParent::Ready, None))));
        assert!(parent.hear().expect("hears").is_none());
        parent.give(&[]).expect("nobody is there to take it");
    }

    #[test]
    fn many_descriptors_are_given_at_once() {
        let (parent, child) = Channel::pair().expect("pair");
        let file = std::fs::File::open("/dev/null").expect("opens");
        parent.give(&[file.as_fd(); FDS]).expect("gives");
        assert_eq!(child.take().expect("takes").map(|fds| fds.len()), Some(FDS));
        assert!(parent.give(&[file.as_fd(); 2 * FDS]).is_err());
        drop(parent);
        assert!(child.take().expect("takes").is_none());
    }

    #[test]
    fn a_long_error_is_cut() {
        let (parent, child) = Channel::pair().expect("pair");
        let error = Error::config("x", "\u{1}".repeat(LIMIT));
        child.tell(&ToParent::failed(&error), None).expect("tells");
        assert!(parent.hear().expect("hears").is_some());
    }
}
