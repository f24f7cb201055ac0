//! The order of versions.

use std::cmp::Ordering;

/// Versions: runs of digits compare as numbers, `~` sorts before everything, even the end.
#[must_use]
pub fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let rank = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    while !a.is_empty() || !b.is_empty() {
        loop {
            let digit = |text: &[u8]| text.first().is_none_or(u8::is_ascii_digit);
            if digit(a) && digit(b) {
                break;
            }
            let order = rank(a.first()).cmp(&rank(b.first()));
            if order != Ordering::Equal {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let number = |text: &[u8]| {
            let zeros = text.iter().take_while(|&&byte| byte == b'0').count();
            let digits = text[zeros..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            (zeros, zeros + digits)
        };
        let ((a_start, a_end), (b_start, b_end)) = (number(a), number(b));
        let order = (a_end - a_start)
            .cmp(&(b_end - b_start))
            .then_with(|| a[a_start..a_end].cmp(&b[b_start..b_end]));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[a_end..], &b[b_end..]);
    }
    Ordering::Equal
}
