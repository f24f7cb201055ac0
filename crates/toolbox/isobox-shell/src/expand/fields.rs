//! Fields as they are made: text, what of it may be a pattern, where it is split.

use crate::{glob, pattern};

/// Finished fields, one after the other in one buffer.
#[derive(Debug, Default, Clone)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    /// How many there are.
    #[must_use]
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One of them.
    #[must_use]
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// All of them from one on.
    pub(crate) fn from(&self, first: usize) -> impl Iterator<Item = &[u8]> + '_ {
        (first..self.len()).map(|index| self.get(index))
    }

    /// Adds one.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Removes all, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The fields as lists of bytes.
    #[must_use]
    pub(crate) fn to_vec(&self, first: usize) -> Vec<Vec<u8>> {
        self.from(first).map(<[u8]>::to_vec).collect()
    }
}

/// The separators, by byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Separators {
    kinds: [Kind; 256],
    pub(crate) first: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    White,
    Other,
}

impl Separators {
    pub(crate) fn new(ifs: &[u8]) -> Self {
        let mut kinds = [Kind::None; 256];
        for &byte in ifs {
            kinds[usize::from(byte)] =
                if matches!(byte, b' ' | b'\t' | b'\n') { Kind::White } else { Kind::Other };
        }
        Self { kinds, first: ifs.first().copied() }
    }

    fn kind(&self, byte: u8) -> Kind {
        self.kinds[usize::from(byte)]
    }

    pub(crate) fn separates(&self, byte: u8) -> bool {
        self.kind(byte) != Kind::None
    }

    pub(crate) fn is_white(&self, byte: u8) -> bool {
        self.kind(byte) == Kind::White
    }
}

/// The fields of one word while it is expanded.
#[derive(Debug)]
pub(crate) struct Builder<'f> {
    fields: &'f mut Fields,
    start: usize,
    /// Places, in the present field, of bytes that may act in a pattern.
    active: Vec<usize>,
    /// The present field is there even if it is empty.
    quoted: bool,
    /// Splits fields and expands patterns; otherwise all is one text.
    pub(crate) splits: bool,
    pub(crate) globs: bool,
    pub(crate) separators: Option<Box<Separators>>,
    /// Every unquoted byte counts as active, for regular expressions.
    pub(crate) all_active: bool,
}

impl<'f> Builder<'f> {
    pub(crate) fn new(fields: &'f mut Fields, splits: bool, globs: bool) -> Self {
        let start = fields.bytes.len();
        Self {
            fields,
            start,
            active: Vec::new(),
            quoted: false,
            splits,
            globs,
            separators: None,
            all_active: false,
        }
    }

    /// Text within quotes.
    pub(crate) fn quoted(&mut self, text: &[u8]) {
        self.quoted = true;
        self.fields.bytes.extend_from_slice(text);
    }

    /// Text that is not quoted but is not split either.
    pub(crate) fn plain(&mut self, text: &[u8]) {
        let base = self.fields.bytes.len() - self.start;
        for (index, &byte) in text.iter().enumerate() {
            if self.all_active
                || matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'-' | b'!' | b'^')
            {
                self.active.push(base + index);
            }
        }
        self.fields.bytes.extend_from_slice(text);
    }

    /// Text that an expansion outside quotes gave.
    pub(crate) fn unquoted(&mut self, text: &[u8]) {
        if !self.splits {
            self.plain(text);
            return;
        }
        let Some(separators) = self.separators.take() else {
            self.plain(text);
            return;
        };
        let mut rest = text;
        while !rest.is_empty() {
            let length = rest.iter().take_while(|&&byte| !separators.separates(byte)).count();
            self.plain(&rest[..length]);
            rest = &rest[length..];
            let Some(&byte) = rest.first() else { break };
            rest = &rest[1..];
            let mut white = separators.is_white(byte);
            if white && self.is_blank() {
                continue;
            }
            self.quoted = true;
            self.finish();
            // What follows belongs to the same separation: white space, and one other separator.
            while let Some(&next) = rest.first() {
                match separators.kind(next) {
                    Kind::None => break,
                    Kind::White => rest = &rest[1..],
                    Kind::Other if white => {
                        white = false;
                        rest = &rest[1..];
                    }
                    Kind::Other => break,
                }
            }
        }
        self.separators = Some(separators);
    }

    /// Nothing in the present field.
    fn is_blank(&self) -> bool {
        self.fields.bytes.len() == self.start && !self.quoted
    }

    /// Ends the present field; one that is empty and not quoted is none.
    pub(crate) fn finish(&mut self) {
        if self.is_blank() {
            return;
        }
        // A bracket is active only if one follows that closes it.
        let pattern = self.globs
            && self.active.iter().any(|&at| match self.fields.bytes[self.start + at] {
                b'[' => self.fields.bytes[self.start + at..].contains(&b']'),
                byte => pattern::is_active(byte),
            });
        if pattern {
            let pattern = self.pattern();
            let found = glob::expand(&pattern);
            if !found.is_empty() {
                self.fields.bytes.truncate(self.start);
                for name in found {
                    self.fields.push(&name);
                }
                self.begin();
                return;
            }
        }
        self.fields.ends.push(self.fields.bytes.len());
        self.begin();
    }

    fn begin(&mut self) {
        self.start = self.fields.bytes.len();
        self.active.clear();
        self.quoted = false;
    }

    /// The present field as a pattern: what was quoted is escaped.
    pub(crate) fn pattern(&self) -> Vec<u8> {
        let text = &self.fields.bytes[self.start..];
        let mut pattern = Vec::with_capacity(text.len() + 8);
        let mut active = self.active.iter().peekable();
        for (index, byte) in text.iter().enumerate() {
            if active.next_if(|&&at| at == index).is_some() {
                pattern.push(*byte);
            } else {
                pattern::escape(std::slice::from_ref(byte), &mut pattern);
            }
        }
        pattern
    }

    /// The present field as a regular expression: what was quoted is escaped.
    pub(crate) fn regex(&self) -> Vec<u8> {
        let text = &self.fields.bytes[self.start..];
        let mut regex = Vec::with_capacity(text.len() + 8);
        let mut active = self.active.iter().peekable();
        for (index, byte) in text.iter().enumerate() {
            if active.next_if(|&&at| at == index).is_none() && !byte.is_ascii_alphanumeric() {
                regex.push(b'\\');
            }
            regex.push(*byte);
        }
        regex
    }

    /// The present field's text, which is taken out.
    pub(crate) fn take_text(&mut self) -> Vec<u8> {
        let text = self.fields.bytes.split_off(self.start);
        self.begin();
        text
    }
}
