//! The configuration file: a YAML mapping of options, in which those of TLS stand in mappings of
//! their own.

use std::fs;
use std::path::Path;

use saphyr_parser::{Event, Parser};

use super::SettingsError;

const MAX_BYTES: u64 = 1 << 20;

/// An option as the file has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name of its flag.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) line: usize,
}

pub(super) fn read(path: &Path) -> Result<Vec<Entry>, SettingsError> {
    let unreadable = |source| SettingsError::File { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(syntax(path, 1, "the file is larger than 1 MiB"));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    parse(&text).map_err(|(line, reason)| syntax(path, line, &reason))
}

fn syntax(path: &Path, line: usize, reason: &str) -> SettingsError {
    SettingsError::Syntax { path: path.to_owned(), line, reason: reason.to_owned() }
}

fn parse(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries = Vec::new();
    // The key that waits for its value, and the section around it.
    let mut key: Option<String> = None;
    let mut section: Option<String> = None;
    let mut depth = 0;
    let mut items: Option<Vec<String>> = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| (error.marker().line(), error.to_string()))?;
        let line = span.start.line();
        match event {
            Event::MappingStart(..) => {
                depth += 1;
                match (depth, key.take()) {
                    (1, _) => {}
                    (2, Some(name)) => section = Some(name),
                    _ => return Err((line, "expected an option and its value".to_owned())),
                }
            }
            Event::MappingEnd => {
                depth -= 1;
                section = None;
            }
            Event::SequenceStart(..) if key.is_some() => items = Some(Vec::new()),
            Event::SequenceEnd => {
                let value = items.take().unwrap_or_default().join(",");
                let name = key.take().unwrap_or_default();
                entries.push(Entry { name: flag(section.as_deref(), &name), value, line });
            }
            Event::Scalar(value, ..) => match (&mut items, key.take()) {
                (Some(items), name) => {
                    items.push(value.into_owned());
                    key = name;
                }
                (None, None) if depth > 0 => key = Some(value.into_owned()),
                (None, Some(name)) => {
                    let value = match &*value {
                        "null" | "~" => String::new(),
                        other => other.to_owned(),
                    };
                    entries.push(Entry { name: flag(section.as_deref(), &name), value, line });
                }
                (None, None) => return Err((line, "expected a mapping of options".to_owned())),
            },
            Event::SequenceStart(..) | Event::Alias(_) => {
                return Err((line, "expected an option and its value".to_owned()));
            }
            _ => {}
        }
    }
    Ok(entries)
}

/// The flag that a key in a section means.
fn flag(section: Option<&str>, key: &str) -> String {
    match section {
        None => key.to_owned(),
        Some("client-transport-security") => key.to_owned(),
        Some("peer-transport-security") => match key {
            "client-cert-auth" => "peer-client-cert-auth".to_owned(),
            "auto-tls" => "peer-auto-tls".to_owned(),
            other => format!("peer-{other}"),
        },
        Some(section) => format!("{section}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_the_sections_of_tls() {
        let text = "name: 'a'\nmax-txn-ops: 5\nlog-outputs: [stderr]\n\
                    peer-transport-security:\n  cert-file: p.crt\n\
                    client-transport-security:\n  client-cert-auth: true\nquota-backend-bytes: null\n";
        let entries = parse(text).unwrap();
        let found: Vec<_> =
            entries.iter().map(|it| (it.name.as_str(), it.value.as_str(), it.line)).collect();
        assert_eq!(
            found,
            [
                ("name", "a", 1),
                ("max-txn-ops", "5", 2),
                ("log-outputs", "stderr", 3),
                ("peer-cert-file", "p.crt", 5),
                ("client-cert-auth", "true", 7),
                ("quota-backend-bytes", "", 8),
            ]
        );
    }

    #[test]
    fn other_documents_are_refused_with_their_line() {
        assert_eq!(parse("word").unwrap_err().0, 1);
        assert_eq!(parse("a: 1\nb:\n  c:\n    d: 1\n").unwrap_err().0, 4);
        assert!(parse("a: [").is_err());
        assert_eq!(parse("").unwrap(), []);
    }
}
