//! The lines of a log in Docker's json-file format.

use std::collections::BTreeMap;
use std::io::Write;

/// Longest piece of a line that one record holds, as in Docker.
pub(crate) const RECORD_LIMIT_BYTES: usize = 16 << 10;

/// How many of the first bytes of `bytes` make the next record: a line with its line feed, or
/// the most that a record holds. `None` when there is only the beginning of a line.
pub(crate) fn next_record(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(RECORD_LIMIT_BYTES)];
    match memchr::memchr(b'\n', window) {
        Some(end) => Some(end + 1),
        None if window.len() == RECORD_LIMIT_BYTES => Some(RECORD_LIMIT_BYTES),
        None => None,
    }
}

/// What stays the same from record to record.
#[derive(Debug, Default)]
pub(crate) struct RecordWriter {
    /// `"attrs":{…},` or nothing.
    attributes: Vec<u8>,
}

impl RecordWriter {
    pub(crate) fn new(attributes: &BTreeMap<String, String>) -> Self {
        let mut out = Vec::new();
        if !attributes.is_empty() {
            out.extend_from_slice(b"\"attrs\":");
            serde_json::to_writer(&mut out, attributes).expect("a map of texts");
            out.push(b',');
        }
        Self { attributes: out }
    }

    /// Appends the record of `line` to `out`.
    pub(crate) fn write(&self, line: &[u8], stream: &str, time: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"log\":\"");
        escape(line, out);
        out.extend_from_slice(b"\",\"stream\":\"");
        out.extend_from_slice(stream.as_bytes());
        out.extend_from_slice(b"\",");
        out.extend_from_slice(&self.attributes);
        out.extend_from_slice(b"\"time\":\"");
        out.extend_from_slice(time.as_bytes());
        out.extend_from_slice(b"\"}\n");
    }
}

/// Escapes as Go's encoder does; bytes that are not UTF-8 become U+FFFD, one each.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid().as_bytes();
        let mut done = 0;
        for (at, &byte) in text.iter().enumerate() {
            let plain = match byte {
                b'"' | b'\\' | b'<' | b'>' | b'&' | 0..0x20 => false,
                // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
                0xE2 => !matches!(text[at..], [0xE2, 0x80, 0xA8 | 0xA9, ..]),
                _ => true,
            };
            if plain {
                continue;
            }
            out.extend_from_slice(&text[done..at]);
            done = at + escape_one(byte, &text[at..], out);
        }
        // A three-byte escape at the very end leaves `done` within bounds: its bytes were there.
        out.extend_from_slice(&text[done..]);
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
}

/// Escapes the character at the start of `rest`, and tells how many bytes it had.
fn escape_one(byte: u8, rest: &[u8], out: &mut Vec<u8>) -> usize {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0xE2 => {
            let last = if rest[2] == 0xA8 { b'8' } else { b'9' };
            out.extend_from_slice(b"\\u202");
            out.push(last);
            return 3;
        }
        _ => write!(out, "\\u{byte:04x}").expect("writing to memory"),
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &[u8]) -> String {
        let mut out = Vec::new();
        RecordWriter::default().write(line, "stdout", "T", &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn records_are_as_docker_writes_them() {
        for (line, expected) in [
            (&b"hello\n"[..], "hello\\n"),
            (b"a \"b\" \\ \t\r\n", "a \\\"b\\\" \\\\ \\t\\r\\n"),
            (b"<&>", "\\u003c\\u0026\\u003e"),
            (b"\x1b[0m", "\\u001b[0m"),
            ("Grüße €\n".as_bytes(), "Grüße €\\n"),
            ("a\u{2028}b\u{2029}".as_bytes(), "a\\u2028b\\u2029"),
            (b"\xff\xfe!", "\\ufffd\\ufffd!"),
            (b"", ""),
        ] {
            let record = record(line);
            assert_eq!(
                record,
                format!("{{\"log\":\"{expected}\",\"stream\":\"stdout\",\"time\":\"T\"}}\n")
            );
            let parsed: serde_json::Value = serde_json::from_str(&record).expect("JSON");
            assert_eq!(
                parsed["log"].as_str().expect("text").chars().count(),
                String::from_utf8_lossy(line).chars().count()
            );
        }
    }

    #[test]
    fn long_lines_are_cut() {
        let long = vec![b'x'; RECORD_LIMIT_BYTES + 5];
        assert_eq!(next_record(&long), Some(RECORD_LIMIT_BYTES));
        assert_eq!(next_record(&long[RECORD_LIMIT_BYTES..]), None);
        assert_eq!(next_record(b"a\nb\n"), Some(2));
    }

    #[test]
    fn attributes_come_before_the_time() {
        let writer = RecordWriter::new(&BTreeMap::from([("a".into(), "b".into())]));
        let mut out = Vec::new();
        writer.write(b"x\n", "stderr", "T", &mut out);
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "{\"log\":\"x\\n\",\"stream\":\"stderr\",\"attrs\":{\"a\":\"b\"},\"time\":\"T\"}\n"
        );
    }
}
