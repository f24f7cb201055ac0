//! Streams of bytes from and to containers.

use bytes::Bytes;
use isopod_base::times::Timestamp;

/// Where bytes of a container come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// Standard output, and everything from a terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What an attached stream carries out of the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFrame {
    /// Where the bytes come from.
    pub stream: StreamKind,
    /// The bytes.
    pub data: Bytes,
}

/// Which streams of a container to attach.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttachContainer {
    /// Its stdin.
    pub stdin: bool,
    /// Its stdout.
    pub stdout: bool,
    /// Its stderr.
    pub stderr: bool,
    /// First what it logged so far.
    pub logs: bool,
    /// What it prints from now on; without it only the log, if asked for.
    pub stream: bool,
}

/// Which lines of a log to read.
#[derive(Clone, Debug, Default)]
pub struct ReadLogs {
    /// Those from stdout.
    pub stdout: bool,
    /// Those from stderr.
    pub stderr: bool,
    /// Stay, and tell what comes.
    pub follow: bool,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// Only so many of the last ones; `None` means all.
    pub tail: Option<usize>,
}

/// A line of a log (or a piece of a very long one, without the line feed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Where it came from.
    pub stream: StreamKind,
    /// When.
    pub time: Timestamp,
    /// The bytes, with the line feed.
    pub data: Bytes,
    /// Attributes that the container's log options ask for (`--log-opt labels=…`).
    pub attributes: Vec<(String, String)>,
}

/// A container's log, with what the reader must know of it.
#[derive(Debug)]
pub struct LogStream {
    /// Whether the container has a terminal: then there are no frames.
    pub tty: bool,
    /// The lines; ends when the log does.
    pub lines: tokio::sync::mpsc::Receiver<crate::Result<LogLine>>,
}

/// Bytes of an archive or image on their way, in chunks.
pub type ByteStream = tokio::sync::mpsc::Receiver<std::io::Result<Bytes>>;
