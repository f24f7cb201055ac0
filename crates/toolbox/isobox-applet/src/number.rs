//! Numbers and sizes as command lines write them, and sizes as people read them.

use std::ffi::OsStr;

use crate::{Error, Result};

/// Suffixes of sizes that most applets take: 512-byte blocks, then powers of 1024 and of 1000.
pub const SIZE_SUFFIXES: &[(&str, u64)] = &[
    ("b", 512),
    ("k", 1 << 10),
    ("K", 1 << 10),
    ("KB", 1_000),
    ("kB", 1_000),
    ("KiB", 1 << 10),
    ("m", 1 << 20),
    ("M", 1 << 20),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("g", 1 << 30),
    ("G", 1 << 30),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("T", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
    ("P", 1 << 50),
    ("PB", 1_000_000_000_000_000),
    ("PiB", 1 << 50),
    ("E", 1 << 60),
];

/// A whole number without sign.
pub fn unsigned(text: &OsStr) -> Result<u64> {
    text.to_str()
        .map(|text| text.strip_prefix('+').unwrap_or(text))
        .filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid(text))
}

/// A whole number.
pub fn signed(text: &OsStr) -> Result<i64> {
    text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| invalid(text))
}

/// A number with a suffix of [`SIZE_SUFFIXES`].
pub fn size(text: &OsStr) -> Result<u64> {
    with_suffix(text, SIZE_SUFFIXES)
}

/// A number with one of the given suffixes, or none.
pub fn with_suffix(text: &OsStr, suffixes: &[(&str, u64)]) -> Result<u64> {
    let parse = |text: &str| {
        let text = text.strip_prefix('+').unwrap_or(text);
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, suffix) = text.split_at(digits);
        let number: u64 = number.parse().ok()?;
        if suffix.is_empty() {
            return Some(number);
        }
        let (_, factor) = suffixes.iter().find(|(known, _)| *known == suffix)?;
        number.checked_mul(*factor)
    };
    text.to_str().and_then(parse).ok_or_else(|| invalid(text))
}

/// A number of seconds, with a fraction and one of the suffixes `s m h d`.
pub fn seconds(text: &OsStr) -> Result<std::time::Duration> {
    let parse = |text: &str| {
        let (number, factor) = match text.as_bytes().last()? {
            b's' => (&text[..text.len() - 1], 1.0),
            b'm' => (&text[..text.len() - 1], 60.0),
            b'h' => (&text[..text.len() - 1], 3_600.0),
            b'd' => (&text[..text.len() - 1], 86_400.0),
            _ => (text, 1.0),
        };
        if matches!(number, "inf" | "infinity") {
            return Some(std::time::Duration::MAX);
        }
        if !number.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let seconds: f64 = number.parse::<f64>().ok()? * factor;
        Some(std::time::Duration::try_from_secs_f64(seconds).unwrap_or(std::time::Duration::MAX))
    };
    text.to_str().and_then(parse).ok_or_else(|| invalid(text))
}

/// What is said of a word that should be a number.
#[must_use]
pub fn invalid(text: &OsStr) -> Error {
    Error::about("invalid number", text)
}

/// A size for people, as BusyBox writes it: `97.7K`, `252.0G`, and bytes as they are.
#[must_use]
pub fn human(bytes: u64, base: u64) -> String {
    const UNITS: &[u8] = b"KMGTPE";
    if bytes < base {
        return bytes.to_string();
    }
    let (mut unit, mut divisor) = (0, u128::from(base));
    let bytes = u128::from(bytes);
    let tenths = |divisor: u128| (bytes * 10 + divisor / 2) / divisor;
    while tenths(divisor) >= u128::from(base) * 10 && unit + 1 < UNITS.len() {
        divisor *= u128::from(base);
        unit += 1;
    }
    let letter = match UNITS[unit] {
        b'K' if base == 1000 => 'k',
        letter => char::from(letter),
    };
    let tenths = tenths(divisor);
    format!("{}.{}{letter}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suffixes() {
        for (text, expected) in [
            ("1", Some(1)),
            ("2k", Some(2048)),
            ("1b", Some(512)),
            ("3MB", Some(3_000_000)),
            ("", None),
            ("x", None),
            ("-1", None),
            ("1x", None),
            ("99999999999E", None),
        ] {
            assert_eq!(size(OsStr::new(text)).ok(), expected, "{text}");
        }
    }

    #[test]
    fn people_read_sizes_in_tenths() {
        for (bytes, expected) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (100_000, "97.7K"),
            (1_048_575, "1.0M"),
            (1 << 40, "1.0T"),
        ] {
            assert_eq!(human(bytes, 1024), expected, "{bytes}");
        }
    }

    #[test]
    fn seconds_have_fractions_and_units() {
        for (text, expected) in [
            ("1.5", Some(1500)),
            ("2m", Some(120_000)),
            (".1", Some(100)),
            ("x", None),
            ("-1", None),
            ("", None),
        ] {
            let got = seconds(OsStr::new(text)).ok().map(|duration| duration.as_millis());
            assert_eq!(got, expected, "{text}");
        }
    }
}
