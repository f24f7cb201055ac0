//! Regular expressions in awk's notation, and those that the program makes as it runs.

use std::collections::HashMap;
use std::rc::Rc;

use isobox_regex::{Options, Regex, Syntax};

use crate::lexer::control;
use crate::split::Separator;

/// How many expressions made at run time are kept.
const KEPT: usize = 512;

/// Compiles an expression.
pub(crate) fn compile(pattern: &[u8], utf8: bool) -> Result<Regex, isobox_regex::Error> {
    let options = Options { utf8, bracket_escapes: true, ..Options::default() };
    Regex::new(&translate(pattern), Syntax::Extended, options)
}

/// Awk's escapes as those of an extended expression: `\t` is a tab and `\1` a control character.
fn translate(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut at = 0;
    // Where the characters of the brackets begin: there `]` is one of them.
    let mut brackets: Option<usize> = None;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        match (byte, brackets) {
            (b'\\', _) => at += escape(&pattern[at..], brackets.is_some(), &mut out),
            (b'[', None) => {
                out.push(byte);
                if pattern.get(at) == Some(&b'^') {
                    out.push(b'^');
                    at += 1;
                }
                brackets = Some(at);
            }
            (b'[', Some(_)) => {
                let named = pattern.get(at).filter(|byte| matches!(byte, b':' | b'.' | b'='));
                let end = named.and_then(|&kind| {
                    memchr::memmem::find(&pattern[at + 1..], &[kind, b']']).map(|end| at + end + 3)
                });
                let end = end.unwrap_or(at);
                out.extend_from_slice(&pattern[at - 1..end]);
                at = end;
            }
            (b']', Some(first)) => {
                out.push(byte);
                if at - 1 > first {
                    brackets = None;
                }
            }
            _ => out.push(byte),
        }
    }
    out
}

/// What follows a backslash; returns how much that is.
fn escape(rest: &[u8], in_brackets: bool, out: &mut Vec<u8>) -> usize {
    let Some(&letter) = rest.first() else {
        out.extend_from_slice(b"\\\\");
        return 0;
    };
    if let Some((byte, length)) = control(rest) {
        literal(byte, in_brackets, out);
        return length;
    }
    match letter {
        b'y' if !in_brackets => out.extend_from_slice(b"\\b"),
        b'B' | b'<' | b'>' | b'w' | b'W' | b's' | b'S' | b'`' | b'\'' if !in_brackets => {
            out.extend_from_slice(&[b'\\', letter]);
        }
        _ => literal(letter, in_brackets, out),
    }
    1
}

fn literal(byte: u8, in_brackets: bool, out: &mut Vec<u8>) {
    let special = if in_brackets {
        matches!(byte, b']' | b'[' | b'\\' | b'^' | b'-')
    } else {
        matches!(
            byte,
            b'.' | b'['
                | b']'
                | b'\\'
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b'?'
                | b'{'
                | b'}'
                | b'|'
                | b'^'
                | b'$'
        )
    };
    if special {
        out.push(b'\\');
    }
    out.push(byte);
}

/// Expressions and separators by their text.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    utf8: bool,
    regexes: HashMap<Vec<u8>, Rc<Regex>>,
    separators: HashMap<Vec<u8>, Rc<Separator>>,
}

impl Cache {
    pub(crate) fn new(utf8: bool) -> Self {
        Self { utf8, ..Self::default() }
    }

    pub(crate) fn regex(&mut self, pattern: &[u8]) -> Result<Rc<Regex>, isobox_regex::Error> {
        if let Some(regex) = self.regexes.get(pattern) {
            return Ok(Rc::clone(regex));
        }
        let regex = Rc::new(compile(pattern, self.utf8)?);
        if self.regexes.len() >= KEPT {
            self.regexes.clear();
        }
        self.regexes.insert(pattern.to_vec(), Rc::clone(&regex));
        Ok(regex)
    }

    pub(crate) fn separator(&mut self, text: &[u8]) -> Result<Rc<Separator>, isobox_regex::Error> {
        if let Some(separator) = self.separators.get(text) {
            return Ok(Rc::clone(separator));
        }
        let separator = match Separator::plain(text, self.utf8) {
            Some(plain) => plain,
            None => Separator::Regex(self.regex(text)?),
        };
        let separator = Rc::new(separator);
        if self.separators.len() >= KEPT {
            self.separators.clear();
        }
        self.separators.insert(text.to_vec(), Rc::clone(&separator));
        Ok(separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_awk() {
        for (pattern, expected) in [
            (r"a\tb", "a\tb"),
            (r"\.\/\056", r"\./\."),
            (r"[\t\]x]", "[\t\\]x]"),
            (r"[]a]\y", r"[]a]\b"),
            (r"[[:alpha:]\n]", "[[:alpha:]\n]"),
            ("x\\", r"x\\"),
            (r"[^]\x2d]", r"[^]\-]"),
        ] {
            assert_eq!(String::from_utf8_lossy(&translate(pattern.as_bytes())), expected);
        }
    }
}
