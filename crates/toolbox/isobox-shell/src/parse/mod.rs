//! Text to commands: POSIX's grammar and ash's additions.
//!
//! The parser reads a slice of memory and does no input: where the text ends within a command and
//! more may come, it says [`Stop::Incomplete`] and is asked again with more text. It knows
//! variables by name only and expands nothing but aliases.

mod commands;
mod condition;
mod here;
mod words;

pub(crate) use commands::is_assignment;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::ast::{Node, Word};
use crate::names::{Map, Names};

/// Aliases by name.
pub(crate) type Aliases = Map<Vec<u8>, Vec<u8>>;

/// Why there is no command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The text ends within a command, and more may come.
    Incomplete,
    /// It is not in the language.
    Syntax(SyntaxError),
}

/// What is wrong with a script.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error: {}", String::from_utf8_lossy(message))]
pub struct SyntaxError {
    /// The line of the script.
    pub line: u32,
    /// What was found and what was expected.
    pub message: Vec<u8>,
}

pub(crate) type Result<T> = std::result::Result<T, Stop>;

/// Nesting that a script may have. Beyond it the text is refused rather than the stack exhausted.
const MAX_DEPTH: u32 = 150;

/// Parses one complete command (a line, or more if it goes on) at a time.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    text: &'a mut Vec<u8>,
    /// The next byte's place in `text`.
    pub position: usize,
    /// More text may come after the end.
    more: bool,
    /// The number of the current line, from 1.
    pub line: u32,
    pub(crate) names: &'a mut Names,
    aliases: &'a Aliases,
    /// Aliases whose text is being read, with the place at which it ends.
    active: Vec<(Vec<u8>, usize)>,
    /// The place before which the next word may be an alias although it is an argument.
    alias_next: Option<usize>,
    pending: Vec<Pending>,
    depth: u32,
    /// Places of `((` that were found to be no arithmetic: nobody tries them twice, which nested
    /// ones would multiply.
    not_arithmetic: BTreeSet<usize>,
    /// Within `[[ ]]`, whose words are read in another way.
    in_condition: bool,
}

/// A here-document whose body was not read yet.
#[derive(Debug)]
struct Pending {
    delimiter: Vec<u8>,
    quoted: bool,
    strip_tabs: bool,
    body: Rc<OnceCell<Word>>,
}

/// A token.
#[derive(Debug)]
pub(crate) enum Token {
    Word(Word),
    /// An operator.
    Op(&'static str),
    /// Digits right before `<` or `>`.
    Number(i32),
    Newline,
    End,
}

impl<'a> Parser<'a> {
    /// A parser of `text` from `position` on.
    pub(crate) fn new(
        text: &'a mut Vec<u8>,
        position: usize,
        names: &'a mut Names,
        aliases: &'a Aliases,
    ) -> Self {
        Self {
            text,
            position,
            more: false,
            line: 1,
            names,
            aliases,
            active: Vec::new(),
            alias_next: None,
            pending: Vec::new(),
            depth: 0,
            not_arithmetic: BTreeSet::new(),
            in_condition: false,
        }
    }

    /// Whether text may follow that is not there yet.
    #[must_use]
    pub(crate) fn more(mut self, more: bool) -> Self {
        self.more = more;
        self
    }

    /// The number of the first line.
    #[must_use]
    pub(crate) fn at_line(mut self, line: u32) -> Self {
        self.line = line;
        self
    }

    /// The next complete command; nothing at the end of the text.
    pub(crate) fn command(&mut self) -> Result<Option<Node>> {
        self.alias_next = None;
        loop {
            let before = self.position;
            match self.token()? {
                Token::End => return Ok(None),
                Token::Newline if self.pending.is_empty() => return Ok(Some(Node::Empty)),
                Token::Newline => self.read_here_documents()?,
                _ => {
                    self.position = before;
                    let node = self.complete_line()?;
                    return Ok(Some(node));
                }
            }
        }
    }

    pub(crate) fn error<T>(&self, message: impl Into<Vec<u8>>) -> Result<T> {
        Err(Stop::Syntax(SyntaxError { line: self.line, message: message.into() }))
    }

    /// At the end of the text: either more is needed, or that is wrong.
    pub(crate) fn unterminated<T>(&self, message: &str) -> Result<T> {
        if self.more { Err(Stop::Incomplete) } else { self.error(message) }
    }

    pub(crate) fn unexpected<T>(&self, token: &Token, expected: Option<&str>) -> Result<T> {
        if matches!(token, Token::End) && self.more {
            return Err(Stop::Incomplete);
        }
        let mut message = b"unexpected ".to_vec();
        match token {
            Token::End => message.extend_from_slice(b"end of file"),
            Token::Newline => message.extend_from_slice(b"newline"),
            Token::Op(op) => message.extend_from_slice(format!("\"{op}\"").as_bytes()),
            Token::Number(_) => message.extend_from_slice(b"redirection"),
            Token::Word(word) => match literal(word).filter(|text| is_reserved(text)) {
                Some(text) => {
                    message.push(b'"');
                    message.extend_from_slice(text);
                    message.push(b'"');
                }
                None => message.extend_from_slice(b"word"),
            },
        }
        if let Some(expected) = expected {
            message.extend_from_slice(format!(" (expecting \"{expected}\")").as_bytes());
        }
        self.error(message)
    }

