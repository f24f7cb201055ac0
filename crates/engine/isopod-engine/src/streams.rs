//! Streams of attached processes.

use crate::supervision::Control;
use crate::{LogStream, OutputFrame, StreamKind};
use bytes::Bytes;
use isopod_supervisor::protocol::{self, Attach};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{oneshot, watch};

/// Most bytes of a frame that is sent to a supervisor.
const FRAME_BYTES: usize = 32 << 10;

/// How long the end of a process may be behind the end of its output.
const END_LIMIT: Duration = Duration::from_secs(5);

/// An attached container or exec session.
#[derive(Debug)]
pub struct Attached {
    /// Whether it has a terminal: then there are no frames, all output is stdout.
    pub tty: bool,
    /// What it prints; ends when its process does or all output was closed.
    pub output: OutputStream,
    /// Its stdin, when asked for.
    pub input: Option<InputSink>,
}

/// Output of an attached process.
#[derive(Debug)]
pub struct OutputStream {
    /// What was logged before.
    log: Option<LogStream>,
    live: Live,
    received: Vec<u8>,
    /// Becomes true when the process's end is known, which is before the stream ends.
    ended: Option<watch::Receiver<bool>>,
}

#[derive(Debug)]
enum Live {
    /// The container is not started yet.
    Waiting(oneshot::Receiver<(OwnedReadHalf, Vec<u8>)>),
    Open(OwnedReadHalf),
    Over,
}

/// Input of an attached process.
#[derive(Debug)]
pub struct InputSink {
    sink: Sink,
    /// Whether the end of this input is the end of the process's.
    ends: bool,
}

#[derive(Debug)]
enum Sink {
    Waiting(oneshot::Receiver<OwnedWriteHalf>),
    Open(OwnedWriteHalf),
    Over,
}

/// A client that attached before the start.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) attach: Attach,
    output: oneshot::Sender<(OwnedReadHalf, Vec<u8>)>,
    input: Option<oneshot::Sender<OwnedWriteHalf>>,
}

impl Pending {
    /// The streams for a client, and what connects them later.
    pub(crate) fn new(attach: Attach, input_ends: bool) -> (Self, OutputStream, Option<InputSink>) {
        let (output, output_receiver) = oneshot::channel();
        let (input, sink) = if attach.stdin {
            let (sender, receiver) = oneshot::channel();
            (Some(sender), Some(InputSink { sink: Sink::Waiting(receiver), ends: input_ends }))
        } else {
            (None, None)
        };
        let stream = OutputStream {
            log: None,
            live: Live::Waiting(output_receiver),
            received: Vec::new(),
            ended: None,
        };
        (Self { attach, output, input }, stream, sink)
    }

    /// Whether the client has left.
    pub(crate) fn is_gone(&self) -> bool {
        self.output.is_closed()
    }

    /// Connects the client to a connection that is a stream now.
    pub(crate) fn connect(self, control: Control) {
        let (stream, received) = control.into_stream();
        let (read, write) = stream.into_split();
        if let Some(input) = self.input {
            // A client that has left needs no streams.
            let _ = input.send(write);
        } else {
            write.forget();
        }
        let _ = self.output.send((read, received));
    }
}

impl Attached {
    /// Streams over a connection that is one now.
    pub(crate) fn over(control: Control, tty: bool, with_input: bool, input_ends: bool) -> Self {
        let (stream, received) = control.into_stream();
        let (read, write) = stream.into_split();
        let input = if with_input {
            Some(InputSink { sink: Sink::Open(write), ends: input_ends })
        } else {
            write.forget();
            None
        };
        Self {
            tty,
            output: OutputStream { log: None, live: Live::Open(read), received, ended: None },
            input,
        }
    }
}

impl OutputStream {
    /// One that has nothing (more) to come.
    pub(crate) fn over() -> Self {
        Self { log: None, live: Live::Over, received: Vec::new(), ended: None }
    }

