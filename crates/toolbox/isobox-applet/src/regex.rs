//! POSIX regular expressions for applets that match now and then (`expr`, `nl`, `csplit`,
//! `find -regex`): small code, bounded time.
//!
//! A pattern becomes a program for a backtracking machine that visits each instruction at each
//! position once, so that time and memory are bounded by their product. Only back-references
//! need more; they give up after a fixed number of steps.

/// The most instructions that repetitions may unfold to.
const PROGRAM_LIMIT: usize = 1 << 15;
/// The most steps of a pattern with back-references.
const STEP_LIMIT: usize = 5_000_000;

#[derive(Debug, Clone)]
enum Node {
    Empty,
    Set(Box<[bool; 256]>),
    Assert(Assertion),
    Group(usize, Box<Node>),
    BackReference(usize),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, usize, Option<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assertion {
    Start,
    End,
    Word,
    NotWord,
    WordStart,
    WordEnd,
}

#[derive(Debug, Clone)]
enum Instruction {
    Set(Box<[bool; 256]>),
    Assert(Assertion),
    BackReference(usize),
    Save(usize),
    /// Goes on at the first, and if that fails at the second.
    Split(usize, usize),
    Jump(usize),
    Match,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Regex {
    program: Vec<Instruction>,
    groups: usize,
    back_references: bool,
    ignore_case: bool,
}

/// Where the whole match (0) and the groups (from 1) are.
pub type Captures = Vec<Option<(usize, usize)>>;

impl Regex {
    /// A basic regular expression, with GNU's `\+ \? \| \w \b \< \>`.
    pub fn basic(pattern: &[u8], ignore_case: bool) -> Result<Self, String> {
        Self::compile(pattern, false, ignore_case)
    }

    /// An extended one.
    pub fn extended(pattern: &[u8], ignore_case: bool) -> Result<Self, String> {
        Self::compile(pattern, true, ignore_case)
    }

    fn compile(pattern: &[u8], extended: bool, ignore_case: bool) -> Result<Self, String> {
        let mut parser = Parser {
            pattern,
            at: 0,
            extended,
            ignore_case,
            groups: 0,
            depth: 0,
            back_references: false,
        };
        let node = parser.alternatives()?;
        if parser.at < pattern.len() {
            return Err(parser.error("unmatched )"));
        }
        let mut regex = Self {
            program: Vec::new(),
            groups: parser.groups,
            back_references: parser.back_references,
            ignore_case,
        };
        regex.emit(&node)?;
        regex.program.push(Instruction::Match);
        Ok(regex)
    }

    /// How many groups the pattern has.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.groups
    }

    /// Whether it matches somewhere.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.find(text, 0).is_some()
    }

    /// The leftmost match from a position on.
    #[must_use]
    pub fn find(&self, text: &[u8], from: usize) -> Option<Captures> {
        (from..=text.len()).find_map(|start| self.match_at(text, start))
    }

