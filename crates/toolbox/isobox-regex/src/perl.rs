//! Perl's expressions, as `grep -P` takes them: the part of PCRE that people use.
//!
//! Not here, and refused by name: recursion, conditionals, callouts, `\p{…}`, `\X`, verbs.

use crate::Options;
use crate::ast::{Assert, Ast, Greed, Node};
use crate::bracket::{self, Cursor, Escaped, Style, last_character};
use crate::class::{Set, named};
use crate::error::Error;
use crate::posix::{DEPTH_MAX, REPEAT_MAX, common_escape, literal};

pub(crate) fn parse(pattern: &[u8], options: Options) -> Result<Ast, Error> {
    let flags = Flags {
        fold: options.ignore_case,
        multiline: options.newline,
        dot_all: false,
        extended: false,
    };
    let mut parser = Parser {
        cursor: Cursor::new(pattern, options.utf8),
        options,
        flags,
        depth: 0,
        groups: 0,
        names: Vec::new(),
    };
    let root = parser.alternatives()?;
    if parser.cursor.peek().is_some() {
        return Err(Error::new(parser.cursor.at, "unmatched closing parenthesis"));
    }
    let groups = parser.groups;
    let mut missing = None;
    root.any(&|node| {
        if let Node::Backref { group, .. } = node
            && *group > groups
        {
            return true;
        }
        false
    })
    .then(|| missing = Some(Error::new(pattern.len(), "reference to non-existent subpattern")));
    missing.map_or(Ok(Ast { root, groups, names: parser.names }), Err)
}