    /// Tells `log` first.
    pub(crate) fn after_log(mut self, log: LogStream) -> Self {
        self.log = Some(log);
        self
    }

    /// Ends only when `ended` is true.
    pub(crate) fn until(mut self, ended: watch::Receiver<bool>) -> Self {
        self.ended = Some(ended);
        self
    }

    /// The next frame; `None` at the end. Cancel safe.
    pub async fn next(&mut self) -> Option<io::Result<OutputFrame>> {
        if let Some(log) = &mut self.log {
            match log.lines.recv().await {
                Some(Ok(line)) => {
                    return Some(Ok(OutputFrame { stream: line.stream, data: line.data }));
                }
                Some(Err(error)) => return Some(Err(io::Error::other(error.full_message()))),
                None => self.log = None,
            }
        }
        loop {
            match self.frame() {
                Ok(Some(frame)) => return Some(Ok(frame)),
                Ok(None) => {}
                Err(error) => {
                    self.live = Live::Over;
                    self.received.clear();
                    return Some(Err(error));
                }
            }
            match &mut self.live {
                Live::Waiting(receiver) => match receiver.await {
                    Ok((half, received)) => {
                        self.live = Live::Open(half);
                        self.received = received;
                    }
                    Err(_) => self.live = Live::Over,
                },
                Live::Open(half) => match half.read_buf(&mut self.received).await {
                    Ok(1..) => {}
                    // A supervisor that was killed looks like this.
                    Ok(0) | Err(_) => self.live = Live::Over,
                },
                Live::Over => {
                    if let Some(ended) = &mut self.ended {
                        let _ =
                            tokio::time::timeout(END_LIMIT, ended.wait_for(|ended| *ended)).await;
                        self.ended = None;
                    }
                    return None;
                }
            }
        }
    }

    /// Takes a frame, or the part of one that has come, off what was received.
    fn frame(&mut self) -> io::Result<Option<OutputFrame>> {
        let Some(header) = self.received.first_chunk::<8>() else {
            return Ok(None);
        };
        let Some((stream, length)) = protocol::parse_stream_header(*header) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the supervisor sent no frame"));
        };
        if self.received.len() < 8 + length {
            return Ok(None);
        }
        let data = Bytes::copy_from_slice(&self.received[8..8 + length]);
        self.received.drain(..8 + length);
        let stream = if stream == 2 { StreamKind::Stderr } else { StreamKind::Stdout };
        Ok(Some(OutputFrame { stream, data }))
    }
}

impl InputSink {
    /// Writes all of `bytes`; waits while the process does not read.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for chunk in bytes.chunks(FRAME_BYTES) {
            let half = self.sink.open().await?;
            let header = protocol::stream_header(0, chunk.len());
            half.write_all(&header).await?;
            half.write_all(chunk).await?;
        }
        Ok(())
    }

    /// Closes the process's stdin, as far as the container is made so (`stdin_once`). A terminal
    /// has no end, and stays as it is. A process that has ended already is no error: it reads
    /// nothing more either way.
    pub async fn close(mut self) -> io::Result<()> {
        if !self.ends {
            return Ok(());
        }
        let half = match self.sink.open().await {
            Ok(half) => half,
            Err(error) if is_over(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        match half.write_all(&protocol::stream_header(0, 0)).await {
            Err(error) if !is_over(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether the supervisor has ended its side of the stream.
fn is_over(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl Drop for InputSink {
    fn drop(&mut self) {
        // The connection is for output as well, which is not at its end.
        if let Sink::Open(half) = std::mem::replace(&mut self.sink, Sink::Over) {
            half.forget();
        }
    }
}

impl Sink {
    async fn open(&mut self) -> io::Result<&mut OwnedWriteHalf> {
        if let Self::Waiting(receiver) = self {
            *self = match receiver.await {
                Ok(half) => Self::Open(half),
                Err(_) => Self::Over,
            };
        }
        match self {
            Self::Open(half) => Ok(half),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
