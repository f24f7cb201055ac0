//! A parsed script.

use isobox_regex::Regex;

/// Commands in order; jumps and blocks refer to places in this list.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) commands: Vec<Command>,
    /// Names of files that are written to, each once.
    pub(crate) files: Vec<Vec<u8>>,
}

/// A command and the lines that it applies to.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) addresses: Addresses,
    pub(crate) inverted: bool,
    pub(crate) action: Action,
}

/// Which lines.
#[derive(Debug)]
pub(crate) enum Addresses {
    All,
    One(Address),
    Range(Address, End),
}

/// A line, or where a range begins.
#[derive(Debug)]
pub(crate) enum Address {
    Line(u64),
    Last,
    /// Every `step`th line from the first on.
    Step(u64, u64),
    /// `None` is the expression that was used last.
    Match(Option<Regex>),
}

/// Where a range ends.
#[derive(Debug)]
pub(crate) enum End {
    Address(Address),
    /// So many lines later.
    Later(u64),
    /// At the next line whose number is a multiple.
    Multiple(u64),
}

/// What is done.
#[derive(Debug)]
pub(crate) enum Action {
    /// If the line is not addressed, goes on after the matching `}` at this place.
    Block(usize),
    Nothing,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    Branch(usize),
    BranchIfSubstituted(usize),
    BranchUnlessSubstituted(usize),
    Delete,
    DeleteFirst,
    Execute(Vec<u8>),
    FileName,
    Get {
        append: bool,
    },
    Hold {
        append: bool,
    },
    Exchange,
    List(Option<usize>),
    Next {
        append: bool,
    },
    Number,
    Print,
    PrintFirst,
    Quit {
        print: bool,
        status: u8,
    },
    ReadFile(Vec<u8>),
    ReadLine(Vec<u8>),
    Substitute(Box<Substitute>),
    /// To one of [`Script::files`].
    Write(usize),
    WriteFirst(usize),
    /// What each byte becomes, or pairs of characters in UTF-8.
    Translate(Translate),
    Zap,
}

/// The characters of `y`.
#[derive(Debug)]
pub(crate) enum Translate {
    Bytes(Box<[u8; 256]>),
    Characters(Vec<(char, char)>),
}

/// `s/regex/replacement/flags`.
#[derive(Debug)]
pub(crate) struct Substitute {
    pub(crate) regex: Option<Regex>,
    pub(crate) replacement: Vec<Part>,
    /// Which match is the first to be replaced.
    pub(crate) first: u64,
    pub(crate) global: bool,
    pub(crate) print: bool,
    pub(crate) execute: bool,
    pub(crate) file: Option<usize>,
}

/// A part of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(Vec<u8>),
    /// What a group matched; 0 is the whole match.
    Group(usize),
    Case(Case),
}

/// What `\U` and its like switch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Upper,
    Lower,
    NextUpper,
    NextLower,
    End,
}
