//! One flag of a command.

use super::value;

/// What a flag's value must look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// On or off; `--flag` alone means on.
    Bool,
    /// Any text; the last one given counts.
    Text,
    /// Any text; each one given counts.
    List,
    /// Like `Text`, with a check of its own.
    Checked(fn(&str) -> Result<(), String>),
    /// Like `List`, with a check of each value.
    CheckedList(fn(&str) -> Result<(), String>),
}

/// A flag of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    /// Name after `--`.
    pub(crate) long: &'static str,
    /// Letter after `-`.
    pub(crate) short: Option<char>,
    /// What its value must look like.
    pub(crate) kind: Kind,
    /// What help calls the value; empty for switches.
    pub(crate) value: &'static str,
    /// Value when it is not given, as help shows it; empty if there is nothing to show.
    pub(crate) default: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
}

const fn flag(long: &'static str, short: char, kind: Kind, help: &'static str) -> Flag {
    Flag {
        long,
        short: if short == ' ' { None } else { Some(short) },
        kind,
        value: "",
        default: "",
        help,
    }
}

/// A switch that is off by default. A blank `short` means none (here and below).
pub(crate) const fn boolean(long: &'static str, short: char, help: &'static str) -> Flag {
    flag(long, short, Kind::Bool, help)
}

/// A switch that is on by default.
pub(crate) const fn switch_on(long: &'static str, short: char, help: &'static str) -> Flag {
    let mut flag = flag(long, short, Kind::Bool, help);
    flag.default = "true";
    flag
}

/// A flag with any text as its value.
pub(crate) const fn text(long: &'static str, short: char, help: &'static str) -> Flag {
    let mut flag = flag(long, short, Kind::Text, help);
    flag.value = "string";
    flag
}

/// A flag that may be given several times.
pub(crate) const fn list(long: &'static str, short: char, help: &'static str) -> Flag {
    let mut flag = flag(long, short, Kind::List, help);
    flag.value = "list";
    flag
}

/// A flag whose value is checked according to what help calls it: `int`, `uint16`, `duration`,
/// `bytes`, `decimal`, `filter`.
pub(crate) const fn typed(
    long: &'static str,
    short: char,
    value: &'static str,
    help: &'static str,
) -> Flag {
    let kind = match value.as_bytes() {
        b"int" => Kind::Checked(value::check_int),
        b"uint" => Kind::Checked(value::check_uint),
        b"uint16" => Kind::Checked(value::check_uint16),
        b"duration" => Kind::Checked(value::check_duration),
        b"bytes" => Kind::Checked(value::check_bytes),
        b"decimal" => Kind::Checked(value::check_decimal),
        b"filter" => Kind::CheckedList(value::check_filter),
        _ => panic!("no such type of value"),
    };
    let mut flag = flag(long, short, kind, help);
    flag.value = value;
    flag
}

impl Flag {
    /// With a check of each value (of a list) or of the value.
    pub(crate) const fn check(mut self, check: fn(&str) -> Result<(), String>) -> Flag {
        self.kind = match self.kind {
            Kind::List | Kind::CheckedList(_) => Kind::CheckedList(check),
            _ => Kind::Checked(check),
        };
        self
    }

    /// With another word for its value in help.
    pub(crate) const fn named(mut self, value: &'static str) -> Flag {
        self.value = value;
        self
    }

    /// With the default that help shows.
    pub(crate) const fn default(mut self, default: &'static str) -> Flag {
        self.default = default;
        self
    }

    /// As error messages call it: `-m, --memory` or `--name`.
    pub(crate) fn display(&self) -> String {
        match self.short {
            Some(short) => format!("-{short}, --{}", self.long),
            None => format!("--{}", self.long),
        }
    }
}
