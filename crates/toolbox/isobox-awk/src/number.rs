//! Numbers in text: read as C's `strtod` reads decimal ones, and whole ones written.

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Beyond this not every whole number is a `f64`.
const EXACT: u64 = 1 << 53;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The number that a text begins with, after blanks, and the bytes up to its end; zero and
/// nothing if there is none.
#[inline]
pub(crate) fn prefix(text: &[u8]) -> (f64, usize) {
    let mut at = 0;
    while at < text.len() && is_blank(text[at]) {
        at += 1;
    }
    let start = at;
    let negative = match text.get(at) {
        Some(b'-') => {
            at += 1;
            true
        }
        Some(b'+') => {
            at += 1;
            false
        }
        _ => false,
    };
    let digits_start = at;
    let mut mantissa: u64 = 0;
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let mut digits = at - digits_start;
    let mut scale = 0_i32;
    if text.get(at) == Some(&b'.') {
        let point = at;
        at += 1;
        while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10)
        {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        let fraction = at - point - 1;
        digits += fraction;
        scale = -i32::try_from(fraction).unwrap_or(i32::MAX);
        if digits == 0 {
            at = point;
        }
    }
    if digits == 0 {
        return special(text, start, digits_start, negative);
    }
    at = exponent(text, at, &mut scale);
    if digits <= 19 && mantissa <= EXACT && scale.unsigned_abs() <= 22 {
        let power = POWERS[scale.unsigned_abs() as usize];
        let value = mantissa as f64;
        let value = if scale < 0 { value / power } else { value * power };
        return (if negative { -value } else { value }, at);
    }
    let text = std::str::from_utf8(&text[start..at]).unwrap_or("0");
    (text.parse().unwrap_or(0.0), at)
}

fn exponent(text: &[u8], at: usize, scale: &mut i32) -> usize {
    if !matches!(text.get(at), Some(b'e' | b'E')) {
        return at;
    }
    let mut end = at + 1;
    let negative = text.get(end) == Some(&b'-');
    if matches!(text.get(end), Some(b'-' | b'+')) {
        end += 1;
    }
    let first = end;
    let mut power = 0_i32;
    while let Some(digit) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
        power = power.saturating_mul(10).saturating_add(i32::from(digit - b'0'));
        end += 1;
    }
    if end == first {
        return at;
    }
    *scale = scale.saturating_add(if negative { -power } else { power });
    end
}

/// `+inf` and `-nan`, which need their sign, so that names are no numbers.
fn special(text: &[u8], start: usize, at: usize, negative: bool) -> (f64, usize) {
    let word = text.get(at..at + 3).filter(|_| at > start);
    if text.get(at + 3).is_some_and(u8::is_ascii_alphanumeric) {
        return (0.0, 0);
    }
    let value = match word {
        Some(word) if word.eq_ignore_ascii_case(b"inf") => f64::INFINITY,
        Some(word) if word.eq_ignore_ascii_case(b"nan") => f64::NAN,
        _ => return (0.0, 0),
    };
    (value.copysign(if negative { -1.0 } else { 1.0 }), at + 3)
}

/// The number that all of a text is, but for blanks around it.
#[inline]
pub(crate) fn whole(text: &[u8]) -> Option<f64> {
    // Most texts are words.
    let first = *text.first()?;
    if first > b'9' {
        return None;
    }
    let (number, end) = prefix(text);
    (end > 0 && text[end..].iter().all(|&byte| is_blank(byte))).then_some(number)
}

/// The integer that a number is, within what is written without an exponent.
#[inline]
pub(crate) fn as_integer(value: f64) -> Option<i64> {
    let integer = value as i64;
    let same = integer as f64 == value;
    (same && integer != i64::MAX).then_some(integer)
}

/// Writes a whole number.
#[inline]
pub(crate) fn append_integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_up_to_what_is_none() {
        for (text, expected) in [
            ("12", (12.0, 2)),
            (" -1.5e3x", (-1500.0, 7)),
            ("1e", (1.0, 1)),
            (".5", (0.5, 2)),
            ("5.", (5.0, 2)),
            (".", (0.0, 0)),
            ("-", (0.0, 0)),
            ("0x1A", (0.0, 1)),
            ("+inf", (f64::INFINITY, 4)),
            ("inf", (0.0, 0)),
            ("+info", (0.0, 0)),
            ("123456789012345678901234567890", (1.234_567_890_123_456_8e29, 30)),
            ("1e400", (f64::INFINITY, 5)),
            ("0.1", (0.1, 3)),
        ] {
            assert_eq!(prefix(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn blanks_may_surround_a_number() {
        assert_eq!(whole(b" 10 "), Some(10.0));
        assert_eq!(whole(b"10x"), None);
        assert_eq!(whole(b""), None);
        assert_eq!(whole(b"  "), None);
    }
}
