//! `linux.cgroupsPath` and `linux.resources` on a v2 tree.

use std::fs;

use anyhow::ensure;
use serde_json::json;

use super::cgroup_v1::{file, limited};
use crate::bed::same;
use crate::case::{Case, Need};
use crate::runner::refused;

const ANY: &[Need] = &[Need::V2("pids")];
const CPU: &[Need] = &[Need::V2("cpu")];
const CPUSET: &[Need] = &[Need::V2("cpuset")];
const MEMORY: &[Need] = &[Need::V2("memory")];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = paths();
    cases.extend(controllers());
    cases.extend(devices());
    cases
}

fn paths() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v2/joins", |bed| {
            bed.start(&bed.sleeper())?;
            same("procs", bed.cgroup_file("pids", "cgroup.procs")?, bed.pid()?.to_string())
        })
        .needs(ANY),
        Case::bed("cgroup-v2/nested-path", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["cgroupsPath"] = json!(format!("/{}/one/two", bed.id()));
            config["linux"]["resources"]["memory"] = json!({"limit": 67_108_864});
            bed.start(&config)?;
            same("max", bed.cgroup_file("memory", "one/two/memory.max")?.as_str(), "67108864")?;
            bed.delete()?;
            ensure!(!bed.cgroup("memory")?.join("one/two").exists());
            isopod_testkit::remove_cgroups(bed.id());
            Ok(())
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/removed-at-delete", |bed| {
            bed.start(&bed.sleeper())?;
            bed.delete()?;
            ensure!(!bed.cgroup("pids")?.exists());
            Ok(())
        })
        .needs(ANY),
        Case::bed("cgroup-v2/path-from-the-id-when-none-is-given", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["cgroupsPath"] = json!(null);
            bed.start(&config)?;
            let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", bed.pid()?))?;
            ensure!(cgroup.trim().ends_with(bed.id()), "{cgroup}");
            Ok(())
        })
        .needs(ANY),
        Case::bed("cgroup-v2/kill-works-with-many", |bed| {
            let mut config = bed.script("for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait");
            crate::config::leave(&mut config, "pid");
            bed.start(&config)?;
            // A warning may tell of a second attempt.
            bed.call(&["delete", "--force", bed.id()])?.status(0)?;
            ensure!(!bed.cgroup("pids")?.exists());
            Ok(())
        })
        .needs(ANY),
        Case::bed("cgroup-v2/freeze-by-file", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["pause", bed.id()])?.ok()?;
            same("freeze", bed.cgroup_file("pids", "cgroup.freeze")?.as_str(), "1")?;
            let events = bed.cgroup_file("pids", "cgroup.events")?;
            ensure!(events.contains("frozen 1"), "{events}");
            bed.call(&["resume", bed.id()])?.ok()?;
            same("freeze", bed.cgroup_file("pids", "cgroup.freeze")?.as_str(), "0")
        })
        .needs(ANY),
        Case::bed("cgroup-v2/namespace-root", |bed| {
            let mut config = bed.script("cat /proc/self/cgroup");
            crate::config::namespace(&mut config, "cgroup");
            same("inside", bed.run(&config)?.ok()?.trim(), "0::/")
        })
        .needs(ANY),
        Case::bed("cgroup-v2/exec-lands-in-the-group", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed.exec("cat /proc/self/cgroup")?;
            ensure!(out.ends_with(&format!("/{}", bed.id())), "{out}");
            Ok(())
        })
        .needs(ANY),
    ]
}

