//! Help: usage, aliases, options and examples of a command, as docker lays them out.

use std::fmt::Write;

use super::flag::{Flag, Kind};
use crate::commands::Command;

/// A titled block of a help page: pairs of a name and what it is.
pub(crate) struct Section<'a> {
    /// Title, without the colon.
    pub(crate) title: &'a str,
    /// Names and descriptions.
    pub(crate) lines: Vec<(&'a str, &'a str)>,
}

impl Section<'_> {
    /// The block; descriptions begin in one column and are not wrapped.
    pub(crate) fn render(&self, out: &mut String) {
        let width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(11);
        let _ = writeln!(out, "\n{}:", self.title);
        for (name, text) in &self.lines {
            let _ = writeln!(out, "  {name:<width$} {text}");
        }
    }
}

/// The help page of `command`, called as `path` (`isopod container ls`), for a terminal of
/// `columns` columns.
pub(crate) fn command_help(program: &str, path: &str, command: &Command, columns: usize) -> String {
    let mut out = format!("{}\n\n{}\n", usage_line(path, command), command.summary);
    if !command.details.is_empty() {
        let _ = write!(out, "\n{}\n", command.details);
    }
    if command.names.len() > 1 {
        let names: Vec<String> =
            command.names.iter().map(|name| format!("{program} {name}")).collect();
        let _ = write!(out, "\nAliases:\n  {}\n", names.join(", "));
    }
    if command.flags.iter().any(|flags| !flags.is_empty()) {
        out.push_str("\nOptions:\n");
        flag_lines(command.flags, columns, &mut out);
    }
    if !command.examples.is_empty() {
        out.push_str("\nExamples:\n");
        for (line, what) in command.examples {
            let _ = writeln!(out, "  # {what}\n  {program} {line}");
        }
    }
    out
}

/// `Usage:  isopod run [OPTIONS] IMAGE [COMMAND] [ARG...]`.
pub(crate) fn usage_line(path: &str, command: &Command) -> String {
    let mut lines = command.usage.lines();
    let mut out = format!("Usage:  {path} {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = write!(out, "\n        {path} {line}");
    }
    out.trim_end().to_owned()
}

/// Lines for flags, sorted by name, descriptions wrapped to `columns`.
pub(crate) fn flag_lines(flags: &[&'static [Flag]], columns: usize, out: &mut String) {
    let mut flags: Vec<&Flag> = flags.iter().flat_map(|flags| flags.iter()).collect();
    flags.sort_by_key(|flag| flag.long);
    let name = |flag: &Flag| {
        let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        format!("  {short}--{} {}", flag.long, flag.value).trim_end().to_owned()
    };
    let indent = flags.iter().map(|flag| name(flag).len()).max().unwrap_or(0) + 3;
    for flag in flags {
        let mut text = flag.help.to_owned();
        match (flag.default, flag.kind) {
            ("", _) => {}
            (default, Kind::Text | Kind::Checked(_)) if flag.value == "string" => {
                let _ = write!(text, " (default \"{default}\")");
            }
            (default, _) => {
                let _ = write!(text, " (default {default})");
            }
        }
        let _ = write!(out, "{:<indent$}", name(flag));
        let width = columns.saturating_sub(indent).max(24);
        let lines = wrap(&text, width);
        let _ = writeln!(out, "{}", lines.join(&format!("\n{:indent$}", "")));
    }
}

/// Breaks text at blanks into lines of at most `width` characters; line ends in it stay.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![];
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let length = line.chars().count();
            if length > 0 && length + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::flag::{boolean, text, typed};
    use super::*;

    #[test]
    fn flags_are_aligned_sorted_and_wrapped() {
        static FLAGS: &[Flag] = &[
            typed("time", 't', "int", "Seconds to wait before it is killed for good").default("10"),
            boolean("all", 'a', "All"),
            text("signal", ' ', "Signal").default("TERM"),
        ];
        let mut out = String::new();
        flag_lines(&[FLAGS], 50, &mut out);
        assert_eq!(
            out,
            "  -a, --all             All\n\
             \x20     --signal string   Signal (default \"TERM\")\n\
             \x20 -t, --time int        Seconds to wait before it\n\
             \x20                       is killed for good\n\
             \x20                       (default 10)\n"
        );
    }
}
