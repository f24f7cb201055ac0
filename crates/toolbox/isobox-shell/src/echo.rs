//! `echo`

use crate::escape::{Style, one};

/// Prints words with spaces between them: `-n` no newline, `-e` escapes, `-E` none.
pub(crate) fn echo<'a>(words: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    let mut newline = true;
    let mut escapes = false;
    let mut first = true;
    let mut options = true;
    for word in words {
        if options
            && word.len() > 1
            && word[0] == b'-'
            && word[1..].iter().all(|byte| b"neE".contains(byte))
        {
            for byte in &word[1..] {
                match byte {
                    b'n' => newline = false,
                    byte => escapes = *byte == b'e',
                }
            }
            continue;
        }
        options = false;
        if !first {
            out.push(b' ');
        }
        first = false;
        if !escapes {
            out.extend_from_slice(word);
        } else if !escaped(word, out) {
            return;
        }
    }
    if newline {
        out.push(b'\n');
    }
}

/// Adds text whose escapes are meant; false after `\c`, which ends all output.
pub(crate) fn escaped(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.first() == Some(&b'c') {
            return false;
        }
        rest = &rest[one(rest, Style::Echo, out)..];
    }
    out.extend_from_slice(rest);
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn options_and_escapes() {
        let check = |words: &[&[u8]], expected: &[u8]| {
            let mut out = Vec::new();
            super::echo(words.iter().copied(), &mut out);
            assert_eq!(out, expected);
        };
        check(&[b"a", b"b"], b"a b\n");
        check(&[b"-n", b"a"], b"a");
        check(&[b"-en", b"a\\tb\\cd", b"e"], b"a\tb");
        check(&[b"-x", b"-n"], b"-x -n\n");
        check(&[b"a\\n"], b"a\\n\n");
    }
}
