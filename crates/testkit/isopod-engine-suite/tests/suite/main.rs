//! The suite against Debian's dockerd, to know that the suite is right, and against isopod.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use isopod_engine_suite::{Kind, Options, run};
use isopod_testkit::suite::{Exceptions, Selection};
use isopod_testkit::{is_root, peer, skip};

/// One engine at a time: both use the machine as if it were theirs.
static ALONE: Mutex<()> = Mutex::new(());

fn judge(name: &str, kind: &Kind, exceptions: &str) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let exceptions = Exceptions::parse(exceptions).expect("a list of exceptions");
    let options = Options {
        selection: Selection { exceptions, ..Selection::default() },
        program: PathBuf::from(env!("CARGO_BIN_EXE_isopod-engine-suite")),
        ..Options::default()
    };
    let report = run(kind, &options).expect("the suite runs");
    report.verdict(name).expect("no case fails");
}

/// What a run needs of the machine, or why it cannot be.
fn missing() -> Option<String> {
    if !is_root() {
        return Some("needs root".into());
    }
    ["docker", "busybox", "unshare", "jq"]
        .into_iter()
        .find(|program| peer(program).is_none())
        .map(|program| format!("{program} is not installed"))
}

/// The program under test: what `ISOPOD_BIN` names, or what was built next to this test.
fn isopod() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ISOPOD_BIN") {
        return Some(PathBuf::from(path));
    }
    let test = std::env::current_exe().expect("a test has a path");
    let built = test.parent().and_then(Path::parent)?.join("isopod");
    built.is_file().then_some(built)
}

#[test]
fn isopod_passes() {
    let name = "engine suite on isopod";
    match (missing(), isopod()) {
        (Some(reason), _) => skip(name, &reason),
        (None, Some(program)) => judge(name, &Kind::Isopod(program), ""),
        (None, None) => skip(name, "no isopod is built; set ISOPOD_BIN"),
    }
}

#[test]
fn dockerd_passes_but_for_the_exceptions() {
    let name = "engine suite on dockerd";
    match missing() {
        Some(reason) => skip(name, &reason),
        None if peer("dockerd").is_none() => skip(name, "dockerd is not installed"),
        None => judge(name, &Kind::Dockerd, include_str!("../../exceptions-dockerd.txt")),
    }
}
