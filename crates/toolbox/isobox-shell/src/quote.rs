//! Text as the shell would have to read it to get the same text back.

/// Within single quotes, whether it needs them or not: `'a'`, `'it'"'"'s'`.
pub(crate) fn single(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    let mut first = true;
    while first || !rest.is_empty() {
        first = false;
        let plain = rest.iter().position(|&byte| byte == b'\'').unwrap_or(rest.len());
        if plain > 0 || text.is_empty() {
            out.push(b'\'');
            out.extend_from_slice(&rest[..plain]);
            out.push(b'\'');
        }
        rest = &rest[plain..];
        let quotes = rest.iter().take_while(|&&byte| byte == b'\'').count();
        if quotes > 0 {
            out.push(b'"');
            out.extend_from_slice(&rest[..quotes]);
            out.push(b'"');
            rest = &rest[quotes..];
        }
    }
}

/// Quoted if it needs it, for `set -x`.
pub(crate) fn for_trace(text: &[u8], out: &mut Vec<u8>) {
    let plain =
        |&byte: &u8| byte.is_ascii_alphanumeric() || b"_-+.,/:@%]".contains(&byte) || byte >= 0x80;
    if text.iter().all(plain) {
        out.extend_from_slice(text);
    } else {
        single(text, out);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn quotes() {
        let check = |text: &[u8], expected: &[u8]| {
            let mut out = Vec::new();
            super::single(text, &mut out);
            assert_eq!(out, expected);
        };
        check(b"", b"''");
        check(b"a b", b"'a b'");
        check(b"it's", b"'it'\"'\"'s'");
        check(b"''x", b"\"''\"'x'");
    }
}
