//! User namespaces, by root with mappings.

use std::fs;

use anyhow::ensure;
use serde_json::json;

use crate::bed::same;
use crate::case::Expect::Out;
use crate::case::{Case, Need};
use crate::config::{array, mount, namespace, user_namespace};

const USER: &[Need] = &[Need::Namespace("user")];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::inside("user-namespace/root-inside", user_namespace, "id -u; id -g", Out("0\n0")).needs(USER),
        Case::inside(
            "user-namespace/mappings",
            user_namespace,
            "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' ' | sed 's/^ //'",
            Out("0 100000 65536\n0 100000 65536"),
        )
        .needs(USER),
        Case::inside(
            "user-namespace/several-mappings",
            |c| {
                namespace(c, "user");
                let mapping = json!([
                    {"containerID": 0, "hostID": 100_000, "size": 1000},
                    {"containerID": 1000, "hostID": 300_000, "size": 1},
                ]);
                c["linux"]["uidMappings"] = mapping.clone();
                c["linux"]["gidMappings"] = mapping;
            },
            "wc -l < /proc/self/uid_map",
            Out("2"),
        )
        .needs(USER),
        Case::inside(
            "user-namespace/uid-inside",
            |c| {
                user_namespace(c);
                c["process"]["user"] = json!({"uid": 1000, "gid": 1000, "additionalGids": [10]});
            },
            "id -u; grep Groups /proc/self/status | tr -d '\\t '",
            Out("1000\nGroups:10"),
        )
        .needs(USER),
        Case::bed("user-namespace/uid-outside", |bed| {
            let mut config = bed.sleeper();
            user_namespace(&mut config);
            bed.start(&config)?;
            let status = fs::read_to_string(format!("/proc/{}/status", bed.pid()?))?;
            ensure!(
                status.lines().any(|line| line.starts_with("Uid:\t100000\t")),
                "{status}"
            );
            Ok(())
        })
        .needs(USER),
        Case::inside(
            "user-namespace/devices",
            user_namespace,
            "for d in null zero full random urandom tty; do stat -c %t:%T /dev/$d; done | tr '\\n' ' '; echo x > /dev/null && echo fine",
            Out("1:3 1:5 1:7 1:8 1:9 5:0 fine"),
        )
        .needs(USER),
        Case::inside(
            "user-namespace/capabilities-are-of-the-namespace",
            user_namespace,
            "touch /dev/shm/f && chown 5 /dev/shm/f && stat -c %u /dev/shm/f",
            Out("5"),
        )
        .needs(&[Need::Namespace("user")]),
        Case::bed("user-namespace/exec", |bed| {
            let mut config = bed.sleeper();
            user_namespace(&mut config);
            bed.start(&config)?;
            same("id", bed.exec("id -u; readlink /proc/self/ns/user")?.lines().next(), Some("0"))?;
            let own = fs::read_link("/proc/self/ns/user")?;
            ensure!(!bed.exec("readlink /proc/self/ns/user")?.contains(&*own.to_string_lossy()));
            Ok(())
        })
        .needs(USER),
        Case::inside(
            "user-namespace/host-network",
            |c| {
                user_namespace(c);
                crate::config::leave(c, "network");
                // A sysfs belongs to the owner of the network namespace.
                crate::config::unmount(c, "/sys");
                c["linux"]["maskedPaths"] = json!([]);
            },
            "id -u",
            Out("0"),
        )
        .needs(USER),
        Case::refused(
            "user-namespace/without-mappings",
            |c| namespace(c, "user"),
            &["mapping", "user namespace"],
        )
        .needs(USER),
        Case::refused(
            "user-namespace/uid-is-not-mapped",
            |c| {
                user_namespace(c);
                c["process"]["user"] = json!({"uid": 70_000, "gid": 0});
            },
            &["70000", "uid", "mapped"],
        )
        .needs(USER),
        Case::bed("user-namespace/idmapped-root", |bed| {
            fs::create_dir(bed.path("data"))?;
            fs::create_dir(bed.rootfs().join("m"))?;
            fs::write(bed.path("data/file"), "x")?;
            let mut config = bed.script("stat -c %u /m/file; touch /m/new");
            user_namespace(&mut config);
            mount(&mut config, "/m", "bind", &bed.text_path("data"), &["bind", "idmap"]);
            same("owner inside", bed.run(&config)?.ok()?.trim(), "0")?;
            let meta = fs::metadata(bed.path("data/new"))?;
            same("owner outside", std::os::unix::fs::MetadataExt::uid(&meta), 0)
        })
        .needs(&[Need::Namespace("user"), Need::IdmappedMounts]),
        Case::inside(
            "user-namespace/setgroups-stays-allowed",
            user_namespace,
            "cat /proc/self/setgroups",
            Out("allow"),
        )
        .needs(USER),
        Case::bed("user-namespace/hooks-run-outside", |bed| {
            let mut config = bed.script("true");
            user_namespace(&mut config);
            let file = bed.text_path("uid");
            config["hooks"]["createRuntime"] = json!([]);
            array(&mut config, "/hooks/createRuntime").push(json!({
                "path": "/bin/sh", "args": ["sh", "-c", format!("id -u > {file}")],
            }));
            bed.run(&config)?.ok()?;
            same("uid of the hook", fs::read_to_string(bed.path("uid"))?.trim(), "0")
        })
        .needs(USER),
    ]
}
