//! `split` and `csplit`: files in pieces.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status, number, write_all};
use isobox_regex::{Options, Regex, Syntax};
use rustix::fs::AtFlags;

/// See the usage text.
pub(crate) const SPLIT: Applet = Applet::new(
    "split",
    split,
    "[-l N | -b N | -C N | -n CHUNKS] [-a N] [-d | -x] [--additional-suffix SUF] [FILE [PREFIX]]\n\n\
     Write pieces of FILE, 1000 lines each, to xaa, xab...\n\n\
     \t-l N\tN lines\n\
     \t-b N\tN bytes (k, m, G...)\n\
     \t-C N\tWhole lines of at most N bytes\n\
     \t-n N\tN pieces of equal size; l/N without splitting lines; K/N, l/K/N: piece K to stdout;\n\
     \t\tr/N, r/K/N: lines in turn\n\
     \t-a N\tLetters of the suffix (2)\n\
     \t-d, -x\tDecimal, hexadecimal suffixes\n\
     \t-e\tNo empty pieces with -n\n\
     \t-t C\tLines end in C\n\
     \t--verbose\tName the pieces",
);

/// See the usage text.
pub(crate) const CSPLIT: Applet = Applet::new(
    "csplit",
    csplit,
    "[-ksz] [-f PREFIX] [-n DIGITS] [-b FORMAT] FILE PATTERN...\n\n\
     Split FILE before lines that match, to xx00, xx01...\n\n\
     \t/REGEX/[OFFSET]\tBefore the next line that matches\n\
     \t%REGEX%[OFFSET]\tThe same, but without writing what is before\n\
     \tN\tBefore line N\n\
     \t{N}, {*}\tThe pattern before N times more, as often as it matches\n\
     \t-f P\tPrefix (xx)\n\
     \t-n N\tDigits (2)\n\
     \t-b F\tFormat of the suffix (%02d)\n\
     \t-k\tKeep the pieces after an error\n\
     \t-s\tDo not print sizes\n\
     \t-z\tNo empty pieces\n\
     \t--suppress-matched\tNot the lines that match",
);

const SPLIT_OPTIONS: Spec = Spec::new(
    "l:b:C:n:a:dxet:",
    &[
        ("lines=", 'l'),
        ("bytes=", 'b'),
        ("line-bytes=", 'C'),
        ("number=", 'n'),
        ("suffix-length=", 'a'),
        ("numeric-suffixes=?", '\x01'),
        ("hex-suffixes=?", '\x02'),
        ("additional-suffix=", '\x03'),
        ("elide-empty-files", 'e'),
        ("separator=", 't'),
        ("verbose", '\x04'),
    ],
);
const CSPLIT_OPTIONS: Spec = Spec::new(
    "ksqzf:n:b:",
    &[
        ("keep-files", 'k'),
        ("quiet", 's'),
        ("silent", 's'),
        ("elide-empty-files", 'z'),
        ("prefix=", 'f'),
        ("digits=", 'n'),
        ("suffix-format=", 'b'),
        ("suppress-matched", '\x01'),
    ],
);

/// The pieces' names in turn.
struct Names {
    prefix: OsString,
    extra: OsString,
    alphabet: &'static [u8],
    length: Option<usize>,
    next: u64,
    verbose: bool,
    current: Option<(OwnedFd, OsString)>,
}

