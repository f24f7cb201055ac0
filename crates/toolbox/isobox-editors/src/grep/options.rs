//! The command line of `grep`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Result, Spec};
use isobox_regex::{Options, Regex, Syntax};

const LONG: &[(&str, char)] = &[
    ("extended-regexp", 'E'),
    ("fixed-strings", 'F'),
    ("basic-regexp", 'G'),
    ("perl-regexp", 'P'),
    ("regexp=", 'e'),
    ("file=", 'f'),
    ("ignore-case", 'i'),
    ("no-ignore-case", 'Y'),
    ("invert-match", 'v'),
    ("word-regexp", 'w'),
    ("line-regexp", 'x'),
    ("count", 'c'),
    ("files-without-match", 'L'),
    ("files-with-matches", 'l'),
    ("max-count=", 'm'),
    ("only-matching", 'o'),
    ("quiet", 'q'),
    ("silent", 'q'),
    ("no-messages", 's'),
    ("byte-offset", 'b'),
    ("with-filename", 'H'),
    ("no-filename", 'h'),
    ("line-number", 'n'),
    ("null", 'Z'),
    ("after-context=", 'A'),
    ("before-context=", 'B'),
    ("context=", 'C'),
    ("text", 'a'),
    ("binary-files=", '1'),
    ("include=", '2'),
    ("exclude=", '3'),
    ("exclude-dir=", '4'),
    ("label=", '5'),
    ("color=?", '6'),
    ("colour=?", '6'),
    ("line-buffered", '7'),
    ("recursive", 'r'),
    ("dereference-recursive", 'R'),
    ("null-data", 'z'),
    ("binary", 'U'),
];

const OPTIONS: Spec = Spec::new("EFGPe:f:iyvwxcLlm:oqsbHhnZA:B:C:aIrRzUT0123456789", LONG);

/// What is printed of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Lines,
    Matches,
    Count,
    Names { matching: bool },
}

/// What to search for and what to print.
pub(crate) struct Grep {
    pub(crate) regex: Regex,
    pub(crate) invert: bool,
    pub(crate) show: Show,
    pub(crate) quiet: bool,
    pub(crate) silent: bool,
    pub(crate) skip_binary: bool,
    pub(crate) most: u64,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) names: Option<bool>,
    pub(crate) numbers: bool,
    pub(crate) offsets: bool,
    pub(crate) color: bool,
    pub(crate) flush_lines: bool,
    /// The byte that ends a line, and the one that ends a file's name.
    pub(crate) line_end: u8,
    pub(crate) name_end: Option<u8>,
    pub(crate) label: OsString,
    pub(crate) recurse: Option<Recurse>,
    pub(crate) files: Vec<OsString>,
    pub(crate) found: bool,
    /// Whether a group of lines was printed that the next one is to be set off from.
    pub(crate) printed: bool,
}

/// What `-r` goes into.
#[derive(Debug, Default)]
pub(crate) struct Recurse {
    pub(crate) follow: bool,
    pub(crate) include: Vec<OsString>,
    pub(crate) exclude: Vec<OsString>,
    pub(crate) exclude_directories: Vec<OsString>,
}

