//! Runs a script over the input.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Input, Result, Status};
use isobox_regex::Regex;

use super::Settings;
use super::output::Outputs;
use super::script::{Action, Address, Addresses, Command, End, Script, Substitute, Translate};
use super::source::{Line, Next, Sources};
use super::substitute;

/// What is printed at the end of a cycle, after the pattern space.
enum Queued {
    Text(Vec<u8>),
    File(Vec<u8>),
    Line(Line),
}

/// How far a range has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    Outside,
    /// Up to the line of this number.
    Until(u64),
    /// Up to a line that the end's address matches.
    Within,
    /// A range that begins at line 0 has been.
    Over,
}

/// Where a cycle goes on.
enum Flow {
    Next,
    Jump(usize),
    /// The cycle ends; the pattern space is printed unless told otherwise.
    End {
        print: bool,
    },
    /// Begins anew with what is left in the pattern space.
    Restart,
    Quit {
        print: bool,
        status: u8,
    },
}

/// The state of a run.
pub(crate) struct Machine<'m, 'a> {
    cx: &'m mut Context<'a>,
    script: &'m Script,
    settings: &'m Settings,
    sources: Sources<'a>,
    outputs: Outputs,
    pattern: Line,
    hold: Vec<u8>,
    number: u64,
    substituted: bool,
    queue: Vec<Queued>,
    ranges: Vec<Range>,
    last: Option<&'m Regex>,
    /// Files of `R`, read line by line.
    readers: HashMap<Vec<u8>, Option<Input<'a>>>,
    utf8: bool,
}

impl<'m, 'a> Machine<'m, 'a> {
    pub(crate) fn new(
        cx: &'m mut Context<'a>,
        script: &'m Script,
        settings: &'m Settings,
        sources: Sources<'a>,
    ) -> Result<Self> {
        let outputs = Outputs::new(cx, script, settings.line_end, settings.unbuffered)?;
        let start = |command: &Command| match command.addresses {
            Addresses::Range(Address::Line(0), _) => Range::Within,
            _ => Range::Outside,
        };
        Ok(Self {
            utf8: cx.utf8(),
            cx,
            script,
            settings,
            sources,
            outputs,
            pattern: Line::default(),
            hold: Vec::new(),
            number: 0,
            substituted: false,
            queue: Vec::new(),
            ranges: script.commands.iter().map(start).collect(),
            last: None,
            readers: HashMap::new(),
        })
    }

    pub(crate) fn run(mut self) -> Result<Status> {
        let mut fresh = true;
        let status = loop {
            if fresh && !self.read_line()? {
                break None;
            }
            fresh = true;
            match self.cycle()? {
                Flow::Quit { print, status } => {
                    self.end_cycle(print)?;
                    break Some(status);
                }
                Flow::Restart => {
                    self.end_cycle(false)?;
                    fresh = false;
                }
                Flow::End { print } => self.end_cycle(print)?,
                Flow::Next | Flow::Jump(_) => self.end_cycle(true)?,
            }
        };
        if status.is_some() {
            self.copy_rest()?;
        }
        self.outputs.finish(self.cx)?;
        Ok(match (status, self.cx.failed) {
            (Some(status @ 1..), _) => Status(status),
            // As GNU's sed: some input file could not be read.
            (_, true) => Status(2),
            _ => Status::SUCCESS,
        })
    }

