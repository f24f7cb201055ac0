//! `tail`: the last lines or bytes, and what is appended later.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use isobox_applet::{Applet, Context, Error, Input, Output, Result, Spec, Status, copy, number};
use rustix::fs::{FileType, SeekFrom, fstat, seek};

/// See the usage text.
pub(crate) const TAIL: Applet = Applet::new(
    "tail",
    tail,
    "[-n [+]N] [-c [+]N] [-fFqvz] [-s SECONDS] [--pid PID] [FILE]...\n\n\
     Print the last 10 lines of FILEs, with headers if there are several\n\n\
     \t-n N\tLast N lines; with +N from line N on\n\
     \t-c N\tThe same in bytes (N may end in b, k, m, G, kB...)\n\
     \t-f\tGo on with what is appended\n\
     \t-F\tThe same by name: a file that is replaced is opened again\n\
     \t-s N\tLook every N seconds (1)\n\
     \t--pid PID\tWith -f, end after process PID\n\
     \t-q\tNo headers\n\
     \t-v\tHeaders always\n\
     \t-z\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new(
    "n:c:fFqvzs:",
    &[
        ("lines=", 'n'),
        ("bytes=", 'c'),
        ("follow=?", 'o'),
        ("retry", 'r'),
        ("sleep-interval=", 's'),
        ("pid=", 'p'),
        ("quiet", 'q'),
        ("silent", 'q'),
        ("verbose", 'v'),
        ("zero-terminated", 'z'),
    ],
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    No,
    Descriptor,
    Name,
}

struct Wanted {
    bytes: bool,
    count: u64,
    from_start: bool,
    delimiter: u8,
}

fn tail(cx: &mut Context<'_>) -> Result<Status> {
    let mut wanted = Wanted { bytes: false, count: 10, from_start: false, delimiter: b'\n' };
    let (mut follow, mut headers) = (Follow::No, None);
    let (mut interval, mut pid) = (Duration::from_secs(1), None);
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
                wanted.from_start = bytes.starts_with(b"+");
                let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
                wanted.count =
                    number::size(OsStr::from_bytes(digits)).map_err(|_| number::invalid(&value))?;
            }
            'f' => follow = Follow::Descriptor,
            'o' => match arguments.optional_value() {
                Some(how) if how == "name" => follow = Follow::Name,
                Some(how) if how != "descriptor" => {
                    return Err(Error::about("expected --follow=name or descriptor, not", how));
                }
                _ => follow = Follow::Descriptor,
            },
            'F' => follow = Follow::Name,
            'r' => {}
            's' => interval = number::seconds(&arguments.value())?,
            'p' => pid = Some(number::unsigned(&arguments.value())?),
            'q' => headers = Some(false),
            'v' => headers = Some(true),
            _ => wanted.delimiter = 0,
        }
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        operands.push("-".into());
    }
    let headers = headers.unwrap_or(operands.len() > 1);
    let mut first = true;
    let mut files = Vec::new();
    for name in &operands {
        let input = cx.open(name);
        let outcome = match input {
            Ok(mut input) => {
                if headers {
                    header(&mut cx.stdout, name, &mut first)?;
                }
                let outcome = print(&mut cx.stdout, &mut input, &wanted);
                files.push(Followed { name: name.clone(), input: Some(input) });
                outcome.map_err(|error| error.on(name))
            }
            Err(error) => {
                if follow == Follow::Name {
                    files.push(Followed { name: name.clone(), input: None });
                }
                Err(error)
            }
        };
        cx.attempt(outcome)?;
    }
    if follow != Follow::No {
        // What is not a file or has ended for good is not looked at again.
        files.retain(|file| file.name != "-" || is_regular(cx.stdin));
        if !files.is_empty() {
            return follow_files(cx, &mut files, follow, headers, interval, pid);
        }
    }
    Ok(cx.status())
}

/// The old forms `-5`, `-5f`, `+5` as the options of today.
fn modern(word: &mut OsString) {
    let bytes = word.as_bytes();
    if bytes.len() < 2 || !matches!(bytes[0], b'-' | b'+') {
        return;
    }
    let digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return;
    }
    let letters = &bytes[1 + digits..];
    if !letters.iter().all(|letter| b"fclbF".contains(letter)) {
        return;
    }
    let unit = if letters.iter().any(|letter| b"cb".contains(letter)) { b'c' } else { b'n' };
    let mut modern = b"-".to_vec();
    modern.extend(letters.iter().filter(|letter| b"fF".contains(letter)));
    modern.push(unit);
    if bytes[0] == b'+' {
        modern.push(b'+');
    }
    modern.extend(&bytes[1..=digits]);
    if letters.contains(&b'b') {
        modern.push(b'b');
    }
    *word = OsStr::from_bytes(&modern).to_owned();
}

