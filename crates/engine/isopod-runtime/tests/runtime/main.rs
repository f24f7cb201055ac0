//! Real containers, made by the library. Needs root; cases that the machine cannot do are
//! skipped with the reason.
//!
//! Arguments: parts of names of the cases to run, and `--list`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a runner of its own: it prints what it did, and a case fails by a panic"
)]

mod breakouts;
mod exec;
mod fixture;
mod hooks;
mod lifecycle;
mod mounts;
mod process;
mod userns;

/// A case: its name and what it does.
type Case = (&'static str, fn());

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == breakouts::HELPER) {
        breakouts::helper();
    }
    let filters: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
    let cases: Vec<Case> = [
        lifecycle::CASES,
        process::CASES,
        mounts::CASES,
        exec::CASES,
        hooks::CASES,
        userns::CASES,
        breakouts::CASES,
    ]
    .concat()
    .into_iter()
    .filter(|(name, _)| filters.is_empty() || filters.iter().any(|part| name.contains(*part)))
    .collect();
    if arguments.iter().any(|word| word == "--list") {
        for (name, _) in &cases {
            println!("{name}: test");
        }
        return;
    }
    if !isopod_testkit::is_root() {
        for (name, _) in &cases {
            isopod_testkit::skip(name, "needs root");
        }
        println!("test result: ok. 0 passed; 0 failed; {} ignored", cases.len());
        return;
    }
    let mut failed = Vec::new();
    for (name, case) in &cases {
        let good = std::panic::catch_unwind(case).is_ok();
        println!("test {name} ... {}", if good { "ok" } else { "FAILED" });
        if !good {
            failed.push(*name);
        }
    }
    fixture::clean_up();
    println!(
        "test result: {}. {} passed; {} failed; 0 ignored",
        if failed.is_empty() { "ok" } else { "FAILED" },
        cases.len() - failed.len(),
        failed.len()
    );
    if !failed.is_empty() {
        println!("failures: {}", failed.join(", "));
        std::process::exit(1);
    }
}
