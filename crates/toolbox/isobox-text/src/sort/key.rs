//! Keys of lines: where they are and how two compare.
//!
//! Every order also has a `prefix`: a number that never contradicts the order, kept beside each
//! line, so that most comparisons touch no line at all.

use std::cmp::Ordering;

use isobox_applet::{Error, Result};

/// How the text of a key is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Text,
    Numeric,
    General,
    Human,
    Month,
    Version,
    Random,
}

/// The options that may follow a key, or hold for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Order {
    pub(super) kind: Kind,
    pub(super) reverse: bool,
    pub(super) fold: bool,
    pub(super) dictionary: bool,
    pub(super) printable: bool,
    pub(super) blanks_start: bool,
    pub(super) blanks_end: bool,
}

impl Order {
    /// Applies an option's letter; false if it is none of these.
    pub(super) fn apply(&mut self, letter: char) -> bool {
        match letter {
            'b' => (self.blanks_start, self.blanks_end) = (true, true),
            'd' => self.dictionary = true,
            'f' => self.fold = true,
            'i' => self.printable = true,
            'r' => self.reverse = true,
            'n' => self.kind = Kind::Numeric,
            'g' => self.kind = Kind::General,
            'h' => self.kind = Kind::Human,
            'M' => self.kind = Kind::Month,
            'V' => self.kind = Kind::Version,
            'R' => self.kind = Kind::Random,
            _ => return false,
        }
        true
    }

    /// Whether nothing but bytes decides.
    fn plain(&self) -> bool {
        self.kind == Kind::Text && !self.fold && !self.dictionary && !self.printable
    }
}

/// A part of a line and its order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Key {
    /// Field and character, from 0.
    start: (usize, usize),
    /// Field and the end within it (0: its last character), or the end of the line.
    end: Option<(usize, usize)>,
    pub(super) order: Order,
}

impl Key {
    /// The whole line.
    pub(super) const fn line(order: Order) -> Self {
        Self { start: (0, 0), end: None, order }
    }

    /// `F[.C][OPTS][,F[.C][OPTS]]`; a key without options of its own takes those in `global`.
    pub(super) fn parse(text: &str, global: Order) -> Result<Self> {
        let bad = || {
            Error::message(format!(
                "invalid key '{text}': expected F[.C][OPTIONS][,F[.C][OPTIONS]]"
            ))
        };
        let (start, end) = match text.split_once(',') {
            Some((start, end)) => (start, Some(end)),
            None => (text, None),
        };
        let mut key = Self::default();
        let mut own = false;
        let mut position =
            |text: &str, order: &mut Order, is_end: bool| -> Option<(usize, usize)> {
                let letters = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
                for letter in text[letters..].chars() {
                    own = true;
                    if letter == 'b' {
                        *(if is_end { &mut order.blanks_end } else { &mut order.blanks_start }) =
                            true;
                    } else if !order.apply(letter) {
                        return None;
                    }
                }
                let (field, character) = match text[..letters].split_once('.') {
                    Some((field, character)) => (field, Some(character)),
                    None => (&text[..letters], None),
                };
                let field: usize = field.parse().ok().filter(|&field| field > 0)?;
                let character = character.map(str::parse::<usize>).transpose().ok()?;
                if is_end {
                    Some((field - 1, character.unwrap_or(0)))
                } else {
                    Some((field - 1, character.unwrap_or(1).checked_sub(1)?))
                }
            };
        let mut order = Order::default();
        key.start = position(start, &mut order, false).ok_or_else(bad)?;
        key.end = end.map(|end| position(end, &mut order, true).ok_or_else(bad)).transpose()?;
        key.order = if own { order } else { global };
        Ok(key)
    }

    /// Where the key begins in a line, if it is not empty.
    pub(super) fn start_of(&self, line: &[u8], separator: Option<u8>) -> usize {
        let mut start =
            if self.start.0 == 0 { 0 } else { field_start(line, self.start.0, separator) };
        if self.order.blanks_start {
            start += blanks(&line[start..]);
        }
        start.saturating_add(self.start.1).min(line.len())
    }

