//! Response bodies: whole ones, and streams that flush each piece at once.

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde::Serialize;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces that may wait for a slow client; the producer waits beyond that.
const STREAM_DEPTH: usize = 16;

/// A response body.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Full(Bytes),
    /// Pieces as they come.
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

/// The producer's end of a streamed body.
#[derive(Debug)]
pub(crate) struct Output(mpsc::Sender<io::Result<Bytes>>);

/// The client is gone: the producer should end.
#[derive(Debug)]
pub(crate) struct Gone;

impl Output {
    /// Sends a piece.
    pub(crate) async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        self.0.send(Ok(bytes.into())).await.map_err(|_| Gone)
    }

    /// Sends a document and a line feed.
    pub(crate) async fn send_line(&self, document: &impl Serialize) -> Result<(), Gone> {
        self.send(json_line(document)).await
    }

    /// Breaks the stream off, so that the client does not take it for complete.
    pub(crate) async fn fail(&self, error: io::Error) {
        let _ = self.0.send(Err(error)).await;
    }
}

impl Body {
    pub(crate) fn empty() -> Self {
        Body::Full(Bytes::new())
    }

    /// A document, with the line feed that Go's encoder ends one with.
    pub(crate) fn json(document: &impl Serialize) -> Self {
        Body::Full(json_line(document).into())
    }

    /// A body written by a task of its own, which is dropped when the client leaves.
    pub(crate) fn produced<F, Fut>(produce: F) -> Self
    where
        F: FnOnce(Output) -> Fut,
        Fut: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(STREAM_DEPTH);
        let watch = sender.clone();
        let producer = produce(Output(sender));
        tokio::spawn(async move {
            tokio::select! {
                _ = producer => {}
                () = watch.closed() => {}
            }
        });
        Body::Stream(receiver)
    }
}

fn json_line(document: &impl Serialize) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(document).expect("documents have string keys and always serialize");
    line.push(b'\n');
    line
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Body::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Body::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Body::Stream(pieces) => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Stream(_) => SizeHint::default(),
        }
    }
}
