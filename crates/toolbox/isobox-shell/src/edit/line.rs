//! A line and the cursor in it: what keys do to them, without a terminal.

/// A line that is being edited.
#[derive(Debug, Default, Clone)]
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    pub(super) cursor: usize,
    killed: Vec<u8>,
}

impl Line {
    pub(super) fn set(&mut self, text: &[u8]) {
        self.text = text.to_vec();
        self.cursor = self.text.len();
    }

    pub(super) fn insert(&mut self, bytes: &[u8]) {
        self.text.splice(self.cursor..self.cursor, bytes.iter().copied());
        self.cursor += bytes.len();
    }

    /// The place one character before.
    fn before(&self, place: usize) -> usize {
        let mut place = place.saturating_sub(1);
        while place > 0 && self.text[place] & 0xc0 == 0x80 {
            place -= 1;
        }
        place
    }

    /// The place one character after.
    fn after(&self, place: usize) -> usize {
        let mut place = (place + 1).min(self.text.len());
        while place < self.text.len() && self.text[place] & 0xc0 == 0x80 {
            place += 1;
        }
        place
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.before(self.cursor);
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.after(self.cursor);
    }

    fn word_left(&self) -> usize {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let mut place = self.cursor;
        while place > 0 && !is_word(self.text[place - 1]) {
            place -= 1;
        }
        while place > 0 && is_word(self.text[place - 1]) {
            place -= 1;
        }
        place
    }

    fn word_right(&self) -> usize {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let mut place = self.cursor;
        while place < self.text.len() && !is_word(self.text[place]) {
            place += 1;
        }
        while place < self.text.len() && is_word(self.text[place]) {
            place += 1;
        }
        place
    }

    pub(super) fn go_word_left(&mut self) {
        self.cursor = self.word_left();
    }

    pub(super) fn go_word_right(&mut self) {
        self.cursor = self.word_right();
    }

    pub(super) fn delete_before(&mut self) {
        let start = self.before(self.cursor);
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    pub(super) fn delete(&mut self) {
        let end = self.after(self.cursor);
        self.text.drain(self.cursor..end);
    }

    fn kill(&mut self, start: usize, end: usize) {
        self.killed = self.text.drain(start..end).collect();
        self.cursor = start;
    }

    pub(super) fn kill_to_end(&mut self) {
        self.kill(self.cursor, self.text.len());
    }

    pub(super) fn kill_to_start(&mut self) {
        self.kill(0, self.cursor);
    }

    /// Back to the last blank, as Control-W does.
    pub(super) fn kill_blank_word(&mut self) {
        let mut start = self.cursor;
        while start > 0 && self.text[start - 1] == b' ' {
            start -= 1;
        }
        while start > 0 && self.text[start - 1] != b' ' {
            start -= 1;
        }
        self.kill(start, self.cursor);
    }

    pub(super) fn kill_word_left(&mut self) {
        self.kill(self.word_left(), self.cursor);
    }

    pub(super) fn kill_word_right(&mut self) {
        self.kill(self.cursor, self.word_right());
    }

    pub(super) fn yank(&mut self) {
        let killed = self.killed.clone();
        self.insert(&killed);
    }

    pub(super) fn transpose(&mut self) {
        if self.text.len() < 2 || self.cursor == 0 {
            return;
        }
        let second =
            if self.cursor == self.text.len() { self.before(self.cursor) } else { self.cursor };
        let first = self.before(second);
        let end = self.after(second);
        self.text[first..end].rotate_left(second - first);
        self.cursor = end;
    }

    /// How many columns the text before the cursor takes.
    pub(super) fn column(&self) -> usize {
        width(&self.text[..self.cursor])
    }
}

/// Columns of text on a terminal, taking every character for one wide.
pub(super) fn width(text: &[u8]) -> usize {
    let mut columns = 0;
    let mut escape = false;
    for &byte in text {
        match byte {
            0x1b => escape = true,
            b'a'..=b'z' | b'A'..=b'Z' if escape => escape = false,
            _ if escape => {}
            b'\n' | b'\r' => columns = 0,
            0..=0x1f => {}
            _ if byte & 0xc0 != 0x80 => columns += 1,
            _ => {}
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing() {
        let mut line = Line::default();
        line.insert("one twö three".as_bytes());
        line.kill_blank_word();
        assert_eq!(line.text, "one twö ".as_bytes());
        line.left();
        line.delete_before();
        assert_eq!(line.text, b"one tw ");
        line.go_word_left();
        assert_eq!(line.cursor, 4);
        line.yank();
        assert_eq!(line.text, b"one threetw ");
        line.kill_to_start();
        assert_eq!((&line.text[..], line.cursor), (&b"tw "[..], 0));
        line.right();
        line.transpose();
        assert_eq!(line.text, b"wt ");
        line.set(b"abc");
        line.cursor = 1;
        line.kill_to_end();
        line.delete_before();
        line.delete();
        assert!(line.text.is_empty());
        assert_eq!(width(b"\x1b[31mab\x1b[0m"), 2);
    }
}