impl Names {
    fn name(&self) -> Result<OsString> {
        let base = self.alphabet.len() as u64;
        let (mut digits, mut rest) = (Vec::new(), self.next);
        let length = match self.length {
            Some(length) => length,
            // Without a fixed length names grow: the last letter of a length leads to the next.
            None => {
                let (mut length, mut first) = (2_usize, 0);
                loop {
                    let room = base.pow(u32::try_from(length).unwrap_or(12)) / base * (base - 1);
                    if rest - first < room || length >= 10 {
                        break;
                    }
                    first += room;
                    length += 1;
                }
                rest -= first;
                let mut name = self.prefix.clone();
                let lead = self.alphabet[self.alphabet.len() - 1];
                name.push(OsStr::from_bytes(&vec![lead; length - 2]));
                for _ in 0..length - (length - 2).min(length - 1) {
                    digits.push(self.alphabet[usize::try_from(rest % base).unwrap_or(0)]);
                    rest /= base;
                }
                let mut more = Vec::new();
                while rest > 0 {
                    more.push(self.alphabet[usize::try_from(rest % base).unwrap_or(0)]);
                    rest /= base;
                }
                digits.extend(more);
                while digits.len() < length - (length - 2) {
                    digits.push(self.alphabet[0]);
                }
                digits.reverse();
                name.push(OsStr::from_bytes(&digits));
                name.push(&self.extra);
                return Ok(name);
            }
        };
        for _ in 0..length {
            digits.push(self.alphabet[usize::try_from(rest % base).unwrap_or(0)]);
            rest /= base;
        }
        if rest > 0 {
            return Err(Error::message("suffixes exhausted"));
        }
        digits.reverse();
        let mut name = self.prefix.clone();
        name.push(OsStr::from_bytes(&digits));
        name.push(&self.extra);
        Ok(name)
    }

    fn open(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let name = self.name()?;
        if self.verbose {
            cx.stdout.put(&[b"creating file '", name.as_bytes(), b"'\n"].concat())?;
        }
        self.current = Some((cx.create(&name)?, name));
        self.next += 1;
        Ok(())
    }

    fn put(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<()> {
        if self.current.is_none() {
            self.open(cx)?;
        }
        let (file, name) = self.current.as_ref().expect("opened above");
        write_all(file.as_fd(), bytes).map_err(|error| Error::path(name, error))
    }
}

enum By {
    Lines(u64),
    Bytes(u64),
    LineBytes(u64),
    Pieces { lines: bool, round: bool, only: Option<u64>, count: u64 },
}

fn split(cx: &mut Context<'_>) -> Result<Status> {
    let mut names = Names {
        prefix: "x".into(),
        extra: OsString::new(),
        alphabet: b"abcdefghijklmnopqrstuvwxyz",
        length: None,
        next: 0,
        verbose: false,
        current: None,
    };
    let (mut by, mut end, mut elide) = (By::Lines(1000), b'\n', false);
    // The old form `-100`.
    if let Some(digits) = cx.args.first().and_then(|word| word.to_str()?.strip_prefix('-'))
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        cx.args[0] = format!("-l{digits}").into();
    }
    let mut arguments = cx.parse(&SPLIT_OPTIONS);
    let positive = |text: &OsStr| match number::size(text) {
        Ok(0) | Err(_) => Err(number::invalid(text)),
        Ok(value) => Ok(value),
    };
    while let Some(option) = arguments.next()? {
        match option {
            'l' => by = By::Lines(positive(&arguments.value())?),
            'b' => by = By::Bytes(positive(&arguments.value())?),
            'C' => by = By::LineBytes(positive(&arguments.value())?),
            'n' => by = pieces(&arguments.text()?)?,
            'a' => {
                names.length =
                    Some(usize::try_from(positive(&arguments.value())?).unwrap_or(2).min(200))
            }
            'd' => names.alphabet = b"0123456789",
            'x' => names.alphabet = b"0123456789abcdef",
            '\x01' | '\x02' => {
                names.alphabet = if option == '\x01' { b"0123456789" } else { b"0123456789abcdef" };
                if let Some(from) = arguments.optional_value() {
                    names.next = number::unsigned(&from)?;
                    names.length.get_or_insert(2.max(from.len()));
                }
            }
            '\x03' => names.extra = arguments.value(),
            'e' => elide = true,
            't' => {
                end = match arguments.value().as_bytes() {
                    [byte] => *byte,
                    b"\\0" => 0,
                    _ => return Err(Error::message("the separator must be a single character")),
                }
            }
            _ => names.verbose = true,
        }
    }
    let operands = arguments.operands_between(0, 2)?;
    let source = operands.first().cloned().unwrap_or_else(|| "-".into());
    if let Some(prefix) = operands.get(1) {
        names.prefix = prefix.clone();
    }
    let mut input = cx.open(&source)?;
    let outcome = match by {
        By::Lines(count) => by_lines(cx, &mut input, &mut names, count, end),
        By::Bytes(count) => by_bytes(cx, &mut input, &mut names, count),
        By::LineBytes(count) => by_line_bytes(cx, &mut input, &mut names, count, end),
        By::Pieces { lines, round, only, count } => {
            let fixed =
                count.saturating_sub(1).checked_ilog(names.alphabet.len() as u64).unwrap_or(0)
                    as usize
                    + 1;
            names.length.get_or_insert(fixed.max(2));
            by_pieces(cx, &mut input, &mut names, (lines, round, only, count), end, elide)
        }
    };
    outcome.map_err(|error| error.on(&source))?;
    Ok(cx.status())
}

