//! Limits, as the files have them afterwards.

use isopod_cgroups::Error;
use isopod_oci::runtime::{LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};

use crate::sandbox::Sandbox;

fn memory(limit: Option<i64>, swap: Option<i64>) -> LinuxResources {
    LinuxResources {
        memory: Some(LinuxMemory { limit, swap, ..LinuxMemory::default() }),
        ..LinuxResources::default()
    }
}

#[test]
fn limits_are_written() {
    let Some(mut sandbox) = Sandbox::v1("limits_are_written") else { return };
    sandbox.create(&LinuxResources {
        memory: Some(LinuxMemory {
            limit: Some(64 << 20),
            reservation: Some(32 << 20),
            swap: Some(128 << 20),
            swappiness: Some(10),
            disable_oom_killer: Some(true),
            kernel: Some(16 << 20),
            kernel_tcp: Some(8 << 20),
            ..LinuxMemory::default()
        }),
        cpu: Some(LinuxCpu {
            shares: Some(512),
            quota: Some(25_000),
            period: Some(50_000),
            burst: Some(10_000),
            cpus: Some("0".into()),
            mems: Some("0".into()),
            ..LinuxCpu::default()
        }),
        pids: Some(LinuxPids { limit: Some(42) }),
        ..LinuxResources::default()
    });
    for (controller, file, expected) in [
        ("memory", "memory.limit_in_bytes", "67108864"),
        ("memory", "memory.soft_limit_in_bytes", "33554432"),
        ("memory", "memory.memsw.limit_in_bytes", "134217728"),
        ("memory", "memory.swappiness", "10"),
        ("memory", "memory.kmem.tcp.limit_in_bytes", "8388608"),
        ("cpu", "cpu.shares", "512"),
        ("cpu", "cpu.cfs_quota_us", "25000"),
        ("cpu", "cpu.cfs_period_us", "50000"),
        ("cpu", "cpu.cfs_burst_us", "10000"),
        ("cpuset", "cpuset.cpus", "0"),
        ("cpuset", "cpuset.mems", "0"),
        ("pids", "pids.max", "42"),
    ] {
        assert_eq!(sandbox.read(controller, file), expected, "{file}");
    }
    assert!(sandbox.read("memory", "memory.oom_control").starts_with("oom_kill_disable 1"));
}

#[test]
fn memory_and_swap_change_in_either_direction() {
    let Some(mut sandbox) = Sandbox::v1("memory_and_swap_change_in_either_direction") else {
        return;
    };
    sandbox.create(&memory(Some(64 << 20), Some(64 << 20)));
    for (limit, swap, shown) in [
        (Some(128 << 20), Some(256 << 20), ("134217728", "268435456")),
        (Some(32 << 20), Some(32 << 20), ("33554432", "33554432")),
        (None, Some(64 << 20), ("33554432", "67108864")),
        (Some(-1), None, ("9223372036854771712", "9223372036854771712")),
        (Some(32 << 20), Some(-1), ("33554432", "9223372036854771712")),
    ] {
        sandbox
            .manager()
            .apply(&memory(limit, swap))
            .unwrap_or_else(|e| panic!("{limit:?} {swap:?}: {e:?}"));
        let found = (
            sandbox.read("memory", "memory.limit_in_bytes"),
            sandbox.read("memory", "memory.memsw.limit_in_bytes"),
        );
        assert_eq!((&*found.0, &*found.1), shown, "{limit:?} {swap:?}");
    }
    let error =
        sandbox.manager().apply(&memory(Some(64 << 20), Some(32 << 20))).expect_err("swap < limit");
    assert!(error.to_string().starts_with("memory.swap: \"33554432\" is not valid"), "{error}");
}

#[test]
fn what_is_absent_stays() {
    let Some(mut sandbox) = Sandbox::v1("what_is_absent_stays") else { return };
    sandbox.create(&LinuxResources {
        pids: Some(LinuxPids { limit: Some(10) }),
        ..memory(Some(64 << 20), None)
    });
    let devices = sandbox.read("devices", "devices.list");
    let pids =
        LinuxResources { pids: Some(LinuxPids { limit: Some(-1) }), ..LinuxResources::default() };
    sandbox.manager().apply(&pids).expect("applied");
    assert_eq!(sandbox.read("pids", "pids.max"), "max");
    assert_eq!(sandbox.read("memory", "memory.limit_in_bytes"), "67108864");
    assert_eq!(sandbox.read("devices", "devices.list"), devices);
}

#[test]
fn quota_and_period_change_together() {
    let Some(mut sandbox) = Sandbox::v1("quota_and_period_change_together") else { return };
    let cpu = |quota, period| LinuxResources {
        cpu: Some(LinuxCpu { quota: Some(quota), period: Some(period), ..LinuxCpu::default() }),
        ..LinuxResources::default()
    };
    sandbox.create(&cpu(500_000, 1_000_000));
    // A group below holds its parent to account: the old quota in the new period would be
    // more than the parent has.
    for (quota, period) in [(5_000, 10_000), (500_000, 1_000_000), (-1, 100_000)] {
        sandbox.manager().apply(&cpu(quota, period)).expect("applied");
        assert_eq!(sandbox.read("cpu", "cpu.cfs_quota_us"), quota.to_string());
        assert_eq!(sandbox.read("cpu", "cpu.cfs_period_us"), period.to_string());
    }
}

#[test]
fn refusals_name_file_and_value() {
    let Some(mut sandbox) = Sandbox::v1("refusals_name_file_and_value") else { return };
    sandbox.create(&LinuxResources::default());
    let apply = |cpu| {
        sandbox.manager().apply(&LinuxResources { cpu: Some(cpu), ..LinuxResources::default() })
    };
    let error = apply(LinuxCpu { shares: Some(1), ..LinuxCpu::default() }).expect_err("too few");
    assert!(error.to_string().contains("the minimum allowed cpu-shares is 2"), "{error}");
    let error = apply(LinuxCpu { period: Some(1), ..LinuxCpu::default() }).expect_err("too short");
    let Error::Write { path, value, .. } = &error else { panic!("{error:?}") };
    assert!(path.ends_with("cpu.cfs_period_us"));
    assert_eq!(value, "1");
}
