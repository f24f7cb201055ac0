//! Tokens. The parser says when a slash begins a regular expression.

use crate::ast::Builtin;
use crate::error::SyntaxError;
use crate::source::Source;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    Text(Vec<u8>),
    Name(String),
    /// A name with a parenthesis right after it: a call.
    CalledName(String),
    Builtin(Builtin, usize, usize),
    /// A keyword, operator or bracket.
    Fixed(&'static str),
    Newline,
    End,
}

/// Longer ones before those that they begin with.
const OPERATORS: [&str; 43] = [
    "**=", "**", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "!~",
    "&&", "||", ">>", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!",
    "<", ">", "|", "?", ":", "~", "$", "=", "@", "&",
];

const KEYWORDS: [&str; 20] = [
    "BEGIN", "END", "function", "if", "else", "while", "do", "for", "in", "break", "continue",
    "next", "nextfile", "exit", "return", "delete", "getline", "print", "printf", "func",
];

#[derive(Clone)]
pub(crate) struct Lexer<'s> {
    source: &'s Source,
    text: &'s [u8],
    at: usize,
    /// The line of the token that was read last.
    pub(crate) line: u32,
    /// Whether the last token ended its line.
    after_newline: bool,
}

impl<'s> Lexer<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Self { source, text: source.text(), at: 0, line: 1, after_newline: false }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> SyntaxError {
        self.source.error(self.line, message)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.text[self.at + 1..].starts_with(b"\n") => {
                    self.at += 2;
                    self.line += 1;
                }
                b'\\' if self.text[self.at + 1..].starts_with(b"\r\n") => {
                    self.at += 3;
                    self.line += 1;
                }
                b'#' => {
                    let rest = &self.text[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                _ => break,
            }
        }
    }

    pub(crate) fn next(&mut self) -> Result<Token, SyntaxError> {
        if std::mem::take(&mut self.after_newline) {
            self.line += 1;
        }
        self.skip_blanks();
        let Some(byte) = self.peek() else { return Ok(Token::End) };
        match byte {
            b'\n' => {
                self.at += 1;
                self.after_newline = true;
                Ok(Token::Newline)
            }
            b'"' => {
                self.at += 1;
                self.string().map(Token::Text)
            }
            b'0'..=b'9' => Ok(Token::Number(self.number())),
            b'.' if self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) => {
                Ok(Token::Number(self.number()))
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(self.word()),
            _ => {
                let rest = &self.text[self.at..];
                let found = OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes()));
                match found {
                    Some(operator) => {
                        self.at += operator.len();
                        Ok(Token::Fixed(match *operator {
                            "**" => "^",
                            "**=" => "^=",
                            operator => operator,
                        }))
                    }
                    None => Err(self.error("Unexpected token")),
                }
            }
        }
    }

    fn word(&mut self) -> Token {
        let rest = &self.text[self.at..];
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            .unwrap_or(rest.len());
        let word = std::str::from_utf8(&rest[..length]).expect("ASCII");
        self.at += length;
        if let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == word) {
            return Token::Fixed(if *keyword == "func" { "function" } else { keyword });
        }
        if let Some((_, builtin, least, most)) =
            Builtin::ALL.iter().find(|(name, ..)| *name == word)
        {
            return Token::Builtin(*builtin, *least, *most);
        }
        if self.peek() == Some(b'(') {
            Token::CalledName(word.to_owned())
        } else {
            Token::Name(word.to_owned())
        }
    }

    /// A number of the program: decimal, or as in C hexadecimal and octal.
    fn number(&mut self) -> f64 {
        let rest = &self.text[self.at..];
        if rest.len() > 2 && matches!(rest[1], b'x' | b'X') && rest[2].is_ascii_hexdigit() {
            let digits = rest[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            self.at += 2 + digits;
            return whole_number(&rest[2..2 + digits], 16);
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let octal = rest[0] == b'0' && rest[..digits].iter().all(|byte| *byte < b'8');
        let (number, length) = crate::number::prefix(rest);
        self.at += length;
        if octal && length == digits { whole_number(&rest[..digits], 8) } else { number }
    }

    /// The rest of a string, up to its quote.
    fn string(&mut self) -> Result<Vec<u8>, SyntaxError> {
        let mut text = Vec::new();
        loop {
            match self.peek() {
                None | Some(b'\n') => return Err(self.error("Unterminated string")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') if self.text[self.at + 1..].starts_with(b"\n") => {
                    self.at += 2;
                    self.line += 1;
                }
                Some(b'\\') => {
                    self.at += 1 + escape(&self.text[self.at + 1..], &mut text);
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// A regular expression whose first slash was read as the token `/`, or `/=`.
    pub(crate) fn regex(&mut self, token: &str) -> Result<Vec<u8>, SyntaxError> {
        let mut text = token.as_bytes()[1..].to_vec();
        loop {
            match self.peek() {
                None | Some(b'\n') => return Err(self.error("Unterminated regular expression")),
                Some(b'/') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') if self.text.get(self.at + 1) == Some(&b'/') => {
                    text.push(b'/');
                    self.at += 2;
                }
                Some(b'\\') if self.text.get(self.at + 1) == Some(&b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                Some(b'\\') => {
                    text.extend(self.text[self.at..].iter().take(2));
                    self.at = (self.at + 2).min(self.text.len());
                }
                Some(b'[') => {
                    let end = bracket_end(&self.text[self.at..]).unwrap_or(1);
                    text.extend_from_slice(&self.text[self.at..self.at + end]);
                    self.at += end;
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }
}

fn whole_number(digits: &[u8], base: u32) -> f64 {
    digits.iter().fold(0.0, |sum, digit| {
        let digit = char::from(*digit).to_digit(base).unwrap_or(0);
        sum * f64::from(base) + f64::from(digit)
    })
}

/// The length of the brackets that a text begins with, if they end on its line: a slash in them
/// does not end the expression.
fn bracket_end(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    at += usize::from(text.get(at) == Some(&b'^'));
    at += usize::from(text.get(at) == Some(&b']'));
    loop {
        match text.get(at)? {
            b'\n' => return None,
            b']' => return Some(at + 1),
            b'\\' => at += 2,
            b'[' if matches!(text.get(at + 1), Some(b':' | b'.' | b'=')) => {
                let close = [text[at + 1], b']'];
                at += 2 + memchr::memmem::find(&text[at + 2..], &close)? + 2;
            }
            _ => at += 1,
        }
    }
}

/// What follows a backslash in a string; returns how much that is. A letter that means nothing
/// keeps its backslash, so that `"\."` is a regular expression.
pub(crate) fn escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(&letter) = text.first() else {
        out.push(b'\\');
        return 0;
    };
    if let Some((byte, length)) = control(text) {
        out.push(byte);
        return length;
    }
    if !matches!(letter, b'"' | b'\\' | b'/') {
        out.push(b'\\');
    }
    out.push(letter);
    1
}

/// The byte that `n`, `033` or `x1b` after a backslash stand for.
pub(crate) fn control(text: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: &[u8], base: u32| {
        digits
            .iter()
            .fold(0_u32, |sum, digit| sum * base + char::from(*digit).to_digit(base).unwrap_or(0))
            as u8
    };
    Some(match text.first()? {
        b'a' => (7, 1),
        b'b' => (8, 1),
        b'f' => (12, 1),
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'v' => (11, 1),
        b'0'..=b'7' => {
            let length = text.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            (number(&text[..length], 8), length)
        }
        b'x' if text.get(1).is_some_and(u8::is_ascii_hexdigit) => {
            let length = text[1..].iter().take(2).take_while(|byte| byte.is_ascii_hexdigit());
            let length = length.count();
            (number(&text[1..=length], 16), length + 1)
        }
        _ => return None,
    })
}

/// A text with its escapes resolved, as `-v` and operands have them.
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        if text[at] == b'\\' {
            at += 1 + escape(&text[at + 1..], &mut out);
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}
