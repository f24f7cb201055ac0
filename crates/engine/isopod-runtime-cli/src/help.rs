//! Help and version, in the layout of runc's: it begins with `NAME:`, and dockerd and podman
//! read the version.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::NAME;
use crate::definition::{self, COMMANDS, Command, Flag, GLOBAL, Kind};
use crate::error::Error;

const SUMMARY: &str = "Open Container Initiative runtime";

const DESCRIPTION: &str = "\
isopod-runtime runs containers that are packaged as the Open Container Initiative
specifies: a bundle is a directory with a file \"config.json\" and a root filesystem.
It takes the commands and flags of runc and can be used in its place.

To start a new container from a bundle:

    # isopod-runtime run [ -b bundle ] <container-id>

The id must be unique among the containers of the same --root. Without -b the bundle
is the current directory.";

/// Prints help on a command, or on the program.
pub(crate) fn print(topic: Option<&str>) -> Result<(), Error> {
    let text = match topic {
        None => program(),
        Some(name) => {
            let known = definition::command(name);
            command(known.ok_or_else(|| Error::UnknownCommand { command: name.to_owned() })?)
        }
    };
    write(&text)
}

/// Prints what the error is about, and how to do it right.
pub(crate) fn print_after_mistake(topic: Option<&str>, error: &Error) {
    let reason = match error {
        Error::ArgumentCount { .. } => "Incorrect Usage.".to_owned(),
        other => format!("Incorrect Usage: {other}"),
    };
    let text = topic.and_then(definition::command).map_or_else(program, command);
    // The error itself is reported too; that the help could not be shown is of no interest.
    let _unseen = write(&format!("{reason}\n\n{text}"));
}

/// Prints the version as callers parse it.
pub(crate) fn print_version() -> Result<(), Error> {
    write(&format!("{NAME} version {}", version_lines()))
}

fn version_lines() -> String {
    format!(
        "{}\ncommit: {}\nspec: {}\n",
        env!("CARGO_PKG_VERSION"),
        option_env!("ISOPOD_COMMIT").unwrap_or("unknown"),
        isopod_oci::runtime::VERSION,
    )
}

fn program() -> String {
    let mut text = format!(
        "NAME:\n   {NAME} - {SUMMARY}\n\n{DESCRIPTION}\n\nUSAGE:\n   {NAME} [global options] command [command options] [arguments...]\n\nVERSION:\n   {}\nCOMMANDS:\n",
        version_lines(),
    );
    for command in COMMANDS {
        line(&mut text, command.name, 12, command.summary);
    }
    line(&mut text, "help, h", 12, "Shows a list of commands or help for one command");
    text.push_str("\nGLOBAL OPTIONS:\n");
    flags(&mut text, GLOBAL);
    line(&mut text, "--help, -h", width(GLOBAL), "show help");
    line(&mut text, "--version, -v", width(GLOBAL), "print the version");
    text
}

fn command(command: &Command) -> String {
    let mut text = format!(
        "NAME:\n   {NAME} {} - {}\n\nUSAGE:\n   {NAME} {} [command options] {}\n",
        command.name, command.summary, command.name, command.arguments
    );
    if !command.description.is_empty() {
        text.push_str("\nDESCRIPTION:\n");
        for described in command.description.lines() {
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "   {described}");
        }
    }
    text.push_str("\nOPTIONS:\n");
    flags(&mut text, command.flags);
    line(&mut text, "--help, -h", width(command.flags), "show help");
    text
}

fn flags(text: &mut String, list: &[Flag]) {
    for flag in list.iter().filter(|flag| !flag.hidden) {
        line(text, &names(flag), width(list), flag.usage);
    }
}

fn names(flag: &Flag) -> String {
    let value = if flag.kind == Kind::Switch { "" } else { " value" };
    match flag.short {
        Some(short) => format!("--{}{value}, -{short}{value}", flag.name),
        None => format!("--{}{value}", flag.name),
    }
}

fn width(list: &[Flag]) -> usize {
    let shown = list.iter().filter(|flag| !flag.hidden);
    shown.map(|flag| names(flag).len()).chain(["--version, -v".len()]).max().unwrap_or(0) + 2
}

fn line(text: &mut String, name: &str, width: usize, usage: &str) {
    let _infallible = writeln!(text, "   {name:<width$}{usage}");
}

fn write(text: &str) -> Result<(), Error> {
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::system("write to standard output"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_begins_as_callers_expect() {
        assert!(program().starts_with("NAME:\n   isopod-runtime - "));
        for each in COMMANDS {
            let text = command(each);
            assert!(text.starts_with(&format!("NAME:\n   isopod-runtime {} - ", each.name)));
            for flag in each.flags.iter().filter(|flag| !flag.hidden) {
                assert!(text.contains(&format!("--{}", flag.name)), "{} {}", each.name, flag.name);
            }
        }
    }

    #[test]
    fn the_version_has_the_lines_that_are_parsed() {
        let text = version_lines();
        let mut lines = text.lines().skip(1);
        assert!(lines.next().is_some_and(|line| line.starts_with("commit: ")));
        assert!(lines.next().is_some_and(|line| line.starts_with("spec: 1.")));
    }
}
