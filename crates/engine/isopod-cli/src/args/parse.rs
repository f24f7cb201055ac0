//! The parser: arguments against a table of flags.

use std::collections::HashMap;

use super::flag::{Flag, Kind};
use super::value;

/// What was given on the command line.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    values: HashMap<&'static str, Vec<String>>,
    /// What is not a flag, in order.
    pub(crate) operands: Vec<String>,
}

/// Why parsing ended without a command to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// `--help` was given.
    Help,
    /// The arguments are wrong.
    Wrong(String),
}

/// Reads `arguments` against `flags`. With `interspersed` off, the first operand ends the flags
/// (`isopod run -it IMAGE ls -l`).
pub(crate) fn parse(
    flags: &[&'static [Flag]],
    arguments: &[String],
    interspersed: bool,
) -> Result<Parsed, Problem> {
    let mut parser = Parser { flags, parsed: Parsed::default(), rest: arguments.iter() };
    while let Some(argument) = parser.rest.next() {
        if argument == "--" {
            break;
        } else if let Some(long) = argument.strip_prefix("--") {
            parser.long(long)?;
        } else if argument.len() > 1 && argument.starts_with('-') {
            parser.shorts(argument)?;
        } else {
            parser.parsed.operands.push(argument.clone());
            if !interspersed {
                break;
            }
        }
    }
    let rest = parser.rest.cloned();
    parser.parsed.operands.extend(rest);
    Ok(parser.parsed)
}

struct Parser<'a> {
    flags: &'a [&'static [Flag]],
    parsed: Parsed,
    rest: std::slice::Iter<'a, String>,
}

impl Parser<'_> {
    fn find(&self, is_it: impl Fn(&Flag) -> bool) -> Option<&'static Flag> {
        self.flags.iter().flat_map(|flags| flags.iter()).find(|flag| is_it(flag))
    }

    fn long(&mut self, text: &str) -> Result<(), Problem> {
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if name.is_empty() || name.starts_with('-') {
            return Err(Problem::Wrong(format!("bad flag syntax: --{text}")));
        }
        let Some(flag) = self.find(|flag| flag.long == name) else {
            return Err(match name {
                "help" => Problem::Help,
                _ => Problem::Wrong(format!("unknown flag: --{name}")),
            });
        };
        let value = match (inline, flag.kind) {
            (Some(value), _) => value.to_owned(),
            (None, Kind::Bool) => "true".to_owned(),
            (None, _) => self
                .rest
                .next()
                .cloned()
                .ok_or_else(|| Problem::Wrong(format!("flag needs an argument: --{name}")))?,
        };
        self.set(flag, &value)
    }

    /// `-i`, `-it`, `-ePATH`, `-e PATH`, `-e=PATH`.
    fn shorts(&mut self, argument: &str) -> Result<(), Problem> {
        let mut here = &argument[1..];
        while let Some(letter) = here.chars().next() {
            let Some(flag) = self.find(|flag| flag.short == Some(letter)) else {
                return Err(match letter {
                    'h' => Problem::Help,
                    _ => Problem::Wrong(format!("unknown shorthand flag: {letter:?} in -{here}")),
                });
            };
            let rest = &here[letter.len_utf8()..];
            match (rest.strip_prefix('='), flag.kind) {
                (Some(value), _) if !value.is_empty() => return self.set(flag, value),
                (_, Kind::Bool) => self.set(flag, "true")?,
                (_, _) if !rest.is_empty() => return self.set(flag, rest),
                (_, _) => {
                    let Some(value) = self.rest.next().cloned() else {
                        return Err(Problem::Wrong(format!(
                            "flag needs an argument: {letter:?} in -{here}"
                        )));
                    };
                    return self.set(flag, &value);
                }
            }
            here = rest;
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, text: &str) -> Result<(), Problem> {
        let mut value = text.to_owned();
        let checked = match flag.kind {
            Kind::Bool => value::boolean(text).map(|on| value = on.to_string()),
            Kind::Text | Kind::List => Ok(()),
            Kind::Checked(check) | Kind::CheckedList(check) => check(text),
        };
        checked.map_err(|problem| {
            Problem::Wrong(format!(
                "invalid argument {text:?} for \"{}\" flag: {problem}",
                flag.display()
            ))
        })?;
        let values = self.parsed.values.entry(flag.long).or_default();
        if !matches!(flag.kind, Kind::List | Kind::CheckedList(_)) {
            values.clear();
        }
        values.push(value);
        Ok(())
    }
}

impl Parsed {
    /// The same flags with other operands.
    pub(crate) fn with_operands(other: &Self, operands: Vec<String>) -> Self {
        Self { values: other.values.clone(), operands }
    }

    /// Whether the flag was given at all.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The last value given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|values| values.last()).map(String::as_str)
    }

    /// The last value given, or the empty text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// Every value given.
    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a switch that is off by default is on.
    pub(crate) fn on(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Whether a switch that is on by default was turned off.
    pub(crate) fn off(&self, name: &str) -> bool {
        self.get(name) == Some("false")
    }

    /// A number.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// A duration in nanoseconds, 0 if not given.
    pub(crate) fn duration_ns(&self, name: &str) -> i64 {
        self.get(name).and_then(|text| value::duration_ns(text).ok()).unwrap_or(0)
    }

    /// A size, 0 if not given.
    pub(crate) fn bytes(&self, name: &str) -> i64 {
        self.get(name).and_then(|text| value::signed_bytes(text).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::flag::{boolean, list, text, typed};
    use super::*;

    static FLAGS: &[Flag] = &[
        boolean("interactive", 'i', ""),
        boolean("tty", 't', ""),
        text("name", ' ', ""),
        list("env", 'e', ""),
        typed("memory", 'm', "bytes", ""),
    ];

    fn read(line: &str, interspersed: bool) -> Result<Parsed, Problem> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&[FLAGS], &words, interspersed)
    }

    #[test]
    fn forms_of_flags() {
        let parsed = read("-it --name=x -e A=1 -eB=2 -e=C --env D image -e no", false).expect("ok");
        assert!(parsed.on("interactive") && parsed.on("tty"));
        assert_eq!(parsed.get("name"), Some("x"));
        assert_eq!(parsed.list("env"), ["A=1", "B=2", "C", "D"]);
        assert_eq!(parsed.operands, ["image", "-e", "no"]);
        let parsed = read("a -i b -- -t", true).expect("ok");
        assert_eq!(parsed.operands, ["a", "b", "-t"]);
        assert!(!read("--tty=false", true).expect("ok").on("tty"));
        assert_eq!(read("- -i", true).expect("ok").operands, ["-"]);
    }

    #[test]
    fn wrong_arguments() {
        for (line, message) in [
            ("--bogus", "unknown flag: --bogus"),
            ("-Z", "unknown shorthand flag: 'Z' in -Z"),
            ("-iZt", "unknown shorthand flag: 'Z' in -Zt"),
            ("--name", "flag needs an argument: --name"),
            ("-e", "flag needs an argument: 'e' in -e"),
            ("--=x", "bad flag syntax: --=x"),
            ("-m abc", "invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'"),
            (
                "--tty=maybe",
                "invalid argument \"maybe\" for \"-t, --tty\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
        ] {
            assert_eq!(read(line, true).err(), Some(Problem::Wrong(message.to_owned())), "{line}");
        }
        assert_eq!(read("--help", true).err(), Some(Problem::Help));
        assert_eq!(read("-h", true).err(), Some(Problem::Help));
    }
}
