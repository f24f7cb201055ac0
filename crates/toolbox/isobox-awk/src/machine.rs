//! The state of a run, and the order in which rules are applied.

mod builtin;
mod evaluate;
mod execute;
mod input;
mod place;
mod special;
mod substitute;
mod time;

use std::rc::Rc;

use isobox_applet::{Context, Error, Result, Status};

use crate::array::Subscript;
use crate::ast::{Pattern, Program, Rule, Special, Statement};
use crate::error::{Reason, Run, Stop};
use crate::pattern::Cache;
use crate::reader::RecordEnd;
use crate::record::Record;
use crate::source::Source;
use crate::split::Separator;
use crate::streams::Streams;
use crate::value::{NumberFormat, Value};

use execute::Flow;
use input::MainInput;

/// A run of a program.
pub(crate) struct Machine<'p, 'c, 'a> {
    program: &'p Program,
    source: &'p Source,
    cx: &'c mut Context<'a>,
    utf8: bool,
    globals: Vec<Value>,
    /// Parameters of the functions that are running, outermost first.
    locals: Vec<Value>,
    /// Where those of the innermost one begin.
    base: usize,
    /// What `return` returns.
    returned: Value,
    record: Record,
    records: f64,
    file_records: f64,
    separator: Rc<Separator>,
    record_end: RecordEnd,
    convert: NumberFormat,
    output: NumberFormat,
    output_separator: Vec<u8>,
    output_end: Vec<u8>,
    subscript_separator: Vec<u8>,
    cache: Cache,
    streams: Streams<'a>,
    input: MainInput<'a>,
    /// Which range patterns have begun.
    ranges: Vec<bool>,
    /// Of the statement that runs.
    line: u32,
    status: u8,
    random: builtin::Random,
    /// Buffers that are not in use.
    buffers: Vec<Vec<u8>>,
    stack: StackLimit,
}

/// How much of the stack calls of functions may use: they are walked by recursion.
#[derive(Debug, Clone, Copy)]
struct StackLimit {
    top: usize,
    bytes: usize,
}

impl StackLimit {
    fn new() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(64 << 20);
        // What called awk, and what awk calls, needs some too.
        Self { top: Self::here(), bytes: limit / 4 * 3 }
    }

    fn here() -> usize {
        let marker = 0_u8;
        std::ptr::from_ref(std::hint::black_box(&marker)).addr()
    }

    fn is_reached(self) -> bool {
        self.top.saturating_sub(Self::here()) > self.bytes
    }
}

impl<'p, 'c, 'a> Machine<'p, 'c, 'a> {
    pub(crate) fn new(program: &'p Program, source: &'p Source, cx: &'c mut Context<'a>) -> Self {
        let utf8 = cx.utf8();
        let globals = program.globals.iter().map(|global| match global.is_array {
            true => Value::new_array(),
            false => Value::Unset,
        });
        let mut machine = Self {
            program,
            source,
            cx,
            utf8,
            globals: globals.collect(),
            locals: Vec::new(),
            base: 0,
            returned: Value::Unset,
            record: Record::new(),
            records: 0.0,
            file_records: 0.0,
            separator: Rc::new(Separator::Blanks),
            record_end: RecordEnd::Byte(b'\n'),
            convert: NumberFormat::default(),
            output: NumberFormat::default(),
            output_separator: b" ".to_vec(),
            output_end: b"\n".to_vec(),
            subscript_separator: b"\x1c".to_vec(),
            cache: Cache::new(utf8),
            streams: Streams::default(),
            input: MainInput::default(),
            ranges: vec![false; program.ranges],
            line: 1,
            status: 0,
            random: builtin::Random::default(),
            buffers: Vec::new(),
            stack: StackLimit::new(),
        };
        for (special, text) in [
            (Special::Fs, " "),
            (Special::Ofs, " "),
            (Special::Ors, "\n"),
            (Special::Rs, "\n"),
            (Special::Subsep, "\x1c"),
            (Special::Convfmt, "%.6g"),
            (Special::Ofmt, "%.6g"),
        ] {
            machine.globals[special.slot()] = Value::text(text);
        }
        machine.globals[Special::Rstart.slot()] = Value::Number(0.0);
        machine.globals[Special::Rlength.slot()] = Value::Number(-1.0);
        machine
    }