fn pieces(text: &str) -> Result<By> {
    let bad = || {
        Error::message(format!(
            "invalid number of pieces '{text}': expected N, K/N, l/N, l/K/N, r/N or r/K/N"
        ))
    };
    let (lines, round, rest) = match text.split_once('/') {
        Some(("l", rest)) => (true, false, rest),
        Some(("r", rest)) => (true, true, rest),
        _ => (false, false, text),
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|&number| number > 0).ok_or_else(bad);
    let (only, count) = match rest.split_once('/') {
        Some((only, count)) => (Some(number(only)?), number(count)?),
        None => (None, number(rest)?),
    };
    if only.is_some_and(|only| only > count) {
        return Err(bad());
    }
    Ok(By::Pieces { lines, round, only, count })
}

fn by_lines(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    names: &mut Names,
    count: u64,
    end: u8,
) -> Result<()> {
    let mut left = 0;
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut start = 0;
        let chunk = chunk.to_vec();
        while start < chunk.len() {
            if left == 0 {
                names.current = None;
                left = count;
            }
            let mut stop = chunk.len();
            for at in memchr::memchr_iter(end, &chunk[start..]) {
                left -= 1;
                if left == 0 {
                    stop = start + at + 1;
                    break;
                }
            }
            names.put(cx, &chunk[start..stop])?;
            start = stop;
        }
        input.consume(chunk.len());
    }
}

fn by_bytes(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    names: &mut Names,
    count: u64,
) -> Result<()> {
    let mut left = 0;
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            return Ok(());
        }
        if left == 0 {
            names.current = None;
            left = count;
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        names.put(cx, &chunk[..length])?;
        input.consume(length);
        left -= length as u64;
    }
}

fn by_line_bytes(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    names: &mut Names,
    count: u64,
    end: u8,
) -> Result<()> {
    let (most, mut used) = (usize::try_from(count).unwrap_or(usize::MAX), 0);
    while let Some(line) = input.line(end).map_err(Error::Read)? {
        let mut rest = line;
        if used + rest.len() > most && used > 0 {
            names.current = None;
            used = 0;
        }
        // A line that fits nowhere is broken.
        while rest.len() > most {
            names.put(cx, &rest[..most])?;
            names.current = None;
            rest = &rest[most..];
        }
        if !rest.is_empty() {
            names.put(cx, rest)?;
            used += rest.len();
        }
    }
    Ok(())
}

fn by_pieces(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    names: &mut Names,
    (lines, round, only, count): (bool, bool, Option<u64>, u64),
    end: u8,
    elide: bool,
) -> Result<()> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(Error::Read)?;
    let total = usize::try_from(count).map_err(|_| Error::message("too many pieces"))?;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    if total > 1 << 20 {
        return Err(Error::message("more than 1048576 pieces"));
    }
    if round {
        parts.resize(total, Vec::new());
        for (index, line) in bytes.split_inclusive(|&byte| byte == end).enumerate() {
            parts[index % total].extend_from_slice(line);
        }
    } else {
        let size = bytes.len() / total;
        let extra = bytes.len() % total;
        let mut start = 0;
        let mut nominal = 0;
        for index in 0..total {
            nominal += size + usize::from(index < extra);
            let mut stop = if index + 1 == total { bytes.len() } else { nominal };
            if lines && stop < bytes.len() {
                // To the end of the line that the border lies in.
                let from = stop.saturating_sub(1).max(start);
                stop = if stop <= start {
                    start
                } else {
                    memchr::memchr(end, &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
                };
            }
            parts.push(bytes[start..stop.max(start)].to_vec());
            start = stop.max(start);
        }
    }
    for (index, part) in parts.iter().enumerate() {
        match only {
            Some(only) if only != index as u64 + 1 => {}
            Some(_) => cx.stdout.put(part)?,
            None if elide && part.is_empty() => {}
            None => {
                names.open(cx)?;
                names.put(cx, part)?;
            }
        }
    }
    Ok(())
}

