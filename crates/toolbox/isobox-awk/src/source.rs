//! The text of a program, which may come from several files, and where in them a line is.

use crate::error::SyntaxError;

/// The program's text; each part begins a line.
#[derive(Debug, Default)]
pub struct Source {
    text: Vec<u8>,
    /// The first line of each part, from 1, and the part's name.
    parts: Vec<(u32, String)>,
}

impl Source {
    /// Adds a part; what is on the command line has no name.
    pub fn add(&mut self, name: Option<&str>, text: &[u8]) {
        let lines = memchr::memchr_iter(b'\n', &self.text).count();
        let first = u32::try_from(lines).unwrap_or(u32::MAX - 1) + 1;
        self.parts.push((first, name.unwrap_or("cmd. line").to_owned()));
        self.text.extend_from_slice(text);
        if !text.ends_with(b"\n") {
            self.text.push(b'\n');
        }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// `FILE:LINE`
    pub(crate) fn place(&self, line: u32) -> String {
        let part = self.parts.iter().rev().find(|(first, _)| *first <= line);
        let (first, name) = part.map_or((1, "cmd. line"), |(first, name)| (*first, name.as_str()));
        format!("{name}:{}", line - first + 1)
    }

    pub(crate) fn error(&self, line: u32, message: impl Into<String>) -> SyntaxError {
        SyntaxError { place: self.place(line), message: message.into() }
    }
}
