//! What the parser makes of a script, and what is executed: commands, words, redirections.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::arith::Expr;
use crate::builtins::Builtin;
use crate::names::Name;

/// A command of any kind.
#[derive(Debug)]
pub(crate) enum Node {
    /// Nothing: an empty list.
    Empty,
    /// A command with arguments, assignments and redirections.
    Simple(Box<Simple>),
    /// Commands connected by pipes.
    Pipeline(Vec<Node>),
    /// `! command`
    Not(Box<Node>),
    /// `a && b`
    And(Box<Node>, Box<Node>),
    /// `a || b`
    Or(Box<Node>, Box<Node>),
    /// Commands one after the other.
    Sequence(Vec<Node>),
    /// `command &`, and how it was written.
    Background(Rc<Node>, Rc<[u8]>),
    /// `( list )`
    Subshell(Rc<Node>),
    /// `{ list; }`
    Group(Box<Node>),
    /// `if`, with its `else` part.
    If(Box<If>),
    /// `while` and `until`.
    While(Box<While>),
    /// `for`
    For(Box<For>),
    /// `case`
    Case(Box<Case>),
    /// `[[ … ]]`
    Condition(Box<Condition>, u32),
    /// `(( … ))`
    Arithmetic(Arithmetic, u32),
    /// `time pipeline`, `-p` for POSIX's format.
    Time(Box<Node>, bool),
    /// A function's definition.
    Function(Name, Rc<Function>),
    /// A compound command with redirections.
    Redirected(Box<Node>, Vec<Redirection>),
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    /// A compound command.
    pub body: Node,
}

/// `if condition; then then; else otherwise; fi`
#[derive(Debug)]
pub(crate) struct If {
    pub condition: Node,
    pub then: Node,
    pub otherwise: Option<Node>,
}

/// `while condition; do body; done`
#[derive(Debug)]
pub(crate) struct While {
    pub condition: Node,
    pub body: Node,
    /// `until` instead of `while`.
    pub until: bool,
}

/// `for variable in words; do body; done`
#[derive(Debug)]
pub(crate) struct For {
    pub variable: Name,
    /// The positional parameters if absent.
    pub words: Option<Vec<Word>>,
    pub body: Node,
    pub line: u32,
}

/// `case word in arms esac`
#[derive(Debug)]
pub(crate) struct Case {
    pub word: Word,
    pub arms: Vec<Arm>,
    pub line: u32,
}

/// `patterns) body ;;`
#[derive(Debug)]
pub(crate) struct Arm {
    pub patterns: Vec<Word>,
    pub body: Node,
    /// `;&`: goes on with the next arm's body.
    pub falls_through: bool,
}

/// A simple command.
#[derive(Debug)]
pub(crate) struct Simple {
    pub line: u32,
    pub assignments: Vec<Assignment>,
    pub words: Vec<Word>,
    pub redirections: Vec<Redirection>,
    /// The command's name, if it is written out.
    pub name: Option<Name>,
    /// The builtin of that name.
    pub builtin: Option<&'static Builtin>,
    /// Its arguments of the form `name=value` are expanded as assignments are.
    pub declares: bool,
}

/// `name=value`, `name+=value`
#[derive(Debug)]
pub(crate) struct Assignment {
    pub name: Name,
    pub value: Word,
    pub append: bool,
}

/// A word: what becomes no field, one, or several.
#[derive(Debug, Default)]
pub(crate) struct Word {
    pub parts: Vec<Part>,
    /// What it stands for if it is literal and free of pattern characters.
    pub constant: Option<Rc<[u8]>>,
}

/// A piece of a word.
#[derive(Debug)]
pub(crate) enum Part {
    /// Text outside quotes: may hold pattern characters.
    Text(Box<[u8]>),
    /// Text within quotes, which may be empty.
    Quoted(Box<[u8]>),
    /// `~` or `~user`.
    Tilde(Box<[u8]>),
    /// `$x`, `${x…}`; whether within double quotes.
    Param(Box<Param>, bool),
    /// `$(…)`, whether within double quotes.
    Command(Rc<Node>, bool),
    /// `$((…))`, whether within double quotes.
    Arithmetic(Box<Arithmetic>, bool),
    /// `<(…)` (true) and `>(…)`.
    Process(Rc<Node>, bool),
}

