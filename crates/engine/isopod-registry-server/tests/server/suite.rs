//! The suite of cases, against this registry and against Debian's docker-registry.

use isopod_testkit::{Limited, ProcessGuard, TempDir, peer, skip, temp_dir};
use std::process::{Command, Stdio};

use crate::bench::Bench;
use crate::script::{cases, run};

const FILES: &[(&str, &str)] = &[
    ("blobs", include_str!("cases/blobs.txt")),
    ("uploads", include_str!("cases/uploads.txt")),
    ("manifests", include_str!("cases/manifests.txt")),
    ("lists", include_str!("cases/lists.txt")),
    ("referrers", include_str!("cases/referrers.txt")),
];

/// Runs all cases; `who` is the name that exceptions are made for.
fn run_all(address: &str, who: &str) {
    let (mut count, mut failures, mut excepted) = (0, Vec::new(), 0);
    for (file, text) in FILES {
        for case in cases(text) {
            count += 1;
            if case.except.iter().any(|(name, _)| name == who) {
                excepted += 1;
                continue;
            }
            if let Err(error) = run(&case, address, count) {
                failures.push(format!("{file}: {}\n    {error}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    assert!(count - excepted >= 40, "{count} cases, {excepted} excepted: the suite has shrunk");
}

#[test]
fn every_endpoint() {
    let bench = Bench::new();
    run_all(&bench.address, "isopod");
}

#[test]
fn every_endpoint_of_docker_registry() {
    let Some(program) = peer("docker-registry") else {
        skip("every_endpoint_of_docker_registry", "docker-registry is not installed");
        return;
    };
    let directory = temp_dir("registry-peer").expect("temporary directory");
    let (address, _process) = start(&program, &directory);
    run_all(&address, "docker-registry");
}

fn start(program: &std::path::Path, directory: &TempDir) -> (String, ProcessGuard) {
    let path = |name: &str| directory.path().join(name);
    let config = format!(
        "version: 0.1\n\
         storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"127.0.0.1:0\", secret: test}}\n",
        path("storage").display()
    );
    std::fs::write(path("config.yml"), config).expect("writable");
    let log = std::fs::File::create(path("log")).expect("writable");
    let mut command = Command::new(program);
    command.arg("serve").arg(path("config.yml")).stdin(Stdio::null()).stdout(Stdio::null());
    let process = ProcessGuard::spawn(command.stderr(log)).expect("it starts");
    let mut address = None;
    Limited::seconds(20)
        .until("docker-registry listens", || {
            let log = std::fs::read_to_string(path("log")).unwrap_or_default();
            address = log
                .split_once("listening on ")
                .and_then(|(_, rest)| rest.split_once('"'))
                .map(|(address, _)| address.to_owned());
            address.is_some()
        })
        .expect("it listens");
    (address.expect("found"), process)
}
