//! `root`, masked and read-only paths, propagation, sysctl, host names.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bed::same;
use crate::case::Expect::{Has, Out};
use crate::case::{Case, Need};
use crate::config::{Config, leave};
use crate::runner::refused;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = root();
    cases.extend(paths());
    cases.extend(kernel());
    cases
}

fn root() -> Vec<Case> {
    vec![
        Case::inside(
            "root/readonly",
            |c| c["root"]["readonly"] = json!(true),
            "touch /f 2>&1; grep ' / ' /proc/self/mounts",
            Has(&["Read-only file system", " ro,"]),
        ),
        Case::inside("root/writable", |_| {}, "touch /f && echo yes", Out("yes")),
        Case::bed("root/absolute-path", |bed| {
            let mut config = bed.script("cat /mark");
            std::fs::write(bed.rootfs().join("mark"), "here")?;
            config["root"]["path"] = json!(bed.rootfs());
            same("printed", bed.run(&config)?.ok()?.as_str(), "here")
        }),
        Case::refused(
            "root/does-not-exist",
            |c| c["root"]["path"] = json!("nonexistent"),
            &["nonexistent", "rootfs", "no such file"],
        ),
        Case::refused("root/missing", |c| c["root"] = json!(null), &["root"]),
        Case::bed("root/is-pivoted", |bed| {
            let config = bed.script("ls / | tr '\\n' ' '; test -e /../etc/hostname || echo alone");
            let out = bed.run(&config)?.ok()?;
            same("printed", out.trim(), "bin dev etc home proc root run sys tmp var alone")
        }),
        Case::bed("root/no-mounts-of-the-host", |bed| {
            let out = bed.run(&bed.script("cut -d' ' -f5 /proc/self/mountinfo | sort"))?.ok()?;
            for point in out.lines() {
                let known = ["/", "/dev", "/proc", "/sys"];
                ensure!(
                    known.contains(&point)
                        || point.starts_with("/dev/")
                        || point.starts_with("/proc/")
                        || point.starts_with("/sys/"),
                    "{point} is mounted inside"
                );
            }
            Ok(())
        }),
        Case::bed("root/nothing-is-written-to-the-bundle", |bed| {
            bed.run(&bed.script("true"))?.ok()?;
            let names = |dir| -> Result<Vec<_>> {
                let mut names: Vec<_> = std::fs::read_dir(dir)?
                    .flatten()
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .collect();
                names.sort();
                Ok(names)
            };
            same("bundle", names(bed.bundle())?, vec!["config.json".into(), "rootfs".into()])?;
            let wanted = ["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var"];
            same("rootfs", names(bed.rootfs())?, wanted.map(String::from).to_vec())
        }),
        Case::inside(
            "root/propagation-default-keeps-mounts-inside",
            |_| {},
            "awk '$5 == \"/\"' /proc/self/mountinfo | grep -c shared:; true",
            Out("0"),
        ),
        Case::inside(
            "root/propagation-shared",
            |c| c["linux"]["rootfsPropagation"] = json!("shared"),
            "awk '$5 == \"/\"' /proc/self/mountinfo | grep -c shared:",
            Out("1"),
        ),
        Case::inside(
            "root/propagation-private",
            |c| c["linux"]["rootfsPropagation"] = json!("private"),
            "awk '$5 == \"/\"' /proc/self/mountinfo | grep -cE 'shared:|master:'; true",
            Out("0"),
        ),
        Case::inside(
            "root/propagation-slave",
            |c| c["linux"]["rootfsPropagation"] = json!("slave"),
            "awk '$5 == \"/\"' /proc/self/mountinfo | grep -c shared:; true",
            Out("0"),
        ),
        Case::inside(
            "root/propagation-unbindable",
            |c| c["linux"]["rootfsPropagation"] = json!("unbindable"),
            "awk '$5 == \"/\"' /proc/self/mountinfo",
            Has(&["unbindable"]),
        ),
        Case::refused(
            "root/propagation-unknown",
            |c| c["linux"]["rootfsPropagation"] = json!("sideways"),
            &["propagation"],
        ),
    ]
}