/// The line that names a file, after an empty one unless it is the `first`.
pub(crate) fn header(output: &mut Output<'_>, name: &OsStr, first: &mut bool) -> Result<()> {
    output.put(if std::mem::take(first) { b"==> " } else { b"\n==> " })?;
    output.put(if name == "-" { b"standard input" } else { name.as_bytes() })?;
    output.put(b" <==\n")
}

fn is_regular(fd: BorrowedFd<'_>) -> bool {
    fstat(fd).is_ok_and(|status| FileType::from_raw_mode(status.st_mode).is_file())
}

fn print(output: &mut Output<'_>, input: &mut Input<'_>, wanted: &Wanted) -> Result<()> {
    if wanted.from_start {
        let skip = wanted.count.saturating_sub(1);
        if wanted.bytes {
            skip_bytes(input, skip)?
        } else {
            skip_lines(input, skip, wanted.delimiter)?
        }
        return copy::to_output(input, output, OsStr::new("input"));
    }
    if is_regular(input.as_fd())
        && let Some(start) = start_of_tail(input, wanted)?
    {
        seek(input.as_fd(), SeekFrom::Start(start)).map_err(|errno| Error::Read(errno.into()))?;
        return copy::to_output(input, output, OsStr::new("input"));
    }
    if wanted.bytes {
        last_bytes(output, input, wanted.count)
    } else {
        last_lines(output, input, wanted)
    }
}

pub(crate) fn skip_bytes(input: &mut Input<'_>, mut left: u64) -> Result<()> {
    while left > 0 {
        let available = input.chunk().map_err(Error::Read)?.len();
        if available == 0 {
            break;
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(available);
        input.consume(count);
        left -= count as u64;
    }
    Ok(())
}

fn skip_lines(input: &mut Input<'_>, lines: u64, delimiter: u8) -> Result<()> {
    for _ in 0..lines {
        if input.line(delimiter).map_err(Error::Read)?.is_none() {
            break;
        }
    }
    Ok(())
}

/// Where the tail of a file begins, found from its end; nothing if the file has no size (`/proc`)
/// or its position cannot be told.
fn start_of_tail(input: &mut Input<'_>, wanted: &Wanted) -> Result<Option<u64>> {
    let Ok(status) = fstat(input.as_fd()) else { return Ok(None) };
    let Ok(position) = seek(input.as_fd(), SeekFrom::Current(0)) else { return Ok(None) };
    let size = u64::try_from(status.st_size).unwrap_or(0);
    if size <= position {
        return Ok(None);
    }
    if wanted.bytes {
        return Ok(Some(size.saturating_sub(wanted.count).max(position)));
    }
    if wanted.count == 0 {
        return Ok(Some(size));
    }
    let mut block = vec![0; 64 * 1024];
    let (mut end, mut left, mut last) = (size, wanted.count, true);
    while end > position {
        let length = (block.len() as u64).min(end - position);
        let start = end - length;
        let part = &mut block[..usize::try_from(length).unwrap_or(0)];
        let mut filled = 0;
        while filled < part.len() {
            let offset = start + filled as u64;
            match rustix::io::pread(input.as_fd(), &mut part[filled..], offset) {
                Ok(0) => return Ok(None),
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Error::Read(errno.into())),
            }
        }
        let mut searched = part.len();
        // The end of the last line does not begin another.
        if std::mem::take(&mut last) && part.last() == Some(&wanted.delimiter) {
            searched -= 1;
        }
        for at in memchr::memrchr_iter(wanted.delimiter, &part[..searched]) {
            left -= 1;
            if left == 0 {
                return Ok(Some(start + at as u64 + 1));
            }
        }
        end = start;
    }
    Ok(Some(position))
}

