//! `sort`: sorts, merges or checks lines. Lines are kept in one block of memory with a table of
//! 24 bytes a line; what does not fit goes to temporary files that are merged.

mod key;

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Output, Place, Result, Spec, Status, number};
use key::{Key, Kind, Order};
use rustix::fs::{Mode, OFlags};

use crate::random::Random;

/// See the usage text.
pub(crate) const SORT: Applet = Applet::new(
    "sort",
    sort,
    "[-bdfiMnghVRrsuzcCm] [-o FILE] [-k KEY]... [-t CHAR] [-S SIZE] [-T DIR] [FILE]...\n\n\
     Sort lines\n\n\
     \t-n\tAs numbers\n\
     \t-g\tAs floating-point numbers\n\
     \t-h\tAs sizes (2K, 1G)\n\
     \t-M\tAs names of months\n\
     \t-V\tAs versions\n\
     \t-R\tIn random order, equal lines together\n\
     \t-b\tIgnore blanks in front\n\
     \t-d\tCompare blanks, letters and digits only\n\
     \t-f\tIgnore case\n\
     \t-i\tIgnore what cannot be printed\n\
     \t-r\tReverse\n\
     \t-k F[.C][OPTS][,F[.C][OPTS]]\tSort by a part of the line\n\
     \t-t C\tWhat separates fields\n\
     \t-s\tKeep the order of lines that compare equal\n\
     \t-u\tOne of lines that compare equal\n\
     \t-c, -C\tOnly check that the input is sorted (-C: without a message)\n\
     \t-m\tMerge files that are sorted\n\
     \t-o F\tWrite to F, which may be one of the FILEs\n\
     \t-S SIZE\tMemory to use\n\
     \t-T DIR\tWhere temporary files go\n\
     \t-z\tLines end in NUL",
)
.fails_with(2)
.at(Place::UsrBin);

const OPTIONS: Spec = Spec::new(
    "bdfiMnghVRrsuzcCmo:k:t:S:T:",
    &[
        ("ignore-leading-blanks", 'b'),
        ("dictionary-order", 'd'),
        ("ignore-case", 'f'),
        ("ignore-nonprinting", 'i'),
        ("month-sort", 'M'),
        ("numeric-sort", 'n'),
        ("general-numeric-sort", 'g'),
        ("human-numeric-sort", 'h'),
        ("version-sort", 'V'),
        ("random-sort", 'R'),
        ("sort=", '\x01'),
        ("reverse", 'r'),
        ("stable", 's'),
        ("unique", 'u'),
        ("zero-terminated", 'z'),
        ("check=?", '\x02'),
        ("merge", 'm'),
        ("output=", 'o'),
        ("key=", 'k'),
        ("field-separator=", 't'),
        ("buffer-size=", 'S'),
        ("temporary-directory=", 'T'),
        ("files0-from=", '\x03'),
        ("parallel=", '\x04'),
        ("batch-size=", '\x05'),
    ],
);

/// The most bytes of lines that are sorted at once: offsets are 32 bits wide.
const LARGEST_BLOCK: usize = 1 << 30;

struct Plan {
    keys: Vec<Key>,
    separator: Option<u8>,
    end: u8,
    unique: bool,
    stable: bool,
    /// Reverses the comparison of whole lines that decides between equal keys.
    reverse_last: bool,
    salt: u64,
    block: usize,
    batch: usize,
    temporary: Vec<OsString>,
}

#[derive(Default)]
struct Request {
    check: Option<bool>,
    merge: bool,
    target: Option<OsString>,
    list: Option<OsString>,
}

