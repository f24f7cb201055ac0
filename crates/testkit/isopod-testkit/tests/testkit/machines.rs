//! A virtual machine boots, runs commands, and has what tests want from it.

use std::time::Duration;

use isopod_testkit::vm::{Job, Vm};
use isopod_testkit::{peer, skip};

#[test]
fn a_machine_boots_and_reports() {
    let name = "a virtual machine boots";
    let Some(busybox) = peer("busybox") else {
        return skip(name, "busybox-static is not installed");
    };
    let vm = match Vm::prepare() {
        Ok(vm) => vm,
        Err(error) => return skip(name, &format!("{error:#}")),
    };
    let job = Job::new(env!("CARGO_BIN_EXE_vm-init"))
        .file(busybox, "/bin/busybox")
        .module("overlay")
        .limit(Duration::from_secs(120))
        .command(["/bin/busybox", "uname", "-r"])
        .command(["/bin/busybox", "cat", "/sys/fs/cgroup/cgroup.controllers"])
        .command(["/bin/busybox", "grep", "overlay", "/proc/filesystems"])
        .command(["/bin/busybox", "sh", "-c", "echo to stderr >&2; exit 7"])
        .command(["/bin/nonexistent"]);
    let report = vm.run(&job).expect("the machine works");
    let outputs: Vec<&str> = report.results.iter().map(|r| r.output.trim()).collect();
    let statuses: Vec<i32> = report.results.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [0, 0, 0, 7, 127], "{}", report.console);
    assert_eq!(outputs[0], vm.release());
    for controller in ["cpuset", "cpu", "io", "memory", "pids"] {
        assert!(outputs[1].split(' ').any(|c| c == controller), "{}", outputs[1]);
    }
    assert_eq!(outputs[2], "nodev\toverlay");
    assert_eq!(outputs[3], "to stderr");
}
