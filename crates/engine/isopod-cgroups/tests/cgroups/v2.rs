//! What is particular to a version 2 tree.

use isopod_cgroups::Error;
use isopod_oci::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxDeviceCgroup, LinuxMemory, LinuxPids, LinuxResources,
};

use crate::sandbox::Sandbox;

#[test]
fn limits_are_written_in_units_of_version_two() {
    let Some(mut sandbox) = Sandbox::v2("limits_are_written_in_units_of_version_two") else {
        return;
    };
    let mut resources = LinuxResources {
        memory: Some(LinuxMemory {
            limit: Some(64 << 20),
            reservation: Some(32 << 20),
            swap: Some(96 << 20),
            ..LinuxMemory::default()
        }),
        cpu: Some(LinuxCpu {
            shares: Some(1024),
            quota: Some(25_000),
            period: Some(50_000),
            burst: Some(10_000),
            cpus: Some("0".into()),
            ..LinuxCpu::default()
        }),
        pids: Some(LinuxPids { limit: Some(42) }),
        block_io: Some(LinuxBlockIo { weight: Some(10), ..LinuxBlockIo::default() }),
        ..LinuxResources::default()
    };
    resources.unified.insert("memory.high".into(), "50000000".into());
    sandbox.create(&resources);
    for (file, expected) in [
        ("memory.max", "67108864"),
        ("memory.low", "33554432"),
        ("memory.high", "49999872"),
        ("cpu.weight", "100"),
        ("cpu.max", "25000 50000"),
        ("cpu.max.burst", "10000"),
        ("cpuset.cpus", "0"),
        ("pids.max", "42"),
    ] {
        assert_eq!(sandbox.read("", file), expected, "{file}");
    }
    if sandbox.manager().group_path("").expect("v2").join("memory.swap.max").exists() {
        assert_eq!(sandbox.read("", "memory.swap.max"), "33554432");
    }
    let update = |quota, period| LinuxResources {
        cpu: Some(LinuxCpu { quota, period, ..LinuxCpu::default() }),
        ..LinuxResources::default()
    };
    sandbox.manager().apply(&update(Some(-1), None)).expect("applied");
    assert_eq!(sandbox.read("", "cpu.max"), "max 50000");
    sandbox.manager().apply(&update(None, Some(100_000))).expect("applied");
    assert_eq!(sandbox.read("", "cpu.max"), "max 100000");
    let idle = LinuxCpu { idle: Some(1), ..LinuxCpu::default() };
    sandbox
        .manager()
        .apply(&LinuxResources { cpu: Some(idle), ..LinuxResources::default() })
        .expect("applied");
    assert_eq!(sandbox.read("", "cpu.idle"), "1");
}

#[test]
fn unified_names_what_is_wrong() {
    let Some(mut sandbox) = Sandbox::v2("unified_names_what_is_wrong") else { return };
    for (file, value, expected) in [
        ("nonsense.max", "1", "controller \"nonsense\" not available"),
        ("memory/max", "1", "no slashes"),
        ("memory", "1", "CONTROLLER.PARAMETER"),
        ("memory.max", "many", "writing \"many\" to"),
    ] {
        let mut resources = LinuxResources::default();
        resources.unified.insert(file.into(), value.into());
        let error = sandbox.try_create(&resources).map(drop).expect_err(file);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(sandbox.left().is_empty(), "{file}");
    }
}

fn rule(allow: bool, kind: &str, numbers: Option<(i64, i64)>, access: &str) -> LinuxDeviceCgroup {
    LinuxDeviceCgroup {
        allow,
        kind: Some(kind.into()),
        major: numbers.map(|(major, _)| major),
        minor: numbers.map(|(_, minor)| minor),
        access: Some(access.into()),
    }
}

/// Whether a shell in the groups can do something.
fn can(sandbox: &Sandbox, script: &str) -> bool {
    let procs = sandbox.manager().group_path("").expect("v2").join("cgroup.procs");
    std::process::Command::new("/bin/sh")
        .args(["-c", &format!("echo 0 > {} && {script}", procs.display())])
        .stderr(std::process::Stdio::null())
        .status()
        .expect("a shell")
        .success()
}

