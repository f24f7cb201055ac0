//! The records of Docker's `local` log format.
//!
//! ```text
//! u32 length (big-endian) | message | u32 length
//! ```
//!
//! The length stands on both sides so that a file can be read backwards. The message is protobuf:
//! 1 source (text), 2 time in nanoseconds (varint), 3 line without its line feed (bytes),
//! 4 partial (varint: the line feed is missing), and of our own 15, once for each attribute, a
//! message of 1 key and 2 value. Unknown fields are passed over.

use std::collections::BTreeMap;

/// The largest message; longer ones are damage.
pub const MESSAGE_LIMIT_BYTES: usize = 1 << 20;

const SOURCE: u64 = 1;
const TIME: u64 = 2;
const LINE: u64 = 3;
const PARTIAL: u64 = 4;
const ATTRIBUTE: u64 = 15;

const VARINT: u64 = 0;
const BYTES: u64 = 2;

/// A record as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// `stdout` or `stderr`.
    pub source: String,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    /// The line, with its line feed if it has one.
    pub line: Vec<u8>,
    /// Attributes that the log's options ask for.
    pub attributes: Vec<(String, String)>,
}

/// Appends a record.
pub(crate) fn encode(
    line: &[u8],
    source: &str,
    time_ns: i64,
    attributes: &[u8],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    bytes(SOURCE, source.as_bytes(), out);
    varint(TIME << 3 | VARINT, out);
    varint(time_ns.cast_unsigned(), out);
    let whole = line.strip_suffix(b"\n");
    bytes(LINE, whole.unwrap_or(line), out);
    if whole.is_none() {
        varint(PARTIAL << 3 | VARINT, out);
        varint(1, out);
    }
    out.extend_from_slice(attributes);
    // A line has at most 16 KiB and the attributes are the container's own few.
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX).to_be_bytes();
    out[start..start + 4].copy_from_slice(&length);
    out.extend_from_slice(&length);
}

/// The fields that every record of a container carries.
pub(crate) fn attributes(attributes: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in attributes {
        let mut pair = Vec::new();
        bytes(1, key.as_bytes(), &mut pair);
        bytes(2, value.as_bytes(), &mut pair);
        bytes(ATTRIBUTE, &pair, &mut out);
    }
    out
}

/// Reads a message; `None` when it is damaged.
#[must_use]
pub fn decode(message: &[u8]) -> Option<Entry> {
    let mut entry = Entry::default();
    let mut partial = false;
    each_field(message, |field, value| {
        match (field, value) {
            (SOURCE, Value::Bytes(text)) => entry.source = String::from_utf8_lossy(text).into(),
            (TIME, Value::Number(time)) => entry.time_ns = time.cast_signed(),
            (LINE, Value::Bytes(line)) => entry.line = line.to_vec(),
            (PARTIAL, Value::Number(number)) => partial = number != 0,
            (ATTRIBUTE, Value::Bytes(pair)) => entry.attributes.push(pair_of(pair)?),
            _ => {}
        }
        Some(())
    })?;
    if !partial {
        entry.line.push(b'\n');
    }
    Some(entry)
}

fn pair_of(message: &[u8]) -> Option<(String, String)> {
    let mut pair = (String::new(), String::new());
    each_field(message, |field, value| {
        if let Value::Bytes(text) = value {
            let text = String::from_utf8_lossy(text).into_owned();
            if field == 1 { pair.0 = text } else { pair.1 = text }
        }
        Some(())
    })?;
    Some(pair)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn each_field(mut rest: &[u8], mut take: impl FnMut(u64, Value<'_>) -> Option<()>) -> Option<()> {
    while !rest.is_empty() {
        let key = read_varint(&mut rest)?;
        let value = match key & 7 {
            VARINT => Value::Number(read_varint(&mut rest)?),
            BYTES => {
                let length = usize::try_from(read_varint(&mut rest)?).ok()?;
                let (value, after) = rest.split_at_checked(length)?;
                rest = after;
                Value::Bytes(value)
            }
            _ => return None,
        };
        take(key >> 3, value)?;
    }
    Some(())
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | BYTES, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back() {
        let own = attributes(&BTreeMap::from([("a".into(), "b".into())]));
        for (line, attributes) in [
            (&b"hello\n"[..], &own[..]),
            (b"no end", b""),
            (b"\n", b""),
            (b"", b""),
            (b"\xff\x00\n", b""),
        ] {
            let mut out = Vec::new();
            encode(line, "stderr", 1_700_000_000_123_456_789, attributes, &mut out);
            let length = u32::from_be_bytes(out[..4].try_into().expect("four")) as usize;
            assert_eq!(out.len(), length + 8);
            assert_eq!(out[..4], out[length + 4..]);
            let entry = decode(&out[4..4 + length]).expect("whole");
            assert_eq!((entry.source.as_str(), &entry.line[..]), ("stderr", line));
            assert_eq!(entry.time_ns, 1_700_000_000_123_456_789);
            assert_eq!(entry.attributes.len(), usize::from(!attributes.is_empty()));
        }
    }

    #[test]
    fn a_record_is_what_docker_writes() {
        let mut out = Vec::new();
        encode(b"hi\n", "stdout", 5, b"", &mut out);
        assert_eq!(out, b"\0\0\0\x0e\x0a\x06stdout\x10\x05\x1a\x02hi\0\0\0\x0e");
    }

    #[test]
    fn damage_is_seen() {
        for bad in [&b"\x0a\x10x"[..], b"\x10", b"\xff", b"\x0b", &[0x80; 12]] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }
}
