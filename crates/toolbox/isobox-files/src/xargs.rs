//! `xargs`: programs with arguments from standard input.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status, number, program};

/// See the usage text.
pub(crate) const XARGS: Applet = Applet::new(
    "xargs",
    xargs,
    "[-0rtpxo] [-a FILE] [-d CHAR] [-E STR] [-I STR] [-L N] [-n N] [-P N] [-s N] [PROGRAM [ARGUMENT]...]\n\n\
     Run PROGRAM (echo) with words from standard input\n\n\
     \t-0\tWords end in NUL\n\
     \t-d C\tWords end in C\n\
     \t-a FILE\tFrom FILE\n\
     \t-E STR, -e[STR]\tSTR ends the input\n\
     \t-I STR, -i[STR]\tRun it for each line, with STR ({}) replaced by it\n\
     \t-L N, -l[N]\tAt most N lines at a time\n\
     \t-n N\tAt most N words at a time\n\
     \t-s N\tAt most N bytes at a time\n\
     \t-P N\tUp to N at the same time (0: as many as there are)\n\
     \t-r\tDo not run it without words\n\
     \t-t\tPrint the commands\n\
     \t-p\tAsk before each\n\
     \t-x\tEnd if words do not fit\n\
     \t-o\tPrograms read from the terminal",
);

const OPTIONS: Spec = Spec::new(
    "+0rtpxoa:d:E:e::I:i::L:l::n:P:s:",
    &[
        ("null", '0'),
        ("no-run-if-empty", 'r'),
        ("verbose", 't'),
        ("interactive", 'p'),
        ("exit", 'x'),
        ("open-tty", 'o'),
        ("arg-file=", 'a'),
        ("delimiter=", 'd'),
        ("eof=?", 'e'),
        ("replace=?", 'i'),
        ("max-lines=?", 'l'),
        ("max-args=", 'n'),
        ("max-procs=", 'P'),
        ("max-chars=", 's'),
    ],
);

/// What the kernel takes is more; this is what GNU and POSIX use.
const DEFAULT_BYTES: usize = 128 * 1024;

#[derive(Default)]
struct Style {
    delimiter: Option<u8>,
    no_empty: bool,
    verbose: bool,
    ask: bool,
    strict: bool,
    terminal: bool,
    end: Option<OsString>,
    replace: Option<OsString>,
    lines: Option<usize>,
    words: usize,
    bytes: usize,
    processes: usize,
}

fn xargs(cx: &mut Context<'_>) -> Result<Status> {
    let mut style =
        Style { words: usize::MAX, bytes: DEFAULT_BYTES, processes: 1, ..Style::default() };
    let mut file = None;
    let mut arguments = cx.parse(&OPTIONS);
    let count = |value: &OsStr| -> Result<usize> {
        let number = usize::try_from(number::unsigned(value)?).unwrap_or(usize::MAX);
        if number == 0 { Err(number::invalid(value)) } else { Ok(number) }
    };
    while let Some(option) = arguments.next()? {
        match option {
            '0' => style.delimiter = Some(0),
            'd' => style.delimiter = Some(delimiter(&arguments.value())?),
            'r' => style.no_empty = true,
            't' => style.verbose = true,
            'p' => (style.ask, style.verbose) = (true, true),
            'x' => style.strict = true,
            'o' => style.terminal = true,
            'a' => file = Some(arguments.value()),
            'E' => style.end = Some(arguments.value()).filter(|end| !end.is_empty()),
            'e' => style.end = arguments.optional_value(),
            'I' => style.replace = Some(arguments.value()),
            'i' => style.replace = Some(arguments.optional_value().unwrap_or_else(|| "{}".into())),
            'L' => style.lines = Some(count(&arguments.value())?),
            'l' => {
                style.lines = Some(arguments.optional_value().map_or(Ok(1), |value| count(&value))?)
            }
            'n' => style.words = count(&arguments.value())?,
            'P' => {
                style.processes =
                    usize::try_from(number::unsigned(&arguments.value())?).unwrap_or(0)
            }
            _ => style.bytes = count(&arguments.value())?.min(2 << 20),
        }
    }
    if style.processes == 0 {
        style.processes = 1024;
    }
    let mut command = arguments.operands();
    if command.is_empty() {
        command.push("echo".into());
    }
    let name = file.clone().unwrap_or_else(|| "-".into());
    let mut input = cx.open(&name)?;
    let mut jobs = Jobs { command, running: Vec::new(), status: 0, own_input: file.is_some() };
    let outcome = feed(cx, &mut input, &style, &mut jobs, &name);
    let waited = jobs.wait_all(cx);
    outcome?;
    waited?;
    Ok(Status(jobs.status))
}