impl Grep {
    pub(crate) fn from_arguments(cx: &mut Context<'_>) -> Result<Self> {
        let mut patterns: Option<Vec<Vec<u8>>> = None;
        let mut syntax = match cx.applet.name {
            "egrep" => Syntax::Extended,
            "fgrep" => Syntax::Fixed,
            _ => Syntax::Basic,
        };
        let mut options = Options { newline: true, utf8: cx.utf8(), ..Options::default() };
        let mut grep = Self::new();
        let (mut recursive, mut color) = (false, None);
        let mut recurse = Recurse::default();
        let mut context = None::<usize>;
        let mut arguments = cx.parse(&OPTIONS);
        while let Some(option) = arguments.next()? {
            match option {
                'E' => syntax = Syntax::Extended,
                'F' => syntax = Syntax::Fixed,
                'G' => syntax = Syntax::Basic,
                'P' => syntax = Syntax::Perl,
                'e' => add(&mut patterns, arguments.value().as_bytes()),
                'f' => {
                    let name = arguments.value();
                    let mut text = Vec::new();
                    let mut file = cx.open(&name)?;
                    file.read_to_end(&mut text).map_err(|error| Error::path(&name, error))?;
                    let text = text.strip_suffix(b"\n").unwrap_or(&text);
                    match text.is_empty() {
                        true => drop(patterns.get_or_insert_default()),
                        false => add(&mut patterns, text),
                    }
                }
                'i' | 'y' => options.ignore_case = true,
                'Y' => options.ignore_case = false,
                'v' => grep.invert = true,
                'w' => options.word = true,
                'x' => options.line = true,
                'c' => grep.show = Show::Count,
                'L' => grep.show = Show::Names { matching: false },
                'l' => grep.show = Show::Names { matching: true },
                'o' if grep.show == Show::Lines => grep.show = Show::Matches,
                'm' => grep.most = number(&mut arguments)? as u64,
                'q' => grep.quiet = true,
                's' => grep.silent = true,
                'b' => grep.offsets = true,
                'H' => grep.names = Some(true),
                'h' => grep.names = Some(false),
                'n' => grep.numbers = true,
                'Z' => grep.name_end = Some(0),
                'A' => grep.after = number(&mut arguments)?,
                'B' => grep.before = number(&mut arguments)?,
                'C' => context = Some(number(&mut arguments)?),
                'I' => grep.skip_binary = true,
                '1' if arguments.optional_value().is_some_and(|value| value == "without-match") => {
                    grep.skip_binary = true;
                }
                '2' => recurse.include.push(arguments.value()),
                '3' => recurse.exclude.push(arguments.value()),
                '4' => recurse.exclude_directories.push(arguments.value()),
                '5' => grep.label = arguments.value(),
                '6' => color = Some(arguments.optional_value().unwrap_or_else(|| "auto".into())),
                '7' => grep.flush_lines = true,
                'r' => recursive = true,
                'R' => (recursive, recurse.follow) = (true, true),
                'z' => grep.line_end = 0,
                digit if digit.is_ascii_digit() => {
                    let digit = digit.to_digit(10).expect("a digit") as usize;
                    context = Some(context.unwrap_or(0).saturating_mul(10).saturating_add(digit));
                }
                _ => {}
            }
        }
        let mut files = arguments.operands();
        if patterns.is_none() {
            if files.is_empty() {
                return Err(Error::usage(""));
            }
            add(&mut patterns, files.remove(0).as_bytes());
        }
        if let Some(lines) = context {
            grep.before = grep.before.max(lines);
            grep.after = grep.after.max(lines);
        }
        grep.color = match color.as_deref().map(OsStr::as_bytes) {
            Some(b"always" | b"yes" | b"force") => true,
            Some(b"auto" | b"tty" | b"if-tty") => cx.stdout.is_terminal(),
            _ => false,
        };
        // With NUL as the end of a line, a newline is a character like any other.
        options.newline = grep.line_end == b'\n';
        grep.regex = compile(&patterns.unwrap_or_default(), syntax, options)?;
        grep.recurse = recursive.then_some(recurse);
        grep.files = files;
        Ok(grep)
    }

    fn new() -> Self {
        Self {
            regex: Regex::any_of(&[], Syntax::Fixed, Options::default())
                .expect("an expression that matches nothing"),
            invert: false,
            show: Show::Lines,
            quiet: false,
            silent: false,
            skip_binary: false,
            most: u64::MAX,
            before: 0,
            after: 0,
            names: None,
            numbers: false,
            offsets: false,
            color: false,
            flush_lines: false,
            line_end: b'\n',
            name_end: None,
            label: "(standard input)".into(),
            recurse: None,
            files: Vec::new(),
            found: false,
            printed: false,
        }
    }
}

/// A newline in a pattern separates two.
fn add(patterns: &mut Option<Vec<Vec<u8>>>, text: &[u8]) {
    let new = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec);
    patterns.get_or_insert_default().extend(new);
}

fn compile(patterns: &[Vec<u8>], syntax: Syntax, options: Options) -> Result<Regex> {
    let patterns: Vec<&[u8]> = patterns.iter().map(Vec::as_slice).collect();
    Regex::any_of(&patterns, syntax, options).map_err(|error| Error::message(error.to_string()))
}

fn number(arguments: &mut isobox_applet::Arguments) -> Result<usize> {
    let text = arguments.text()?;
    text.parse().map_err(|_| Error::message(format!("invalid number '{text}'")))
}
