//! The lines that are edited, with marks and what `u` goes back to.

use std::rc::Rc;

/// A line. Two lines with the same text are still two lines.
pub(super) type Line = Rc<Vec<u8>>;

/// The text. Lines are counted from 1; 0 is the place before the first.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    lines: Vec<Line>,
    pub(super) current: usize,
    marks: [Option<Line>; 26],
    pub(super) modified: bool,
    /// The lines and the current one before the last command that changed something.
    before: Option<(Vec<Line>, usize)>,
}

impl Buffer {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn line(&self, number: usize) -> &Line {
        &self.lines[number - 1]
    }

    pub(super) fn lines(&self, first: usize, last: usize) -> &[Line] {
        if first == 0 { &[] } else { &self.lines[first - 1..last] }
    }

    /// Keeps the text for `u`; to be called before the first change of a command.
    pub(super) fn remember(&mut self) {
        self.before = Some((self.lines.clone(), self.current));
        self.modified = true;
    }

    /// Exchanges the text with the one before the last change; false if there was none.
    pub(super) fn undo(&mut self) -> bool {
        let Some((lines, current)) = self.before.take() else { return false };
        let lines = std::mem::replace(&mut self.lines, lines);
        self.before = Some((lines, self.current));
        self.current = current;
        self.modified = true;
        true
    }

    /// Starts with another text.
    pub(super) fn reset(&mut self) {
        self.lines.clear();
        self.marks = Default::default();
        self.current = 0;
        self.before = None;
        self.modified = false;
    }

    /// Inserts lines behind a line; the last of them becomes the current one.
    pub(super) fn insert(&mut self, after: usize, lines: Vec<Vec<u8>>) {
        let count = lines.len();
        self.lines.splice(after..after, lines.into_iter().map(Rc::new));
        self.current = after + count;
    }

    /// Removes lines; the one behind them becomes the current one, or the last.
    pub(super) fn delete(&mut self, first: usize, last: usize) {
        self.lines.drain(first - 1..last);
        self.current = first.min(self.lines.len());
    }

    /// Moves lines behind a line that is not among them.
    pub(super) fn move_lines(&mut self, first: usize, last: usize, after: usize) {
        let count = last + 1 - first;
        let moved: Vec<Line> = self.lines.drain(first - 1..last).collect();
        let at = if after >= last { after - count } else { after };
        self.lines.splice(at..at, moved);
        self.current = at + count;
    }

    pub(super) fn mark(&mut self, letter: u8, line: usize) {
        self.marks[usize::from(letter - b'a')] = Some(Rc::clone(self.line(line)));
    }

    pub(super) fn marked(&self, letter: u8) -> Option<usize> {
        let line = self.marks[usize::from(letter - b'a')].as_ref()?;
        self.find(line, 0)
    }

    /// Where a line is now; the search begins at a guess.
    pub(super) fn find(&self, line: &Line, guess: usize) -> Option<usize> {
        let guess = guess.min(self.lines.len());
        let behind = self.lines[guess..].iter().position(|other| Rc::ptr_eq(line, other));
        let before = || self.lines[..guess].iter().position(|other| Rc::ptr_eq(line, other));
        behind.map(|at| guess + at + 1).or_else(|| before().map(|at| at + 1))
    }
}
