//! Addresses: which lines a command is about.

use super::{Editor, Outcome, wrong};

/// A command line that is being read.
pub(super) struct Cursor<'l> {
    pub(super) text: &'l [u8],
    pub(super) at: usize,
}

impl<'l> Cursor<'l> {
    pub(super) fn new(text: &'l [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    pub(super) fn rest(&self) -> &'l [u8] {
        &self.text[self.at..]
    }

    pub(super) fn number(&mut self) -> Option<usize> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.rest()[..digits]).ok()?;
        self.at += digits;
        text.parse().ok()
    }

    /// A pattern up to its delimiter, which may be left out at the end of the line; whether it
    /// was there. In brackets, and behind a backslash, a delimiter is a character.
    pub(super) fn pattern(&mut self, delimiter: u8) -> (Vec<u8>, bool) {
        let mut pattern = Vec::new();
        while let Some(byte) = self.next() {
            match byte {
                _ if byte == delimiter => return (pattern, true),
                b'\\' => match self.next() {
                    Some(quoted) if quoted == delimiter && delimiter != b'\\' => {
                        pattern.push(quoted);
                    }
                    Some(quoted) => pattern.extend_from_slice(&[b'\\', quoted]),
                    None => pattern.push(b'\\'),
                },
                b'[' => match crate::sed::bracket_end(self.text, self.at - 1) {
                    Some(end) => {
                        pattern.extend_from_slice(&self.text[self.at - 1..end]);
                        self.at = end;
                    }
                    None => pattern.push(byte),
                },
                _ => pattern.push(byte),
            }
        }
        (pattern, false)
    }
}

/// The lines in front of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) first: usize,
    pub(super) last: usize,
    /// How many addresses were given, two at most.
    pub(super) given: u8,
}

impl Editor<'_, '_> {
    /// Reads the addresses of a command.
    pub(super) fn range(&mut self, cursor: &mut Cursor<'_>) -> Outcome<Range> {
        let current = self.buffer.current;
        let mut range = Range { first: current, last: current, given: 0 };
        loop {
            cursor.skip_blanks();
            let address = self.address(cursor)?;
            cursor.skip_blanks();
            let separator = cursor.peek().filter(|byte| matches!(byte, b',' | b';' | b'%'));
            match (address, separator, range.given) {
                (None, Some(separator), 0) => {
                    cursor.at += 1;
                    let first = if separator == b';' { self.buffer.current } else { 1 };
                    range = Range {
                        first: first.min(self.buffer.len()),
                        last: self.buffer.len(),
                        given: 2,
                    };
                    // What follows replaces the second address.
                    cursor.skip_blanks();
                    if let Some(last) = self.address(cursor)? {
                        range.last = last;
                    }
                    break;
                }
                (None, ..) => break,
                (Some(line), separator, given) => {
                    range.first = if given == 0 { line } else { range.last };
                    range.last = line;
                    range.given = (given + 1).min(2);
                    match separator {
                        Some(b';') => self.buffer.current = line,
                        Some(b',') => {}
                        _ => break,
                    }
                    cursor.at += 1;
                    cursor.skip_blanks();
                    match self.address(cursor)? {
                        Some(next) => {
                            range = Range { first: line, last: next, given: 2 };
                            cursor.skip_blanks();
                            if !matches!(cursor.peek(), Some(b',' | b';')) {
                                break;
                            }
                            if cursor.next() == Some(b';') {
                                self.buffer.current = next;
                            }
                        }
                        None => {
                            range = Range { first: line, last: line, given: 2 };
                            break;
                        }
                    }
                }
            }
        }
        if range.given == 2 && range.first > range.last || range.last > self.buffer.len() {
            return wrong("Invalid address");
        }
        if range.given == 1 {
            range.first = range.last;
        }
        Ok(range)
    }

    /// One address; nothing if there is none.
    pub(super) fn address(&mut self, cursor: &mut Cursor<'_>) -> Outcome<Option<usize>> {
        let mut line = match cursor.peek() {
            Some(b'.') => {
                cursor.at += 1;
                Some(self.buffer.current)
            }
            Some(b'$') => {
                cursor.at += 1;
                Some(self.buffer.len())
            }
            Some(b'0'..=b'9') => match cursor.number() {
                Some(number) => Some(number),
                None => return wrong("Invalid address"),
            },
            Some(b'\'') => {
                cursor.at += 1;
                let letter = cursor.next().filter(u8::is_ascii_lowercase);
                let Some(letter) = letter else { return wrong("Invalid mark character") };
                match self.buffer.marked(letter) {
                    Some(line) => Some(line),
                    None => return wrong("Invalid address"),
                }
            }
            Some(delimiter @ (b'/' | b'?')) => {
                cursor.at += 1;
                let (pattern, _) = cursor.pattern(delimiter);
                Some(self.search(&pattern, delimiter == b'/')?)
            }
            _ => None,
        };
        loop {
            cursor.skip_blanks();
            let sign = match cursor.peek() {
                Some(sign @ (b'+' | b'-' | b'^')) => {
                    cursor.at += 1;
                    sign
                }
                // `/x/ 3` is `/x/+3`.
                Some(b'0'..=b'9') if line.is_some() => b'+',
                _ => break,
            };
            let from = line.unwrap_or(self.buffer.current);
            let count = if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                cursor.number().unwrap_or(usize::MAX / 2)
            } else {
                1
            };
            let moved =
                if sign == b'+' { from.checked_add(count) } else { from.checked_sub(count) };
            match moved {
                Some(moved) => line = Some(moved),
                None => return wrong("Invalid address"),
            }
        }
        match line {
            Some(line) if line > self.buffer.len() => wrong("Invalid address"),
            line => Ok(line),
        }
    }

    /// The next line that matches, around the end of the text.
    fn search(&mut self, pattern: &[u8], forward: bool) -> Outcome<usize> {
        let regex = self.regex(pattern)?;
        let (current, count) = (self.buffer.current, self.buffer.len());
        for step in 1..=count {
            let line = if forward {
                (current + step - 1) % count + 1
            } else {
                (current + 2 * count - step - 1) % count + 1
            };
            if self.matches(&regex, line)? {
                return Ok(line);
            }
        }
        wrong("No match")
    }
}
