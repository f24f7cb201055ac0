//! Reading a command line the way runc does.
//!
//! Flags may stand anywhere, with one dash or two, as `--flag value` or `--flag=value`; global
//! flags too. `--` ends them. Where a command runs another one (`exec`, `ps`), they end after
//! the container's id.

use std::ffi::OsString;

use crate::definition::{self, Command, Count, Flag, GLOBAL, Kind};
use crate::error::Error;

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// Help, on a command if one is named.
    Help(Option<String>),
    /// The version.
    Version,
    /// A command.
    Command(Invocation),
}

/// A command with its flags and arguments.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) command: &'static Command,
    /// Values by the flag's long name, in the order given.
    values: Vec<(&'static str, String)>,
    globals: Vec<(&'static str, String)>,
    arguments: Vec<String>,
}

impl Invocation {
    /// The last value of a flag of the command.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        last(&self.values, name)
    }

    /// All values of a flag of the command.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a switch of the command is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }

    /// A number; absent or empty is nothing.
    pub(crate) fn number<T: std::str::FromStr>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, Error> {
        match self.value(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Error::FlagValue {
                flag: name,
                value: text.to_owned(),
                expected: "a number",
            }),
        }
    }

    /// The last value of a global flag.
    pub(crate) fn global(&self, name: &str) -> Option<&str> {
        last(&self.globals, name)
    }

    /// The container's id.
    pub(crate) fn id(&self) -> Result<&str, Error> {
        self.arguments.first().map(String::as_str).filter(|id| !id.is_empty()).ok_or(Error::EmptyId)
    }

    /// What follows the container's id.
    pub(crate) fn rest(&self) -> &[String] {
        self.arguments.get(1..).unwrap_or(&[])
    }
}

fn last<'a>(values: &'a [(&str, String)], name: &str) -> Option<&'a str> {
    values.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Parsed, Error> {
    let mut words = Vec::new();
    for argument in arguments {
        words.push(argument.into_string().map_err(|argument| Error::NotUtf8 {
            argument: argument.to_string_lossy().into_owned(),
        })?);
    }
    let mut words = words.into_iter();
    let mut globals = Vec::new();
    let command = loop {
        let Some(word) = words.next() else { return Ok(Parsed::Help(None)) };
        match word.strip_prefix('-').map(|rest| rest.strip_prefix('-').unwrap_or(rest)) {
            None => break word,
            Some("h" | "help") => return Ok(Parsed::Help(None)),
            Some("v" | "version") => return Ok(Parsed::Version),
            Some(text) => take_flag(text, &[GLOBAL], None, &mut words, |_, name, value| {
                globals.push((name, value));
            })?,
        }
    };
    if matches!(command.as_str(), "help" | "h") {
        return Ok(Parsed::Help(words.next()));
    }
    let command = definition::command(&command).ok_or(Error::UnknownCommand { command })?;
    parse_command(command, globals, words)
}

fn parse_command(
    command: &'static Command,
    globals: Vec<(&'static str, String)>,
    mut words: impl Iterator<Item = String>,
) -> Result<Parsed, Error> {
    let mut found = Invocation { command, values: Vec::new(), globals, arguments: Vec::new() };
    while let Some(word) = words.next() {
        let is_flag =
            word.len() > 1 && word.starts_with('-') && !is_signal_number(command, &found, &word);
        if !is_flag {
            found.arguments.push(word);
        } else if word == "--" {
            found.arguments.extend(words);
            break;
        } else {
            let text = word.trim_start_matches('-').to_owned();
            if text == "h" || text == "help" {
                return Ok(Parsed::Help(Some(command.name.to_owned())));
            }
            let Invocation { values, globals, .. } = &mut found;
            take_flag(
                &text,
                &[command.flags, GLOBAL],
                Some(command),
                &mut words,
                |table, name, value| {
                    let list = if table == 0 { &mut *values } else { &mut *globals };
                    list.push((name, value));
                },
            )?;
        }
        if command.stops_after_id && found.arguments.len() == 1 {
            let mut rest = words;
            match rest.next() {
                Some(word) if word == "--" => {}
                other => found.arguments.extend(other),
            }
            found.arguments.extend(rest);
            break;
        }
    }
    check_count(command, found.arguments.len())?;
    Ok(Parsed::Command(found))
}

/// `kill ID -9` means a signal.
fn is_signal_number(command: &Command, found: &Invocation, word: &str) -> bool {
    command.name == "kill"
        && found.arguments.len() == 1
        && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// Reads one flag, `text` being what follows its dashes; `accept` gets the table that knows it.
fn take_flag(
    text: &str,
    tables: &[&'static [Flag]],
    command: Option<&'static Command>,
    words: &mut impl Iterator<Item = String>,
    accept: impl FnOnce(usize, &'static str, String),
) -> Result<(), Error> {
    let (name, given) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let known = tables.iter().enumerate().find_map(|(index, table)| {
        let flag = table.iter().find(|flag| flag.name == name || flag.short == Some(name))?;
        Some((index, flag))
    });
    let topic = command.map(|command| command.name);
    let Some((table, flag)) = known else {
        return Err(Error::UnknownFlag { flag: name.to_owned(), command: topic });
    };
    let value = match (flag.kind, given) {
        (Kind::Switch, None) => "true".to_owned(),
        (Kind::Switch, Some(value)) => switch(&value)
            .ok_or(Error::FlagValue { flag: flag.name, value, expected: "true or false" })?
            .to_string(),
        (Kind::Value | Kind::List, Some(value)) => value,
        (Kind::Value | Kind::List, None) => words
            .next()
            .ok_or_else(|| Error::FlagWithoutValue { flag: name.to_owned(), command: topic })?,
    };
    accept(table, flag.name, value);
    Ok(())
}

/// The words for true and false that runc's flags know.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn check_count(command: &'static Command, count: usize) -> Result<(), Error> {
    let wrong = |how, expected| Err(Error::ArgumentCount { command: command.name, how, expected });
    match command.count {
        Count::Exactly(expected) if count != expected => wrong("exactly", expected),
        Count::AtLeast(expected) | Count::Between(expected, _) if count < expected => {
            wrong("a minimum of", expected)
        }
        Count::Between(_, expected) if count > expected => wrong("a maximum of", expected),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
