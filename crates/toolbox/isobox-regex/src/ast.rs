//! What every dialect is parsed into.

use crate::Options;
use crate::class::Set;

/// A piece of a regular expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Matches nothing, everywhere.
    Empty,
    /// Exactly this byte, which in UTF-8 mode is no character of its own.
    Byte(u8),
    /// One character of a set.
    Set(Set),
    /// A place, not a character.
    Assert(Assert),
    /// A group that is remembered, by its number.
    Group(u32, Box<Node>),
    /// One after the other.
    Concat(Vec<Node>),
    /// One of several.
    Alternate(Vec<Node>),
    /// As often as this; `None` is without limit.
    Repeat { node: Box<Node>, min: u32, max: Option<u32>, greed: Greed },
    /// What a group matched, again.
    Backref { group: u32, fold: bool },
    /// Whether something matches here, without moving.
    Look { node: Box<Node>, negative: bool, behind: bool },
    /// Once matched, not tried otherwise.
    Atomic(Box<Node>),
    /// The match begins here (`\K`).
    Keep,
}

/// How a repetition chooses among the possible counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// A condition on a place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assert {
    TextStart,
    TextEnd,
    /// At the end, or before a newline at the end.
    TextEndNewline,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
    WordStart,
    WordEnd,
    /// No word character before.
    NotWordBefore,
    /// No word character after.
    NotWordAfter,
}

/// A parsed expression.
#[derive(Debug)]
pub(crate) struct Ast {
    pub(crate) root: Node,
    /// Groups, not counting the whole match.
    pub(crate) groups: u32,
    /// Names of groups, by their numbers.
    pub(crate) names: Vec<(String, u32)>,
}

impl Ast {
    /// Numbers the groups from `first` + 1 on.
    pub(crate) fn count_from(&mut self, first: u32) {
        self.root.each(&mut |node| match node {
            Node::Group(number, _) => *number += first,
            Node::Backref { group, .. } => *group += first,
            _ => {}
        });
        self.names.iter_mut().for_each(|(_, number)| *number += first);
    }

    /// Confines matches to lines, to whole lines or to whole words.
    pub(crate) fn confine(&mut self, options: Options) {
        if options.newline {
            self.root.each(&mut |node| {
                if let Node::Set(set) = node {
                    *set = set.without(u32::from(b'\n'));
                }
            });
        }
        let (before, after) = match (options.line, options.newline) {
            (true, true) => (Assert::LineStart, Assert::LineEnd),
            (true, false) => (Assert::TextStart, Assert::TextEnd),
            (false, _) if options.word => (Assert::NotWordBefore, Assert::NotWordAfter),
            (false, _) => return,
        };
        let root = std::mem::replace(&mut self.root, Node::Empty);
        self.root = Node::Concat(vec![Node::Assert(before), root, Node::Assert(after)]);
    }
}

impl Node {
    /// Whether this depends on where the whole text begins or ends.
    pub(crate) fn sees_the_whole_text(&self) -> bool {
        matches!(self, Self::Assert(Assert::TextStart | Assert::TextEnd | Assert::TextEndNewline))
    }

    pub(crate) fn concat(mut nodes: Vec<Self>) -> Self {
        match nodes.len() {
            0 => Self::Empty,
            1 => nodes.remove(0),
            _ => Self::Concat(nodes),
        }
    }

    pub(crate) fn alternate(mut nodes: Vec<Self>) -> Self {
        if nodes.len() == 1 { nodes.remove(0) } else { Self::Alternate(nodes) }
    }

    pub(crate) fn repeat(self, min: u32, max: Option<u32>, greed: Greed) -> Self {
        Self::Repeat { node: Box::new(self), min, max, greed }
    }

    /// Calls `change` with every part of the expression.
    pub(crate) fn each(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        match self {
            Self::Group(_, node) | Self::Atomic(node) => node.each(change),
            Self::Repeat { node, .. } | Self::Look { node, .. } => node.each(change),
            Self::Concat(nodes) | Self::Alternate(nodes) => {
                nodes.iter_mut().for_each(|node| node.each(change));
            }
            _ => {}
        }
    }

    /// Whether any part of the expression satisfies `wanted`.
    pub(crate) fn any(&self, wanted: &impl Fn(&Self) -> bool) -> bool {
        wanted(self)
            || match self {
                Self::Group(_, node) | Self::Atomic(node) => node.any(wanted),
                Self::Repeat { node, .. } | Self::Look { node, .. } => node.any(wanted),
                Self::Concat(nodes) | Self::Alternate(nodes) => {
                    nodes.iter().any(|node| node.any(wanted))
                }
                _ => false,
            }
    }

    /// Whether only a program that remembers can match it, not an automaton.
    pub(crate) fn needs_backtracking(&self) -> bool {
        self.any(&|node| match node {
            Self::Backref { .. } | Self::Look { .. } | Self::Atomic(_) | Self::Keep => true,
            Self::Repeat { greed, .. } => *greed == Greed::Possessive,
            Self::Assert(assert) => *assert == Assert::TextEndNewline,
            _ => false,
        })
    }

    /// Whether preferring the first alternative and the highest count gives the longest match:
    /// so it does without alternatives and with one varying count at most, of one character.
    pub(crate) fn greedy_is_longest(&self) -> bool {
        fn varying(node: &Node) -> usize {
            match node {
                Node::Alternate(_) => 2,
                Node::Group(_, node) => varying(node),
                Node::Concat(nodes) => nodes.iter().map(varying).sum(),
                Node::Repeat { node, min, max, .. } => {
                    let inner = varying(node);
                    let single = matches!(**node, Node::Byte(_) | Node::Set(_));
                    match (*max == Some(*min), single) {
                        (true, _) => inner * 2,
                        (false, true) => 1,
                        (false, false) => 2,
                    }
                }
                _ => 0,
            }
        }
        varying(self) <= 1
    }
}