    /// The key's text in a line.
    pub(super) fn slice<'l>(&self, line: &'l [u8], separator: Option<u8>) -> &'l [u8] {
        let start = self.start_of(line, separator);
        let end = match self.end {
            None => line.len(),
            Some((field, 0)) => field_end(line, field, separator),
            Some((field, character)) => {
                let mut at = if field == 0 { 0 } else { field_start(line, field, separator) };
                if self.order.blanks_end {
                    at += blanks(&line[at..]);
                }
                at.saturating_add(character).min(line.len())
            }
        };
        &line[start.min(end)..end]
    }

    /// Compares two keys' texts.
    pub(super) fn compare(&self, a: &[u8], b: &[u8], salt: u64) -> Ordering {
        let order = &self.order;
        let result = match order.kind {
            Kind::Text if order.plain() => a.cmp(b),
            Kind::Text => filtered(a, order).cmp(filtered(b, order)),
            Kind::Numeric => numeric(a, b),
            Kind::General => general(a).partial_cmp_total(&general(b)),
            Kind::Human => human(a).cmp(&human(b)).then_with(|| numeric(a, b)),
            Kind::Month => month(a).cmp(&month(b)),
            Kind::Version => isobox_applet::version::compare(a, b),
            Kind::Random => hash(a, salt).cmp(&hash(b, salt)).then_with(|| a.cmp(b)),
        };
        if order.reverse { result.reverse() } else { result }
    }

    /// A number that is less only for keys that come first.
    pub(super) fn prefix(&self, key: &[u8], salt: u64) -> u64 {
        let order = &self.order;
        let prefix = match order.kind {
            Kind::Text if order.plain() => match key.first_chunk::<8>() {
                Some(bytes) => u64::from_be_bytes(*bytes),
                None => pack(key.iter().copied()),
            },
            Kind::Text => pack(filtered(key, order)),
            Kind::Numeric => whole(key).cast_unsigned() ^ (1 << 63),
            Kind::General => general(key).prefix(),
            Kind::Human => (human(key) + 64).cast_unsigned(),
            Kind::Month => u64::from(month(key)),
            // Versions have no order of bytes.
            Kind::Version => 0,
            Kind::Random => hash(key, salt),
        };
        if order.reverse { !prefix } else { prefix }
    }

    /// Whether equal prefixes mean equal texts of at most eight bytes.
    pub(super) fn is_plain_text(&self) -> bool {
        self.order.plain()
    }
}

fn pack(bytes: impl Iterator<Item = u8>) -> u64 {
    let mut packed = [0; 8];
    packed.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    u64::from_be_bytes(packed)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|&&byte| is_blank(byte)).count()
}

/// Where a field begins: after its separator, or with the blanks in front of it.
fn field_start(line: &[u8], field: usize, separator: Option<u8>) -> usize {
    match separator {
        Some(separator) => {
            memchr::memchr_iter(separator, line).nth(field - 1).map_or(line.len(), |at| at + 1)
        }
        None => (0..field).fold(0, |at, _| next_field(line, at)),
    }
}

fn field_end(line: &[u8], field: usize, separator: Option<u8>) -> usize {
    match separator {
        Some(separator) => memchr::memchr_iter(separator, line).nth(field).unwrap_or(line.len()),
        None => (0..=field).fold(0, |at, _| next_field(line, at)),
    }
}

fn next_field(line: &[u8], mut at: usize) -> usize {
    at += blanks(&line[at..]);
    at + line[at..].iter().take_while(|&&byte| !is_blank(byte)).count()
}

fn filtered<'t>(text: &'t [u8], order: &Order) -> impl Iterator<Item = u8> + use<'t> {
    let (dictionary, printable, fold) = (order.dictionary, order.printable, order.fold);
    text.iter()
        .copied()
        .filter(move |&byte| {
            (!dictionary || byte.is_ascii_alphanumeric() || is_blank(byte))
                && (!printable || matches!(byte, b' '..=b'~'))
        })
        .map(move |byte| if fold { byte.to_ascii_uppercase() } else { byte })
}

/// A decimal number of any length: its sign, whole digits without leading zeros, fraction
/// without trailing ones.
fn decimal(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let mut at = blanks(text);
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(negative);
    let digits =
        |from: usize| from + text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = digits(at);
    let zeros = text[at..end].iter().take_while(|&&byte| byte == b'0').count();
    let whole = &text[at + zeros..end];
    let fraction = if text.get(end) == Some(&b'.') {
        let part = &text[end + 1..digits(end + 1)];
        let kept = part.iter().rposition(|&byte| byte != b'0').map_or(0, |last| last + 1);
        &part[..kept]
    } else {
        &[]
    };
    let zero = whole.is_empty() && fraction.is_empty();
    (negative && !zero, whole, fraction)
}

fn numeric(a: &[u8], b: &[u8]) -> Ordering {
    let ((a_negative, a_whole, a_fraction), (b_negative, b_whole, b_fraction)) =
        (decimal(a), decimal(b));
    match (a_negative, b_negative) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => {
            let order = a_whole
                .len()
                .cmp(&b_whole.len())
                .then_with(|| a_whole.cmp(b_whole))
                .then_with(|| a_fraction.cmp(b_fraction));
            if a_negative { order.reverse() } else { order }
        }
    }
}

/// The whole part, held within bounds that keep the order.
fn whole(text: &[u8]) -> i64 {
    let (negative, digits, _) = decimal(text);
    let value = if digits.len() > 18 {
        i64::MAX / 2
    } else {
        digits.iter().fold(0_i64, |value, byte| value * 10 + i64::from(byte - b'0'))
    };
    if negative { -value } else { value }
}

/// What `-g` makes of a text: no number at all, not a number, a number; in this order.
#[derive(Clone, Copy)]
enum General {
    None,
    NotANumber,
    Number(f64),
}