fn paths() -> Vec<Case> {
    vec![
        Case::inside(
            "paths/masked-file",
            |c| c["linux"]["maskedPaths"] = json!(["/etc/passwd"]),
            "wc -c < /etc/passwd; echo x > /etc/passwd; wc -c < /etc/passwd",
            Out("0\n0"),
        ),
        Case::inside(
            "paths/masked-directory",
            |c| c["linux"]["maskedPaths"] = json!(["/etc"]),
            "ls -A /etc | wc -l; touch /etc/f 2>&1 || true",
            Out("0\ntouch: /etc/f: Read-only file system"),
        ),
        Case::inside(
            "paths/masked-missing-is-ignored",
            |c| c["linux"]["maskedPaths"] = json!(["/nonexistent/file"]),
            "test ! -e /nonexistent && echo fine",
            Out("fine"),
        ),
        Case::inside(
            "paths/masked-kcore",
            |_| {},
            "for f in kcore keys timer_list; do [ -e /proc/$f ] && cat /proc/$f; done; ls -A /sys/firmware | wc -l",
            Out("0"),
        ),
        Case::inside(
            "paths/readonly-file",
            |c| c["linux"]["readonlyPaths"] = json!(["/etc/passwd"]),
            "(echo x >> /etc/passwd) 2>/dev/null || echo x >> /etc/group && echo only that",
            Has(&["only that"]),
        ),
        Case::inside(
            "paths/readonly-directory",
            |c| c["linux"]["readonlyPaths"] = json!(["/etc"]),
            "touch /etc/f 2>&1 || touch /f && echo other is writable",
            Has(&["Read-only file system", "other is writable"]),
        ),
        Case::inside(
            "paths/readonly-missing-is-ignored",
            |c| c["linux"]["readonlyPaths"] = json!(["/nonexistent"]),
            "test ! -e /nonexistent && echo fine",
            Out("fine"),
        ),
        Case::inside(
            "paths/readonly-proc-sys",
            |_| {},
            "(echo x > /proc/sys/kernel/domainname) 2>/dev/null && exit 1; grep '/proc/sys ' /proc/self/mounts",
            Has(&[" ro,"]),
        ),
        Case::inside(
            "paths/readonly-keeps-flags",
            |_| {},
            "grep '/proc/sys ' /proc/self/mounts",
            Has(&["nosuid", "nodev", "noexec"]),
        ),
        Case::refused(
            "paths/masked-relative",
            |c| c["linux"]["maskedPaths"] = json!(["etc"]),
            &["absolute", "etc"],
        ),
    ]
}

fn kernel() -> Vec<Case> {
    vec![
        Case::inside(
            "hostname/set",
            |c| c["hostname"] = json!("other-name"),
            "hostname",
            Out("other-name"),
        ),
        Case::refused("hostname/without-namespace", |c| leave(c, "uts"), &["uts", "hostname"]),
        Case::inside(
            "domainname/set",
            |c| c["domainname"] = json!("example.org"),
            "cat /proc/sys/kernel/domainname",
            Out("example.org"),
        ),
        Case::refused(
            "domainname/without-namespace",
            |c| {
                leave(c, "uts");
                c["hostname"] = json!(null);
                c["domainname"] = json!("example.org");
            },
            &["uts", "domainname"],
        ),
        Case::inside(
            "sysctl/network",
            |c| c["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"}),
            "cat /proc/sys/net/ipv4/ip_forward",
            Out("1"),
        ),
        Case::inside(
            "sysctl/with-slashes",
            |c| c["linux"]["sysctl"] = json!({"net/ipv4/ip_forward": "1"}),
            "cat /proc/sys/net/ipv4/ip_forward",
            Out("1"),
        ),
        Case::inside(
            "sysctl/ipc",
            |c| c["linux"]["sysctl"] = json!({"kernel.msgmax": "4242", "fs.mqueue.msg_max": "9"}),
            "cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max",
            Out("4242\n9"),
        ),
        Case::inside(
            "sysctl/domainname",
            |c| c["linux"]["sysctl"] = json!({"kernel.domainname": "by.sysctl"}),
            "cat /proc/sys/kernel/domainname",
            Out("by.sysctl"),
        ),
        Case::refused(
            "sysctl/hostname-conflicts",
            |c| c["linux"]["sysctl"] = json!({"kernel.hostname": "by-sysctl"}),
            &["kernel.hostname"],
        ),
        Case::refused(
            "sysctl/of-the-host",
            |c| c["linux"]["sysctl"] = json!({"vm.swappiness": "1"}),
            &["vm.swappiness"],
        ),
        Case::bed("sysctl/network-of-the-host", |bed| {
            let mut config: Config = bed.config();
            leave(&mut config, "network");
            config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
            let before = std::fs::read("/proc/sys/net/ipv4/ip_forward")?;
            refused(bed, &config, &["net.ipv4.ip_forward", "network"])?;
            same("the host's", std::fs::read("/proc/sys/net/ipv4/ip_forward")?, before)
        }),
        Case::refused(
            "sysctl/does-not-exist",
            |c| c["linux"]["sysctl"] = json!({"net.ipv4.no_such_thing": "1"}),
            &["no_such_thing", "no such file"],
        ),
        Case::refused(
            "intel-rdt/without-kernel",
            |c| c["linux"]["intelRdt"] = json!({"closID": "c", "l3CacheSchema": "L3:0=f"}),
            &["intelrdt", "intel rdt", "intel_rdt", "resctrl"],
        )
        .needs(&[Need::NoFile("/sys/fs/resctrl/info", "resctrl is mounted")]),
    ]
}