fn controllers() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v2/cpu-weight-from-shares", |bed| {
            limited(bed, json!({"cpu": {"shares": 1024}}))?;
            // Two formulas are in use: 39 by the older, 100 by the newer.
            let weight = bed.cgroup_file("cpu", "cpu.weight")?;
            ensure!(weight == "39" || weight == "100", "{weight}");
            Ok(())
        })
        .needs(CPU),
        Case::bed("cgroup-v2/cpu-shares-limits", |bed| {
            file(bed, json!({"cpu": {"shares": 2}}), "cpu", "cpu.weight", "1")
        })
        .needs(CPU),
        Case::bed("cgroup-v2/cpu-max", |bed| {
            file(bed, json!({"cpu": {"quota": 25_000, "period": 50_000}}), "cpu", "cpu.max", "25000 50000")
        })
        .needs(CPU),
        Case::bed("cgroup-v2/cpu-quota-alone", |bed| {
            file(bed, json!({"cpu": {"quota": 25_000}}), "cpu", "cpu.max", "25000 100000")
        })
        .needs(CPU),
        Case::bed("cgroup-v2/cpu-quota-unlimited", |bed| {
            file(bed, json!({"cpu": {"quota": -1, "period": 50_000}}), "cpu", "cpu.max", "max 50000")
        })
        .needs(CPU),
        Case::bed("cgroup-v2/cpu-burst", |bed| {
            file(bed, json!({"cpu": {"quota": 50_000, "period": 100_000, "burst": 20_000}}), "cpu", "cpu.max.burst", "20000")
        })
        .needs(&[Need::V2("cpu"), Need::Kernel(5, 14)]),
        Case::bed("cgroup-v2/cpu-idle", |bed| {
            file(bed, json!({"cpu": {"idle": 1}}), "cpu", "cpu.idle", "1")
        })
        .needs(&[Need::V2("cpu"), Need::Kernel(5, 15)]),
        Case::bed("cgroup-v2/cpuset", |bed| {
            file(bed, json!({"cpu": {"cpus": "0", "mems": "0"}}), "cpuset", "cpuset.cpus", "0")?;
            same("mems", bed.cgroup_file("cpuset", "cpuset.mems")?.as_str(), "0")
        })
        .needs(CPUSET),
        Case::bed("cgroup-v2/memory-max", |bed| {
            file(bed, json!({"memory": {"limit": 67_108_864}}), "memory", "memory.max", "67108864")
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/memory-low", |bed| {
            file(bed, json!({"memory": {"reservation": 33_554_432}}), "memory", "memory.low", "33554432")
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/memory-swap-is-the-difference", |bed| {
            file(bed, json!({"memory": {"limit": 67_108_864, "swap": 100_663_296}}), "memory", "memory.swap.max", "33554432")
        })
        .needs(&[Need::V2("memory"), Need::File("/proc/swaps", "no swap in the kernel")]),
        Case::bed("cgroup-v2/memory-swap-unlimited", |bed| {
            file(bed, json!({"memory": {"limit": 67_108_864, "swap": -1}}), "memory", "memory.swap.max", "max")
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/memory-unlimited", |bed| {
            file(bed, json!({"memory": {"limit": -1}}), "memory", "memory.max", "max")
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/memory-swap-without-limit", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["memory"] = json!({"swap": 67_108_864});
            refused(bed, &config, &["swap", "memory"])
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/memory-limit-works", |bed| {
            let mut config = bed.script("head -c 100000000 /dev/zero | tail -c 90000000 | wc -c; echo survived");
            config["linux"]["resources"]["memory"] = json!({"limit": 20_000_000, "swap": 20_000_000});
            let called = bed.run(&config)?;
            ensure!(!called.stdout.contains("90000000"), "{}", called.stdout);
            Ok(())
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/pids-max", |bed| {
            file(bed, json!({"pids": {"limit": 42}}), "pids", "pids.max", "42")
        })
        .needs(ANY),
        Case::bed("cgroup-v2/pids-max-works", |bed| {
            let mut config = bed.script("for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done 2>&1; echo end");
            config["linux"]["resources"]["pids"] = json!({"limit": 5});
            let called = bed.run(&config)?;
            ensure!(called.stdout.contains("can't fork") || called.stderr.contains("can't fork"), "{called:?}");
            Ok(())
        })
        .needs(ANY),
        Case::bed("cgroup-v2/io-max", |bed| {
            limited(bed, json!({"blockIO": {
                "throttleReadBpsDevice": [{"major": 7, "minor": 0, "rate": 1_048_576}],
                "throttleWriteIOPSDevice": [{"major": 7, "minor": 0, "rate": 99}],
            }}))?;
            let text = bed.cgroup_file("io", "io.max")?;
            ensure!(text.contains("7:0") && text.contains("rbps=1048576") && text.contains("wiops=99"), "{text}");
            Ok(())
        })
        .needs(&[Need::V2("io"), Need::File("/sys/block/loop0", "no loop device")]),
        Case::bed("cgroup-v2/io-weight", |bed| {
            limited(bed, json!({"blockIO": {"weight": 500}}))?;
            // The default weight of 100 lies at 500 of a scale that ends at 1000.
            let weight = bed.cgroup_file("io", "io.weight").or_else(|_| bed.cgroup_file("io", "io.bfq.weight"))?;
            ensure!(weight.ends_with("4950") || weight.ends_with("500") , "{weight}");
            Ok(())
        })
        .needs(&[Need::V2("io"), Need::File("/sys/fs/cgroup/init.scope/io.weight", "no io.weight in the kernel")]),
        Case::bed("cgroup-v2/unified", |bed| {
            limited(bed, json!({"unified": {"memory.high": "50331648", "pids.max": "17", "memory.oom.group": "1"}}))?;
            same("high", bed.cgroup_file("memory", "memory.high")?.as_str(), "50331648")?;
            same("group", bed.cgroup_file("memory", "memory.oom.group")?.as_str(), "1")?;
            same("pids", bed.cgroup_file("pids", "pids.max")?.as_str(), "17")
        })
        .needs(MEMORY),
        Case::bed("cgroup-v2/unified-outweighs", |bed| {
            limited(bed, json!({"pids": {"limit": 99}, "unified": {"pids.max": "18"}}))?;
            same("pids", bed.cgroup_file("pids", "pids.max")?.as_str(), "18")
        })
        .needs(ANY),
        Case::bed("cgroup-v2/unified-unknown-file", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["unified"] = json!({"no.such.file": "1"});
            refused(bed, &config, &["no.such.file"])
        })
        .needs(ANY),
        Case::bed("cgroup-v2/unified-leaves-the-directory", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["unified"] = json!({"../cgroup.procs": "1"});
            refused(bed, &config, &["../cgroup.procs", "unified"])
        })
        .needs(ANY),
        Case::bed("cgroup-v2/hugetlb", |bed| {
            file(bed, json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 4_194_304}]}), "hugetlb", "hugetlb.2MB.max", "4194304")
        })
        .needs(&[Need::V2("hugetlb")]),
        Case::bed("cgroup-v2/hugetlb-unknown-size", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["hugepageLimits"] = json!([{"pageSize": "3MB", "limit": 1}]);
            refused(bed, &config, &["hugetlb.3MB", "3MB"])
        })
        .needs(&[Need::V2("hugetlb")]),
    ]
}

