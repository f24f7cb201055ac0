//! Runs cases, several at a time, each with a server of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use isopod_testkit::suite::script::Case;
use isopod_testkit::suite::{Outcome, Record, Report, Selection, run_all};
use isopod_testkit::{Limited, TempDir, peer, temp_dir};

use crate::needs::{Provided, version};
use crate::server::{Kind, Server};
use crate::{cases, tools};

/// What to run, and what is known beforehand.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which cases.
    pub selection: Selection,
    /// How many cases run at a time.
    pub jobs: usize,
    /// The etcdctl that scripts call; the machine's if not said.
    pub etcdctl: Option<PathBuf>,
    /// The suite's own program, which is also the tools `grpc` and `gw`.
    pub program: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            jobs: 4,
            etcdctl: None,
            program: std::env::current_exe().unwrap_or_default(),
        }
    }
}

struct Run<'a> {
    kind: &'a Kind,
    options: &'a Options,
    tools: TempDir,
    provided: Provided,
}

/// Runs the cases.
pub fn run(kind: &Kind, options: &Options) -> Result<Report> {
    let tools = temp_dir("store-suite")?;
    let etcdctl = options.etcdctl.clone().or_else(|| peer("etcdctl"));
    tools::install(tools.path(), &options.program, etcdctl.as_deref())?;
    let provided = Provided {
        server: server_version(kind)?,
        etcdctl: etcdctl.map(|_| client_version(tools.path())).transpose()?,
        etcdutl: tools.path().join("etcdutl").exists(),
    };
    let run = Run { kind, options, tools, provided };
    let mut cases = cases::all()?;
    cases.retain(|case| options.selection.wants(&case.name));
    Ok(run_all(cases, options.jobs, |_| false, |_, case| run.record(case)))
}

fn server_version(kind: &Kind) -> Result<(u32, u32)> {
    let directory = temp_dir("store-suite")?;
    let mut server = Server::new(kind, directory.path())?;
    server.start(&[])?;
    version(&server.version()?)
}

fn client_version(tools: &Path) -> Result<(u32, u32)> {
    let mut command = Command::new(tools.join("etcdctl"));
    let output = Limited::seconds(10).output(command.arg("version").env("ETCDCTL_API", "3"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let word = text.lines().next().and_then(|line| line.strip_prefix("etcdctl version: "));
    version(word.with_context(|| format!("no version of etcdctl: {text:?}"))?)
}

impl Run<'_> {
    fn record(&self, case: &Case) -> Record {
        let began = Instant::now();
        let outcome = match self.unmet(case) {
            Ok(Some(reason)) => Outcome::Skipped(reason),
            Ok(None) => self.options.selection.exceptions.judge(&case.name, self.carry_out(case)),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        let record = Record { name: case.name.clone(), outcome, time: began.elapsed() };
        self.options.selection.tell(&record);
        record
    }

    /// Why a case cannot run here, if it cannot.
    fn unmet(&self, case: &Case) -> Result<Option<String>> {
        if self.provided.etcdctl.is_none() && case.commands().any(|line| line.contains("etcdctl")) {
            return Ok(Some("etcdctl is not installed".into()));
        }
        for need in &case.needs {
            if let Some(reason) = self.provided.unmet(need)? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    fn carry_out(&self, case: &Case) -> Result<()> {
        let directory = temp_dir("store-suite")?;
        let mut server = Server::new(self.kind, directory.path())?;
        if !case.commands().next().is_some_and(|line| line.starts_with("server ")) {
            server.start(&[])?;
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let environment = [
            ("EP", server.address().to_string()),
            ("T", directory.path().display().to_string()),
            ("ETCDCTL_API", "3".to_owned()),
            ("ETCDCTL_ENDPOINTS", server.address().to_string()),
            ("PATH", format!("{}:{path}", self.tools.path().display())),
        ];
        case.carry_out(directory.path(), &environment, |line| server.command(line))
    }
}
