//! Matching by automata of `regex-automata`.
//!
//! They prefer the first alternative; POSIX wants the longest match. Both begin at the same place,
//! the leftmost one where anything matches. So the place is found first, and then, where the two
//! can differ, a lazily built automaton that knows no preference finds the longest end from there.

use std::cell::RefCell;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta;
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, Look,
    Repetition,
};

use crate::Span;
use crate::ast::{Assert, Ast, Greed, Node};
use crate::class::Set;
use crate::error::Error;

/// The largest automaton, in bytes of memory.
const SIZE_MAX: usize = 64 << 20;

#[derive(Debug)]
pub(crate) struct Automaton {
    leftmost: meta::Regex,
    longest: Option<Longest>,
    /// The expression anchored at the end of the text, for what groups matched.
    whole: Option<meta::Regex>,
}

#[derive(Debug)]
struct Longest {
    dfa: DFA,
    /// The states that were built so far. One thread uses an expression at a time; another would
    /// find the cell in use and fail, so the type is not shared between threads.
    cache: RefCell<Cache>,
}

impl Automaton {
    pub(crate) fn new(ast: &Ast, utf8: bool, longest: bool) -> Result<Self, Error> {
        let hir = hir(&ast.root, utf8);
        let leftmost = build(&hir)?;
        if !longest || ast.root.greedy_is_longest() {
            return Ok(Self { leftmost, longest: None, whole: None });
        }
        let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(SIZE_MAX));
        let nfa = thompson::Compiler::new().configure(config.clone()).build_from_hir(&hir);
        let whole = if ast.groups == 0 {
            None
        } else {
            Some(build(&Hir::concat(vec![hir.clone(), Hir::look(Look::End)]))?)
        };
        Ok(Self { leftmost, longest: Some(Longest::new(nfa.map_err(too_big)?)?), whole })
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.leftmost.is_match(text)
    }

    pub(crate) fn first_end(&self, text: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(text).range(start..).earliest(true);
        self.leftmost.search_half(&input).map(|half| half.offset())
    }

    pub(crate) fn find_at(&self, text: &[u8], start: usize) -> Option<Span> {
        let found = self.leftmost.search(&Input::new(text).range(start..))?;
        let end = match &self.longest {
            Some(longest) => longest.end(text, found.start()).unwrap_or(found.end()),
            None => found.end(),
        };
        Some((found.start(), end))
    }

    pub(crate) fn groups_at(&self, text: &[u8], start: usize) -> Option<Vec<Option<Span>>> {
        let regex = self.whole.as_ref().unwrap_or(&self.leftmost);
        let mut captures = regex.create_captures();
        let input = if self.longest.is_some() {
            let (first, end) = self.find_at(text, start)?;
            if self.whole.is_none() {
                return Some(vec![Some((first, end))]);
            }
            Input::new(&text[..end]).range(first..).anchored(Anchored::Yes)
        } else {
            Input::new(text).range(start..)
        };
        regex.search_captures(&input, &mut captures);
        spans(&captures)
    }
}

fn spans(captures: &Captures) -> Option<Vec<Option<Span>>> {
    captures
        .is_match()
        .then(|| captures.iter().map(|span| span.map(|span| (span.start, span.end))).collect())
}

impl Longest {
    fn new(nfa: NFA) -> Result<Self, Error> {
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(8 << 20)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(too_big)?;
        let cache = RefCell::new(dfa.create_cache());
        Ok(Self { dfa, cache })
    }

    /// Where the longest match from `start` ends.
    fn end(&self, text: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let found = self.dfa.try_search_fwd(&mut self.cache.borrow_mut(), &input);
        found.ok().flatten().map(|half| half.offset())
    }
}

fn build(hir: &Hir) -> Result<meta::Regex, Error> {
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(SIZE_MAX));
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(too_big)
}

fn too_big<E>(_: E) -> Error {
    Error::new(0, "Regular expression too big")
}

fn hir(node: &Node, utf8: bool) -> Hir {
    match node {
        Node::Empty => Hir::empty(),
        Node::Byte(byte) => Hir::literal([*byte]),
        Node::Set(set) => Hir::class(class(set, utf8)),
        Node::Assert(assert) => Hir::look(look(*assert)),
        Node::Group(index, node) => {
            Hir::capture(Capture { index: *index, name: None, sub: Box::new(hir(node, utf8)) })
        }
        Node::Concat(nodes) => Hir::concat(nodes.iter().map(|node| hir(node, utf8)).collect()),
        Node::Alternate(nodes) => {
            Hir::alternation(nodes.iter().map(|node| hir(node, utf8)).collect())
        }
        Node::Repeat { node, min, max, greed } => Hir::repetition(Repetition {
            min: *min,
            max: *max,
            greedy: *greed == Greed::Greedy,
            sub: Box::new(hir(node, utf8)),
        }),
        Node::Backref { .. } | Node::Look { .. } | Node::Atomic(_) | Node::Keep => {
            unreachable!("left to the program that backtracks")
        }
    }
}

fn class(set: &Set, utf8: bool) -> Class {
    if utf8 {
        let ranges = set.ranges().iter().filter_map(|&(first, last)| {
            // The surrogates are no characters; a range may begin, end or lie among them.
            let first = char::from_u32(first).unwrap_or('\u{e000}');
            let last = char::from_u32(last).unwrap_or('\u{d7ff}');
            (first <= last).then(|| ClassUnicodeRange::new(first, last))
        });
        return Class::Unicode(ClassUnicode::new(ranges));
    }
    let byte = |code: u32| u8::try_from(code).unwrap_or(u8::MAX);
    let ranges = set.ranges().iter().map(|&(a, b)| ClassBytesRange::new(byte(a), byte(b)));
    Class::Bytes(ClassBytes::new(ranges))
}

fn look(assert: Assert) -> Look {
    match assert {
        Assert::TextStart => Look::Start,
        Assert::TextEnd => Look::End,
        Assert::LineStart => Look::StartLF,
        Assert::LineEnd => Look::EndLF,
        Assert::WordBoundary => Look::WordAscii,
        Assert::NotWordBoundary => Look::WordAsciiNegate,
        Assert::WordStart => Look::WordStartAscii,
        Assert::WordEnd => Look::WordEndAscii,
        Assert::NotWordBefore => Look::WordStartHalfAscii,
        Assert::NotWordAfter => Look::WordEndHalfAscii,
        Assert::TextEndNewline => unreachable!("left to the program that backtracks"),
    }
}
