//! `head`: the first lines or bytes.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Output, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const HEAD: Applet = Applet::new(
    "head",
    head,
    "[-n [-]N] [-c [-]N] [-qvz] [FILE]...\n\n\
     Print the first 10 lines of FILEs, with headers if there are several\n\n\
     \t-n N\tFirst N lines; with -N all but the last N\n\
     \t-c N\tThe same in bytes (N may end in b, k, m, G, kB...)\n\
     \t-q\tNo headers\n\
     \t-v\tHeaders always\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "n:c:qvz",
    &[
        ("lines=", 'n'),
        ("bytes=", 'c'),
        ("quiet", 'q'),
        ("silent", 'q'),
        ("verbose", 'v'),
        ("zero-terminated", 'z'),
    ],
);

struct Wanted {
    bytes: bool,
    count: u64,
    but_last: bool,
    delimiter: u8,
}

fn head(cx: &mut Context<'_>) -> Result<Status> {
    let mut wanted = Wanted { bytes: false, count: 10, but_last: false, delimiter: b'\n' };
    let mut headers = None;
    if let Some(first) = cx.args.first_mut() {
        modern(first);
    }
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'n' | 'c' => {
                wanted.bytes = option == 'c';
                let value = arguments.value();
                let bytes = value.as_bytes();
                let digits = bytes.strip_prefix(b"-");
                wanted.but_last = digits.is_some();
                wanted.count = number::size(OsStr::from_bytes(digits.unwrap_or(bytes)))
                    .map_err(|_| number::invalid(&value))?;
            }
            'q' => headers = Some(false),
            'v' => headers = Some(true),
            _ => wanted.delimiter = 0,
        }
    }
    let operands = arguments.operands();
    let headers = headers.unwrap_or(operands.len() > 1);
    let mut first = true;
    cx.each_input(&operands, |cx, input, name| {
        if headers {
            super::tail::header(&mut cx.stdout, name, &mut first)?;
        }
        print(&mut cx.stdout, input, &wanted).map_err(|error| error.on(name))?;
        give_back(input);
        Ok(())
    })?;
    Ok(cx.status())
}

/// The old form `-5`, `-5c`, `-5q` as the options of today.
fn modern(word: &mut OsString) {
    let bytes = word.as_bytes();
    let Some(rest) = bytes.strip_prefix(b"-") else { return };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return;
    }
    let (count, letters) = rest.split_at(digits);
    let (mut unit, mut suffix, mut others) = (b'n', Vec::new(), Vec::new());
    for &letter in letters {
        match letter {
            b'c' => unit = b'c',
            b'l' => unit = b'n',
            b'b' | b'k' | b'm' => (unit, suffix) = (b'c', vec![letter]),
            other => others.push(other),
        }
    }
    let mut modern = b"-".to_vec();
    modern.extend(others);
    modern.push(unit);
    modern.extend(count);
    modern.extend(suffix);
    *word = OsStr::from_bytes(&modern).to_owned();
}

/// The position of a file shared with the shell is left after what was printed.
fn give_back(input: &mut Input<'_>) {
    let unread = i64::try_from(input.unread().len()).unwrap_or(0);
    if unread > 0 {
        // Pipes cannot be turned back; nothing is lost that was not lost before.
        rustix::fs::seek(input.as_fd(), rustix::fs::SeekFrom::Current(-unread)).ok();
    }
}

fn print(output: &mut Output<'_>, input: &mut Input<'_>, wanted: &Wanted) -> Result<()> {
    match (wanted.bytes, wanted.but_last) {
        (true, false) => {
            let mut left = wanted.count;
            while left > 0 {
                let chunk = input.chunk().map_err(Error::Read)?;
                if chunk.is_empty() {
                    break;
                }
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
                output.put(&chunk[..count])?;
                input.consume(count);
                left -= count as u64;
            }
            Ok(())
        }
        (false, false) => {
            let mut left = wanted.count;
            while left > 0 {
                let chunk = input.chunk().map_err(Error::Read)?;
                if chunk.is_empty() {
                    break;
                }
                let mut end = chunk.len();
                for at in memchr::memchr_iter(wanted.delimiter, chunk) {
                    left -= 1;
                    if left == 0 {
                        end = at + 1;
                        break;
                    }
                }
                output.put(&chunk[..end])?;
                input.consume(end);
            }
            Ok(())
        }
        (true, true) => all_but_bytes(output, input, wanted.count),
        (false, true) => {
            let mut held: VecDeque<Vec<u8>> = VecDeque::new();
            while let Some(line) = input.line(wanted.delimiter).map_err(Error::Read)? {
                held.push_back(line.to_vec());
                if held.len() as u64 > wanted.count
                    && let Some(line) = held.pop_front()
                {
                    output.put(&line)?;
                }
            }
            Ok(())
        }
    }
}

fn all_but_bytes(output: &mut Output<'_>, input: &mut Input<'_>, count: u64) -> Result<()> {
    let keep = usize::try_from(count).unwrap_or(usize::MAX);
    let mut held = Vec::new();
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            return Ok(());
        }
        held.extend_from_slice(chunk);
        let taken = chunk.len();
        input.consume(taken);
        if held.len() > keep {
            let free = held.len() - keep;
            output.put(&held[..free])?;
            held.drain(..free);
        }
    }
}
