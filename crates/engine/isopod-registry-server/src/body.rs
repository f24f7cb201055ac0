//! Bodies of answers: bytes in memory, a part of a file, or pieces as they come.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

/// Bytes read from a file at once.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for a slow client.
const DEPTH: usize = 4;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Full(Bytes),
    /// Pieces, of that many bytes in all.
    Pieces(mpsc::Receiver<io::Result<Bytes>>, u64),
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Self::Full(bytes.into())
    }

    /// The bytes of a file from one position up to another.
    pub(crate) fn file(file: File, mut position: u64, end: u64) -> Self {
        let length = end - position;
        let (sender, receiver) = mpsc::channel(DEPTH);
        tokio::spawn(async move {
            let mut file = file;
            while position < end {
                let count = PIECE_BYTES.min(usize::try_from(end - position).unwrap_or(PIECE_BYTES));
                let read = tokio::task::spawn_blocking(move || {
                    let mut piece = vec![0; count];
                    file.read_exact_at(&mut piece, position).map(|()| (file, piece))
                });
                let piece = match read.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                    Ok((same, piece)) => {
                        file = same;
                        piece
                    }
                    Err(error) => {
                        let _ = sender.send(Err(error)).await;
                        return;
                    }
                };
                position += piece.len() as u64;
                if sender.send(Ok(piece.into())).await.is_err() {
                    return;
                }
            }
        });
        Self::Pieces(receiver, length)
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(pieces, left) => match std::task::ready!(pieces.poll_recv(context)) {
                Some(Ok(piece)) => {
                    *left = left.saturating_sub(piece.len() as u64);
                    Poll::Ready(Some(Ok(Frame::data(piece))))
                }
                Some(Err(error)) => Poll::Ready(Some(Err(error))),
                None if *left > 0 => {
                    Poll::Ready(Some(Err(io::Error::other("the content broke off"))))
                }
                None => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(bytes) if bytes.is_empty()) || matches!(self, Self::Pieces(_, 0))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_, left) => SizeHint::with_exact(*left),
        }
    }
}