    /// The match that begins at a position.
    #[must_use]
    pub fn match_at(&self, text: &[u8], start: usize) -> Option<Captures> {
        let mut slots = vec![usize::MAX; (self.groups + 1) * 2];
        let width = text.len() - start + 1;
        let mut visited =
            vec![
                0_u64;
                if self.back_references { 0 } else { (self.program.len() * width).div_ceil(64) }
            ];
        let mut steps = 0;
        // What to go back to: an instruction at a position, or a slot's former value.
        enum Back {
            To(usize, usize),
            Slot(usize, usize),
        }
        let mut stack = vec![Back::To(0, start)];
        while let Some(back) = stack.pop() {
            let (mut pc, mut at) = match back {
                Back::Slot(slot, value) => {
                    slots[slot] = value;
                    continue;
                }
                Back::To(pc, at) => (pc, at),
            };
            loop {
                if self.back_references {
                    steps += 1;
                    if steps > STEP_LIMIT {
                        return None;
                    }
                } else {
                    let bit = pc * width + (at - start);
                    if visited[bit / 64] & (1 << (bit % 64)) != 0 {
                        break;
                    }
                    visited[bit / 64] |= 1 << (bit % 64);
                }
                match &self.program[pc] {
                    Instruction::Set(set) => {
                        if !text.get(at).is_some_and(|&byte| set[usize::from(byte)]) {
                            break;
                        }
                        at += 1;
                        pc += 1;
                    }
                    Instruction::Assert(assertion) => {
                        if !holds(*assertion, text, at) {
                            break;
                        }
                        pc += 1;
                    }
                    Instruction::BackReference(group) => {
                        let (from, to) = (slots[group * 2], slots[group * 2 + 1]);
                        if to == usize::MAX || from == usize::MAX {
                            break;
                        }
                        let same = text.get(at..at + (to - from)).is_some_and(|part| {
                            if self.ignore_case {
                                part.eq_ignore_ascii_case(&text[from..to])
                            } else {
                                part == &text[from..to]
                            }
                        });
                        if !same {
                            break;
                        }
                        at += to - from;
                        pc += 1;
                    }
                    Instruction::Save(slot) => {
                        stack.push(Back::Slot(*slot, slots[*slot]));
                        slots[*slot] = at;
                        pc += 1;
                    }
                    Instruction::Split(first, second) => {
                        stack.push(Back::To(*second, at));
                        pc = *first;
                    }
                    Instruction::Jump(to) => pc = *to,
                    Instruction::Match => {
                        slots[0] = start;
                        slots[1] = at;
                        return Some(
                            slots
                                .chunks(2)
                                .map(|pair| (pair[1] != usize::MAX).then_some((pair[0], pair[1])))
                                .collect(),
                        );
                    }
                }
            }
        }
        None
    }

    fn emit(&mut self, node: &Node) -> Result<(), String> {
        if self.program.len() > PROGRAM_LIMIT {
            return Err("regular expression too big".into());
        }
        match node {
            Node::Empty => {}
            Node::Set(set) => self.program.push(Instruction::Set(set.clone())),
            Node::Assert(assertion) => self.program.push(Instruction::Assert(*assertion)),
            Node::BackReference(group) => self.program.push(Instruction::BackReference(*group)),
            Node::Group(number, inner) => {
                self.program.push(Instruction::Save(number * 2));
                self.emit(inner)?;
                self.program.push(Instruction::Save(number * 2 + 1));
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.emit(node)?;
                }
            }
            Node::Either(branches) => {
                let mut ends = Vec::new();
                for (index, branch) in branches.iter().enumerate() {
                    if index + 1 == branches.len() {
                        self.emit(branch)?;
                        break;
                    }
                    let split = self.program.len();
                    self.program.push(Instruction::Split(split + 1, 0));
                    self.emit(branch)?;
                    ends.push(self.program.len());
                    self.program.push(Instruction::Jump(0));
                    self.program[split] = Instruction::Split(split + 1, self.program.len());
                }
                let end = self.program.len();
                for jump in ends {
                    self.program[jump] = Instruction::Jump(end);
                }
            }
            Node::Repeat(inner, least, most) => self.emit_repeat(inner, *least, *most)?,
        }
        Ok(())
    }

    fn emit_repeat(
        &mut self,
        inner: &Node,
        least: usize,
        most: Option<usize>,
    ) -> Result<(), String> {
        for _ in 0..least {
            self.emit(inner)?;
        }
        match most {
            None => {
                let split = self.program.len();
                self.program.push(Instruction::Split(split + 1, 0));
                self.emit(inner)?;
                self.program.push(Instruction::Jump(split));
                self.program[split] = Instruction::Split(split + 1, self.program.len());
            }
            Some(most) => {
                let mut splits = Vec::new();
                for _ in least..most {
                    splits.push(self.program.len());
                    self.program.push(Instruction::Split(0, 0));
                    self.emit(inner)?;
                }
                let end = self.program.len();
                for split in splits {
                    self.program[split] = Instruction::Split(split + 1, end);
                }
            }
        }
        Ok(())
    }
}

