//! The search of one file, and what is printed of it.
//!
//! Many lines are searched at once: a match tells which line it is in, and what lies between two
//! matches need not be looked at line by line.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Error, Input, Result};

use super::options::{Grep, Show};

/// How colours are switched on, by what is coloured.
mod color {
    pub(super) const MATCH: &[u8] = b"\x1b[01;31m\x1b[K";
    pub(super) const NAME: &[u8] = b"\x1b[35m\x1b[K";
    pub(super) const NUMBER: &[u8] = b"\x1b[32m\x1b[K";
    pub(super) const SEPARATOR: &[u8] = b"\x1b[36m\x1b[K";
    pub(super) const OFF: &[u8] = b"\x1b[m\x1b[K";
}

/// A line that may have to be printed as context.
struct Past {
    line: Vec<u8>,
    number: u64,
    offset: u64,
}

/// What is known of the file that is being searched.
struct Search<'g, 'n> {
    grep: &'g mut Grep,
    name: Option<&'n OsStr>,
    /// Lines and bytes before the place that the search has come to.
    number: u64,
    offset: u64,
    selected: u64,
    /// Lines of context that are still to be printed.
    after: usize,
    past: VecDeque<Past>,
    /// The number of the line that was printed last.
    printed: Option<u64>,
    /// Nothing more is to be selected.
    done: bool,
}

/// Searches a file; `name` is what its lines are marked with, `shown` what it is called.
pub(crate) fn search(
    cx: &mut Context<'_>,
    grep: &mut Grep,
    input: &mut Input<'_>,
    name: Option<&OsStr>,
    shown: &OsStr,
) -> Result<()> {
    if grep.skip_binary && input.chunk().map_err(Error::Read)?.contains(&0) {
        return Ok(());
    }
    let line_end = grep.line_end;
    let done = grep.most == 0;
    let mut search = Search {
        grep,
        name,
        number: 0,
        offset: 0,
        selected: 0,
        after: 0,
        past: VecDeque::new(),
        printed: None,
        done,
    };
    while !(search.done && search.after == 0) {
        let Some(lines) = input.lines(line_end).map_err(Error::Read)? else { break };
        search.lines(cx, lines)?;
    }
    search.finish(cx, shown)
}

impl Search<'_, '_> {
    fn lines(&mut self, cx: &mut Context<'_>, text: &[u8]) -> Result<()> {
        let mut at = 0;
        while at < text.len() {
            if self.done {
                return self.between(cx, &text[at..]);
            }
            let (start, end) = self.next_match(text, at)?.unwrap_or((text.len(), text.len()));
            if self.grep.invert {
                self.select_all(cx, &text[at..start])?;
                self.between(cx, &text[start..end])?;
            } else {
                self.between(cx, &text[at..start])?;
                self.select_all(cx, &text[start..end])?;
            }
            at = end;
        }
        Ok(())
    }

    /// The next line from `at` on that matches.
    fn next_match(&self, text: &[u8], mut at: usize) -> Result<Option<(usize, usize)>> {
        let line_end = self.grep.line_end;
        let end_of = |from: usize| {
            memchr::memchr(line_end, &text[from..]).map_or(text.len(), |end| from + end + 1)
        };
        if self.grep.regex.matches_by_line() {
            // The newline at the end begins no further line that could match.
            let within = text.strip_suffix(&[line_end]).unwrap_or(text);
            let place = self.grep.regex.place_of_match(within, at).map_err(too_complex)?;
            let Some(place) = place else { return Ok(None) };
            let start = memchr::memrchr(line_end, &text[at..place]).map_or(at, |end| at + end + 1);
            return Ok(Some((start, end_of(place))));
        }
        while at < text.len() {
            let end = end_of(at);
            let line = text[at..end].strip_suffix(&[line_end]).unwrap_or(&text[at..end]);
            if self.grep.regex.is_match(line).map_err(too_complex)? {
                return Ok(Some((at, end)));
            }
            at = end;
        }
        Ok(None)
    }

    fn counts_lines(&self) -> bool {
        self.grep.numbers || self.grep.before > 0 || self.grep.after > 0
    }

    /// Passes over lines that are not selected.
    fn between(&mut self, cx: &mut Context<'_>, mut text: &[u8]) -> Result<()> {
        let line_end = self.grep.line_end;
        while self.after > 0 && !text.is_empty() {
            let end = memchr::memchr(line_end, text).map_or(text.len(), |end| end + 1);
            self.number += 1;
            self.print(cx, &text[..end], self.number, self.offset, b'-')?;
            self.after -= 1;
            self.offset += end as u64;
            text = &text[end..];
        }
        if self.grep.before > 0 {
            while !text.is_empty() {
                let end = memchr::memchr(line_end, text).map_or(text.len(), |end| end + 1);
                self.number += 1;
                if self.past.len() == self.grep.before {
                    self.past.pop_front();
                }
                let line = text[..end].to_vec();
                self.past.push_back(Past { line, number: self.number, offset: self.offset });
                self.offset += end as u64;
                text = &text[end..];
            }
        } else if self.counts_lines() {
            self.number += memchr::memchr_iter(line_end, text).count() as u64;
        }
        self.offset += text.len() as u64;
        Ok(())
    }

    /// Selects lines, as far as there are to be more.
    fn select_all(&mut self, cx: &mut Context<'_>, mut text: &[u8]) -> Result<()> {
        let line_end = self.grep.line_end;
        while !text.is_empty() {
            if self.done {
                return self.between(cx, text);
            }
            let end = memchr::memchr(line_end, text).map_or(text.len(), |end| end + 1);
            self.select(cx, &text[..end])?;
            text = &text[end..];
        }
        Ok(())
    }