    pub(crate) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return self.error("nesting too deep");
        }
        self.depth += 1;
        let outcome = parse(self);
        self.depth -= 1;
        outcome
    }

    /// The next byte as it is.
    #[inline]
    pub(crate) fn raw(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    /// The next byte after line continuations.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            match self.raw() {
                Some(b'\\') => match self.text.get(self.position + 1) {
                    Some(b'\n') => {
                        self.position += 2;
                        self.line += 1;
                        if self.raw().is_none() && self.more {
                            return Err(Stop::Incomplete);
                        }
                    }
                    None if self.more => return Err(Stop::Incomplete),
                    _ => return Ok(Some(b'\\')),
                },
                byte => return Ok(byte),
            }
        }
    }

    /// The byte after the next one, line continuations between them left out.
    pub(crate) fn peek_second(&mut self) -> Result<Option<u8>> {
        self.peek()?;
        let (position, line) = (self.position, self.line);
        self.position += 1;
        let second = self.peek();
        (self.position, self.line) = (position, line);
        second
    }

    /// Takes the next byte if it is this one.
    pub(crate) fn take(&mut self, byte: u8) -> Result<bool> {
        let found = self.peek()? == Some(byte);
        if found {
            self.position += 1;
        }
        Ok(found)
    }

    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t') => self.position += 1,
                Some(b'#') => {
                    let rest = &self.text[self.position..];
                    match memchr::memchr(b'\n', rest) {
                        Some(length) => self.position += length,
                        None if self.more => return Err(Stop::Incomplete),
                        None => self.position = self.text.len(),
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// The next token.
    pub(crate) fn token(&mut self) -> Result<Token> {
        self.skip_blanks()?;
        while self.active.last().is_some_and(|(_, end)| self.position >= *end) {
            self.active.pop();
        }
        let Some(byte) = self.peek()? else { return Ok(Token::End) };
        let op = match byte {
            b'\n' => {
                self.position += 1;
                self.line += 1;
                return Ok(Token::Newline);
            }
            b'&' => self.operator(byte, &["&&", "&>>", "&>", "&"])?,
            b'|' => self.operator(byte, &["||", "|"])?,
            b';' => self.operator(byte, &[";;", ";&", ";"])?,
            b'(' => self.operator(byte, &["("])?,
            b')' => self.operator(byte, &[")"])?,
            b'<' | b'>' if !self.in_condition && self.peek_second()? == Some(b'(') => {
                return self.word_token();
            }
            b'<' => self.operator(byte, &["<<<", "<<-", "<<", "<&", "<>", "<"])?,
            b'>' => self.operator(byte, &[">>", ">&", ">|", ">"])?,
            b'0'..=b'9' => {
                if let Some(number) = self.io_number() {
                    return Ok(Token::Number(number));
                }
                return self.word_token();
            }
            _ => return self.word_token(),
        };
        Ok(Token::Op(op))
    }

    /// The longest of the operators, of which one begins with the next byte.
    fn operator(&mut self, _first: u8, choices: &[&'static str]) -> Result<&'static str> {
        for op in choices {
            let (position, line) = (self.position, self.line);
            let mut matches = true;
            for &byte in op.as_bytes() {
                if self.peek()? != Some(byte) {
                    matches = false;
                    break;
                }
                self.position += 1;
            }
            if matches {
                return Ok(op);
            }
            (self.position, self.line) = (position, line);
        }
        unreachable!("the last choice is the byte itself")
    }

    fn io_number(&mut self) -> Option<i32> {
        let rest = &self.text[self.position..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !matches!(rest.get(digits), Some(b'<' | b'>')) || digits > 4 {
            return None;
        }
        let number = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        self.position += digits;
        Some(number)
    }

    fn word_token(&mut self) -> Result<Token> {
        let parts = self.word_parts(words::Mode::Plain)?;
        Ok(Token::Word(Word::new(parts)))
    }

    /// Replaces the word that was just read, from `start` on, by its alias's text, if it has one.
    pub(crate) fn expand_alias(&mut self, word: &Word, start: usize) -> bool {
        let Some(text) = literal(word) else { return false };
        let Some(value) = self.aliases.get(text) else { return false };
        if self.active.iter().any(|(name, _)| name == text) {
            return false;
        }
        let end = self.position;
        let name = text.to_vec();
        self.not_arithmetic.clear();
        self.text.splice(start..end, value.iter().copied());
        let grown = value.len() as isize - (end - start) as isize;
        for (_, place) in &mut self.active {
            *place = place.saturating_add_signed(grown);
        }
        let stop = start + value.len();
        self.alias_next =
            value.last().is_some_and(|byte| matches!(byte, b' ' | b'\t')).then_some(stop);
        self.active.push((name, stop));
        self.position = start;
        true
    }
}

/// The text of a word that is written without any quoting.
pub(crate) fn literal(word: &Word) -> Option<&[u8]> {
    match &word.parts[..] {
        [crate::ast::Part::Text(text)] => Some(text),
        _ => None,
    }
}

const RESERVED: &[&str] = &[
    "!", "[[", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "then", "time", "until", "while", "{", "}",
];

/// Whether a word is a reserved one where a command may begin.
#[must_use]
pub(crate) fn is_reserved(text: &[u8]) -> bool {
    RESERVED.iter().any(|word| word.as_bytes() == text)
}

#[cfg(test)]
mod tests;
