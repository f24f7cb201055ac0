//! Lists of positions such as `1,3-5,7-`, as `cut` and others take them.

use isobox_applet::{Error, Result};

/// Ranges of positions counted from 1, sorted and merged; both ends belong to a range.
#[derive(Debug, Clone)]
pub(crate) struct Positions(pub(crate) Vec<(usize, usize)>);

impl Positions {
    /// Reads a list. With `complement`, all other positions.
    pub(crate) fn parse(text: &str, complement: bool) -> Result<Self> {
        let mut ranges = Vec::new();
        for part in text.split([',', ' ', '\t']) {
            ranges.push(Self::range(part).ok_or_else(|| {
                Error::message(format!("invalid list '{text}': expected N, N-M, N- or -M"))
            })?);
        }
        ranges.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (start, end) in ranges {
            match merged.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Ok(Self(if complement { Self::others(&merged) } else { merged }))
    }

    fn range(text: &str) -> Option<(usize, usize)> {
        let (start, end) = match text.split_once('-') {
            None => (text, text),
            Some(("", "")) => return None,
            Some((start, end)) => (
                if start.is_empty() { "1" } else { start },
                if end.is_empty() { "18446744073709551615" } else { end },
            ),
        };
        let (start, end) = (start.parse().ok()?, end.parse().ok()?);
        (start > 0 && start <= end).then_some((start, end))
    }

    fn others(ranges: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let (mut others, mut next) = (Vec::new(), 1);
        for &(start, end) in ranges {
            if next < start {
                others.push((next, start - 1));
            }
            next = end.saturating_add(1);
        }
        if next < usize::MAX {
            others.push((next, usize::MAX));
        }
        others
    }
}
