//! A program: rules and functions as trees whose names are resolved to places.

use std::rc::Rc;

use isobox_regex::Regex;

use crate::value::Text;

/// Variables that awk itself reads or writes; they are the first of the global ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    Nf,
    Nr,
    Fnr,
    Fs,
    Ofs,
    Ors,
    Rs,
    Subsep,
    Convfmt,
    Ofmt,
    Rstart,
    Rlength,
    Filename,
    Errno,
    Argc,
    Argv,
    Environ,
}

impl Special {
    pub(crate) const ALL: [(&'static str, Self); 17] = [
        ("NF", Self::Nf),
        ("NR", Self::Nr),
        ("FNR", Self::Fnr),
        ("FS", Self::Fs),
        ("OFS", Self::Ofs),
        ("ORS", Self::Ors),
        ("RS", Self::Rs),
        ("SUBSEP", Self::Subsep),
        ("CONVFMT", Self::Convfmt),
        ("OFMT", Self::Ofmt),
        ("RSTART", Self::Rstart),
        ("RLENGTH", Self::Rlength),
        ("FILENAME", Self::Filename),
        ("ERRNO", Self::Errno),
        ("ARGC", Self::Argc),
        ("ARGV", Self::Argv),
        ("ENVIRON", Self::Environ),
    ];

    /// Its place among the global variables.
    pub(crate) const fn slot(self) -> usize {
        self as usize
    }

    /// Whether it is more than a place: reading or writing it does something.
    pub(crate) const fn is_watched(self) -> bool {
        self.slot() <= Self::Ofmt.slot()
    }
}

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Global(usize),
    /// A parameter of the function.
    Local(usize),
    Special(Special),
}

/// What can be assigned to.
#[derive(Debug)]
pub(crate) enum Place {
    Variable(Variable),
    Field(Box<Expression>),
    Element(Variable, Box<[Expression]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
}

/// The functions of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Atan2,
    Close,
    Compl,
    Cos,
    Exp,
    Fflush,
    Gensub,
    Gsub,
    Index,
    Int,
    Length,
    Log,
    Lshift,
    Match,
    Mktime,
    Or,
    Rand,
    Rshift,
    Sin,
    Split,
    Sprintf,
    Sqrt,
    Srand,
    Strftime,
    Strtonum,
    Sub,
    Substr,
    System,
    Systime,
    Tolower,
    Toupper,
    Xor,
}

impl Builtin {
    /// The names, and how many arguments each takes at least and at most.
    pub(crate) const ALL: [(&'static str, Self, usize, usize); 33] = [
        ("and", Self::And, 2, usize::MAX),
        ("atan2", Self::Atan2, 2, 2),
        ("close", Self::Close, 1, 1),
        ("compl", Self::Compl, 1, 1),
        ("cos", Self::Cos, 1, 1),
        ("exp", Self::Exp, 1, 1),
        ("fflush", Self::Fflush, 0, 1),
        ("gensub", Self::Gensub, 3, 4),
        ("gsub", Self::Gsub, 2, 3),
        ("index", Self::Index, 2, 2),
        ("int", Self::Int, 1, 1),
        ("length", Self::Length, 0, 1),
        ("log", Self::Log, 1, 1),
        ("lshift", Self::Lshift, 2, 2),
        ("match", Self::Match, 2, 3),
        ("mktime", Self::Mktime, 1, 1),
        ("or", Self::Or, 2, usize::MAX),
        ("rand", Self::Rand, 0, 0),
        ("rshift", Self::Rshift, 2, 2),
        ("sin", Self::Sin, 1, 1),
        ("split", Self::Split, 2, 3),
        ("sprintf", Self::Sprintf, 1, usize::MAX),
        ("sqrt", Self::Sqrt, 1, 1),
        ("srand", Self::Srand, 0, 1),
        ("strftime", Self::Strftime, 0, 3),
        ("strtonum", Self::Strtonum, 1, 1),
        ("sub", Self::Sub, 2, 3),
        ("substr", Self::Substr, 2, 3),
        ("system", Self::System, 1, 1),
        ("systime", Self::Systime, 0, 0),
        ("tolower", Self::Tolower, 1, 1),
        ("toupper", Self::Toupper, 1, 1),
        ("xor", Self::Xor, 2, usize::MAX),
    ];

    /// Whether it gives a string.
    pub(crate) const fn is_textual(self) -> bool {
        matches!(
            self,
            Self::Gensub
                | Self::Sprintf
                | Self::Strftime
                | Self::Substr
                | Self::Tolower
                | Self::Toupper
        )
    }
}

/// Where `getline` reads from.
#[derive(Debug)]
pub(crate) enum LineSource {
    /// The input files.
    Main,
    File(Expression),
    Command(Expression),
}

#[derive(Debug)]
pub(crate) enum Expression {
    Number(f64),
    Text(Text),
    /// On its own it is matched against `$0`.
    Regex(Rc<Regex>),
    Place(Place),
    Assign(Place, Box<Expression>),
    /// `s = s a b`, where a and b change nothing: appends.
    Append(Variable, Box<[Expression]>),
    /// `x += e`
    Update(Place, Arithmetic, Box<Expression>),
    /// `x++`: what is added, and whether the old value is meant.
    Step(Place, f64, bool),
    Not(Box<Expression>),
    Minus(Box<Expression>),
    Plus(Box<Expression>),
    Arithmetic(Arithmetic, Box<[Expression; 2]>),
    Compare(Comparison, Box<[Expression; 2]>),
    /// A text and an expression; whether it is `!~`.
    Match(Box<[Expression; 2]>, bool),
    And(Box<[Expression; 2]>),
    Or(Box<[Expression; 2]>),
    Choose(Box<[Expression; 3]>),
    Concat(Vec<Expression>),
    In(Box<[Expression]>, Variable),
    Call(usize, Box<[Expression]>),
    Builtin(Builtin, Box<[Expression]>),
    Getline(Box<LineSource>, Option<Place>),
    /// In parentheses: a place, or several with commas, which are subscripts before `in` or what
    /// `print` prints.
    Group(Vec<Expression>),
}

impl Expression {
    /// Whether it is several expressions.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::Group(group) if group.len() > 1)
    }

