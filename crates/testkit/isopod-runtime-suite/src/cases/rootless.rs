//! The runtime called by a user without privileges.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bed::{Bed, same};
use crate::case::{Case, Need};
use crate::config::{Config, leave, mount_options, namespace};

const USER: u32 = 1000;
const NEEDS: &[Need] = &[Need::Namespace("user")];

/// A configuration as `spec --rootless` writes it: one user, mapped to root inside.
fn rootless(config: &mut Config) {
    namespace(config, "user");
    leave(config, "network");
    config["linux"]["uidMappings"] = json!([{"containerID": 0, "hostID": USER, "size": 1}]);
    config["linux"]["gidMappings"] = json!([{"containerID": 0, "hostID": USER, "size": 1}]);
    // Nobody gave this user a cgroup, and a group of 5 is not mapped.
    config["linux"]["resources"] = json!(null);
    config["linux"]["cgroupsPath"] = json!(null);
    mount_options(
        config,
        "/dev/pts",
        &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
    );
    for mount in crate::config::array(config, "/mounts") {
        if mount["destination"] == "/sys" {
            *mount = json!({"destination": "/sys", "type": "none", "source": "/sys",
                "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]});
        }
    }
}

fn started(bed: &Bed) -> Result<()> {
    bed.act_as(USER)?;
    let mut config = bed.sleeper();
    rootless(&mut config);
    bed.start(&config)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::bed("rootless/run", |bed| {
            bed.act_as(USER)?;
            let mut config = bed.script("id -u; cat /proc/self/uid_map | tr -s ' '; touch /f && echo written");
            rootless(&mut config);
            let out = bed.run(&config)?.ok()?;
            ensure!(out.starts_with("0\n") && out.contains(" 0 1000 1") && out.contains("written"), "{out}");
            let meta = fs::metadata(bed.rootfs().join("f"))?;
            same("owner outside", std::os::unix::fs::MetadataExt::uid(&meta), USER)
        })
        .needs(NEEDS),
        Case::bed("rootless/lifecycle", |bed| {
            started(bed)?;
            same("status", bed.status()?.as_str(), "running")?;
            same("owner", bed.call(&["list"])?.ok()?.lines().count(), 2)?;
            bed.call(&["kill", bed.id(), "KILL"])?.ok()?;
            bed.wait_status("stopped")?;
            bed.call(&["delete", bed.id()])?.ok()?;
            Ok(())
        })
        .needs(NEEDS),
        Case::bed("rootless/exec", |bed| {
            started(bed)?;
            same("exec", bed.exec("id -u; hostname")?.as_str(), "0\nisopod-suite")
        })
        .needs(NEEDS),
        Case::bed("rootless/devices", |bed| {
            bed.act_as(USER)?;
            let mut config = bed.script("echo x > /dev/null && head -c 3 /dev/zero | wc -c");
            rootless(&mut config);
            same("inside", bed.run(&config)?.ok()?.trim(), "3")
        })
        .needs(NEEDS),
        Case::bed("rootless/own-spec-runs", |bed| {
            bed.act_as(USER)?;
            bed.call(&["spec", "--rootless"])?.ok()?;
            let text = fs::read_to_string(bed.bundle().join("config.json"))?;
            let mut config: Config = serde_json::from_str(&text)?;
            config["process"]["terminal"] = json!(false);
            config["process"]["args"] = json!(["echo", "fine"]);
            same("inside", bed.run(&config)?.ok()?.trim(), "fine")
        })
        .needs(NEEDS),
        Case::bed("rootless/without-user-namespace-is-refused", |bed| {
            bed.act_as(USER)?;
            let mut config = bed.sleeper();
            config["linux"]["resources"] = json!(null);
            config["linux"]["cgroupsPath"] = json!(null);
            crate::runner::refused(bed, &config, &["rootless", "user namespace", "not permitted", "permission"])
        })
        .needs(NEEDS),
        Case::bed("rootless/limits-without-delegation-are-refused", |bed| {
            bed.act_as(USER)?;
            let mut config = bed.sleeper();
            rootless(&mut config);
            config["linux"]["cgroupsPath"] = json!(format!("/{}", bed.id()));
            config["linux"]["resources"] = json!({"pids": {"limit": 5}});
            crate::runner::refused(bed, &config, &["cgroup", "permission"])
        })
        .needs(NEEDS),
        Case::bed("rootless/cgroup-is-not-writable-from-inside", |bed| {
            bed.act_as(USER)?;
            let mut config = bed.script("(mkdir /sys/fs/cgroup/isopod-escape || mkdir /sys/fs/cgroup/*/isopod-escape) 2>/dev/null && echo made; true");
            rootless(&mut config);
            same("inside", bed.run(&config)?.ok()?.as_str(), "")
        })
        .needs(NEEDS),
    ]
}
