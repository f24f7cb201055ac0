//! What an engine and a supervisor say to each other: messages and frames, without IO.
//!
//! A connection carries frames of a little-endian `u32` length and that many bytes of JSON. The
//! engine sends a [`Request`], the supervisor one [`Reply`] to each, in order, and [`Event`]s in
//! between on a connection that subscribed. After an `Attached` reply the connection carries
//! *stream frames* in both directions instead: a header of eight bytes (stream, three zeros,
//! big-endian length), then the bytes. Stream 0 is stdin, 1 stdout, 2 stderr; a frame of stream 0
//! without bytes closes stdin.
//!
//! Both sides ignore fields and refuse requests that they do not know, and the version in
//! [`State`] tells an engine what an older supervisor can do.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;

/// Most bytes of a message.
pub const MESSAGE_LIMIT_BYTES: usize = 1 << 20;

/// Most bytes of a stream frame that a peer accepts.
pub const STREAM_FRAME_LIMIT_BYTES: usize = 1 << 20;

/// What an engine asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Start the container. Answered by `Started`; for a terminal its master comes with the reply
    /// as a file descriptor, so that the engine can keep it open should the supervisor die.
    Start,
    /// Tell the state, and from then on events. Answered by `State`; a terminal's master comes
    /// along as with `Start`.
    Subscribe,
    /// Attach streams of the container or of an exec session. Answered by `Attached`; the
    /// connection is then a stream.
    Attach(Attach),
    /// Run a further process in the container. Answered by `ExecStarted`; unless detached, the
    /// connection is then a stream.
    Exec(Box<Exec>),
    /// Set the size of a terminal. Answered by `Done`.
    Resize {
        /// The exec session; `None` is the container itself.
        exec: Option<String>,
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
}

/// Which streams to attach.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attach {
    /// The exec session; `None` is the container itself.
    pub exec: Option<String>,
    /// Stdin.
    pub stdin: bool,
    /// Stdout, or the terminal.
    pub stdout: bool,
    /// Stderr.
    pub stderr: bool,
}

/// A further process to run in the container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Exec {
    /// Its id.
    pub id: String,
    /// What to run, as whom.
    pub process: isopod_oci::runtime::Process,
    /// Attach its stdin (otherwise it reads from `/dev/null`).
    pub stdin: bool,
    /// Attach its stdout, or the terminal.
    pub stdout: bool,
    /// Attach its stderr.
    pub stderr: bool,
    /// Do not make the connection a stream.
    pub detach: bool,
}

/// What a supervisor answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It was done.
    Done,
    /// The container runs.
    Started(Running),
    /// How things are.
    State(State),
    /// Streams are attached.
    Attached {
        /// Length of the log at that moment: what the log has up to there was printed before.
        log_bytes: u64,
    },
    /// The process runs.
    ExecStarted {
        /// Its id on the host.
        pid: i32,
    },
    /// It was not done.
    Failed(Failure),
}

/// A process of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Running {
    /// Process id on the host.
    pub pid: i32,
    /// Start time of the process in clock ticks since boot, to know it from a later one.
    pub start_ticks: u64,
    /// When it was started, nanoseconds since 1970.
    pub started_at_ns: i64,
}

/// How a supervisor's container is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Version of the protocol.
    pub version: u32,
    /// The container's process, once started.
    pub running: Option<Running>,
    /// How it ended.
    pub exited: Option<Exited>,
    /// Whether its stdin is open.
    pub stdin_open: bool,
    /// Exec sessions that run: id and process id.
    pub execs: Vec<(String, i32)>,
    /// Exec sessions that ended, the last 64: id and exit code.
    pub ended_execs: Vec<(String, i32)>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exited {
    /// Exit code; 128 and the signal's number for one that a signal ended.
    pub exit_code: i32,
    /// When, nanoseconds since 1970.
    pub finished_at_ns: i64,
    /// Whether the kernel killed a process of it for lack of memory.
    pub oom_killed: bool,
    /// Set when the exit code could not be learned.
    pub unknown: bool,
}

/// What a supervisor tells by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// The container ended; its status is recorded and everything of it is cleaned up.
    Exited(Exited),
    /// An exec session ended.
    ExecExited {
        /// Its id.
        id: String,
        /// Its exit code.
        exit_code: i32,
    },
    /// The container's stdin was closed.
    StdinClosed,
}

/// Either of what a supervisor sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// The answer to the oldest open request.
    Reply(Reply),
    /// Something happened.
    Event(Event),
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the engine should make of it.
    pub kind: FailureKind,
    /// For people.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Invalid, message)
    }
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The executable does not exist.
    CommandNotFound,
    /// The executable cannot be executed.
    CommandNotExecutable,
    /// No such exec session.
    NotFound,
    /// The container does not run.
    NotRunning,
    /// The request is wrong.
    Invalid,
    /// Anything else.
    Other,
}

/// Appends a message with its length to `out`.
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut *out, message).expect("messages are plain data");
    let length = u32::try_from(out.len() - start - 4).expect("messages are small");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// A message that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It claims to be longer than any is.
    #[error("a message of {0} bytes, more than {MESSAGE_LIMIT_BYTES}")]
    TooLong(usize),
    /// It is not of this protocol.
    #[error("a message of an unknown form")]
    Malformed(#[source] serde_json::Error),
}

/// Takes the first message off `buffer`, if it is there whole.
pub fn decode<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> Result<Option<T>, DecodeError> {
    let Some(header) = buffer.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*header) as usize;
    if length > MESSAGE_LIMIT_BYTES {
        return Err(DecodeError::TooLong(length));
    }
    let Some(body) = buffer.get(4..4 + length) else {
        return Ok(None);
    };
    let message = serde_json::from_slice(body).map_err(DecodeError::Malformed);
    buffer.drain(..4 + length);
    message.map(Some)
}

/// The header of a stream frame.
#[must_use]
pub fn stream_header(stream: u8, length: usize) -> [u8; 8] {
    let length = u32::try_from(length).expect("frames are small").to_be_bytes();
    [stream, 0, 0, 0, length[0], length[1], length[2], length[3]]
}

/// Stream and length of a stream frame's header; `None` if it is none or too long.
#[must_use]
pub fn parse_stream_header(header: [u8; 8]) -> Option<(u8, usize)> {
    let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
    (header[0] <= 2 && header[1..4] == [0; 3] && length <= STREAM_FRAME_LIMIT_BYTES)
        .then_some((header[0], length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_in_pieces() {
        let mut wire = Vec::new();
        encode(&Message::Event(Event::StdinClosed), &mut wire);
        encode(&Message::Reply(Reply::ExecStarted { pid: 7 }), &mut wire);
        let mut buffer = Vec::new();
        let mut seen = Vec::new();
        for byte in wire {
            buffer.push(byte);
            while let Some(message) = decode::<Message>(&mut buffer).expect("valid") {
                seen.push(message);
            }
        }
        assert!(matches!(
            seen[..],
            [Message::Event(Event::StdinClosed), Message::Reply(Reply::ExecStarted { pid: 7 })]
        ));
        assert!(buffer.is_empty());
    }

    #[test]
    fn nonsense_is_refused() {
        let mut long = u32::MAX.to_le_bytes().to_vec();
        assert!(matches!(decode::<Request>(&mut long), Err(DecodeError::TooLong(_))));
        let mut other = b"\x02\0\0\0{}".to_vec();
        assert!(decode::<Request>(&mut other).is_err());
        assert_eq!(parse_stream_header(*b"HTTP/1.1"), None);
        assert_eq!(parse_stream_header(stream_header(2, 99)), Some((2, 99)));
    }
}
