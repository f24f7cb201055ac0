//! The keys that leave a terminal session without ending it.

use crate::error::{ApiError, ApiResult};
use bytes::BytesMut;

/// A sequence of bytes, `ctrl-p,ctrl-q` unless the client chose another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetachKeys(Vec<u8>);

impl Default for DetachKeys {
    fn default() -> Self {
        Self(vec![0x10, 0x11])
    }
}

impl DetachKeys {
    /// Reads `a`, `ctrl-p,ctrl-q`, ...; an empty text means the default.
    pub(crate) fn parse(text: &str) -> ApiResult<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',')
            .map(|key| {
                key_byte(key).ok_or_else(|| {
                    ApiError::bad_request(format!(
                        "invalid detach keys ({text}) provided: unknown character: '{key}'"
                    ))
                })
            })
            .collect::<ApiResult<_>>()
            .map(Self)
    }

    /// Looks for the keys in a stream.
    pub(crate) fn scanner(self) -> Scanner {
        Scanner { keys: self.0, matched: 0 }
    }
}

/// The byte that a key sends.
fn key_byte(key: &str) -> Option<u8> {
    if let [byte] = key.as_bytes() {
        return Some(*byte);
    }
    match key.strip_prefix("ctrl-")?.as_bytes() {
        [b'@'] => Some(0),
        [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
        [b'['] => Some(27),
        [b'\\'] => Some(28),
        [b']'] => Some(29),
        [b'^'] => Some(30),
        [b'_'] => Some(31),
        _ => None,
    }
}

/// Finds the keys across reads and holds back what may turn out to be them.
#[derive(Debug)]
pub(crate) struct Scanner {
    keys: Vec<u8>,
    matched: usize,
}

impl Scanner {
    /// Leaves in `bytes` what the process is to see. `true`: the keys were typed; what follows
    /// them is dropped.
    pub(crate) fn filter(&mut self, bytes: &mut BytesMut) -> bool {
        let mut passed = BytesMut::with_capacity(bytes.len() + self.matched);
        let mut detached = false;
        for &byte in bytes.iter() {
            if byte != self.keys[self.matched] && self.matched > 0 {
                passed.extend_from_slice(&self.keys[..self.matched]);
                self.matched = 0;
            }
            if byte == self.keys[self.matched] {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    self.matched = 0;
                    detached = true;
                    break;
                }
            } else {
                passed.extend_from_slice(&[byte]);
            }
        }
        *bytes = passed;
        detached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(keys: &str, reads: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut scanner = DetachKeys::parse(keys).expect("valid").scanner();
        let mut seen = Vec::new();
        for read in reads {
            let mut bytes = BytesMut::from(*read);
            let detached = scanner.filter(&mut bytes);
            seen.extend_from_slice(&bytes);
            if detached {
                return (seen, true);
            }
        }
        (seen, false)
    }

    #[test]
    fn found_across_reads_and_passed_on_otherwise() {
        assert_eq!(run("", &[b"ab\x10\x11cd"]), (b"ab".to_vec(), true));
        assert_eq!(run("", &[b"ab\x10", b"\x11cd"]), (b"ab".to_vec(), true));
        assert_eq!(run("", &[b"\x10", b"x"]), (b"\x10x".to_vec(), false));
        assert_eq!(run("", &[b"\x10\x10\x11"]), (b"\x10".to_vec(), true));
        assert_eq!(run("q", &[b"abq"]), (b"ab".to_vec(), true));
        assert_eq!(run("ctrl-a,b", &[b"\x01b"]), (Vec::new(), true));
    }

    #[test]
    fn bad_keys_are_named() {
        let error = DetachKeys::parse("ctrl-p,escape").expect_err("no key");
        assert!(error.message.contains("'escape'"), "{}", error.message);
    }
}
