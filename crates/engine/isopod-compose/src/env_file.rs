//! Environment files, by compose's grammar: `KEY=value`, quotes, `export`, comments, variables.

use std::path::Path;

use crate::error::{ComposeError, Result};
use crate::interpolate::{self, Lookup};

/// Reads a file. A name without `=` has no value of its own: it is taken from the environment.
pub(crate) fn parse(
    text: &str,
    path: &Path,
    outer: &Lookup<'_>,
) -> Result<Vec<(String, Option<String>)>> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let mut lines = Lines { rest: text.trim_start_matches('\u{feff}'), number: 1 };
    while let Some((number, statement)) = lines.next_statement(path)? {
        let fail =
            |reason: String| ComposeError::EnvFile { path: path.into(), line: number, reason };
        let statement = statement.strip_prefix("export ").unwrap_or(&statement).trim_start();
        let end = statement.find(['=', ':']).unwrap_or(statement.len());
        let (name, rest) = (statement[..end].trim(), statement.get(end + 1..));
        let valid = !name.is_empty()
            && !name.contains(char::is_whitespace)
            && name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\'' | b'"'));
        if !valid {
            return Err(fail(format!(
                "unexpected {name:?} for a variable's name: expected NAME=VALUE"
            )));
        }
        let value = match rest {
            None => outer(name),
            Some(rest) => {
                let known = |wanted: &str| {
                    let own = found.iter().rev().find(|(name, _)| name == wanted);
                    outer(wanted).or_else(|| own.and_then(|(_, value)| value.clone()))
                };
                Some(value_of(rest.trim(), &known).map_err(fail)?)
            }
        };
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

fn value_of(text: &str, lookup: &Lookup<'_>) -> std::result::Result<String, String> {
    if let Some(inner) = text.strip_prefix('\'') {
        let end = inner.find('\'').ok_or("a quote is not closed")?;
        return trailing(&inner[end + 1..]).map(|()| inner[..end].to_owned());
    }
    if let Some(inner) = text.strip_prefix('"') {
        let (value, rest) = double_quoted(inner)?;
        trailing(rest)?;
        return interpolate::text(&value, lookup, &mut Vec::new());
    }
    // A comment begins after a space.
    let end = text.find(" #").or_else(|| text.find("\t#")).unwrap_or(text.len());
    let text = if text.starts_with('#') { "" } else { text[..end].trim_end() };
    interpolate::text(text, lookup, &mut Vec::new())
}

fn trailing(text: &str) -> std::result::Result<(), String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(());
    }
    Err(format!("unexpected {text:?} after the closing quote"))
}

/// The value up to the closing quote, and what follows. An escaped dollar sign stays one.
fn double_quoted(text: &str) -> std::result::Result<(String, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &text[index + 1..])),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('$') => out.push_str("$$"),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl Lines<'_> {
    /// The next line that says something; with the lines that its quotes go on over.
    fn next_statement(&mut self, path: &Path) -> Result<Option<(usize, String)>> {
        while !self.rest.is_empty() {
            let number = self.number;
            let mut statement = self.take_line();
            let trimmed = statement.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            while is_open(&statement) {
                if self.rest.is_empty() {
                    return Err(ComposeError::EnvFile {
                        path: path.into(),
                        line: number,
                        reason: "a quote is not closed".to_owned(),
                    });
                }
                statement.push('\n');
                statement += &self.take_line();
            }
            return Ok(Some((number, statement.trim().to_owned())));
        }
        Ok(None)
    }

    fn take_line(&mut self) -> String {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.number += 1;
        line.trim_end_matches('\r').to_owned()
    }
}

/// Whether a value begins with a quote that does not close.
fn is_open(statement: &str) -> bool {
    let Some((_, value)) = statement.split_once('=') else { return false };
    let value = value.trim_start();
    match value.chars().next() {
        Some('\'') => !value[1..].contains('\''),
        Some('"') => double_quoted(&value[1..]).is_err(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<String, String> {
        let outer = |name: &str| (name == "OUTER").then(|| "o".to_owned());
        let pairs = parse(text, Path::new(".env"), &outer).map_err(|error| error.to_string())?;
        let shown: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| value.map_or(name.clone(), |value| format!("{name}={value}")))
            .collect();
        Ok(shown.join("|"))
    }

    #[test]
    fn grammar() {
        for (text, expected) in [
            ("A=1\nB = two words \n", "A=1|B=two words"),
            ("# c\n\nexport A=1 # comment\nB=x#y", "A=1|B=x#y"),
            ("A='$B # not'\nB=\"a\\nb\"", "A=$B # not|B=a\nb"),
            ("A=1\nB=${A}2$A\nC=\"${A}\"", "A=1|B=121|C=1"),
            ("A=\"one\ntwo\"\nB='x\ny'", "A=one\ntwo|B=x\ny"),
            ("A=\nB=\"\"\nC=''", "A=|B=|C="),
            ("OUTER\nMISSING", "OUTER=o|MISSING"),
            ("A=\"a \\$B \\\"q\\\"\"", "A=a $B \"q\""),
            ("A=${NOPE:-d}\r\nB=2\r\n", "A=d|B=2"),
            ("A: yaml style", "A=yaml style"),
        ] {
            assert_eq!(read(text), Ok(expected.to_owned()), "{text}");
        }
        for (text, expected) in [
            ("A=1\nnot a name=2", ".env:2: unexpected \"not a name\""),
            ("A='open", ".env:1: a quote is not closed"),
            ("A='x' y", ".env:1: unexpected \"y\" after the closing quote"),
            ("=1", ".env:1: unexpected \"\""),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
