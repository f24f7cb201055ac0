//! `isopod-runtime-suite --runtime PATH`: runs the validation suite against an OCI runtime.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use isopod_runtime_suite::{all, run};
use isopod_testkit::suite::{Program, Report, Selection};
use isopod_testkit::vm;

fn main() -> ExitCode {
    if vm::is_init() {
        vm::init();
        return ExitCode::SUCCESS;
    }
    Suite::default().main()
}

#[derive(Default)]
struct Suite {
    runtime: Option<PathBuf>,
}

impl Program for Suite {
    const NAME: &'static str = "isopod-runtime-suite";
    const HELP: &'static str = "\
NAME:
   isopod-runtime-suite - validates an OCI runtime against the specification and runc's command line

USAGE:
   isopod-runtime-suite --runtime PATH [options]

OPTIONS:
   --runtime PATH       the runtime to test
";

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool> {
        match name {
            "runtime" => self.runtime = Some(PathBuf::from(parser.value()?)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(all().iter().map(|case| case.name.to_owned()).collect())
    }

    fn run(self, selection: Selection) -> Result<Report> {
        let runtime = self.runtime.context("--runtime PATH is missing; see --help")?;
        run(&runtime, &selection)
    }
}
