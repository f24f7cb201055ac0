//! Regular expressions over bytes for the toolbox: POSIX basic and extended ones with GNU's
//! additions, which match leftmost and longest, and Perl's for `grep -P`.
//!
//! ```
//! use isobox_regex::{Options, Regex, Syntax};
//!
//! let regex = Regex::new(b"x|x(yz*)", Syntax::Extended, Options::default())?;
//! assert_eq!(regex.find_at(b"-xyzz-", 0), Ok(Some((1, 5))));
//! let groups = regex.groups_at(b"-xyzz-", 0).unwrap().unwrap();
//! assert_eq!(groups, [Some((1, 5)), Some((2, 5))]);
//! # Ok::<(), isobox_regex::Error>(())
//! ```
//!
//! An expression that an automaton can match is matched by one, in time that grows with the text
//! only; the others (back-references, look-around) by a program that backtracks, in a bounded
//! number of steps. In UTF-8 mode a character is a UTF-8 sequence and bytes that are none match
//! neither `.` nor brackets; otherwise a character is a byte.

mod ast;
mod automaton;
mod backtrack;
mod bracket;
mod class;
mod error;
mod perl;
mod posix;

use ast::{Ast, Node};
pub use error::{Error, TooComplex};

/// Steps that one search by backtracking may take.
pub const STEP_LIMIT: u64 = 50_000_000;

/// A match: the offsets of its first byte and of the byte after it.
pub type Span = (usize, usize);

/// The dialect of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// `\(a\)*`
    Basic,
    /// `(a)*`
    Extended,
    /// `(?:a)*?`
    Perl,
    /// No special characters at all.
    Fixed,
    /// `*.[ch]`, which is to match all of the text; a slash and a leading dot are nothing special.
    Glob,
}

/// How an expression is read and matched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Upper and lower case are the same.
    pub ignore_case: bool,
    /// `^` and `$` match at each line of the text, and nothing that stands for several
    /// characters stands for a newline: no match reaches beyond its line.
    pub newline: bool,
    /// `^` and `$` match at each line of the text too, and that is all (sed's flag `M`).
    pub line_anchors: bool,
    /// Characters are UTF-8 sequences.
    pub utf8: bool,
    /// A backslash in brackets quotes the next character, as in awk.
    pub bracket_escapes: bool,
    /// Matches are not parts of longer words.
    pub word: bool,
    /// Matches are whole lines, or with `newline` unset the whole text.
    pub line: bool,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Regex {
    matcher: Matcher,
    groups: usize,
    names: Vec<(String, u32)>,
    by_line: bool,
}

#[derive(Debug)]
enum Matcher {
    Automaton(Box<automaton::Automaton>),
    Backtrack(backtrack::Program),
}

impl Regex {
    /// Compiles an expression.
    pub fn new(pattern: &[u8], syntax: Syntax, options: Options) -> Result<Self, Error> {
        Self::any_of(&[pattern], syntax, options)
    }

    /// Compiles an expression that matches where any of several does, and nowhere if there is
    /// none. Groups are counted through all of them.
    pub fn any_of(patterns: &[&[u8]], syntax: Syntax, options: Options) -> Result<Self, Error> {
        let mut all = Ast { root: Node::Empty, groups: 0, names: Vec::new() };
        let mut roots = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let mut ast = match syntax {
                Syntax::Basic | Syntax::Extended => posix::parse(pattern, syntax, options)?,
                Syntax::Perl => perl::parse(pattern, options)?,
                Syntax::Glob => posix::parse_glob(pattern, options),
                Syntax::Fixed => posix::parse_fixed(pattern, options),
            };
            ast.count_from(all.groups);
            all.groups += ast.groups;
            all.names.append(&mut ast.names);
            roots.push(ast.root);
        }
        all.root = Node::alternate(roots);
        all.confine(options);
        let longest = syntax != Syntax::Perl;
        let matcher = if all.root.needs_backtracking() {
            Matcher::Backtrack(backtrack::Program::new(&all, options.utf8, longest)?)
        } else {
            Matcher::Automaton(Box::new(automaton::Automaton::new(&all, options.utf8, longest)?))
        };
        let by_line = options.newline && !all.root.any(&Node::sees_the_whole_text);
        Ok(Self { matcher, groups: all.groups as usize, names: all.names, by_line })
    }

    /// Whether a text of many lines can be searched as a whole and gives the matches that its
    /// lines would give one by one.
    #[must_use]
    pub fn matches_by_line(&self) -> bool {
        self.by_line
    }

    /// Whether the text has a match.
    pub fn is_match(&self, text: &[u8]) -> Result<bool, TooComplex> {
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.is_match(text)),
            Matcher::Backtrack(program) => Ok(program.search(text, 0)?.is_some()),
        }
    }

    /// A place within a match, or at one of its ends; the match is the one that ends first of those
    /// that start at `start` or later. For those who ask only which line it is in.
    pub fn place_of_match(&self, text: &[u8], start: usize) -> Result<Option<usize>, TooComplex> {
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.first_end(text, start)),
            Matcher::Backtrack(program) => {
                let groups = program.search(text, start)?;
                Ok(groups.and_then(|groups| groups[0]).map(|(start, _)| start))
            }
        }
    }

    /// The first match that starts at `start` or later. What is before `start` is still seen by
    /// `^` and `\b`.
    pub fn find_at(&self, text: &[u8], start: usize) -> Result<Option<Span>, TooComplex> {
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.find_at(text, start)),
            Matcher::Backtrack(program) => {
                Ok(program.search(text, start)?.and_then(|groups| groups[0]))
            }
        }
    }

    /// As [`Regex::find_at`], with what each group matched; the first one is the whole match.
    pub fn groups_at(
        &self,
        text: &[u8],
        start: usize,
    ) -> Result<Option<Vec<Option<Span>>>, TooComplex> {
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.groups_at(text, start)),
            Matcher::Backtrack(program) => program.search(text, start),
        }
    }

    /// How many groups the expression has, the whole match not counted.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The names of groups and their numbers, in Perl's dialect.
    #[must_use]
    pub fn names(&self) -> &[(String, u32)] {
        &self.names
    }
}
