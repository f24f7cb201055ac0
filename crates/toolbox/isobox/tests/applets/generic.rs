//! What every applet does alike: a full disk, a closed standard output, empty input, `--help`.

use crate::runner::{Outcome, Tools, finish};

/// Applets and an invocation that makes them write: it must fail when nothing can be written.
const WRITERS: &[&str] = &["cat /etc/passwd", "basename a/b"];

/// Applets that read standard input, with an invocation that takes nothing and succeeds.
const FILTERS: &[&str] = &["cat"];

pub(crate) fn run_all(tools: &Tools) -> Vec<(String, Outcome)> {
    let mut report = Vec::new();
    let mut check = |name: String, script: String, right: &dyn Fn(&str, &str, i32) -> bool| {
        let directory = tempfile::TempDir::new().expect("a temporary directory");
        let (output, errors, status) = finish(tools.shell(&script, directory.path()));
        report.push((
            format!("generic {name}"),
            if right(&output, &errors, status) {
                Outcome::Passed
            } else {
                Outcome::Failed(format!("  {script}\n  status {status}\n  {output}  {errors}"))
            },
        ));
    };
    for command in WRITERS {
        check(
            format!("full disk: {command}"),
            format!("{command} >/dev/full"),
            &|_, errors, status| {
                status != 0 && status < 126 && errors.contains("No space left on device")
            },
        );
        check(
            format!("closed standard output: {command}"),
            format!("{command} >&-"),
            &|_, errors, status| {
                status != 0 && status < 126 && errors.contains("Bad file descriptor")
            },
        );
    }
    for command in FILTERS {
        check(
            format!("empty input: {command}"),
            format!("{command} </dev/null"),
            &|output, errors, status| output.is_empty() && errors.is_empty() && status == 0,
        );
        check(
            format!("a directory as input: {command}"),
            format!("{command} <."),
            &|_, errors, status| status != 0 && status < 126 && errors.contains("Is a directory"),
        );
    }
    for applet in &tools.applets {
        check(
            format!("--help of {applet}"),
            format!("{applet} --help 2>&1"),
            &|output, _, status| {
                [
                    "false", "echo", "true", "test", "[", "[[", "isobox", "busybox", "yes",
                    "printf", "expr",
                ]
                .contains(&applet.as_str())
                    || status == 0 && output.contains(&format!("\nUsage: {applet} "))
            },
        );
    }
    report
}
