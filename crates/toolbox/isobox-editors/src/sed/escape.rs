//! Escapes that sed itself reads: characters by name or number.

/// The character that an escape stands for, and how many bytes of `text`, which begins after the
/// backslash, it takes.
pub(crate) fn character(text: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: usize, radix: u32| {
        let text = text.get(1..)?;
        let count =
            text.iter().take(digits).take_while(|&&byte| char::from(byte).is_digit(radix)).count();
        let digits = std::str::from_utf8(&text[..count]).ok()?;
        let value = u32::from_str_radix(digits, radix).ok()?;
        Some((u8::try_from(value & 0xff).expect("masked"), 1 + count))
    };
    match text.first()? {
        b'a' => Some((7, 1)),
        b'f' => Some((12, 1)),
        b'n' => Some((b'\n', 1)),
        b'r' => Some((b'\r', 1)),
        b't' => Some((b'\t', 1)),
        b'v' => Some((11, 1)),
        b'c' => text.get(1).map(|byte| (byte.to_ascii_uppercase() ^ 0x40, 2)),
        b'd' => number(3, 10),
        b'o' => number(3, 8),
        b'x' => number(2, 16),
        _ => None,
    }
}

/// An expression as the reader of expressions wants it: escapes of characters replaced, those
/// that an expression knows kept.
pub(crate) fn in_expression(text: &[u8], extended: bool) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'[' {
            let end = bracket_end(text, at).unwrap_or(at + 1);
            in_bracket(&text[at..end], &mut result);
            at = end;
            continue;
        }
        if text[at] != b'\\' {
            result.push(text[at]);
            at += 1;
            continue;
        }
        match character(&text[at + 1..]) {
            Some((byte, length)) => {
                // A character that is written as a number is not special.
                let special =
                    b"\\.[]*^$".contains(&byte) || (extended && b"+?(){}|".contains(&byte));
                if special {
                    result.push(b'\\');
                }
                result.push(byte);
                at += 1 + length;
            }
            None => {
                result.push(b'\\');
                result.extend(text.get(at + 1));
                at += 2;
            }
        }
    }
    result
}

/// In brackets a backslash is a character, but for the escapes of a few others.
fn in_bracket(text: &[u8], result: &mut Vec<u8>) {
    let mut at = 0;
    while at < text.len() {
        let known =
            text[at] == b'\\' && text.get(at + 1).is_some_and(|byte| b"nftrv".contains(byte));
        if known && let Some((byte, length)) = character(&text[at + 1..]) {
            result.push(byte);
            at += 1 + length;
        } else {
            result.push(text[at]);
            at += 1;
        }
    }
}

/// The place after the bracket expression that begins at `start`, if it has an end.
pub(crate) fn bracket_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    if text.get(at) == Some(&b'^') {
        at += 1;
    }
    if text.get(at) == Some(&b']') {
        at += 1;
    }
    loop {
        match *text.get(at)? {
            b']' => return Some(at + 1),
            b'\n' => return None,
            b'[' if text.get(at + 1).is_some_and(|byte| b":.=".contains(byte)) => {
                let close = [text[at + 1], b']'];
                let inside = &text[at + 2..];
                let end = inside.windows(2).position(|pair| pair == close);
                at += end.map_or(1, |end| end + 4);
            }
            _ => at += 1,
        }
    }
}