    /// Reads the next line into the pattern space; false at the end of the input.
    fn read_line(&mut self) -> Result<bool> {
        match self.next_line()? {
            Some(line) => {
                self.pattern = line;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        loop {
            match self.sources.next(self.cx)? {
                Next::Line(line) => {
                    self.number += 1;
                    return Ok(Some(line));
                }
                Next::End => return Ok(None),
                Next::File(name) => {
                    self.number = if self.settings.in_place.is_some() || self.settings.separate {
                        0
                    } else {
                        self.number
                    };
                    if let Some(suffix) = &self.settings.in_place
                        && let Err(error) = self.outputs.edit(self.cx, &name, suffix)
                    {
                        self.cx.report(&error);
                    }
                }
            }
        }
    }

    /// After `q` a file that is edited in place keeps its other lines.
    fn copy_rest(&mut self) -> Result<()> {
        if self.settings.in_place.is_none() {
            return Ok(());
        }
        while let Next::Line(line) = self.sources.next(self.cx)? {
            self.outputs.line(self.cx, &line.text, line.ended)?;
        }
        Ok(())
    }

    fn end_cycle(&mut self, print: bool) -> Result<()> {
        if print && !self.settings.quiet {
            self.outputs.line(self.cx, &self.pattern.text, self.pattern.ended)?;
        }
        self.flush_queue()
    }

    fn flush_queue(&mut self) -> Result<()> {
        for queued in std::mem::take(&mut self.queue) {
            match queued {
                Queued::Text(text) => self.outputs.text(self.cx, &text)?,
                Queued::Line(line) => self.outputs.line(self.cx, &line.text, line.ended)?,
                Queued::File(name) => self.copy_file(&name)?,
            }
        }
        Ok(())
    }

    /// A file that cannot be read is an empty one (POSIX).
    fn copy_file(&mut self, name: &[u8]) -> Result<()> {
        let opened = match name {
            b"/dev/stdin" => self.cx.open(OsStr::new("-")),
            name => self.cx.open_file(OsStr::from_bytes(name)),
        };
        let Ok(mut input) = opened else { return Ok(()) };
        loop {
            let Ok(chunk) = input.chunk() else { return Ok(()) };
            if chunk.is_empty() {
                return Ok(());
            }
            let length = chunk.len();
            self.outputs.text(self.cx, chunk)?;
            input.consume(length);
        }
    }

    fn cycle(&mut self) -> Result<Flow> {
        let script = self.script;
        self.substituted = false;
        let mut at = 0;
        while let Some(command) = script.commands.get(at) {
            if !self.selects(at, command)? {
                at = match command.action {
                    Action::Block(end) => end,
                    _ => at + 1,
                };
                continue;
            }
            match self.act(at, command)? {
                Flow::Next => at += 1,
                Flow::Jump(place) => at = place,
                other => return Ok(other),
            }
        }
        Ok(Flow::End { print: true })
    }

    fn selects(&mut self, at: usize, command: &'m Command) -> Result<bool> {
        let selected = match &command.addresses {
            Addresses::All => true,
            Addresses::One(address) => self.matches(address)?,
            Addresses::Range(start, end) => self.in_range(at, start, end)?,
        };
        Ok(selected != command.inverted)
    }

    fn matches(&mut self, address: &'m Address) -> Result<bool> {
        match address {
            Address::Line(line) => Ok(self.number == *line),
            Address::Last => self.is_last(),
            Address::Step(first, 0) => Ok(self.number == *first),
            Address::Step(first, step) => {
                Ok(self.number >= *first && (self.number - first).is_multiple_of(*step))
            }
            Address::Match(regex) => {
                let regex = self.expression(regex.as_ref())?;
                regex.is_match(&self.pattern.text).map_err(|e| Error::message(e.to_string()))
            }
        }
    }

    fn is_last(&mut self) -> Result<bool> {
        Ok(self.sources.at_last(self.cx)?
            && (self.settings.separate || self.sources.at_last_file()))
    }

    /// The expression, or the one that was used last; notes it as such.
    fn expression(&mut self, regex: Option<&'m Regex>) -> Result<&'m Regex> {
        self.last = regex.or(self.last);
        self.last.ok_or_else(|| Error::message("no previous regular expression"))
    }

    fn in_range(&mut self, at: usize, start: &'m Address, end: &'m End) -> Result<bool> {
        match self.ranges[at] {
            Range::Over => Ok(false),
            Range::Until(last) => {
                if self.number >= last {
                    self.ranges[at] = Range::Outside;
                }
                // A range whose last line has gone by is one line long at least; this is not it.
                Ok(self.number <= last)
            }
            Range::Within => {
                let ended = match end {
                    End::Address(Address::Line(line)) => {
                        if self.number > *line {
                            self.ranges[at] = Range::Outside;
                            return self.in_range(at, start, end);
                        }
                        self.number == *line
                    }
                    End::Address(address) => self.matches(address)?,
                    End::Later(_) | End::Multiple(_) => true,
                };
                if ended {
                    let zero = matches!(start, Address::Line(0));
                    self.ranges[at] = if zero { Range::Over } else { Range::Outside };
                }
                Ok(true)
            }
            Range::Outside => {
                if !self.matches(start)? {
                    return Ok(false);
                }
                let last = match end {
                    End::Address(Address::Line(line)) => Some(*line),
                    End::Later(count) => Some(self.number.saturating_add(*count)),
                    End::Multiple(0) => Some(self.number),
                    End::Multiple(of) => Some(self.number.next_multiple_of(*of)),
                    End::Address(_) => None,
                };
                self.ranges[at] = match last {
                    Some(last) if last <= self.number => Range::Outside,
                    Some(last) => Range::Until(last),
                    None => Range::Within,
                };
                Ok(true)
            }
        }
    }

    fn act(&mut self, at: usize, command: &'m Command) -> Result<Flow> {
        match &command.action {
            Action::Block(_) | Action::Nothing => {}
            Action::Append(text) => self.queue.push(Queued::Text(text.clone())),
            Action::Insert(text) => self.outputs.text(self.cx, text)?,
            Action::Change(text) => {
                let ranged = matches!(command.addresses, Addresses::Range(..)) && !command.inverted;
                let within = matches!(self.ranges[at], Range::Within | Range::Until(_));
                if !(ranged && within) || self.is_last()? {
                    self.outputs.text(self.cx, text)?;
                }
                return Ok(Flow::End { print: false });
            }
            Action::Branch(place) => return Ok(Flow::Jump(*place)),
            Action::BranchIfSubstituted(place) => {
                if std::mem::take(&mut self.substituted) {
                    return Ok(Flow::Jump(*place));
                }
            }
            Action::BranchUnlessSubstituted(place) => {
                if !std::mem::take(&mut self.substituted) {
                    return Ok(Flow::Jump(*place));
                }
            }
            Action::Delete => return Ok(Flow::End { print: false }),
            Action::DeleteFirst => {
                let Some(end) = memchr::memchr(b'\n', &self.pattern.text) else {
                    return Ok(Flow::End { print: false });
                };
                self.pattern.text.drain(..=end);
                return Ok(Flow::Restart);
            }
            Action::Execute(command) => self.execute(command)?,
            Action::FileName => {
                let name = self.sources.name().as_bytes().to_vec();
                self.outputs.line(self.cx, &name, true)?;
            }
            Action::Get { append } => get(&mut self.pattern.text, &self.hold, *append),
            Action::Hold { append } => get(&mut self.hold, &self.pattern.text, *append),
            Action::Exchange => std::mem::swap(&mut self.pattern.text, &mut self.hold),
            Action::List(length) => self.list(length.unwrap_or(self.settings.line_length))?,
            Action::Next { append } => return self.next(*append),
            Action::Number => {
                let number = self.number.to_string();
                self.outputs.line(self.cx, number.as_bytes(), true)?;
            }
            Action::Print => {
                self.outputs.line(self.cx, &self.pattern.text, self.pattern.ended)?;
            }
            Action::PrintFirst => {
                let first = first_line(&self.pattern.text);
                self.outputs.line(self.cx, first, true)?;
            }
            Action::Quit { print, status } => {
                return Ok(Flow::Quit { print: *print, status: *status });
            }
            Action::ReadFile(name) => self.queue.push(Queued::File(name.clone())),
            Action::ReadLine(name) => self.queue_line(name)?,
            Action::Substitute(substitute) => self.substitute(substitute)?,
            Action::Write(file) => self.outputs.file(self.cx, *file, &self.pattern.text)?,
            Action::WriteFirst(file) => {
                let first = first_line(&self.pattern.text);
                self.outputs.file(self.cx, *file, first)?;
            }
            Action::Translate(table) => translate(&mut self.pattern.text, table),
            Action::Zap => self.pattern.text.clear(),
        }
        Ok(Flow::Next)
    }

    /// `n` and `N`.
    fn next(&mut self, append: bool) -> Result<Flow> {
        // Without a next line GNU's and BusyBox's sed print what there is; POSIX's `N` does not.
        if self.is_last()? {
            return Ok(Flow::Quit { print: true, status: 0 });
        }
        if !append && !self.settings.quiet {
            self.outputs.line(self.cx, &self.pattern.text, self.pattern.ended)?;
        }
        self.flush_queue()?;
        let Some(line) = self.next_line()? else {
            return Ok(Flow::Quit { print: append, status: 0 });
        };
        if append {
            self.pattern.text.push(self.settings.line_end);
            self.pattern.text.extend_from_slice(&line.text);
            self.pattern.ended = line.ended;
        } else {
            self.pattern = line;
        }
        Ok(Flow::Next)
    }

    fn queue_line(&mut self, name: &[u8]) -> Result<()> {
        if !self.readers.contains_key(name) {
            let opened = match name {
                b"/dev/stdin" => self.cx.open(OsStr::new("-")),
                name => self.cx.open_file(OsStr::from_bytes(name)),
            };
            self.readers.insert(name.to_vec(), opened.ok());
        }
        let Some(Some(input)) = self.readers.get_mut(name) else { return Ok(()) };
        if let Ok(Some(line)) = input.line(self.settings.line_end) {
            let text = line.strip_suffix(&[self.settings.line_end]).unwrap_or(line).to_vec();
            self.queue.push(Queued::Line(Line { text, ended: true }));
        }
        Ok(())
    }

    fn substitute(&mut self, command: &'m Substitute) -> Result<()> {
        let regex = self.expression(command.regex.as_ref())?;
        let result = substitute::apply(command, regex, &self.pattern.text, self.utf8)?;
        let Some(result) = result else { return Ok(()) };
        self.pattern.text = result;
        self.substituted = true;
        if command.execute {
            let command = std::mem::take(&mut self.pattern.text);
            self.pattern.text = self.output_of(&command)?;
            if self.pattern.text.last() == Some(&self.settings.line_end) {
                self.pattern.text.pop();
            }
        }
        if command.print {
            self.outputs.line(self.cx, &self.pattern.text, self.pattern.ended)?;
        }
        if let Some(file) = command.file {
            self.outputs.file(self.cx, file, &self.pattern.text)?;
        }
        Ok(())
    }

    /// `e`: the output of a command before the line, or of the pattern space in its place.
    fn execute(&mut self, command: &[u8]) -> Result<()> {
        if !command.is_empty() {
            let output = self.output_of(command)?;
            return self.outputs.text(self.cx, &output);
        }
        let command = std::mem::take(&mut self.pattern.text);
        self.pattern.text = self.output_of(&command)?;
        if self.pattern.text.last() == Some(&self.settings.line_end) {
            self.pattern.text.pop();
        }
        Ok(())
    }

    fn output_of(&mut self, command: &[u8]) -> Result<Vec<u8>> {
        self.cx.stdout.flush()?;
        let output = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(OsStr::from_bytes(command))
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|error| Error::path("/bin/sh", error))?;
        Ok(output.stdout)
    }

    /// `l`: the pattern space, readable whatever is in it.
    fn list(&mut self, length: usize) -> Result<()> {
        let mut shown = Vec::new();
        let mut column = 0;
        for &byte in &self.pattern.text {
            let piece = match byte {
                b'\\' => b"\\\\".to_vec(),
                7 => b"\\a".to_vec(),
                8 => b"\\b".to_vec(),
                12 => b"\\f".to_vec(),
                b'\n' => b"\\n".to_vec(),
                b'\r' => b"\\r".to_vec(),
                b'\t' => b"\\t".to_vec(),
                11 => b"\\v".to_vec(),
                0x20..=0x7e => vec![byte],
                _ => format!("\\{byte:03o}").into_bytes(),
            };
            if length > 1 && column + piece.len() > length - 1 {
                shown.extend_from_slice(b"\\\n");
                column = 0;
            }
            column += piece.len();
            shown.extend_from_slice(&piece);
        }
        shown.push(b'$');
        self.outputs.line(self.cx, &shown, true)
    }
}

fn get(target: &mut Vec<u8>, source: &[u8], append: bool) {
    if append {
        target.push(b'\n');
    } else {
        target.clear();
    }
    target.extend_from_slice(source);
}

fn first_line(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())]
}

fn translate(text: &mut Vec<u8>, table: &Translate) {
    match table {
        Translate::Bytes(table) => {
            text.iter_mut().for_each(|byte| *byte = table[usize::from(*byte)]);
        }
        Translate::Characters(pairs) => {
            let mut result = Vec::with_capacity(text.len());
            for chunk in text.utf8_chunks() {
                for character in chunk.valid().chars() {
                    let pair = pairs.iter().find(|(from, _)| *from == character);
                    let to = pair.map_or(character, |&(_, to)| to);
                    result.extend_from_slice(to.encode_utf8(&mut [0; 4]).as_bytes());
                }
                result.extend_from_slice(chunk.invalid());
            }
            *text = result;
        }
    }
}