    /// Whether the value is a number whatever the variables hold.
    #[inline]
    pub(crate) fn is_numeric(&self) -> bool {
        match self {
            Self::Number(_)
            | Self::Regex(_)
            | Self::Update(..)
            | Self::Step(..)
            | Self::Not(_)
            | Self::Minus(_)
            | Self::Plus(_)
            | Self::Arithmetic(..)
            | Self::Compare(..)
            | Self::Match(..)
            | Self::And(_)
            | Self::Or(_)
            | Self::In(..)
            | Self::Getline(..) => true,
            Self::Builtin(builtin, _) => !builtin.is_textual(),
            Self::Place(Place::Variable(Variable::Special(special))) => {
                matches!(special, Special::Nf | Special::Nr | Special::Fnr)
            }
            _ => false,
        }
    }

    /// Whether evaluating it changes nothing but, perhaps, which elements exist.
    pub(crate) fn is_pure(&self) -> bool {
        match self {
            Self::Number(_) | Self::Text(_) => true,
            Self::Place(Place::Variable(_)) => true,
            Self::Place(Place::Field(field)) => field.is_pure(),
            Self::Place(Place::Element(_, subscripts)) => subscripts.iter().all(Self::is_pure),
            Self::Concat(parts) | Self::Group(parts) => parts.iter().all(Self::is_pure),
            Self::Arithmetic(_, sides) => sides.iter().all(Self::is_pure),
            _ => false,
        }
    }
}

/// Where `print` prints to, but for standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirection {
    Truncate,
    Append,
    Pipe,
}

#[derive(Debug)]
pub(crate) struct Statement {
    /// The line of the program.
    pub(crate) line: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Expression(Expression),
    Print(Box<[Expression]>, Option<(Redirection, Expression)>),
    Printf(Box<[Expression]>, Option<(Redirection, Expression)>),
    Block(Vec<Statement>),
    /// Conditions with what to do, and what otherwise.
    If(Vec<(Expression, Statement)>, Option<Box<Statement>>),
    While(Expression, Box<Statement>),
    DoWhile(Box<Statement>, Expression),
    For(Box<For>),
    ForIn(Place, Variable, Box<Statement>),
    Next,
    NextFile,
    Exit(Option<Expression>),
    Return(Option<Expression>),
    Break,
    Continue,
    Delete(Variable, Option<Box<[Expression]>>),
}

/// `for (first; condition; step) body`
#[derive(Debug)]
pub(crate) struct For {
    pub(crate) first: Option<Statement>,
    pub(crate) condition: Option<Expression>,
    pub(crate) step: Option<Statement>,
    pub(crate) body: Statement,
}

/// When a rule applies.
#[derive(Debug)]
pub(crate) enum Pattern {
    Always,
    When(Expression),
    /// From a record to another; the number tells ranges apart.
    Range(Expression, Expression, usize),
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) line: u32,
    pub(crate) pattern: Pattern,
    /// Without a body the record is printed.
    pub(crate) body: Option<Vec<Statement>>,
}

#[derive(Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// For each parameter whether it is an array.
    pub(crate) parameters: Vec<bool>,
    /// Nothing for one that is called but not defined.
    pub(crate) body: Option<Vec<Statement>>,
}

/// A global variable.
#[derive(Debug)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) is_array: bool,
}

/// A whole program.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) begin: Vec<Vec<Statement>>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) end: Vec<Vec<Statement>>,
    pub(crate) functions: Vec<Function>,
    pub(crate) globals: Vec<Global>,
    pub(crate) ranges: usize,
}
