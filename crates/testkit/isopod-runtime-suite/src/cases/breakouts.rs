//! Ways out of containers that were open once, by their names.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bed::{Bed, same};
use crate::case::Case;
use crate::config::{array, leave, mount, unmount};
use crate::runner::refused;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = descriptors();
    cases.extend(mounts());
    cases.extend(procfs());
    cases
}

/// The word that a leaked file would give away.
const SECRET: &str = "host-secret";

fn descriptors() -> Vec<Case> {
    vec![
        Case::bed("breakout/cve-2019-5736-own-executable", own_executable),
        Case::bed("breakout/cve-2024-21626-cwd-at-create", |bed| {
            for number in 3..12 {
                let mut config =
                    bed.script("cat /proc/self/cwd/../../../../etc/hostname; ls ..; pwd");
                config["process"]["cwd"] = json!(format!("/proc/self/fd/{number}"));
                bed.write(&config)?;
                let called = bed.call(&["run", bed.id()])?;
                ensure!(called.status != 0, "descriptor {number} is a way out: {}", called.stdout);
            }
            Ok(())
        }),
        Case::bed("breakout/cve-2024-21626-cwd-at-exec", |bed| {
            bed.start(&bed.sleeper())?;
            for number in 3..12 {
                let cwd = format!("/proc/self/fd/{number}");
                let called = bed.call(&["exec", "--cwd", &cwd, bed.id(), "/bin/ls", ".."])?;
                ensure!(called.status != 0, "descriptor {number} is a way out: {}", called.stdout);
            }
            Ok(())
        }),
        Case::bed("breakout/cve-2024-21626-program-by-descriptor", |bed| {
            for number in 3..12 {
                let mut config = bed.config();
                let program = format!("/proc/self/fd/{number}/../../../../../../../bin/ls");
                config["process"]["args"] = json!([program, "/"]);
                bed.write(&config)?;
                let called = bed.call(&["run", bed.id()])?;
                ensure!(called.status != 0, "descriptor {number} is a way out: {}", called.stdout);
            }
            Ok(())
        }),
        Case::bed("breakout/descriptors-of-the-caller-at-exec", |bed| {
            bed.start(&bed.sleeper())?;
            fs::write(bed.path("secret"), SECRET)?;
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "exec 3<\"$0\" 7</etc; exec \"$@\""])
                .arg(bed.path("secret"))
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["exec", bed.id(), "sh", "-c", "ls /proc/self/fd | wc -l"]);
            same("descriptors", bed.finish(command)?.ok()?.trim(), "4")
        }),
        Case::bed("breakout/no-descriptor-while-waiting-for-start", |bed| {
            // Between create and start the container's first process is the runtime's own.
            bed.create(&bed.sleeper())?;
            let pid = bed.pid()?;
            for entry in fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
                let target = fs::read_link(entry.path()).unwrap_or_default();
                let target = target.to_string_lossy();
                let inside = bed.rootfs().display().to_string();
                let harmless = target.starts_with("pipe:")
                    || target.starts_with("socket:")
                    || target.starts_with("anon_inode:")
                    || target.starts_with("/dev/null")
                    || target.contains("/out-")
                    || target.contains("/err-")
                    || target.contains("fifo")
                    || target.starts_with(&inside);
                ensure!(harmless, "descriptor {:?} is {target}", entry.file_name());
            }
            Ok(())
        }),
        Case::bed("breakout/runtime-is-not-dumpable-in-exec", |bed| {
            // A process of the container watches for the runtime's and tries to open its memory.
            let script = "while [ ! -e /stop ]; do for p in /proc/[0-9]*; do \
                 case $p in /proc/1) continue;; esac; \
                 e=$(readlink $p/exe 2>/dev/null) || continue; \
                 case \"$e\" in /bin/busybox|'') ;; *) echo \"$p $e\" >> /seen;; esac; \
                 done; done";
            bed.start(&bed.script(script))?;
            for _ in 0..20 {
                bed.call(&["exec", bed.id(), "/bin/true"])?.ok()?;
            }
            fs::write(bed.rootfs().join("stop"), "")?;
            let seen = fs::read_to_string(bed.rootfs().join("seen")).unwrap_or_default();
            let runtime = bed.runtime().display().to_string();
            ensure!(!seen.contains(&runtime), "the runtime's own file was seen: {seen}");
            Ok(())
        }),
    ]
}

