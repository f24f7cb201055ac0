//! Just enough of WebSocket (RFC 6455) to carry a container's streams: no extensions, messages
//! of any type are stdin, output goes out in binary messages.

use crate::error::{ApiError, ApiResult};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, header};
use sha1::{Digest, Sha1};

/// What the standard appends to a client's key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The longest frame that a client may send.
const LIMIT_BYTES: u64 = 1 << 20;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The answer to an opening handshake.
pub(crate) fn accept(headers: &HeaderMap) -> ApiResult<Vec<u8>> {
    let get = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let upgrades =
        get(header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let version = get(header::SEC_WEBSOCKET_VERSION);
    let key = get(header::SEC_WEBSOCKET_KEY).filter(|_| upgrades && version == Some("13"));
    let key = key.ok_or_else(|| {
        ApiError::bad_request(
            "not a websocket handshake: expected Upgrade: websocket, Sec-WebSocket-Version: 13 and Sec-WebSocket-Key",
        )
    })?;
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = STANDARD.encode(digest);
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes())
}

/// What a client's frame means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Bytes for the process.
    Data(Bytes),
    /// To be answered by this frame.
    Answer(Bytes),
    /// Of no consequence.
    Nothing,
    /// The client ends the conversation, or does not keep to the protocol.
    Close,
}

/// Takes the next whole frame off `bytes`; `None` when it is not there yet.
pub(crate) fn decode(bytes: &mut BytesMut) -> Option<Message> {
    let [first, second, ..] = **bytes else { return None };
    let (operation, masked) = (first & 0x0f, second & 0x80 != 0);
    let (length, head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    // Clients must mask; reserved bits mean extensions, which were not agreed on.
    if !masked || first & 0x70 != 0 || length > LIMIT_BYTES {
        return Some(Message::Close);
    }
    let length = usize::try_from(length).expect("below the limit");
    let mask: [u8; 4] = bytes.get(head..head + 4)?.try_into().ok()?;
    if bytes.len() < head + 4 + length {
        return None;
    }
    bytes.advance(head + 4);
    let mut payload = bytes.split_to(length);
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    Some(match operation {
        CONTINUATION | TEXT | BINARY => Message::Data(payload.freeze()),
        PING if length < 126 => Message::Answer(encode_frame(PONG, &payload)),
        PONG => Message::Nothing,
        _ => Message::Close,
    })
}

/// A binary message.
pub(crate) fn encode(payload: &[u8]) -> Bytes {
    encode_frame(BINARY, payload)
}

/// The end of the conversation: status 1000, normal.
pub(crate) fn encode_close() -> Bytes {
    encode_frame(CLOSE, &1000u16.to_be_bytes())
}

fn encode_frame(operation: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(0x80 | operation);
    match payload.len() {
        short @ 0..=125 => frame.put_u8(short as u8),
        medium @ 126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(medium as u16);
        }
        long => {
            frame.put_u8(127);
            frame.put_u64(long as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame.
    fn client(first: u8, payload: &[u8]) -> BytesMut {
        let mut frame = BytesMut::from(&encode_frame(0, payload)[..]);
        frame[0] = first;
        frame[1] |= 0x80;
        let head = frame.len() - payload.len();
        let masked: Vec<u8> = payload
            .iter()
            .zip([1u8, 2, 3, 4].iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        frame.truncate(head);
        frame.extend_from_slice(&[1, 2, 3, 4]);
        frame.extend_from_slice(&masked);
        frame
    }

    #[test]
    fn the_standards_own_handshake() {
        let mut headers = HeaderMap::new();
        headers.insert("upgrade", "websocket".parse().expect("valid"));
        headers.insert("sec-websocket-version", "13".parse().expect("valid"));
        assert!(accept(&headers).is_err());
        headers.insert("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".parse().expect("valid"));
        let answer = String::from_utf8(accept(&headers).expect("valid")).expect("text");
        assert!(
            answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{answer}"
        );
    }

    #[test]
    fn frames_of_all_lengths() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![7; length];
            let mut bytes = client(0x82, &payload);
            bytes.extend_from_slice(b"next");
            assert_eq!(decode(&mut bytes), Some(Message::Data(payload.into())));
            assert_eq!(&bytes[..], b"next");
        }
    }

    #[test]
    fn pieces_are_waited_for() {
        let whole = client(0x81, b"hello");
        for cut in 0..whole.len() {
            let mut bytes = BytesMut::from(&whole[..cut]);
            assert_eq!(decode(&mut bytes), None);
            assert_eq!(bytes.len(), cut, "nothing is lost");
        }
    }

    #[test]
    fn control_frames() {
        assert_eq!(
            decode(&mut client(0x89, b"hi")),
            Some(Message::Answer(Bytes::from_static(b"\x8a\x02hi")))
        );
        assert_eq!(decode(&mut client(0x8a, b"hi")), Some(Message::Nothing));
        assert_eq!(decode(&mut client(0x88, b"")), Some(Message::Close));
        assert_eq!(decode(&mut client(0xf1, b"")), Some(Message::Close), "reserved bits");
        let mut unmasked = BytesMut::from(&encode(b"x")[..]);
        assert_eq!(decode(&mut unmasked), Some(Message::Close));
        let mut huge = BytesMut::from(&b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..]);
        assert_eq!(decode(&mut huge), Some(Message::Close));
    }
}
