//! `mounts`: types, sources, options and where they end up.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bed::{Bed, same};
use crate::case::Expect::{Has, Out};
use crate::case::{Case, Need};
use crate::config::{Config, array, mount, mount_options, namespace, unmount};
use crate::runner::refused;

/// Prints mount options and the super block's of the mount at `/m`.
const OPTIONS: &str = "awk '$5 == \"/m\" {print $6}' /proc/self/mountinfo";

/// `mount_setattr(2)`.
const RECURSIVE: &[Need] = &[Need::Kernel(5, 12)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = types();
    cases.extend(options());
    cases.extend(binds());
    cases.extend(places());
    cases
}

fn tmpfs(config: &mut Config, options: &[&str]) {
    mount(config, "/m", "tmpfs", "tmpfs", options);
}

fn types() -> Vec<Case> {
    vec![
        Case::inside(
            "mounts/default-types",
            |_| {},
            "awk '{print $2, $3}' /proc/self/mounts | sort | tr '\\n' ';'",
            Has(&["/dev tmpfs;", "/dev/mqueue mqueue;", "/dev/pts devpts;", "/dev/shm tmpfs;",
                  "/proc proc;", "/sys sysfs;"]),
        ),
        Case::inside(
            "mounts/tmpfs-size-and-mode",
            |c| tmpfs(c, &["size=128k", "mode=0710", "uid=7", "gid=8"]),
            "stat -c '%a %u %g' /m; df -k /m | tail -1 | awk '{print $2}'",
            Out("710 7 8\n128"),
        ),
        Case::inside(
            "mounts/tmpfs-full",
            |c| tmpfs(c, &["size=64k"]),
            "dd if=/dev/zero of=/m/f bs=1k count=65 2>&1 | grep -c 'No space left'",
            Out("1"),
        ),
        Case::inside(
            "mounts/devpts-is-new",
            |_| {},
            "ls /dev/pts; readlink /dev/ptmx; stat -c %a /dev/pts/ptmx",
            Out("ptmx\npts/ptmx\n666"),
        ),
        Case::inside("mounts/shm-is-empty", |_| {}, "ls -A /dev/shm | wc -l; stat -c %a /dev/shm", Out("0\n1777")),
        Case::inside(
            "mounts/sysfs-is-readonly",
            |_| {},
            "(: >> /sys/kernel/profiling) 2>/dev/null && exit 1; grep ' /sys ' /proc/self/mounts",
            Has(&[" ro,", "nosuid", "nodev", "noexec"]),
        ),
        Case::inside(
            "mounts/proc-shows-the-container",
            |_| {},
            "cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 6)}'",
            Out("sh\n1"),
        ),
        Case::inside(
            "mounts/tmpcopyup",
            |c| mount(c, "/etc", "tmpfs", "tmpfs", &["tmpcopyup"]),
            "head -1 /etc/passwd; touch /etc/new && grep -c ' /etc tmpfs' /proc/self/mounts",
            Out("root:x:0:0:root:/root:/bin/sh\n1"),
        ),
        Case::bed("mounts/tmpcopyup-leaves-the-source", |bed| {
            let mut config = bed.script("rm /etc/passwd; ls /etc");
            mount(&mut config, "/etc", "tmpfs", "tmpfs", &["tmpcopyup"]);
            same("inside", bed.run(&config)?.ok()?.trim(), "group")?;
            ensure!(bed.rootfs().join("etc/passwd").exists());
            Ok(())
        }),
        Case::bed("mounts/overlay", |bed| {
            for dir in ["lower", "upper", "work"] {
                fs::create_dir(bed.path(dir))?;
            }
            fs::write(bed.path("lower/file"), "below")?;
            let mut config = bed.script("cat /m/file; echo above > /m/file");
            let data = format!(
                "lowerdir={},upperdir={},workdir={}",
                bed.text_path("lower"),
                bed.text_path("upper"),
                bed.text_path("work")
            );
            mount(&mut config, "/m", "overlay", "overlay", &[&data]);
            same("inside", bed.run(&config)?.ok()?.as_str(), "below")?;
            same("upper", fs::read_to_string(bed.path("upper/file"))?.trim(), "above")
        })
        .needs(&[Need::File("/sys/module/overlay", "overlayfs is not in the kernel")]),
        Case::refused(
            "mounts/unknown-type",
            |c| mount(c, "/m", "nosuchfs", "none", &[]),
            &["nosuchfs", "no such device"],
        ),
        Case::inside(
            "mounts/cgroup-is-readonly",
            |c| {
                namespace(c, "cgroup");
                mount(c, "/sys/fs/cgroup", "cgroup", "cgroup",
                      &["nosuid", "noexec", "nodev", "relatime", "ro"]);
            },
            "test -n \"$(ls /sys/fs/cgroup)\" && grep -E ' /sys/fs/cgroup[^ ]* cgroup' /proc/self/mounts | grep -vc ' ro,'; true",
            Out("0"),
        )
        .needs(&[Need::Namespace("cgroup")]),
        Case::inside(
            "mounts/cgroup-shows-the-container-only",
            |c| {
                namespace(c, "cgroup");
                mount(c, "/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev"]);
            },
            "d=/sys/fs/cgroup; test -d $d/pids && d=$d/pids; grep -c '^1$' $d/cgroup.procs",
            Out("1"),
        )
        .needs(&[Need::Namespace("cgroup")]),
        Case::inside(
            "mounts/cgroup-v1-without-namespace",
            |c| mount(c, "/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "ro"]),
            "grep -c '^1$' /sys/fs/cgroup/pids/cgroup.procs; ls /sys/fs/cgroup | grep -cE '^(memory|devices)$'",
            Out("1\n2"),
        )
        .needs(&[Need::V1("pids"), Need::V1("memory"), Need::V1("devices")]),
        Case::inside(
            "mounts/cgroup-without-namespace",
            |c| mount(c, "/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "ro"]),
            "grep -c pids /sys/fs/cgroup/cgroup.controllers",
            Out("1"),
        )
        .needs(&[Need::V2("pids")]),
    ]
}

fn options() -> Vec<Case> {
    vec![
        Case::inside("mounts/option-ro", |c| tmpfs(c, &["ro"]), OPTIONS, Out("ro,relatime")),
        Case::inside("mounts/option-rw", |c| tmpfs(c, &["rw"]), OPTIONS, Out("rw,relatime")),
        Case::inside(
            "mounts/options-nosuid-nodev-noexec",
            |c| tmpfs(c, &["nosuid", "nodev", "noexec"]),
            OPTIONS,
            Out("rw,nosuid,nodev,noexec,relatime"),
        ),
        Case::inside(
            "mounts/options-undone",
            |c| tmpfs(c, &["nosuid", "nodev", "noexec", "suid", "dev", "exec"]),
            OPTIONS,
            Out("rw,relatime"),
        ),
        Case::inside(
            "mounts/option-noatime",
            |c| tmpfs(c, &["noatime"]),
            OPTIONS,
            Out("rw,noatime"),
        ),
        Case::inside(
            "mounts/option-strictatime",
            |c| tmpfs(c, &["strictatime"]),
            OPTIONS,
            Out("rw"),
        ),
        Case::inside(
            "mounts/option-nodiratime",
            |c| tmpfs(c, &["nodiratime", "relatime"]),
            OPTIONS,
            Out("rw,nodiratime,relatime"),
        ),
        Case::inside(
            "mounts/option-nosymfollow",
            |c| tmpfs(c, &["nosymfollow"]),
            OPTIONS,
            Out("rw,relatime,nosymfollow"),
        ),
        Case::inside(
            "mounts/option-sync",
            |c| tmpfs(c, &["sync"]),
            "awk '$2 == \"/m\" {print $4}' /proc/self/mounts",
            Has(&["sync"]),
        ),
        Case::inside(
            "mounts/option-noexec-works",
            |c| tmpfs(c, &["noexec"]),
            "cp /bin/busybox /m/ && (/m/busybox true) 2>/dev/null || echo refused",
            Out("refused"),
        ),
        Case::inside(
            "mounts/option-nodev-works",
            |c| tmpfs(c, &["nodev"]),
            "mknod /m/null c 1 3; cat /m/null 2>/dev/null || echo refused",
            Out("refused"),
        ),
        Case::inside(
            "mounts/option-shared",
            |c| tmpfs(c, &["shared"]),
            "awk '$5 == \"/m\"' /proc/self/mountinfo",
            Has(&["shared:"]),
        ),
        Case::inside(
            "mounts/option-private",
            |c| tmpfs(c, &["rprivate"]),
            "awk '$5 == \"/m\"' /proc/self/mountinfo | grep -cE 'shared|master'; true",
            Out("0"),
        ),
        Case::inside(
            "mounts/option-unbindable",
            |c| tmpfs(c, &["unbindable"]),
            "awk '$5 == \"/m\"' /proc/self/mountinfo",
            Has(&["unbindable"]),
        ),
        Case::refused(
            "mounts/option-unknown-data",
            |c| tmpfs(c, &["nosuchoption=1"]),
            &["invalid argument", "nosuchoption"],
        ),
        Case::bed("mounts/recursive-rro", |bed| nested(bed, "rro", "ro", true)).needs(RECURSIVE),
        Case::bed("mounts/recursive-rnoexec", |bed| nested(bed, "rnoexec", "noexec", true))
            .needs(RECURSIVE),
        Case::bed("mounts/recursive-rnosuid", |bed| nested(bed, "rnosuid", "nosuid", true))
            .needs(RECURSIVE),
        Case::bed("mounts/recursive-rnodev", |bed| nested(bed, "rnodev", "nodev", true))
            .needs(RECURSIVE),
        Case::bed("mounts/recursive-ratime", |bed| nested(bed, "rnoatime", "noatime", true))
            .needs(RECURSIVE),
        Case::bed("mounts/plain-ro-stays-on-top", |bed| nested(bed, "ro", "ro", false))
            .needs(RECURSIVE),
    ]
}

/// Binds a tree with a mount inside, and looks whether an option reached both.
fn nested(bed: &Bed, option: &str, flag: &str, inner: bool) -> Result<()> {
    let tree = bed.path("tree");
    fs::create_dir_all(tree.join("inner"))?;
    rustix::mount::mount(
        "tmpfs",
        tree.join("inner"),
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    )?;
    let mut config = bed.script("awk '$5 ~ \"^/m\" {print $5, $6}' /proc/self/mountinfo");
    mount(&mut config, "/m", "bind", &bed.text_path("tree"), &["rbind", option]);
    let called = bed.run(&config);
    rustix::mount::unmount(tree.join("inner"), rustix::mount::UnmountFlags::empty())?;
    let out = called?.ok()?;
    let has = |point: &str| -> Result<bool> {
        let line = out
            .lines()
            .find(|line| line.split(' ').next() == Some(point))
            .with_context(|| format!("{point} is not in {out:?}"))?;
        Ok(line.split(' ').nth(1).is_some_and(|flags| flags.split(',').any(|f| f == flag)))
    };
    same(&format!("{flag} on the outer mount"), has("/m")?, true)?;
    same(&format!("{flag} on the inner mount"), has("/m/inner")?, inner)
}

/// A directory outside with one file, and its bind at `/m`.
fn bound(bed: &Bed, options: &[&str], script: &str) -> Result<Config> {
    fs::create_dir_all(bed.path("source"))?;
    fs::write(bed.path("source/file"), "outside\n")?;
    let mut config = bed.script(script);
    mount(&mut config, "/m", "bind", &bed.text_path("source"), options);
    Ok(config)
}

fn binds() -> Vec<Case> {
    vec![
        Case::bed("mounts/bind", |bed| {
            let config = bound(bed, &["bind"], "cat /m/file; echo inside > /m/new")?;
            same("inside", bed.run(&config)?.ok()?.as_str(), "outside\n")?;
            same("outside", fs::read_to_string(bed.path("source/new"))?.as_str(), "inside\n")
        }),
        Case::bed("mounts/bind-readonly", |bed| {
            let config = bound(bed, &["bind", "ro"], "touch /m/new 2>&1 || cat /m/file")?;
            let out = bed.run(&config)?.ok()?;
            ensure!(out.contains("Read-only file system") && out.contains("outside"), "{out}");
            Ok(())
        }),
        Case::bed("mounts/bind-flags", |bed| {
            let config = bound(bed, &["rbind", "nosuid", "nodev", "noexec", "ro"], OPTIONS)?;
            let out = bed.run(&config)?.ok()?;
            ensure!(out.starts_with("ro,nosuid,nodev,noexec"), "{out}");
            Ok(())
        }),
        Case::bed("mounts/bind-by-option-without-type", |bed| {
            let mut config = bound(bed, &["bind"], "cat /m/file")?;
            let last = array(&mut config, "/mounts").last_mut().context("just added")?;
            last["type"] = json!("none");
            same("inside", bed.run(&config)?.ok()?.as_str(), "outside\n")
        }),
        Case::bed("mounts/bind-file", |bed| {
            fs::write(bed.path("file"), "a file\n")?;
            let mut config = bed.script("cat /new/file /etc/passwd");
            mount(&mut config, "/new/file", "bind", &bed.text_path("file"), &["bind"]);
            mount(&mut config, "/etc/passwd", "bind", &bed.text_path("file"), &["bind", "ro"]);
            same("inside", bed.run(&config)?.ok()?.as_str(), "a file\na file\n")
        }),
        Case::bed("mounts/bind-relative-source", |bed| {
            fs::create_dir(bed.bundle().join("data"))?;
            fs::write(bed.bundle().join("data/file"), "relative")?;
            let mut config = bed.script("cat /m/file");
            mount(&mut config, "/m", "bind", "data", &["bind"]);
            same("inside", bed.run(&config)?.ok()?.as_str(), "relative")
        }),
        Case::bed("mounts/rbind-takes-inner-mounts", |bed| nested(bed, "rnosuid", "nosuid", true)),
        Case::bed("mounts/bind-missing-source", |bed| {
            let mut config = bed.script("true");
            mount(&mut config, "/m", "bind", &bed.text_path("nowhere"), &["bind"]);
            refused(bed, &config, &["nowhere", "no such file"])
        }),
        Case::bed("mounts/bind-over-a-symlink-follows-inside", |bed| {
            fs::create_dir(bed.rootfs().join("real"))?;
            symlink("/real", bed.rootfs().join("m"))?;
            let config = bound(bed, &["bind"], "cat /real/file")?;
            same("inside", bed.run(&config)?.ok()?.as_str(), "outside\n")
        }),
        Case::bed("mounts/bind-propagates-from-the-host", |bed| {
            fs::create_dir_all(bed.path("tree/inner"))?;
            let tree = bed.path("tree");
            rustix::mount::mount_bind(&tree, &tree)?;
            rustix::mount::mount_change(&tree, rustix::mount::MountPropagationFlags::SHARED)?;
            let result = (|| {
                let mut config = bed.sleeper();
                mount(&mut config, "/m", "bind", &bed.text_path("tree"), &["rbind", "rslave"]);
                config["linux"]["rootfsPropagation"] = json!("slave");
                bed.start(&config)?;
                rustix::mount::mount(
                    "tmpfs",
                    tree.join("inner"),
                    "tmpfs",
                    rustix::mount::MountFlags::empty(),
                    None,
                )?;
                let seen = bed.exec("grep -c ' /m/inner tmpfs' /proc/self/mounts");
                rustix::mount::unmount(tree.join("inner"), rustix::mount::UnmountFlags::DETACH)?;
                same("seen inside", seen?.as_str(), "1")
            })();
            rustix::mount::unmount(&tree, rustix::mount::UnmountFlags::DETACH)?;
            result
        }),
        Case::bed("mounts/idmapped-bind", |bed| {
            let mut config = bound(bed, &["bind"], "stat -c %u:%g /m/file")?;
            let last = array(&mut config, "/mounts").last_mut().context("just added")?;
            let mapping = json!([{"containerID": 0, "hostID": 5000, "size": 1000}]);
            last["uidMappings"] = mapping.clone();
            last["gidMappings"] = mapping;
            same("owner", bed.run(&config)?.ok()?.trim(), "5000:5000")
        })
        .needs(&[Need::IdmappedMounts]),
    ]
}

fn places() -> Vec<Case> {
    vec![
        Case::inside(
            "mounts/destination-is-made",
            |c| mount(c, "/a/b/c", "tmpfs", "t", &[]),
            "grep -c ' /a/b/c tmpfs' /proc/self/mounts; stat -c %a /a/b",
            Out("1\n755"),
        ),
        Case::inside(
            "mounts/in-order",
            |c| {
                mount(c, "/m", "tmpfs", "first", &[]);
                mount(c, "/m/inner", "tmpfs", "second", &[]);
                mount(c, "/m", "tmpfs", "third", &[]);
            },
            "awk '$2 ~ \"^/m\" {print $1, $2}' /proc/self/mounts | tr '\\n' ';'; ls /m",
            Out("first /m;second /m/inner;third /m;"),
        ),
        Case::inside(
            "mounts/destination-dots-stay-inside",
            |c| mount(c, "/../../m", "tmpfs", "dots", &[]),
            "grep -c '^dots /m tmpfs' /proc/self/mounts",
            Out("1"),
        ),
        Case::inside(
            "mounts/source-is-kept",
            |c| mount(c, "/m", "tmpfs", "my-source", &[]),
            "grep -c '^my-source /m ' /proc/self/mounts",
            Out("1"),
        ),
        Case::bed("mounts/over-dev", |bed| {
            fs::create_dir(bed.path("dev"))?;
            fs::write(bed.path("dev/own"), "")?;
            let mut mknod = std::process::Command::new("mknod");
            mknod.arg(bed.path("dev/null")).args(["c", "1", "3"]);
            isopod_testkit::Limited::seconds(5).output(&mut mknod)?;
            let mut config = bed.script("ls /dev");
            for point in ["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"] {
                unmount(&mut config, point);
            }
            mount(&mut config, "/dev", "bind", &bed.text_path("dev"), &["bind"]);
            let out = bed.run(&config)?.ok()?;
            ensure!(out.lines().any(|line| line == "own"), "{out}");
            Ok(())
        }),
        Case::inside(
            "mounts/dev-options",
            |c| {
                mount_options(
                    c,
                    "/dev",
                    &["nosuid", "strictatime", "mode=755", "size=65536k", "ro"],
                )
            },
            "touch /dev/f 2>&1 || echo x > /dev/null && echo null works",
            Has(&["Read-only", "null works"]),
        ),
        Case::refused(
            "mounts/destination-empty",
            |c| mount(c, "", "tmpfs", "t", &[]),
            &["destination", "mount", "empty"],
        ),
    ]
}