enum Pattern {
    Match { regex: Regex, offset: i64, skip: bool },
    Line(usize),
}

struct Cutter<'l> {
    lines: Vec<&'l [u8]>,
    at: usize,
    /// Where the next search begins.
    search_from: usize,
    prefix: OsString,
    format: String,
    number: u64,
    made: Vec<OsString>,
    silent: bool,
    elide: bool,
    suppress: bool,
}

fn csplit(cx: &mut Context<'_>) -> Result<Status> {
    let (mut keep, mut silent, mut elide, mut suppress) = (false, false, false, false);
    let (mut prefix, mut digits, mut format) = (OsString::from("xx"), 2, None);
    let mut arguments = cx.parse(&CSPLIT_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'k' => keep = true,
            's' | 'q' => silent = true,
            'z' => elide = true,
            'f' => prefix = arguments.value(),
            'n' => digits = number::unsigned(&arguments.value())?.min(64),
            'b' => format = Some(arguments.text()?),
            _ => suppress = true,
        }
    }
    let operands = arguments.operands_between(2, usize::MAX)?;
    let mut bytes = Vec::new();
    cx.open(&operands[0])?
        .read_to_end(&mut bytes)
        .map_err(|error| Error::path(&operands[0], error))?;
    let lines = if bytes.is_empty() {
        Vec::new()
    } else {
        bytes.split_inclusive(|&byte| byte == b'\n').collect()
    };
    let format = format.unwrap_or_else(|| format!("%0{digits}d"));
    let mut cutter = Cutter {
        lines,
        at: 0,
        search_from: 0,
        prefix,
        format,
        number: 0,
        made: Vec::new(),
        silent,
        elide,
        suppress,
    };
    let outcome = cutter.run(cx, &operands[1..]);
    if outcome.is_err() && !keep {
        for name in &cutter.made {
            rustix::fs::unlinkat(cx.dir, name, AtFlags::empty()).ok();
        }
    }
    outcome?;
    Ok(cx.status())
}

