//! `linux.namespaces`: new, joined by path, or the host's.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use isopod_testkit::{NetworkSandbox, ProcessGuard};
use serde_json::json;

use crate::bed::{Bed, same};
use crate::case::Expect::{Has, Out};
use crate::case::{Case, Need};
use crate::config::{array, join, leave, namespace};
use crate::runner::refused;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::bed("namespaces/new-ones", |bed| {
            for (kind, file) in [
                ("pid", "pid"),
                ("network", "net"),
                ("ipc", "ipc"),
                ("uts", "uts"),
                ("mount", "mnt"),
            ] {
                let config = bed.script(&format!("readlink /proc/self/ns/{file}"));
                let inside = bed.run(&config)?.ok()?;
                let outside = fs::read_link(format!("/proc/self/ns/{file}"))?;
                ensure!(inside.trim() != outside.to_string_lossy(), "{kind} is the host's");
                // `readlink` again, now without that namespace.
                if kind != "mount" && kind != "uts" {
                    let mut config = config.clone();
                    leave(&mut config, kind);
                    let inside = bed.run(&config)?.ok()?;
                    same(kind, inside.trim(), outside.to_string_lossy().as_ref())?;
                }
            }
            Ok(())
        }),
        Case::bed("namespaces/host-uts", |bed| {
            let mut config = bed.script("readlink /proc/self/ns/uts");
            leave(&mut config, "uts");
            config["hostname"] = json!(null);
            let outside = fs::read_link("/proc/self/ns/uts")?;
            same("uts", bed.run(&config)?.ok()?.trim(), outside.to_string_lossy().as_ref())
        }),
        Case::inside("namespaces/pid-is-one", |_| {}, "echo $$", Out("1")),
        Case::inside(
            "namespaces/network-has-loopback-only",
            |_| {},
            "ls /sys/class/net; ifconfig lo | grep -c 'inet addr:127.0.0.1'",
            Out("lo\n1"),
        ),
        Case::inside(
            "namespaces/cgroup",
            |c| namespace(c, "cgroup"),
            "grep -vc ':/$' /proc/self/cgroup; true",
            Out("0"),
        )
        .needs(&[Need::Namespace("cgroup")]),
        Case::bed("namespaces/cgroup-of-the-host-shows-the-path", |bed| {
            let out = bed.run(&bed.script("cat /proc/self/cgroup"))?.ok()?;
            ensure!(out.contains(bed.id()), "{out}");
            Ok(())
        }),
        Case::inside(
            "namespaces/time-offsets",
            |c| {
                namespace(c, "time");
                c["linux"]["timeOffsets"] = json!({
                    "monotonic": {"secs": 86_400, "nanosecs": 0},
                    "boottime": {"secs": 31_536_000, "nanosecs": 0},
                });
            },
            "awk '{print ($1 > 31536000)}' /proc/uptime; tr -s ' ' ' ' < /proc/self/timens_offsets",
            Has(&["1\n", "monotonic 86400 0", "boottime 31536000 0"]),
        )
        .needs(&[Need::Namespace("time")]),
        Case::refused(
            "namespaces/time-offsets-without-namespace",
            |c| c["linux"]["timeOffsets"] = json!({"boottime": {"secs": 1}}),
            &["time"],
        ),
        Case::refused(
            "namespaces/unknown-type",
            |c| namespace(c, "astral"),
            &["astral", "namespace"],
        ),
        Case::refused(
            "namespaces/twice",
            |c| namespace(c, "pid"),
            &["pid", "duplicate", "malformed"],
        ),
        Case::refused(
            "namespaces/path-does-not-exist",
            |c| join(c, "network", "/proc/self/ns/nonexistent"),
            &["nonexistent", "no such file"],
        ),
        Case::refused(
            "namespaces/path-of-another-kind",
            |c| join(c, "network", "/proc/self/ns/ipc"),
            &["invalid argument", "network", "namespace"],
        ),
        Case::refused(
            "namespaces/path-relative",
            |c| join(c, "network", "proc/self/ns/net"),
            &["absolute", "proc/self/ns/net"],
        ),
        Case::refused("namespaces/no-mount-namespace", |c| leave(c, "mount"), &["mount", "mnt"]),
    ];
    cases.extend(joined());
    cases
}

