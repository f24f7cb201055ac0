//! The help pages above commands: of the program and of groups.

use std::io::Write;

use anyhow::{Context, Result, anyhow};

use crate::args::{Flag, Section, flag_lines};
use crate::commands::{self, ELSEWHERE, GROUPS, OVERVIEW};
use crate::output::{stderr, stdout};

/// `isopod --help`.
pub(crate) fn print(program: &str, global: &[&'static [Flag]]) -> Result<i32> {
    let mut out = format!(
        "Usage:  {program} [OPTIONS] COMMAND\n\nFrom ISO to pod in one binary: containers, images \
         and what runs them\n"
    );
    for (title, names) in OVERVIEW {
        let summary = |name: &&'static str| {
            (*name, commands::find(name).map_or("", |command| command.summary))
        };
        Section { title, lines: names.iter().map(summary).collect() }.render(&mut out);
    }
    let groups = GROUPS.iter().map(|group| (group.name, group.summary)).collect();
    Section { title: "Groups", lines: groups }.render(&mut out);
    Section { title: "Other parts of this program", lines: ELSEWHERE.to_vec() }.render(&mut out);
    out.push_str("\nOptions before the command:\n");
    let columns = stdout().size().map_or(80, |(_, columns)| columns as usize);
    flag_lines(global, columns, &mut out);
    out.push_str(&format!(
        "\nExamples:\n  # Run a command in a new container\n  {program} run --rm debian:12 echo hello\n  \
         # Start a web server in the background and read its log\n  {program} run -d --name web \
         --network host nginx\n  {program} logs -f web\n\n\
         Run '{program} COMMAND --help' for more information on a command.\n"
    ));
    stdout().write_all(out.as_bytes()).context("write to standard output")?;
    Ok(0)
}

/// `isopod container`, or the error for a command that does not exist.
pub(crate) fn print_group(program: &str, words: &[String]) -> Result<i32> {
    let first = words.first().map_or("", String::as_str);
    let Some(group) = GROUPS.iter().find(|group| group.name == first) else {
        return Err(anyhow!(
            "{program}: unknown command: {program} {first}\n\nRun '{program} --help' for more information"
        ));
    };
    if let Some(second) = words.get(1).filter(|word| *word != "--help" && *word != "-h") {
        return Err(anyhow!(
            "{program}: unknown command: {program} {first} {second}\n\nUsage:  {program} {first}\n\n\
             Run '{program} {first} --help' for more information"
        ));
    }
    let asked = words.len() > 1;
    let prefix = format!("{first} ");
    let mut lines: Vec<(&str, &str)> = commands::all()
        .filter_map(|command| {
            let name = command.names.iter().find_map(|name| name.strip_prefix(&prefix))?;
            Some((name, command.summary))
        })
        .collect();
    lines.sort_unstable();
    let mut out = format!("Usage:  {program} {first} COMMAND\n\n{}\n", group.summary);
    Section { title: "Commands", lines }.render(&mut out);
    out.push_str(&format!(
        "\nRun '{program} {first} COMMAND --help' for more information on a command.\n"
    ));
    // Help that nobody asked for is no output.
    let mut place = if asked { stdout() } else { stderr() };
    place.write_all(out.as_bytes()).context("write the help page")?;
    Ok(0)
}
