//! `--name=value` before an instruction's arguments.

use crate::source::raw_words;

/// A flag as it was written, and where in the instruction's text.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    pub(crate) offset: usize,
}

/// Takes the flags off the front of `text`; returns them and the offset of the rest.
pub(crate) fn split(text: &str, start: usize, escape: char) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let mut at = start;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        if !rest.starts_with("--") {
            return (flags, at);
        }
        let word = raw_words(rest, escape).into_iter().next().unwrap_or_default();
        if word == "--" {
            return (flags, at + 2);
        }
        let body = unquote(&word[2..], escape);
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (body, None),
        };
        flags.push(Flag { name, value, offset: at });
        at += word.len();
    }
}

/// The word without quotes and escapes, which flags know too; dollars keep theirs for later.
fn unquote(word: &str, escape: char) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (quote, c) if c == escape && quote != Some('\'') => match chars.next() {
                Some('$') => out.extend([escape, '$']),
                Some(next) => out.push(next),
                None => out.push(c),
            },
            (_, c) => out.push(c),
        }
    }
    out
}
