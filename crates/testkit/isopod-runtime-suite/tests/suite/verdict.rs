//! Runs the suite's program and turns its report into a verdict.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use isopod_testkit::{Limited, skip};
use serde_json::Value;

/// The suite's program.
pub(crate) const SUITE: &str = env!("CARGO_BIN_EXE_isopod-runtime-suite");

/// One run at a time: cases have time limits, and they share the processors.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits for other runs to end.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the whole suite here; every skipped case is said with its reason.
pub(crate) fn run(name: &str, runtime: &Path, exceptions: Option<&str>) {
    let _alone = alone();
    let mut command = Command::new(SUITE);
    command.arg("--json").arg("--runtime").arg(runtime);
    if let Some(file) = exceptions {
        command.args(["--exceptions", file]);
    }
    let output = Limited::seconds(1200).output(&mut command).expect("the suite runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(!stdout.is_empty(), "no report; stderr: {}", String::from_utf8_lossy(&output.stderr));
    judge(name, &stdout);
}

/// Fails with the list of cases that failed.
pub(crate) fn judge(name: &str, report: &str) {
    let line = report
        .lines()
        .rev()
        .find(|line| line.starts_with('{'))
        .unwrap_or_else(|| panic!("no report in {report}"));
    let report: Value = serde_json::from_str(line).expect("a report");
    let mut failed = Vec::new();
    for case in report["cases"].as_array().expect("cases") {
        let text = |key: &str| case[key].as_str().unwrap_or("").to_owned();
        match text("outcome").as_str() {
            "failed" => failed.push(format!("{}: {}", text("name"), text("reason"))),
            "skipped" => skip(&format!("{name}: {}", text("name")), &text("reason")),
            _ => {}
        }
    }
    assert!(report["passed"].as_u64().unwrap_or(0) > 0, "no case passed: {report}");
    assert!(failed.is_empty(), "{} of {name} failed:\n{}", failed.len(), failed.join("\n"));
}
