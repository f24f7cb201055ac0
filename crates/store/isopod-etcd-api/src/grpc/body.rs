//! Bodies of responses: messages, then the status as trailers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body, Frame, SizeHint};

use super::status::Status;
use crate::method::Replies;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The body of any response of the server.
pub(crate) enum ResponseBody {
    /// Bytes, or nothing more.
    Plain(Option<Bytes>),
    /// One gRPC message; then that all went well.
    Unary(Option<Bytes>),
    /// gRPC messages as they come; then the status.
    Stream(Replies),
    /// The status is sent.
    Trailers,
    /// JSON lines as they come.
    Lines(Replies),
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match &mut *self {
            Self::Plain(bytes) => bytes.take().map(Frame::data),
            Self::Unary(message) => match message.take() {
                Some(message) => Some(Frame::data(message)),
                None => {
                    *self = Self::Trailers;
                    Some(Frame::trailers(trailers(None)))
                }
            },
            Self::Stream(replies) => match ready!(replies.poll_recv(context)) {
                Some(Ok(message)) => Some(Frame::data(message)),
                end => {
                    *self = Self::Trailers;
                    Some(Frame::trailers(trailers(end.and_then(Result::err).as_ref())))
                }
            },
            Self::Trailers => None,
            Self::Lines(replies) => {
                ready!(replies.poll_recv(context)).and_then(Result::ok).map(Frame::data)
            }
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Plain(None) | Self::Trailers)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            _ => SizeHint::default(),
        }
    }
}

/// The status as headers.
pub(crate) fn trailers(status: Option<&Status>) -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    let Some(status) = status else {
        trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
        return trailers;
    };
    trailers.insert(GRPC_STATUS, HeaderValue::from(status.code as u8 as u16));
    let message = HeaderValue::try_from(status.encoded_message());
    trailers.insert(GRPC_MESSAGE, message.expect("encoded messages are printable ASCII"));
    trailers
}
