//! `isopod-runtime-suite --runtime PATH`: runs the validation suite against an OCI runtime.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use isopod_runtime_suite::{Exceptions, Options, Outcome, Record, all, run};
use isopod_testkit::vm;

const HELP: &str = "\
NAME:
   isopod-runtime-suite - validates an OCI runtime against the specification and runc's command line

USAGE:
   isopod-runtime-suite --runtime PATH [options]

OPTIONS:
   --runtime PATH       the runtime to test
   --filter TEXT        only cases whose name contains TEXT; may be given more than once
   --exceptions FILE    cases that are known to fail, one `case: reason` a line
   --list               print the cases' names and stop
   --json               print one JSON object at the end; lines for cases go to stderr
   --verbose            print cases that pass, too
   --help               print this

EXIT STATUS:
   0 when no case failed but those listed as exceptions, 1 when one did, 2 for a wrong call.
";

fn main() -> ExitCode {
    if vm::is_init() {
        vm::init();
        return ExitCode::SUCCESS;
    }
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say(&mut std::io::stderr(), &format!("isopod-runtime-suite: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn work() -> Result<bool> {
    use lexopt::prelude::{Long, Short, ValueExt};
    let mut options = Options::default();
    let (mut runtime, mut json, mut verbose) = (None, false, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("runtime") => runtime = Some(PathBuf::from(parser.value()?)),
            Long("filter") => options.filters.push(parser.value()?.string()?),
            Long("exceptions") => {
                let file = PathBuf::from(parser.value()?);
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                options.exceptions =
                    Exceptions::parse(&text).with_context(|| format!("{}", file.display()))?;
            }
            Long("list") => {
                for case in all() {
                    say(&mut std::io::stdout(), case.name);
                }
                return Ok(true);
            }
            Long("json") => json = true,
            Long("verbose") => verbose = true,
            Long("help") | Short('h') => {
                say(&mut std::io::stdout(), HELP.trim_end());
                return Ok(true);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let Some(runtime) = runtime else {
        bail!("--runtime PATH is missing; see --help");
    };
    options.progress = match (json, verbose) {
        (false, false) => Some(notable),
        (false, true) => Some(every),
        (true, false) => None,
        (true, true) => Some(every_to_stderr),
    };
    let report = run(&runtime, &options)?;
    let mut stdout = std::io::stdout();
    if json {
        say(&mut stdout, &report.json().to_string());
    } else {
        say(&mut stdout, &report.to_string());
    }
    Ok(report.failed() == 0)
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
