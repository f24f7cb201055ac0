//! Characters: bytes, or UTF-8 sequences where the locale says so. A byte that belongs to no
//! sequence is a character of its own.

/// The length of the character at `at`.
#[inline]
pub(crate) fn length_at(text: &[u8], at: usize) -> usize {
    let wanted = match text[at] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 1,
    };
    match text.get(at..at + wanted) {
        Some(sequence) if std::str::from_utf8(sequence).is_ok() => wanted,
        _ => 1,
    }
}

/// How many characters a text has.
pub(crate) fn count(text: &[u8], utf8: bool) -> usize {
    if !utf8 || text.is_ascii() {
        return text.len();
    }
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        at += length_at(text, at);
        count += 1;
    }
    count
}

/// Where the character of a number begins, from 0; the end of the text if it has fewer.
pub(crate) fn offset(text: &[u8], number: usize, utf8: bool) -> usize {
    if !utf8 || text.is_ascii() {
        return number.min(text.len());
    }
    let mut at = 0;
    for _ in 0..number {
        if at >= text.len() {
            break;
        }
        at += length_at(text, at);
    }
    at
}
