//! Prints an error with all its causes; the one place that does.

use std::error::Error;
use std::fmt;

/// Displays an error and its sources, outermost first, separated by `: `.
///
/// A source whose text already ends the text above it is left out, so that errors of crates
/// that repeat their source in `Display` do not stutter.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

/// Wraps `error` for display with its causes.
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above = self.0.to_string();
        f.write_str(&above)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !above.ends_with(&text) {
                write!(f, ": {text}")?;
                above = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        #[source]
        source: Option<Box<Level>>,
    }

    #[test]
    fn causes_follow_and_repetition_is_left_out() {
        let inner = Level { text: "no space", source: None };
        let middle = Level { text: "write blob: no space", source: Some(Box::new(inner)) };
        let outer = Level { text: "pull", source: Some(Box::new(middle)) };
        assert_eq!(chain(&outer).to_string(), "pull: write blob: no space");
    }
}
