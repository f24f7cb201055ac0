//! Lines typed before.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use crate::expand::path;

/// How many lines are kept.
const MAX_LINES: usize = 1000;
/// No history file is longer than this, or something is wrong with it.
const MAX_BYTES: u64 = 4 << 20;

/// Lines typed before, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: Vec<Vec<u8>>,
    file: Option<Vec<u8>>,
    /// How many of the lines the file has.
    saved: usize,
}

impl History {
    /// All lines.
    #[must_use]
    pub(crate) fn lines(&self) -> &[Vec<u8>] {
        &self.lines
    }

    /// Reads the lines of earlier shells; new ones go to the same file.
    pub(crate) fn load(&mut self, file: Option<Vec<u8>>) {
        let Some(name) = file.filter(|name| !name.is_empty()) else { return };
        let small = std::fs::metadata(path(&name)).is_ok_and(|status| status.len() <= MAX_BYTES);
        if small && let Ok(text) = std::fs::read(path(&name)) {
            self.lines = text
                .split(|&byte| byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            let excess = self.lines.len().saturating_sub(MAX_LINES);
            self.lines.drain(..excess);
        }
        self.saved = self.lines.len();
        self.file = Some(name);
    }

    /// Adds a line, unless it is the same as the last or begins with a blank.
    pub(crate) fn add(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty()
            || line.first() == Some(&b' ')
            || self.lines.last().is_some_and(|last| last == line)
        {
            return;
        }
        self.lines.push(line.to_vec());
        if self.lines.len() > MAX_LINES {
            self.lines.remove(0);
            self.saved = self.saved.saturating_sub(1);
        }
        self.save();
    }

    /// Appends new lines to the file.
    pub(crate) fn save(&mut self) {
        let Some(name) = &self.file else { return };
        if self.saved == self.lines.len() {
            return;
        }
        let mut text = Vec::new();
        for line in &self.lines[self.saved..] {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        // A history that cannot be written is no reason to disturb anybody.
        if let Ok(mut file) =
            OpenOptions::new().append(true).create(true).mode(0o600).open(path(name))
        {
            file.write_all(&text).ok();
        }
        self.saved = self.lines.len();
    }

    /// The last line before `before` that holds `text`.
    pub(super) fn search(&self, text: &[u8], before: usize) -> Option<usize> {
        if text.is_empty() {
            return None;
        }
        (0..before.min(self.lines.len()))
            .rev()
            .find(|&index| memchr::memmem::find(&self.lines[index], text).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("history").into_os_string().into_encoded_bytes();
        let mut history = History::default();
        history.load(Some(file.clone()));
        for line in [&b"one"[..], b"two", b"two", b" secret", b""] {
            history.add(line);
        }
        let mut again = History::default();
        again.load(Some(file));
        assert_eq!(again.lines(), [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(again.search(b"n", 2), Some(0));
        assert_eq!(again.search(b"x", 2), None);
    }
}
