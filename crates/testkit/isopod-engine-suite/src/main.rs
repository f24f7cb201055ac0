//! `isopod-engine-suite`: runs the validation suite against an engine.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use isopod_engine_suite::{Kind, Options, all, run, run_tool};
use isopod_testkit::suite::{Program, Report, Selection};

fn main() -> ExitCode {
    match run_tool() {
        None => Suite::default().main(),
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "isopod-engine-suite: {error:#}");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Suite {
    engine: Option<Kind>,
    options: Options,
}

impl Program for Suite {
    const NAME: &'static str = "isopod-engine-suite";
    const HELP: &'static str = "\
NAME:
   isopod-engine-suite - validates an engine against Docker's Engine API and its clients

USAGE:
   isopod-engine-suite --engine isopod=PATH|dockerd [options]

OPTIONS:
   --engine ENGINE      the engine to test
   --jobs N             how many cases run at a time
";

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool> {
        use lexopt::prelude::ValueExt;
        match name {
            "engine" => self.engine = Some(kind(&parser.value()?.string()?)?),
            "jobs" => self.options.jobs = parser.value()?.parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(all()?.into_iter().map(|case| case.name).collect())
    }

    fn run(self, selection: Selection) -> Result<Report> {
        let engine = self.engine.context("--engine ENGINE is missing; see --help")?;
        run(&engine, &Options { selection, ..self.options })
    }
}

fn kind(text: &str) -> Result<Kind> {
    match text.split_once('=') {
        Some(("isopod", path)) => Ok(Kind::Isopod(std::path::absolute(path)?)),
        None if text == "dockerd" => Ok(Kind::Dockerd),
        _ => bail!("{text:?} is no engine: expected isopod=PATH or dockerd"),
    }
}
