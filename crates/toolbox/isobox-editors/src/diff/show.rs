//! How changes are shown: unified, in context, or as POSIX's default format.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Context, Result};

use super::hunks::{Change, Hunk, hunks};
use super::lines::Text;
use super::{Settings, say};

/// A format, with the lines of context that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Normal,
    Context(usize),
    Unified(usize),
}

/// Two texts to be shown.
pub(crate) struct Show<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) old: &'s Text<'s>,
    pub(crate) new: &'s Text<'s>,
}

impl Show<'_> {
    pub(crate) fn all(
        &self,
        cx: &mut Context<'_>,
        names: &(OsString, OsString),
        script: &[Change],
    ) -> Result<()> {
        let lengths = (self.old.len(), self.new.len());
        let (old, new) = (names.0.as_bytes(), names.1.as_bytes());
        match self.settings.style {
            Style::Normal => script.iter().try_for_each(|change| self.normal(cx, change)),
            Style::Context(context) => {
                say(cx, &[b"*** ", old, b"\n--- ", new, b"\n"])?;
                let hunks = hunks(script, context, lengths);
                hunks.iter().try_for_each(|hunk| self.context(cx, hunk))
            }
            Style::Unified(context) => {
                say(cx, &[b"--- ", old, b"\n+++ ", new, b"\n"])?;
                let hunks = hunks(script, context, lengths);
                hunks.iter().try_for_each(|hunk| self.unified(cx, hunk))
            }
        }
    }

    fn normal(&self, cx: &mut Context<'_>, change: &Change) -> Result<()> {
        let letter = match (change.old.is_empty(), change.new.is_empty()) {
            (true, _) => 'a',
            (_, true) => 'd',
            _ => 'c',
        };
        let (old, new) = (first_to_last(&change.old), first_to_last(&change.new));
        writeln!(cx.stdout, "{old}{letter}{new}")?;
        self.lines(cx, self.old, change.old.clone(), b"< ")?;
        if letter == 'c' {
            cx.stdout.put(b"---\n")?;
        }
        self.lines(cx, self.new, change.new.clone(), b"> ")
    }

    fn unified(&self, cx: &mut Context<'_>, hunk: &Hunk<'_>) -> Result<()> {
        let (old, new) = (start_and_count(&hunk.old), start_and_count(&hunk.new));
        write!(cx.stdout, "@@ -{old} +{new} @@")?;
        self.function(cx, hunk)?;
        cx.stdout.put(b"\n")?;
        let mut at = hunk.old.start;
        for change in hunk.changes {
            self.lines(cx, self.old, at..change.old.start, b" ")?;
            self.lines(cx, self.old, change.old.clone(), b"-")?;
            self.lines(cx, self.new, change.new.clone(), b"+")?;
            at = change.old.end;
        }
        self.lines(cx, self.old, at..hunk.old.end, b" ")
    }

    fn context(&self, cx: &mut Context<'_>, hunk: &Hunk<'_>) -> Result<()> {
        cx.stdout.put(b"***************")?;
        self.function(cx, hunk)?;
        writeln!(cx.stdout, "\n*** {} ****", first_to_last(&hunk.old))?;
        if hunk.changes.iter().any(|change| !change.old.is_empty()) {
            let changes = hunk.changes.iter().map(|change| (&change.old, &change.new));
            self.context_side(cx, self.old, &hunk.old, changes, b"- ")?;
        }
        writeln!(cx.stdout, "--- {} ----", first_to_last(&hunk.new))?;
        if hunk.changes.iter().any(|change| !change.new.is_empty()) {
            let changes = hunk.changes.iter().map(|change| (&change.new, &change.old));
            self.context_side(cx, self.new, &hunk.new, changes, b"+ ")?;
        }
        Ok(())
    }

    fn context_side<'h>(
        &self,
        cx: &mut Context<'_>,
        text: &Text<'_>,
        all: &Range<usize>,
        changes: impl Iterator<Item = (&'h Range<usize>, &'h Range<usize>)>,
        mark: &[u8],
    ) -> Result<()> {
        let mut at = all.start;
        for (own, others) in changes {
            self.lines(cx, text, at..own.start, b"  ")?;
            self.lines(cx, text, own.clone(), if others.is_empty() { mark } else { b"! " })?;
            at = own.end;
        }
        self.lines(cx, text, at..all.end, b"  ")
    }

    /// The last line before a hunk that begins like the head of a C function (`-p`).
    fn function(&self, cx: &mut Context<'_>, hunk: &Hunk<'_>) -> Result<()> {
        if !self.settings.functions {
            return Ok(());
        }
        let is_head = |line: &&[u8]| {
            line.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"_$".contains(byte))
        };
        let head = (0..hunk.old.start).rev().map(|line| self.old.line(line)).find(is_head);
        let Some(head) = head else { return Ok(()) };
        say(cx, &[b" ", head[..head.len().min(40)].trim_ascii_end()])
    }

    fn lines(
        &self,
        cx: &mut Context<'_>,
        text: &Text<'_>,
        range: Range<usize>,
        mark: &[u8],
    ) -> Result<()> {
        for number in range {
            let mark = if self.settings.initial_tab { mark.trim_ascii_end() } else { mark };
            cx.stdout.put(mark)?;
            if self.settings.initial_tab {
                cx.stdout.put(b"\t")?;
            }
            let line = text.line(number);
            if self.settings.expand_tabs && line.contains(&b'\t') {
                cx.stdout.put(&expanded(line))?;
            } else {
                cx.stdout.put(line)?;
            }
            cx.stdout.put(b"\n")?;
            if number + 1 == text.len() && !text.ends_with_newline() {
                cx.stdout.put(b"\\ No newline at end of file\n")?;
            }
        }
        Ok(())
    }
}

fn expanded(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len() + 8);
    for &byte in line {
        if byte == b'\t' {
            out.resize(out.len() / 8 * 8 + 8, b' ');
        } else {
            out.push(byte);
        }
    }
    out
}

/// `2,5`; one number for one line, and for none that of the line before.
fn first_to_last(range: &Range<usize>) -> String {
    match range.len() {
        0 | 1 => range.end.to_string(),
        _ => format!("{},{}", range.start + 1, range.end),
    }
}

/// `2,4`: the first line and how many; one number for one line.
fn start_and_count(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        count => format!("{},{count}", range.start + 1),
    }
}
