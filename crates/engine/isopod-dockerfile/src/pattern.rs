//! Patterns of names: Go's `filepath.Match`, `.dockerignore`, and shell patterns of `${x#pat}`.
//!
//! Matched by following all possibilities at once, so that no pattern takes more time than its
//! length times the name's.

/// A pattern that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern {pattern:?}: {reason}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong.
    pub reason: &'static str,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    nodes: Vec<Node>,
    literal: bool,
}

#[derive(Debug, Clone)]
enum Node {
    One(char),
    NotSlash,
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// Go on here and there.
    Split(usize, usize),
}

impl Pattern {
    /// A pattern as `filepath.Match` of Go takes it: `*` and `?` do not match `/`.
    pub fn glob(text: &str) -> Result<Self, PatternError> {
        compile(text, Style::Glob)
    }

    /// A pattern of `.dockerignore`: `**` matches any number of directories.
    pub fn ignore(text: &str) -> Result<Self, PatternError> {
        compile(text, Style::Ignore)
    }

    /// A shell pattern: `*` and `?` match everything.
    pub fn shell(text: &str) -> Result<Self, PatternError> {
        compile(text, Style::Shell)
    }

    /// Whether it has no wildcard at all.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.literal
    }

    /// Whether all of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut run = Run::new(self);
        for c in text.chars() {
            if !run.step(self, c) {
                return false;
            }
        }
        run.accepts(self)
    }

    /// Lengths in bytes of the beginnings of `text` that match, ascending.
    #[must_use]
    pub fn prefixes(&self, text: &str) -> Vec<usize> {
        let mut run = Run::new(self);
        let mut found = Vec::new();
        if run.accepts(self) {
            found.push(0);
        }
        for (at, c) in text.char_indices() {
            if !run.step(self, c) {
                break;
            }
            if run.accepts(self) {
                found.push(at + c.len_utf8());
            }
        }
        found
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Glob,
    Ignore,
    Shell,
}

fn compile(text: &str, style: Style) -> Result<Pattern, PatternError> {
    let bad = |reason| PatternError { pattern: text.to_owned(), reason };
    let mut nodes = Vec::new();
    let mut literal = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                literal = false;
                let mut deep = style == Style::Shell;
                if style == Style::Ignore && chars.peek() == Some(&'*') {
                    while chars.peek() == Some(&'*') {
                        chars.next();
                    }
                    deep = true;
                    if chars.peek() == Some(&'/') {
                        chars.next();
                        // (.*/)?
                        let start = nodes.len();
                        nodes.push(Node::Split(start + 1, start + 4));
                        nodes.push(Node::Split(start + 2, start + 3));
                        nodes.push(Node::Any);
                        nodes.push(Node::One('/'));
                        continue;
                    }
                    if chars.peek().is_some() {
                        // (.*/)? before the rest of the name
                        let start = nodes.len();
                        nodes.push(Node::Split(start + 1, start + 4));
                        nodes.push(Node::Split(start + 2, start + 3));
                        nodes.push(Node::Any);
                        nodes.push(Node::One('/'));
                        let start = nodes.len();
                        nodes.push(Node::Split(start + 1, start + 2));
                        nodes.push(Node::NotSlash);
                        continue;
                    }
                }
                let start = nodes.len();
                nodes.push(Node::Split(start + 1, start + 2));
                nodes.push(if deep { Node::Any } else { Node::NotSlash });
            }
            '?' => {
                literal = false;
                nodes.push(if style == Style::Shell { Node::Any } else { Node::NotSlash });
            }
            '[' if style != Style::Shell => {
                literal = false;
                nodes.push(class(&mut chars).map_err(bad)?);
            }
            '\\' => {
                let next = chars.next().ok_or_else(|| bad("it ends in a backslash"))?;
                nodes.push(Node::One(next));
            }
            other => nodes.push(Node::One(other)),
        }
    }
    Ok(Pattern { nodes, literal })
}

