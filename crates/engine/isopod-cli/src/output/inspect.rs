//! `inspect`: whole documents, or a template over each.

use std::io::Write;

use anyhow::{Context, Result, anyhow};
use serde_json::value::RawValue;

use super::{stderr, stdout};
use crate::template::{Mode, Template, Value};

/// What was found for the names given: documents, and a line for each that is missing.
#[derive(Default)]
pub(crate) struct Found {
    /// The documents as the engine sent them.
    pub(crate) documents: Vec<Box<RawValue>>,
    /// What is wrong with the others.
    pub(crate) problems: Vec<String>,
}

/// Prints what was found; the exit code tells whether all was.
pub(crate) fn print_found(found: &Found, format: Option<&str>) -> Result<i32> {
    let mut out = stdout();
    match format {
        None | Some("") => {
            let documents: Vec<&str> = found.documents.iter().map(|text| text.get()).collect();
            let text = format!("[{}]", documents.join(","));
            writeln!(out, "{}", indent(&text)).context("write to standard output")?;
        }
        Some("json") => {
            let documents: Vec<&str> =
                found.documents.iter().map(|text| text.get().trim()).collect();
            writeln!(out, "[{}]", documents.join(",")).context("write to standard output")?;
        }
        Some(source) => {
            let source = source.replace("\\t", "\t").replace("\\n", "\n");
            let template = Template::parse(&source)
                .map_err(|error| anyhow!("template parsing error: {error}"))?;
            for document in &found.documents {
                let value: Value = serde_json::from_str(document.get())
                    .context("the engine's answer is not JSON")?;
                match template.render(&value, "", Mode::Data) {
                    Ok(text) => writeln!(out, "{text}").context("write to standard output")?,
                    Err(error) => {
                        writeln!(out).context("write to standard output")?;
                        return Err(anyhow!("template parsing error: {error}"));
                    }
                }
            }
        }
    }
    for problem in &found.problems {
        let _ = writeln!(stderr(), "{problem}");
    }
    Ok(i32::from(!found.problems.is_empty()))
}

/// Indents a JSON text by four blanks a level; everything else stays as it was written.
fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut opened = false;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth * 4));
    };
    for c in text.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        if c.is_whitespace() {
            continue;
        }
        if opened && !matches!(c, ']' | '}') {
            line(&mut out, depth);
        }
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !opened {
                    line(&mut out, depth);
                }
            }
            _ => {}
        }
        opened = matches!(c, '{' | '[');
        in_string = c == '"';
        out.push(c);
        match c {
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn documents_are_indented_and_otherwise_untouched() {
        assert_eq!(
            indent(r#"[{"a":[],"b":{},"c":[1,"x: {\",}"],"d":1.0}]"#),
            "[\n    {\n        \"a\": [],\n        \"b\": {},\n        \"c\": [\n            1,\n            \"x: {\\\",}\"\n        ],\n        \"d\": 1.0\n    }\n]"
        );
        assert_eq!(indent("[]"), "[]");
    }
}
