//! Bodies of requests, and reading the bodies of responses.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::error::ClientError;

/// Size of the pieces that files are sent in.
const PIECE: usize = 256 * 1024;

/// The body of a request.
pub enum Payload {
    /// None.
    Empty,
    /// All of it in memory.
    Whole(Option<Bytes>),
    /// Read by a thread while it is sent.
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

impl Payload {
    /// A JSON document.
    pub fn json(document: &impl serde::Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(document).map_err(ClientError::Encode)?;
        Ok(Self::Whole(Some(bytes.into())))
    }

    /// Everything that `reader` gives, read on a thread of its own.
    pub fn read_from(mut reader: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel(4);
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let sent = match reader.read(&mut piece) {
                    Ok(0) => return,
                    Ok(count) => {
                        piece.truncate(count);
                        sender.blocking_send(Ok(piece.into()))
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        let _ = sender.blocking_send(Err(error));
                        return;
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        Self::Stream(receiver)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(receiver) => {
                receiver.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty | Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Whole(None) => SizeHint::with_exact(0),
            Self::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The next piece of a response, `None` at its end.
pub async fn next_piece(body: &mut Incoming) -> Result<Option<Bytes>, ClientError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ClientError::Broken(error.into()))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A response as a sequence of JSON documents (events, progress, statistics).
pub struct JsonLines {
    body: Incoming,
    buffer: Vec<u8>,
}

/// Longest document in a sequence; a longer one is an error.
const DOCUMENT_MAX: usize = 16 << 20;

impl JsonLines {
    /// Reads `body`.
    pub fn new(body: Incoming) -> Self {
        Self { body, buffer: vec![] }
    }

    /// The next document's text, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Box<RawValue>>, ClientError> {
        loop {
            if let Some((document, used)) = first_document(&self.buffer)? {
                self.buffer.drain(..used);
                return Ok(Some(document));
            }
            if self.buffer.len() >= DOCUMENT_MAX {
                return Err(ClientError::TooLong { limit_bytes: DOCUMENT_MAX });
            }
            match next_piece(&mut self.body).await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.buffer.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                None => return Err(ClientError::Cut),
            }
        }
    }
}

/// The first whole document in `bytes` and the number of bytes that it takes.
fn first_document(bytes: &[u8]) -> Result<Option<(Box<RawValue>, usize)>, ClientError> {
    let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Box<RawValue>>();
    match documents.next() {
        None => Ok(None),
        Some(Ok(document)) => Ok(Some((document, documents.byte_offset()))),
        Some(Err(error)) if error.is_eof() => Ok(None),
        Some(Err(error)) => Err(ClientError::NotJson(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_from_a_stream() {
        let (document, used) = first_document(b"{\"a\":1}\r\n{\"b\"").expect("ok").expect("one");
        assert_eq!(document.get(), "{\"a\":1}");
        assert_eq!(used, 7);
        assert!(first_document(b"{\"b\"").expect("ok").is_none());
        assert!(first_document(b" \n").expect("ok").is_none());
        assert!(first_document(b"<html>").is_err());
    }
}