    fn select(&mut self, cx: &mut Context<'_>, line: &[u8]) -> Result<()> {
        self.selected += 1;
        self.number += 1;
        self.done = self.selected >= self.grep.most;
        if self.grep.quiet {
            self.done = true;
            return Ok(());
        }
        match self.grep.show {
            Show::Count => {}
            Show::Names { .. } => self.done = true,
            Show::Lines => {
                while let Some(past) = self.past.pop_front() {
                    self.print(cx, &past.line, past.number, past.offset, b'-')?;
                }
                self.print(cx, line, self.number, self.offset, b':')?;
                self.after = self.grep.after;
            }
            Show::Matches => self.print_matches(cx, line)?,
        }
        self.offset += line.len() as u64;
        Ok(())
    }

    /// Prints one line, set off from the group before it if there is a gap.
    fn print(
        &mut self,
        cx: &mut Context<'_>,
        line: &[u8],
        number: u64,
        offset: u64,
        mark: u8,
    ) -> Result<()> {
        let context = self.grep.before > 0 || self.grep.after > 0;
        let follows = self.printed.is_some_and(|printed| printed + 1 == number);
        if context && self.grep.printed && !follows {
            self.colored(cx, color::SEPARATOR, b"--")?;
            cx.stdout.put_byte(b'\n')?;
        }
        self.printed = Some(number);
        self.grep.printed = true;
        self.prefix(cx, number, offset, mark)?;
        let line = line.strip_suffix(&[self.grep.line_end]).unwrap_or(line);
        if self.grep.color && !self.grep.invert && mark == b':' {
            self.print_colored(cx, line)?;
        } else {
            cx.stdout.put(line)?;
        }
        self.end_line(cx)
    }

    fn end_line(&self, cx: &mut Context<'_>) -> Result<()> {
        cx.stdout.put_byte(self.grep.line_end)?;
        if self.grep.flush_lines { cx.stdout.flush() } else { Ok(()) }
    }

    fn prefix(&self, cx: &mut Context<'_>, number: u64, offset: u64, mark: u8) -> Result<()> {
        if let Some(name) = self.name {
            self.colored(cx, color::NAME, name.as_bytes())?;
            match self.grep.name_end {
                Some(end) => cx.stdout.put_byte(end)?,
                None => self.colored(cx, color::SEPARATOR, &[mark])?,
            }
        }
        if self.grep.numbers {
            self.colored(cx, color::NUMBER, number.to_string().as_bytes())?;
            self.colored(cx, color::SEPARATOR, &[mark])?;
        }
        if self.grep.offsets {
            self.colored(cx, color::NUMBER, offset.to_string().as_bytes())?;
            self.colored(cx, color::SEPARATOR, &[mark])?;
        }
        Ok(())
    }

    fn colored(&self, cx: &mut Context<'_>, on: &[u8], text: &[u8]) -> Result<()> {
        if !self.grep.color {
            return cx.stdout.put(text);
        }
        cx.stdout.put(on)?;
        cx.stdout.put(text)?;
        cx.stdout.put(color::OFF)
    }

    /// All matches in a line that are not empty.
    fn matches(&self, line: &[u8]) -> Result<Vec<(usize, usize)>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at <= line.len() {
            let span = self.grep.regex.find_at(line, at).map_err(too_complex)?;
            let Some((start, end)) = span else { break };
            if start < end {
                found.push((start, end));
            }
            at = if start < end { end } else { end + 1 };
        }
        Ok(found)
    }

    fn print_colored(&self, cx: &mut Context<'_>, line: &[u8]) -> Result<()> {
        let mut at = 0;
        for (start, end) in self.matches(line)? {
            cx.stdout.put(&line[at..start])?;
            self.colored(cx, color::MATCH, &line[start..end])?;
            at = end;
        }
        cx.stdout.put(&line[at..])
    }

    fn print_matches(&mut self, cx: &mut Context<'_>, line: &[u8]) -> Result<()> {
        if self.grep.invert {
            return Ok(());
        }
        let line = line.strip_suffix(&[self.grep.line_end]).unwrap_or(line);
        for (start, end) in self.matches(line)? {
            self.prefix(cx, self.number, self.offset + start as u64, b':')?;
            self.colored(cx, color::MATCH, &line[start..end])?;
            self.end_line(cx)?;
        }
        Ok(())
    }

    /// What is said of the file as a whole.
    fn finish(self, cx: &mut Context<'_>, shown: &OsStr) -> Result<()> {
        let matched = self.selected > 0;
        let mut said = matched;
        match self.grep.show {
            _ if self.grep.quiet => {}
            Show::Count => {
                if let Some(name) = self.name {
                    self.colored(cx, color::NAME, name.as_bytes())?;
                    match self.grep.name_end {
                        Some(end) => cx.stdout.put_byte(end)?,
                        None => self.colored(cx, color::SEPARATOR, b":")?,
                    }
                }
                writeln!(cx.stdout, "{}", self.selected)?;
            }
            Show::Names { matching } => {
                said = matched == matching;
                if said {
                    self.colored(cx, color::NAME, shown.as_bytes())?;
                    cx.stdout.put_byte(self.grep.name_end.unwrap_or(b'\n'))?;
                }
            }
            Show::Lines | Show::Matches => {}
        }
        self.grep.found |= said;
        Ok(())
    }
}

fn too_complex(error: isobox_regex::TooComplex) -> Error {
    Error::Status(error.to_string(), 2)
}
