//! From lines to logical lines: directives, comments, continuations, here-documents.

use crate::directive::{self, Directives, Found};
use crate::error::{ParseError, Place};
use crate::instruction::Heredoc;

/// Something odd that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
}

/// The file, by lines.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    lines: Vec<&'a str>,
}

/// One instruction's text, continuations joined.
#[derive(Debug, Clone)]
pub(crate) struct Logical {
    /// The joined text, trimmed.
    pub(crate) text: String,
    /// Where each piece of `text` comes from: offset in bytes, line, column (both from 1).
    pieces: Vec<(usize, usize, usize)>,
    /// First and last line, here-documents included.
    pub(crate) lines: (usize, usize),
    /// Here-documents that follow it.
    pub(crate) heredocs: Vec<Heredoc>,
}

impl Logical {
    /// A text that stands alone, for `ONBUILD` triggers and changes of a configuration.
    pub(crate) fn alone(text: &str) -> Self {
        Self {
            text: text.trim().to_owned(),
            pieces: vec![(0, 1, 1)],
            lines: (1, 1),
            heredocs: Vec::new(),
        }
    }
}

/// What a file consists of.
pub(crate) struct Scanned {
    pub(crate) directives: Directives,
    pub(crate) logical: Vec<Logical>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { file, lines: text.lines().collect() }
    }

    /// A place by line and column.
    pub(crate) fn place(&self, line: usize, column: usize) -> Place {
        let text = self.lines.get(line - 1).copied().unwrap_or_default().to_owned();
        Place { file: self.file.to_owned(), line, column, text }
    }

    /// The place of a byte of a logical line.
    pub(crate) fn place_in(&self, logical: &Logical, offset: usize) -> Place {
        let piece = logical.pieces.iter().rev().find(|piece| piece.0 <= offset);
        let (start, line, column) = piece.copied().unwrap_or((0, logical.lines.0, 1));
        let before = logical.text.get(start..offset.max(start)).unwrap_or_default();
        self.place(line, column + before.chars().count())
    }

    /// Takes the file apart.
    pub(crate) fn scan(&self) -> Result<Scanned, ParseError> {
        let directives = self.directives()?;
        let mut scanned = Scanned { directives, logical: Vec::new(), warnings: Vec::new() };
        let mut next = 0;
        while next < self.lines.len() {
            let line = self.lines[next];
            if line.trim().is_empty() || is_comment(line) {
                next += 1;
                continue;
            }
            let (mut logical, after) = self.join(next, &mut scanned);
            next = after;
            let wanted = heredoc_words(&logical.text, scanned.directives.escape);
            for wanted in wanted {
                next = self.heredoc(&mut logical, wanted, next)?;
            }
            scanned.logical.push(logical);
        }
        Ok(scanned)
    }

    fn directives(&self) -> Result<Directives, ParseError> {
        let mut directives = Directives::default();
        let mut seen: Vec<&str> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let Found::Directive(name, value) = directive::read(line) else {
                break;
            };
            let at = |message: String| ParseError::new(self.place(index + 1, 1), message);
            if seen.contains(&name) {
                return Err(at(format!("only one {name} parser directive can be used")));
            }
            seen.push(name);
            match name {
                "syntax" => directives.syntax = Some(value.to_owned()),
                "check" => directives.check = Some(value.to_owned()),
                _ => {
                    directives.escape = match value {
                        "\\" => '\\',
                        "`" => '`',
                        other => {
                            return Err(at(format!("invalid ESCAPE {other:?}: must be ` or \\")));
                        }
                    };
                }
            }
        }
        Ok(directives)
    }

    /// Joins the lines of the instruction that begins at `first`; returns it and the line after.
    fn join(&self, first: usize, scanned: &mut Scanned) -> (Logical, usize) {
        let mut text = String::new();
        let mut pieces = Vec::new();
        let mut next = first;
        let mut last = first;
        while next < self.lines.len() {
            let line = self.lines[next];
            next += 1;
            if next - 1 > first {
                if is_comment(line) {
                    continue;
                }
                if line.trim().is_empty() {
                    scanned.warnings.push(Warning {
                        place: self.place(next, 1),
                        message: "Empty continuation line".to_owned(),
                    });
                    continue;
                }
            }
            last = next - 1;
            let (body, continues) = without_escape(line, scanned.directives.escape);
            let mut column = 1;
            let mut body = body;
            if text.is_empty() {
                let trimmed = body.trim_start();
                column += body.chars().count() - trimmed.chars().count();
                body = trimmed;
            }
            pieces.push((text.len(), last + 1, column));
            text.push_str(body);
            if !continues {
                break;
            }
        }
        let end = text.trim_end().len();
        text.truncate(end);
        (Logical { text, pieces, lines: (first + 1, last + 1), heredocs: Vec::new() }, next)
    }

    /// Reads a here-document that begins at line `next`; returns the line after it.
    fn heredoc(
        &self,
        logical: &mut Logical,
        wanted: Wanted,
        mut next: usize,
    ) -> Result<usize, ParseError> {
        let mut content = String::new();
        while let Some(line) = self.lines.get(next) {
            next += 1;
            let line = if wanted.chomp { line.trim_start_matches('\t') } else { line };
            if line == wanted.name {
                logical.lines.1 = next;
                logical.heredocs.push(Heredoc {
                    name: wanted.name,
                    expand: wanted.expand,
                    chomp: wanted.chomp,
                    descriptor: wanted.descriptor,
                    content,
                });
                return Ok(next);
            }
            content.push_str(line);
            content.push('\n');
        }
        Err(ParseError::new(
            self.place(logical.lines.0, 1),
            format!(
                "unterminated heredoc: a line that is {:?} and nothing else is missing",
                wanted.name
            ),
        ))
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The line without the escape character at its end, and whether there was one.
fn without_escape(line: &str, escape: char) -> (&str, bool) {
    let trimmed = line.trim_end_matches([' ', '\t', '\r']);
    match trimmed.strip_suffix(escape) {
        Some(body) => (body, true),
        None => (line, false),
    }
}

/// A here-document that a line announces.
struct Wanted {
    name: String,
    expand: bool,
    chomp: bool,
    descriptor: u32,
}

/// The here-documents that an instruction's words announce, in order. Only `RUN`, `COPY` and
/// `ADD` (and those as triggers) have any.
fn heredoc_words(text: &str, escape: char) -> Vec<Wanted> {
    let mut words = text.split_whitespace();
    let mut keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    let mut rest = text.get(keyword.len()..).unwrap_or_default();
    if keyword == "ONBUILD" {
        let inner = words.next().unwrap_or_default();
        rest = rest.trim_start().get(inner.len()..).unwrap_or_default();
        keyword = inner.to_ascii_uppercase();
    }
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") || !rest.contains("<<") {
        return Vec::new();
    }
    // The exec form has none.
    if rest.trim_start().starts_with('[')
        && serde_json::from_str::<Vec<String>>(rest.trim()).is_ok()
    {
        return Vec::new();
    }
    raw_words(rest, escape).iter().filter_map(|word| heredoc_word(word)).collect()
}