impl Cutter<'_> {
    fn run(&mut self, cx: &mut Context<'_>, words: &[OsString]) -> Result<()> {
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let pattern = parse_pattern(&word.to_string_lossy())?;
            let mut repeat = Some(1_u64);
            if let Some(count) = words.next_if(|word| word.as_bytes().starts_with(b"{")) {
                let text = count.to_string_lossy().into_owned();
                repeat = match text.as_str() {
                    "{*}" => None,
                    text => {
                        let digits = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
                        let count = digits.and_then(|digits| digits.parse::<u64>().ok());
                        Some(
                            count.ok_or_else(|| {
                                Error::message(format!("invalid repeat '{text}'"))
                            })? + 1,
                        )
                    }
                };
            }
            let mut done = 0;
            while repeat.is_none_or(|repeat| done < repeat) {
                let target = match &pattern {
                    Pattern::Line(line) => line
                        .checked_mul(usize::try_from(done).unwrap_or(0) + 1)
                        .map(|line| line - 1)
                        .filter(|&line| line <= self.lines.len()),
                    Pattern::Match { regex, offset, .. } => self.search(regex, *offset),
                };
                let Some(target) = target.filter(|&target| target >= self.at) else {
                    if repeat.is_none() {
                        break;
                    }
                    // What is left is written before the error ends it.
                    self.write(cx, self.lines.len())?;
                    return Err(match &pattern {
                        Pattern::Line(_) => {
                            Error::message(format!("{}: line number out of range", word.display()))
                        }
                        Pattern::Match { .. } => {
                            Error::message(format!("{}: match not found", word.display()))
                        }
                    });
                };
                self.search_from = target + 1;
                if matches!(&pattern, Pattern::Match { skip: true, .. }) {
                    self.at = target;
                } else {
                    self.write(cx, target)?;
                }
                if self.suppress {
                    self.at = (self.at + 1).min(self.lines.len());
                }
                done += 1;
                if repeat.is_none() && self.search_from > self.lines.len() {
                    break;
                }
            }
        }
        self.write(cx, self.lines.len())
    }

    /// The line before which to cut: the first that matches after the current one.
    fn search(&self, regex: &Regex, offset: i64) -> Option<usize> {
        let from = self.search_from.max(self.at);
        let found = (from..self.lines.len()).find(|&index| {
            let line = self.lines[index];
            regex.is_match(line.strip_suffix(b"\n").unwrap_or(line)).unwrap_or(false)
        })?;
        let target = i64::try_from(found).ok()?.checked_add(offset)?;
        usize::try_from(target).ok().filter(|&target| target <= self.lines.len())
    }

    fn write(&mut self, cx: &mut Context<'_>, to: usize) -> Result<()> {
        let bytes = self.lines[self.at..to].concat();
        self.at = to;
        if bytes.is_empty() && self.elide {
            return Ok(());
        }
        let mut name = self.prefix.clone();
        name.push(numbered(&self.format, self.number)?);
        let file = cx.create(&name)?;
        self.made.push(name.clone());
        self.number += 1;
        write_all(file.as_fd(), &bytes).map_err(|error| Error::path(&name, error))?;
        if !self.silent {
            writeln!(cx.stdout, "{}", bytes.len())?;
        }
        Ok(())
    }
}

fn parse_pattern(text: &str) -> Result<Pattern> {
    let bad = || Error::message(format!("invalid pattern '{text}'"));
    let Some(delimiter) = text.chars().next().filter(|c| matches!(c, '/' | '%')) else {
        let line = text.parse::<usize>().ok().filter(|&line| line > 0).ok_or_else(bad)?;
        return Ok(Pattern::Line(line));
    };
    let end = text.rfind(delimiter).filter(|&end| end > 0).ok_or_else(bad)?;
    let offset = &text[end + 1..];
    let offset = if offset.is_empty() { 0 } else { offset.parse().map_err(|_| bad())? };
    let pattern = text[1..end].replace(&format!("\\{delimiter}"), &delimiter.to_string());
    let regex = Regex::new(pattern.as_bytes(), Syntax::Basic, Options::default())
        .map_err(|error| Error::message(error.to_string()))?;
    Ok(Pattern::Match { regex, offset, skip: delimiter == '%' })
}

/// `%02d` and the like.
fn numbered(format: &str, number: u64) -> Result<String> {
    let bad = || {
        Error::message(format!(
            "invalid suffix format '{format}': expected one %d, %u, %o, %x or %X"
        ))
    };
    let at = format.find('%').ok_or_else(bad)?;
    let rest = &format[at + 1..];
    let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(bad)?;
    let (flags, letter) = (&rest[..end], &rest[end..=end]);
    let width: usize = flags.trim_start_matches(['0', '-', '.']).parse().unwrap_or(0).min(64);
    let digits = match letter {
        "d" | "i" | "u" => number.to_string(),
        "o" => format!("{number:o}"),
        "x" => format!("{number:x}"),
        "X" => format!("{number:X}"),
        _ => return Err(bad()),
    };
    let digits = if flags.starts_with('-') {
        format!("{digits:<width$}")
    } else if flags.starts_with('0') || flags.starts_with('.') {
        format!("{digits:0>width$}")
    } else {
        format!("{digits:>width$}")
    };
    Ok(format!("{}{digits}{}", &format[..at], &rest[end + 1..]))
}