fn delimiter(text: &OsStr) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        b"\\n" => Ok(b'\n'),
        b"\\t" => Ok(b'\t'),
        b"\\0" => Ok(0),
        b"\\r" => Ok(b'\r'),
        b"\\\\" => Ok(b'\\'),
        _ => Err(Error::about("the delimiter must be a single character, not", text)),
    }
}

fn feed(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    style: &Style,
    jobs: &mut Jobs,
    name: &OsStr,
) -> Result<()> {
    let base: usize = jobs.command.iter().map(|word| word.len() + 1).sum();
    let (mut batch, mut length, mut lines, mut ran) = (Vec::new(), base, 0, false);
    let mut reader = Words { style, ended: false };
    while let Some(word) = reader.next(input, name)? {
        if let Some(replace) = &style.replace {
            let words: Vec<OsString> =
                jobs.command.iter().map(|part| replaced(part, replace, &word.text)).collect();
            ran = true;
            if !jobs.run(cx, words, style)? {
                return Ok(());
            }
            continue;
        }
        let size = word.text.len() + 1;
        if length + size > style.bytes && !batch.is_empty() {
            if style.strict && (style.words != usize::MAX || style.lines.is_some()) {
                return Err(Error::message("argument list too long"));
            }
            ran = true;
            if !jobs.run_with(cx, &mut batch, style)? {
                return Ok(());
            }
            (length, lines) = (base, 0);
        }
        if base + size > style.bytes {
            return Err(Error::message("argument line too long"));
        }
        length += size;
        batch.push(word.text);
        lines += usize::from(word.ends_line);
        if batch.len() >= style.words || style.lines.is_some_and(|most| lines >= most) {
            ran = true;
            if !jobs.run_with(cx, &mut batch, style)? {
                return Ok(());
            }
            (length, lines) = (base, 0);
        }
    }
    if !batch.is_empty() || !ran && !style.no_empty && style.replace.is_none() {
        jobs.run_with(cx, &mut batch, style)?;
    }
    Ok(())
}

fn replaced(part: &OsStr, replace: &OsStr, word: &OsStr) -> OsString {
    if replace.is_empty() {
        return part.to_owned();
    }
    let (mut text, mut rest) = (Vec::new(), part.as_bytes());
    while let Some(at) = memchr::memmem::find(rest, replace.as_bytes()) {
        text.extend_from_slice(&rest[..at]);
        text.extend_from_slice(word.as_bytes());
        rest = &rest[at + replace.len()..];
    }
    text.extend_from_slice(rest);
    OsStr::from_bytes(&text).to_owned()
}

struct Word {
    text: OsString,
    ends_line: bool,
}

struct Words<'s> {
    style: &'s Style,
    ended: bool,
}

impl Words<'_> {
    fn next(&mut self, input: &mut Input<'_>, name: &OsStr) -> Result<Option<Word>> {
        if self.ended {
            return Ok(None);
        }
        let fail = |error| Error::path(name, error);
        let word = match self.style.delimiter {
            Some(delimiter) => input.line(delimiter).map_err(fail)?.map(|line| Word {
                text: OsStr::from_bytes(line.strip_suffix(&[delimiter]).unwrap_or(line)).to_owned(),
                ends_line: true,
            }),
            None => self.quoted(input, name)?,
        };
        let stop = self.style.delimiter.is_none()
            && word
                .as_ref()
                .is_some_and(|word| self.style.end.as_ref().is_some_and(|end| word.text == *end));
        self.ended = stop || word.is_none();
        Ok(word.filter(|_| !stop))
    }

    /// A word with quotes and backslashes; with `-I` a line.
    fn quoted(&self, input: &mut Input<'_>, name: &OsStr) -> Result<Option<Word>> {
        let (mut text, mut any, mut quote) = (Vec::new(), false, None);
        loop {
            let byte = input.byte().map_err(|error| Error::path(name, error))?;
            let Some(byte) = byte else {
                if quote.is_some() {
                    return Err(Error::message(
                        "unmatched quote: by default quotes are special (see -0)",
                    ));
                }
                return Ok(any
                    .then(|| Word { text: OsStr::from_bytes(&text).to_owned(), ends_line: true }));
            };
            match (byte, quote) {
                (b'\n', Some(_)) => {
                    return Err(Error::message(
                        "unmatched quote: by default quotes are special (see -0)",
                    ));
                }
                (byte, Some(open)) if byte == open => quote = None,
                (byte, Some(_)) => text.push(byte),
                (b'\'' | b'"', None) => (any, quote) = (true, Some(byte)),
                (b'\\', None) => {
                    any = true;
                    if let Some(byte) = input.byte().map_err(|error| Error::path(name, error))? {
                        text.push(byte);
                    }
                }
                (b'\n', None) => {
                    if any {
                        return Ok(Some(Word {
                            text: OsStr::from_bytes(&text).to_owned(),
                            ends_line: true,
                        }));
                    }
                }
                (b' ' | b'\t', None) if self.style.replace.is_some() => {
                    if any {
                        text.push(byte);
                    }
                }
                (b' ' | b'\t', None) => {
                    if any {
                        // A blank at the end of a line makes the next line part of it for -L.
                        return Ok(Some(Word {
                            text: OsStr::from_bytes(&text).to_owned(),
                            ends_line: false,
                        }));
                    }
                }
                (byte, None) => {
                    any = true;
                    text.push(byte);
                }
            }
        }
    }
}

