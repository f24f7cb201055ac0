//! The daemon's command line: dockerd's flags, for what exists here.

use crate::daemon::directives::{DIRECTIVES, Directive, Kind};
use crate::daemon::error::DaemonError;
use lexopt::Arg;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Values by flag, in the order given.
pub(crate) type Values = BTreeMap<&'static str, Vec<String>>;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print this and end.
    Print(String),
    /// Run.
    Run(Given),
}

/// What the command line gave.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) values: Values,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) validate_only: bool,
    /// Whether it was called as `dockerd`, whose places are the defaults then.
    pub(crate) as_dockerd: bool,
}

/// Reads the command line; `args[0]` is the name.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Command, DaemonError> {
    let mut args = args.into_iter();
    let name = args.next().unwrap_or_default();
    let as_dockerd = Path::new(&name).file_name().is_some_and(|name| name == "dockerd");
    let mut given = Given { as_dockerd, ..Given::default() };
    let mut parser = lexopt::Parser::from_args(args);
    let usage = |error: lexopt::Error| DaemonError::Usage(error.to_string());
    while let Some(arg) = parser.next().map_err(usage)? {
        let directive = match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Print(help())),
            Arg::Long("version") | Arg::Short('v') => return Ok(Command::Print(version())),
            Arg::Long("validate") => {
                given.validate_only = true;
                continue;
            }
            Arg::Long("config-file") => {
                given.config_file = Some(parser.value().map_err(usage)?.into());
                continue;
            }
            Arg::Long(flag) => DIRECTIVES.iter().find(|directive| directive.flag == flag),
            Arg::Short(letter) => {
                DIRECTIVES.iter().find(|directive| directive.short == Some(letter))
            }
            Arg::Value(_) => None,
        };
        let Some(directive) = directive else {
            return Err(usage(arg.unexpected()));
        };
        let value = value_of(directive, &mut parser).map_err(usage)?;
        let values = given.values.entry(directive.flag).or_default();
        if directive.kind != Kind::List {
            values.clear();
        }
        values.push(value);
    }
    Ok(Command::Run(given))
}

/// A switch may have its value attached only (`--init=false`).
fn value_of(directive: &Directive, parser: &mut lexopt::Parser) -> Result<String, lexopt::Error> {
    let value = match directive.kind {
        Kind::Switch => parser.optional_value().unwrap_or_else(|| "true".into()),
        Kind::Text | Kind::List => parser.value()?,
    };
    value.into_string().map_err(lexopt::Error::NonUnicodeValue)
}

fn version() -> String {
    format!("isopod engine version {}\n", env!("CARGO_PKG_VERSION"))
}

fn help() -> String {
    let mut text = String::from(
        "Usage:  isopod engine [OPTIONS]\n\n\
         Runs containers and serves the Docker Engine API. Also works under the name dockerd.\n\
         Containers keep running when it stops.\n\nOptions:\n",
    );
    let mut line = |short: Option<char>, flag: &str, help: &str| {
        let short = short.map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        let _ = writeln!(text, "  {short} --{flag:<26} {help}");
    };
    line(None, "config-file FILE", "Configuration in JSON (dockerd's format)");
    for directive in DIRECTIVES {
        let argument = if directive.kind == Kind::Switch { "" } else { " VALUE" };
        line(directive.short, &format!("{}{argument}", directive.flag), directive.help);
    }
    line(None, "validate", "Check the configuration and end");
    line(Some('v'), "version", "Print the version and end");
    line(Some('h'), "help", "Print this and end");
    text.push_str(
        "\nExamples:\n  \
         # For everyone in the group docker\n  \
         isopod engine\n\n  \
         # Beside another engine\n  \
         isopod engine -H unix:///tmp/a.sock --data-root /tmp/a --exec-root /tmp/a-run\n\n  \
         # Then\n  \
         docker -H unix:///tmp/a.sock ps\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Given, String> {
        let args = std::iter::once("engine").chain(args.iter().copied()).map(Into::into).collect();
        match parse(args) {
            Ok(Command::Run(given)) => Ok(given),
            Ok(Command::Print(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn flags() {
        let given = run(&[
            "-H",
            "unix:///a",
            "--host=fd://",
            "-D",
            "--init=false",
            "-lwarn",
            "--log-level",
            "error",
        ])
        .expect("valid");
        assert_eq!(given.values["host"], ["unix:///a", "fd://"]);
        assert_eq!(given.values["debug"], ["true"]);
        assert_eq!(given.values["init"], ["false"]);
        assert_eq!(given.values["log-level"], ["error"], "the last one counts");
    }

    #[test]
    fn what_does_not_exist_is_named() {
        assert!(run(&["--bogus", "1"]).expect_err("unknown").contains("--bogus"));
        assert!(run(&["extra"]).expect_err("unknown").contains("extra"));
        assert!(run(&["--host"]).expect_err("no value").contains("--host"));
    }

    #[test]
    fn texts() {
        assert!(run(&["--version"]).expect_err("text").starts_with("isopod engine version"));
        let help = run(&["--help"]).expect_err("text");
        assert!(help.contains("-H, --host VALUE") && help.contains("Examples:"), "{help}");
    }

    #[test]
    fn the_name_is_seen() {
        let command = parse(vec!["/usr/bin/dockerd".into()]).expect("valid");
        assert!(matches!(command, Command::Run(Given { as_dockerd: true, .. })));
    }
}
