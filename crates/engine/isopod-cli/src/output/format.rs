//! Lists: rows as tables, as JSON lines, or through a template.

use std::io::Write;

use anyhow::{Context, Result, anyhow, bail};

use super::{align, stdout};
use crate::args::{Flag, Parsed, text};
use crate::template::{Mode, Template, Value};

/// The flags of every list.
pub(crate) const fn format_flags() -> [Flag; 2] {
    [
        text(
            "format",
            ' ',
            "How to print:\n'table': a table with titles (default)\n'table TEMPLATE': a table of \
             the given Go template\n'json': one JSON document a line\n'TEMPLATE': the given Go \
             template",
        ),
        text("output", 'o', "Short for --format: json or table"),
    ]
}

/// A kind of list: its columns and how it looks when nothing is said.
pub(crate) struct Columns {
    /// What errors call a row.
    pub(crate) type_name: &'static str,
    /// Names of the columns in templates, and their titles.
    pub(crate) titles: &'static [(&'static str, &'static str)],
    /// The template of the table when none is given.
    pub(crate) table: &'static str,
}

/// How a list is to be printed.
pub(crate) enum Listing {
    /// A table of this template.
    Table(String),
    /// JSON documents.
    Json,
    /// A template for each row.
    Template(String),
}

impl Listing {
    /// From the flags; `table` is the table's template when none is given.
    pub(crate) fn from_flags(flags: &Parsed, table: &str) -> Result<Self> {
        let format = match (flags.get("format"), flags.get("output")) {
            (Some(format), _) => format,
            (None, Some(format @ ("json" | "table"))) => format,
            (None, Some(other)) => bail!("invalid output {other:?}: expected json or table"),
            (None, None) => "table",
        };
        // In a shell's single quotes, these are two characters each.
        let format = format.replace("\\t", "\t").replace("\\n", "\n");
        Ok(match format.as_str() {
            "table" | "" => Self::Table(table.to_owned()),
            "json" => Self::Json,
            format => {
                match format.strip_prefix("table").filter(|rest| rest.starts_with([' ', '\t'])) {
                    Some(template) => Self::Table(template.trim().to_owned()),
                    None => Self::Template(format.to_owned()),
                }
            }
        })
    }

    /// Whether its template shows `field`, by itself or with all others.
    pub(crate) fn uses(&self, field: &str) -> bool {
        match self {
            Self::Table(template) | Self::Template(template) => {
                template.contains(field) || template.contains("json .")
            }
            Self::Json => false,
        }
    }
}

fn parse(template: &str) -> Result<Template> {
    Template::parse(template).map_err(|error| anyhow!("failed to parse template: {error}"))
}

/// Prints rows in a given way.
pub(crate) fn print_rows(columns: &Columns, listing: &Listing, rows: &[Value]) -> Result<()> {
    let text = render(columns, listing, rows)?;
    stdout().write_all(text.as_bytes()).context("write to standard output")
}

/// Tries a listing on one row without printing it.
pub(crate) fn check_rows(columns: &Columns, listing: &Listing, row: &Value) -> Result<()> {
    render(columns, listing, std::slice::from_ref(row)).map(|_| ())
}

/// Renders rows in a given way.
pub(crate) fn render(columns: &Columns, listing: &Listing, rows: &[Value]) -> Result<String> {
    let run = |template: &Template, row: &Value, mode| {
        template
            .render(row, columns.type_name, mode)
            .map_err(|error| anyhow!("failed to execute template: {error}"))
    };
    let mut out = String::new();
    match listing {
        Listing::Json => {
            for row in rows {
                // Go's encoder escapes these three, and writes members sorted by name.
                let members = row.sorted_members();
                let sorted = Value::Map(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value.clone()))
                        .collect(),
                );
                let text = serde_json::to_string(&sorted).context("encode a row")?;
                for c in text.chars() {
                    match c {
                        '<' => out.push_str("\\u003c"),
                        '>' => out.push_str("\\u003e"),
                        '&' => out.push_str("\\u0026"),
                        c => out.push(c),
                    }
                }
                out.push('\n');
            }
        }
        Listing::Template(template) => {
            let template = parse(template)?;
            for row in rows {
                out.push_str(&run(&template, row, Mode::Data)?);
                out.push('\n');
            }
        }
        Listing::Table(template) => {
            let template = parse(template)?;
            let titles = columns
                .titles
                .iter()
                .map(|(name, title)| ((*name).to_owned(), Value::text(*title)))
                .chain([("Label".to_owned(), Value::Lookup(vec![]))])
                .collect();
            let mut table = run(&template, &Value::Map(titles), Mode::Titles)?;
            table.push('\n');
            for row in rows {
                table.push_str(&run(&template, row, Mode::Data)?);
                table.push('\n');
            }
            out = align(&table);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        type_name: "*formatter.TestContext",
        titles: &[("ID", "CONTAINER ID"), ("Names", "NAMES")],
        table: "{{.ID}}\t{{.Names}}",
    };

    fn rows() -> Vec<Value> {
        [("1", "web"), ("2", "a<b")]
            .into_iter()
            .map(|(id, name)| {
                Value::Map(vec![
                    ("Names".into(), Value::text(name)),
                    ("ID".into(), Value::text(id)),
                    ("Label".into(), Value::Lookup(vec![("x".into(), Value::text("y"))])),
                ])
            })
            .collect()
    }

    fn check(listing: Listing, expected: &str) {
        let text = render(&COLUMNS, &listing, &rows()).unwrap_or_else(|error| error.to_string());
        assert_eq!(text, expected);
    }

    #[test]
    fn the_three_ways() {
        check(
            Listing::Table(COLUMNS.table.into()),
            "CONTAINER ID   NAMES\n1              web\n2              a<b\n",
        );
        check(
            Listing::Json,
            "{\"ID\":\"1\",\"Names\":\"web\"}\n{\"ID\":\"2\",\"Names\":\"a\\u003cb\"}\n",
        );
        check(Listing::Template("{{.Names}}!".into()), "web!\na<b!\n");
        check(
            Listing::Table("{{upper .Names}}\t{{.Label \"x\"}}".into()),
            "NAMES     x\nWEB       y\nA<B       y\n",
        );
        check(
            Listing::Template("{{.Foo}}".into()),
            "failed to execute template: template: :1:2: executing \"\" at <.Foo>: \
             can't evaluate field Foo in type *formatter.TestContext",
        );
        check(
            Listing::Template("{{.ID".into()),
            "failed to parse template: template: :1: unclosed action",
        );
    }
}
