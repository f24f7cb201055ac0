//! create, start, state, kill, delete, pause, list, ps: the life of a container.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bed::{Bed, same};
use crate::case::{Case, Need};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = birth();
    cases.extend(state());
    cases.extend(signals());
    cases.extend(death());
    cases.extend(pausing());
    cases.extend(lists());
    cases
}

fn birth() -> Vec<Case> {
    vec![
        Case::bed("create/does-not-run-the-process", |bed| {
            bed.create(&bed.script("touch /ran"))?;
            same("status", bed.status()?.as_str(), "created")?;
            ensure!(!bed.rootfs().join("ran").exists(), "the process ran before start");
            bed.call(&["start", bed.id()])?.ok()?;
            bed.wait_status("stopped")?;
            ensure!(bed.rootfs().join("ran").exists(), "the process did not run");
            Ok(())
        }),
        Case::bed("create/id-exists", |bed| {
            bed.create(&bed.sleeper())?;
            bed.call(&["create", bed.id()])?.failed(&["already exists", "exists"])?;
            same("status", bed.status()?.as_str(), "created")
        }),
        Case::bed("create/id-with-slash", |bed| {
            bed.write(&bed.sleeper())?;
            bed.call(&["create", "../escape"])?.failed(&["invalid", "id"])?;
            ensure!(!bed.path("escape").exists());
            Ok(())
        }),
        Case::bed("create/id-of-dots", |bed| {
            bed.write(&bed.sleeper())?;
            for id in ["..", "."] {
                bed.call(&["create", id])?.failed(&["invalid", "id"])?;
            }
            Ok(())
        }),
        Case::bed("create/id-empty", |bed| {
            bed.write(&bed.sleeper())?;
            bed.call(&["create", ""])?.failed(&["id"])?;
            Ok(())
        }),
        Case::bed("create/id-of-all-allowed-characters", |bed| {
            let id = format!("{}_A-z.0+9", bed.id());
            bed.remember(&id);
            bed.write(&bed.sleeper())?;
            bed.call(&["create", &id])?.ok()?;
            bed.call(&["delete", "--force", &id])?.ok()?;
            Ok(())
        }),
        Case::bed("create/no-config", |bed| {
            bed.call(&["create", bed.id()])?.failed(&["config.json"])?;
            Ok(())
        }),
        Case::bed("create/no-bundle", |bed| {
            let nowhere = bed.text_path("nowhere");
            bed.call(&["create", "--bundle", &nowhere, bed.id()])?.failed(&["nowhere"])?;
            Ok(())
        }),
        Case::bed("create/config-is-not-json", |bed| {
            fs::write(bed.bundle().join("config.json"), "{\"ociVersion\": \"1.0.2\",")?;
            bed.call(&["create", bed.id()])?.failed(&["json", "EOF", "config.json"])?;
            Ok(())
        }),
        Case::bed("create/config-of-wrong-types", |bed| {
            let mut config = bed.sleeper();
            config["process"]["args"] = json!("not a list");
            bed.write(&config)?;
            bed.call(&["create", bed.id()])?.failed(&["args", "line"])?;
            Ok(())
        }),
        Case::bed("create/unknown-fields-are-ignored", |bed| {
            let mut config = bed.script("echo fine");
            config["x-unknown"] = json!({"a": [1, 2]});
            config["linux"]["unknownToo"] = json!(true);
            same("inside", bed.run(&config)?.ok()?.trim(), "fine")
        }),
        Case::bed("create/go-nulls-are-empty", |bed| {
            let mut config = bed.script("echo fine");
            config["hooks"] = Value::Null;
            config["linux"]["devices"] = Value::Null;
            config["linux"]["sysctl"] = Value::Null;
            config["process"]["rlimits"] = Value::Null;
            same("inside", bed.run(&config)?.ok()?.trim(), "fine")
        }),
        Case::bed("create/versions-of-the-specification", |bed| {
            for version in ["1.0.0", "1.0.2-dev", "1.1.0", "1.2.0"] {
                let mut config = bed.script("echo fine");
                config["ociVersion"] = json!(version);
                same(version, bed.run(&config)?.ok()?.trim(), "fine")?;
            }
            Ok(())
        }),
        Case::bed("create/failure-leaves-nothing", |bed| {
            let mut config = bed.sleeper();
            crate::config::mount(&mut config, "/m", "bind", "/nonexistent/source", &["bind"]);
            bed.write(&config)?;
            bed.call(&["create", bed.id()])?.failed(&[])?;
            let left: Vec<_> = fs::read_dir(bed.root())
                .map(|dir| dir.flatten().map(|entry| entry.file_name()).collect())
                .unwrap_or_default();
            ensure!(!left.iter().any(|name| name == bed.id()), "the state directory has {left:?}");
            ensure!(!bed.cgroup("pids")?.exists(), "the cgroup is still there");
            // And the id can be used again.
            bed.start(&bed.sleeper())
        }),
        Case::bed("create/pid-file", |bed| {
            bed.write(&bed.sleeper())?;
            let file = bed.text_path("pid");
            bed.call(&["create", "--pid-file", &file, bed.id()])?.ok()?;
            let pid: u64 = fs::read_to_string(&file)?.parse().context("only the number")?;
            same("pid", pid, bed.pid()?)
        }),
        Case::bed("create/bundle-flag-before-and-after-the-id", |bed| {
            bed.write(&bed.sleeper())?;
            let bundle = bed.bundle().display().to_string();
            for args in [
                vec!["create", "--bundle", &bundle, bed.id()],
                vec!["create", "-b", &bundle, bed.id()],
                vec!["create", bed.id(), "--bundle", &bundle],
                vec!["create", bed.id(), "-b", &bundle],
            ] {
                let mut command = bed.command(&args);
                command.current_dir("/");
                bed.finish(command)?.ok().with_context(|| format!("{args:?}"))?;
                bed.call(&["delete", "--force", bed.id()])?.ok()?;
            }
            Ok(())
        }),
        Case::bed("start/twice", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["start", bed.id()])?
                .failed(&["cannot start a container that has already started", "running"])?;
            Ok(())
        }),
        Case::bed("start/stopped", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            bed.call(&["start", bed.id()])?.failed(&["stopped"])?;
            Ok(())
        }),
        Case::bed("start/does-not-exist", |bed| {
            bed.call(&["start", "no-such-container"])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("run/detached", |bed| {
            bed.write(&bed.sleeper())?;
            let file = bed.text_path("pid");
            bed.call(&["run", "--detach", "--pid-file", &file, bed.id()])?.ok()?;
            same("status", bed.status()?.as_str(), "running")?;
            same("pid", fs::read_to_string(&file)?.parse::<u64>()?, bed.pid()?)
        }),
        Case::bed("run/removes-the-container-at-its-end", |bed| {
            bed.run(&bed.script("true"))?.ok()?;
            bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("run/keep", |bed| {
            bed.write(&bed.script("exit 3"))?;
            bed.call(&["run", "--keep", bed.id()])?.status(3)?;
            same("status", bed.status()?.as_str(), "stopped")?;
            bed.call(&["delete", bed.id()])?.ok()?;
            Ok(())
        }),
        Case::bed("run/forwards-signals", |bed| {
            bed.write(&bed.script(
                "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done",
            ))?;
            bed.remember(bed.id());
            let out = fs::File::create(bed.path("forward"))?;
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["run", bed.id()]).stdin(std::process::Stdio::null()).stdout(out),
            )?;
            bed.wait_file(&bed.path("forward"))?;
            guard.signal(rustix::process::Signal::TERM)?;
            let status = isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
            same("status", status.code(), Some(5))?;
            same("output", fs::read_to_string(bed.path("forward"))?.as_str(), "ready\ngot it\n")
        }),
        Case::bed("run/preserve-fds", |bed| {
            bed.write(&bed.script("cat /proc/self/fd/3; ls /proc/self/fd | wc -l"))?;
            fs::write(bed.path("third"), "third\n")?;
            // The shell opens descriptor 3 for the runtime.
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "exec 3<\"$0\"; shift 0; exec \"$@\""])
                .arg(bed.path("third"))
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["run", "--preserve-fds", "1", bed.id()])
                .current_dir(bed.bundle());
            same("inside", bed.finish(command)?.ok()?.as_str(), "third\n5\n")
        }),
        Case::bed("run/other-descriptors-stay-outside", |bed| {
            bed.write(&bed.script("ls /proc/self/fd | wc -l"))?;
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "exec 3</etc/passwd 9</etc/passwd; exec \"$@\"", "sh"])
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["run", bed.id()])
                .current_dir(bed.bundle());
            same("inside", bed.finish(command)?.ok()?.trim(), "4")
        }),
        Case::bed("run/no-pivot", |bed| {
            bed.write(&bed.script("ls / | head -1; echo fine"))?;
            let out = bed.call(&["run", "--no-pivot", bed.id()])?.ok()?;
            same("inside", out.as_str(), "bin\nfine\n")
        }),
        Case::bed("run/no-new-keyring", |bed| {
            bed.write(&bed.script("echo fine"))?;
            same("inside", bed.call(&["run", "--no-new-keyring", bed.id()])?.ok()?.trim(), "fine")
        }),
        Case::bed("run/listen-fds", |bed| {
            let mut config = bed.script("cat /proc/self/fd/3; echo $LISTEN_FDS");
            config["process"]["env"] = json!(["PATH=/bin"]);
            bed.write(&config)?;
            fs::write(bed.path("third"), "third\n")?;
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", "exec 3<\"$0\"; export LISTEN_PID=$$; exec \"$@\""])
                .arg(bed.path("third"))
                .arg(bed.runtime())
                .arg("--root")
                .arg(bed.root())
                .args(["run", bed.id()])
                .env("LISTEN_FDS", "1")
                .current_dir(bed.bundle());
            same("inside", bed.finish(command)?.ok()?.as_str(), "third\n1\n")
        }),
        Case::bed("run/reaps-and-passes-the-status-of-init", |bed| {
            bed.run(&bed.script("(sleep 0.05; exit 1) & sh -c 'exit 9' & wait; exit 4"))?
                .status(4)?;
            Ok(())
        }),
    ]
}