fn holds(assertion: Assertion, text: &[u8], at: usize) -> bool {
    let word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = at > 0 && word(text.get(at - 1));
    let after = word(text.get(at));
    match assertion {
        Assertion::Start => at == 0,
        Assertion::End => at == text.len(),
        Assertion::Word => before != after,
        Assertion::NotWord => before == after,
        Assertion::WordStart => !before && after,
        Assertion::WordEnd => before && !after,
    }
}

struct Parser<'p> {
    pattern: &'p [u8],
    at: usize,
    extended: bool,
    ignore_case: bool,
    groups: usize,
    depth: usize,
    back_references: bool,
}

impl Parser<'_> {
    fn error(&self, what: &str) -> String {
        format!("bad regular expression '{}': {what}", String::from_utf8_lossy(self.pattern))
    }

    /// Whether an operator stands here: bare in extended expressions, after `\` in basic ones.
    fn operator(&self, letter: u8) -> bool {
        let rest = &self.pattern[self.at..];
        if self.extended {
            rest.first() == Some(&letter)
        } else {
            rest.starts_with(&[b'\\', letter])
        }
    }

    fn skip_operator(&mut self) {
        self.at += if self.extended { 1 } else { 2 };
    }

    fn alternatives(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > 200 {
            return Err(self.error("groups too deep"));
        }
        let mut branches = vec![self.sequence()?];
        while self.operator(b'|') {
            self.skip_operator();
            branches.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Either(branches) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes: Vec<Node> = Vec::new();
        while self.at < self.pattern.len() && !self.operator(b'|') {
            if self.operator(b')') && (self.depth > 1 || !self.extended) {
                break;
            }
            let first = nodes.is_empty();
            let mut node = self.atom(first)?;
            while let Some((least, most)) =
                self.repetition(matches!(node, Node::Assert(Assertion::Start)) && !self.extended)?
            {
                node = Node::Repeat(Box::new(node), least, most);
            }
            nodes.push(node);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Sequence(nodes),
        })
    }

    fn atom(&mut self, first: bool) -> Result<Node, String> {
        if self.operator(b'(') {
            self.skip_operator();
            self.groups += 1;
            let number = self.groups;
            let inner = self.alternatives()?;
            if !self.operator(b')') {
                return Err(self.error("unmatched ("));
            }
            self.skip_operator();
            return Ok(Node::Group(number, Box::new(inner)));
        }
        let byte = self.pattern[self.at];
        self.at += 1;
        match byte {
            b'.' => {
                let mut set = Box::new([true; 256]);
                set[0] = true;
                Ok(Node::Set(set))
            }
            b'[' => self.bracket(),
            b'^' if self.extended || first => Ok(Node::Assert(Assertion::Start)),
            b'$' if self.extended || self.ends() => Ok(Node::Assert(Assertion::End)),
            b'*' | b'+' | b'?' if self.extended && first => Err(self.error("nothing to repeat")),
            b'\\' => self.escape(),
            literal => Ok(self.literal(literal)),
        }
    }

    /// In a basic expression `$` is special at the end only.
    fn ends(&self) -> bool {
        self.at == self.pattern.len() || self.operator(b')') || self.operator(b'|')
    }

    fn literal(&self, byte: u8) -> Node {
        let mut set = Box::new([false; 256]);
        set[usize::from(byte)] = true;
        if self.ignore_case {
            set[usize::from(byte.to_ascii_lowercase())] = true;
            set[usize::from(byte.to_ascii_uppercase())] = true;
        }
        Node::Set(set)
    }

    fn escape(&mut self) -> Result<Node, String> {
        let Some(&byte) = self.pattern.get(self.at) else {
            return Err(self.error("trailing backslash"));
        };
        self.at += 1;
        let class = |test: fn(u8) -> bool| {
            let mut set = Box::new([false; 256]);
            (0..=255).for_each(|byte: u8| set[usize::from(byte)] = test(byte));
            Ok(Node::Set(set))
        };
        match byte {
            b'w' => class(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            b'W' => class(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')),
            b's' => class(|byte| matches!(byte, b'\t'..=b'\r' | b' ')),
            b'S' => class(|byte| !matches!(byte, b'\t'..=b'\r' | b' ')),
            b'b' => Ok(Node::Assert(Assertion::Word)),
            b'B' => Ok(Node::Assert(Assertion::NotWord)),
            b'<' => Ok(Node::Assert(Assertion::WordStart)),
            b'>' => Ok(Node::Assert(Assertion::WordEnd)),
            b'`' => Ok(Node::Assert(Assertion::Start)),
            b'\'' => Ok(Node::Assert(Assertion::End)),
            b'1'..=b'9' => {
                let group = usize::from(byte - b'0');
                if group > self.groups {
                    return Err(self.error("invalid back-reference"));
                }
                self.back_references = true;
                Ok(Node::BackReference(group))
            }
            b'n' => Ok(self.literal(b'\n')),
            b't' => Ok(self.literal(b'\t')),
            other => Ok(self.literal(other)),
        }
    }

    fn repetition(&mut self, after_start: bool) -> Result<Option<(usize, Option<usize>)>, String> {
        let Some(&byte) = self.pattern.get(self.at) else { return Ok(None) };
        if byte == b'*' && !after_start {
            self.at += 1;
            return Ok(Some((0, None)));
        }
        for (letter, bounds) in [(b'+', (1, None)), (b'?', (0, Some(1)))] {
            if self.operator(letter) {
                self.skip_operator();
                return Ok(Some(bounds));
            }
        }
        if !self.operator(b'{') {
            return Ok(None);
        }
        self.skip_operator();
        let least = self.number();
        let most = if self.pattern.get(self.at) == Some(&b',') {
            self.at += 1;
            self.number()
        } else {
            least
        };
        if !self.operator(b'}')
            || least.is_none() && most.is_none() && self.pattern[self.at - 1] != b','
        {
            return Err(self.error("invalid content of {}"));
        }
        self.skip_operator();
        let least = least.unwrap_or(0);
        if most.is_some_and(|most| most < least || most > 32767) || least > 32767 {
            return Err(self.error("invalid content of {}"));
        }
        Ok(Some((least, most)))
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        while self.pattern.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        std::str::from_utf8(&self.pattern[start..self.at]).ok()?.parse().ok()
    }

    fn bracket(&mut self) -> Result<Node, String> {
        let mut set = Box::new([false; 256]);
        let negated = self.pattern.get(self.at) == Some(&b'^');
        self.at += usize::from(negated);
        let mut first = true;
        loop {
            let Some(&byte) = self.pattern.get(self.at) else {
                return Err(self.error("unmatched ["));
            };
            if byte == b']' && !first {
                self.at += 1;
                break;
            }
            first = false;
            if byte == b'[' && self.pattern.get(self.at + 1) == Some(&b':') {
                self.class(&mut set)?;
                continue;
            }
            let start = self.element()?;
            if self.pattern.get(self.at) == Some(&b'-')
                && self.pattern.get(self.at + 1).is_some_and(|&byte| byte != b']')
            {
                self.at += 1;
                let end = self.element()?;
                if start > end {
                    return Err(self.error("invalid range end"));
                }
                (start..=end).for_each(|byte| set[usize::from(byte)] = true);
            } else {
                set[usize::from(start)] = true;
            }
        }
        if self.ignore_case {
            for byte in b'a'..=b'z' {
                let upper = byte.to_ascii_uppercase();
                let either = set[usize::from(byte)] || set[usize::from(upper)];
                set[usize::from(byte)] = either;
                set[usize::from(upper)] = either;
            }
        }
        if negated {
            set.iter_mut().for_each(|among| *among = !*among);
        }
        Ok(Node::Set(set))
    }

    /// A byte of a bracket expression: itself, `[.x.]` or `[=x=]`.
    fn element(&mut self) -> Result<u8, String> {
        let rest = &self.pattern[self.at..];
        if let [b'[', kind @ (b'.' | b'='), byte, close, b']', ..] = rest
            && kind == close
        {
            self.at += 5;
            return Ok(*byte);
        }
        let Some(&byte) = rest.first() else { return Err(self.error("unmatched [")) };
        self.at += 1;
        Ok(byte)
    }

    fn class(&mut self, set: &mut [bool; 256]) -> Result<(), String> {
        let rest = &self.pattern[self.at + 2..];
        let Some(end) = rest.windows(2).position(|pair| pair == b":]") else {
            return Err(self.error("unmatched [:"));
        };
        let test =
            class_test(&rest[..end]).ok_or_else(|| self.error("unknown class of characters"))?;
        (0..=255).filter(test).for_each(|byte: u8| set[usize::from(byte)] = true);
        self.at += end + 4;
        Ok(())
    }
}

/// The test of a class of characters by its name, such as `alpha`.
#[must_use]
pub fn class_test(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alpha" => u8::is_ascii_alphabetic,
        b"digit" => u8::is_ascii_digit,
        b"alnum" => u8::is_ascii_alphanumeric,
        b"upper" => u8::is_ascii_uppercase,
        b"lower" => u8::is_ascii_lowercase,
        b"space" => |byte| matches!(byte, b'\t'..=b'\r' | b' '),
        b"blank" => |byte| matches!(byte, b'\t' | b' '),
        b"punct" => u8::is_ascii_punctuation,
        b"cntrl" => u8::is_ascii_control,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"graph" => u8::is_ascii_graphic,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The match and the groups, or `-`.
    fn check(regex: Result<Regex, String>, text: &str, expected: &str) {
        let found = match &regex {
            Err(error) => format!("error: {error}"),
            Ok(regex) => match regex.find(text.as_bytes(), 0) {
                None => "-".to_owned(),
                Some(captures) => captures
                    .iter()
                    .map(|range| range.map_or("?", |(start, end)| &text[start..end]))
                    .collect::<Vec<_>>()
                    .join("|"),
            },
        };
        assert_eq!(found, expected, "{regex:?} on {text}");
    }

    #[test]
    fn basic_expressions() {
        for (pattern, text, expected) in [
            ("a*", "aaab", "aaa"),
            ("\\(a*\\)b", "aaab", "aaab|aaa"),
            ("a\\{2,3\\}", "aaaa", "aaa"),
            ("*a", "x*a", "*a"),
            ("^*a", "*a", "*a"),
            ("a$b", "a$b", "a$b"),
            ("x$", "xyx", "x"),
            ("\\(.\\)\\1", "abccd", "cc|c"),
            ("[[:digit:]]\\+", "ab12c", "12"),
            ("a\\|b", "cb", "b"),
            ("[]a]*", "]a]x", "]a]"),
            ("[^a-c]", "abcd", "d"),
            ("\\<b", "ab b", "b"),
            ("a+", "a+", "a+"),
            ("\\(a*\\)*", "b", "|?"),
        ] {
            check(Regex::basic(pattern.as_bytes(), false), text, expected);
        }
        assert!(Regex::basic(b"\\(a", false).is_err());
        assert!(Regex::basic(b"[a", false).is_err());
        assert!(Regex::basic(b"a\\{3,2\\}", false).is_err());
        assert!(Regex::basic(b"a\\", false).is_err());
    }

    #[test]
    fn extended_expressions() {
        for (pattern, text, expected) in [
            ("(a|b)+c", "xabac", "abac|a"),
            ("a{2}", "aaa", "aa"),
            ("(a*)*", "aaa", "aaa|aaa"),
            ("x?y", "xy", "xy"),
            ("^(foo|bar)$", "bar", "bar|bar"),
            ("(a)(b)?", "ac", "a|a|?"),
        ] {
            check(Regex::extended(pattern.as_bytes(), false), text, expected);
        }
        check(Regex::extended(b"ABC[d-f]", true), "xabcE", "abcE");
    }

    #[test]
    fn no_pattern_takes_for_ever() {
        let text = vec![b'a'; 2000];
        let regex = Regex::extended(b"(a*)*(a|aa)*b", false).unwrap();
        assert!(!regex.is_match(&text[..200]));
        assert!(Regex::extended(b"((a{1000}){1000}){1000}", false).is_err());
    }
}
