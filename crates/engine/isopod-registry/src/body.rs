//! Bodies of requests and answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::RequestError;
use crate::pool::Lease;
use crate::source::BlobSource;

/// What a request carries.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, io::Error>;

/// Chunks of a blob on their way from the disk to the network.
const CHUNK_BYTES: usize = 128 << 10;
const QUEUED_CHUNKS: usize = 4;

/// Something that can be sent more than once.
#[derive(Clone)]
pub(crate) enum Payload {
    /// Nothing.
    Empty,
    /// A document.
    Bytes(Bytes),
    /// A part of a blob.
    Blob(BlobPart),
}

/// A part of a blob that is sent.
#[derive(Clone)]
pub(crate) struct BlobPart {
    pub(crate) source: Arc<dyn BlobSource>,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// Bytes that were handed to the connection, over all tries.
    pub(crate) sent: Arc<AtomicU64>,
    /// Hears of the position within the blob as it is sent.
    pub(crate) observer: Option<Arc<dyn Fn(u64) + Send + Sync>>,
}

impl Payload {
    /// A body that begins at the beginning.
    pub(crate) fn body(&self) -> RequestBody {
        match self {
            Self::Empty => Empty::new().map_err(|never| match never {}).boxed_unsync(),
            Self::Bytes(bytes) => {
                Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync()
            }
            Self::Blob(part) => BlobBody::start(part.clone()).boxed_unsync(),
        }
    }

    /// How many bytes have left, where that is a measure of progress.
    pub(crate) fn sent_bytes(&self) -> u64 {
        match self {
            Self::Blob(part) => part.sent.load(Ordering::Relaxed),
            Self::Empty | Self::Bytes(_) => 0,
        }
    }
}

/// Streams a part of a blob; reads in a thread for blocking work.
struct BlobBody {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    remaining: u64,
    part: BlobPart,
}

impl BlobBody {
    fn start(part: BlobPart) -> Self {
        let (sender, chunks) = mpsc::channel(QUEUED_CHUNKS);
        let (source, offset, length) = (part.source.clone(), part.offset, part.length);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read_chunks(&*source, offset, length, &sender) {
                // The receiver is gone only when the request is given up.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self { chunks, remaining: length, part }
    }
}

fn read_chunks(
    source: &dyn BlobSource,
    offset: u64,
    length: u64,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut reader = source.open(offset)?;
    let mut remaining = length;
    while remaining > 0 {
        let want = usize::try_from(remaining).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let mut chunk = vec![0; want];
        let got = reader.read(&mut chunk)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        chunk.truncate(got);
        remaining -= got as u64;
        if sender.blocking_send(Ok(chunk.into())).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

impl Body for BlobBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = std::task::ready!(self.chunks.poll_recv(context));
        Poll::Ready(next.map(|chunk| {
            let chunk = chunk?;
            self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
            self.part.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            if let Some(observer) = &self.part.observer {
                observer(self.part.offset + self.part.length - self.remaining);
            }
            Ok(Frame::data(chunk))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// The body of an answer. Gives its connection back once it was read to the end.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    incoming: Incoming,
    lease: Option<Lease>,
    idle: Duration,
}

impl ResponseBody {
    pub(crate) fn new(incoming: Incoming, lease: Lease, idle: Duration) -> Self {
        let mut body = Self { incoming, lease: Some(lease), idle };
        if body.incoming.is_end_stream() {
            body.finish();
        }
        body
    }

    /// The next bytes, or none at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, RequestError> {
        loop {
            let frame = match timeout(self.idle, self.incoming.frame()).await {
                Ok(frame) => frame,
                Err(_) => {
                    return Err(RequestError::Timeout { phase: "reading body", after: self.idle });
                }
            };
            match frame {
                None => {
                    self.finish();
                    return Ok(None);
                }
                Some(Err(error)) => return Err(RequestError::Connection(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        if self.incoming.is_end_stream() {
                            self.finish();
                        }
                        return Ok(Some(data));
                    }
                    Err(_trailers) => {}
                },
            }
        }
    }

    /// Everything, or none when it is longer than `limit`.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Option<Bytes>, RequestError> {
        let Some(first) = self.chunk().await? else { return Ok(Some(Bytes::new())) };
        let mut whole = Vec::from(first);
        while let Some(chunk) = self.chunk().await? {
            if whole.len() + chunk.len() > limit {
                return Ok(None);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok((whole.len() <= limit).then(|| whole.into()))
    }

    /// The beginning, for messages; what follows is not read.
    pub(crate) async fn read_beginning(&mut self, limit: usize) -> Bytes {
        let mut beginning = Vec::new();
        while beginning.len() < limit {
            match self.chunk().await {
                Ok(Some(chunk)) => beginning.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        beginning.truncate(limit);
        beginning.into()
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}
