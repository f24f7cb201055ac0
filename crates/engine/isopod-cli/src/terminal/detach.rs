//! The keys that leave a container running and give the terminal back: `ctrl-p,ctrl-q`.

use anyhow::{Result, bail};

/// A sequence of keys, watched for in what is typed.
#[derive(Debug, Clone)]
pub(crate) struct DetachKeys {
    keys: Vec<u8>,
    matched: usize,
}

/// What to do with typed bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// Bytes for the container.
    pub(crate) bytes: Vec<u8>,
    /// Whether the sequence was completed; what was typed after it is dropped.
    pub(crate) detached: bool,
}

impl DetachKeys {
    /// The sequence when nothing is said.
    pub(crate) const DEFAULT: &'static str = "ctrl-p,ctrl-q";

    /// Reads `ctrl-a,b,ctrl-\\`. An empty text is the default.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = if text.is_empty() { Self::DEFAULT } else { text };
        let mut keys = vec![];
        for key in text.split(',') {
            let byte = match key.strip_prefix("ctrl-").map(str::as_bytes) {
                Some([c @ b'a'..=b'z']) => c - b'a' + 1,
                Some(b"@") => 0,
                Some([c @ (b'[' | b'\\' | b']' | b'^' | b'_')]) => c - b'[' + 27,
                Some(_) => bail!("invalid detach keys ({text}): Unknown character: '{key}'"),
                None => match key.as_bytes() {
                    [byte] => *byte,
                    _ => bail!("invalid detach keys ({text}): Unknown character: '{key}'"),
                },
            };
            keys.push(byte);
        }
        Ok(Self { keys, matched: 0 })
    }

    /// Takes typed bytes. The first keys of the sequence are held back until it is clear whether
    /// the rest follows.
    pub(crate) fn typed(&mut self, bytes: &[u8]) -> Typed {
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte == self.keys[self.matched] {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    self.matched = 0;
                    return Typed { bytes: out, detached: true };
                }
                continue;
            }
            out.extend_from_slice(&self.keys[..self.matched]);
            self.matched = usize::from(*byte == self.keys[0]);
            if self.matched == 0 {
                out.push(*byte);
            } else if self.keys.len() == 1 {
                self.matched = 0;
                return Typed { bytes: out, detached: true };
            }
        }
        Typed { bytes: out, detached: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &mut DetachKeys, bytes: &[u8]) -> (Vec<u8>, bool) {
        let typed = keys.typed(bytes);
        (typed.bytes, typed.detached)
    }

    #[test]
    fn sequences() {
        let mut keys = DetachKeys::parse("").expect("default");
        assert_eq!(typed(&mut keys, b"ls\n"), (b"ls\n".to_vec(), false));
        assert_eq!(typed(&mut keys, b"a\x10\x11b"), (b"a".to_vec(), true));
        assert_eq!(typed(&mut keys, b"a\x10"), (b"a".to_vec(), false));
        assert_eq!(typed(&mut keys, b"b"), (b"\x10b".to_vec(), false));
        assert_eq!(typed(&mut keys, b"\x10\x10"), (b"\x10".to_vec(), false));
        assert_eq!(typed(&mut keys, b"\x11"), (vec![], true));
        let mut one = DetachKeys::parse("ctrl-x").expect("one key");
        assert_eq!(typed(&mut one, b"q\x18"), (b"q".to_vec(), true));
        let mut plain = DetachKeys::parse("a,ctrl-\\,b").expect("three keys");
        assert_eq!(typed(&mut plain, b"a\x1cb"), (vec![], true));
        for wrong in ["ctrl-", "ab", "ctrl-1", ",", "ctrl-aa"] {
            assert!(DetachKeys::parse(wrong).is_err(), "{wrong}");
        }
    }
}
