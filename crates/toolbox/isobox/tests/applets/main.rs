//! Runs the cases of `tests/*.t` on isobox, or on the originals.
//!
//! A file holds the cases of one applet, separated by empty lines:
//!
//! ```text
//! # sorts numbers                 what the case shows (optional)
//! $ printf '10\n9\n' | sort -n    the command; several lines make one script
//! 9                               its standard output
//! 10
//! ! sort: nothing                 its standard error, compared only if given
//! ? 0                             its exit status, 0 unless given
//! % root                          skipped for others
//! ~ gnu: says it differently      not run on this peer (busybox, gnu), for this reason
//! ```
//!
//! An output line that would read as one of these marks, or is empty, has `|` and a blank in
//! front; a last line without newline is followed by `\`. Commands run in an empty directory
//! under `/bin/sh`, with links to the tools alone in front of `PATH`.
//!
//! `ISOBOX_PEER=busybox` or `gnu` runs the same cases on the original and lists the exceptions.
//! Arguments choose files by name.

#![allow(clippy::print_stdout, reason = "this is the runner itself: its report is its output")]

mod cases;
mod generic;
mod runner;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let peer = runner::Peer::from_environment();
    let tools = runner::Tools::install(peer);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut cases = cases::read_all(&directory);
    if !wanted.is_empty() {
        cases.retain(|case| wanted.iter().any(|name| case.applet == **name));
    }
    let mut report = runner::run_all(&tools, cases);
    if peer == runner::Peer::Isobox
        && (wanted.is_empty() || wanted.iter().any(|name| *name == "generic"))
    {
        report.extend(generic::run_all(&tools));
    }
    let (mut passed, mut failed, mut excepted) = (0, 0, 0);
    for (name, outcome) in &report {
        match outcome {
            runner::Outcome::Passed => passed += 1,
            runner::Outcome::Excepted(reason) => {
                excepted += 1;
                println!("EXCEPTED {name}: {reason}");
            }
            runner::Outcome::Failed(why) => {
                failed += 1;
                println!("test {name} ... FAILED\n{why}");
            }
        }
    }
    println!("\ntest result: {passed} passed; {failed} failed; {excepted} excepted ({peer:?})");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
