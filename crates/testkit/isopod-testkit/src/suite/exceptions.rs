//! Cases that a runtime is known to fail, each with the reason.
//!
//! One a line: the case's name, a colon, the reason. Lines that are empty or begin with `#` do
//! not count. A case on the list that passes is reported as a failure, so that lists stay true;
//! unless its reason begins with `sometimes`, for what a runtime does by chance.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::Outcome;

/// A list of exceptions.
#[derive(Debug, Clone, Default)]
pub struct Exceptions(BTreeMap<String, String>);

impl Exceptions {
    /// Reads a list.
    pub fn parse(text: &str) -> Result<Self> {
        let mut all = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, reason) = line
                .split_once(": ")
                .with_context(|| format!("line {}: expected `case: reason`", number + 1))?;
            all.insert(name.to_owned(), reason.trim().to_owned());
        }
        Ok(Self(all))
    }

    /// Why a case may fail, if it may.
    pub fn reason(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What a case's result comes to, this list considered.
    pub fn judge(&self, name: &str, result: Result<()>) -> Outcome {
        match (result, self.reason(name)) {
            (Ok(()), None) => Outcome::Passed,
            (Ok(()), Some(reason)) if reason.starts_with("sometimes ") => Outcome::Passed,
            (Ok(()), Some(reason)) => Outcome::Failed(format!(
                "passes now, but is listed as an exception ({reason}); take it off the list"
            )),
            (Err(_), Some(reason)) => Outcome::Excepted(reason.to_owned()),
            (Err(error), None) => Outcome::Failed(format!("{error:#}")),
        }
    }

    /// The names on the list.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