fn sort(cx: &mut Context<'_>) -> Result<Status> {
    let mut plan = Plan {
        keys: Vec::new(),
        separator: None,
        end: b'\n',
        unique: false,
        stable: false,
        reverse_last: false,
        salt: 0,
        block: default_block(),
        batch: 16,
        temporary: Vec::new(),
    };
    let (mut request, mut global, mut keys) = (Request::default(), Order::default(), Vec::new());
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            's' => plan.stable = true,
            'u' => plan.unique = true,
            'z' => plan.end = 0,
            'c' => request.check = Some(true),
            'C' => request.check = Some(false),
            '\x02' => {
                let how = arguments.optional_value();
                request.check = Some(!how.is_some_and(|how| how == "quiet" || how == "silent"));
            }
            'm' => request.merge = true,
            'o' => request.target = Some(arguments.value()),
            'k' => keys.push(arguments.text()?),
            't' => plan.separator = Some(separator(&arguments.value())?),
            'S' => plan.block = block_size(&arguments.value())?,
            'T' => plan.temporary.push(arguments.value()),
            '\x01' => {
                let name = arguments.text()?;
                let names = [
                    ("general-numeric", 'g'),
                    ("human-numeric", 'h'),
                    ("month", 'M'),
                    ("numeric", 'n'),
                    ("random", 'R'),
                    ("version", 'V'),
                ];
                let letter =
                    names.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
                global.apply(
                    letter.ok_or_else(|| Error::message(format!("unknown --sort '{name}'")))?,
                );
            }
            '\x03' => request.list = Some(arguments.value()),
            // More threads could not change the result; one it is.
            '\x04' => drop(number::unsigned(&arguments.value())?),
            '\x05' => {
                plan.batch =
                    usize::try_from(number::unsigned(&arguments.value())?).unwrap_or(16).max(2)
            }
            letter => drop(global.apply(letter)),
        }
    }
    plan.keys = keys.iter().map(|key| Key::parse(key, global)).collect::<Result<_>>()?;
    plan.reverse_last = global.reverse;
    if plan.keys.is_empty() {
        plan.keys.push(Key::line(global));
    }
    if plan.keys.iter().any(|key| key.order.kind == Kind::Random) {
        plan.salt = Random::from_kernel().below(u64::MAX)?;
    }
    if plan.temporary.is_empty() {
        plan.temporary.push(
            cx.variables
                .get("TMPDIR")
                .filter(|dir| !dir.is_empty())
                .unwrap_or_else(|| "/tmp".into()),
        );
    }
    let mut operands = arguments.operands();
    if let Some(list) = &request.list {
        if !operands.is_empty() {
            return Err(Error::usage("FILEs and --files0-from exclude each other"));
        }
        let mut bytes = Vec::new();
        cx.open(list)?.read_to_end(&mut bytes).map_err(|error| Error::path(list, error))?;
        let names = bytes.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        operands = names.map(|name| OsStr::from_bytes(name).to_owned()).collect();
    }
    if operands.is_empty() {
        operands.push("-".into());
    }
    if let Some(tell) = request.check {
        let [name] = &operands[..] else {
            return Err(Error::usage("one file at most can be checked"));
        };
        return check(cx, &plan, name, tell);
    }
    let mut sources = Vec::new();
    if request.merge {
        for name in &operands {
            // A file that is written too must be read before.
            let mut input = cx.open(name)?;
            if request.target.as_ref() == Some(name) {
                input = copied(&plan, cx, &mut input, name)?;
            }
            sources.push((input, name.clone()));
        }
        return deliver(cx, &request, |output, cx| merge(output, cx, &plan, sources));
    }
    let mut block = Block::default();
    let mut runs = Vec::new();
    for name in &operands {
        let mut input = cx.open(name)?;
        block.read(&mut input, name, &plan, cx, &mut runs)?;
    }
    block.sort(&plan);
    deliver(cx, &request, |output, cx| {
        if runs.is_empty() {
            return block.write(output, &plan);
        }
        runs.push(block.spill(&plan, cx)?);
        drop(block);
        let sources = runs.into_iter().map(|run| (Input::from(run), "temporary file".into()));
        merge(output, cx, &plan, sources.collect())
    })
}

/// Calls `write` with what the result goes to, which is opened only now.
fn deliver<'a>(
    cx: &mut Context<'a>,
    request: &Request,
    write: impl FnOnce(&mut Output<'_>, &Context<'_>) -> Result<()>,
) -> Result<Status> {
    match &request.target {
        Some(target) => {
            let file = cx.create(target)?;
            let mut output = Output::new(file.as_fd());
            write(&mut output, cx)?;
            output.flush()?;
        }
        None => {
            let nowhere = Output::new(cx.stdout.fd());
            let mut output = std::mem::replace(&mut cx.stdout, nowhere);
            let outcome = write(&mut output, cx);
            cx.stdout = output;
            outcome?;
        }
    }
    Ok(cx.status())
}

fn separator(text: &OsStr) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        b"\\0" => Ok(0),
        b"\\t" => Ok(b'\t'),
        _ => Err(Error::about("the separator must be a single character, not", text)),
    }
}

