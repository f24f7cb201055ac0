//! `linux.cgroupsPath` and `linux.resources` on v1 hierarchies.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bed::{Bed, same};
use crate::case::{Case, Need};
use crate::machine;
use crate::runner::refused;

/// Starts a sleeper with these resources (the deny-all device rule stays).
pub(super) fn limited(bed: &Bed, resources: Value) -> Result<()> {
    let mut config = bed.sleeper();
    for (key, value) in resources.as_object().context("an object")? {
        config["linux"]["resources"][key] = value.clone();
    }
    bed.start(&config)
}

/// Starts with `resources` and compares a file of the cgroup.
pub(super) fn file(
    bed: &Bed,
    resources: Value,
    controller: &str,
    name: &str,
    wanted: &str,
) -> Result<()> {
    limited(bed, resources)?;
    same(name, bed.cgroup_file(controller, name)?.as_str(), wanted)
}

/// Controllers that a runtime joins when they are mounted.
const CONTROLLERS: [&str; 8] =
    ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = paths();
    cases.extend(cpu());
    cases.extend(memory());
    cases.extend(others());
    cases
}

fn paths() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v1/joins-every-controller", |bed| {
            bed.start(&bed.sleeper())?;
            let pid = bed.pid()?;
            for controller in CONTROLLERS {
                if machine::v1_mount(controller).is_some() {
                    let procs = bed.cgroup_file(controller, "cgroup.procs")?;
                    ensure!(
                        procs.lines().any(|line| line == pid.to_string()),
                        "{controller}: {procs:?}"
                    );
                }
            }
            Ok(())
        })
        .needs(&[Need::V1("pids")]),
        Case::bed("cgroup-v1/removed-at-delete", |bed| {
            bed.start(&bed.sleeper())?;
            bed.delete()?;
            for controller in CONTROLLERS {
                if machine::v1_mount(controller).is_some() {
                    let dir = bed.cgroup(controller)?;
                    ensure!(!dir.exists(), "{} is still there", dir.display());
                }
            }
            Ok(())
        })
        .needs(&[Need::V1("pids")]),
        Case::bed("cgroup-v1/nested-path", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["cgroupsPath"] = json!(format!("/{}/one/two", bed.id()));
            bed.start(&config)?;
            let pid = bed.pid()?.to_string();
            ensure!(bed.cgroup_file("memory", "one/two/cgroup.procs")?.contains(&pid));
            bed.delete()?;
            ensure!(!bed.cgroup("memory")?.join("one/two").exists());
            // What lies above was not the container's; the case made it, and takes it away.
            isopod_testkit::remove_cgroups(bed.id());
            Ok(())
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/path-from-the-id-when-none-is-given", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["cgroupsPath"] = json!(null);
            bed.start(&config)?;
            let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", bed.pid()?))?;
            ensure!(
                cgroup.lines().any(|line| line.contains(":pids:") && line.ends_with(bed.id())),
                "{cgroup}"
            );
            Ok(())
        })
        .needs(&[Need::V1("pids")]),
        Case::bed("cgroup-v1/path-dots-stay-inside", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["cgroupsPath"] = json!(format!("/../../../{}", bed.id()));
            bed.start(&config)?;
            ensure!(bed.cgroup("pids")?.exists());
            Ok(())
        })
        .needs(&[Need::V1("pids")]),
        Case::bed("cgroup-v1/inside-shows-the-paths", |bed| {
            let out = bed.run(&bed.script("grep :pids: /proc/self/cgroup"))?.ok()?;
            ensure!(out.trim().ends_with(&format!("/{}", bed.id())), "{out}");
            Ok(())
        })
        .needs(&[Need::V1("pids")]),
    ]
}

