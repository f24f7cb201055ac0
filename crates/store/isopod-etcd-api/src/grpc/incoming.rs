//! The messages of a request.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::frame::Decoder;
use super::status::{Code, Status};

/// The messages that a client sends on a stream.
#[derive(Debug)]
pub(crate) enum Requests {
    /// Framed in the body of a gRPC call.
    Framed { body: Incoming, decoder: Decoder },
    /// Made elsewhere: by the JSON gateway.
    Made(mpsc::Receiver<Result<Bytes, Status>>),
}

impl Requests {
    pub(crate) fn framed(body: Incoming, limit: usize) -> Self {
        Self::Framed { body, decoder: Decoder::new(limit) }
    }

    /// The next message; none when the client has finished.
    ///
    /// Safe to cancel: what has come is kept.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let (body, decoder) = match self {
            Self::Made(made) => return made.recv().await.transpose(),
            Self::Framed { body, decoder } => (body, decoder),
        };
        loop {
            if let Some(message) = decoder.next()? {
                return Ok(Some(message));
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        decoder.push(data);
                    }
                }
                Some(Err(_)) => return Err(Status::new(Code::Cancelled, "context canceled")),
                None if decoder.is_within_message() => {
                    return Err(Status::new(Code::Internal, "unexpected EOF"));
                }
                None => return Ok(None),
            }
        }
    }

    /// The only message of a call that has one.
    pub(crate) async fn only(mut self) -> Result<Bytes, Status> {
        let Some(message) = self.next().await? else {
            return Err(Status::new(Code::Internal, "grpc: the request has no message"));
        };
        match self.next().await? {
            None => Ok(message),
            Some(_) => Err(Status::new(Code::Internal, "grpc: the request has two messages")),
        }
    }
}
