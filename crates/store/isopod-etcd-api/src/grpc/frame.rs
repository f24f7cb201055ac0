//! gRPC's framing of messages: a byte that says whether it is compressed, four for the length.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

use super::status::{Code, Status};

/// Bytes before each message.
pub(crate) const PREFIX: usize = 5;

/// A message with its prefix.
pub(crate) fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("responses are below 4 GiB"));
    message.encode_raw(&mut frame);
    frame.freeze()
}

/// A message from its bytes, without the prefix.
pub(crate) fn decode<M: Message + Default>(message: Bytes) -> Result<M, Status> {
    M::decode(message).map_err(|error| {
        Status::new(Code::Internal, format!("grpc: error unmarshalling request: {error}"))
    })
}

/// Cuts a stream of bytes into messages.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    /// What came last, when the buffer is empty: whole messages are taken from it uncopied.
    chunk: Bytes,
    limit: usize,
}

impl Decoder {
    /// Messages may have `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), chunk: Bytes::new(), limit }
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        if self.buffer.is_empty() && self.chunk.is_empty() {
            self.chunk = bytes;
            return;
        }
        self.buffer.extend_from_slice(&std::mem::take(&mut self.chunk));
        self.buffer.extend_from_slice(&bytes);
    }

    /// The next whole message.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let waiting = if self.chunk.is_empty() { &self.buffer[..] } else { &self.chunk[..] };
        let Some((prefix, rest)) = waiting.split_first_chunk::<PREFIX>() else { return Ok(None) };
        if prefix[0] != 0 {
            return Err(Status::new(
                Code::Unimplemented,
                "grpc: compressed messages are not supported",
            ));
        }
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
        if length > self.limit {
            return Err(Status::new(
                Code::ResourceExhausted,
                format!("grpc: received message larger than max ({length} vs. {})", self.limit),
            ));
        }
        if rest.len() < length {
            return Ok(None);
        }
        Ok(Some(if self.chunk.is_empty() {
            self.buffer.advance(PREFIX);
            self.buffer.split_to(length).freeze()
        } else {
            self.chunk.advance(PREFIX);
            self.chunk.split_to(length)
        }))
    }

    /// Whether bytes of an unfinished message are left.
    pub(crate) fn is_within_message(&self) -> bool {
        !self.buffer.is_empty() || !self.chunk.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0];
        frame.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn messages_are_found_wherever_the_bytes_are_cut() {
        let bytes = [frame(b"one"), frame(b""), frame(b"three")].concat();
        for size in 1..=bytes.len() {
            let mut decoder = Decoder::new(100);
            let mut found = Vec::new();
            for chunk in bytes.chunks(size) {
                decoder.push(Bytes::copy_from_slice(chunk));
                while let Some(message) = decoder.next().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, [&b"one"[..], b"", b"three"], "cut at {size}");
            assert!(!decoder.is_within_message());
        }
    }

    #[test]
    fn a_message_above_the_limit_is_refused_before_it_is_read() {
        let mut decoder = Decoder::new(4);
        decoder.push(Bytes::copy_from_slice(&frame(b"12345")[..PREFIX]));
        let status = decoder.next().unwrap_err();
        assert_eq!(status.code, Code::ResourceExhausted);
        assert_eq!(status.message, "grpc: received message larger than max (5 vs. 4)");
    }
}
