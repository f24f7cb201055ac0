//! A connection of the engine's: requests and replies, or an attached stream.

use crate::protocol::{self, Message};
use crate::session::Key;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How many bytes wait for a client before its container is not read from any more.
const QUEUE_LIMIT_BYTES: usize = 1 << 20;

/// How long a client with a full queue may take nothing before it is cut off.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Most bytes read at once.
const READ_BYTES: usize = 16 << 10;

/// What a connection is used for.
#[derive(Debug)]
pub(crate) enum Mode {
    /// Requests and replies, and events if it subscribed.
    Control { subscribed: bool },
    /// Streams of a process.
    Stream(Streams),
}

/// The streams that a client is attached to.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    pub(crate) session: Key,
    pub(crate) stdin: bool,
    /// Stdout and stderr.
    pub(crate) outputs: [bool; 2],
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    socket: OwnedFd,
    pub(crate) mode: Mode,
    received: Vec<u8>,
    queue: VecDeque<u8>,
    /// File descriptors to pass with the next bytes.
    passing: Vec<OwnedFd>,
    /// Since when it has taken nothing, while its queue is full.
    stalled: Option<Instant>,
    /// Nothing more will be queued: close when the queue is empty.
    finishing: bool,
    /// Its own side is closed: it sends nothing any more, but may still read.
    half_closed: bool,
}

/// What became of a connection after reading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Something may have come.
    Bytes,
    /// The peer is gone or has closed its side.
    End,
}

/// What an attached client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Bytes for stdin.
    Bytes(Vec<u8>),
    /// The end of stdin.
    End,
}