/// A process that stands in namespaces of its own, as `unshare` makes them.
fn holder(flags: &[&str]) -> Result<ProcessGuard> {
    let mut guard = ProcessGuard::spawn(
        Command::new("unshare")
            .args(flags)
            .args(["--", "sleep", "60"])
            .stdin(std::process::Stdio::null()),
    )?;
    isopod_testkit::Limited::seconds(5).until("unshare has become sleep", || {
        fs::read_to_string(format!("/proc/{}/comm", guard.id()))
            .is_ok_and(|name| name.trim() == "sleep")
    })?;
    ensure!(guard.child().try_wait()?.is_none(), "unshare failed");
    Ok(guard)
}

fn joined() -> Vec<Case> {
    vec![
        Case::bed("namespaces/join-network", |bed| {
            let network = NetworkSandbox::new()?;
            let mut config = bed.script("readlink /proc/self/ns/net");
            join(&mut config, "network", &network.path());
            let wanted = fs::read_link(network.path())?;
            same("network", bed.run(&config)?.ok()?.trim(), wanted.to_string_lossy().as_ref())
        })
        .needs(&[Need::Program("unshare"), Need::Program("nsenter")]),
        Case::bed("namespaces/join-ipc-and-uts", |bed| {
            let holder = holder(&["--ipc", "--uts"])?;
            let mut config = bed.script("readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts");
            config["hostname"] = json!(null);
            let path = |kind: &str| format!("/proc/{}/ns/{kind}", holder.id());
            join(&mut config, "ipc", &path("ipc"));
            join(&mut config, "uts", &path("uts"));
            let link = |kind: &str| -> Result<String> {
                Ok(fs::read_link(path(kind))?.to_string_lossy().into_owned())
            };
            let wanted = format!("{}\n{}", link("ipc")?, link("uts")?);
            same("namespaces", bed.run(&config)?.ok()?.trim(), wanted.as_str())
        })
        .needs(&[Need::Program("unshare")]),
        Case::bed("namespaces/join-pid", join_pid),
        Case::bed("namespaces/join-pid-exit-status", |bed| {
            // The other container's init has to outlive this one's process.
            let first = bed.other("first");
            bed.remember(&first);
            bed.write(&bed.sleeper_at(&first))?;
            bed.call(&["run", "--detach", &first])?.ok()?;
            let pid = bed.pid_of(&first)?;
            let mut config = bed.script("exit 9");
            join(&mut config, "pid", &format!("/proc/{pid}/ns/pid"));
            bed.run(&config)?.status(9)?;
            bed.call(&["delete", "--force", &first])?.ok()?;
            Ok(())
        }),
        Case::bed("namespaces/join-of-a-container-for-a-pod", |bed| {
            // A pod's containers share network, ipc and uts of the first.
            let first = bed.other("pause");
            bed.remember(&first);
            bed.write(&bed.sleeper_at(&first))?;
            bed.call(&["run", "--detach", &first])?.ok()?;
            let pid = bed.pid_of(&first)?;
            let mut config = bed.script("hostname; readlink /proc/self/ns/net");
            config["hostname"] = json!(null);
            for (kind, file) in [("network", "net"), ("ipc", "ipc"), ("uts", "uts")] {
                join(&mut config, kind, &format!("/proc/{pid}/ns/{file}"));
            }
            let net = fs::read_link(format!("/proc/{pid}/ns/net"))?;
            let wanted = format!("isopod-suite\n{}", net.to_string_lossy());
            same("inside", bed.run(&config)?.ok()?.trim(), wanted.as_str())?;
            bed.call(&["delete", "--force", &first])?.ok()?;
            Ok(())
        }),
        Case::bed("namespaces/join-refuses-hostname", |bed| {
            let mut config = bed.config();
            leave(&mut config, "uts");
            refused(bed, &config, &["uts", "hostname"])
        }),
        Case::bed("namespaces/order-does-not-count", |bed| {
            let mut config = bed.script("echo fine");
            array(&mut config, "/linux/namespaces").reverse();
            same("inside", bed.run(&config)?.ok()?.trim(), "fine")
        }),
    ]
}

fn join_pid(bed: &Bed) -> Result<()> {
    let first = bed.other("first");
    bed.remember(&first);
    bed.write(&bed.sleeper_at(&first))?;
    bed.call(&["run", "--detach", &first])?.ok()?;
    let pid = bed.pid_of(&first)?;
    let mut config = bed.script("cat /proc/1/comm; test $$ != 1 && echo not the first");
    join(&mut config, "pid", &format!("/proc/{pid}/ns/pid"));
    same("inside", bed.run(&config)?.ok()?.trim(), "sleep\nnot the first")?;
    bed.call(&["delete", "--force", &first])?.ok()?;
    Ok(())
}