fn last_bytes(output: &mut Output<'_>, input: &mut Input<'_>, count: u64) -> Result<()> {
    let keep = usize::try_from(count).unwrap_or(usize::MAX);
    let mut held: Vec<u8> = Vec::new();
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            break;
        }
        held.extend_from_slice(chunk);
        let taken = chunk.len();
        input.consume(taken);
        if held.len() > keep.saturating_mul(2).max(1 << 20) {
            let surplus = held.len() - keep;
            held.drain(..surplus);
        }
    }
    output.put(&held[held.len().saturating_sub(keep)..])
}

fn last_lines(output: &mut Output<'_>, input: &mut Input<'_>, wanted: &Wanted) -> Result<()> {
    let mut held: VecDeque<Vec<u8>> = VecDeque::new();
    while let Some(line) = input.line(wanted.delimiter).map_err(Error::Read)? {
        let mut kept = if held.len() as u64 >= wanted.count {
            held.pop_front().unwrap_or_default()
        } else {
            Vec::new()
        };
        if wanted.count > 0 {
            kept.clear();
            kept.extend_from_slice(line);
            held.push_back(kept);
        }
    }
    held.iter().try_for_each(|line| output.put(line))
}

struct Followed<'a> {
    name: OsString,
    input: Option<Input<'a>>,
}

fn follow_files<'a>(
    cx: &mut Context<'a>,
    files: &mut [Followed<'a>],
    follow: Follow,
    headers: bool,
    interval: Duration,
    pid: Option<u64>,
) -> Result<Status> {
    let mut shown = files.len() - 1;
    loop {
        cx.stdout.flush()?;
        let ended = pid.is_some_and(|pid| {
            rustix::fs::access(format!("/proc/{pid}"), rustix::fs::Access::EXISTS).is_err()
        });
        for (index, file) in files.iter_mut().enumerate() {
            if follow == Follow::Name {
                reopen(cx, file)?;
            }
            let name = file.name.clone();
            let Some(input) = &mut file.input else { continue };
            shortened(cx, input, &name);
            let mut buffer = [0; 8192];
            loop {
                let count = isobox_applet::read(input.as_fd(), &mut buffer)
                    .map_err(|error| Error::path(&name, error))?;
                if count == 0 {
                    break;
                }
                if headers && std::mem::replace(&mut shown, index) != index {
                    header(&mut cx.stdout, &name, &mut false)?;
                }
                cx.stdout.put(&buffer[..count])?;
            }
        }
        cx.stdout.flush()?;
        if ended {
            return Ok(cx.status());
        }
        std::thread::sleep(interval);
    }
}

/// A file that was cut short is read from its start.
fn shortened(cx: &mut Context<'_>, input: &Input<'_>, name: &OsStr) {
    let (Ok(status), Ok(position)) =
        (fstat(input.as_fd()), seek(input.as_fd(), SeekFrom::Current(0)))
    else {
        return;
    };
    if u64::try_from(status.st_size).unwrap_or(0) < position && is_regular(input.as_fd()) {
        let mut text = name.as_bytes().to_vec();
        text.extend_from_slice(b": file truncated");
        cx.warn(&Error::Bytes(text));
        seek(input.as_fd(), SeekFrom::Start(0)).ok();
    }
}

/// Opens what the name now means, if that is another file than before.
fn reopen<'a>(cx: &mut Context<'a>, file: &mut Followed<'a>) -> Result<()> {
    if file.name == "-" {
        return Ok(());
    }
    let now = rustix::fs::statat(cx.dir, &file.name, rustix::fs::AtFlags::empty());
    let before = file.input.as_ref().and_then(|input| fstat(input.as_fd()).ok());
    match (now, before) {
        (Ok(now), Some(before)) if (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino) => {}
        (Ok(_), before) => {
            if let Ok(input) = cx.open_file(&file.name) {
                let what: &[u8] = if before.is_some() {
                    b" has been replaced; following the new file"
                } else {
                    b" has appeared; following the new file"
                };
                let mut text = file.name.as_bytes().to_vec();
                text.extend_from_slice(what);
                cx.warn(&Error::Bytes(text));
                file.input = Some(input);
            }
        }
        (Err(errno), Some(_)) => {
            cx.warn(&Error::path(&file.name, errno));
            // What was written before it went away is still to be shown by the next look.
            if let Some(input) = file.input.take() {
                copy::copy(input.as_fd(), cx.stdout.fd(), u64::MAX).ok();
            }
        }
        (Err(_), None) => {}
    }
    Ok(())
}