fn cpu() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v1/cpu-shares", |bed| {
            file(bed, json!({"cpu": {"shares": 333}}), "cpu", "cpu.shares", "333")
        })
        .needs(&[Need::V1("cpu")]),
        Case::bed("cgroup-v1/cpu-quota-and-period", |bed| {
            file(
                bed,
                json!({"cpu": {"quota": 25_000, "period": 50_000}}),
                "cpu",
                "cpu.cfs_quota_us",
                "25000",
            )?;
            same("period", bed.cgroup_file("cpu", "cpu.cfs_period_us")?.as_str(), "50000")
        })
        .needs(&[Need::V1("cpu")]),
        Case::bed("cgroup-v1/cpu-quota-alone", |bed| {
            file(bed, json!({"cpu": {"quota": 30_000}}), "cpu", "cpu.cfs_quota_us", "30000")
        })
        .needs(&[Need::V1("cpu")]),
        Case::bed("cgroup-v1/cpu-idle", |bed| {
            file(bed, json!({"cpu": {"idle": 1}}), "cpu", "cpu.idle", "1")
        })
        .needs(&[Need::V1("cpu"), Need::Kernel(5, 15)]),
        Case::bed("cgroup-v1/cpu-quota-too-small", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["cpu"] = json!({"quota": 1});
            refused(bed, &config, &["cpu.cfs_quota_us", "cpu", "invalid argument"])
        })
        .needs(&[Need::V1("cpu")]),
        Case::bed("cgroup-v1/cpuset", |bed| {
            file(bed, json!({"cpu": {"cpus": "0", "mems": "0"}}), "cpuset", "cpuset.cpus", "0")?;
            same("mems", bed.cgroup_file("cpuset", "cpuset.mems")?.as_str(), "0")
        })
        .needs(&[Need::V1("cpuset")]),
        Case::bed("cgroup-v1/cpuset-is-inherited", |bed| {
            bed.start(&bed.sleeper())?;
            ensure!(!bed.cgroup_file("cpuset", "cpuset.cpus")?.is_empty());
            ensure!(!bed.cgroup_file("cpuset", "cpuset.mems")?.is_empty());
            Ok(())
        })
        .needs(&[Need::V1("cpuset")]),
        Case::bed("cgroup-v1/cpuset-of-processors-that-do-not-exist", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["cpu"] = json!({"cpus": "5000"});
            refused(bed, &config, &["cpuset"])
        })
        .needs(&[Need::V1("cpuset")]),
    ]
}

fn memory() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v1/memory-limit", |bed| {
            file(
                bed,
                json!({"memory": {"limit": 67_108_864}}),
                "memory",
                "memory.limit_in_bytes",
                "67108864",
            )
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/memory-reservation", |bed| {
            file(
                bed,
                json!({"memory": {"reservation": 33_554_432}}),
                "memory",
                "memory.soft_limit_in_bytes",
                "33554432",
            )
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/memory-swap", |bed| {
            file(
                bed,
                json!({"memory": {"limit": 67_108_864, "swap": 134_217_728}}),
                "memory",
                "memory.memsw.limit_in_bytes",
                "134217728",
            )
        })
        .needs(&[
            Need::V1("memory"),
            Need::File(
                "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
                "swap is not accounted",
            ),
        ]),
        Case::bed("cgroup-v1/memory-swappiness", |bed| {
            file(bed, json!({"memory": {"swappiness": 7}}), "memory", "memory.swappiness", "7")
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/memory-swappiness-out-of-range", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["memory"] = json!({"swappiness": 700});
            refused(bed, &config, &["swappiness"])
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/memory-oom-killer-off", |bed| {
            limited(bed, json!({"memory": {"limit": 67_108_864, "disableOOMKiller": true}}))?;
            let text = bed.cgroup_file("memory", "memory.oom_control")?;
            ensure!(text.contains("oom_kill_disable 1"), "{text}");
            Ok(())
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/memory-limit-works", |bed| {
            let mut config =
                bed.script("head -c 100000000 /dev/zero | tail -c 90000000 | wc -c; echo survived");
            config["linux"]["resources"]["memory"] =
                json!({"limit": 20_000_000, "swap": 20_000_000});
            let called = bed.run(&config)?;
            ensure!(!called.stdout.contains("90000000"), "{}", called.stdout);
            Ok(())
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("cgroup-v1/memory-below-the-minimum", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["memory"] = json!({"limit": 4096, "swap": 4096});
            bed.write(&config)?;
            let called = bed.call(&["create", bed.id()])?;
            // Too little to live: told as an error, and nothing is left.
            if called.status == 0 {
                bed.delete()
            } else {
                ensure!(!called.stderr.is_empty(), "nothing was said");
                bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
                Ok(())
            }
        })
        .needs(&[Need::V1("memory")]),
    ]
}

