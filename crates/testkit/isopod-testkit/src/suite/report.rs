//! What came of a run.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold, as the list of exceptions says it would.
    Excepted(String),
    /// The machine cannot do it.
    Skipped(String),
    /// It does not hold.
    Failed(String),
}

/// One case's line in the report.
#[derive(Debug, Clone)]
pub struct Record {
    /// The case.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub time: Duration,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// In the order of the suite.
    pub records: Vec<Record>,
}

impl Report {
    fn count(&self, kind: fn(&Outcome) -> bool) -> usize {
        self.records.iter().filter(|record| kind(&record.outcome)).count()
    }

    /// How many passed.
    pub fn passed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Passed))
    }

    /// How many failed, exceptions not counted.
    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// How many were skipped.
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// How many failed as listed.
    pub fn excepted(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Excepted(_)))
    }

    /// For tests: says aloud what was skipped, and gives the list of what failed as an error.
    pub fn verdict(&self, name: &str) -> anyhow::Result<()> {
        let mut failed = Vec::new();
        for record in &self.records {
            match &record.outcome {
                Outcome::Failed(_) => failed.push(record.to_string()),
                Outcome::Skipped(reason) => {
                    crate::skip(&format!("{name}: {}", record.name), reason)
                }
                Outcome::Passed | Outcome::Excepted(_) => {}
            }
        }
        anyhow::ensure!(
            failed.is_empty(),
            "{} of {name} failed:\n{}",
            failed.len(),
            failed.join("\n")
        );
        Ok(())
    }

    /// The report for machines.
    pub fn json(&self) -> Value {
        let cases: Vec<Value> = self
            .records
            .iter()
            .map(|record| {
                let (outcome, reason) = match &record.outcome {
                    Outcome::Passed => ("passed", None),
                    Outcome::Excepted(reason) => ("excepted", Some(reason)),
                    Outcome::Skipped(reason) => ("skipped", Some(reason)),
                    Outcome::Failed(reason) => ("failed", Some(reason)),
                };
                let time_ms = u64::try_from(record.time.as_millis()).unwrap_or(u64::MAX);
                json!({"name": record.name, "outcome": outcome, "reason": reason,
                       "timeMs": time_ms})
            })
            .collect();
        json!({
            "passed": self.passed(),
            "failed": self.failed(),
            "skipped": self.skipped(),
            "excepted": self.excepted(),
            "cases": cases,
        })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.outcome {
            Outcome::Passed => write!(f, "PASS: {name}"),
            Outcome::Excepted(reason) => write!(f, "EXCEPTED: {name}: {reason}"),
            Outcome::Skipped(reason) => write!(f, "SKIP: {name}: {reason}"),
            Outcome::Failed(reason) => write!(f, "FAIL: {name}: {reason}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped, {} failed as listed",
            self.passed(),
            self.failed(),
            self.skipped(),
            self.excepted()
        )
    }
}
