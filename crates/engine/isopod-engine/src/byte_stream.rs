//! Byte streams of clients, read and written by threads that block: archives of containers and of
//! images. What waits in between is bounded.

use crate::ByteStream;
use bytes::{Buf, Bytes};
use std::io::{self, Read, Write};
use tokio::sync::mpsc;

/// Bytes of a chunk on its way out, and how many chunks may wait for a slow client.
const CHUNK_BYTES: usize = 128 << 10;
const CHUNKS: usize = 8;

/// A stream of chunks, to be read on a thread that may block.
pub(crate) struct StreamReader {
    stream: ByteStream,
    chunk: Bytes,
}

impl StreamReader {
    pub(crate) fn new(stream: ByteStream) -> Self {
        Self { stream, chunk: Bytes::new() }
    }
}

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.stream.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        buffer[..count].copy_from_slice(&self.chunk[..count]);
        self.chunk.advance(count);
        Ok(count)
    }
}

/// Runs what writes on a thread of its own; its output, and at last its error, comes out of the
/// stream.
pub(crate) fn written_by(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> ByteStream {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut out = StreamWriter { sender, buffer: Vec::with_capacity(CHUNK_BYTES) };
        let outcome = write(&mut out).and_then(|()| out.flush());
        if let Err(error) = outcome {
            // If the reader has left, nobody wants to know.
            let _ = out.sender.blocking_send(Err(error));
        }
    });
    receiver
}

struct StreamWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for StreamWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        self.sender.blocking_send(Ok(full.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_written_is_read_and_an_error_comes_last() {
        let text = b"0123456789".repeat(100_000);
        let expected = text.clone();
        let stream = written_by(move |out| {
            for piece in text.chunks(7_777) {
                out.write_all(piece)?;
            }
            out.flush()?;
            Err(io::Error::other("enough"))
        });
        let read = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            let outcome = StreamReader::new(stream).read_to_end(&mut found);
            (found, outcome.map_err(|error| error.to_string()))
        });
        assert_eq!(read.await.expect("reads"), (expected, Err("enough".to_owned())));
    }
}