/// An arithmetic expression: its text, and the text's meaning if expansions cannot change it.
#[derive(Debug)]
pub(crate) struct Arithmetic {
    pub text: Word,
    pub expression: Option<Expr>,
}

/// Which parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// A variable.
    Variable(Name),
    /// `$1` and so on.
    Positional(usize),
    /// `$@ $* $# $? $- $$ $! $0`
    Special(u8),
}

/// A parameter and what is made of its value.
#[derive(Debug)]
pub(crate) struct Param {
    pub parameter: Parameter,
    pub operation: Operation,
}

/// What `${…}` does.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Its value.
    Value,
    /// `${#x}`
    Length,
    /// `${x-w}`, `${x:-w}` (`colon`: also if empty).
    Default { colon: bool, word: Word },
    /// `${x=w}`
    Assign { colon: bool, word: Word },
    /// `${x?w}`
    Error { colon: bool, word: Word },
    /// `${x+w}`
    Alternative { colon: bool, word: Word },
    /// `${x#w}`, `${x##w}`
    RemovePrefix { longest: bool, pattern: Word },
    /// `${x%w}`, `${x%%w}`
    RemoveSuffix { longest: bool, pattern: Word },
    /// `${x/p/r}`, `${x//p/r}`
    Replace { all: bool, pattern: Word, replacement: Word },
    /// `${x:offset:length}`
    Substring { offset: Arithmetic, length: Option<Arithmetic> },
    /// What is not understood, which is an error only when it is reached.
    Bad,
}

/// A redirection.
#[derive(Debug)]
pub(crate) struct Redirection {
    /// The descriptor that changes.
    pub descriptor: i32,
    pub kind: RedirectionKind,
}

/// What becomes of the descriptor.
#[derive(Debug)]
pub(crate) enum RedirectionKind {
    /// `<`
    Read(Word),
    /// `>`
    Write(Word),
    /// `>|`
    Clobber(Word),
    /// `>>`
    Append(Word),
    /// `<>`
    ReadWrite(Word),
    /// `<&`, `>&`: a number, or `-`.
    Duplicate(Word),
    /// `&>`, `>&file`: standard output and error; whether to append.
    Both(Word, bool),
    /// `<<`: filled when the body was read.
    Here(Rc<OnceCell<Word>>),
    /// `<<<`
    HereString(Word),
}

/// A condition within `[[ ]]`.
#[derive(Debug)]
pub(crate) enum Condition {
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    /// A word that is not empty.
    NonEmpty(Word),
    /// `-f file`
    Unary(u8, Word),
    /// `a == pattern`; negated for `!=`.
    Pattern {
        left: Word,
        pattern: Word,
        negated: bool,
    },
    /// `a =~ regular expression`
    Regex(Word, Word),
    /// `a -lt b`, `a < b`, `a -nt b`
    Binary(Word, Box<[u8]>, Word),
}

impl Word {
    /// A word of parts, its constant worked out.
    #[must_use]
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        let constant = constant(&parts);
        Self { parts, constant }
    }
}

fn constant(parts: &[Part]) -> Option<Rc<[u8]>> {
    match parts {
        [Part::Quoted(text)] => return Some(Rc::from(&text[..])),
        [Part::Text(text)]
            if matches!(&**text, b"[" | b"[[") || !crate::pattern::may_be_active(text) =>
        {
            return Some(Rc::from(&text[..]));
        }
        _ => {}
    }
    let mut whole = Vec::new();
    for part in parts {
        match part {
            Part::Quoted(text) => whole.extend_from_slice(text),
            Part::Text(text) if !crate::pattern::may_be_active(text) => {
                whole.extend_from_slice(text);
            }
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| Rc::from(whole))
}