fn state() -> Vec<Case> {
    vec![
        Case::bed("state/fields", |bed| {
            let mut config = bed.sleeper();
            config["annotations"] = json!({"org.example.key": "value"});
            bed.start(&config)?;
            let state = bed.state()?;
            same("id", &state["id"], &json!(bed.id()))?;
            same("status", &state["status"], &json!("running"))?;
            same("bundle", &state["bundle"], &json!(bed.bundle().canonicalize()?))?;
            same("rootfs", &state["rootfs"], &json!(bed.rootfs().canonicalize()?))?;
            same("annotations", &state["annotations"], &json!({"org.example.key": "value"}))?;
            same("owner", &state["owner"], &json!(""))?;
            ensure!(state["ociVersion"].as_str().is_some_and(|v| v.starts_with("1.")), "{state}");
            let created = state["created"].as_str().context("created")?;
            ensure!(created.len() >= 20 && created.ends_with('Z'), "{created}");
            let pid = state["pid"].as_u64().context("pid")?;
            // `start` returns when the process is let go, which may be a moment before it is there.
            isopod_testkit::Limited::seconds(5).until("the process is sleep", || {
                fs::read_to_string(format!("/proc/{pid}/comm"))
                    .is_ok_and(|name| name.trim() == "sleep")
            })
        }),
        Case::bed("state/keys-in-order", |bed| {
            bed.create(&bed.sleeper())?;
            let text = bed.call(&["state", bed.id()])?.ok()?;
            let keys: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("  \"")?.split('"').next())
                .collect();
            let wanted = ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created"];
            same("keys", keys[..7.min(keys.len())].to_vec(), wanted.to_vec())
        }),
        Case::bed("state/created", |bed| {
            bed.create(&bed.sleeper())?;
            let state = bed.state()?;
            same("status", &state["status"], &json!("created"))?;
            ensure!(state["pid"].as_u64().is_some_and(|pid| pid > 0), "{state}");
            Ok(())
        }),
        Case::bed("state/stopped-has-no-pid", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            same("pid", &bed.state()?["pid"], &json!(0))
        }),
        Case::bed("state/does-not-exist", |bed| {
            bed.call(&["state", "no-such-container"])?.failed(&["does not exist"])?.status(1)?;
            Ok(())
        }),
        Case::bed("state/survives-a-changed-bundle", |bed| {
            bed.start(&bed.sleeper())?;
            fs::remove_file(bed.bundle().join("config.json"))?;
            same("status", bed.status()?.as_str(), "running")?;
            bed.delete()
        }),
        Case::bed("state/init-killed-from-outside", |bed| {
            bed.start(&bed.sleeper())?;
            let pid = i32::try_from(bed.pid()?)?;
            let pid = rustix::process::Pid::from_raw(pid).context("pid")?;
            rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
            bed.wait_status("stopped")?;
            bed.call(&["delete", bed.id()])?.ok()?;
            Ok(())
        }),
        Case::bed("state/created-and-killed-from-outside", |bed| {
            bed.create(&bed.sleeper())?;
            let pid = i32::try_from(bed.pid()?)?;
            let pid = rustix::process::Pid::from_raw(pid).context("pid")?;
            rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
            bed.wait_status("stopped")?;
            bed.call(&["start", bed.id()])?.failed(&[])?;
            bed.call(&["delete", bed.id()])?.ok()?;
            Ok(())
        }),
    ]
}