impl Client {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            mode: Mode::Control { subscribed: false },
            received: Vec::new(),
            queue: VecDeque::new(),
            passing: Vec::new(),
            stalled: None,
            finishing: false,
            half_closed: false,
        }
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Queues a message, with a file descriptor to go along.
    pub(crate) fn send(&mut self, message: &Message, fd: Option<OwnedFd>) {
        let mut bytes = Vec::new();
        protocol::encode(message, &mut bytes);
        self.queue.extend(bytes);
        self.passing.extend(fd);
        self.flush();
    }

    /// Queues output of its session.
    pub(crate) fn send_output(&mut self, stream: u8, bytes: &[u8]) {
        let was_empty = self.queue.is_empty();
        self.queue.extend(protocol::stream_header(stream, bytes.len()));
        self.queue.extend(bytes);
        if was_empty {
            self.flush();
        }
        if self.is_full() && self.stalled.is_none() {
            self.stalled = Some(Instant::now());
        }
    }

    /// Whether so much waits for it that its session must wait as well.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() > QUEUE_LIMIT_BYTES
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.queue.is_empty()
    }

    /// When it will be cut off unless it takes something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.stalled.map(|since| since + STALL_LIMIT)
    }

    /// Closes it when everything was sent.
    pub(crate) fn finish(&mut self) {
        self.finishing = true;
        if self.stalled.is_none() && self.has_output() {
            self.stalled = Some(Instant::now());
        }
    }

    /// The peer will send nothing any more.
    pub(crate) fn close_half(&mut self) {
        self.half_closed = true;
    }

    /// Closes it at once.
    pub(crate) fn abandon(&mut self) {
        self.queue.clear();
        self.finishing = true;
    }

    /// Whether it is done with.
    pub(crate) fn is_finished(&self) -> bool {
        self.finishing && self.queue.is_empty()
    }

    /// Sends what the socket takes; returns `false` when the peer is gone.
    pub(crate) fn flush(&mut self) -> bool {
        while !self.queue.is_empty() {
            match self.send_some() {
                Ok(sent) => {
                    self.passing.clear();
                    self.queue.drain(..sent);
                    self.stalled = (self.is_full() || self.finishing).then(Instant::now);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => {
                    self.queue.clear();
                    self.finishing = true;
                    return false;
                }
            }
        }
        if self.queue.capacity() > QUEUE_LIMIT_BYTES / 16 {
            self.queue.shrink_to(0);
        }
        self.stalled = None;
        true
    }

    fn send_some(&self) -> rustix::io::Result<usize> {
        let (first, second) = self.queue.as_slices();
        let data = [IoSlice::new(first), IoSlice::new(second)];
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let fds: Vec<_> = self.passing.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        rustix::net::sendmsg(&self.socket, &data, &mut control, flags)
    }

    /// Reads what has come.
    pub(crate) fn receive(&mut self) -> Received {
        let start = self.received.len();
        self.received.resize(start + READ_BYTES, 0);
        let outcome = rustix::io::read(&self.socket, &mut self.received[start..]);
        let read = outcome.unwrap_or(0);
        self.received.truncate(start + read);
        match outcome {
            Ok(0) => Received::End,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Received::Bytes,
            Err(_) => Received::End,
        }
    }

    /// The next request, if it has come whole.
    pub(crate) fn next_request(&mut self) -> io::Result<Option<protocol::Request>> {
        protocol::decode(&mut self.received)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The next piece of stdin that has come, at most `room` bytes of it.
    pub(crate) fn next_input(&mut self, room: usize) -> io::Result<Option<Input>> {
        let Some(header) = self.received.first_chunk::<8>() else {
            return Ok(None);
        };
        let Some((0, length)) = protocol::parse_stream_header(*header) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        if length == 0 {
            self.received.drain(..8);
            return Ok(Some(Input::End));
        }
        let taken = length.min(self.received.len() - 8).min(room);
        if taken == 0 {
            return Ok(None);
        }
        let bytes = self.received[8..8 + taken].to_vec();
        self.received.drain(..8 + taken);
        if taken < length {
            // The rest is a frame of its own.
            let header = protocol::stream_header(0, length - taken);
            self.received.splice(..0, header);
        }
        Ok(Some(Input::Bytes(bytes)))
    }

    /// Whether more should be read from it, given the room that its session's stdin has.
    pub(crate) fn wants_to_read(&self, room: usize) -> bool {
        match &self.mode {
            _ if self.half_closed => false,
            Mode::Control { .. } => true,
            // The end of the connection is to be noticed even when stdin is full.
            Mode::Stream(_) => self.received.len() < READ_BYTES || room > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    fn pair() -> (Client, OwnedFd) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).expect("pair");
        (Client::new(ours), theirs)
    }

    #[test]
    fn stdin_is_taken_as_far_as_there_is_room() {
        let (mut client, peer) = pair();
        let mut wire = protocol::stream_header(0, 5).to_vec();
        wire.extend(b"hello");
        wire.extend(protocol::stream_header(0, 0));
        rustix::io::write(&peer, &wire).expect("writes");
        assert_eq!(client.receive(), Received::Bytes);
        let mut next = |room| client.next_input(room).expect("valid");
        assert_eq!(next(0), None);
        assert_eq!(next(2), Some(Input::Bytes(b"he".to_vec())));
        assert_eq!(next(10), Some(Input::Bytes(b"llo".to_vec())));
        assert_eq!(next(10), Some(Input::End));
        assert_eq!(next(10), None);
    }

    #[test]
    fn a_client_that_does_not_read_fills_up_and_drains() {
        let (mut client, peer) = pair();
        let chunk = [7u8; 16 << 10];
        let mut sent = 0;
        while !client.is_full() {
            client.send_output(1, &chunk);
            sent += 8 + chunk.len();
        }
        assert!(client.deadline().is_some());
        let mut taken = 0;
        let mut buffer = vec![0; 1 << 16];
        while taken < sent {
            taken += rustix::io::read(&peer, &mut buffer).expect("reads");
            assert!(client.flush());
        }
        assert!(!client.has_output() && client.deadline().is_none());
    }
}
