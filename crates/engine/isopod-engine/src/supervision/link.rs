//! Speaking with a supervisor.

use crate::error::{Error, ErrorKind, Result};
use isopod_supervisor::file;
use isopod_supervisor::protocol::{self, Failure, FailureKind, Message, Reply, Request};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::UnixStream;

/// The way to the supervisor of a container.
#[derive(Debug)]
pub(crate) struct Link {
    path: PathBuf,
    directory: std::fs::File,
    kept: Mutex<Kept>,
}

/// What would be lost with a supervisor that dies, were it not held here as well.
#[derive(Debug, Default)]
struct Kept {
    /// The terminal's master.
    terminal: Option<OwnedFd>,
    /// The writing end of stdin, whose loss the container would take for its end.
    stdin: Option<OwnedFd>,
}

impl Link {
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        Ok(Self {
            path: directory.to_path_buf(),
            directory: std::fs::File::open(directory)
                .map_err(Error::io(format_args!("open {}", directory.display())))?,
            kept: Mutex::default(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Connects to the control socket.
    pub(crate) async fn connect(&self) -> io::Result<Control> {
        let path = format!("/proc/self/fd/{}/{}", self.directory.as_raw_fd(), file::SOCKET);
        Ok(Control {
            stream: UnixStream::connect(path).await?,
            received: Vec::new(),
            fds: VecDeque::new(),
        })
    }

    /// Asks something on a connection of its own, which is returned with the answer.
    pub(crate) async fn request(&self, request: &Request) -> Result<(Control, Reply)> {
        let mut control = self.connect().await.map_err(|source| {
            Error::new(
                ErrorKind::Unavailable,
                format_args!("reach the supervisor in {}", self.path.display()),
            )
            .because(source)
        })?;
        let reply = control.request(request).await?;
        Ok((control, reply))
    }

    pub(crate) fn keep_terminal(&self, terminal: Option<OwnedFd>) {
        self.lock().terminal = terminal;
    }

    /// A copy of the terminal's master, for a new supervisor.
    pub(crate) fn terminal(&self) -> Option<OwnedFd> {
        self.lock().terminal.as_ref()?.try_clone().ok()
    }

    /// Holds stdin open as long as the supervisor does.
    pub(crate) fn keep_stdin(&self, open: bool) {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open
            .then(|| rustix::fs::openat(&self.directory, file::STDIN, flags, Mode::empty()).ok())
            .flatten();
        self.lock().stdin = fd;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to a supervisor.
#[derive(Debug)]
pub(crate) struct Control {
    stream: UnixStream,
    received: Vec<u8>,
    fds: VecDeque<OwnedFd>,
}

impl Control {
    /// Sends a request and waits for its reply; events in between are dropped.
    pub(crate) async fn request(&mut self, request: &Request) -> Result<Reply> {
        let failed = |source: io::Error| {
            Error::new(ErrorKind::Unavailable, "the supervisor did not answer").because(source)
        };
        let mut wire = Vec::new();
        protocol::encode(request, &mut wire);
        self.stream.write_all(&wire).await.map_err(failed)?;
        loop {
            match self.next().await.map_err(failed)? {
                Some(Message::Reply(Reply::Failed(failure))) => return Err(error_of(failure)),
                Some(Message::Reply(reply)) => return Ok(reply),
                Some(Message::Event(_)) => {}
                None => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }

    /// The next message; `None` when the supervisor is gone. Cancel safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            let decoded = protocol::decode(&mut self.received)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if decoded.is_some() {
                return Ok(decoded);
            }
            self.stream.readable().await?;
            let (received, fds) = (&mut self.received, &mut self.fds);
            let stream = self.stream.as_fd();
            match self.stream.try_io(Interest::READABLE, || receive(stream, received, fds)) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// A file descriptor that came with the last message.
    pub(crate) fn take_fd(&mut self) -> Option<OwnedFd> {
        self.fds.pop_front()
    }

    /// The connection as a stream, with what of it was already read.
    pub(crate) fn into_stream(self) -> (UnixStream, Vec<u8>) {
        (self.stream, self.received)
    }
}

fn receive(
    socket: std::os::fd::BorrowedFd<'_>,
    received: &mut Vec<u8>,
    fds: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let start = received.len();
    received.resize(start + 4096, 0);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let outcome = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut received[start..])],
        &mut control,
        RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    );
    received.truncate(start + outcome.as_ref().map_or(0, |message| message.bytes));
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    Ok(outcome?.bytes)
}

fn error_of(failure: Failure) -> Error {
    let kind = match failure.kind {
        FailureKind::CommandNotFound => ErrorKind::CommandNotFound,
        FailureKind::CommandNotExecutable => ErrorKind::CommandNotExecutable,
        FailureKind::NotFound => ErrorKind::NotFound,
        FailureKind::NotRunning => ErrorKind::Conflict,
        FailureKind::Invalid => ErrorKind::InvalidParameter,
        FailureKind::Other => ErrorKind::Internal,
    };
    Error::new(kind, failure.message)
}
