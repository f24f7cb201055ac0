//! `sub`, `gsub` and `gensub`.

use isobox_regex::{Regex, Span};

use super::Machine;
use super::evaluate::too_complex;
use crate::ast::Expression;
use crate::characters;
use crate::error::Run;
use crate::value::Value;

/// A piece of a replacement.
enum Part {
    Text(Vec<u8>),
    /// What a group matched; 0 is all of it.
    Group(usize),
}

/// Which matches are replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    One(u64),
}

/// Reads a replacement: `&` is the match and `\&` is `&`. Backslashes in front of a `&` are read
/// in pairs, others are themselves. With `groups`, `\1` is a group, and every backslash quotes.
fn parts(replacement: &[u8], groups: bool) -> Vec<Part> {
    let (mut parts, mut text, mut at) = (Vec::new(), Vec::new(), 0);
    let mut group = |text: &mut Vec<u8>, number| {
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(text)));
        }
        parts.push(Part::Group(number));
    };
    while let Some(&byte) = replacement.get(at) {
        at += 1;
        match byte {
            b'&' => group(&mut text, 0),
            b'\\' if groups => match replacement.get(at) {
                Some(digit @ b'0'..=b'9') => {
                    group(&mut text, usize::from(digit - b'0'));
                    at += 1;
                }
                Some(&quoted) => {
                    text.push(quoted);
                    at += 1;
                }
                None => text.push(b'\\'),
            },
            b'\\' => {
                let run = replacement[at - 1..].iter().take_while(|byte| **byte == b'\\').count();
                at += run - 1;
                if replacement.get(at) == Some(&b'&') {
                    text.resize(text.len() + run / 2, b'\\');
                    if run % 2 == 1 {
                        text.push(b'&');
                        at += 1;
                    }
                } else {
                    text.resize(text.len() + run, b'\\');
                }
            }
            _ => text.push(byte),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

fn needs_groups(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::Group(1..)))
}

/// Appends the text with matches replaced; returns how many were.
fn replace(
    text: &[u8],
    regex: &Regex,
    parts: &[Part],
    which: Which,
    utf8: bool,
    out: &mut Vec<u8>,
) -> Run<u64> {
    let with_groups = needs_groups(parts);
    let (mut copied, mut at, mut found, mut replaced) = (0, 0, 0, 0);
    let mut previous_end = None;
    while at <= text.len() {
        let groups: Vec<Option<Span>>;
        let (start, end) = match regex.find_at(text, at).map_err(too_complex)? {
            Some(span) => span,
            None => break,
        };
        let step = |at: usize| match text.get(at) {
            Some(_) if utf8 => characters::length_at(text, at),
            _ => 1,
        };
        // An empty match right behind another one is none.
        if start == end && previous_end == Some(start) {
            at = start + step(start);
            continue;
        }
        found += 1;
        previous_end = Some(end);
        if which == Which::All || which == Which::One(found) {
            out.extend_from_slice(&text[copied..start]);
            groups = if with_groups {
                regex.groups_at(text, start).map_err(too_complex)?.unwrap_or_default()
            } else {
                Vec::new()
            };
            for part in parts {
                match part {
                    Part::Text(text) => out.extend_from_slice(text),
                    Part::Group(0) => out.extend_from_slice(&text[start..end]),
                    Part::Group(number) => {
                        if let Some(Some((from, to))) = groups.get(*number) {
                            out.extend_from_slice(&text[*from..*to]);
                        }
                    }
                }
            }
            copied = end;
            replaced += 1;
            if which != Which::All {
                break;
            }
        }
        at = if start == end { end + step(end) } else { end };
    }
    out.extend_from_slice(&text[copied..]);
    Ok(replaced)
}

impl<'p> Machine<'p, '_, '_> {
    /// `sub` and `gsub`: how many matches were replaced.
    pub(super) fn substitute(&mut self, arguments: &'p [Expression], all: bool) -> Run<f64> {
        let regex = self.regex(&arguments[0])?;
        let mut text = self.buffer();
        self.append(&arguments[1], &mut text)?;
        let parts = parts(&text, false);
        text.clear();
        let target = match arguments.get(2) {
            None => {
                text.extend_from_slice(self.record.text(&self.output_separator, &self.convert));
                Some(super::place::Located::Field(0))
            }
            Some(Expression::Place(place)) => {
                let located = self.locate(place)?;
                let value = self.with(&located, Value::clone)?;
                value.append_to(&mut text, &self.convert);
                Some(located)
            }
            // A copy that nobody sees.
            Some(other) => {
                self.append(other, &mut text)?;
                None
            }
        };
        let mut result = self.buffer();
        let which = if all { Which::All } else { Which::One(1) };
        let count = replace(&text, &regex, &parts, which, self.utf8, &mut result)?;
        if count > 0 {
            match target {
                Some(super::place::Located::Field(0)) => self.set_record(&mut result),
                Some(located) => self.store(located, Value::text(result.as_slice()))?,
                None => {}
            }
        }
        self.release(text);
        self.release(result);
        Ok(count as f64)
    }

    /// `gensub(expression, replacement, which[, text])`
    pub(super) fn gensub(&mut self, arguments: &'p [Expression], out: &mut Vec<u8>) -> Run<()> {
        let regex = self.regex(&arguments[0])?;
        let replacement = self.text(&arguments[1])?;
        let which = self.value(&arguments[2])?;
        let text = match arguments.get(3) {
            Some(text) => self.text(text)?,
            None => self.field(0).to_text(&self.convert),
        };
        let which = match which.to_text(&self.convert).first() {
            Some(b'g' | b'G') => Which::All,
            _ => Which::One((which.number() as u64).max(1)),
        };
        let parts = parts(&replacement, true);
        replace(&text, &regex, &parts, which, self.utf8, out)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslashes_before_an_ampersand_are_read_in_pairs() {
        for (replacement, expected) in [
            ("x&y", "x<0>y"),
            (r"\&", "&"),
            (r"\\&", r"\<0>"),
            (r"\\\&", r"\&"),
            (r"a\b\\c", r"a\b\\c"),
            (r"\", r"\"),
        ] {
            let shown: String = parts(replacement.as_bytes(), false)
                .iter()
                .map(|part| match part {
                    Part::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    Part::Group(number) => format!("<{number}>"),
                })
                .collect();
            assert_eq!(shown, expected, "{replacement}");
        }
    }
}
