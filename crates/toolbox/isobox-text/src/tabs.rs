//! Tab stops, as `expand` and `unexpand` take them.

use isobox_applet::{Error, Result};

/// Where tabs lead to.
#[derive(Debug, Clone)]
pub(crate) struct Tabs {
    stops: Vec<usize>,
    /// After the last stop: a stop at every multiple of this, or of this beyond the last stop.
    every: Option<(usize, usize)>,
}

impl Tabs {
    /// A number, or a list of columns of which the last may be `/N` or `+N`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bad = || Error::message(format!("invalid tab stops '{text}': expected rising numbers"));
        let mut tabs = Self { stops: Vec::new(), every: None };
        let parts: Vec<&str> = text.split([',', ' ']).filter(|part| !part.is_empty()).collect();
        for part in &parts {
            if tabs.every.is_some() {
                return Err(bad());
            }
            let number = |text: &str| text.parse().ok().filter(|&number| number > 0);
            if let Some(rest) = part.strip_prefix('/') {
                tabs.every = Some((number(rest).ok_or_else(bad)?, 0));
            } else if let Some(rest) = part.strip_prefix('+') {
                let last = tabs.stops.last().copied().unwrap_or(0);
                tabs.every = Some((number(rest).ok_or_else(bad)?, last));
            } else {
                let stop = number(part).ok_or_else(bad)?;
                if tabs.stops.last().is_some_and(|&last| last >= stop) {
                    return Err(bad());
                }
                tabs.stops.push(stop);
            }
        }
        if let ([only], None) = (&tabs.stops[..], tabs.every) {
            tabs.every = Some((*only, 0));
            tabs.stops.clear();
        }
        if tabs.stops.is_empty() && tabs.every.is_none() {
            tabs.every = Some((8, 0));
        }
        Ok(tabs)
    }

    /// The next stop after a column; none behind the last of a list.
    pub(crate) fn next(&self, column: usize) -> Option<usize> {
        if let Some(&stop) = self.stops.iter().find(|&&stop| stop > column) {
            return Some(stop);
        }
        let (every, from) = self.every?;
        Some(from + ((column.max(from) - from) / every + 1) * every)
    }
}
