//! Words: quoting, parameters, substitutions.

use std::rc::Rc;

use super::{Parser, Result, Stop};
use crate::arith;
use crate::ast::{Arithmetic, Node, Operation, Param, Parameter, Part, Word};
use crate::names::{is_name_byte, is_name_start};

/// Where the text of a word stands, which decides what ends it and what quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// An argument.
    Plain,
    /// The delimiter of a here-document: nothing is expanded.
    Delimiter,
    /// Between double quotes.
    Double,
    /// The body of a here-document.
    Here,
    /// After `${x:-` and the like, outside double quotes.
    Brace,
    /// The same within double quotes.
    BraceQuoted,
    /// After `${x/`: ends at `/` too.
    ReplacePattern,
    /// `${x:offset:`: ends at `:` too.
    Offset,
    /// Within `$((`: ends at the parenthesis that closes it.
    Arithmetic,
    /// The right side of `=~`.
    Regex,
}

impl Mode {
    /// Text is literal, as between double quotes.
    fn quotes(self) -> bool {
        matches!(
            self,
            Self::Double | Self::Here | Self::BraceQuoted | Self::Offset | Self::Arithmetic
        )
    }
}

#[derive(Default)]
struct Parts {
    done: Vec<Part>,
    text: Vec<u8>,
    quoted: bool,
}

impl Parts {
    fn byte(&mut self, byte: u8, quoted: bool) {
        if self.quoted != quoted {
            self.flush();
            self.quoted = quoted;
        }
        self.text.push(byte);
    }

    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text).into_boxed_slice();
        self.done.push(if self.quoted { Part::Quoted(text) } else { Part::Text(text) });
    }

    fn part(&mut self, part: Part) {
        self.flush();
        self.done.push(part);
    }

    fn quoted_text(&mut self, text: Vec<u8>) {
        self.part(Part::Quoted(text.into()));
    }
}