fn others() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v1/pids-limit", |bed| {
            file(bed, json!({"pids": {"limit": 42}}), "pids", "pids.max", "42")
        })
        .needs(&[Need::V1("pids")]),
        Case::bed("cgroup-v1/pids-limit-works", |bed| {
            let mut config =
                bed.script("for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done 2>&1; echo end");
            config["linux"]["resources"]["pids"] = json!({"limit": 5});
            let called = bed.run(&config)?;
            ensure!(
                called.stdout.contains("can't fork") || called.stderr.contains("can't fork"),
                "{called:?}"
            );
            Ok(())
        })
        .needs(&[Need::V1("pids")]),
        Case::bed("cgroup-v1/devices-list", |bed| {
            bed.start(&bed.sleeper())?;
            let list = bed.cgroup_file("devices", "devices.list")?;
            ensure!(!list.contains("a *:* rwm"), "{list}");
            for rule in [
                "c 1:3 rwm",
                "c 1:5 rwm",
                "c 1:7 rwm",
                "c 1:8 rwm",
                "c 1:9 rwm",
                "c 5:0 rwm",
                "c 5:2 rwm",
                "c 136:* rwm",
                "c *:* m",
                "b *:* m",
            ] {
                ensure!(list.lines().any(|line| line == rule), "no {rule} in {list}");
            }
            Ok(())
        })
        .needs(&[Need::V1("devices")]),
        Case::bed("cgroup-v1/blkio-throttle", |bed| {
            let device = device_numbers().context("no block device that takes limits")?;
            let (major, minor) = device;
            limited(
                bed,
                json!({"blockIO": {
                    "throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 1_048_576}],
                    "throttleWriteIOPSDevice": [{"major": major, "minor": minor, "rate": 99}],
                }}),
            )?;
            let read = bed.cgroup_file("blkio", "blkio.throttle.read_bps_device")?;
            same("read", read.as_str(), format!("{major}:{minor} 1048576").as_str())?;
            let write = bed.cgroup_file("blkio", "blkio.throttle.write_iops_device")?;
            same("write", write.as_str(), format!("{major}:{minor} 99").as_str())
        })
        .needs(&[
            Need::V1("blkio"),
            Need::File(
                "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device",
                "no throttling in the kernel",
            ),
            Need::File("/sys/block/loop0", "no loop device"),
        ]),
        Case::bed("cgroup-v1/network-without-controller", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["network"] = json!({"classID": 1_048_577});
            refused(bed, &config, &["net_cls"])
        })
        .needs(&[Need::V1("pids"), Need::NoFile("/sys/fs/cgroup/net_cls", "net_cls is mounted")]),
        Case::bed("cgroup-v1/freezer-is-thawed-after-create", |bed| {
            bed.start(&bed.sleeper())?;
            same("state", bed.cgroup_file("freezer", "freezer.state")?.as_str(), "THAWED")
        })
        .needs(&[Need::V1("freezer")]),
        Case::bed("cgroup-v1/delete-force-when-frozen-from-outside", |bed| {
            bed.start(&bed.sleeper())?;
            fs::write(bed.cgroup("freezer")?.join("freezer.state"), "FROZEN")?;
            bed.delete()
        })
        .needs(&[Need::V1("freezer")]),
        Case::bed("cgroup-v1/an-existing-group-is-used", |bed| {
            let dir = bed.cgroup("pids")?;
            fs::create_dir(&dir)?;
            let result = file(bed, json!({"pids": {"limit": 21}}), "pids", "pids.max", "21");
            let deleted = bed.delete();
            let _ = fs::remove_dir(&dir);
            result.and(deleted)
        })
        .needs(&[Need::V1("pids")]),
    ]
}

/// A block device that no test writes to.
fn device_numbers() -> Option<(u32, u32)> {
    let text = fs::read_to_string(Path::new("/sys/block/loop0/dev")).ok()?;
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
