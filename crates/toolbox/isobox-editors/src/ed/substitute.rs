//! Expressions, and `s`.

use std::rc::Rc;

use isobox_regex::{Options, Regex, Syntax};

use super::address::{Cursor, Range};
use super::{Editor, Outcome, wrong};
use crate::sed::{self, Part, Substitute};

/// What matches are replaced by, and which of them.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    /// As it was written.
    text: Vec<u8>,
    first: u64,
    global: bool,
}

impl Editor<'_, '_> {
    /// The expression of a pattern; an empty one is the last.
    pub(super) fn regex(&mut self, pattern: &[u8]) -> Outcome<Rc<Regex>> {
        if !pattern.is_empty() {
            let options = Options { utf8: self.utf8, ..Options::default() };
            match Regex::new(pattern, Syntax::Basic, options) {
                Ok(regex) => self.pattern = Some(Rc::new(regex)),
                Err(error) => return wrong(error.to_string()),
            }
        }
        match &self.pattern {
            Some(regex) => Ok(Rc::clone(regex)),
            None => wrong("No previous pattern"),
        }
    }

    pub(super) fn matches(&self, regex: &Regex, line: usize) -> Outcome<bool> {
        let found = regex.is_match(self.buffer.line(line));
        found.or_else(|error| wrong(error.to_string()))
    }

    /// `s/…/…/flags`, or `s` alone for the same once more. Returns how lines are to be printed.
    pub(super) fn substitute(&mut self, cursor: &mut Cursor<'_>, range: Range) -> Outcome<Vec<u8>> {
        let mut print = Vec::new();
        match cursor.peek() {
            None | Some(b'g' | b'p' | b'n' | b'l' | b'0'..=b'9') => {
                if self.replacement.is_none() {
                    return wrong("No previous substitution");
                }
            }
            Some(b' ' | b'\\') => return wrong("Invalid pattern delimiter"),
            Some(delimiter) => {
                cursor.at += 1;
                let (pattern, closed) = cursor.pattern(delimiter);
                if !closed {
                    return wrong("Missing pattern delimiter");
                }
                self.regex(&pattern)?;
                let (mut text, closed) = self.replacement_text(cursor, delimiter)?;
                if !closed {
                    print.push(b'p');
                }
                if text == b"%" {
                    match &self.replacement {
                        Some(last) => text.clone_from(&last.text),
                        None => return wrong("No previous substitution"),
                    }
                }
                self.replacement = Some(Replacement { text, first: 1, global: false });
            }
        }
        let replacement = self.replacement.as_mut().expect("just set, or checked");
        while let Some(byte) = cursor.peek() {
            match byte {
                b'g' => replacement.global = true,
                b'p' | b'n' | b'l' => print.push(byte),
                b'0'..=b'9' => {
                    replacement.first = cursor.number().unwrap_or(0) as u64;
                    if replacement.first == 0 {
                        return wrong("Invalid command suffix");
                    }
                    continue;
                }
                _ => return wrong("Invalid command suffix"),
            }
            cursor.at += 1;
        }
        self.replace(range)?;
        Ok(print)
    }

    /// A replacement up to its delimiter. A line that ends with a backslash goes on, with a
    /// newline, in the next one.
    fn replacement_text(
        &mut self,
        cursor: &mut Cursor<'_>,
        delimiter: u8,
    ) -> Outcome<(Vec<u8>, bool)> {
        let mut text = Vec::new();
        let mut line = cursor.rest().to_vec();
        let mut at = 0;
        loop {
            let Some(&byte) = line.get(at) else {
                cursor.at = cursor.text.len();
                return Ok((text, false));
            };
            at += 1;
            if byte == delimiter {
                break;
            }
            if byte != b'\\' {
                text.push(byte);
                continue;
            }
            match line.get(at) {
                Some(&quoted) => {
                    if quoted != delimiter || quoted == b'&' {
                        text.push(b'\\');
                    }
                    text.push(quoted);
                    at += 1;
                }
                None => match self.read_line()? {
                    Some(next) => {
                        text.extend_from_slice(b"\\\n");
                        (line, at) = (next, 0);
                    }
                    None => return wrong("Unexpected end-of-file"),
                },
            }
        }
        // What follows is a suffix of the last line read.
        let suffix = &line[at..];
        if cursor.text.ends_with(suffix) {
            cursor.at = cursor.text.len() - suffix.len();
            return Ok((text, true));
        }
        wrong("Invalid command suffix")
    }

    fn replace(&mut self, range: Range) -> Outcome<()> {
        let regex = self.regex(b"")?;
        let replacement = self.replacement.clone().expect("set by the caller");
        let substitute = Substitute {
            regex: None,
            replacement: parts(&replacement.text, regex.groups())?,
            first: replacement.first,
            global: replacement.global,
            print: false,
            execute: false,
            file: None,
        };
        let (mut line, mut last, mut changed) = (range.first, range.last, None);
        let mut remembered = self.in_global;
        while line <= last {
            let text = Rc::clone(self.buffer.line(line));
            let Some(new) = sed::apply(&substitute, &regex, &text, self.utf8)? else {
                line += 1;
                continue;
            };
            if !std::mem::replace(&mut remembered, true) {
                self.buffer.remember();
            }
            let lines: Vec<Vec<u8>> =
                new.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let count = lines.len();
            self.buffer.delete(line, line);
            self.buffer.insert(line - 1, lines);
            last += count - 1;
            line += count;
            changed = Some(line - 1);
        }
        match changed {
            Some(line) => {
                self.buffer.current = line;
                Ok(())
            }
            None if self.in_global => Ok(()),
            None => wrong("No match"),
        }
    }
}

fn parts(text: &[u8], groups: usize) -> Outcome<Vec<Part>> {
    let (mut parts, mut literal, mut bytes) = (Vec::new(), Vec::new(), text.iter());
    while let Some(&byte) = bytes.next() {
        let group = match byte {
            b'&' => 0,
            b'\\' => match bytes.next() {
                Some(digit @ b'1'..=b'9') => usize::from(digit - b'0'),
                Some(&quoted) => {
                    literal.push(quoted);
                    continue;
                }
                None => continue,
            },
            _ => {
                literal.push(byte);
                continue;
            }
        };
        if group > groups {
            return wrong("Invalid back reference");
        }
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(Part::Group(group));
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}
