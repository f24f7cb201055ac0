//! What is wrong with a Dockerfile, and where.

use std::fmt;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file's name, as the user knows it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The text of the line.
    pub text: String,
}

/// A Dockerfile that cannot be understood. Shows the file, the line, and the text with a caret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl ParseError {
    /// An error at a place.
    #[must_use]
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }

    /// The same with the file, line and text on lines of their own.
    #[must_use]
    pub fn excerpt(&self) -> String {
        self.place.excerpt()
    }
}

/// Characters shown of a long line.
const SHOWN: usize = 160;

impl Place {
    /// The text with a caret under the place.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let column = self.column.max(1);
        let start = if column > SHOWN { column - SHOWN / 2 } else { 1 };
        let shown: String = self.text.chars().skip(start - 1).take(SHOWN).collect();
        // Tabs stay tabs in front of the caret, so that it stands where it should.
        let indent: String = shown
            .chars()
            .take(column - start)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let gutter = self.line.to_string();
        let blank = " ".repeat(gutter.len());
        format!("{gutter} | {shown}\n{blank} | {indent}^")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, .. } = &self.place;
        write!(f, "{file}:{line}:{column}: {}\n{}", self.message, self.excerpt())
    }
}
