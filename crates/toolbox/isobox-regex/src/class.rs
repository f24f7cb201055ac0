//! Sets of characters, and the named classes of POSIX.

/// A set of characters as sorted ranges that do not touch. In single-byte mode a character is a
/// byte, otherwise a Unicode scalar value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Set {
    ranges: Vec<(u32, u32)>,
}

/// The last character beyond which no named class has members, so that building a class need not
/// look at all of Unicode.
const CLASSES_END: u32 = 0x3_23B0;

impl Set {
    pub(crate) fn of(characters: &[u32]) -> Self {
        let mut set = Self::default();
        characters.iter().for_each(|&c| set.ranges.push((c, c)));
        set.normalise();
        set
    }

    pub(crate) fn from_ranges(ranges: Vec<(u32, u32)>) -> Self {
        let mut set = Self { ranges };
        set.normalise();
        set
    }

    pub(crate) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    pub(crate) fn add(&mut self, first: u32, last: u32) {
        self.ranges.push((first, last));
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.ranges.extend_from_slice(&other.ranges);
    }

    /// Sorts and joins ranges; the surrogates, which are no characters, are left out by those who
    /// turn ranges into bytes.
    pub(crate) fn normalise(&mut self) {
        self.ranges.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(self.ranges.len());
        for &(first, last) in &self.ranges {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        self.ranges = joined;
    }

    pub(crate) fn contains(&self, character: u32) -> bool {
        let at = self.ranges.partition_point(|&(_, last)| last < character);
        self.ranges.get(at).is_some_and(|&(first, _)| first <= character)
    }

    /// The set without one character.
    pub(crate) fn without(&self, character: u32) -> Self {
        let mut others = self.inverted(u32::MAX - 1);
        others.add(character, character);
        others.normalise();
        others.inverted(u32::MAX - 1)
    }

    /// All characters up to `last` that are not in the set.
    pub(crate) fn inverted(&self, last: u32) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for &(first, end) in &self.ranges {
            if first > next {
                ranges.push((next, first - 1));
            }
            next = end + 1;
        }
        if next <= last {
            ranges.push((next, last));
        }
        Self { ranges }
    }

    /// Adds the other case of every letter.
    pub(crate) fn fold(&mut self, utf8: bool) {
        let mut other = Vec::new();
        for &(first, last) in &self.ranges {
            // A range of thousands of characters has both cases of nearly everything already.
            let last = last.min(first.saturating_add(0x1000));
            for character in first..=last {
                other_cases(character, utf8, |c| other.push((c, c)));
            }
        }
        self.ranges.append(&mut other);
        self.normalise();
    }
}

/// Calls `found` with each character that differs from `character` in case only.
fn other_cases(character: u32, utf8: bool, mut found: impl FnMut(u32)) {
    if character < 0x80 || !utf8 {
        if let Ok(byte) = u8::try_from(character)
            && byte.is_ascii_alphabetic()
        {
            found(u32::from(byte ^ 0x20));
        }
        return;
    }
    let Some(character) = char::from_u32(character) else { return };
    let single = |mut cases: Box<dyn Iterator<Item = char>>| match (cases.next(), cases.next()) {
        (Some(case), None) => Some(case),
        _ => None,
    };
    for case in
        [single(Box::new(character.to_lowercase())), single(Box::new(character.to_uppercase()))]
    {
        if let Some(case) = case.filter(|&case| case != character) {
            found(u32::from(case));
        }
    }
}

/// Which bytes below 128 are members of a class.
type Ascii = fn(&u8) -> bool;
/// Which other characters are.
type Beyond = fn(char) -> bool;

/// The members of `[:name:]`, if there is such a class.
pub(crate) fn named(name: &str, utf8: bool) -> Option<Set> {
    let (ascii, beyond): (Ascii, Beyond) = match name {
        "alpha" => (u8::is_ascii_alphabetic, char::is_alphabetic),
        "digit" => (u8::is_ascii_digit, |_| false),
        "alnum" => (u8::is_ascii_alphanumeric, char::is_alphanumeric),
        "upper" => (u8::is_ascii_uppercase, char::is_uppercase),
        "lower" => (u8::is_ascii_lowercase, char::is_lowercase),
        "space" => (|b| matches!(b, b' ' | 0x09..=0x0d), char::is_whitespace),
        "blank" => (
            |b| matches!(b, b' ' | b'\t'),
            |c| c.is_whitespace() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'),
        ),
        "punct" => (u8::is_ascii_punctuation, |c| {
            !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control()
        }),
        "print" => (|b| matches!(b, 0x20..=0x7e), |c| !c.is_control()),
        "graph" => (|b| matches!(b, 0x21..=0x7e), |c| !c.is_control() && !c.is_whitespace()),
        "cntrl" => (u8::is_ascii_control, char::is_control),
        "xdigit" => (u8::is_ascii_hexdigit, |_| false),
        "word" => (is_word, char::is_alphanumeric),
        _ => return None,
    };
    let mut set = Set::default();
    (0..0x80u8).filter(ascii).for_each(|byte| set.add(byte.into(), byte.into()));
    if utf8 && !matches!(name, "digit" | "xdigit") {
        let mut start = None;
        for code in 0x80..=CLASSES_END {
            let member = code < CLASSES_END && char::from_u32(code).is_some_and(beyond);
            match (member, start) {
                (true, None) => start = Some(code),
                (false, Some(first)) => {
                    set.add(first, code - 1);
                    start = None;
                }
                _ => {}
            }
        }
    }
    set.normalise();
    Some(set)
}

/// Whether a byte is part of a word, as `\w` and `\b` see it.
pub(crate) fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}
