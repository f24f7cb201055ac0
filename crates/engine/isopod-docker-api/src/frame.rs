//! The frames that several streams share a connection by: `{stream, 0, 0, 0, length as u32
//! big-endian}` and the bytes.

use bytes::{BufMut, BytesMut};
use isopod_engine::StreamKind;

/// Appends one frame.
pub(crate) fn append(bytes: &mut BytesMut, stream: StreamKind, data: &[u8]) {
    bytes.put_u8(match stream {
        StreamKind::Stdout => 1,
        StreamKind::Stderr => 2,
    });
    bytes.put_slice(&[0; 3]);
    bytes.put_u32(u32::try_from(data.len()).expect("pieces of output are far below 4 GiB"));
    bytes.put_slice(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        let mut bytes = BytesMut::new();
        append(&mut bytes, StreamKind::Stderr, b"ab");
        assert_eq!(&bytes[..], b"\x02\0\0\0\0\0\0\x02ab");
    }
}
