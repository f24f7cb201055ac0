//! Backslash escapes, in the dialects of `echo -e`, `printf` and `$'…'`.

/// Whose escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `echo -e` and `%b`: octal numbers begin with `\0`.
    Echo,
    /// A format of `printf`: octal numbers are up to three digits.
    Format,
    /// `$'…'`: the same, and `\u`.
    Ansi,
}

/// Turns the escape that follows a backslash into bytes; returns how many bytes it took. What is
/// no escape stays as it is, backslash included, and takes nothing.
pub(crate) fn one(text: &[u8], style: Style, out: &mut Vec<u8>) -> usize {
    let Some(&first) = text.first() else {
        out.push(b'\\');
        return 0;
    };
    let byte = match first {
        b'a' => 7,
        b'b' => 8,
        b'e' | b'E' => 27,
        b'f' => 12,
        b'n' => 10,
        b'r' => 13,
        b't' => 9,
        b'v' => 11,
        b'\\' => b'\\',
        b'0' if style == Style::Echo => {
            let (value, digits) = number(&text[1..], 8, 3);
            out.push(value as u8);
            return 1 + digits;
        }
        b'0'..=b'7' => {
            let (value, digits) = number(text, 8, 3);
            out.push(value as u8);
            return digits;
        }
        b'x' => {
            let (value, digits) = number(&text[1..], 16, 2);
            if digits == 0 {
                out.extend_from_slice(b"\\x");
            } else {
                out.push(value as u8);
            }
            return 1 + digits;
        }
        b'u' | b'U' if style == Style::Ansi => {
            let (value, digits) = number(&text[1..], 16, if first == b'u' { 4 } else { 8 });
            match char::from_u32(value) {
                Some(character) if digits > 0 => {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => out.extend_from_slice(&[b'\\', first]),
            }
            return 1 + digits;
        }
        _ => {
            out.push(b'\\');
            return 0;
        }
    };
    out.push(byte);
    1
}

fn number(text: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let mut value = 0u32;
    let mut digits = 0;
    for &byte in text.iter().take(most) {
        let Some(digit) = char::from(byte).to_digit(radix) else { break };
        value = value.wrapping_mul(radix) + digit;
        digits += 1;
    }
    (value, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let check = |text: &[u8], style, bytes: &[u8], taken| {
            let mut out = Vec::new();
            assert_eq!((one(text, style, &mut out), &out[..]), (taken, bytes), "{text:?}");
        };
        check(b"n", Style::Echo, b"\n", 1);
        check(b"0101z", Style::Echo, b"A", 4);
        check(b"101z", Style::Format, b"A", 3);
        check(b"x41", Style::Echo, b"A", 3);
        check(b"q", Style::Echo, b"\\", 0);
        check(b"u00e9", Style::Ansi, "é".as_bytes(), 5);
        check(b"", Style::Echo, b"\\", 0);
    }
}
