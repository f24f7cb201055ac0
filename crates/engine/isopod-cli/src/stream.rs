//! The two-way stream of an attached container or exec session: terminal or pipes on our side,
//! a raw stream or frames of stdout and stderr on the engine's.

use std::io::Write;

use anyhow::{Context, Result, bail};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::output::{Out, stderr, stdout};
use crate::terminal::{ChangedMode, DetachKeys, Stdin};
use isopod_client::Hijacked;

/// Largest frame that is believed.
const FRAME_MAX: usize = 64 << 20;

/// Takes the frames of stdout and stderr apart; sans-IO.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: BytesMut,
    /// Stream and bytes left of the frame that is being read.
    current: Option<(u8, usize)>,
}

impl Frames {
    /// Adds received bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece of a stream: 1 is stdout, 2 stderr, 3 an error of the engine's.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, Bytes)>> {
        loop {
            if let Some((stream, left)) = self.current {
                if left == 0 {
                    self.current = None;
                    continue;
                }
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                let count = left.min(self.buffer.len());
                self.current = Some((stream, left - count));
                return Ok(Some((stream, self.buffer.split_to(count).freeze())));
            }
            if self.buffer.len() < 8 {
                return Ok(None);
            }
            let mut head = self.buffer.split_to(8);
            let stream = head.get_u8();
            head.advance(3);
            let length = head.get_u32() as usize;
            if stream > 3 || length > FRAME_MAX {
                bail!("the engine sent no frame but stream {stream} with {length} bytes");
            }
            self.current = Some((stream, length));
        }
    }

    /// Whether the stream may end here.
    pub(crate) fn is_whole(&self) -> bool {
        self.buffer.is_empty() && self.current.is_none_or(|(_, left)| left == 0)
    }
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The container closed it.
    Output,
    /// The user typed the keys that detach.
    Detached,
}

/// What is attached.
pub(crate) struct Attached {
    /// Whether there is a terminal within, and with it a raw stream.
    pub(crate) tty: bool,
    /// Whether to pass standard input on.
    pub(crate) stdin: bool,
    /// Whether to wait for output.
    pub(crate) output: bool,
    /// The keys that detach.
    pub(crate) detach_keys: String,
}

impl Attached {
    /// Passes everything on, both ways, until the container closes its side or the user leaves.
    /// The terminal is raw meanwhile, if there is one on both sides.
    pub(crate) async fn run(self, stream: Hijacked) -> Result<Ended> {
        let keys = DetachKeys::parse(&self.detach_keys)?;
        let raw = if self.tty && self.stdin { ChangedMode::raw()? } else { None };
        let (reader, writer) = tokio::io::split(stream);
        let keys = (self.tty && raw.is_some()).then_some(keys);
        let input = send_input(writer, self.stdin, keys);
        let output = receive(reader, self.tty);
        tokio::pin!(input, output);
        let ended = tokio::select! {
            result = &mut output, if self.output => result.map(|()| Ended::Output),
            ended = &mut input => match ended {
                Ended::Output if self.output => output.await.map(|()| Ended::Output),
                ended => Ok(ended),
            },
        };
        // The terminal is the user's again before anything more is printed.
        drop(raw);
        ended
    }
}

/// Passes standard input on; at its end, closes that direction.
async fn send_input(
    mut writer: impl AsyncWrite + Unpin,
    stdin: bool,
    mut keys: Option<DetachKeys>,
) -> Ended {
    if stdin {
        let mut input = Stdin::read();
        while let Some(bytes) = input.next().await {
            let (bytes, detached) = match &mut keys {
                None => (bytes, false),
                Some(keys) => {
                    let typed = keys.typed(&bytes);
                    (Bytes::from(typed.bytes), typed.detached)
                }
            };
            // A container that no longer listens is no error: its output says the rest.
            if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            if detached {
                return Ended::Detached;
            }
        }
    }
    let _ = writer.shutdown().await;
    Ended::Output
}

/// Writes what the container writes.
pub(crate) async fn receive(mut reader: impl AsyncRead + Unpin, tty: bool) -> Result<()> {
    let mut sink = Sink::new(tty);
    let mut buffer = BytesMut::with_capacity(64 * 1024);
    loop {
        buffer.clear();
        match reader.read_buf(&mut buffer).await {
            Ok(0) => return sink.finish(),
            Ok(_) => sink.write(&buffer)?,
            // The engine may close the connection while we still send.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return sink.finish();
            }
            Err(error) => return Err(error).context("the container's output broke off"),
        }
    }
}

/// Where a container's output goes.
pub(crate) struct Sink {
    frames: Option<Frames>,
    stdout: Out,
    stderr: Out,
}

impl Sink {
    /// For a raw stream, or for frames.
    pub(crate) fn new(raw: bool) -> Self {
        Self { frames: (!raw).then(Frames::default), stdout: stdout(), stderr: stderr() }
    }

    /// Writes received bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(frames) = &mut self.frames else {
            return self.stdout.write_all(bytes).context("write to standard output");
        };
        frames.push(bytes);
        while let Some((stream, piece)) = frames.next()? {
            match stream {
                2 => self.stderr.write_all(&piece).context("write to standard error")?,
                3 => bail!("error from daemon in stream: {}", String::from_utf8_lossy(&piece)),
                _ => self.stdout.write_all(&piece).context("write to standard output")?,
            }
        }
        Ok(())
    }

    /// The end: an error if it came within a frame.
    pub(crate) fn finish(&self) -> Result<()> {
        match &self.frames {
            Some(frames) if !frames.is_whole() => bail!("the container's output broke off"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_in_any_pieces() {
        let bytes = b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x01x";
        for size in 1..bytes.len() {
            let mut frames = Frames::default();
            let mut out: Vec<(u8, Vec<u8>)> = vec![];
            for piece in bytes.chunks(size) {
                frames.push(piece);
                while let Some((stream, piece)) = frames.next().expect("good frames") {
                    match out.last_mut() {
                        Some((last, bytes)) if *last == stream => bytes.extend_from_slice(&piece),
                        _ => out.push((stream, piece.to_vec())),
                    }
                }
            }
            assert_eq!(out, [(1, b"abc".to_vec()), (2, b"x".to_vec())], "{size}");
            assert!(frames.is_whole());
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let mut frames = Frames::default();
        frames.push(b"HTTP/1.1 400");
        assert!(frames.next().is_err());
        let mut frames = Frames::default();
        frames.push(b"\x01\0\0\0\0\0\0\x03a");
        assert!(frames.next().expect("good").is_some());
        assert!(!frames.is_whole());
    }
}
