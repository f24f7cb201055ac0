//! Command-line arguments: tables of flags, and a parser with the conventions of docker's
//! command line (`--name value`, `--name=value`, `-it`, `-ePATH`, `--flag=false`, `--`).
//!
//! Commands are data (see [`crate::commands`]), so that parsing, help and shell completion
//! cannot disagree. The wording of errors is what docker's users and scripts know.

mod flag;
mod help;
mod parse;
mod value;

pub(crate) use flag::{Flag, Kind, boolean, list, switch_on, text, typed};
pub(crate) use help::{Section, command_help, flag_lines, usage_line};
pub(crate) use parse::{Parsed, Problem, parse};
pub(crate) use value::{nano_cpus, signed_bytes, unquote};
