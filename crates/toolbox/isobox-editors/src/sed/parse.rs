//! Reads a script.

use std::collections::HashMap;

use isobox_applet::{Error, Result};
use isobox_regex::{Options, Regex, Syntax};

use super::escape;
use super::script::{
    Action, Address, Addresses, Case, Command, End, Part, Script, Substitute, Translate,
};

/// How expressions are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dialect {
    pub(crate) extended: bool,
    pub(crate) utf8: bool,
}

/// A jump whose label may be defined later.
struct Jump {
    command: usize,
    label: Vec<u8>,
}

pub(crate) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    dialect: Dialect,
    sandbox: bool,
    commands: Vec<Command>,
    blocks: Vec<usize>,
    labels: HashMap<Vec<u8>, usize>,
    jumps: Vec<Jump>,
    files: Vec<Vec<u8>>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect, sandbox: bool) -> Self {
        Self {
            text,
            at: 0,
            dialect,
            sandbox,
            commands: Vec::new(),
            blocks: Vec::new(),
            labels: HashMap::new(),
            jumps: Vec::new(),
            files: Vec::new(),
        }
    }

    /// An error, with the place in the script.
    fn error(&self, message: impl std::fmt::Display) -> Error {
        let line =
            self.text[..self.at.min(self.text.len())].iter().filter(|&&b| b == b'\n').count();
        let start = memchr::memrchr(b'\n', &self.text[..self.at.min(self.text.len())]);
        let column = self.at - start.map_or(0, |start| start + 1);
        Error::message(format!("script line {}, char {column}: {message}", line + 1))
    }

    pub(crate) fn script(mut self) -> Result<Script> {
        loop {
            self.skip(|byte| byte.is_ascii_whitespace() || byte == b';');
            if self.peek().is_none() {
                break;
            }
            self.command()?;
        }
        if self.blocks.pop().is_some() {
            return Err(self.error("unmatched {"));
        }
        for jump in std::mem::take(&mut self.jumps) {
            let target = match jump.label.is_empty() {
                true => Some(self.commands.len()),
                false => self.labels.get(&jump.label).copied(),
            };
            let Some(target) = target else {
                let label = String::from_utf8_lossy(&jump.label).into_owned();
                return Err(Error::message(format!("can't find label for jump to '{label}'")));
            };
            match &mut self.commands[jump.command].action {
                Action::Branch(place)
                | Action::BranchIfSubstituted(place)
                | Action::BranchUnlessSubstituted(place) => *place = target,
                _ => unreachable!("only these jump"),
            }
        }
        Ok(Script { commands: self.commands, files: self.files })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn skip(&mut self, what: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&what) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_digit());
        let digits = std::str::from_utf8(&self.text[start..self.at]).expect("digits");
        (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
    }

    fn command(&mut self) -> Result<()> {
        let addresses = self.addresses()?;
        self.skip_blanks();
        let mut inverted = false;
        while self.peek() == Some(b'!') {
            inverted = true;
            self.at += 1;
            self.skip_blanks();
        }
        let Some(letter) = self.next() else {
            return Err(self.error("missing command"));
        };
        let place = self.commands.len();
        let none = matches!(addresses, Addresses::All) && !inverted;
        if matches!(letter, b'}' | b':' | b'#') && !none {
            return Err(self.error(format!("{} doesn't want any addresses", char::from(letter))));
        }
        let action = match letter {
            b'{' => {
                self.blocks.push(place);
                Action::Block(0)
            }
            b'}' => {
                let Some(start) = self.blocks.pop() else {
                    return Err(self.error("unexpected `}'"));
                };
                self.commands[start].action = Action::Block(place);
                return self.end();
            }
            b'#' => {
                self.skip(|byte| byte != b'\n');
                return Ok(());
            }
            b':' => {
                let label = self.label(true);
                if label.is_empty() {
                    return Err(self.error("\":\" lacks a label"));
                }
                self.labels.insert(label, place);
                return Ok(());
            }
            _ => self.action(letter, place)?,
        };
        let block = matches!(action, Action::Block(_));
        self.commands.push(Command { addresses, inverted, action });
        if block { Ok(()) } else { self.end() }
    }

    /// Nothing more may follow a command on its line but `;`, `}` and a comment.
    fn end(&mut self) -> Result<()> {
        self.skip_blanks();
        match self.peek() {
            None | Some(b'\n' | b';' | b'}' | b'#') => Ok(()),
            Some(_) => Err(self.error("extra characters after command")),
        }
    }

    fn action(&mut self, letter: u8, place: usize) -> Result<Action> {
        Ok(match letter {
            b'=' => Action::Number,
            b'a' => Action::Append(self.text_argument()?),
            b'i' => Action::Insert(self.text_argument()?),
            b'c' => Action::Change(self.text_argument()?),
            b'b' => self.jump(place, Action::Branch(0)),
            b't' => self.jump(place, Action::BranchIfSubstituted(0)),
            b'T' => self.jump(place, Action::BranchUnlessSubstituted(0)),
            b'd' => Action::Delete,
            b'D' => Action::DeleteFirst,
            b'e' => {
                self.refuse_in_sandbox()?;
                self.skip_blanks();
                Action::Execute(self.line())
            }
            b'F' => Action::FileName,
            b'g' => Action::Get { append: false },
            b'G' => Action::Get { append: true },
            b'h' => Action::Hold { append: false },
            b'H' => Action::Hold { append: true },
            b'l' => {
                self.skip_blanks();
                Action::List(self.number().map(|number| usize::try_from(number).unwrap_or(0)))
            }
            b'n' => Action::Next { append: false },
            b'N' => Action::Next { append: true },
            b'p' => Action::Print,
            b'P' => Action::PrintFirst,
            b'q' | b'Q' => {
                self.skip_blanks();
                let status = u8::try_from(self.number().unwrap_or(0) & 0xff).expect("masked");
                Action::Quit { print: letter == b'q', status }
            }
            b'r' => Action::ReadFile(self.file_name()?),
            b'R' => Action::ReadLine(self.file_name()?),
            b's' => Action::Substitute(Box::new(self.substitute()?)),
            b'v' => {
                self.line();
                Action::Nothing
            }
            b'w' => Action::Write(self.output_file()?),
            b'W' => Action::WriteFirst(self.output_file()?),
            b'x' => Action::Exchange,
            b'y' => Action::Translate(self.translate()?),
            b'z' => Action::Zap,
            _ => return Err(self.error(format!("unsupported command {}", char::from(letter)))),
        })
    }

    fn refuse_in_sandbox(&self) -> Result<()> {
        if self.sandbox {
            return Err(self.error("e/r/w commands disabled in sandbox mode"));
        }
        Ok(())
    }

    fn jump(&mut self, command: usize, action: Action) -> Action {
        let label = self.label(false);
        self.jumps.push(Jump { command, label });
        action
    }

    /// A label ends with the line; where it is jumped to also at a semicolon or a brace.
    fn label(&mut self, definition: bool) -> Vec<u8> {
        self.skip_blanks();
        let start = self.at;
        self.skip(|byte| byte != b'\n' && byte != b';' && (definition || byte != b'}'));
        self.text[start..self.at].trim_ascii_end().to_vec()
    }

    fn line(&mut self) -> Vec<u8> {
        let start = self.at;
        self.skip(|byte| byte != b'\n');
        self.text[start..self.at].to_vec()
    }

    fn file_name(&mut self) -> Result<Vec<u8>> {
        self.refuse_in_sandbox()?;
        self.skip_blanks();
        let name = self.line();
        if name.is_empty() {
            return Err(self.error("missing filename in r/R/w/W commands"));
        }
        Ok(name)
    }

    fn output_file(&mut self) -> Result<usize> {
        let name = self.file_name()?;
        let known = self.files.iter().position(|file| *file == name);
        Ok(known.unwrap_or_else(|| {
            self.files.push(name);
            self.files.len() - 1
        }))
    }

    /// The text of `a`, `i` and `c`: on the lines after a backslash, or on the same line.
    fn text_argument(&mut self) -> Result<Vec<u8>> {
        self.skip_blanks();
        if self.peek() == Some(b'\\') {
            self.at += 1;
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') => self.at += 1,
                // `a\text`: the backslash keeps blanks at the front.
                Some(_) => {
                    self.at =
                        self.text[..self.at].iter().rposition(|&b| b == b'\\').expect("just seen")
                            + 1
                }
                None => {}
            }
        } else if self.peek().is_none_or(|byte| byte == b'\n') {
            return Err(self.error("expected \\ after `a', `c' or `i'"));
        }
        let mut text = Vec::new();
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => {
                    self.at -= 1;
                    break;
                }
                b'\\' => match self.next() {
                    Some(quoted) => {
                        let rest = &self.text[self.at - 1..];
                        match escape::character(rest).filter(|_| quoted == b't') {
                            Some((byte, _)) => text.push(byte),
                            None => text.push(quoted),
                        }
                    }
                    None => break,
                },
                _ => text.push(byte),
            }
        }
        text.push(b'\n');
        Ok(text)
    }

    fn addresses(&mut self) -> Result<Addresses> {
        let Some(first) = self.address()? else { return Ok(Addresses::All) };
        self.skip_blanks();
        if self.peek() != Some(b',') {
            if matches!(first, Address::Line(0)) {
                return Err(self.error("invalid usage of line address 0"));
            }
            return Ok(Addresses::One(first));
        }
        self.at += 1;
        self.skip_blanks();
        let end = match self.peek() {
            Some(sign @ (b'+' | b'~')) => {
                self.at += 1;
                let number = self.number().ok_or_else(|| self.error("expected a number"))?;
                if sign == b'+' { End::Later(number) } else { End::Multiple(number) }
            }
            _ => match self.address()? {
                Some(address) => End::Address(address),
                None => return Err(self.error("unexpected `,'")),
            },
        };
        let by_match = matches!(end, End::Address(Address::Match(_)));
        if matches!(first, Address::Line(0)) && !by_match {
            return Err(self.error("invalid usage of line address 0"));
        }
        Ok(Addresses::Range(first, end))
    }

    fn address(&mut self) -> Result<Option<Address>> {
        if let Some(first) = self.number() {
            if self.peek() != Some(b'~') {
                return Ok(Some(Address::Line(first)));
            }
            self.at += 1;
            return Ok(Some(Address::Step(first, self.number().unwrap_or(0))));
        }
        let delimiter = match self.peek() {
            Some(b'$') => {
                self.at += 1;
                return Ok(Some(Address::Last));
            }
            Some(b'/') => b'/',
            Some(b'\\') => {
                self.at += 1;
                self.peek().ok_or_else(|| self.error("unterminated address regex"))?
            }
            _ => return Ok(None),
        };
        self.at += 1;
        let pattern = self.expression(delimiter, "unterminated address regex")?;
        let (mut fold, mut lines) = (false, false);
        loop {
            match self.peek() {
                Some(b'I') => fold = true,
                Some(b'M') => lines = true,
                _ => break,
            }
            self.at += 1;
        }
        Ok(Some(Address::Match(self.compile(&pattern, fold, lines)?)))
    }

    /// An expression up to its delimiter, which in brackets and after a backslash is a character.
    fn expression(&mut self, delimiter: u8, unterminated: &str) -> Result<Vec<u8>> {
        let mut pattern = Vec::new();
        loop {
            let Some(byte) = self.next() else { return Err(self.error(unterminated)) };
            match byte {
                _ if byte == delimiter => return Ok(pattern),
                b'\n' if delimiter != b'\n' => return Err(self.error(unterminated)),
                b'[' => match escape::bracket_end(self.text, self.at - 1) {
                    Some(end) => {
                        pattern.extend_from_slice(&self.text[self.at - 1..end]);
                        self.at = end;
                    }
                    None => pattern.push(byte),
                },
                b'\\' => {
                    let Some(quoted) = self.next() else { return Err(self.error(unterminated)) };
                    if quoted != delimiter {
                        pattern.push(b'\\');
                    }
                    pattern.push(quoted);
                }
                _ => pattern.push(byte),
            }
        }
    }

    /// `None` for the empty expression, which is the one that was used last.
    fn compile(&self, pattern: &[u8], fold: bool, lines: bool) -> Result<Option<Regex>> {
        if pattern.is_empty() {
            return Ok(None);
        }
        let syntax = if self.dialect.extended { Syntax::Extended } else { Syntax::Basic };
        let options = Options {
            ignore_case: fold,
            line_anchors: lines,
            utf8: self.dialect.utf8,
            ..Options::default()
        };
        let pattern = escape::in_expression(pattern, self.dialect.extended);
        Regex::new(&pattern, syntax, options).map(Some).map_err(|error| self.error(error))
    }

    fn substitute(&mut self) -> Result<Substitute> {
        const UNTERMINATED: &str = "unterminated `s' command";
        let delimiter = self.delimiter(UNTERMINATED)?;
        let pattern = self.expression(delimiter, UNTERMINATED)?;
        let replacement = self.replacement(delimiter, UNTERMINATED)?;
        let mut substitute = Substitute {
            regex: None,
            replacement,
            first: 1,
            global: false,
            print: false,
            execute: false,
            file: None,
        };
        let (mut fold, mut lines) = (false, false);
        loop {
            match self.peek() {
                Some(b'g') => substitute.global = true,
                Some(b'p') => substitute.print = true,
                Some(b'i' | b'I') => fold = true,
                Some(b'm' | b'M') => lines = true,
                Some(b'e') => {
                    self.refuse_in_sandbox()?;
                    substitute.execute = true;
                }
                Some(b'0'..=b'9') => {
                    substitute.first = self.number().expect("a digit");
                    if substitute.first == 0 {
                        return Err(self.error("number option to `s' command may not be zero"));
                    }
                    continue;
                }
                Some(b'w') => {
                    self.at += 1;
                    substitute.file = Some(self.output_file()?);
                    break;
                }
                None | Some(b'\n' | b';' | b'}' | b'#' | b' ' | b'\t' | b'\r') => break,
                Some(_) => return Err(self.error("unknown option to `s'")),
            }
            self.at += 1;
        }
        substitute.regex = self.compile(&pattern, fold, lines)?;
        let highest = substitute.replacement.iter().filter_map(|part| match part {
            Part::Group(group) => Some(*group),
            _ => None,
        });
        let highest = highest.max().unwrap_or(0);
        if substitute.regex.as_ref().is_some_and(|regex| regex.groups() < highest) {
            return Err(self.error(format!("invalid reference \\{highest} on `s' command's RHS")));
        }
        Ok(substitute)
    }

    fn delimiter(&mut self, unterminated: &str) -> Result<u8> {
        match self.next() {
            Some(byte) if byte != b'\n' && byte != b'\\' => Ok(byte),
            _ => Err(self.error(unterminated)),
        }
    }

    fn replacement(&mut self, delimiter: u8, unterminated: &str) -> Result<Vec<Part>> {
        let (mut parts, mut text) = (Vec::new(), Vec::new());
        loop {
            let Some(byte) = self.next() else { return Err(self.error(unterminated)) };
            let part = match byte {
                _ if byte == delimiter => break,
                b'&' => Part::Group(0),
                b'\\' => {
                    let Some(quoted) = self.next() else { return Err(self.error(unterminated)) };
                    match quoted {
                        _ if quoted == delimiter => {
                            text.push(quoted);
                            continue;
                        }
                        b'0'..=b'9' => Part::Group(usize::from(quoted - b'0')),
                        b'U' => Part::Case(Case::Upper),
                        b'L' => Part::Case(Case::Lower),
                        b'u' => Part::Case(Case::NextUpper),
                        b'l' => Part::Case(Case::NextLower),
                        b'E' => Part::Case(Case::End),
                        _ => {
                            match escape::character(&self.text[self.at - 1..]) {
                                Some((byte, length)) => {
                                    text.push(byte);
                                    self.at += length - 1;
                                }
                                None => text.push(quoted),
                            }
                            continue;
                        }
                    }
                }
                _ => {
                    text.push(byte);
                    continue;
                }
            };
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(part);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(parts)
    }

    fn translate(&mut self) -> Result<Translate> {
        const UNTERMINATED: &str = "unterminated `y' command";
        let delimiter = self.delimiter(UNTERMINATED)?;
        let from = self.translate_part(delimiter, UNTERMINATED)?;
        let to = self.translate_part(delimiter, UNTERMINATED)?;
        let unequal = || self.error("strings for `y' command are different lengths");
        if self.dialect.utf8
            && let (Ok(from), Ok(to)) = (std::str::from_utf8(&from), std::str::from_utf8(&to))
            && !(from.is_ascii() && to.is_ascii())
        {
            if from.chars().count() != to.chars().count() {
                return Err(unequal());
            }
            return Ok(Translate::Characters(from.chars().zip(to.chars()).collect()));
        }
        if from.len() != to.len() {
            return Err(unequal());
        }
        let mut table: [u8; 256] =
            std::array::from_fn(|byte| u8::try_from(byte).expect("256 bytes"));
        // The first of two equal characters counts.
        for (from, to) in from.iter().zip(&to).rev() {
            table[usize::from(*from)] = *to;
        }
        Ok(Translate::Bytes(Box::new(table)))
    }

    fn translate_part(&mut self, delimiter: u8, unterminated: &str) -> Result<Vec<u8>> {
        let mut part = Vec::new();
        loop {
            let Some(byte) = self.next() else { return Err(self.error(unterminated)) };
            if byte == delimiter {
                return Ok(part);
            }
            if byte != b'\\' {
                part.push(byte);
                continue;
            }
            match self.peek() {
                None => return Err(self.error(unterminated)),
                Some(quoted) if quoted == delimiter || quoted == b'\\' => {
                    part.push(quoted);
                    self.at += 1;
                }
                Some(_) => match escape::character(&self.text[self.at..]) {
                    Some((byte, length)) => {
                        part.push(byte);
                        self.at += length;
                    }
                    None => part.push(b'\\'),
                },
            }
        }
    }
}
