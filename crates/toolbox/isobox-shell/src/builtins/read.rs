//! `read`

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::{Args, Letters};
use crate::expand::Separators;
use crate::names::{self, Name, is_name};
use crate::shell::{Escape, Run, Shell};

#[derive(Default)]
struct Wanted {
    raw: bool,
    silent: bool,
    characters: Option<usize>,
    delimiter: u8,
    deadline: Option<Instant>,
    number: usize,
    asks: bool,
}

/// `read [-rs] [-p prompt] [-n count] [-t seconds] [-d delimiter] [-u descriptor] [name]…`
pub(super) fn read(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "rsp:n:t:d:u:");
    let mut wanted = Wanted { delimiter: b'\n', ..Wanted::default() };
    let mut prompt: &[u8] = b"";
    while let Some((letter, value)) = letters.option(shell)? {
        match letter {
            b'r' => wanted.raw = true,
            b's' => wanted.silent = true,
            b'p' => prompt = value,
            b'n' => {
                let count = super::count(shell, value)?;
                wanted.characters = usize::try_from(count).ok().filter(|&count| count > 0);
            }
            b't' => match seconds(value) {
                // Only asks whether there is something to read.
                Some(Duration::ZERO) => wanted.asks = true,
                Some(duration) => wanted.deadline = Instant::now().checked_add(duration),
                None => return shell.fail([b"invalid timeout '", value, b"'"].concat()),
            },
            b'd' => wanted.delimiter = value.first().copied().unwrap_or(0),
            _ => wanted.number = usize::try_from(super::count(shell, value)?).unwrap_or(usize::MAX),
        }
    }
    let mut variables = Vec::new();
    for word in args.from(letters.next) {
        if !is_name(word) {
            return shell.fail([b"'", word, b"': bad variable name"].concat());
        }
        variables.push(shell.names.intern(word));
    }
    if !prompt.is_empty() && crate::jobs::is_terminal(wanted.number, &shell.files) {
        shell.write_error(prompt);
    }
    shell.flush().ok();
    if wanted.asks {
        let ready =
            shell.files.descriptor(wanted.number).is_some_and(|fd| wait(fd, Instant::now()));
        for &variable in &variables {
            shell.assign(variable, b"")?;
        }
        return Ok(i32::from(!ready));
    }
    let line = match shell.read_line(&wanted)? {
        Ok(line) => line,
        Err(status) => return Ok(status),
    };
    if variables.is_empty() {
        // One variable gets the line as it is, blanks at its ends included.
        shell.assign(names::REPLY, &line.text)?;
    } else {
        shell.assign_fields(&variables, &line)?;
    }
    Ok(line.status)
}

fn seconds(text: &[u8]) -> Option<Duration> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A line, with the places of bytes that a backslash has made literal.
#[derive(Default)]
struct Line {
    text: Vec<u8>,
    literal: Vec<usize>,
    status: i32,
}