impl Parser<'_> {
    /// Reads the parts of a word; the byte that ends it is left.
    pub(super) fn word_parts(&mut self, mode: Mode) -> Result<Vec<Part>> {
        let mut parts = Parts::default();
        let mut parentheses = 0u32;
        let quotes = mode.quotes();
        loop {
            let byte = if mode == Mode::Here { self.raw() } else { self.peek()? };
            let Some(byte) = byte else {
                // A word at the end of what is there may go on in what is not there yet; a
                // command line always ends in a newline then, so only lines end words.
                if self.more && mode != Mode::Here {
                    return Err(Stop::Incomplete);
                }
                match mode {
                    Mode::Double => return self.unterminated("unterminated quoted string"),
                    Mode::Plain | Mode::Delimiter | Mode::Here | Mode::Regex => break,
                    Mode::Arithmetic => return self.unterminated("missing '))'"),
                    _ => return self.unterminated("missing '}'"),
                }
            };
            match byte {
                b'}' if matches!(mode, Mode::Brace | Mode::BraceQuoted | Mode::ReplacePattern) => {
                    break;
                }
                b'}' if mode == Mode::Offset => break,
                b':' if mode == Mode::Offset && parentheses == 0 => break,
                b'/' if mode == Mode::ReplacePattern
                    && !(parts.done.is_empty() && parts.text.is_empty()) =>
                {
                    break;
                }
                b'"' if mode == Mode::Double => break,
                b'(' if matches!(mode, Mode::Arithmetic | Mode::Offset | Mode::Regex) => {
                    parentheses += 1;
                    self.position += 1;
                    parts.byte(byte, quotes);
                }
                b')' if mode == Mode::Arithmetic || mode == Mode::Regex => {
                    if parentheses == 0 {
                        break;
                    }
                    parentheses -= 1;
                    self.position += 1;
                    parts.byte(byte, quotes);
                }
                b' ' | b'\t' | b'\n' if mode == Mode::Regex && parentheses == 0 => break,
                b'<' | b'>'
                    if mode == Mode::Plain
                        && !self.in_condition
                        && self.peek_second()? == Some(b'(') =>
                {
                    self.position += 2;
                    let node = self.deeper(|parser| parser.substitution_body())?;
                    parts.part(Part::Process(Rc::new(node), byte == b'<'));
                }
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
                    if matches!(mode, Mode::Plain | Mode::Delimiter) =>
                {
                    break;
                }
                b'\'' if !quotes => {
                    self.position += 1;
                    let text = self.single_quoted()?;
                    parts.quoted_text(text);
                }
                b'"' if matches!(mode, Mode::Arithmetic | Mode::Offset) => self.position += 1,
                b'"' if mode != Mode::Here => {
                    self.position += 1;
                    self.double_quoted(&mut parts)?;
                }
                b'\\' => self.backslash(mode, &mut parts),
                b'$' if mode == Mode::Delimiter => {
                    self.position += 1;
                    parts.byte(byte, false);
                }
                b'$' => self.dollar(mode, &mut parts)?,
                b'`' if mode == Mode::Delimiter => {
                    // It stays as it is written, up to the other one.
                    let rest = &self.text[self.position + 1..];
                    let length = memchr::memchr(b'`', rest).map_or(rest.len(), |at| at + 1) + 1;
                    for at in self.position..self.position + length {
                        parts.byte(self.text[at], false);
                    }
                    self.position += length;
                }
                b'`' => {
                    self.position += 1;
                    let node = self.backquoted(mode)?;
                    parts.part(Part::Command(Rc::new(node), quotes));
                }
                _ => {
                    self.position += 1;
                    self.line += u32::from(byte == b'\n');
                    parts.byte(byte, quotes);
                }
            }
        }
        parts.flush();
        Ok(parts.done)
    }

    fn double_quoted(&mut self, parts: &mut Parts) -> Result<()> {
        let inner = self.deeper(|parser| parser.word_parts(Mode::Double))?;
        self.position += 1;
        if inner.is_empty() {
            parts.quoted_text(Vec::new());
        } else {
            parts.flush();
            parts.done.extend(inner);
        }
        Ok(())
    }

    /// After the opening quote; takes the closing one.
    fn single_quoted(&mut self) -> Result<Vec<u8>> {
        let rest = &self.text[self.position..];
        let Some(length) = memchr::memchr(b'\'', rest) else {
            self.position = self.text.len();
            return self.unterminated("unterminated quoted string");
        };
        let text = rest[..length].to_vec();
        self.line += text.iter().filter(|&&byte| byte == b'\n').count() as u32;
        self.position += length + 1;
        Ok(text)
    }

    fn backslash(&mut self, mode: Mode, parts: &mut Parts) {
        self.position += 1;
        let Some(next) = self.raw() else {
            parts.byte(b'\\', true);
            return;
        };
        let special: &[u8] = match mode {
            Mode::Double | Mode::Arithmetic | Mode::Offset => b"$`\"\\",
            Mode::BraceQuoted => b"$`\"\\}",
            Mode::Here => b"$`\\",
            _ => {
                self.position += 1;
                self.line += u32::from(next == b'\n');
                parts.byte(next, true);
                return;
            }
        };
        if special.contains(&next) {
            self.position += 1;
            parts.byte(next, true);
        } else {
            parts.byte(b'\\', true);
        }
    }

    /// At a dollar sign.
    fn dollar(&mut self, mode: Mode, parts: &mut Parts) -> Result<()> {
        let quoted = mode.quotes();
        self.position += 1;
        match self.peek()? {
            Some(b'(') => {
                self.position += 1;
                if self.peek()? == Some(b'(')
                    && let Some(arithmetic) = self.arithmetic()?
                {
                    parts.part(Part::Arithmetic(Box::new(arithmetic), quoted));
                    return Ok(());
                }
                let node = self.deeper(|parser| parser.substitution_body())?;
                parts.part(Part::Command(Rc::new(node), quoted));
            }
            Some(b'{') => {
                self.position += 1;
                let param = self.deeper(|parser| parser.braced(quoted))?;
                parts.part(Part::Param(Box::new(param), quoted));
            }
            Some(b'\'') if !quoted => {
                self.position += 1;
                let text = self.ansi_quoted()?;
                parts.quoted_text(text);
            }
            Some(byte) if is_name_start(byte) => {
                let name = self.name()?;
                let parameter = Parameter::Variable(self.names.intern(&name));
                parts.part(Part::Param(
                    Box::new(Param { parameter, operation: Operation::Value }),
                    quoted,
                ));
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?-$!".contains(&byte) => {
                self.position += 1;
                let parameter = single(byte);
                parts.part(Part::Param(
                    Box::new(Param { parameter, operation: Operation::Value }),
                    quoted,
                ));
            }
            None if self.more => return Err(Stop::Incomplete),
            _ => parts.byte(b'$', mode != Mode::Regex),
        }
        Ok(())
    }

    fn name(&mut self) -> Result<Vec<u8>> {
        let mut name = Vec::new();
        while let Some(byte) = self.peek()?.filter(|&byte| is_name_byte(byte)) {
            name.push(byte);
            self.position += 1;
        }
        Ok(name)
    }

    /// At the second parenthesis of `$((`; takes the closing ones. Nothing if it is a command
    /// substitution that begins with a subshell.
    pub(super) fn arithmetic(&mut self) -> Result<Option<Arithmetic>> {
        let (position, line, pending) = (self.position, self.line, self.pending.len());
        if self.not_arithmetic.contains(&position) {
            return Ok(None);
        }
        self.position += 1;
        let parsed = self.deeper(|parser| parser.word_parts(Mode::Arithmetic));
        match parsed {
            Ok(parts) => {
                if self.take(b')')? && self.take(b')')? {
                    return Ok(Some(self.compile(parts)));
                }
                if self.raw().is_none() && self.more {
                    return Err(Stop::Incomplete);
                }
            }
            Err(Stop::Incomplete) => return Err(Stop::Incomplete),
            Err(_) => {}
        }
        (self.position, self.line) = (position, line);
        self.pending.truncate(pending);
        self.not_arithmetic.insert(position);
        Ok(None)
    }

    fn compile(&mut self, parts: Vec<Part>) -> Arithmetic {
        let expression = arith::compile(&parts, self.names);
        Arithmetic { text: Word::new(parts), expression }
    }

    /// The commands of `$(`, up to the parenthesis, which is taken.
    fn substitution_body(&mut self) -> Result<Node> {
        let condition = std::mem::replace(&mut self.in_condition, false);
        let body = self.list_until(&[")"], true);
        self.in_condition = condition;
        body
    }

    /// After the opening backquote; takes the closing one.
    fn backquoted(&mut self, mode: Mode) -> Result<Node> {
        let line = self.line;
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.raw() else {
                return self.unterminated("EOF in backquote substitution");
            };
            self.position += 1;
            match byte {
                b'`' => break,
                b'\\' => match self.raw() {
                    Some(next) if b"$`\\".contains(&next) || (next == b'"' && mode.quotes()) => {
                        self.position += 1;
                        text.push(next);
                    }
                    Some(b'\n') => {
                        self.position += 1;
                        self.line += 1;
                    }
                    _ => text.push(b'\\'),
                },
                b'\n' => {
                    self.line += 1;
                    text.push(byte);
                }
                _ => text.push(byte),
            }
        }
        let mut inner = Parser::new(&mut text, 0, self.names, self.aliases);
        inner.line = line;
        inner.depth = self.depth;
        inner.deeper(|parser| parser.all())
    }

    /// The whole text as one word, as in a here-document.
    pub(crate) fn text_word(&mut self) -> Result<Word> {
        Ok(Word::new(self.word_parts(Mode::Here)?))
    }

    /// All commands of the text.
    pub(crate) fn all(&mut self) -> Result<Node> {
        let mut nodes = Vec::new();
        while let Some(node) = self.command()? {
            if !matches!(node, Node::Empty) {
                nodes.push(node);
            }
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Sequence(nodes),
        })
    }

    /// After `${`; takes the closing brace.
    fn braced(&mut self, quoted: bool) -> Result<Param> {
        let mut length = false;
        if self.peek()? == Some(b'#') {
            // `${#}` and `${#-w}` are about `$#`; `${#x}` is a length.
            let second = self.peek_second()?;
            if second == Some(b'=') {
                return self.bad_substitution(quoted);
            }
            length = match second {
                Some(byte) if is_name_byte(byte) => true,
                Some(byte) if b"@*#?-$!".contains(&byte) => {
                    let (position, line) = (self.position, self.line);
                    self.position += 2;
                    let closed = self.peek()? == Some(b'}');
                    (self.position, self.line) = (position, line);
                    closed
                }
                _ => false,
            };
            self.position += usize::from(length);
        }
        let parameter = match self.peek()? {
            Some(byte) if is_name_start(byte) => {
                let name = self.name()?;
                Parameter::Variable(self.names.intern(&name))
            }
            Some(byte) if byte.is_ascii_digit() => {
                let digits = self.name()?;
                let number =
                    std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
                match number {
                    Some(0) => Parameter::Special(b'0'),
                    Some(number) => Parameter::Positional(number),
                    None => return self.bad_substitution(quoted),
                }
            }
            Some(byte) if b"@*#?-$!".contains(&byte) => {
                self.position += 1;
                single(byte)
            }
            None => return self.unterminated("missing '}'"),
            _ => return self.bad_substitution(quoted),
        };
        if length {
            if !self.take(b'}')? {
                return self.bad_substitution(quoted);
            }
            return Ok(Param { parameter, operation: Operation::Length });
        }
        let operation = self.operation(quoted)?;
        if matches!(operation, Operation::Bad) {
            return self.bad_substitution(quoted);
        }
        if !self.take(b'}')? {
            return self.unterminated("missing '}'");
        }
        Ok(Param { parameter, operation })
    }

    fn bad_substitution(&mut self, quoted: bool) -> Result<Param> {
        self.word_parts(if quoted { Mode::BraceQuoted } else { Mode::Brace })?;
        if !self.take(b'}')? {
            return self.unterminated("missing '}'");
        }
        Ok(Param { parameter: Parameter::Special(b'#'), operation: Operation::Bad })
    }

    fn operation(&mut self, quoted: bool) -> Result<Operation> {
        let Some(byte) = self.peek()? else { return self.unterminated("missing '}'") };
        let colon = byte == b':';
        if colon {
            self.position += 1;
        }
        let Some(byte) = self.peek()? else { return self.unterminated("missing '}'") };
        match byte {
            b'}' if !colon => return Ok(Operation::Value),
            b'-' | b'=' | b'?' | b'+' => {
                self.position += 1;
                let word = self.operand(if quoted { Mode::BraceQuoted } else { Mode::Brace })?;
                return Ok(match byte {
                    b'-' => Operation::Default { colon, word },
                    b'=' => Operation::Assign { colon, word },
                    b'?' => Operation::Error { colon, word },
                    _ => Operation::Alternative { colon, word },
                });
            }
            _ if colon => return self.substring(),
            b'#' | b'%' => {
                self.position += 1;
                let longest = self.take(byte)?;
                let pattern = self.operand(Mode::Brace)?;
                return Ok(if byte == b'#' {
                    Operation::RemovePrefix { longest, pattern }
                } else {
                    Operation::RemoveSuffix { longest, pattern }
                });
            }
            b'/' => {
                self.position += 1;
                let all = self.take(b'/')?;
                let pattern = self.operand(Mode::ReplacePattern)?;
                let replacement =
                    if self.take(b'/')? { self.operand(Mode::Brace)? } else { Word::default() };
                return Ok(Operation::Replace { all, pattern, replacement });
            }
            _ => {}
        }
        Ok(Operation::Bad)
    }

    fn operand(&mut self, mode: Mode) -> Result<Word> {
        let parts = self.deeper(|parser| parser.word_parts(mode))?;
        let parts = if mode == Mode::BraceQuoted { parts } else { with_tilde(parts, false) };
        Ok(Word::new(parts))
    }

    fn substring(&mut self) -> Result<Operation> {
        let offset = self.deeper(|parser| parser.word_parts(Mode::Offset))?;
        if offset.is_empty() && self.peek()? == Some(b'}') {
            return self.error("missing '}'");
        }
        let offset = self.compile(offset);
        let length = if self.take(b':')? {
            let length = self.deeper(|parser| parser.word_parts(Mode::Offset))?;
            Some(self.compile(length))
        } else {
            None
        };
        Ok(Operation::Substring { offset, length })
    }

    /// After `$'`; takes the closing quote.
    fn ansi_quoted(&mut self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.raw() else {
                return self.unterminated("unterminated quoted string");
            };
            self.position += 1;
            match byte {
                b'\'' => return Ok(text),
                b'\\' => {
                    let rest = &self.text[self.position..];
                    let Some(&first) = rest.first() else {
                        return self.unterminated("unterminated quoted string");
                    };
                    let taken = match first {
                        b'\'' | b'"' | b'?' => {
                            text.push(first);
                            1
                        }
                        b'c' if rest.len() > 1 => {
                            text.push(rest[1] & 0x1f);
                            2
                        }
                        _ => crate::escape::one(rest, crate::escape::Style::Ansi, &mut text),
                    };
                    self.line += u32::from(first == b'\n');
                    self.position += taken;
                }
                _ => {
                    self.line += u32::from(byte == b'\n');
                    text.push(byte);
                }
            }
        }
    }
}