/// A container that writes the names of signals that it gets.
fn trapping(bed: &Bed) -> Result<()> {
    let script = "for s in HUP USR1 USR2 TERM INT WINCH; do trap \"echo $s >> /got\" $s; done; \
                  echo ready > /ready; while :; do sleep 0.02; done";
    bed.start(&bed.script(script))?;
    bed.wait_file(&bed.rootfs().join("ready"))?;
    Ok(())
}

fn signals() -> Vec<Case> {
    vec![
        Case::bed("kill/by-name-and-number", |bed| {
            trapping(bed)?;
            let got = bed.rootfs().join("got");
            for (given, name) in [
                ("SIGHUP", "HUP"),
                ("USR1", "USR1"),
                ("12", "USR2"),
                ("sigwinch", "WINCH"),
                ("TERM", "TERM"),
            ] {
                let _ = fs::remove_file(&got);
                bed.call(&["kill", bed.id(), given])?.ok()?;
                same(given, bed.wait_file(&got)?.trim(), name)?;
            }
            Ok(())
        }),
        Case::bed("kill/default-is-term", |bed| {
            trapping(bed)?;
            bed.call(&["kill", bed.id()])?.ok()?;
            same("signal", bed.wait_file(&bed.rootfs().join("got"))?.trim(), "TERM")
        }),
        Case::bed("kill/kill", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["kill", bed.id(), "KILL"])?.ok()?;
            bed.wait_status("stopped")
        }),
        Case::bed("kill/created", |bed| {
            bed.create(&bed.sleeper())?;
            bed.call(&["kill", bed.id(), "KILL"])?.ok()?;
            bed.wait_status("stopped")
        }),
        Case::bed("kill/unknown-signal", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["kill", bed.id(), "SIGNOPE"])?.failed(&["signal", "SIGNOPE"])?;
            bed.call(&["kill", bed.id(), "9999"])?.failed(&["signal", "invalid"])?;
            same("status", bed.status()?.as_str(), "running")
        }),
        Case::bed("kill/stopped", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            bed.call(&["kill", bed.id(), "KILL"])?.failed(&["container not running"])?;
            Ok(())
        }),
        Case::bed("kill/does-not-exist", |bed| {
            bed.call(&["kill", "no-such-container", "KILL"])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("kill/all", |bed| {
            let mut config = bed.script("sleep 1000 & sleep 1001 & echo ready > /ready; wait");
            crate::config::leave(&mut config, "pid");
            bed.start(&config)?;
            bed.wait_file(&bed.rootfs().join("ready"))?;
            bed.call(&["kill", "--all", bed.id(), "KILL"])?.ok()?;
            isopod_testkit::Limited::seconds(5).until("all are gone", || {
                bed.cgroup_file("pids", "cgroup.procs").is_ok_and(|procs| procs.is_empty())
            })
        }),
        Case::bed("kill/flag-after-the-id", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["kill", bed.id(), "KILL", "--all"])?;
            bed.delete()
        }),
    ]
}

