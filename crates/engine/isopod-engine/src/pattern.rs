//! Patterns in filters and options: regular expressions, as Docker has them.

use crate::error::{Error, Result};
use regex_lite::{Regex, RegexBuilder};

/// The most memory that a pattern may come to.
const SIZE_BYTES: usize = 1 << 20;

/// Reads the pattern that `field` has; a text that is none is an error that names the field.
pub(crate) fn read(field: &str, text: &str) -> Result<Regex> {
    RegexBuilder::new(text).size_limit(SIZE_BYTES).build().map_err(|source| {
        Error::invalid(format_args!("invalid filter '{field}=[{text}]'")).because(source)
    })
}
