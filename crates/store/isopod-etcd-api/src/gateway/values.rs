//! The JSON documents that a client sends on a stream, one after the other.

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::mpsc;

use super::transcode::Transcoder;
use crate::grpc::{Code, Requests, Status};

/// Messages that may wait until their stream takes them.
const QUEUE: usize = 4;

/// The messages in `body`, each of at most `limit` bytes. A body that ends does not end the
/// stream: its client still waits for answers, and says so by keeping the connection.
pub(crate) fn messages(transcoder: Transcoder, mut body: Incoming, limit: usize) -> Requests {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut waiting = BytesMut::new();
        loop {
            let more = match body.frame().await {
                None => break,
                Some(Err(_)) => return,
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            waiting.extend_from_slice(&more);
            loop {
                let message = match next(&mut waiting) {
                    Ok(None) if waiting.len() <= limit.saturating_mul(2) => break,
                    Ok(None) => Err(Status::new(Code::ResourceExhausted, "a message is too large")),
                    Ok(Some(value)) => transcoder.message(value),
                    Err(status) => Err(status),
                };
                let failed = message.is_err();
                if sender.send(message).await.is_err() || failed {
                    return;
                }
            }
        }
        sender.closed().await;
    });
    Requests::Made(receiver)
}

/// Takes a whole document from the front.
fn next(waiting: &mut BytesMut) -> Result<Option<Value>, Status> {
    let mut documents = serde_json::Deserializer::from_slice(waiting).into_iter::<Value>();
    let found = match documents.next() {
        None => return Ok(None),
        Some(Err(error)) if error.is_eof() => return Ok(None),
        Some(found) => found,
    };
    let length = documents.byte_offset();
    let value = found.map_err(|error| Status::new(Code::InvalidArgument, error.to_string()))?;
    let _ = waiting.split_to(length);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_taken_one_by_one() {
        let mut waiting = BytesMut::from(&b" {\"a\":1}\n{\"b\""[..]);
        assert_eq!(next(&mut waiting).unwrap().unwrap()["a"], 1);
        assert!(next(&mut waiting).unwrap().is_none());
        waiting.extend_from_slice(b":2}");
        assert_eq!(next(&mut waiting).unwrap().unwrap()["b"], 2);
        assert!(next(&mut waiting).unwrap().is_none());
        waiting.extend_from_slice(b"]");
        assert!(next(&mut waiting).is_err());
    }
}