struct Jobs {
    command: Vec<OsString>,
    running: Vec<Child>,
    status: u8,
    own_input: bool,
}

impl Jobs {
    fn run_with(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<OsString>,
        style: &Style,
    ) -> Result<bool> {
        let mut words = self.command.clone();
        words.append(batch);
        self.run(cx, words, style)
    }

    /// Starts a program; false if no more may be.
    fn run(&mut self, cx: &mut Context<'_>, words: Vec<OsString>, style: &Style) -> Result<bool> {
        if style.verbose {
            let mut line = words.join(OsStr::new(" ")).as_bytes().to_vec();
            if style.ask {
                line.extend_from_slice(b" ?...");
            } else {
                line.push(b'\n');
            }
            isobox_applet::write_all(cx.stderr, &line).ok();
        }
        if style.ask && !answer(cx)? {
            return Ok(true);
        }
        while self.running.len() >= style.processes {
            if !self.wait_one(cx)? {
                return Ok(false);
            }
        }
        let mut command = program::command(cx, &words, None);
        if style.terminal {
            command
                .stdin(std::fs::File::open("/dev/tty").map_or_else(|_| Stdio::null(), Stdio::from));
        } else if !self.own_input {
            // The words that are still to come are not the program's.
            command.stdin(Stdio::null());
        }
        match command.spawn() {
            Ok(child) => self.running.push(child),
            Err(error) => return Err(program::failed(&words[0], &error)),
        }
        if style.processes == 1 {
            return self.wait_one(cx);
        }
        Ok(true)
    }

    fn wait_all(&mut self, cx: &mut Context<'_>) -> Result<()> {
        while !self.running.is_empty() {
            self.wait_one(cx)?;
        }
        Ok(())
    }

    /// Waits for one program, whichever ends first; false if it says that all should end.
    fn wait_one(&mut self, cx: &mut Context<'_>) -> Result<bool> {
        let fail = |error: std::io::Error| {
            Error::message(format!("can't wait: {}", isobox_applet::errno_text(&error)))
        };
        let index = if self.running.len() == 1 {
            0
        } else {
            first_ended(&mut self.running).map_err(fail)?
        };
        let mut child = self.running.swap_remove(index);
        let status = child.wait().map_err(fail)?;
        let name = self.command[0].display().to_string();
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(true),
            (Some(255), _) => {
                cx.warn(&Error::message(format!("{name}: exited with status 255; aborting")));
                self.status = 124;
                Ok(false)
            }
            (Some(_), _) => {
                self.status = 123;
                Ok(true)
            }
            (None, signal) => {
                cx.warn(&Error::message(format!(
                    "{name}: terminated by signal {}",
                    signal.unwrap_or(0)
                )));
                self.status = 125;
                Ok(false)
            }
        }
    }
}

/// Which of several children ended, waiting by descriptors.
fn first_ended(children: &mut [Child]) -> std::io::Result<usize> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        for (index, child) in children.iter_mut().enumerate() {
            if child.try_wait()?.is_some() {
                return Ok(index);
            }
        }
        let descriptors: Vec<_> = children
            .iter()
            .filter_map(|child| {
                let pid = rustix::process::Pid::from_child(child);
                rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
            })
            .collect();
        if descriptors.is_empty() {
            return Ok(0);
        }
        let mut polled: Vec<_> =
            descriptors.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        poll(&mut polled, None).ok();
    }
}

fn answer(cx: &mut Context<'_>) -> Result<bool> {
    let terminal = cx.open_file(OsStr::new("/dev/tty"));
    let mut input = terminal?;
    let line = input.line(b'\n').map_err(Error::Read)?;
    Ok(line.is_some_and(|line| matches!(line.first(), Some(b'y' | b'Y'))))
}
