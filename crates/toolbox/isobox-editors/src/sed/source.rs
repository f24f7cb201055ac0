//! The input: the lines of all files, with a look ahead for `$`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};

use isobox_applet::{Context, Error, Input, Result};

use super::Settings;

/// A line without its end.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) text: Vec<u8>,
    /// Whether its end was there.
    pub(crate) ended: bool,
}

/// The files, one after the other.
pub(crate) struct Sources<'a> {
    waiting: VecDeque<OsString>,
    open: Option<Input<'a>>,
    name: OsString,
    ahead: Option<Line>,
    separate: bool,
    line_end: u8,
    /// In place, standard input is a file by that name.
    in_place: bool,
}

/// What came of asking for a line.
pub(crate) enum Next {
    Line(Line),
    /// The next file begins; only with separate files.
    File(OsString),
    End,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(files: Vec<OsString>, settings: &Settings) -> Self {
        Self {
            waiting: files.into(),
            open: None,
            name: "-".into(),
            ahead: None,
            separate: settings.separate,
            line_end: settings.line_end,
            in_place: settings.in_place.is_some(),
        }
    }

    /// The name of the file that the last line came from.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Reads the next line. Files that cannot be read are reported and passed over.
    pub(crate) fn next(&mut self, cx: &mut Context<'a>) -> Result<Next> {
        if let Some(line) = self.ahead.take() {
            return Ok(Next::Line(line));
        }
        loop {
            if let Some(line) = self.read(cx)? {
                return Ok(Next::Line(line));
            }
            match self.advance(cx)? {
                None => return Ok(Next::End),
                Some(name) if self.separate => return Ok(Next::File(name)),
                Some(_) => {}
            }
        }
    }

    /// Whether the line that was read last is the last one.
    pub(crate) fn at_last(&mut self, cx: &mut Context<'a>) -> Result<bool> {
        while self.ahead.is_none() {
            self.ahead = self.read(cx)?;
            if self.ahead.is_some() || self.separate {
                break;
            }
            let name = std::mem::take(&mut self.name);
            let more = self.advance(cx)?.is_some();
            // The line at hand is still one of the file before.
            let _new = std::mem::replace(&mut self.name, name);
            if !more {
                break;
            }
        }
        Ok(self.ahead.is_none())
    }

    /// Whether there is no further file.
    pub(crate) fn at_last_file(&self) -> bool {
        self.waiting.is_empty()
    }

    fn read(&mut self, cx: &mut Context<'a>) -> Result<Option<Line>> {
        let Some(input) = &mut self.open else { return Ok(None) };
        let line = match input.line(self.line_end) {
            Ok(line) => line,
            Err(error) => {
                let error = match error.kind() {
                    std::io::ErrorKind::IsADirectory => {
                        Error::about("couldn't edit, not a regular file:", &self.name)
                    }
                    _ => Error::path(&self.name, error),
                };
                cx.report(&error);
                None
            }
        };
        Ok(line.map(|line| match line.strip_suffix(&[self.line_end]) {
            Some(text) => Line { text: text.to_vec(), ended: true },
            None => Line { text: line.to_vec(), ended: false },
        }))
    }

    /// Opens the next file that can be opened.
    fn advance(&mut self, cx: &mut Context<'a>) -> Result<Option<OsString>> {
        self.open = None;
        while let Some(name) = self.waiting.pop_front() {
            let opened = if self.in_place { cx.open_file(&name) } else { cx.open(&name) };
            match opened {
                Ok(input) => {
                    self.open = Some(input);
                    self.name.clone_from(&name);
                    return Ok(Some(name));
                }
                Err(error) => cx.report(&error),
            }
        }
        Ok(None)
    }
}