/// A program in the container that is the runtime itself, held open by another, must not become
/// writable once it has ended.
fn own_executable(bed: &Bed) -> Result<()> {
    // Under the same name: a program may look at the name by which it is called.
    fs::create_dir(bed.path("copy"))?;
    let copy = bed.path("copy").join(bed.runtime().file_name().context("a name")?);
    fs::copy(bed.runtime(), &copy)?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
    let before = fs::read(&copy)?;
    let call = |args: &[&str]| {
        let mut command = std::process::Command::new(&copy);
        command.arg("--root").arg(bed.root()).args(args).current_dir(bed.bundle());
        command
    };
    bed.write(&bed.script("mkfifo /fifo; sleep 1000"))?;
    bed.finish(call(&["create", bed.id()]))?.ok()?;
    bed.finish(call(&["start", bed.id()]))?.ok()?;
    isopod_testkit::Limited::seconds(5)
        .until("the fifo is there", || bed.rootfs().join("fifo").exists())?;
    // The runtime's own file runs inside, and waits for someone to read its log.
    let mut victim = isopod_testkit::ProcessGuard::spawn(
        call(&["exec", bed.id(), "/proc/self/exe", "--log", "/fifo", "list"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    let attack = "for p in /proc/[0-9]*; do e=$(readlink $p/exe 2>/dev/null) || continue; \
        case \"$e\" in */busybox) continue;; esac; \
        exec 3< $p/exe || continue; (cat /fifo > /dev/null &); sleep 0.3; \
        (echo overwritten >> /proc/self/fd/3) 2>/dev/null; exec 3<&-; done; \
        (timeout 1 cat /fifo > /dev/null &); true";
    bed.finish(call(&["exec", bed.id(), "/bin/sh", "-c", attack]))?;
    let _ = isopod_testkit::Limited::seconds(3).wait(&mut victim);
    drop(victim);
    bed.finish(call(&["delete", "--force", bed.id()]))?.ok()?;
    ensure!(fs::read(&copy)? == before, "the runtime's file was overwritten from inside");
    Ok(())
}

fn mounts() -> Vec<Case> {
    vec![
        Case::bed("breakout/cve-2021-30465-destination-through-symlinks", |bed| {
            fs::create_dir(bed.path("outside"))?;
            symlink(bed.path("outside"), bed.rootfs().join("link"))?;
            let mut config = bed.script("true");
            mount(&mut config, "/link/made", "tmpfs", "t", &[]);
            let _ = bed.run(&config)?;
            same("made outside", fs::read_dir(bed.path("outside"))?.count(), 0)
        }),
        Case::bed("breakout/cve-2024-45310-file-made-through-symlinks", |bed| {
            fs::create_dir(bed.path("outside"))?;
            fs::write(bed.path("file"), "x")?;
            symlink(bed.path("outside"), bed.rootfs().join("link"))?;
            let mut config = bed.script("true");
            mount(&mut config, "/link/deep/file", "bind", &bed.text_path("file"), &["bind"]);
            let _ = bed.run(&config)?;
            same("made outside", fs::read_dir(bed.path("outside"))?.count(), 0)
        }),
        Case::bed("breakout/symlink-of-dots-stays-inside", |bed| {
            symlink("../../../../../..", bed.rootfs().join("up"))?;
            let mut config = bed.script("grep -c ' /m tmpfs' /proc/self/mounts");
            mount(&mut config, "/up/m", "tmpfs", "t", &[]);
            same("inside", bed.run(&config)?.ok()?.trim(), "1")
        }),
        Case::bed("breakout/cwd-is-made-inside", |bed| {
            fs::create_dir(bed.path("outside"))?;
            symlink(bed.path("outside"), bed.rootfs().join("link"))?;
            let mut config = bed.script("true");
            config["process"]["cwd"] = json!("/link/made");
            let _ = bed.run(&config)?;
            same("made outside", fs::read_dir(bed.path("outside"))?.count(), 0)
        }),
        Case::bed("breakout/device-is-made-inside", |bed| {
            fs::create_dir(bed.path("outside"))?;
            symlink(bed.path("outside"), bed.rootfs().join("link"))?;
            let mut config = bed.script("true");
            config["linux"]["devices"] =
                json!([{"path": "/link/zero", "type": "c", "major": 1, "minor": 5}]);
            let _ = bed.run(&config)?;
            same("made outside", fs::read_dir(bed.path("outside"))?.count(), 0)
        }),
        Case::bed("breakout/tmpcopyup-copies-from-inside", |bed| {
            fs::create_dir(bed.path("outside"))?;
            fs::write(bed.path("outside/secret"), SECRET)?;
            symlink(bed.path("outside"), bed.rootfs().join("link"))?;
            let mut config = bed.script("cat /link/secret 2>/dev/null; find / -xdev -name secret");
            mount(&mut config, "/link", "tmpfs", "t", &["tmpcopyup"]);
            let called = bed.run(&config)?;
            ensure!(!called.stdout.contains(SECRET), "{}", called.stdout);
            Ok(())
        }),
        Case::bed("breakout/masked-path-by-symlink", |bed| {
            // The mask must not land on what a symlink of the image points to outside.
            fs::write(bed.path("outside"), "untouched")?;
            symlink(bed.path("outside"), bed.rootfs().join("link"))?;
            let mut config = bed.script("true");
            config["linux"]["maskedPaths"] = json!(["/link"]);
            let _ = bed.run(&config)?;
            same("outside", fs::read_to_string(bed.path("outside"))?.as_str(), "untouched")
        }),
        Case::bed("breakout/cve-2025-31133-null-is-a-symlink", |bed| {
            // With a /dev of the image's own, /dev/null can be anything.
            fs::create_dir(bed.path("dev"))?;
            symlink("/etc/passwd", bed.path("dev/null"))?;
            let mut config = bed.script("cat /etc/group");
            for point in ["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"] {
                unmount(&mut config, point);
            }
            mount(&mut config, "/dev", "bind", &bed.text_path("dev"), &["bind"]);
            config["linux"]["maskedPaths"] = json!(["/etc/group"]);
            let called = bed.run(&config)?;
            ensure!(
                !called.stdout.contains("root:x:0:0"),
                "another file was put over the masked one: {}",
                called.stdout
            );
            Ok(())
        }),
        Case::bed("breakout/cve-2025-52565-console-is-a-symlink", |bed| {
            fs::create_dir(bed.path("dev"))?;
            symlink("/etc/group", bed.path("dev/console"))?;
            for name in ["null", "zero", "full", "random", "urandom", "tty"] {
                fs::write(bed.path("dev").join(name), "")?;
            }
            let (emulator, program) = crate::terminal::open()?;
            let mut config = bed.script("grep -c ' /etc/group ' /proc/self/mounts; echo end");
            config["process"]["terminal"] = json!(true);
            for point in ["/dev/shm", "/dev/mqueue", "/dev"] {
                unmount(&mut config, point);
            }
            let pts = array(&mut config, "/mounts")
                .iter()
                .position(|mount| mount["destination"] == "/dev/pts")
                .context("the base mounts devpts")?;
            array(&mut config, "/mounts").insert(
                pts,
                json!({"destination": "/dev", "type": "bind", "source": bed.path("dev"),
                       "options": ["bind"]}),
            );
            fs::create_dir(bed.path("dev/pts"))?;
            bed.write(&config)?;
            bed.remember(bed.id());
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["run", bed.id()])
                    .stdin(program.try_clone()?)
                    .stdout(program.try_clone()?)
                    .stderr(program),
            )?;
            let out = crate::terminal::read_until(&emulator, "end");
            isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
            if let Ok(out) = out {
                ensure!(out.trim_start().starts_with('0'), "mounted over a file: {out}");
            }
            Ok(())
        }),
        Case::bed("breakout/root-is-a-symlink", |bed| {
            fs::create_dir(bed.path("outside"))?;
            symlink(bed.path("outside"), bed.bundle().join("link"))?;
            let mut config = bed.script("true");
            config["root"]["path"] = json!("link");
            // Refused or followed, as long as nothing is run in a half-made root.
            let called = bed.run(&config)?;
            ensure!(called.status != 0, "ran without a system");
            Ok(())
        }),
    ]
}

fn procfs() -> Vec<Case> {
    vec![
        Case::bed("breakout/cve-2019-16884-mount-over-proc", |bed| {
            fs::create_dir(bed.path("fake"))?;
            let mut config = bed.script("true");
            mount(&mut config, "/proc", "bind", &bed.text_path("fake"), &["bind"]);
            refused(bed, &config, &["/proc"])
        }),
        Case::bed("breakout/cve-2025-52881-tmpfs-over-proc", |bed| {
            let mut config = bed.script("true");
            mount(&mut config, "/proc", "tmpfs", "t", &[]);
            refused(bed, &config, &["/proc"])
        }),
        Case::bed("breakout/cve-2025-52881-mount-inside-proc", |bed| {
            fs::write(bed.path("fake"), "")?;
            for target in
                ["/proc/self/attr/exec", "/proc/sys/kernel/domainname", "/proc/self/setgroups"]
            {
                let mut config = bed.script("true");
                mount(&mut config, target, "bind", &bed.text_path("fake"), &["bind"]);
                refused(bed, &config, &["proc"]).context(target)?;
            }
            Ok(())
        }),
        Case::bed("breakout/proc-files-of-lxcfs-are-allowed", |bed| {
            fs::write(bed.path("fake"), "fake cpus\n")?;
            let mut config = bed.script("cat /proc/cpuinfo");
            mount(&mut config, "/proc/cpuinfo", "bind", &bed.text_path("fake"), &["bind"]);
            same("inside", bed.run(&config)?.ok()?.as_str(), "fake cpus\n")
        }),
        Case::bed("breakout/cve-2019-19921-proc-is-a-symlink", |bed| {
            fs::remove_dir(bed.rootfs().join("proc"))?;
            fs::create_dir(bed.rootfs().join("fake"))?;
            symlink("fake", bed.rootfs().join("proc"))?;
            refused(bed, &bed.script("true"), &["/proc", "ordinary directory", "symlink"])
        }),
        Case::bed("breakout/cve-2023-28642-sys-is-a-symlink", |bed| {
            fs::remove_dir(bed.rootfs().join("sys"))?;
            fs::create_dir(bed.rootfs().join("fake"))?;
            symlink("fake", bed.rootfs().join("sys"))?;
            refused(bed, &bed.script("true"), &["/sys", "ordinary directory", "symlink"])
        }),
        Case::bed("breakout/cve-2022-29162-no-inheritable-capabilities", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed
                .call(&[
                    "exec",
                    "--cap",
                    "CAP_CHOWN",
                    bed.id(),
                    "grep",
                    "CapInh",
                    "/proc/self/status",
                ])?
                .ok()?;
            ensure!(out.trim().ends_with("0000000000000000"), "{out}");
            Ok(())
        }),
        Case::bed("breakout/keyring-is-its-own", |bed| {
            let out =
                bed.run(&bed.script("cat /proc/keys 2>/dev/null | grep -c _ses; true"))?.ok()?;
            // /proc/keys is masked; what matters is that no key of the caller's session shows.
            same("session keys", out.trim(), "0")
        }),
        Case::bed("breakout/pid-namespace-of-the-host-hides-the-runtime", |bed| {
            // Even with the host's processes in sight, those of the runtime cannot be entered.
            let mut config = bed.script("ls /proc/1/root/ 2>/dev/null | wc -l");
            leave(&mut config, "pid");
            same("the host's root", bed.run(&config)?.ok()?.trim(), "0")
        }),
        Case::bed("breakout/sysrq-and-kernel-files-are-not-writable", |bed| {
            let script = "for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /sys/kernel/uevent_helper /proc/sys/kernel/modprobe; do \
                 [ -e $f ] && (: >> $f) 2>/dev/null && echo opened $f; done; true";
            same("opened", bed.run(&bed.script(script))?.ok()?.as_str(), "")
        }),
        Case::bed("breakout/mknod-of-the-disk-does-not-open", |bed| {
            let script = "for n in '7 0' '8 0' '252 0' '254 0' '259 0'; do set -- $n; mknod /b$1 b $1 $2; head -c 1 /b$1 2>/dev/null && echo opened; done; true";
            same("opened", bed.run(&bed.script(script))?.ok()?.as_str(), "")
        }),
    ]
}
