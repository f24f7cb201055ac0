//! exec: more processes in a running container.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bed::{Bed, Called, same};
use crate::case::{Case, Need};

/// Starts the sleeper and runs `exec` with flags before the id and a command behind it.
fn exec(bed: &Bed, flags: &[&str], command: &[&str]) -> Result<Called> {
    let mut args = vec!["exec"];
    args.extend(flags);
    args.push(bed.id());
    args.extend(command);
    bed.call(&args)
}

fn started(bed: &Bed) -> Result<()> {
    bed.start(&bed.sleeper())
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = flags();
    cases.extend(places());
    cases.extend(ends());
    cases
}

fn flags() -> Vec<Case> {
    vec![
        Case::bed("exec/command", |bed| {
            started(bed)?;
            same("output", exec(bed, &[], &["echo", "a", "b c"])?.ok()?.as_str(), "a b c\n")
        }),
        Case::bed("exec/command-with-flags-of-its-own", |bed| {
            started(bed)?;
            same(
                "output",
                exec(bed, &[], &["head", "-n", "1", "/etc/passwd"])?.ok()?.trim(),
                "root:x:0:0:root:/root:/bin/sh",
            )
        }),
        Case::bed("exec/env", |bed| {
            started(bed)?;
            let out =
                exec(bed, &["--env", "A=1", "--env", "B=2 3"], &["sh", "-c", "echo $A $B $PATH"])?
                    .ok()?;
            same(
                "output",
                out.trim(),
                "1 2 3 /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
        }),
        Case::bed("exec/cwd", |bed| {
            started(bed)?;
            same("cwd", exec(bed, &["--cwd", "/tmp"], &["pwd"])?.ok()?.trim(), "/tmp")
        }),
        Case::bed("exec/cwd-default-is-the-containers", |bed| {
            let mut config = bed.sleeper();
            config["process"]["cwd"] = json!("/etc");
            bed.start(&config)?;
            same("cwd", exec(bed, &[], &["pwd"])?.ok()?.trim(), "/etc")
        }),
        Case::bed("exec/user", |bed| {
            started(bed)?;
            let out = exec(bed, &["--user", "1000:2000"], &["sh", "-c", "id -u; id -g"])?.ok()?;
            same("ids", out.trim(), "1000\n2000")
        }),
        Case::bed("exec/user-only-uid", |bed| {
            started(bed)?;
            same("ids", exec(bed, &["-u", "1000"], &["id", "-u"])?.ok()?.trim(), "1000")
        }),
        Case::bed("exec/additional-gids", |bed| {
            started(bed)?;
            let out = exec(
                bed,
                &["--user", "1000:1000", "--additional-gids", "10", "--additional-gids", "20"],
                &["sh", "-c", "grep Groups /proc/self/status | tr -s '\\t ' ' '"],
            )?
            .ok()?;
            same("groups", out.trim(), "Groups: 10 20")
        }),
        Case::bed("exec/capability", |bed| {
            let mut config = bed.sleeper();
            crate::config::capabilities(&mut config, &["CAP_KILL"]);
            for set in ["inheritable", "ambient"] {
                config["process"]["capabilities"][set] = json!([]);
            }
            bed.start(&config)?;
            let script = "grep -E 'CapBnd|CapEff' /proc/self/status | cut -f2 | sed s/^0*//";
            let out = exec(bed, &["--cap", "CAP_CHOWN"], &["sh", "-c", script])?.ok()?;
            same("sets", out.trim(), "21\n21")?;
            same("without", exec(bed, &[], &["sh", "-c", script])?.ok()?.trim(), "20\n20")
        }),
        Case::bed("exec/capabilities-are-the-containers", |bed| {
            let mut config = bed.sleeper();
            crate::config::capabilities(&mut config, &["CAP_KILL"]);
            bed.start(&config)?;
            let out = bed.exec("grep CapBnd /proc/self/status | cut -f2 | sed s/^0*//")?;
            same("bounding", out.as_str(), "20")
        }),
        Case::bed("exec/no-new-privs", |bed| {
            started(bed)?;
            let script = "grep NoNewPrivs /proc/self/status | tr -d '\\t'";
            same(
                "flag",
                exec(bed, &["--no-new-privs"], &["sh", "-c", script])?.ok()?.trim(),
                "NoNewPrivs:1",
            )?;
            same("no flag", exec(bed, &[], &["sh", "-c", script])?.ok()?.trim(), "NoNewPrivs:0")
        }),
        Case::bed("exec/process-file", |bed| {
            started(bed)?;
            let process = json!({
                "args": ["/bin/sh", "-c", "id -u; pwd; echo $KEY; ulimit -n"],
                "cwd": "/etc", "env": ["PATH=/bin", "KEY=value"],
                "user": {"uid": 7, "gid": 8},
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 99}],
            });
            fs::write(bed.path("process.json"), process.to_string())?;
            let file = bed.text_path("process.json");
            let out = exec(bed, &["--process", &file], &[])?.ok()?;
            same("output", out.trim(), "7\n/etc\nvalue\n99")
        }),
        Case::bed("exec/process-file-short-flag-after-the-id", |bed| {
            started(bed)?;
            let process = json!({"args": ["/bin/echo", "hi"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                                 "env": ["PATH=/bin"]});
            fs::write(bed.path("process.json"), process.to_string())?;
            let file = bed.text_path("process.json");
            same("output", bed.call(&["exec", "-p", &file, bed.id()])?.ok()?.trim(), "hi")
        }),
        Case::bed("exec/process-file-missing", |bed| {
            started(bed)?;
            exec(bed, &["--process", "/nonexistent.json"], &[])?.failed(&["nonexistent.json"])?;
            Ok(())
        }),
        Case::bed("exec/no-command", |bed| {
            started(bed)?;
            exec(bed, &[], &[])?.failed(&["process args cannot be empty", "args"])?;
            Ok(())
        }),
        Case::bed("exec/detach-and-pid-file", |bed| {
            started(bed)?;
            let file = bed.text_path("pid");
            exec(bed, &["--detach", "--pid-file", &file], &["sleep", "999"])?.ok()?;
            let pid: u32 = fs::read_to_string(&file)?.parse()?;
            same("process", fs::read_to_string(format!("/proc/{pid}/comm"))?.trim(), "sleep")?;
            let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
            ensure!(cgroup.contains(bed.id()), "{cgroup}");
            bed.delete()
        }),
        Case::bed("exec/pid-file-cannot-be-written", |bed| {
            started(bed)?;
            exec(bed, &["--pid-file", "/nonexistent/dir/pid"], &["true"])?
                .failed(&["/nonexistent/dir"])?
                .status(255)?;
            Ok(())
        }),
        Case::bed("exec/preserve-fds", |bed| {
            started(bed)?;
            fs::write(bed.path("third"), "third\n")?;
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "exec 3<\"$0\"; exec \"$@\""])
                .arg(bed.path("third"))
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["exec", "--preserve-fds", "1", bed.id(), "cat", "/proc/self/fd/3"]);
            same("output", bed.finish(command)?.ok()?.as_str(), "third\n")
        }),
        Case::bed("exec/cpu-affinity", |bed| {
            let mut config = bed.sleeper();
            config["process"]["execCPUAffinity"] = json!({"initial": "0", "final": "0"});
            bed.start(&config)?;
            let out = bed.exec("grep Cpus_allowed_list /proc/self/status | tr -d '\\t'")?;
            same("affinity", out.as_str(), "Cpus_allowed_list:0")
        })
        .needs(&[Need::File("/sys/devices/system/cpu/cpu1", "one processor only")]),
        Case::bed("exec/apparmor-without-kernel", |bed| {
            started(bed)?;
            exec(bed, &["--apparmor", "profile"], &["true"])?.failed(&["apparmor"])?;
            Ok(())
        })
        .needs(&[Need::NoFile("/sys/module/apparmor", "AppArmor is in the kernel")]),
    ]
}

