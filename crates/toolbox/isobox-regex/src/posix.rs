//! Basic and extended expressions (POSIX.1-2024, chapter 9), with GNU's additions:
//! `\+ \? \|` in basic ones, `\w \W \s \S \b \B \< \> \' \`` and back-references in both.

use crate::ast::{Assert, Ast, Greed, Node};
use crate::bracket::{self, Cursor, Style, last_character};
use crate::class::{Set, named};
use crate::error::Error;
use crate::{Options, Syntax};

/// The largest count of an interval (`RE_DUP_MAX`).
pub(crate) const REPEAT_MAX: u32 = 32_767;

/// How deep groups may nest.
pub(crate) const DEPTH_MAX: u32 = 250;

pub(crate) fn parse(pattern: &[u8], syntax: Syntax, options: Options) -> Result<Ast, Error> {
    let cursor = Cursor::new(pattern, options.utf8);
    let mut parser = Parser {
        cursor,
        extended: syntax == Syntax::Extended,
        options,
        open: Vec::new(),
        groups: 0,
    };
    let root = parser.alternatives()?;
    if parser.cursor.peek().is_some() {
        return Err(Error::new(parser.cursor.at, "Unmatched ) or \\)"));
    }
    Ok(Ast { root, groups: parser.groups, names: Vec::new() })
}

/// Text that stands for itself.
pub(crate) fn parse_fixed(pattern: &[u8], options: Options) -> Ast {
    let mut cursor = Cursor::new(pattern, options.utf8);
    let characters = std::iter::from_fn(|| cursor.character());
    let nodes = characters.map(|character| literal(character, options)).collect();
    Ast { root: Node::concat(nodes), groups: 0, names: Vec::new() }
}

