//! `wc`: counts lines, words, characters and bytes.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};

/// See the usage text.
pub(crate) const WC: Applet = Applet::new(
    "wc",
    wc,
    "[-lwcmL] [--files0-from FILE] [FILE]...\n\n\
     Count lines, words and bytes of FILEs\n\n\
     \t-l\tNewlines\n\
     \t-w\tWords\n\
     \t-c\tBytes\n\
     \t-m\tCharacters\n\
     \t-L\tLength of the longest line",
);

const OPTIONS: Spec = Spec::new(
    "lwcmL",
    &[
        ("lines", 'l'),
        ("words", 'w'),
        ("bytes", 'c'),
        ("chars", 'm'),
        ("max-line-length", 'L'),
        ("files0-from=", 'F'),
    ],
);

#[derive(Default, Clone, Copy)]
struct Counts {
    lines: u64,
    words: u64,
    characters: u64,
    bytes: u64,
    longest: u64,
}

#[derive(Default, Clone, Copy)]
struct Wanted {
    lines: bool,
    words: bool,
    characters: bool,
    bytes: bool,
    longest: bool,
    /// Characters are UTF-8, not bytes.
    utf8: bool,
}

fn wc(cx: &mut Context<'_>) -> Result<Status> {
    let mut wanted = Wanted::default();
    let (mut any, mut list) = (false, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        any |= option != 'F';
        match option {
            'l' => wanted.lines = true,
            'w' => wanted.words = true,
            'c' => wanted.bytes = true,
            'm' => wanted.characters = true,
            'L' => wanted.longest = true,
            _ => list = Some(arguments.value()),
        }
    }
    if !any {
        (wanted.lines, wanted.words, wanted.bytes) = (true, true, true);
    }
    wanted.utf8 = cx.utf8();
    let mut operands = arguments.operands();
    if let Some(list) = list {
        if !operands.is_empty() {
            return Err(Error::usage("FILEs and --files0-from exclude each other"));
        }
        operands = names(cx, &list)?;
    }
    let alone = [wanted.lines, wanted.words, wanted.characters, wanted.bytes, wanted.longest]
        .iter()
        .filter(|&&wanted| wanted)
        .count()
        == 1;
    let mut total = Counts::default();
    let unnamed = operands.is_empty();
    cx.each_input(&operands, |cx, input, name| {
        let counts = count(input, wanted).map_err(|error| error.on(name))?;
        total.add(counts);
        show(cx, counts, wanted, alone, if unnamed { None } else { Some(name.as_bytes()) })
    })?;
    if operands.len() > 1 {
        show(cx, total, wanted, alone, Some(b"total"))?;
    }
    Ok(cx.status())
}

fn names(cx: &mut Context<'_>, list: &std::ffi::OsStr) -> Result<Vec<OsString>> {
    let mut bytes = Vec::new();
    cx.open(list)?.read_to_end(&mut bytes).map_err(|error| Error::path(list, error))?;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    Ok(bytes
        .split(|&byte| byte == 0)
        .map(|name| std::ffi::OsStr::from_bytes(name).into())
        .collect())
}

fn show(
    cx: &mut Context<'_>,
    counts: Counts,
    wanted: Wanted,
    alone: bool,
    name: Option<&[u8]>,
) -> Result<()> {
    let mut first = true;
    for (wanted, count) in [
        (wanted.lines, counts.lines),
        (wanted.words, counts.words),
        (wanted.characters, counts.characters),
        (wanted.bytes, counts.bytes),
        (wanted.longest, counts.longest),
    ] {
        if !wanted {
            continue;
        }
        if alone {
            write!(cx.stdout, "{count}")?;
        } else {
            write!(cx.stdout, "{}{count:9}", if first { "" } else { " " })?;
        }
        first = false;
    }
    if let Some(name) = name {
        cx.stdout.put_byte(b' ')?;
        cx.stdout.put(name)?;
    }
    cx.stdout.put_byte(b'\n')
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.words += other.words;
        self.characters += other.characters;
        self.bytes += other.bytes;
        self.longest = self.longest.max(other.longest);
    }
}

fn count(input: &mut Input<'_>, wanted: Wanted) -> Result<Counts> {
    let mut counts = Counts::default();
    let characters = wanted.characters && wanted.utf8;
    if wanted.bytes
        && !wanted.lines
        && !wanted.words
        && !wanted.characters
        && !wanted.longest
        && let Some(size) = rest_of_file(input)
    {
        counts.bytes = size;
        return Ok(counts);
    }
    let mut in_space = true;
    let mut column = 0;
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            break;
        }
        let length = chunk.len();
        counts.bytes += length as u64;
        if wanted.lines {
            counts.lines += memchr::memchr_iter(b'\n', chunk).count() as u64;
        }
        if wanted.words {
            counts.words += words(chunk, &mut in_space);
        }
        if characters {
            counts.characters += chunk.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64;
        }
        if wanted.longest {
            longest(chunk, wanted.utf8, &mut column, &mut counts.longest);
        }
        input.consume(length);
    }
    counts.longest = counts.longest.max(column);
    if !characters {
        counts.characters = counts.bytes;
    }
    Ok(counts)
}

/// The size of a regular file from the current position on; sizes that `/proc` invents are not
/// believed.
fn rest_of_file(input: &Input<'_>) -> Option<u64> {
    let status = rustix::fs::fstat(input.as_fd()).ok()?;
    if !rustix::fs::FileType::from_raw_mode(status.st_mode).is_file() || status.st_size == 0 {
        return None;
    }
    let position = rustix::fs::seek(input.as_fd(), rustix::fs::SeekFrom::Current(0)).ok()?;
    let size = u64::try_from(status.st_size).ok()?;
    // Files of sysfs claim a page.
    (size % 4096 != 0 && size >= position).then(|| size - position)
}

const fn is_space(byte: u8) -> bool {
    byte == b' ' || byte.wrapping_sub(b'\t') < 5
}

/// Counts the starts of words: pairs of a space and another byte. The inner loop has no branches
/// and sums in bytes, so that it compiles to vector instructions.
fn words(chunk: &[u8], in_space: &mut bool) -> u64 {
    let Some((&first, &last)) = chunk.first().zip(chunk.last()) else { return 0 };
    let mut words = u64::from(*in_space && !is_space(first));
    for (before, after) in chunk[..chunk.len() - 1].chunks(255).zip(chunk[1..].chunks(255)) {
        let sum = before.iter().zip(after).fold(0_u8, |sum, (&before, &after)| {
            sum.wrapping_add(u8::from(is_space(before) & !is_space(after)))
        });
        words += u64::from(sum);
    }
    *in_space = is_space(last);
    words
}

fn longest(chunk: &[u8], utf8: bool, column: &mut u64, longest: &mut u64) {
    for &byte in chunk {
        match byte {
            b'\n' | b'\r' | 0x0c => {
                *longest = (*longest).max(*column);
                *column = 0;
            }
            b'\t' => *column = (*column | 7) + 1,
            0x20..=0x7e => *column += 1,
            0x80.. if utf8 => *column += u64::from(byte & 0xc0 != 0x80),
            _ => {}
        }
    }
}
