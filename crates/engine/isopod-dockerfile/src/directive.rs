//! Parser directives: `# syntax=`, `# escape=` and `# check=` before anything else.

/// The directives of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) syntax: Option<String>,
    pub(crate) escape: char,
    pub(crate) check: Option<String>,
}

impl Default for Directives {
    fn default() -> Self {
        Self { syntax: None, escape: '\\', check: None }
    }
}

/// What a line is to the search for directives.
pub(crate) enum Found<'a> {
    /// A known directive and its value.
    Directive(&'static str, &'a str),
    /// Something else: there are no directives from here on.
    Other,
}

/// Reads a line as a directive.
pub(crate) fn read(line: &str) -> Found<'_> {
    let Some(rest) = line.trim_start().strip_prefix('#') else {
        return Found::Other;
    };
    let Some((key, value)) = rest.split_once('=') else {
        return Found::Other;
    };
    let (key, value) = (key.trim(), value.trim());
    if value.is_empty() {
        return Found::Other;
    }
    match ["syntax", "escape", "check"].into_iter().find(|name| key.eq_ignore_ascii_case(name)) {
        Some(name) => Found::Directive(name, value),
        None => Found::Other,
    }
}