/// A pattern of file names (POSIX.1-2024, shell, 2.14), all of which is to match.
pub(crate) fn parse_glob(pattern: &[u8], options: Options) -> Ast {
    let mut pattern = pattern.to_vec();
    // In file names a set is inverted by `!`; the reader of brackets knows `^`.
    for at in 1..pattern.len() {
        if pattern[at - 1] == b'[' && pattern[at] == b'!' {
            pattern[at] = b'^';
        }
    }
    let style = Style { utf8: options.utf8, fold: options.ignore_case, newline: false };
    let everything = Options { newline: false, ..options };
    let mut cursor = Cursor::new(&pattern, options.utf8);
    let mut nodes = vec![Node::Assert(Assert::TextStart)];
    while let Some(byte) = cursor.peek() {
        let start = cursor.at;
        cursor.at += 1;
        nodes.push(match byte {
            b'*' => Node::Set(any(everything)).repeat(0, None, Greed::Greedy),
            b'?' => Node::Set(any(everything)),
            b'[' => match bracket::parse(&mut cursor, style, Some(bracket_escape)) {
                Ok(set) => Node::Set(set),
                // A bracket that opens nothing is itself.
                Err(_) => {
                    cursor.at = start + 1;
                    literal(Ok(b'['.into()), options)
                }
            },
            _ => {
                cursor.at =
                    if byte == b'\\' && start + 1 < pattern.len() { start + 1 } else { start };
                literal(cursor.character().expect("not at the end"), options)
            }
        });
    }
    nodes.push(Node::Assert(Assert::TextEnd));
    Ast { root: Node::Concat(nodes), groups: 0, names: Vec::new() }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    extended: bool,
    options: Options,
    /// Numbers of the groups around the cursor.
    open: Vec<u32>,
    groups: u32,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Node, Error> {
        let mut nodes = vec![self.sequence()?];
        while self.cursor.eat(if self.extended { b"|" } else { b"\\|" }) {
            nodes.push(self.sequence()?);
        }
        Ok(Node::alternate(nodes))
    }

    fn at_sequence_end(&self) -> bool {
        let rest = self.cursor.rest();
        if rest.is_empty() {
            return true;
        }
        if self.extended {
            // A parenthesis that closes nothing is itself.
            return rest[0] == b'|' || (rest[0] == b')' && !self.open.is_empty());
        }
        rest.starts_with(b"\\|") || rest.starts_with(b"\\)")
    }

    fn sequence(&mut self) -> Result<Node, Error> {
        let mut nodes = Vec::new();
        // Whether a `*` here would repeat nothing.
        let mut fresh = true;
        while !self.at_sequence_end() {
            if self.extended && fresh && matches!(self.cursor.peek(), Some(b'*' | b'+' | b'?')) {
                self.cursor.at += 1;
                continue;
            }
            let start = self.cursor.at;
            let node = self.atom(fresh)?;
            let anchor = matches!(node, Node::Assert(Assert::LineStart | Assert::TextStart))
                && self.cursor.text[start] == b'^';
            if anchor && !self.extended {
                nodes.push(node);
                continue;
            }
            fresh = false;
            let node = self.repeated(node)?;
            nodes.push(node);
        }
        Ok(Node::concat(nodes))
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, Error> {
        loop {
            let (min, max) = if self.cursor.eat(b"*") {
                (0, None)
            } else if self.cursor.eat(if self.extended { b"+" } else { b"\\+" }) {
                (1, None)
            } else if self.cursor.eat(if self.extended { b"?" } else { b"\\?" }) {
                (0, Some(1))
            } else if let Some(interval) = self.interval()? {
                interval
            } else {
                return Ok(node);
            };
            node = node.repeat(min, max, Greed::Greedy);
        }
    }

    /// `{m,n}`; in an extended expression, what is no interval is literal text.
    fn interval(&mut self) -> Result<Option<(u32, Option<u32>)>, Error> {
        let start = self.cursor.at;
        if !self.cursor.eat(if self.extended { b"{" } else { b"\\{" }) {
            return Ok(None);
        }
        let min = self.cursor.number();
        let max = if self.cursor.eat(b",") {
            self.cursor.number().map_or(Some(None), |n| Some(Some(n)))
        } else {
            min.map(Some)
        };
        let closed = self.cursor.eat(if self.extended { b"}" } else { b"\\}" });
        let Some(max) = max.filter(|_| closed) else {
            if self.extended {
                self.cursor.at = start;
                return Ok(None);
            }
            let message = if self.cursor.peek().is_none() {
                "Unmatched \\{"
            } else {
                "Invalid content of \\{\\}"
            };
            return Err(Error::new(start, message));
        };
        let min = min.unwrap_or(0);
        if max.is_some_and(|max| max < min) {
            return Err(Error::new(start, "Invalid content of \\{\\}"));
        }
        if min.max(max.unwrap_or(0)) > REPEAT_MAX {
            return Err(Error::new(start, "Regular expression too big"));
        }
        Ok(Some((min, max)))
    }

    fn atom(&mut self, fresh: bool) -> Result<Node, Error> {
        let start = self.cursor.at;
        match self.cursor.peek().expect("a sequence that has not ended") {
            b'\\' => {
                self.cursor.at += 1;
                self.escape(start)
            }
            b'[' => {
                self.cursor.at += 1;
                let style = Style {
                    utf8: self.options.utf8,
                    fold: self.options.ignore_case,
                    newline: self.options.newline,
                };
                let escape =
                    self.options.bracket_escapes.then_some(bracket_escape as bracket::Escape);
                Ok(Node::Set(bracket::parse(&mut self.cursor, style, escape)?))
            }
            b'.' => {
                self.cursor.at += 1;
                Ok(Node::Set(any(self.options)))
            }
            b'^' if self.extended || fresh => {
                self.cursor.at += 1;
                Ok(Node::Assert(if self.options.newline || self.options.line_anchors {
                    Assert::LineStart
                } else {
                    Assert::TextStart
                }))
            }
            b'$' if self.extended || self.dollar_ends() => {
                self.cursor.at += 1;
                Ok(Node::Assert(if self.options.newline || self.options.line_anchors {
                    Assert::LineEnd
                } else {
                    Assert::TextEnd
                }))
            }
            b'(' if self.extended => {
                self.cursor.at += 1;
                self.group(start)
            }
            _ => Ok(self.literal()),
        }
    }

    /// In a basic expression `$` is an anchor only at the end of an alternative.
    fn dollar_ends(&self) -> bool {
        let after = &self.cursor.rest()[1..];
        after.is_empty() || after.starts_with(b"\\)") || after.starts_with(b"\\|")
    }

    fn group(&mut self, start: usize) -> Result<Node, Error> {
        if self.open.len() as u32 >= DEPTH_MAX {
            return Err(Error::new(start, "Regular expression too big"));
        }
        self.groups += 1;
        let number = self.groups;
        self.open.push(number);
        let inner = self.alternatives()?;
        if !self.cursor.eat(if self.extended { b")" } else { b"\\)" }) {
            return Err(Error::new(start, "Unmatched ( or \\("));
        }
        self.open.pop();
        Ok(Node::Group(number, Box::new(inner)))
    }

    fn literal(&mut self) -> Node {
        literal(self.cursor.character().expect("a sequence that has not ended"), self.options)
    }

    fn escape(&mut self, start: usize) -> Result<Node, Error> {
        let Some(letter) = self.cursor.peek() else {
            return Err(Error::new(start, "Trailing backslash"));
        };
        if letter == b'(' && !self.extended {
            self.cursor.at += 1;
            return self.group(start);
        }
        if letter == b'{' && !self.extended {
            return Err(Error::new(start, "Invalid preceding regular expression"));
        }
        if letter.is_ascii_digit() && letter != b'0' {
            self.cursor.at += 1;
            let group = u32::from(letter - b'0');
            if group > self.groups || self.open.contains(&group) {
                return Err(Error::new(start, "Invalid back reference"));
            }
            return Ok(Node::Backref { group, fold: self.options.ignore_case });
        }
        if let Some(node) = common_escape(letter, self.options) {
            self.cursor.at += 1;
            return Ok(node);
        }
        let assert = match letter {
            b'`' => Some(Assert::TextStart),
            b'\'' => Some(Assert::TextEnd),
            b'<' => Some(Assert::WordStart),
            b'>' => Some(Assert::WordEnd),
            _ => None,
        };
        match assert {
            Some(assert) => {
                self.cursor.at += 1;
                Ok(Node::Assert(assert))
            }
            None => Ok(self.literal()),
        }
    }
}

/// `\w \W \s \S \b \B`.
pub(crate) fn common_escape(letter: u8, options: Options) -> Option<Node> {
    let class = |name: &str, inverted: bool| {
        let set = named(name, options.utf8).expect("a class of this crate");
        Node::Set(if inverted { set.inverted(last_character(options.utf8)) } else { set })
    };
    Some(match letter {
        b'w' => class("word", false),
        b'W' => class("word", true),
        b's' => class("space", false),
        b'S' => class("space", true),
        b'b' => Node::Assert(Assert::WordBoundary),
        b'B' => Node::Assert(Assert::NotWordBoundary),
        _ => return None,
    })
}

/// awk's escapes in brackets: a backslash quotes what follows it.
fn bracket_escape(cursor: &mut Cursor<'_>, _utf8: bool) -> Result<bracket::Escaped, Error> {
    match cursor.character() {
        Some(Ok(character)) => Ok(bracket::Escaped::Character(character)),
        _ => Err(Error::new(cursor.at, "Trailing backslash")),
    }
}

/// What `.` matches.
fn any(options: Options) -> Set {
    let none = if options.newline { Set::of(&[u32::from(b'\n')]) } else { Set::default() };
    none.inverted(last_character(options.utf8))
}

/// One character of the expression that stands for itself.
pub(crate) fn literal(character: Result<u32, u8>, options: Options) -> Node {
    match character {
        Err(byte) => Node::Byte(byte),
        Ok(character) => {
            let mut set = Set::of(&[character]);
            if options.ignore_case {
                set.fold(options.utf8);
            }
            Node::Set(set)
        }
    }
}