fn block_size(text: &OsStr) -> Result<usize> {
    let size = match text.to_str().and_then(|text| text.strip_suffix('%')) {
        Some(percent) => {
            let percent = number::unsigned(percent.as_ref())?;
            memory().saturating_mul(percent.min(100)) / 100
        }
        None if text.as_bytes().last().is_some_and(u8::is_ascii_digit) => {
            number::unsigned(text)?.saturating_mul(1024)
        }
        None => match text.to_str().and_then(|text| text.strip_suffix('b')) {
            Some(bytes) => number::unsigned(bytes.as_ref())?,
            None => number::size(text)?,
        },
    };
    // The table takes about as much as the lines.
    Ok(usize::try_from(size / 2).unwrap_or(LARGEST_BLOCK).clamp(64 * 1024, LARGEST_BLOCK))
}

fn memory() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(256 * 1024) * 1024
}

fn default_block() -> usize {
    LARGEST_BLOCK
}

/// Lines in memory.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    most: usize,
}

/// A line: the prefix of its first key, where it is, and where the key is in it.
#[derive(Clone, Copy)]
struct Line {
    prefix: u64,
    start: u32,
    length: u32,
    key_start: u32,
    key_length: u32,
}

impl Block {
    fn text(&self, line: &Line) -> &[u8] {
        &self.bytes[line.start as usize..line.start as usize + line.length as usize]
    }

    /// Takes in a file; sorts and spills whenever memory is used up.
    fn read(
        &mut self,
        input: &mut Input<'_>,
        name: &OsStr,
        plan: &Plan,
        cx: &Context<'_>,
        runs: &mut Vec<OwnedFd>,
    ) -> Result<()> {
        if self.most == 0 {
            // Asked for only when there is so much input that it matters.
            self.most = plan.block;
        }
        loop {
            let chunk = input.chunk().map_err(|error| Error::path(name, error))?;
            if chunk.is_empty() {
                break;
            }
            if self.bytes.len() + chunk.len() > self.most.min(half_of_memory(self.bytes.len())) {
                // The last line may not be whole yet.
                let whole = memchr::memrchr(plan.end, &self.bytes).map_or(0, |at| at + 1);
                if whole == 0 && self.bytes.len() + chunk.len() > u32::MAX as usize {
                    return Err(Error::doing(
                        "a line is too long:",
                        name,
                        std::io::Error::from(std::io::ErrorKind::OutOfMemory),
                    ));
                }
                if whole > 0 {
                    let rest = self.bytes.split_off(whole);
                    self.sort(plan);
                    runs.push(self.spill(plan, cx)?);
                    self.lines.clear();
                    self.bytes.clear();
                    self.bytes.extend(rest);
                }
            }
            self.bytes.extend_from_slice(chunk);
            let length = chunk.len();
            input.consume(length);
        }
        if self.bytes.last().is_some_and(|&last| last != plan.end) {
            self.bytes.push(plan.end);
        }
        Ok(())
    }

    fn sort(&mut self, plan: &Plan) {
        let key = &plan.keys[0];
        let whole_line = plan.keys.len() == 1 && key.is_plain_text() && plan.separator.is_none();
        let mut start = 0;
        self.lines.reserve(self.bytes.len() / 32);
        for end in memchr::memchr_iter(plan.end, &self.bytes) {
            let text = &self.bytes[start..end];
            let key_start = key.start_of(text, plan.separator);
            let part = key.slice(text, plan.separator);
            let small = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
            self.lines.push(Line {
                prefix: key.prefix(part, plan.salt),
                start: small(start),
                length: small(end - start),
                key_start: small(key_start.min(end - start - part.len())),
                key_length: small(part.len()),
            });
            start = end + 1;
        }
        let mut lines = std::mem::take(&mut self.lines);
        let text = |line: &Line| self.text(line);
        let whole_line = whole_line && plan.keys[0].slice(b"  x", None) == b"  x";
        if whole_line && plan.keys[0].order.reverse == plan.reverse_last {
            // Equal lines cannot be told apart, so that any sort is stable.
            let reverse = plan.reverse_last;
            lines.sort_unstable_by(|a, b| {
                a.prefix.cmp(&b.prefix).then_with(|| {
                    let order = text(a).cmp(text(b));
                    if reverse { order.reverse() } else { order }
                })
            });
        } else {
            lines.sort_unstable_by(|a, b| {
                a.prefix
                    .cmp(&b.prefix)
                    .then_with(|| self.compare(a, b, plan))
                    .then_with(|| a.start.cmp(&b.start))
            });
        }
        self.lines = lines;
    }

