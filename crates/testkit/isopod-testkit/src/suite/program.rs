//! A suite's command line: the options and exit statuses that all suites have, and a suite's own.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use lexopt::Arg;

use super::{Exceptions, Outcome, Record, Report, Selection};

const COMMON_HELP: &str =
    "   --filter TEXT        only cases whose name contains TEXT; may be given more than once
   --exceptions FILE    cases that are known to fail, one `case: reason` a line
   --list               print the cases' names and stop
   --json               print one JSON object at the end; lines for cases go to stderr
   --verbose            print cases that pass, too
   --help               print this

EXIT STATUS:
   0 when no case failed but those listed as exceptions, 1 when one did, 2 for a wrong call.
";

/// A suite as a program.
pub trait Program {
    /// Its name.
    const NAME: &'static str;
    /// The help, up to and with the suite's own options.
    const HELP: &'static str;

    /// Takes an option of the suite's own; `false` if it has none of this name.
    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool>;

    /// The names of all cases.
    fn names(&self) -> Result<Vec<String>>;

    /// Runs the cases that are wanted.
    fn run(self, selection: Selection) -> Result<Report>;

    /// Reads the command line, does as it says, and prints what came of it.
    fn main(self) -> ExitCode
    where
        Self: Sized,
    {
        match work(self) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(error) => {
                say(&mut std::io::stderr(), &format!("{}: {error:#}", Self::NAME));
                ExitCode::from(2)
            }
        }
    }
}

fn work<P: Program>(mut program: P) -> Result<bool> {
    use lexopt::prelude::{Long, Short, ValueExt};
    let mut selection = Selection::default();
    let (mut json, mut verbose) = (false, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("filter") => selection.filters.push(parser.value()?.string()?),
            Long("exceptions") => selection.exceptions = exceptions(parser.value()?.into())?,
            Long("list") => {
                for name in program.names()? {
                    say(&mut std::io::stdout(), &name);
                }
                return Ok(true);
            }
            Long("json") => json = true,
            Long("verbose") => verbose = true,
            Long("help") | Short('h') => {
                say(&mut std::io::stdout(), &format!("{}{}", P::HELP, COMMON_HELP.trim_end()));
                return Ok(true);
            }
            Long(name) => {
                let name = name.to_owned();
                if !program.option(&name, &mut parser)? {
                    return Err(Arg::Long(&name).unexpected().into());
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    selection.progress = match (json, verbose) {
        (false, false) => Some(notable),
        (false, true) => Some(every),
        (true, false) => None,
        (true, true) => Some(every_to_stderr),
    };
    let report = program.run(selection)?;
    let text = if json { report.json().to_string() } else { report.to_string() };
    say(&mut std::io::stdout(), &text);
    Ok(report.failed() == 0)
}

fn exceptions(file: PathBuf) -> Result<Exceptions> {
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    Exceptions::parse(&text).with_context(|| format!("{}", file.display()))
}

fn every(record: &Record) {
    let line = format!("{record} ({} ms)", record.time.as_millis());
    say(&mut std::io::stdout(), &line);
}

fn every_to_stderr(record: &Record) {
    let line = format!("{record} ({} ms)", record.time.as_millis());
    say(&mut std::io::stderr(), &line);
}

fn notable(record: &Record) {
    if record.outcome != Outcome::Passed {
        say(&mut std::io::stdout(), &record.to_string());
    }
}

/// Prints a line; a reader that has gone away is no reason to stop.
fn say(stream: &mut dyn Write, line: &str) {
    let _ = writeln!(stream, "{line}");
    let _ = stream.flush();
}
