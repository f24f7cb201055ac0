//! `isopod-engine-suite`: runs the validation suite against an engine.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use isopod_engine_suite::{Exceptions, Kind, Options, Outcome, Record, all, run, run_tool};

const HELP: &str = "\
NAME:
   isopod-engine-suite - validates an engine against Docker's Engine API and its clients

USAGE:
   isopod-engine-suite --engine isopod=PATH|dockerd [options]

OPTIONS:
   --engine ENGINE      the engine to test
   --filter TEXT        only cases whose name contains TEXT; may be given more than once
   --exceptions FILE    cases that are known to fail, one `case: reason` a line
   --jobs N             how many cases run at a time
   --list               print the cases' names and stop
   --json               print one JSON object at the end; lines for cases go to stderr
   --verbose            print cases that pass, too
   --help               print this

EXIT STATUS:
   0 when no case failed but those listed as exceptions, 1 when one did, 2 for a wrong call.
";

fn main() -> ExitCode {
    let outcome = match run_tool() {
        Some(outcome) => outcome.map(|()| true),
        None => work(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say(&mut std::io::stderr(), &format!("isopod-engine-suite: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn work() -> Result<bool> {
    use lexopt::prelude::{Long, Short, ValueExt};
    let mut options = Options::default();
    let (mut engine, mut json, mut verbose) = (None, false, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("engine") => engine = Some(kind(&parser.value()?.string()?)?),
            Long("filter") => options.filters.push(parser.value()?.string()?),
            Long("jobs") => options.jobs = parser.value()?.parse()?,
            Long("exceptions") => {
                let file = PathBuf::from(parser.value()?);
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                options.exceptions =
                    Exceptions::parse(&text).with_context(|| format!("{}", file.display()))?;
            }
            Long("list") => {
                for case in all()? {
                    say(&mut std::io::stdout(), &case.name);
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
    let Some(engine) = engine else {
        bail!("--engine ENGINE is missing; see --help");
    };
    options.progress = match (json, verbose) {
        (false, false) => Some(notable),
        (false, true) => Some(every),
        (true, false) => None,
        (true, true) => Some(every_to_stderr),
    };
    let report = run(&engine, &options)?;
    let mut stdout = std::io::stdout();
    if json {
        say(&mut stdout, &report.json().to_string());
    } else {
        say(&mut stdout, &report.to_string());
    }
    Ok(report.failed() == 0)
}

fn kind(text: &str) -> Result<Kind> {
    match text.split_once('=') {
        Some(("isopod", path)) => Ok(Kind::Isopod(std::path::absolute(path)?)),
        None if text == "dockerd" => Ok(Kind::Dockerd),
        _ => bail!("{text:?} is no engine: expected isopod=PATH or dockerd"),
    }
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