impl Shell {
    fn read_line(&mut self, wanted: &Wanted) -> Run<Result<Line, i32>> {
        let Some(fd) = self.files.descriptor(wanted.number) else {
            return self.fail(format!(
                "{}: {}",
                wanted.number,
                crate::shell::errno_text(Errno::BADF)
            ));
        };
        let terminal =
            if wanted.silent || wanted.characters.is_some() { quiet(fd, wanted) } else { None };
        // What is read too far is given back, if the file can be rewound.
        let step = if seek(fd, SeekFrom::Current(0)).is_ok() { STEP_BYTES } else { 1 };
        let mut line = Line::default();
        let mut escaped = false;
        let mut buffer = [0; STEP_BYTES];
        let outcome = 'lines: loop {
            if let Some(deadline) = wanted.deadline
                && !wait(fd, deadline)
            {
                line = Line { status: 1, ..Line::default() };
                break Ok(());
            }
            let want = if wanted.characters.is_some() { 1 } else { step };
            let count = match rustix::io::read(fd, &mut buffer[..want]) {
                Ok(count) => count,
                Err(Errno::INTR) => {
                    if self.traps.is_due()
                        || self.interactive && isopod_sys::caught::pending() & 2 != 0
                    {
                        break Err(None);
                    }
                    continue;
                }
                Err(error) => break Err(Some(error)),
            };
            if count == 0 {
                line.status = 1;
                break Ok(());
            }
            for (index, &byte) in buffer[..count].iter().enumerate() {
                let ends = if escaped {
                    escaped = false;
                    if byte != b'\n' {
                        line.literal.push(line.text.len());
                        line.text.push(byte);
                    }
                    false
                } else if byte == b'\\' && !wanted.raw {
                    escaped = true;
                    false
                } else if byte == wanted.delimiter {
                    true
                } else {
                    if byte != 0 {
                        line.text.push(byte);
                    }
                    false
                };
                if ends || wanted.characters.is_some_and(|count| line.text.len() >= count) {
                    let back = (count - index - 1) as i64;
                    if back > 0 {
                        seek(fd, SeekFrom::Current(-back)).ok();
                    }
                    break 'lines Ok(());
                }
            }
        };
        if let Some(terminal) = terminal {
            tcsetattr(fd, OptionalActions::Now, &terminal).ok();
        }
        match outcome {
            Ok(()) => Ok(Ok(line)),
            Err(None) => {
                let signal = self.traps.due().unwrap_or(crate::signal::INT);
                if !self.traps.is_due() {
                    isopod_sys::caught::take(crate::signal::INT);
                    self.status = 128 + signal;
                    return Err(Escape::Abort(self.status));
                }
                Ok(Err(128 + signal))
            }
            Err(Some(error)) => {
                self.warn(format!("read error: {}", crate::shell::errno_text(error)).as_bytes());
                Ok(Err(1))
            }
        }
    }

    /// Splits a line into variables; the last gets what is left.
    fn assign_fields(&mut self, variables: &[Name], line: &Line) -> Run<()> {
        let separators = self.separators();
        let mut splitter = Splitter { line, separators: &separators, at: 0 };
        splitter.skip_white();
        for (index, &variable) in variables.iter().enumerate() {
            let value =
                if index + 1 == variables.len() { splitter.rest() } else { splitter.field() };
            self.assign(variable, &value)?;
        }
        Ok(())
    }
}

struct Splitter<'a> {
    line: &'a Line,
    separators: &'a Separators,
    at: usize,
}

impl Splitter<'_> {
    fn separates(&self, at: usize) -> bool {
        self.line.text.get(at).is_some_and(|&byte| self.separators.separates(byte))
            && self.line.literal.binary_search(&at).is_err()
    }

    fn is_white(&self, at: usize) -> bool {
        self.separates(at) && self.separators.is_white(self.line.text[at])
    }

    fn skip_white(&mut self) {
        while self.is_white(self.at) {
            self.at += 1;
        }
    }

    fn field(&mut self) -> Vec<u8> {
        let start = self.at;
        while self.at < self.line.text.len() && !self.separates(self.at) {
            self.at += 1;
        }
        let field = self.line.text[start..self.at].to_vec();
        self.skip_white();
        if self.separates(self.at) {
            self.at += 1;
            self.skip_white();
        }
        field
    }

    /// What is left, without white space at its end, and without one separator if it is all that
    /// follows a last field.
    fn rest(&mut self) -> Vec<u8> {
        let start = self.at;
        let mut end = self.line.text.len();
        while end > start && self.is_white(end - 1) {
            end -= 1;
        }
        let first = {
            let saved = self.at;
            self.field();
            let after = self.at;
            self.at = saved;
            after
        };
        if first >= self.line.text.len() && first > start {
            // Only one field is left: its separator goes.
            let mut last = start;
            while last < self.line.text.len() && !self.separates(last) {
                last += 1;
            }
            end = end.min(last);
        }
        self.line.text[start..end].to_vec()
    }
}

const STEP_BYTES: usize = 256;

/// Waits for input; false when the time is over.
fn wait(fd: BorrowedFd<'_>, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout =
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return false,
            Err(Errno::INTR) => {}
            _ => return true,
        }
    }
}

/// Makes a terminal silent, or give single characters; returns how it was.
fn quiet(fd: BorrowedFd<'_>, wanted: &Wanted) -> Option<rustix::termios::Termios> {
    let old = tcgetattr(fd).ok()?;
    let mut new = old.clone();
    if wanted.silent {
        new.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOK | LocalModes::ECHONL);
    }
    if wanted.characters.is_some() {
        new.local_modes.remove(LocalModes::ICANON);
        new.special_codes[rustix::termios::SpecialCodeIndex::VMIN] = 1;
        new.special_codes[rustix::termios::SpecialCodeIndex::VTIME] = 0;
    }
    tcsetattr(fd, OptionalActions::Now, &new).ok()?;
    Some(old)
}