impl General {
    fn partial_cmp_total(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::NotANumber => 1,
            Self::Number(_) => 2,
        }
    }

    fn prefix(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::NotANumber => 1,
            Self::Number(value) => {
                // -0 and 0 are equal.
                let bits = (value + 0.0).to_bits();
                let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
                ordered.max(2)
            }
        }
    }
}

fn general(text: &[u8]) -> General {
    let text = &text[blanks(text)..];
    let length = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        .count();
    let Ok(text) = std::str::from_utf8(&text[..length.min(400)]) else { return General::None };
    // The longest part that is a number.
    let lower = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if lower.starts_with("nan") {
        return General::NotANumber;
    }
    if lower.starts_with("inf") {
        return General::Number(if text.starts_with('-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    (1..=text.len())
        .rev()
        .filter(|&end| {
            text.as_bytes()[end - 1].is_ascii_digit() || text.as_bytes()[end - 1] == b'.'
        })
        .find_map(|end| text[..end].parse().ok())
        .map_or(General::None, General::Number)
}

/// The sign and the unit of a size: what decides first between `2K` and `1M`.
fn human(text: &[u8]) -> i64 {
    let (negative, whole, fraction) = decimal(text);
    if whole.is_empty() && fraction.is_empty() {
        return 0;
    }
    let rest =
        text[blanks(text)..].iter().find(|byte| !byte.is_ascii_digit() && !b"-.".contains(byte));
    let unit = match rest {
        Some(b'k' | b'K') => 2,
        Some(letter) => b"MGTPEZYRQ"
            .iter()
            .position(|unit| unit == letter)
            .map_or(1, |at| i64::try_from(at).unwrap_or(0) + 3),
        None => 1,
    };
    if negative { -unit } else { unit }
}

fn month(text: &[u8]) -> u8 {
    const NAMES: &[u8] = b"JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    let text = &text[blanks(text)..];
    let Some(start) = text.first_chunk::<3>() else { return 0 };
    let start = start.to_ascii_uppercase();
    NAMES.chunks(3).zip(1..).find(|(name, _)| *name == start).map_or(0, |(_, number)| number)
}

fn hash(text: &[u8], salt: u64) -> u64 {
    // FNV-1a with a final mix: equal keys must meet, and the order must look random.
    let mut hash = text.iter().fold(0xcbf2_9ce4_8422_2325 ^ salt, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(letters: &str, a: &str, b: &str) -> Ordering {
        let mut order = Order::default();
        letters.chars().for_each(|letter| assert!(order.apply(letter)));
        let key = Key::line(order);
        let result = key.compare(a.as_bytes(), b.as_bytes(), 1);
        let prefixes = key.prefix(a.as_bytes(), 1).cmp(&key.prefix(b.as_bytes(), 1));
        assert!(
            prefixes == Ordering::Equal || prefixes == result,
            "{letters}: prefix of {a} and {b}"
        );
        result
    }

    #[test]
    fn orders_and_their_prefixes_agree() {
        use Ordering::{Equal, Greater, Less};
        for (letters, a, b, expected) in [
            ("", "abc", "abd", Less),
            ("", "ab", "abc", Less),
            ("r", "ab", "abc", Greater),
            ("f", "aB", "Ab", Equal),
            ("d", "a-b", "ab", Equal),
            ("n", "10", "9", Greater),
            ("n", "-1.5", "-1.2", Less),
            ("n", "0", "-0", Equal),
            ("n", "  007", "7.0", Equal),
            ("n", "123456789012345678901", "123456789012345678902", Less),
            ("n", "x", "0", Equal),
            ("g", "1e3", "999", Greater),
            ("g", "x", "-1e9", Less),
            ("g", "nan", "-inf", Less),
            ("h", "2K", "1M", Less),
            ("h", "900", "1K", Less),
            ("h", "-2M", "-1K", Less),
            ("M", "jan", "FEB", Less),
            ("M", "x", "Jan", Less),
            ("V", "a10", "a9", Greater),
            ("V", "1.0~rc", "1.0", Less),
        ] {
            assert_eq!(order(letters, a, b), expected, "{letters}: {a} {b}");
            assert_eq!(order(letters, b, a), expected.reverse(), "{letters}: {b} {a}");
        }
    }

    #[test]
    fn keys_are_found() {
        for (key, separator, line, expected) in [
            ("2", None, "a  b c", "  b c"),
            ("2,2", None, "a  b c", "  b"),
            ("2b,2", None, "a  b c", "b"),
            ("2,2", Some(b':'), "a:b:c", "b"),
            ("2.2,2.3", Some(b':'), "a:bcde:c", "cd"),
            ("3", Some(b':'), "a:b", ""),
            ("1.3", None, "ab", ""),
            ("1,1.1", None, "abc", "a"),
        ] {
            let parsed = Key::parse(key, Order::default()).unwrap();
            assert_eq!(
                parsed.slice(line.as_bytes(), separator),
                expected.as_bytes(),
                "{key} of {line}"
            );
        }
        for bad in ["0", "x", "1.0", "1,", "1z"] {
            assert!(Key::parse(bad, Order::default()).is_err(), "{bad}");
        }
    }
}
