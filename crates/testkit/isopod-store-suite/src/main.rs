//! `isopod-store-suite`: runs the conformance suite against a store.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use isopod_store_suite::{Kind, Options, all, run, run_tool};
use isopod_testkit::suite::{Program, Report, Selection};

fn main() -> ExitCode {
    match run_tool() {
        None => Suite::default().main(),
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Suite {
    server: Option<Kind>,
    options: Options,
}

impl Program for Suite {
    const NAME: &'static str = "isopod-store-suite";
    const HELP: &'static str = "\
NAME:
   isopod-store-suite - validates a store against etcd's v3 protocol and command line

USAGE:
   isopod-store-suite --server isopod=PATH|etcd=PATH [options]

OPTIONS:
   --server SERVER      the server to test
   --etcdctl PATH       the client that cases of the command line use (default: etcdctl on PATH)
   --jobs N             how many cases run at a time
";

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool> {
        use lexopt::prelude::ValueExt;
        match name {
            "server" => self.server = Some(kind(&parser.value()?.string()?)?),
            "etcdctl" => self.options.etcdctl = Some(std::path::absolute(parser.value()?)?),
            "jobs" => self.options.jobs = parser.value()?.parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(all()?.into_iter().map(|case| case.name).collect())
    }

    fn run(self, selection: Selection) -> Result<Report> {
        let server = self.server.context("--server SERVER is missing; see --help")?;
        run(&server, &Options { selection, ..self.options })
    }
}

fn kind(text: &str) -> Result<Kind> {
    match text.split_once('=') {
        Some(("isopod", path)) => Ok(Kind::Isopod(std::path::absolute(path)?)),
        Some(("etcd", path)) => Ok(Kind::Etcd(std::path::absolute(path)?)),
        _ => bail!("{text:?} is no server: expected isopod=PATH or etcd=PATH"),
    }
}