fn death() -> Vec<Case> {
    vec![
        Case::bed("delete/stopped", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            bed.call(&["delete", bed.id()])?.ok()?;
            ensure!(!bed.cgroup("pids")?.exists(), "the cgroup is still there");
            bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("delete/running-is-refused", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["delete", bed.id()])?.failed(&["not stopped", "running"])?;
            same("status", bed.status()?.as_str(), "running")
        }),
        Case::bed("delete/created", |bed| {
            // The specification wants an error; runc removes it, and callers rely on that.
            bed.create(&bed.sleeper())?;
            bed.call(&["delete", bed.id()])?.ok()?;
            bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("delete/force-running", |bed| {
            bed.start(&bed.sleeper())?;
            bed.delete()?;
            bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("delete/force-created", |bed| {
            bed.create(&bed.sleeper())?;
            bed.delete()
        }),
        Case::bed("delete/does-not-exist", |bed| {
            bed.call(&["delete", "no-such-container"])?.failed(&["does not exist"])?.status(1)?;
            Ok(())
        }),
        Case::bed("delete/force-does-not-exist", |bed| {
            bed.call(&["delete", "--force", "no-such-container"])?.ok()?;
            Ok(())
        }),
        Case::bed("delete/force-with-many-processes", |bed| {
            let mut config = bed.script("for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait");
            crate::config::leave(&mut config, "pid");
            bed.start(&config)?;
            // Reaping takes its time; a warning may tell of a second attempt.
            bed.call(&["delete", "--force", bed.id()])?.status(0)?;
            ensure!(!bed.cgroup("pids")?.exists(), "the cgroup is still there");
            Ok(())
        }),
        Case::bed("delete/force-paused", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["pause", bed.id()])?.ok()?;
            bed.delete()
        }),
        Case::bed("delete/force-with-sub-groups", |bed| {
            bed.start(&bed.sleeper())?;
            let below = bed.cgroup("pids")?.join("below/deeper");
            fs::create_dir_all(&below)?;
            bed.delete()?;
            ensure!(!bed.cgroup("pids")?.exists(), "the cgroup is still there");
            Ok(())
        }),
        Case::bed("delete/state-directory-is-removed", |bed| {
            bed.start(&bed.sleeper())?;
            ensure!(bed.root().join(bed.id()).exists(), "no directory of that id under --root");
            bed.delete()?;
            ensure!(!bed.root().join(bed.id()).exists());
            Ok(())
        }),
        Case::bed("delete/id-can-be-used-again", |bed| {
            for _ in 0..3 {
                bed.start(&bed.sleeper())?;
                bed.delete()?;
            }
            Ok(())
        }),
    ]
}

fn pausing() -> Vec<Case> {
    vec![
        Case::bed("pause/and-resume", |bed| {
            bed.start(&bed.script("while :; do echo x >> /ticks; sleep 0.01; done"))?;
            let ticks = bed.rootfs().join("ticks");
            bed.wait_file(&ticks)?;
            bed.call(&["pause", bed.id()])?.ok()?;
            same("status", bed.status()?.as_str(), "paused")?;
            let size = |path: &Path| fs::metadata(path).map(|meta| meta.len());
            let before = size(&ticks)?;
            std::thread::sleep(std::time::Duration::from_millis(150));
            same("ticks while paused", size(&ticks)?, before)?;
            bed.call(&["resume", bed.id()])?.ok()?;
            same("status", bed.status()?.as_str(), "running")?;
            isopod_testkit::Limited::seconds(5)
                .until("ticks go on", || size(&ticks).is_ok_and(|now| now > before))
        }),
        Case::bed("pause/stopped", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            bed.call(&["pause", bed.id()])?.failed(&["not running", "stopped"])?;
            Ok(())
        }),
        Case::bed("pause/resume-of-running", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["resume", bed.id()])?.failed(&["not paused"])?;
            Ok(())
        }),
        Case::bed("pause/exec-is-refused", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["pause", bed.id()])?.ok()?;
            bed.call(&["exec", bed.id(), "/bin/true"])?.failed(&["paused"])?.status(255)?;
            bed.call(&["resume", bed.id()])?.ok()?;
            bed.call(&["exec", bed.id(), "/bin/true"])?.ok()?;
            Ok(())
        }),
        Case::bed("pause/kill-works", |bed| {
            bed.start(&bed.sleeper())?;
            bed.call(&["pause", bed.id()])?.ok()?;
            bed.call(&["kill", bed.id(), "KILL"])?.ok()?;
            bed.call(&["resume", bed.id()])?;
            bed.wait_status("stopped")
        }),
        Case::bed("pause/does-not-exist", |bed| {
            bed.call(&["pause", "no-such-container"])?.failed(&["does not exist"])?;
            bed.call(&["resume", "no-such-container"])?.failed(&["does not exist"])?;
            Ok(())
        }),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        Case::bed("list/empty", |bed| {
            let out = bed.call(&["list"])?.ok()?;
            let titles: Vec<&str> = out.split_whitespace().collect();
            same("titles", titles, vec!["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])?;
            same("json", bed.call(&["list", "--format", "json"])?.ok()?.trim(), "null")?;
            same("quiet", bed.call(&["list", "--quiet"])?.ok()?.as_str(), "")
        }),
        Case::bed("list/table", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed.call(&["list"])?.ok()?;
            let row = out.lines().nth(1).context("a row")?;
            let fields: Vec<&str> = row.split_whitespace().collect();
            same("id", fields[0], bed.id())?;
            same("pid", fields[1].parse::<u64>()?, bed.pid()?)?;
            same("status", fields[2], "running")?;
            same("owner", fields[5], "root")
        }),
        Case::bed("list/json", |bed| {
            bed.create(&bed.sleeper())?;
            let out = bed.call(&["list", "-f", "json"])?.ok()?;
            let all: Vec<Value> = serde_json::from_str(&out)?;
            same("count", all.len(), 1)?;
            for key in ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"]
            {
                ensure!(!all[0][key].is_null(), "no {key} in {}", all[0]);
            }
            same("status", &all[0]["status"], &json!("created"))
        }),
        Case::bed("list/quiet", |bed| {
            bed.create(&bed.sleeper())?;
            same("ids", bed.call(&["list", "-q"])?.ok()?.trim(), bed.id())
        }),
        Case::bed("list/unknown-format", |bed| {
            bed.call(&["list", "--format", "xml"])?.failed(&["format"])?;
            Ok(())
        }),
        Case::bed("ps/table", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed.call(&["ps", bed.id()])?.ok()?;
            ensure!(out.lines().next().is_some_and(|line| line.contains("PID")), "{out}");
            ensure!(out.lines().any(|line| line.contains("sleep 1000")), "{out}");
            same("lines", out.lines().count(), 2)
        })
        .needs(&[Need::File("/usr/bin/ps", "the machine has no procps")]),
        Case::bed("ps/arguments", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed.call(&["ps", bed.id(), "-e", "-o", "pid,comm"])?.ok()?;
            ensure!(out.lines().any(|line| line.ends_with("sleep")), "{out}");
            Ok(())
        })
        .needs(&[Need::File("/usr/bin/ps", "the machine has no procps")]),
        Case::bed("ps/json", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed.call(&["ps", "--format", "json", bed.id()])?.ok()?;
            let pids: Vec<u64> = serde_json::from_str(&out)?;
            same("pids", pids, vec![bed.pid()?])
        }),
        Case::bed("ps/does-not-exist", |bed| {
            bed.call(&["ps", "no-such-container"])?.failed(&["does not exist"])?;
            Ok(())
        }),
    ]
}
