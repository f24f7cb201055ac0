//! The same on a machine with cgroup v2, which this one need not have.

use std::path::Path;
use std::time::Duration;

use isopod_testkit::vm::{Job, Vm};
use isopod_testkit::{peer, skip};

use crate::verdict::{SUITE, alone, judge};
use crate::{isopod, runc};

/// What differs with v2, and what a machine without other users shows best.
const FILTERS: &[&str] = &[
    "cgroup-v2/",
    "devices/",
    "mounts/cgroup",
    "namespaces/cgroup",
    "update/",
    "events/",
    "pause/",
    "delete/",
    "kill/all",
    "exec/joins",
    "exec/into",
    "rootless/",
    "user-namespace/",
    "create/failure",
    "process/rlimit",
];

fn in_a_machine(name: &str, runtime: &Path, filters: &[&str], exceptions: Option<&str>) {
    let Some(busybox) = peer("busybox") else {
        return skip(name, "busybox-static is not installed");
    };
    let vm = match Vm::prepare() {
        Ok(vm) => vm,
        Err(error) => return skip(name, &format!("{error:#}")),
    };
    let runtime_name = runtime.file_name().expect("a name").to_string_lossy();
    let inside = format!("/bin/{runtime_name}");
    let mut command = vec!["/bin/suite", "--json", "--verbose", "--runtime", &inside];
    for filter in filters {
        command.extend(["--filter", filter]);
    }
    if exceptions.is_some() {
        command.extend(["--exceptions", "/exceptions"]);
    }
    let mut job = Job::new(SUITE)
        .file(SUITE, "/bin/suite")
        .file(&busybox, "/bin/busybox")
        .file(&busybox, "/bin/sh")
        .file(&busybox, "/bin/chown")
        .file(&busybox, "/bin/mknod")
        .program(runtime, &inside)
        .expect("its libraries are found")
        .module("fuse")
        .module("loop")
        .memory_mib(1536)
        .limit(Duration::from_secs(900))
        .command(command);
    if let Some(file) = exceptions {
        job = job.file(file, "/exceptions");
    }
    let _alone = alone();
    let report = vm.run(&job).expect("the machine works");
    judge(name, &report.results[0].output);
}

#[test]
fn runc_passes_with_cgroup_v2() {
    let name = "suite on runc with cgroup v2";
    match peer("runc") {
        Some(path) => in_a_machine(name, &path, &["cgroup-v2/"], Some(runc::EXCEPTIONS)),
        None => skip(name, "runc is not installed"),
    }
}

#[test]
fn isopod_passes_with_cgroup_v2() {
    let name = "suite on isopod with cgroup v2";
    match isopod::runtime() {
        Some((path, _dir)) => in_a_machine(name, &path, FILTERS, None),
        None => skip(name, "no isopod-runtime is built; set ISOPOD_RUNTIME"),
    }
}
