//! `uuencode` and `uudecode`: files as mail could carry them.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Output, Result, Spec, Status};
use rustix::fs::{Mode, OFlags};

/// See the usage text.
pub(crate) const UUENCODE: Applet = Applet::new(
    "uuencode",
    uuencode,
    "[-m] [FILE] NAME\n\n\
     Write FILE or standard input as text that uudecode stores as NAME\n\n\
     \t-m\tIn base64",
);

/// See the usage text.
pub(crate) const UUDECODE: Applet = Applet::new(
    "uudecode",
    uudecode,
    "[-o TARGET] [FILE]\n\n\
     Store what was encoded by uuencode\n\n\
     \t-o F\tStore it as F, not by the name it was encoded with",
);

const ENCODE_OPTIONS: Spec = Spec::new("m", &[("base64", 'm')]);
const DECODE_OPTIONS: Spec = Spec::new("o:", &[("output-file=", 'o')]);
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn uuencode(cx: &mut Context<'_>) -> Result<Status> {
    let mut base64 = false;
    let mut arguments = cx.parse(&ENCODE_OPTIONS);
    while arguments.next()?.is_some() {
        base64 = true;
    }
    let mut operands = arguments.operands_between(1, 2)?;
    let name = operands.pop().unwrap_or_default();
    let source = operands.pop().unwrap_or_else(|| "-".into());
    let mut input = cx.open(&source)?;
    let mode = if source == "-" {
        0o666 & !rustix::process::umask(Mode::empty()).as_raw_mode()
    } else {
        rustix::fs::fstat(input.as_fd()).map_or(0o644, |status| status.st_mode & 0o777)
    };
    if source == "-" {
        rustix::process::umask(Mode::from_raw_mode(0o666 & !mode));
    }
    write!(cx.stdout, "begin{} {mode:o} ", if base64 { "-base64" } else { "" })?;
    cx.stdout.put(name.as_bytes())?;
    cx.stdout.put(b"\n")?;
    let mut block = [0; 45];
    loop {
        let count = input.read_full(&mut block).map_err(|error| Error::path(&source, error))?;
        if count == 0 {
            break;
        }
        let mut line = Vec::with_capacity(64);
        let letter = |value: u32| {
            let value = (value & 63) as u8;
            if base64 {
                BASE64[usize::from(value)]
            } else if value == 0 {
                b'`'
            } else {
                value + b' '
            }
        };
        if !base64 {
            line.push(u8::try_from(count).unwrap_or(0) + b' ');
        }
        block[count..].fill(0);
        for group in block[..count.next_multiple_of(3)].chunks(3) {
            let value = u32::from_be_bytes([0, group[0], group[1], group[2]]);
            line.extend([
                letter(value >> 18),
                letter(value >> 12),
                letter(value >> 6),
                letter(value),
            ]);
        }
        if base64 {
            let padding = (3 - count % 3) % 3;
            let end = line.len();
            line[end - padding..].fill(b'=');
        }
        line.push(b'\n');
        cx.stdout.put(&line)?;
    }
    cx.stdout.put(if base64 { b"====\n" } else { b"`\nend\n" })?;
    Ok(cx.status())
}

fn uudecode(cx: &mut Context<'_>) -> Result<Status> {
    let mut target = None;
    let mut arguments = cx.parse(&DECODE_OPTIONS);
    while arguments.next()?.is_some() {
        target = Some(arguments.value());
    }
    let operands = arguments.operands_between(0, 1)?;
    let source = operands.first().cloned().unwrap_or_else(|| "-".into());
    let mut input = cx.open(&source)?;
    while let Some(line) = input.line(b'\n').map_err(|error| Error::path(&source, error))? {
        let line = line.trim_ascii_end();
        let (base64, rest) =
            match (line.strip_prefix(b"begin-base64 "), line.strip_prefix(b"begin ")) {
                (Some(rest), _) => (true, rest),
                (None, Some(rest)) => (false, rest),
                _ => continue,
            };
        let Some((mode, name)) = header(rest) else { continue };
        let name = target.unwrap_or(name);
        if name == "-" || name == "/dev/stdout" {
            return decode(&mut input, &source, base64, &mut cx.stdout).map(|()| Status::SUCCESS);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let file = cx.open_with(&name, flags, Mode::from_raw_mode(0o666))?;
        let mut output = Output::new(file.as_fd());
        decode(&mut input, &source, base64, &mut output)?;
        output.flush()?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))
            .map_err(|errno| Error::path(&name, errno))?;
        return Ok(Status::SUCCESS);
    }
    Err(Error::message("no 'begin' line"))
}

fn header(rest: &[u8]) -> Option<(u32, OsString)> {
    let space = memchr::memchr(b' ', rest)?;
    let mode = u32::from_str_radix(std::str::from_utf8(&rest[..space]).ok()?, 8).ok()?;
    Some((mode & 0o777, OsStr::from_bytes(&rest[space + 1..]).to_owned()))
}

fn decode(
    input: &mut Input<'_>,
    source: &OsStr,
    base64: bool,
    output: &mut Output<'_>,
) -> Result<()> {
    let short = || Error::about("short or damaged input in", source);
    loop {
        let Some(line) = input.line(b'\n').map_err(|error| Error::path(source, error))? else {
            return Err(Error::about("no end of the file in", source));
        };
        let line = line.trim_ascii_end();
        if base64 {
            if line == b"====" {
                return Ok(());
            }
            let text: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'=').collect();
            let values: Option<Vec<u32>> = text
                .iter()
                .map(|byte| {
                    BASE64
                        .iter()
                        .position(|letter| letter == byte)
                        .and_then(|at| u32::try_from(at).ok())
                })
                .collect();
            let values = values.ok_or_else(short)?;
            output.put(&bytes(&values, values.len() * 6 / 8))?;
            continue;
        }
        match line {
            b"end" => return Ok(()),
            b"`" | b"" | b" " => continue,
            _ => {}
        }
        let count = usize::from(line[0].wrapping_sub(b' ') & 63);
        let mut values: Vec<u32> =
            line[1..].iter().map(|&byte| u32::from(byte.wrapping_sub(b' ') & 63)).collect();
        // Blanks at the end may have been lost on the way.
        values.resize(values.len().max(count.div_ceil(3) * 4), 0);
        if !line[1..].iter().all(|byte| (b' '..=b'`').contains(byte)) {
            return Err(short());
        }
        output.put(&bytes(&values, count))?;
    }
}

/// The first `count` bytes of six-bit values.
fn bytes(values: &[u32], count: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = values
        .chunks(4)
        .flat_map(|group| {
            let value =
                (0..4).fold(0, |value, at| value << 6 | group.get(at).copied().unwrap_or(0));
            let [_, a, b, c] = value.to_be_bytes();
            [a, b, c]
        })
        .collect();
    bytes.truncate(count);
    bytes
}
