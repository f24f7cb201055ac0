//! update: limits of a running container, by flags and by a file.

use std::fs;

use anyhow::Result;
use serde_json::json;

use crate::bed::{Bed, same};
use crate::case::{Case, Need};

/// Starts the sleeper and updates it.
fn update(bed: &Bed, args: &[&str]) -> Result<()> {
    bed.start(&bed.sleeper())?;
    let mut all = vec!["update"];
    all.extend(args);
    all.push(bed.id());
    bed.call(&all)?.ok()?;
    Ok(())
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::bed("update/memory-v1", |bed| {
            update(bed, &["--memory", "67108864", "--memory-reservation", "33554432"])?;
            same(
                "limit",
                bed.cgroup_file("memory", "memory.limit_in_bytes")?.as_str(),
                "67108864",
            )?;
            same(
                "soft",
                bed.cgroup_file("memory", "memory.soft_limit_in_bytes")?.as_str(),
                "33554432",
            )
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("update/memory-suffix-v1", |bed| {
            update(bed, &["--memory", "64M"])?;
            same("limit", bed.cgroup_file("memory", "memory.limit_in_bytes")?.as_str(), "67108864")
        })
        .needs(&[Need::V1("memory")]),
        Case::bed("update/memory-v2", |bed| {
            update(bed, &["--memory", "67108864", "--memory-reservation", "33554432"])?;
            same("max", bed.cgroup_file("memory", "memory.max")?.as_str(), "67108864")?;
            same("low", bed.cgroup_file("memory", "memory.low")?.as_str(), "33554432")
        })
        .needs(&[Need::V2("memory")]),
        Case::bed("update/memory-unlimited-v2", |bed| {
            update(bed, &["--memory", "67108864"])?;
            bed.call(&["update", "--memory", "-1", bed.id()])?.ok()?;
            same("max", bed.cgroup_file("memory", "memory.max")?.as_str(), "max")
        })
        .needs(&[Need::V2("memory")]),
        Case::bed("update/cpu-v1", |bed| {
            update(bed, &["--cpu-share", "512", "--cpu-quota", "50000", "--cpu-period", "200000"])?;
            same("shares", bed.cgroup_file("cpu", "cpu.shares")?.as_str(), "512")?;
            same("quota", bed.cgroup_file("cpu", "cpu.cfs_quota_us")?.as_str(), "50000")?;
            same("period", bed.cgroup_file("cpu", "cpu.cfs_period_us")?.as_str(), "200000")
        })
        .needs(&[Need::V1("cpu")]),
        Case::bed("update/cpu-v2", |bed| {
            update(bed, &["--cpu-quota", "50000", "--cpu-period", "200000"])?;
            same("max", bed.cgroup_file("cpu", "cpu.max")?.as_str(), "50000 200000")
        })
        .needs(&[Need::V2("cpu")]),
        Case::bed("update/pids", |bed| {
            update(bed, &["--pids-limit", "33"])?;
            same("max", bed.cgroup_file("pids", "pids.max")?.as_str(), "33")?;
            bed.call(&["update", "--pids-limit", "-1", bed.id()])?.ok()?;
            same("max", bed.cgroup_file("pids", "pids.max")?.as_str(), "max")
        }),
        Case::bed("update/cpuset", |bed| {
            update(bed, &["--cpuset-cpus", "0", "--cpuset-mems", "0"])?;
            same("cpus", bed.cgroup_file("cpuset", "cpuset.cpus")?.as_str(), "0")?;
            same("mems", bed.cgroup_file("cpuset", "cpuset.mems")?.as_str(), "0")
        }),
        Case::bed("update/file", |bed| {
            bed.start(&bed.sleeper())?;
            fs::write(bed.path("resources"), json!({"pids": {"limit": 44}}).to_string())?;
            bed.call(&["update", "--resources", &bed.text_path("resources"), bed.id()])?.ok()?;
            same("max", bed.cgroup_file("pids", "pids.max")?.as_str(), "44")
        }),
        Case::bed("update/stdin", |bed| {
            bed.start(&bed.sleeper())?;
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "echo '{\"pids\":{\"limit\":45}}' | \"$@\"", "sh"])
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["update", "-r", "-", bed.id()]);
            bed.finish(command)?.ok()?;
            same("max", bed.cgroup_file("pids", "pids.max")?.as_str(), "45")
        }),
        Case::bed("update/file-is-not-json", |bed| {
            bed.start(&bed.sleeper())?;
            fs::write(bed.path("resources"), "{")?;
            bed.call(&["update", "-r", &bed.text_path("resources"), bed.id()])?.failed(&[
                "json",
                "EOF",
                "unexpected",
            ])?;
            Ok(())
        }),
        Case::bed("update/keeps-what-is-not-named", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["pids"] = json!({"limit": 55});
            bed.start(&config)?;
            bed.call(&["update", "--memory", "67108864", bed.id()])?.ok()?;
            same("max", bed.cgroup_file("pids", "pids.max")?.as_str(), "55")
        }),
        Case::bed("update/keeps-device-rules", |bed| {
            let mut config = bed.sleeper();
            crate::config::array(&mut config, "/linux/resources/devices").push(
                json!({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rwm"}),
            );
            bed.start(&config)?;
            let probe = "mknod /k$$ c 10 229; (: < /k$$) && echo read; \
                         mknod /m$$ c 10 237; (: < /m$$) 2>&1 | grep -o 'not permitted'";
            same("before", bed.exec(probe)?.as_str(), "read\nnot permitted")?;
            bed.call(&["update", "--memory", "67108864", bed.id()])?.ok()?;
            same("after", bed.exec(probe)?.as_str(), "read\nnot permitted")
        }),
        Case::bed("update/does-not-exist", |bed| {
            bed.call(&["update", "--pids-limit", "5", "no-such-container"])?
                .failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("update/bad-number", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["update", "--memory", "much", bed.id()])?.failed(&["memory", "much"])?;
            Ok(())
        }),
        Case::bed("update/below-the-usage-v1", |bed| {
            bed.start(
                &bed.script("head -c 30000000 /dev/zero > /dev/shm/f; echo > /ready; sleep 100"),
            )?;
            bed.wait_file(&bed.rootfs().join("ready"))?;
            let called = bed.call(&["update", "--memory", "4096", bed.id()])?;
            // Either the kernel swaps, or the runtime names the file and says why not.
            if called.status != 0 {
                called.failed(&["memory"])?;
            }
            same("status", bed.status()?.as_str(), "running")
        })
        .needs(&[Need::V1("memory")]),
    ]
}