#[test]
fn device_programs_confine_and_are_replaced() {
    let Some(mut sandbox) = Sandbox::v2("device_programs_confine_and_are_replaced") else { return };
    let deny = || rule(false, "a", None, "rwm");
    let resources = |devices| LinuxResources { devices, ..LinuxResources::default() };
    sandbox.create(&resources(vec![deny()]));
    assert!(can(&sandbox, "true < /dev/null"));
    assert!(!can(&sandbox, "true < /dev/kmsg"), "1:11 is none of the default devices");
    let node = std::env::temp_dir().join(format!("isopod-test-{}-mem", std::process::id()));
    let mknod = format!("busybox mknod {0} c 1 1 && ! true < {0}; rm -f {0}", node.display());
    assert!(can(&sandbox, &mknod), "a node may be made, but not opened");
    for (rules, kmsg, null) in [
        (vec![deny(), rule(true, "c", Some((1, 11)), "r")], true, false),
        (vec![deny(), rule(true, "c", Some((1, 3)), "rw")], false, true),
        (vec![rule(true, "a", None, "rwm"), rule(false, "c", Some((1, 11)), "r")], false, true),
        (vec![rule(true, "a", None, "rwm")], true, true),
    ] {
        sandbox.manager().apply(&resources(rules.clone())).expect("applied");
        assert_eq!(can(&sandbox, "true < /dev/kmsg"), kmsg, "{rules:?}");
        assert_eq!(can(&sandbox, "true < /dev/null"), null, "{rules:?}");
    }
}

#[test]
fn an_exec_follows_the_init_into_its_group() {
    let Some(mut sandbox) = Sandbox::v2("an_exec_follows_the_init_into_its_group") else { return };
    sandbox.create(&LinuxResources::default());
    let init = sandbox.spawn("init.scope", "exec sleep 60");
    let target = |sandbox: &Sandbox| {
        let join = sandbox.manager().join_for_exec(&[], init).expect("opened");
        let fd = join.clone_into().expect("version 2");
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        std::fs::read_link(link).expect("open")
    };
    let own = sandbox.manager().group_path("").expect("v2").to_owned();
    assert_eq!(target(&sandbox), own);
    std::fs::write(own.join("cgroup.subtree_control"), "+pids").expect("passed on");
    assert_eq!(target(&sandbox), own.join("init.scope"));
}

#[test]
fn threaded_parents_take_no_domain_controllers() {
    let Some(mut sandbox) = Sandbox::v2("threaded_parents_take_no_domain_controllers") else {
        return;
    };
    sandbox.create(&LinuxResources::default());
    let parent = sandbox.manager().group_path("").expect("v2").to_owned();
    std::fs::create_dir(parent.join("threads")).expect("made");
    std::fs::write(parent.join("threads/cgroup.type"), "threaded").expect("threaded");
    let outer = sandbox.path.clone();
    sandbox.path = format!("{outer}/inner");
    let resources = LinuxResources {
        memory: Some(LinuxMemory { limit: Some(1 << 20), ..LinuxMemory::default() }),
        ..LinuxResources::default()
    };
    let parent_manager = sandbox.manager().paths().clone();
    let result = sandbox.try_create(&resources).map(drop);
    assert!(matches!(result, Err(Error::Threaded { .. })), "{result:?}");
    let _ = isopod_cgroups::Manager::load(&parent_manager).and_then(|manager| manager.delete());
    sandbox.path = outer;
}

#[test]
fn the_owner_may_use_a_delegated_group() {
    let Some(sandbox) = Sandbox::v2("the_owner_may_use_a_delegated_group") else { return };
    use std::os::unix::fs::MetadataExt as _;
    let resources = LinuxResources::default();
    let manager = isopod_cgroups::Manager::create(
        &sandbox.hierarchy,
        &isopod_cgroups::Config {
            id: "test",
            path: Some(&sandbox.path),
            resources: &resources,
            driver: isopod_cgroups::Driver::Cgroupfs,
            rootless: false,
            owner: Some(1234),
            properties: &[],
        },
    )
    .expect("made");
    let group = manager.group_path("").expect("v2");
    for (file, uid) in
        [("", 1234), ("cgroup.procs", 1234), ("cgroup.subtree_control", 1234), ("memory.max", 0)]
    {
        let meta = std::fs::metadata(group.join(file)).expect(file);
        assert_eq!(meta.uid(), uid, "{file}");
    }
    manager.delete().expect("removed");
}