    /// Sets ARGC, ARGV and ENVIRON.
    pub(crate) fn set_environment(&mut self, operands: &[std::ffi::OsString]) {
        use std::os::unix::ffi::OsStrExt;
        let name = self.cx.applet.name.as_bytes();
        let words = std::iter::once(name).chain(operands.iter().map(|word| word.as_bytes()));
        if let Value::Array(array) = &self.globals[Special::Argv.slot()] {
            for (word, number) in words.zip(0..) {
                *array.borrow_mut().entry(Subscript::Integer(number)) = Value::input(word);
            }
        }
        let count = (operands.len() + 1) as f64;
        self.globals[Special::Argc.slot()] = Value::Number(count);
        if let Value::Array(array) = &self.globals[Special::Environ.slot()] {
            for (name, value) in self.cx.variables.all() {
                let mut array = array.borrow_mut();
                *array.entry(Subscript::of(name.as_bytes())) = Value::input(value.as_bytes());
            }
        }
    }

    /// Runs the program; returns its exit status.
    pub(crate) fn run(mut self) -> Result<Status> {
        let outcome = self.all();
        let closed = self.streams.close_all(self.cx);
        if let Err(stop) = outcome
            && let Reason::Failed(error) = *stop.0
        {
            return Err(self.located(error));
        }
        closed?;
        if self.cx.failed && self.status == 0 {
            self.status = 2;
        }
        Ok(Status(self.status))
    }

    /// A failure with the place in the program.
    fn located(&self, error: Error) -> Error {
        match error {
            Error::Output(_) | Error::Silent(_) => error,
            error => {
                let mut text = self.source.place(self.line).into_bytes();
                text.extend_from_slice(b": ");
                text.extend_from_slice(&error.text());
                Error::Bytes(text)
            }
        }
    }

    fn all(&mut self) -> Run<()> {
        let program = self.program;
        let goes_on = self.blocks(&program.begin)?;
        if goes_on && !(program.rules.is_empty() && program.end.is_empty()) {
            self.records()?;
        }
        // `exit` comes here from everywhere but END itself.
        self.unwind();
        self.blocks(&program.end)?;
        Ok(())
    }

    /// Forgets the calls that something broke off.
    fn unwind(&mut self) {
        self.locals.clear();
        self.base = 0;
    }

    /// Runs BEGIN or END; false if `exit` ended it.
    fn blocks(&mut self, blocks: &'p [Vec<Statement>]) -> Run<bool> {
        for block in blocks {
            match self.rule_body(block)? {
                Flow::Exit => return Ok(false),
                _ => continue,
            }
        }
        Ok(true)
    }

    fn rule_body(&mut self, body: &'p [Statement]) -> Run<Flow> {
        match self.block(body) {
            Ok(flow) => Ok(flow),
            Err(stop) => self.flow_of(stop),
        }
    }

    fn flow_of(&mut self, stop: Stop) -> Run<Flow> {
        self.unwind();
        match *stop.0 {
            Reason::Next => Ok(Flow::Next),
            Reason::NextFile => Ok(Flow::NextFile),
            Reason::Exit => Ok(Flow::Exit),
            failed => Err(failed.into()),
        }
    }

    /// Applies the rules to every record.
    fn records(&mut self) -> Run<()> {
        let program = self.program;
        while self.next_record()? {
            for rule in &program.rules {
                let flow = match self.rule(rule) {
                    Ok(flow) => flow,
                    Err(stop) => self.flow_of(stop)?,
                };
                match flow {
                    Flow::Next => break,
                    Flow::NextFile => {
                        self.input.skip_file();
                        break;
                    }
                    Flow::Exit => return Ok(()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn rule(&mut self, rule: &'p Rule) -> Run<Flow> {
        self.line = rule.line;
        let applies = match &rule.pattern {
            Pattern::Always => true,
            Pattern::When(condition) => self.truth(condition)?,
            Pattern::Range(first, last, number) => {
                if self.ranges[*number] || self.truth(first)? {
                    self.ranges[*number] = !self.truth(last)?;
                    true
                } else {
                    false
                }
            }
        };
        if !applies {
            return Ok(Flow::Go);
        }
        match &rule.body {
            Some(body) => self.block(body),
            None => {
                self.print_record(None)?;
                Ok(Flow::Go)
            }
        }
    }

    /// A buffer that is empty.
    fn buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Takes back a buffer.
    fn release(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.buffers.push(buffer);
    }

    fn fail<T>(&self, message: impl Into<String>) -> Run<T> {
        Err(Error::message(message).into())
    }
}
