//! What separates fields, and the split of a text into them.

use std::rc::Rc;

use isobox_regex::{Regex, Span};

/// What separates fields.
#[derive(Debug)]
pub(crate) enum Separator {
    /// Runs of blanks and newlines; those around the text are no fields.
    Blanks,
    /// Nothing: every character is a field. Whether characters are UTF-8 sequences.
    Characters(bool),
    Byte(u8),
    Bytes(Vec<u8>),
    Regex(Rc<Regex>),
}

/// How far a text is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// From here on.
    At(usize),
    Done,
}

impl Separator {
    /// The separator that a text means, unless it is a regular expression.
    pub(crate) fn plain(text: &[u8], utf8: bool) -> Option<Self> {
        const SPECIAL: &[u8] = b".[]\\()*+?{}|^$";
        Some(match text {
            b" " => Self::Blanks,
            b"" => Self::Characters(utf8),
            [byte] if *byte != b'\\' => Self::Byte(*byte),
            [b'\\', byte] if SPECIAL.contains(byte) => Self::Byte(*byte),
            [b'[', byte, b']'] if !matches!(byte, b'^' | b'\\' | b'[') => Self::Byte(*byte),
            _ if text.iter().all(|byte| !SPECIAL.contains(byte)) => Self::Bytes(text.to_vec()),
            _ => return None,
        })
    }

    /// Splits on, until `fields` holds `limit` of them. With `lines` a newline separates too.
    pub(crate) fn split(
        &self,
        text: &[u8],
        lines: bool,
        progress: &mut Progress,
        limit: usize,
        fields: &mut Vec<Span>,
    ) {
        if text.is_empty() {
            *progress = Progress::Done;
        }
        if matches!(self, Self::Blanks) {
            return blanks(text, progress, limit, fields);
        }
        while let Progress::At(at) = *progress {
            if fields.len() >= limit {
                break;
            }
            let rest = &text[at..];
            let found = match self {
                Self::Byte(byte) if lines => {
                    memchr::memchr2(*byte, b'\n', rest).map(|n| (n, n + 1))
                }
                Self::Byte(byte) => memchr::memchr(*byte, rest).map(|n| (n, n + 1)),
                Self::Bytes(bytes) => {
                    memchr::memmem::find(rest, bytes).map(|n| (n, n + bytes.len()))
                }
                Self::Characters(utf8) => {
                    let length = if *utf8 { crate::characters::length_at(rest, 0) } else { 1 };
                    (length < rest.len()).then_some((length, length))
                }
                Self::Regex(regex) => next_match(regex, text, at).map(|(a, b)| (a - at, b - at)),
                Self::Blanks => unreachable!("split above"),
            };
            let found = match (lines, self) {
                (true, Self::Bytes(_) | Self::Regex(_)) => {
                    let newline = memchr::memchr(b'\n', rest).map(|n| (n, n + 1));
                    match (found, newline) {
                        (Some(found), Some(newline)) => Some(found.min(newline)),
                        (found, newline) => found.or(newline),
                    }
                }
                _ => found,
            };
            match found {
                Some((end, next)) => {
                    fields.push((at, at + end));
                    *progress = Progress::At(at + next);
                }
                None => {
                    fields.push((at, text.len()));
                    *progress = Progress::Done;
                }
            }
        }
    }
}

fn blanks(text: &[u8], progress: &mut Progress, limit: usize, fields: &mut Vec<Span>) {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
    while let Progress::At(mut at) = *progress {
        if fields.len() >= limit {
            return;
        }
        while text.get(at).is_some_and(blank) {
            at += 1;
        }
        let start = at;
        while text.get(at).is_some_and(|byte| !blank(byte)) {
            at += 1;
        }
        if start == at {
            *progress = Progress::Done;
            return;
        }
        fields.push((start, at));
        *progress = Progress::At(at);
    }
}

/// The next match that is not empty. An expression that needs too many steps matches nothing.
fn next_match(regex: &Regex, text: &[u8], mut at: usize) -> Option<Span> {
    loop {
        let (start, end) = regex.find_at(text, at).ok().flatten()?;
        if start < end {
            return Some((start, end));
        }
        at = end + 1;
        if at > text.len() {
            return None;
        }
    }
}
