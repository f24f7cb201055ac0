//! Lines of a text, and which of them count as equal.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Differences that are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ignore {
    pub(crate) case: bool,
    /// Runs of blanks are one blank, and those at the end nothing.
    pub(crate) space_change: bool,
    pub(crate) all_space: bool,
    pub(crate) trailing_cr: bool,
}

/// A text and where its lines begin.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    /// One more than there are lines: the last is the end.
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
        if starts.last() != Some(&bytes.len()) {
            starts.push(bytes.len());
        }
        Self { bytes, starts }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// A line with its newline, which the last one may lack.
    pub(crate) fn whole_line(&self, line: usize) -> &'a [u8] {
        &self.bytes[self.starts[line]..self.starts[line + 1]]
    }

    /// A line without its newline.
    pub(crate) fn line(&self, line: usize) -> &'a [u8] {
        let whole = self.whole_line(line);
        whole.strip_suffix(b"\n").unwrap_or(whole)
    }

    pub(crate) fn ends_with_newline(&self) -> bool {
        self.bytes.is_empty() || self.bytes.ends_with(b"\n")
    }

    /// How many lines are the same in front and at the end of two texts.
    pub(crate) fn common(&self, other: &Self) -> (usize, usize) {
        let most = self.len().min(other.len());
        let same = |line: &usize| self.whole_line(*line) == other.whole_line(*line);
        let front = (0..most).take_while(same).count();
        let (a, b) = (self.len(), other.len());
        let same = |line: &usize| self.whole_line(a - 1 - line) == other.whole_line(b - 1 - line);
        let back = (0..most - front).take_while(same).count();
        (front, back)
    }
}

impl Ignore {
    /// What of a line is compared.
    fn key<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        if *self == Self::default() {
            return Cow::Borrowed(line);
        }
        let blanks = self.space_change || self.all_space;
        let ended = line.ends_with(b"\n");
        let mut line = line.strip_suffix(b"\n").unwrap_or(line);
        if self.trailing_cr {
            line = line.strip_suffix(b"\r").unwrap_or(line);
        }
        if blanks {
            line = line.trim_ascii_end();
        }
        let mut key = Vec::with_capacity(line.len() + 1);
        for &byte in line {
            let byte = if self.case { byte.to_ascii_lowercase() } else { byte };
            if !blanks || !(byte.is_ascii_whitespace() || byte == 0x0b) {
                key.push(byte);
            } else if !self.all_space && key.last() != Some(&b' ') {
                key.push(b' ');
            }
        }
        if ended && !blanks {
            key.push(b'\n');
        }
        Cow::Owned(key)
    }
}

/// Numbers for the lines of two texts: equal lines have the same one.
pub(crate) fn classes<'t>(
    old: (&Text<'t>, Range<usize>),
    new: (&Text<'t>, Range<usize>),
    ignore: &Ignore,
) -> (Vec<u32>, Vec<u32>) {
    let mut known = HashMap::new();
    (numbers(old, ignore, &mut known), numbers(new, ignore, &mut known))
}

fn numbers<'t>(
    (text, range): (&Text<'t>, Range<usize>),
    ignore: &Ignore,
    known: &mut HashMap<Cow<'t, [u8]>, u32>,
) -> Vec<u32> {
    range
        .map(|line| {
            let next = u32::try_from(known.len()).expect("lines are fewer than 2^32");
            *known.entry(ignore.key(text.whole_line(line))).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_makes_lines_equal() {
        let none = Ignore::default();
        for (a, b, ignore) in [
            ("A\n", "a\n", Ignore { case: true, ..none }),
            ("a  b \n", "a b\n", Ignore { space_change: true, ..none }),
            ("a b", "a b\n", Ignore { space_change: true, ..none }),
            (" a b\n", "ab\n", Ignore { all_space: true, ..none }),
            ("a\r\n", "a\n", Ignore { trailing_cr: true, ..none }),
        ] {
            assert_eq!(ignore.key(a.as_bytes()), ignore.key(b.as_bytes()));
            assert_ne!(none.key(a.as_bytes()), none.key(b.as_bytes()));
        }
        let change = Ignore { space_change: true, ..none };
        assert_ne!(change.key(b"ab\n"), change.key(b"a b\n"));
    }
}
