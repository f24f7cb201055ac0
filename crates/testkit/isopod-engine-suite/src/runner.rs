//! Runs cases, several at a time, on one engine.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use isopod_testkit::suite::{Exceptions, Outcome, Record, Report};
use isopod_testkit::{Limited, is_root};

use crate::engine::{Engine, Kind};
use crate::script::{self, Case};
use crate::{clean, image, tools};

/// What to run, and what is known beforehand.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only cases whose name contains one of these; all when empty.
    pub filters: Vec<String>,
    /// Cases that are known to fail, with reasons.
    pub exceptions: Exceptions,
    /// Called after each case.
    pub progress: Option<fn(&Record)>,
    /// How many cases run at a time.
    pub jobs: usize,
    /// The suite's own program, which is also the tool `api`.
    pub program: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            exceptions: Exceptions::default(),
            progress: None,
            jobs: 4,
            program: std::env::current_exe().unwrap_or_default(),
        }
    }
}

/// How long one command of a case may take.
const COMMAND_SECONDS: u64 = 60;

struct Run<'a> {
    engine: &'a Engine,
    options: &'a Options,
    isopod: bool,
    python: bool,
}

/// Starts the engine and runs the cases.
pub fn run(kind: &Kind, options: &Options) -> Result<Report> {
    ensure!(is_root(), "the suite has to run as root: engines make cgroups, mounts and namespaces");
    let engine = Engine::start(kind)?;
    let python = tools::install(&engine.path("tools"), &options.program)?;
    image::import(&engine.path("."), || engine.docker())
        .with_context(|| format!("the engine's log ends with:\n{}", engine.log()))?;
    let isopod = matches!(kind, Kind::Isopod(_));
    let run = Run { engine: &engine, options, isopod, python };
    let wanted = |case: &Case| {
        let filters = &options.filters;
        filters.is_empty() || filters.iter().any(|filter| case.name.contains(filter.as_str()))
    };
    let cases: Vec<_> = script::all()?.into_iter().enumerate().filter(|(_, c)| wanted(c)).collect();
    let (alone, together): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|(_, case)| case.needs.iter().any(|need| need == "alone"));
    let records = Mutex::new(Vec::new());
    let queue = Mutex::new(VecDeque::from(together));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((number, case)) = next else { break };
                    let record = run.record(number, &case);
                    records.lock().unwrap_or_else(PoisonError::into_inner).push((number, record));
                }
            });
        }
    });
    let mut records = records.into_inner().unwrap_or_else(PoisonError::into_inner);
    records.extend(alone.iter().map(|(number, case)| (*number, run.record(*number, case))));
    records.sort_by_key(|(number, _)| *number);
    Ok(Report { records: records.into_iter().map(|(_, record)| record).collect() })
}

impl Run<'_> {
    fn record(&self, number: usize, case: &Case) -> Record {
        let began = Instant::now();
        let outcome = match self.unmet(case) {
            Some(reason) => Outcome::Skipped(reason),
            None => self.options.exceptions.judge(&case.name, self.carry_out(number, case)),
        };
        let record = Record { name: case.name.clone(), outcome, time: began.elapsed() };
        if let Some(progress) = self.options.progress {
            progress(&record);
        }
        record
    }

    /// Why a case cannot run on this engine, if it cannot.
    fn unmet(&self, case: &Case) -> Option<String> {
        case.needs.iter().find_map(|need| match need.as_str() {
            "alone" => None,
            "py" if self.python => None,
            "py" => Some("docker-py is not there and could not be installed".into()),
            "registry" if self.engine.has_registry() => None,
            "registry" => Some("docker-registry is not installed".into()),
            "isopod" if self.isopod => None,
            "isopod" => Some("only isopod has it".into()),
            other => match other.strip_prefix("api1.").map(str::parse::<u32>) {
                Some(Ok(minor)) if self.engine.api_version >= (1, minor) => None,
                Some(Ok(minor)) => Some(format!("needs version 1.{minor} of the API")),
                _ => Some(format!("the suite does not know the need {other:?}")),
            },
        })
    }

    fn carry_out(&self, number: usize, case: &Case) -> Result<()> {
        let prefix = format!("c{number:03}x");
        let directory = self.engine.path(&prefix);
        std::fs::create_dir_all(&directory)?;
        let result = self.steps(case, &prefix, &directory);
        let cleaned = clean::remove(&self.engine.socket(), &prefix);
        let _ = std::fs::remove_dir_all(&directory);
        if let (Err(error), Some(at)) = (&result, std::env::var_os("ISOPOD_SUITE_LOG")) {
            let text = format!("{}: {error:#}\n{}\n", case.name, self.engine.log());
            let _ = std::fs::write(at, text);
        }
        result.and(cleaned)
    }

    fn steps(&self, case: &Case, prefix: &str, directory: &std::path::Path) -> Result<()> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut environment = vec![
            ("P", prefix.to_owned()),
            ("T", directory.display().to_string()),
            ("IMG", image::NAME.to_owned()),
            ("REGISTRY", Engine::REGISTRY.to_owned()),
            ("PATH", format!("{}:{path}", self.engine.path("tools").display())),
        ];
        environment.extend(self.engine.environment());
        let expand = |text: &str| {
            environment.iter().fold(text.to_owned(), |text, (key, value)| {
                text.replace(&format!("${{{key}}}"), value)
            })
        };
        for step in &case.steps {
            let mut command = Command::new("sh");
            command.arg("-c").arg(&step.command).current_dir(directory);
            command.envs(environment.iter().map(|(key, value)| (*key, value)));
            let output = match Limited::seconds(COMMAND_SECONDS).output(&mut command) {
                Ok(output) => output,
                Err(error) => bail!("line {}: {}: {error:#}", step.line, step.command),
            };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
            step.judge(output.status.code(), &stdout, &stderr, expand)?;
        }
        Ok(())
    }
}