/// `3<<-"EOF"` as what it announces.
fn heredoc_word(word: &str) -> Option<Wanted> {
    let (descriptor, rest) = word.split_once("<<")?;
    if !descriptor.bytes().all(|byte| byte.is_ascii_digit()) || rest.contains('<') {
        return None;
    }
    let (chomp, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let name: String = rest.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    if name.is_empty() {
        return None;
    }
    let descriptor = if descriptor.is_empty() { 0 } else { descriptor.parse().ok()? };
    Some(Wanted { expand: name == rest, name, chomp, descriptor })
}

/// Words with their quotes, divided at blanks outside of quotes.
pub(crate) fn raw_words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        word.push(c);
        if c == escape && quote != Some('\'') {
            word.extend(chars.next());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &str) -> Vec<String> {
        let source = Source::new("Dockerfile", file);
        source.scan().expect("valid").logical.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn continuations_skip_comments_and_blank_lines() {
        assert_eq!(
            texts("RUN a \\\n  # comment\n\n  b\\  \n&& c\n# end\nCMD x"),
            ["RUN a   b&& c", "CMD x"]
        );
        assert_eq!(texts("# escape=`\nRUN a `\n b \\\nRUN c"), ["RUN a  b \\", "RUN c"]);
    }

    #[test]
    fn places_lead_back_to_the_file() {
        let source = Source::new("Dockerfile", "  RUN a \\\n  bcd\n");
        let logical = &source.scan().expect("valid").logical[0];
        let place = source.place_in(logical, logical.text.find("bcd").expect("there"));
        assert_eq!((place.line, place.column), (2, 3));
        let place = source.place_in(logical, 0);
        assert_eq!((place.line, place.column), (1, 3));
    }

    #[test]
    fn heredocs() {
        let source = Source::new("Dockerfile", "RUN <<A 3<<-\"B\" cat\n$x\nA\n\tq\n\tB\nCMD z");
        let logical = source.scan().expect("valid").logical;
        let [a, b] = &logical[0].heredocs[..] else { panic!("{:?}", logical[0]) };
        assert_eq!((a.content.as_str(), a.expand, b.content.as_str()), ("$x\n", true, "q\n"));
        assert_eq!((b.expand, b.descriptor, logical[0].lines), (false, 3, (1, 5)));
        assert!(Source::new("f", "RUN <<A\nx\n").scan().is_err());
    }

    #[test]
    fn directives() {
        for (file, ok) in [
            ("# escape=x\nFROM a", false),
            ("# escape=\\\n# escape=\\\nFROM a", false),
            ("# syntax=docker/dockerfile:1\n# check=skip=all\nFROM a", true),
            ("FROM a\n# escape=x\n", true),
        ] {
            assert_eq!(Source::new("f", file).scan().is_ok(), ok, "{file}");
        }
    }
}
