//! The input files, and `getline`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Error, Input, Result};

use super::Machine;
use crate::array::Subscript;
use crate::ast::{LineSource, Place, Special, Variable};
use crate::error::{Reason, Run};
use crate::value::Value;

/// Where records come from.
#[derive(Debug, Default)]
pub(super) struct MainInput<'a> {
    file: Option<Input<'a>>,
    /// The next element of ARGV.
    next: i64,
    /// Whether an operand named a file; otherwise standard input is read.
    named: bool,
    ended: bool,
    line: Vec<u8>,
}

impl MainInput<'_> {
    /// `nextfile`
    pub(super) fn skip_file(&mut self) {
        self.file = None;
    }
}

impl<'p> Machine<'p, '_, '_> {
    /// Makes the next line of input the record; false after the last one.
    pub(super) fn next_record(&mut self) -> Run<bool> {
        let mut line = std::mem::take(&mut self.input.line);
        let found = self.read_main(&mut line)?;
        if found {
            self.set_record(&mut line);
        }
        self.input.line = line;
        Ok(found)
    }

    fn read_main(&mut self, line: &mut Vec<u8>) -> Run<bool> {
        loop {
            if self.input.file.is_none() && !self.open_next()? {
                return Ok(false);
            }
            let file = self.input.file.as_mut().expect("just opened");
            match self.record_end.read(file, line) {
                Ok(true) => {
                    self.records += 1.0;
                    self.file_records += 1.0;
                    return Ok(true);
                }
                Ok(false) => {}
                Err(error) => {
                    let name = self.globals[Special::Filename.slot()].to_text(&self.convert);
                    self.cx.report(&Error::path(OsStr::from_bytes(&name), error));
                }
            }
            self.input.file = None;
        }
    }

    /// Opens the next file that ARGV names; what is an assignment there is done on the way.
    fn open_next(&mut self) -> Run<bool> {
        if self.input.ended {
            return Ok(false);
        }
        loop {
            self.input.next += 1;
            let ended = self.input.next as f64 >= self.globals[Special::Argc.slot()].number();
            if ended {
                self.input.ended = true;
                if self.input.named {
                    return Ok(false);
                }
                return self.open(b"-");
            }
            let Value::Array(arguments) = &self.globals[Special::Argv.slot()] else { continue };
            let argument = arguments.borrow().get(Subscript::Integer(self.input.next)).cloned();
            let argument = argument.unwrap_or_default().to_text(&self.convert);
            if argument.is_empty() || self.assign_operand(&argument)? {
                continue;
            }
            self.input.named = true;
            if self.open(&argument)? {
                return Ok(true);
            }
        }
    }

    /// A file that cannot be opened is reported and passed over.
    fn open(&mut self, name: &[u8]) -> Run<bool> {
        let opened = match name {
            b"-" | b"/dev/stdin" => Ok(Input::from(self.cx.stdin)),
            _ => self.cx.open_file(OsStr::from_bytes(name)),
        };
        self.globals[Special::Filename.slot()] = match name {
            b"-" if !self.input.named => Value::text(""),
            name => Value::input(name),
        };
        self.file_records = 0.0;
        match opened {
            Ok(file) => {
                self.input.file = Some(file);
                Ok(true)
            }
            Err(error) => {
                self.cx.report(&error);
                Ok(false)
            }
        }
    }

    /// Does what `name=value` says; false if the word is no assignment.
    fn assign_operand(&mut self, word: &[u8]) -> Run<bool> {
        let Some(at) = memchr::memchr(b'=', word) else { return Ok(false) };
        let (name, value) = (&word[..at], &word[at + 1..]);
        let is_name = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !is_name {
            return Ok(false);
        }
        let found = self.program.globals.iter().position(|global| global.name.as_bytes() == name);
        // Nobody asks for a variable that the program does not name.
        let Some(slot) = found else { return Ok(true) };
        let value = Value::input(crate::lexer::unescape(value));
        let variable = match Special::ALL.get(slot) {
            Some((_, special)) if special.is_watched() => Variable::Special(*special),
            _ => Variable::Global(slot),
        };
        self.store(super::place::Located::Variable(variable), value)?;
        Ok(true)
    }

    /// Does what `-v` says, before the program begins.
    pub(crate) fn assign_first(&mut self, word: &[u8]) -> Result<()> {
        let shown = || String::from_utf8_lossy(word);
        match self.assign_operand(word) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::message(format!("-v {}: expected NAME=VALUE", shown()))),
            Err(stop) => match *stop.0 {
                Reason::Failed(error) => Err(error),
                _ => unreachable!("an assignment runs no statement"),
            },
        }
    }

    /// `getline`: 1, 0 at the end, -1 after an error.
    pub(super) fn getline(
        &mut self,
        source: &'p LineSource,
        target: Option<&'p Place>,
    ) -> Run<f64> {
        let mut line = self.buffer();
        let mut name = self.buffer();
        let found = match source {
            LineSource::Main => self.read_main(&mut line).map(Some),
            LineSource::File(file) => {
                self.append(file, &mut name)?;
                match self.streams.file(self.cx, &name) {
                    Ok(input) => Ok(self.record_end.read(input, &mut line).ok()),
                    Err(error) => {
                        let errno = match error {
                            Error::Path { source, .. } => source.raw_os_error(),
                            _ => None,
                        };
                        let errno = Value::Number(f64::from(errno.unwrap_or(0)));
                        self.globals[Special::Errno.slot()] = errno;
                        Ok(None)
                    }
                }
            }
            LineSource::Command(command) => {
                self.append(command, &mut name)?;
                let input = self.streams.command(self.cx, &name)?;
                let outcome = self.record_end.read(input, &mut line);
                if matches!(outcome, Ok(true)) {
                    self.records += 1.0;
                    self.file_records += 1.0;
                }
                Ok(outcome.ok())
            }
        }?;
        self.release(name);
        let result = match found {
            Some(true) => {
                match target {
                    Some(target) => self.assign(target, Value::input(line.as_slice()))?,
                    None => self.set_record(&mut line),
                }
                1.0
            }
            Some(false) => 0.0,
            None => -1.0,
        };
        self.release(line);
        Ok(result)
    }
}