    fn key(&self, line: &Line) -> &[u8] {
        let start = line.start as usize + line.key_start as usize;
        &self.bytes[start..start + line.key_length as usize]
    }

    /// As [`Plan::compare`], without looking for the first key again.
    fn compare(&self, a: &Line, b: &Line, plan: &Plan) -> Ordering {
        let (x, y) = (self.text(a), self.text(b));
        if x == y {
            return Ordering::Equal;
        }
        plan.keys[0]
            .compare(self.key(a), self.key(b), plan.salt)
            .then_with(|| plan.compare_from(1, x, y))
            .then_with(|| plan.compare_last(x, y))
    }

    fn write(&self, output: &mut Output<'_>, plan: &Plan) -> Result<()> {
        let mut before: Option<&Line> = None;
        for line in &self.lines {
            if plan.unique
                && before.is_some_and(|before| {
                    before.prefix == line.prefix
                        && plan.compare_keys(self.text(before), self.text(line)) == Ordering::Equal
                })
            {
                continue;
            }
            before = Some(line);
            let start = line.start as usize;
            // The end is part of what is in memory.
            output.put(&self.bytes[start..=start + line.length as usize])?;
        }
        Ok(())
    }

    /// Writes the sorted lines to a temporary file, which is gone when it is closed.
    fn spill(&self, plan: &Plan, cx: &Context<'_>) -> Result<OwnedFd> {
        let (file, name) = plan.temporary_file(cx)?;
        let mut output = Output::new(file.as_fd());
        self.write(&mut output, plan)
            .and_then(|()| output.flush())
            .map_err(|error| in_directory(error, &name))?;
        rewind(&file, &name)?;
        Ok(file)
    }
}

/// Half of the memory that is free, looked up only for inputs that may come near it.
fn half_of_memory(used: usize) -> usize {
    if used < 64 << 20 {
        return usize::MAX;
    }
    thread_local! {
        static HALF: std::cell::OnceCell<usize> = const { std::cell::OnceCell::new() };
    }
    HALF.with(|half| {
        *half.get_or_init(|| usize::try_from(memory() / 3).unwrap_or(usize::MAX).max(96 << 20))
    })
}

fn in_directory(error: Error, name: &OsStr) -> Error {
    match error {
        Error::Output(source) => Error::path(name, source),
        other => other,
    }
}

fn rewind(file: &OwnedFd, name: &OsStr) -> Result<()> {
    rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0))
        .map(drop)
        .map_err(|errno| Error::path(name, errno))
}

impl Plan {
    /// By the keys, and if they are equal by the whole line.
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        self.compare_keys(a, b).then_with(|| self.compare_last(a, b))
    }

    /// By the whole line, which decides where the keys do not.
    fn compare_last(&self, a: &[u8], b: &[u8]) -> Ordering {
        if self.stable || self.unique {
            return Ordering::Equal;
        }
        let order = a.cmp(b);
        if self.reverse_last { order.reverse() } else { order }
    }

    fn compare_keys(&self, a: &[u8], b: &[u8]) -> Ordering {
        self.compare_from(0, a, b)
    }

    fn compare_from(&self, first: usize, a: &[u8], b: &[u8]) -> Ordering {
        for key in &self.keys[first..] {
            let (x, y) = (key.slice(a, self.separator), key.slice(b, self.separator));
            let order = key.compare(x, y, self.salt);
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    /// A file without a name, in the first directory that takes it.
    fn temporary_file(&self, cx: &Context<'_>) -> Result<(OwnedFd, OsString)> {
        let mut failure = None;
        for directory in &self.temporary {
            let flags = OFlags::TMPFILE | OFlags::RDWR;
            match cx.open_with(directory, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok((file, directory.clone())),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error::message("no directory for temporary files")))
    }
}

fn copied<'a>(
    plan: &Plan,
    cx: &Context<'_>,
    input: &mut Input<'_>,
    name: &OsStr,
) -> Result<Input<'a>> {
    let (file, directory) = plan.temporary_file(cx)?;
    let mut output = Output::new(file.as_fd());
    isobox_applet::copy::to_output(input, &mut output, name)
        .map_err(|error| in_directory(error, &directory))?;
    rewind(&file, &directory)?;
    Ok(Input::from(file))
}