/// `[a-z]`, `[^a]`; the bracket is read already.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Node, &'static str> {
    const OPEN: &str = "a [ is not closed";
    let negated = matches!(chars.peek(), Some('^' | '!'));
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    let mut one = |first: bool| -> Result<Option<char>, &'static str> {
        match chars.next().ok_or(OPEN)? {
            ']' if !first => Ok(None),
            '\\' => chars.next().map(Some).ok_or(OPEN),
            other => Ok(Some(other)),
        }
    };
    let mut pending: Vec<char> = Vec::new();
    let mut first = true;
    while let Some(c) = one(first)? {
        first = false;
        pending.push(c);
    }
    let mut index = 0;
    while index < pending.len() {
        if index + 2 < pending.len() && pending[index + 1] == '-' {
            ranges.push((pending[index], pending[index + 2]));
            index += 3;
        } else {
            ranges.push((pending[index], pending[index]));
            index += 1;
        }
    }
    Ok(Node::Class { negated, ranges })
}

/// The places in a pattern where a name may be.
struct Run {
    at: Vec<bool>,
}

impl Run {
    fn new(pattern: &Pattern) -> Self {
        let mut run = Self { at: vec![false; pattern.nodes.len() + 1] };
        add(&mut run.at, &pattern.nodes, 0);
        run
    }

    fn accepts(&self, pattern: &Pattern) -> bool {
        self.at[pattern.nodes.len()]
    }

    /// Takes one character; whether there is any hope left.
    fn step(&mut self, pattern: &Pattern, c: char) -> bool {
        let mut next = vec![false; self.at.len()];
        let mut alive = false;
        for (index, node) in pattern.nodes.iter().enumerate() {
            if !self.at[index] {
                continue;
            }
            let fits = match node {
                Node::One(one) => *one == c,
                Node::NotSlash => c != '/',
                Node::Any => true,
                Node::Class { negated, ranges } => {
                    c != '/' && ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated
                }
                Node::Split(..) => false,
            };
            if fits {
                alive = true;
                let to = if repeats(&pattern.nodes, index) { index - 1 } else { index + 1 };
                add(&mut next, &pattern.nodes, to);
            }
        }
        self.at = next;
        alive
    }
}

/// Whether the node is what a split just before it repeats.
fn repeats(nodes: &[Node], index: usize) -> bool {
    index > 0
        && matches!(nodes[index], Node::Any | Node::NotSlash)
        && matches!(nodes[index - 1], Node::Split(body, after) if body == index && after == index + 1)
}

fn add(at: &mut [bool], nodes: &[Node], index: usize) {
    if at[index] {
        return;
    }
    at[index] = true;
    if let Some(Node::Split(one, other)) = nodes.get(index) {
        add(at, nodes, *one);
        add(at, nodes, *other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*.go", "a.go", true),
            ("*.go", "a/b.go", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("\\*", "*", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("", "", true),
            ("*", "", true),
        ] {
            let compiled = Pattern::glob(pattern).expect(pattern);
            assert_eq!(compiled.matches(text), expected, "{pattern} {text}");
        }
        assert!(Pattern::glob("[a").is_err());
        assert!(Pattern::glob("a\\").is_err());
    }

    #[test]
    fn deep_patterns() {
        for (pattern, text, expected) in [
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("**/x", "ax", false),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("**", "a/b", true),
            ("**.md", "a/b.md", true),
            ("*/x", "a/b/x", false),
            ("a/*/x", "a/b/x", true),
        ] {
            let compiled = Pattern::ignore(pattern).expect(pattern);
            assert_eq!(compiled.matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn prefixes_of_shell_patterns() {
        let pattern = Pattern::shell("*/").expect("valid");
        assert_eq!(pattern.prefixes("a/b/c"), [2, 4]);
        // Takes no exponential time.
        let many = Pattern::shell(&"*a".repeat(50)).expect("valid");
        assert!(!many.matches(&"a".repeat(49)));
    }
}
