//! Runs cases, several at a time, on one engine.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use isopod_testkit::is_root;
use isopod_testkit::suite::script::Case;
use isopod_testkit::suite::{Outcome, Record, Report, Selection, run_all};

use crate::engine::{Engine, Kind};
use crate::{cases, clean, image, tools};

/// What to run, and what is known beforehand.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which cases.
    pub selection: Selection,
    /// How many cases run at a time.
    pub jobs: usize,
    /// The suite's own program, which is also the tool `api`.
    pub program: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            jobs: 4,
            program: std::env::current_exe().unwrap_or_default(),
        }
    }
}

struct Run<'a> {
    engine: &'a Engine,
    options: &'a Options,
    isopod: bool,
    python: bool,
    /// The newest version of the API that the docker command speaks.
    cli_version: (u32, u32),
}

/// Starts the engine and runs the cases.
pub fn run(kind: &Kind, options: &Options) -> Result<Report> {
    ensure!(is_root(), "the suite has to run as root: engines make cgroups, mounts and namespaces");
    let engine = Engine::start(kind)?;
    let python = tools::install(&engine.path("tools"), &options.program)?;
    image::import(&engine.path("."), || engine.docker())
        .with_context(|| format!("the engine's log ends with:\n{}", engine.log()))?;
    let isopod = matches!(kind, Kind::Isopod(_));
    let cli_version = engine.cli_version()?;
    let run = Run { engine: &engine, options, isopod, python, cli_version };
    let numbered = cases::all()?.into_iter().enumerate();
    let cases = numbered.filter(|(_, case)| options.selection.wants(&case.name)).collect();
    let alone = |(_, case): &(usize, Case)| case.needs.iter().any(|need| need == "alone");
    Ok(run_all(cases, options.jobs, alone, |_, (number, case)| run.record(*number, case)))
}

impl Run<'_> {
    fn record(&self, number: usize, case: &Case) -> Record {
        let began = Instant::now();
        let outcome = match self.unmet(case) {
            Some(reason) => Outcome::Skipped(reason),
            None => {
                self.options.selection.exceptions.judge(&case.name, self.carry_out(number, case))
            }
        };
        let record = Record { name: case.name.clone(), outcome, time: began.elapsed() };
        self.options.selection.tell(&record);
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
            other => self.version_unmet(other),
        })
    }

    fn version_unmet(&self, need: &str) -> Option<String> {
        let (who, version) = match (need.strip_prefix("api1."), need.strip_prefix("cli1.")) {
            (Some(minor), _) => ("the engine", minor),
            (_, Some(minor)) => ("the docker command", minor),
            _ => ("", ""),
        };
        let Ok(minor) = version.parse::<u32>() else {
            return Some(format!("the suite does not know the need {need:?}"));
        };
        let speaks = match who {
            "the engine" => self.engine.api_version,
            _ => self.engine.api_version.min(self.cli_version),
        };
        (speaks < (1, minor)).then(|| format!("{who} does not speak version 1.{minor} of the API"))
    }

    fn carry_out(&self, number: usize, case: &Case) -> Result<()> {
        let prefix = format!("c{number:03}x");
        let directory = self.engine.path(&prefix);
        std::fs::create_dir_all(&directory)?;
        let result = self.steps(case, &prefix, &directory);
        let cleaned = clean::remove(&self.engine.address(), &prefix);
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
        case.carry_out(directory, &environment, |_| None)
    }
}