/// A sorted source and the line that is next in it.
struct Source<'a> {
    input: Input<'a>,
    name: OsString,
    line: Vec<u8>,
    prefix: u64,
    order: usize,
}

impl Source<'_> {
    fn advance(&mut self, plan: &Plan) -> Result<bool> {
        let line = self.input.line(plan.end).map_err(|error| Error::path(&self.name, error))?;
        let Some(line) = line else { return Ok(false) };
        self.line.clear();
        self.line.extend_from_slice(line.strip_suffix(&[plan.end]).unwrap_or(line));
        let key = &plan.keys[0];
        self.prefix = key.prefix(key.slice(&self.line, plan.separator), plan.salt);
        Ok(true)
    }

    fn precedes(&self, other: &Self, plan: &Plan) -> bool {
        self.prefix
            .cmp(&other.prefix)
            .then_with(|| plan.compare(&self.line, &other.line))
            .then_with(|| self.order.cmp(&other.order))
            == Ordering::Less
    }
}

/// Merges sources; more than `--batch-size` are merged in rounds through temporary files.
fn merge(
    output: &mut Output<'_>,
    cx: &Context<'_>,
    plan: &Plan,
    mut sources: Vec<(Input<'_>, OsString)>,
) -> Result<()> {
    while sources.len() > plan.batch {
        let rest = sources.split_off(plan.batch);
        let (file, directory) = plan.temporary_file(cx)?;
        let mut merged = Output::new(file.as_fd());
        merge_few(&mut merged, plan, sources)
            .and_then(|()| merged.flush())
            .map_err(|error| in_directory(error, &directory))?;
        rewind(&file, &directory)?;
        sources = vec![(Input::from(file), directory)];
        sources.extend(rest);
    }
    merge_few(output, plan, sources)
}

fn merge_few(
    output: &mut Output<'_>,
    plan: &Plan,
    sources: Vec<(Input<'_>, OsString)>,
) -> Result<()> {
    // Sources by their next line, the least last.
    let mut heap: Vec<Source<'_>> = Vec::new();
    for (order, (input, name)) in sources.into_iter().enumerate() {
        let mut source = Source { input, name, line: Vec::new(), prefix: 0, order };
        if source.advance(plan)? {
            let at = heap.partition_point(|other| source.precedes(other, plan));
            heap.insert(at, source);
        }
    }
    let mut before: Option<Vec<u8>> = None;
    while let Some(mut source) = heap.pop() {
        let repeated = plan.unique
            && before
                .as_ref()
                .is_some_and(|before| plan.compare_keys(before, &source.line) == Ordering::Equal);
        if !repeated {
            output.put(&source.line)?;
            output.put_byte(plan.end)?;
            if plan.unique {
                before = Some(source.line.clone());
            }
        }
        if source.advance(plan)? {
            let at = heap.partition_point(|other| source.precedes(other, plan));
            heap.insert(at, source);
        }
    }
    Ok(())
}

fn check(cx: &mut Context<'_>, plan: &Plan, name: &OsStr, tell: bool) -> Result<Status> {
    let mut input = cx.open(name)?;
    let (mut before, mut number): (Option<Vec<u8>>, u64) = (None, 0);
    while let Some(line) = input.line(plan.end).map_err(|error| Error::path(name, error))? {
        let line = line.strip_suffix(&[plan.end]).unwrap_or(line);
        number += 1;
        let wrong = before.as_ref().is_some_and(|before| {
            let order = plan.compare(before, line);
            order == Ordering::Greater || plan.unique && order == Ordering::Equal
        });
        if wrong {
            if tell {
                let mut text = name.as_bytes().to_vec();
                text.extend_from_slice(format!(":{number}: disorder: ").as_bytes());
                text.extend_from_slice(line);
                cx.warn(&Error::Bytes(text));
            }
            return Ok(Status(1));
        }
        let before = before.get_or_insert_default();
        before.clear();
        before.extend_from_slice(line);
    }
    Ok(Status::SUCCESS)
}
