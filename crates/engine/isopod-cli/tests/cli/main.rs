//! The command line against real engines: Debian's dockerd, which shows that the command line is
//! right, and isopod's own (`$ISOPOD_BIN`, the product's binary), which shows that both are.
//!
//! Each scenario has names of its own and cleans up; an engine serves them all and goes with its
//! sandbox.

#![expect(clippy::print_stderr, reason = "the verdict of each scenario is for whoever runs them")]

mod engines;
mod program;
mod scenarios;
mod terminal;

use engines::Engine;

type Scenario = (&'static str, fn(&Engine) -> anyhow::Result<()>);

/// Runs every scenario against an engine and reports all that fail.
fn run_all(engine: &Engine) {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let mut failures = vec![];
    for (name, scenario) in scenarios::all().filter(|(name, _)| name.contains(&wanted)) {
        let began = std::time::Instant::now();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scenario(engine)));
        let result = caught.unwrap_or_else(|_| Err(anyhow::anyhow!("panicked, see above")));
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("scenario {name} ... {verdict} ({} ms)", began.elapsed().as_millis());
        if let Err(error) = result {
            failures.push(format!("{name}: {error:?}"));
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn against_dockerd() {
    match Engine::dockerd() {
        Ok(Some(engine)) => run_all(&engine),
        Ok(None) => isopod_testkit::skip("cli against dockerd", "needs root, dockerd and busybox"),
        Err(error) => panic!("dockerd did not start: {error:?}"),
    }
}

#[test]
fn against_isopod() {
    match Engine::isopod() {
        Ok(Some(engine)) => run_all(&engine),
        Ok(None) => {
            isopod_testkit::skip("cli against isopod", "needs root, busybox and $ISOPOD_BIN");
        }
        Err(error) => panic!("the engine did not start: {error:?}"),
    }
}

#[test]
fn an_engine_is_started_once_on_first_use() {
    match engines::first_use() {
        Ok(true) => {}
        Ok(false) => isopod_testkit::skip("start on first use", "needs root and $ISOPOD_BIN"),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_missing_engine_is_named() {
    let program = program::Program::alone("/nonexistent/engine.sock");
    let output = program.run(&["ps"]);
    output.code(1).expect("fails");
    assert!(
        output.stderr.contains("unix:///nonexistent/engine.sock") && output.stdout.is_empty(),
        "{output:?}"
    );
}