fn single(byte: u8) -> Parameter {
    match byte {
        b'1'..=b'9' => Parameter::Positional(usize::from(byte - b'0')),
        _ => Parameter::Special(byte),
    }
}

/// Finds the tildes that stand for home directories: at the beginning, and in an assignment's
/// value after each colon.
pub(super) fn with_tilde(parts: Vec<Part>, assignment: bool) -> Vec<Part> {
    if !parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(&b'~'))) {
        return parts;
    }
    let mut found = Vec::new();
    let count = parts.len();
    for (index, part) in parts.into_iter().enumerate() {
        let Part::Text(text) = part else {
            found.push(part);
            continue;
        };
        let mut rest: &[u8] = &text;
        let mut start = index == 0;
        let mut plain = Vec::new();
        while !rest.is_empty() {
            if start && rest[0] == b'~' {
                let end = rest
                    .iter()
                    .position(|&byte| byte == b'/' || (assignment && byte == b':'))
                    .unwrap_or(rest.len());
                // A quoted or expanded rest of the user's name would not be a name.
                if end < rest.len() || index + 1 == count {
                    if !plain.is_empty() {
                        found.push(Part::Text(std::mem::take(&mut plain).into()));
                    }
                    found.push(Part::Tilde(rest[1..end].into()));
                    rest = &rest[end..];
                    start = false;
                    continue;
                }
            }
            start = assignment && rest[0] == b':';
            plain.push(rest[0]);
            rest = &rest[1..];
        }
        if !plain.is_empty() {
            found.push(Part::Text(plain.into()));
        }
    }
    found
}