fn places() -> Vec<Case> {
    vec![
        Case::bed("exec/joins-all-namespaces", |bed| {
            started(bed)?;
            let pid = bed.pid()?;
            for kind in ["pid", "net", "ipc", "uts", "mnt", "cgroup"] {
                let wanted = fs::read_link(format!("/proc/{pid}/ns/{kind}"))?;
                let got = bed.exec(&format!("readlink /proc/self/ns/{kind}"))?;
                same(kind, got.as_str(), wanted.to_string_lossy().as_ref())?;
            }
            Ok(())
        }),
        Case::bed("exec/joins-the-cgroups", |bed| {
            started(bed)?;
            let cgroup = bed.exec("cat /proc/self/cgroup")?;
            let init = fs::read_to_string(format!("/proc/{}/cgroup", bed.pid()?))?;
            same("cgroups", cgroup.trim(), init.trim())
        }),
        Case::bed("exec/sees-the-mounts", |bed| {
            let mut config = bed.sleeper();
            crate::config::mount(&mut config, "/m", "tmpfs", "mine", &[]);
            bed.start(&config)?;
            same("mounts", bed.exec("grep -c '^mine /m' /proc/self/mounts")?.as_str(), "1")
        }),
        Case::bed("exec/only-std-descriptors", |bed| {
            started(bed)?;
            same("descriptors", bed.exec("ls /proc/self/fd | wc -l")?.as_str(), "4")
        }),
        Case::bed("exec/rlimits-are-the-containers", |bed| {
            let mut config = bed.sleeper();
            config["process"]["rlimits"] =
                json!([{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 78}]);
            bed.start(&config)?;
            same("limits", bed.exec("ulimit -Sn; ulimit -Hn")?.as_str(), "77\n78")
        }),
        Case::bed("exec/oom-score-is-the-containers", |bed| {
            let mut config = bed.sleeper();
            config["process"]["oomScoreAdj"] = json!(222);
            bed.start(&config)?;
            same("score", bed.exec("cat /proc/self/oom_score_adj")?.as_str(), "222")
        }),
        Case::bed("exec/in-a-created-container", |bed| {
            bed.create(&bed.sleeper())?;
            same("output", bed.exec("echo before start")?.as_str(), "before start")?;
            same("status", bed.status()?.as_str(), "created")
        }),
        Case::bed("exec/home", |bed| {
            started(bed)?;
            same("root", bed.exec("echo $HOME")?.as_str(), "/root")?;
            let out = exec(bed, &["--user", "1000"], &["sh", "-c", "echo $HOME"])?.ok()?;
            ensure!(["/home/isopod", "/root"].contains(&out.trim()), "{out}");
            Ok(())
        }),
        Case::bed("exec/many-at-once", |bed| {
            started(bed)?;
            let results: Vec<Result<()>> = std::thread::scope(|scope| {
                let workers: Vec<_> = (0..8)
                    .map(|number| {
                        let mut command =
                            bed.command(&["exec", bed.id(), "/bin/echo", &number.to_string()]);
                        scope.spawn(move || {
                            let output =
                                isopod_testkit::Limited::seconds(20).output(&mut command)?;
                            same(
                                "output",
                                String::from_utf8_lossy(&output.stdout).trim(),
                                &*number.to_string(),
                            )
                        })
                    })
                    .collect();
                workers
                    .into_iter()
                    .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("died"))))
                    .collect()
            });
            results.into_iter().collect()
        }),
        Case::bed("exec/into-a-sub-cgroup", |bed| {
            started(bed)?;
            fs::create_dir(bed.cgroup("pids")?.join("below"))?;
            let called = exec(bed, &["--cgroup", "below"], &["cat", "/proc/self/cgroup"])?;
            let out = called.ok()?;
            ensure!(out.contains(&format!("{}/below", bed.id())), "{out}");
            Ok(())
        })
        .needs(&[Need::V2("pids")]),
    ]
}