/// What `(?imsx)` changes, until the group ends.
#[derive(Debug, Clone, Copy)]
struct Flags {
    fold: bool,
    multiline: bool,
    dot_all: bool,
    extended: bool,
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    options: Options,
    flags: Flags,
    depth: u32,
    groups: u32,
    names: Vec<(String, u32)>,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::new(self.cursor.at, "parentheses are too deeply nested"));
        }
        let mut nodes = vec![self.sequence()?];
        while self.cursor.eat(b"|") {
            nodes.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(Node::alternate(nodes))
    }

    fn sequence(&mut self) -> Result<Node, Error> {
        let mut nodes = Vec::new();
        loop {
            if self.flags.extended {
                self.skip_space();
            }
            let start = self.cursor.at;
            match self.cursor.peek() {
                None | Some(b'|' | b')') => return Ok(Node::concat(nodes)),
                Some(b'*' | b'+' | b'?') => {
                    return Err(Error::new(start, "quantifier does not follow a repeatable item"));
                }
                Some(_) => {}
            }
            if self.cursor.eat(b"\\Q") {
                self.quoted(&mut nodes)?;
                continue;
            }
            if self.cursor.eat(b"\\E") {
                continue;
            }
            if let Some(node) = self.atom()? {
                let node = self.repeated(node)?;
                nodes.push(node);
            }
        }
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.cursor.peek() {
            match byte {
                b'#' => {
                    let line = self.cursor.rest().iter().position(|&b| b == b'\n');
                    self.cursor.at += line.unwrap_or(self.cursor.rest().len());
                }
                _ if byte.is_ascii_whitespace() => self.cursor.at += 1,
                _ => return,
            }
        }
    }

    /// `\Q…\E`: all characters as they are; a count that follows is that of the last one.
    fn quoted(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let mut last = None;
        while !self.cursor.rest().is_empty() && !self.cursor.eat(b"\\E") {
            nodes.extend(last.take());
            let character = self.cursor.character().expect("not at the end");
            last = Some(literal(character, self.options_now()));
        }
        if let Some(node) = last {
            let node = self.repeated(node)?;
            nodes.push(node);
        }
        Ok(())
    }

    fn options_now(&self) -> Options {
        Options { ignore_case: self.flags.fold, ..self.options }
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, Error> {
        loop {
            if self.flags.extended {
                self.skip_space();
            }
            let (min, max) = if self.cursor.eat(b"*") {
                (0, None)
            } else if self.cursor.eat(b"+") {
                (1, None)
            } else if self.cursor.eat(b"?") {
                (0, Some(1))
            } else if let Some(interval) = self.interval()? {
                interval
            } else {
                return Ok(node);
            };
            let greed = if self.cursor.eat(b"?") {
                Greed::Lazy
            } else if self.cursor.eat(b"+") {
                Greed::Possessive
            } else {
                Greed::Greedy
            };
            node = node.repeat(min, max, greed);
        }
    }

    fn interval(&mut self) -> Result<Option<(u32, Option<u32>)>, Error> {
        let start = self.cursor.at;
        if !self.cursor.eat(b"{") {
            return Ok(None);
        }
        let min = self.cursor.number();
        let max = if self.cursor.eat(b",") { self.cursor.number() } else { min };
        let comma = self.cursor.text[start..self.cursor.at].contains(&b',');
        if !self.cursor.eat(b"}") || (min.is_none() && max.is_none()) {
            self.cursor.at = start;
            return Ok(None);
        }
        let max = if comma { max } else { min };
        let min = min.unwrap_or(0);
        if max.is_some_and(|max| max < min) {
            return Err(Error::new(start, "numbers out of order in {} quantifier"));
        }
        if min.max(max.unwrap_or(0)) > REPEAT_MAX {
            return Err(Error::new(start, "number too big in {} quantifier"));
        }
        Ok(Some((min, max)))
    }

    /// Nothing for what only changes flags.
    fn atom(&mut self) -> Result<Option<Node>, Error> {
        let start = self.cursor.at;
        let flags = self.flags;
        Ok(Some(match self.cursor.peek().expect("not at the end") {
            b'(' => {
                self.cursor.at += 1;
                return self.parenthesis(start);
            }
            b'[' => {
                self.cursor.at += 1;
                let style = Style { utf8: self.options.utf8, fold: flags.fold, newline: false };
                Node::Set(bracket::parse(&mut self.cursor, style, Some(bracket_escape))?)
            }
            b'.' => {
                self.cursor.at += 1;
                let left_out =
                    if flags.dot_all { Set::default() } else { Set::of(&[u32::from(b'\n')]) };
                Node::Set(left_out.inverted(last_character(self.options.utf8)))
            }
            b'^' => {
                self.cursor.at += 1;
                Node::Assert(if flags.multiline { Assert::LineStart } else { Assert::TextStart })
            }
            b'$' => {
                self.cursor.at += 1;
                Node::Assert(if flags.multiline { Assert::LineEnd } else { Assert::TextEndNewline })
            }
            b'\\' => {
                self.cursor.at += 1;
                self.escape(start)?
            }
            b'{' => {
                self.cursor.at += 1;
                literal(Ok(b'{'.into()), self.options_now())
            }
            _ => {
                let character = self.cursor.character().expect("not at the end");
                literal(character, self.options_now())
            }
        }))
    }

    fn parenthesis(&mut self, start: usize) -> Result<Option<Node>, Error> {
        if self.cursor.eat(b"?#") {
            let end = self.cursor.rest().iter().position(|&byte| byte == b')');
            let end = end.ok_or_else(|| Error::new(start, "missing ) after (?# comment"))?;
            self.cursor.at += end + 1;
            return Ok(None);
        }
        let flags = self.flags;
        let node = if !self.cursor.eat(b"?") {
            if self.cursor.rest().starts_with(b"*") {
                return Err(Error::new(start, "(*VERB) is not supported"));
            }
            self.capture()?
        } else if self.cursor.eat(b":") {
            self.alternatives()?
        } else if self.cursor.eat(b">") {
            Node::Atomic(Box::new(self.alternatives()?))
        } else if self.cursor.eat(b"=") {
            self.look(false, false)?
        } else if self.cursor.eat(b"!") {
            self.look(true, false)?
        } else if self.cursor.eat(b"<=") {
            self.look(false, true)?
        } else if self.cursor.eat(b"<!") {
            self.look(true, true)?
        } else if self.cursor.eat(b"P<") || self.cursor.eat(b"<") {
            self.named_capture(start, b'>')?
        } else if self.cursor.eat(b"'") {
            self.named_capture(start, b'\'')?
        } else if self.cursor.eat(b"P=") {
            let name = self.name(start, b')')?;
            return self.named_reference(start, &name).map(Some);
        } else {
            match self.inline_flags(start)? {
                // `(?i)`: until the group around it ends.
                true => return Ok(None),
                false => self.alternatives()?,
            }
        };
        self.flags = flags;
        if !self.cursor.eat(b")") {
            return Err(Error::new(start, "missing closing parenthesis"));
        }
        Ok(Some(node))
    }

    fn capture(&mut self) -> Result<Node, Error> {
        self.groups += 1;
        let number = self.groups;
        Ok(Node::Group(number, Box::new(self.alternatives()?)))
    }

    fn named_capture(&mut self, start: usize, close: u8) -> Result<Node, Error> {
        let name = self.name(start, close)?;
        if self.names.iter().any(|(known, _)| *known == name) {
            return Err(Error::new(start, "two named subpatterns have the same name"));
        }
        self.names.push((name, self.groups + 1));
        self.capture()
    }

    fn look(&mut self, negative: bool, behind: bool) -> Result<Node, Error> {
        Ok(Node::Look { node: Box::new(self.alternatives()?), negative, behind })
    }

    fn name(&mut self, start: usize, close: u8) -> Result<String, Error> {
        let rest = self.cursor.rest();
        let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if length == 0 || rest[0].is_ascii_digit() || rest.get(length) != Some(&close) {
            return Err(Error::new(start, "syntax error in subpattern name (missing terminator?)"));
        }
        self.cursor.at += length + 1;
        Ok(rest[..length].iter().copied().map(char::from).collect())
    }

    fn named_reference(&mut self, start: usize, name: &str) -> Result<Node, Error> {
        let group = self.names.iter().find(|(known, _)| known == name).map(|&(_, group)| group);
        let group =
            group.ok_or_else(|| Error::new(start, "reference to non-existent subpattern"))?;
        Ok(Node::Backref { group, fold: self.flags.fold })
    }

    /// Whether the parenthesis ends after the flags.
    fn inline_flags(&mut self, start: usize) -> Result<bool, Error> {
        let mut on = true;
        loop {
            let byte = self.cursor.peek();
            self.cursor.at += 1;
            match byte {
                Some(b'i') => self.flags.fold = on,
                Some(b'm') => self.flags.multiline = on,
                Some(b's') => self.flags.dot_all = on,
                Some(b'x') => self.flags.extended = on,
                Some(b'-') => on = false,
                Some(b')') => return Ok(true),
                Some(b':') => return Ok(false),
                _ => return Err(Error::new(start, "unrecognized character after (? or (?-")),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<Node, Error> {
        let options = self.options_now();
        let Some(letter) = self.cursor.peek() else {
            return Err(Error::new(start, "\\ at end of pattern"));
        };
        if let Some(node) = common_escape(letter, options) {
            self.cursor.at += 1;
            return Ok(node);
        }
        if let Some(set) = class_escape(letter, options.utf8) {
            self.cursor.at += 1;
            return Ok(Node::Set(set));
        }
        let assert = match letter {
            b'A' => Some(Node::Assert(Assert::TextStart)),
            b'z' => Some(Node::Assert(Assert::TextEnd)),
            b'Z' => Some(Node::Assert(Assert::TextEndNewline)),
            b'K' => Some(Node::Keep),
            b'R' => Some(newline_sequence(options)),
            _ => None,
        };
        if let Some(node) = assert {
            self.cursor.at += 1;
            return Ok(node);
        }
        if letter == b'k' || letter == b'g' {
            self.cursor.at += 1;
            return self.reference(start, letter);
        }
        if letter.is_ascii_digit() && letter != b'0' {
            let at = self.cursor.at;
            let number = self.cursor.number().expect("a digit");
            // A number that can be no reference is a character in octal.
            if number < 10 || number <= self.groups {
                return Ok(Node::Backref { group: number, fold: options.ignore_case });
            }
            self.cursor.at = at;
        }
        Ok(literal(Ok(character_escape(&mut self.cursor, start)?), options))
    }

    /// `\k<name> \k{name} \k'name' \g{n} \g{-n} \gn \g{name}`.
    fn reference(&mut self, start: usize, letter: u8) -> Result<Node, Error> {
        let fold = self.flags.fold;
        let close = match self.cursor.peek() {
            Some(b'{') => Some(b'}'),
            Some(b'<') if letter == b'k' => Some(b'>'),
            Some(b'\'') if letter == b'k' => Some(b'\''),
            _ if letter == b'k' => {
                return Err(Error::new(
                    start,
                    "\\k is not followed by a braced, angle-bracketed, or quoted name",
                ));
            }
            _ => None,
        };
        if close.is_some() {
            self.cursor.at += 1;
        }
        let digits_at = self.cursor.at;
        let relative = letter == b'g' && self.cursor.eat(b"-");
        if letter == b'g'
            && let Some(number) = self.cursor.number()
        {
            let closed = close.is_none_or(|close| self.cursor.eat(&[close]));
            let group = if relative { (self.groups + 1).checked_sub(number) } else { Some(number) };
            return match group.filter(|&group| closed && group > 0) {
                Some(group) => Ok(Node::Backref { group, fold }),
                None => Err(Error::new(start, "a numbered reference must not be zero")),
            };
        }
        self.cursor.at = digits_at;
        let name = self.name(start, close.unwrap_or(b'}'))?;
        self.named_reference(start, &name)
    }
}

/// `\d \D \h \H \v \V \N`.
fn class_escape(letter: u8, utf8: bool) -> Option<Set> {
    let set = match letter.to_ascii_lowercase() {
        b'd' => named("digit", utf8).expect("a class of this crate"),
        b'h' => Set::of(&[9, 32]),
        b'v' => Set::from_ranges(vec![(10, 13)]),
        b'n' if letter == b'N' => Set::of(&[10]),
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() { set.inverted(last_character(utf8)) } else { set })
}

/// `\R`: any newline, and the pair of two is one.
fn newline_sequence(options: Options) -> Node {
    let one = |byte: u8| literal(Ok(byte.into()), options);
    Node::Atomic(Box::new(Node::Alternate(vec![
        Node::Concat(vec![one(b'\r'), one(b'\n')]),
        Node::Set(Set::from_ranges(vec![(10, 13)])),
    ])))
}

/// A character that is written as an escape.
fn character_escape(cursor: &mut Cursor<'_>, start: usize) -> Result<u32, Error> {
    let letter = match cursor.character() {
        Some(Ok(letter)) => letter,
        _ => return Err(Error::new(start, "\\ at end of pattern")),
    };
    let simple = match u8::try_from(letter).unwrap_or(0) {
        b'n' => Some(10),
        b't' => Some(9),
        b'r' => Some(13),
        b'f' => Some(12),
        b'e' => Some(27),
        b'a' => Some(7),
        _ => None,
    };
    if let Some(character) = simple {
        return Ok(character);
    }
    match u8::try_from(letter).unwrap_or(0) {
        b'x' => hexadecimal(cursor, start),
        b'0'..=b'7' => {
            cursor.at -= 1;
            let digits =
                cursor.rest().iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let value = cursor.rest()[..digits].iter().fold(0, |n, b| n * 8 + u32::from(b - b'0'));
            cursor.at += digits;
            Ok(value & if cursor.utf8 { 0x1ff } else { 0xff })
        }
        b'c' => match cursor.peek().filter(u8::is_ascii_graphic) {
            Some(byte) => {
                cursor.at += 1;
                Ok(u32::from(byte.to_ascii_uppercase() ^ 0x40))
            }
            None => Err(Error::new(start, "\\c must be followed by a printable ASCII character")),
        },
        byte if byte.is_ascii_alphanumeric() => {
            Err(Error::new(start, format!("\\{} is not supported", char::from(byte))))
        }
        _ => Ok(letter),
    }
}

fn hexadecimal(cursor: &mut Cursor<'_>, start: usize) -> Result<u32, Error> {
    let braced = cursor.eat(b"{");
    let most = if braced { 6 } else { 2 };
    let digits = cursor.rest().iter().take(most).take_while(|b| b.is_ascii_hexdigit()).count();
    let text = std::str::from_utf8(&cursor.rest()[..digits]).expect("hexadecimal digits");
    let value = u32::from_str_radix(text, 16).unwrap_or(0);
    cursor.at += digits;
    if (braced && (!cursor.eat(b"}") || digits == 0)) || value > last_character(cursor.utf8) {
        return Err(Error::new(start, "character code point value in \\x{} or \\o{} is too large"));
    }
    Ok(value)
}

fn bracket_escape(cursor: &mut Cursor<'_>, utf8: bool) -> Result<Escaped, Error> {
    let start = cursor.at;
    let letter = cursor.peek().unwrap_or(0);
    let class = match letter {
        b'w' => named("word", utf8),
        b'W' => named("word", utf8).map(|set| set.inverted(last_character(utf8))),
        b's' => named("space", utf8),
        b'S' => named("space", utf8).map(|set| set.inverted(last_character(utf8))),
        b'N' => None,
        _ => class_escape(letter, utf8),
    };
    if let Some(class) = class {
        cursor.at += 1;
        return Ok(Escaped::Class(class));
    }
    if cursor.eat(b"b") {
        return Ok(Escaped::Character(8));
    }
    character_escape(cursor, start).map(Escaped::Character)
}