fn devices() -> Vec<Case> {
    vec![
        Case::bed("cgroup-v2/devices-by-program", |bed| {
            // Rules and what they do are in `devices/`; here that they outlive an update.
            bed.start(&bed.sleeper())?;
            let probe = "mknod /k$$ c 10 229; cat /k$$ 2>&1 | grep -o 'not permitted'; echo x > /dev/null && echo null";
            same("before", bed.exec(probe)?.as_str(), "not permitted\nnull")?;
            fs::write(bed.path("r"), json!({"devices": [{"allow": true, "access": "rwm"}]}).to_string())?;
            bed.call(&["update", "-r", &bed.text_path("r"), bed.id()])?;
            same("after", bed.exec("echo x > /dev/null && echo null")?.as_str(), "null")
        })
        .needs(&[Need::V2("devices")]),
        Case::bed("cgroup-v2/devices-mode-bits", |bed| {
            let mut config = bed.script("mknod /r c 1 5; head -c 1 /r | wc -c; (echo x > /r) 2>/dev/null || echo not written; mknod /w c 1 7; (head -c 1 /w) 2>/dev/null || echo not read");
            config["linux"]["resources"]["devices"] = json!([
                {"allow": false, "access": "rwm"},
                {"allow": false, "type": "c", "major": 1, "minor": 7, "access": "r"},
            ]);
            bed.write(&config)?;
            let called = bed.call(&["run", bed.id()])?;
            // The default devices are allowed as a whole, whatever the rules before say.
            ensure!(called.status == 0, "{called:?}");
            Ok(())
        })
        .needs(&[Need::V2("devices")]),
    ]
}