fn ends() -> Vec<Case> {
    vec![
        Case::bed("exec/exit-status", |bed| {
            started(bed)?;
            exec(bed, &[], &["sh", "-c", "exit 42"])?.status(42)?;
            exec(bed, &[], &["sh", "-c", "kill -9 $$"])?.status(137)?;
            exec(bed, &[], &["sh", "-c", "kill -TERM $$"])?.status(143)?;
            Ok(())
        }),
        Case::bed("exec/program-not-found", |bed| {
            started(bed)?;
            exec(bed, &[], &["nonexistent"])?
                .failed(&["exec: \"nonexistent\": executable file not found in $PATH"])?
                .status(255)?;
            Ok(())
        }),
        Case::bed("exec/program-not-executable", |bed| {
            started(bed)?;
            exec(bed, &[], &["/etc/passwd"])?.failed(&["permission denied"])?.status(255)?;
            Ok(())
        }),
        Case::bed("exec/container-does-not-exist", |bed| {
            bed.call(&["exec", "no-such-container", "true"])?
                .failed(&["does not exist"])?
                .status(255)?;
            Ok(())
        }),
        Case::bed("exec/container-stopped", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            exec(bed, &[], &["true"])?.failed(&["stopped", "not running"])?.status(255)?;
            Ok(())
        }),
        Case::bed("exec/cwd-does-not-exist", |bed| {
            started(bed)?;
            exec(bed, &["--cwd", "/nonexistent"], &["pwd"])?
                .failed(&["no such file or directory"])?
                .status(255)?;
            Ok(())
        }),
        Case::bed("exec/ignore-paused", |bed| {
            started(bed)?;
            bed.call(&["pause", bed.id()])?.ok()?;
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["exec", "--ignore-paused", bed.id(), "true"])
                    .stdin(std::process::Stdio::null()),
            )?;
            std::thread::sleep(std::time::Duration::from_millis(200));
            bed.call(&["resume", bed.id()])?.ok()?;
            let status = isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
            same("status", status.code().context("exit status")?, 0)
        }),
        Case::bed("exec/stdin-is-passed", |bed| {
            started(bed)?;
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "echo from outside | \"$@\"", "sh"])
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["exec", bed.id(), "cat"]);
            same("output", bed.finish(command)?.ok()?.trim(), "from outside")
        }),
    ]
}
