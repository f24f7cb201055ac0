//! The command line itself: help, versions, global flags, logs, spec, features, events.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bed::{Bed, same};
use crate::case::{Case, Need};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = words();
    cases.extend(global());
    cases.extend(documents());
    cases.extend(events());
    cases
}

fn words() -> Vec<Case> {
    vec![
        Case::bed("cli/version", |bed| {
            let out = bed.call(&["--version"])?.ok()?;
            let mut lines = out.lines();
            let first: Vec<&str> = lines.next().context("a line")?.split(' ').collect();
            ensure!(first.len() == 3 && first[1] == "version", "{out}");
            ensure!(first[2].split('.').count() >= 2, "{out}");
            ensure!(out.lines().any(|line| line.starts_with("spec: 1.")), "{out}");
            ensure!(out.lines().any(|line| line.starts_with("commit: ")), "{out}");
            Ok(())
        }),
        Case::bed("cli/version-short", |bed| {
            ensure!(bed.call(&["-v"])?.ok()?.contains(" version "));
            Ok(())
        }),
        Case::bed("cli/help", |bed| {
            for args in [vec!["--help"], vec!["-h"], vec!["help"], vec![]] {
                let out = bed.call(&args)?.ok()?;
                ensure!(out.starts_with("NAME:"), "{args:?}: {out}");
                ensure!(out.contains("COMMANDS:"), "{args:?}");
            }
            Ok(())
        }),
        Case::bed("cli/help-of-commands", |bed| {
            for command in [
                "create", "delete", "events", "exec", "kill", "list", "pause", "ps", "resume",
                "run", "spec", "start", "state", "update",
            ] {
                let out = bed.call(&[command, "--help"])?.ok()?;
                ensure!(out.starts_with("NAME:"), "{command}: {out}");
                ensure!(out.contains(command), "{command}: {out}");
            }
            Ok(())
        }),
        Case::bed("cli/unknown-command", |bed| {
            let called = bed.call(&["frobnicate"])?;
            ensure!(called.status != 0, "succeeded");
            let all = format!("{}{}", called.stdout, called.stderr);
            ensure!(all.contains("frobnicate"), "{all}");
            Ok(())
        }),
        Case::bed("cli/unknown-flag", |bed| {
            let called = bed.call(&["list", "--frobnicate"])?;
            ensure!(called.status != 0, "succeeded");
            let all = format!("{}{}", called.stdout, called.stderr);
            ensure!(all.contains("frobnicate"), "{all}");
            Ok(())
        }),
        Case::bed("cli/missing-id", |bed| {
            for command in ["create", "start", "state", "kill", "delete", "pause", "resume", "exec"]
            {
                let called = bed.call(&[command])?;
                ensure!(called.status != 0, "{command} succeeded");
                let all = format!("{}{}", called.stdout, called.stderr);
                ensure!(all.contains("argument"), "{command}: {all}");
            }
            Ok(())
        }),
        Case::bed("cli/too-many-arguments", |bed| {
            for command in ["state", "start", "pause", "resume"] {
                let called = bed.call(&[command, "one", "two"])?;
                ensure!(called.status != 0, "{command} succeeded");
            }
            Ok(())
        }),
        Case::bed("cli/checkpoint-is-refused-clearly", |bed| {
            bed.start(&bed.sleeper())?;
            let called = bed.call(&["checkpoint", bed.id()])?;
            ensure!(called.status != 0, "succeeded");
            ensure!(!called.stderr.is_empty(), "nothing was said");
            same("status", bed.status()?.as_str(), "running")
        })
        .needs(&[Need::NoFile("/usr/sbin/criu", "criu is installed")]),
    ]
}

fn global() -> Vec<Case> {
    vec![
        Case::bed("cli/root-is-made", |bed| {
            ensure!(!bed.root().exists());
            bed.create(&bed.sleeper())?;
            ensure!(bed.root().join(bed.id()).is_dir());
            Ok(())
        }),
        Case::bed("cli/roots-are-apart", |bed| {
            bed.create(&bed.sleeper())?;
            let mut command = std::process::Command::new(bed.runtime());
            command.arg("--root").arg(bed.path("elsewhere")).args(["state", bed.id()]);
            bed.finish(command)?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("cli/equals-signs", |bed| {
            bed.write(&bed.script("echo fine"))?;
            let mut command = std::process::Command::new(bed.runtime());
            command
                .arg(format!("--root={}", bed.root().display()))
                .arg("run")
                .arg(format!("--bundle={}", bed.bundle().display()))
                .arg(bed.id());
            same("output", bed.finish(command)?.ok()?.trim(), "fine")
        }),
        Case::bed("cli/log-file-as-text", |bed| {
            let log = bed.text_path("log");
            bed.call(&["--log", &log, "state", "no-such-container"])?
                .failed(&["does not exist"])?;
            let text = fs::read_to_string(&log)?;
            ensure!(text.contains("level=error") && text.contains("msg="), "{text}");
            ensure!(text.contains("does not exist"), "{text}");
            Ok(())
        }),
        Case::bed("cli/log-file-as-json", |bed| {
            let log = bed.text_path("log");
            bed.call(&["--log", &log, "--log-format", "json", "state", "no-such-container"])?
                .failed(&["does not exist"])?;
            let text = fs::read_to_string(&log)?;
            let line: Value = serde_json::from_str(text.lines().last().context("a line")?)?;
            same("level", &line["level"], &json!("error"))?;
            ensure!(
                line["msg"].as_str().is_some_and(|msg| msg.contains("does not exist")),
                "{line}"
            );
            ensure!(line["time"].as_str().is_some_and(|time| time.len() >= 20), "{line}");
            Ok(())
        }),
        Case::bed("cli/log-of-a-failed-create", |bed| {
            // containerd shows users the last line of this file.
            let log = bed.text_path("log");
            let mut config = bed.config();
            crate::config::args(&mut config, &["nonexistent"]);
            bed.write(&config)?;
            bed.call(&["--log", &log, "--log-format", "json", "create", bed.id()])?.failed(&[])?;
            let text = fs::read_to_string(&log)?;
            let told = text.lines().any(|line| {
                serde_json::from_str::<Value>(line).is_ok_and(|line| {
                    line["level"] == "error"
                        && line["msg"]
                            .as_str()
                            .is_some_and(|msg| msg.contains("executable file not found"))
                })
            });
            ensure!(told, "{text}");
            Ok(())
        }),
        Case::bed("cli/log-stays-empty-when-all-is-well", |bed| {
            let log = bed.text_path("log");
            bed.write(&bed.script("true"))?;
            bed.call(&["--log", &log, "run", bed.id()])?.ok()?;
            same("log", fs::read_to_string(&log).unwrap_or_default().as_str(), "")
        }),
        Case::bed("cli/log-format-unknown", |bed| {
            bed.call(&["--log-format", "xml", "list"])?.failed(&["log-format", "log format"])?;
            Ok(())
        }),
        Case::bed("cli/debug", |bed| {
            let log = bed.text_path("log");
            bed.write(&bed.script("echo fine"))?;
            let called = bed.call(&["--debug", "--log", &log, "run", bed.id()])?;
            same("output", called.stdout.trim(), "fine")
        }),
        Case::bed("cli/systemd-cgroup-needs-systemd", |bed| {
            bed.write(&bed.sleeper())?;
            bed.call(&["--systemd-cgroup", "create", bed.id()])?.failed(&["systemd"])?;
            Ok(())
        })
        .needs(&[Need::NoFile("/run/systemd/system", "systemd runs")]),
        Case::bed("cli/rootless-flag", |bed| {
            bed.write(&bed.script("echo fine"))?;
            same(
                "output",
                bed.call(&["--rootless", "false", "run", bed.id()])?.ok()?.trim(),
                "fine",
            )
        }),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        Case::bed("spec/is-valid-and-runs", |bed| {
            bed.call(&["spec"])?.ok()?;
            let text = fs::read_to_string(bed.bundle().join("config.json"))?;
            let mut config: Value = serde_json::from_str(&text)?;
            same("terminal", &config["process"]["terminal"], &json!(true))?;
            same("args", &config["process"]["args"], &json!(["sh"]))?;
            same("hostname type", config["hostname"].is_string(), true)?;
            config["process"]["terminal"] = json!(false);
            config["process"]["args"] = json!(["echo", "fine"]);
            config["linux"]["cgroupsPath"] = json!(format!("/{}", bed.id()));
            same("output", bed.run(&config)?.ok()?.trim(), "fine")
        }),
        Case::bed("spec/does-not-overwrite", |bed| {
            fs::write(bed.bundle().join("config.json"), "mine")?;
            bed.call(&["spec"])?.failed(&["exist"])?;
            same("file", fs::read_to_string(bed.bundle().join("config.json"))?.as_str(), "mine")
        }),
        Case::bed("spec/bundle", |bed| {
            fs::create_dir(bed.path("other"))?;
            bed.call(&["spec", "--bundle", &bed.text_path("other")])?.ok()?;
            ensure!(bed.path("other/config.json").exists());
            Ok(())
        }),
        Case::bed("spec/rootless", |bed| {
            bed.call(&["spec", "--rootless"])?.ok()?;
            let text = fs::read_to_string(bed.bundle().join("config.json"))?;
            let config: Value = serde_json::from_str(&text)?;
            ensure!(config["linux"]["uidMappings"][0]["size"] == 1, "{config}");
            let kinds = config["linux"]["namespaces"].as_array().context("namespaces")?;
            ensure!(kinds.iter().any(|ns| ns["type"] == "user"), "{config}");
            ensure!(kinds.iter().all(|ns| ns["type"] != "network"), "{config}");
            Ok(())
        }),
        Case::bed("features/document", |bed| {
            let out = bed.call(&["features"])?.ok()?;
            let features: Value = serde_json::from_str(&out)?;
            ensure!(features["ociVersionMin"].is_string() && features["ociVersionMax"].is_string());
            let has = |pointer: &str, word: &str| -> Result<()> {
                let list = features.pointer(pointer).and_then(Value::as_array);
                ensure!(
                    list.is_some_and(|list| list.iter().any(|item| item == word)),
                    "{pointer} lacks {word}"
                );
                Ok(())
            };
            for hook in [
                "prestart",
                "createRuntime",
                "createContainer",
                "startContainer",
                "poststart",
                "poststop",
            ] {
                has("/hooks", hook)?;
            }
            for option in ["ro", "rbind", "rro", "noexec", "tmpcopyup"] {
                has("/mountOptions", option)?;
            }
            for kind in ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"] {
                has("/linux/namespaces", kind)?;
            }
            has("/linux/capabilities", "CAP_SYS_ADMIN")?;
            has("/linux/seccomp/actions", "SCMP_ACT_NOTIFY")?;
            has("/linux/seccomp/operators", "SCMP_CMP_MASKED_EQ")?;
            has("/linux/seccomp/archs", "SCMP_ARCH_X86_64")?;
            for key in ["v1", "v2", "systemd", "systemdUser"] {
                ensure!(features["linux"]["cgroup"][key].is_boolean(), "no linux.cgroup.{key}");
            }
            ensure!(features["linux"]["seccomp"]["enabled"] == true);
            Ok(())
        }),
    ]
}

fn stats(bed: &Bed) -> Result<Value> {
    let out = bed.call(&["events", "--stats", bed.id()])?.ok()?;
    ensure!(out.starts_with(&format!("{{\"type\":\"stats\",\"id\":\"{}\",", bed.id())), "{out}");
    same("lines", out.lines().count(), 1)?;
    Ok(serde_json::from_str(&out)?)
}

fn events() -> Vec<Case> {
    vec![
        Case::bed("events/stats", |bed| {
            bed.start(&bed.script("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 100"))?;
            let stats = stats(bed)?;
            let data = &stats["data"];
            ensure!(data["pids"]["current"].as_u64().is_some_and(|n| n >= 1), "{stats}");
            ensure!(data["cpu"]["usage"]["total"].as_u64().is_some_and(|n| n > 0), "{stats}");
            ensure!(data["memory"]["usage"]["usage"].as_u64().is_some_and(|n| n > 0), "{stats}");
            ensure!(data["memory"]["raw"].is_object(), "{stats}");
            Ok(())
        }),
        Case::bed("events/limits-are-in-the-stats", |bed| {
            let mut config = bed.sleeper();
            config["linux"]["resources"]["memory"] = json!({"limit": 67_108_864});
            config["linux"]["resources"]["pids"] = json!({"limit": 77});
            bed.start(&config)?;
            let stats = stats(bed)?;
            same("memory", &stats["data"]["memory"]["usage"]["limit"], &json!(67_108_864))?;
            same("pids", &stats["data"]["pids"]["limit"], &json!(77))
        }),
        Case::bed("events/stream", |bed| {
            bed.start(&bed.sleeper())?;
            let out = bed.path("events");
            let guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["events", "--interval", "100ms", bed.id()])
                    .stdin(std::process::Stdio::null())
                    .stdout(fs::File::create(&out)?),
            )?;
            isopod_testkit::Limited::seconds(10).until("three events", || {
                fs::read_to_string(&out).is_ok_and(|text| text.lines().count() >= 3)
            })?;
            drop(guard);
            let text = fs::read_to_string(&out)?;
            for line in text.lines().take(3) {
                let event: Value = serde_json::from_str(line)?;
                same("type", &event["type"], &json!("stats"))?;
            }
            Ok(())
        }),
        Case::bed("events/end-with-the-container", |bed| {
            bed.start(&bed.sleeper())?;
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["events", "--interval", "100ms", bed.id()])
                    .stdin(std::process::Stdio::null())
                    .stdout(std::process::Stdio::null()),
            )?;
            std::thread::sleep(std::time::Duration::from_millis(200));
            bed.call(&["delete", "--force", bed.id()])?.ok()?;
            isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
            Ok(())
        }),
        Case::bed("events/oom", |bed| {
            let mut config = bed.script("while [ ! -e /go ]; do sleep 0.05; done; head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null; sleep 100");
            config["linux"]["resources"]["memory"] =
                json!({"limit": 20_000_000, "swap": 20_000_000});
            bed.start(&config)?;
            let out = bed.path("events");
            let guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["events", "--interval", "60s", bed.id()])
                    .stdin(std::process::Stdio::null())
                    .stdout(fs::File::create(&out)?),
            )?;
            std::thread::sleep(std::time::Duration::from_millis(300));
            fs::write(bed.rootfs().join("go"), "")?;
            let line = format!("{{\"type\":\"oom\",\"id\":\"{}\"", bed.id());
            let result = isopod_testkit::Limited::seconds(15).until("an oom event", || {
                fs::read_to_string(&out).is_ok_and(|text| text.contains(&line))
            });
            drop(guard);
            result
        }),
        Case::bed("events/does-not-exist", |bed| {
            bed.call(&["events", "--stats", "no-such-container"])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("events/stopped", |bed| {
            bed.start(&bed.script("true"))?;
            bed.wait_status("stopped")?;
            bed.call(&["events", "--stats", bed.id()])?.failed(&["not running", "stopped"])?;
            Ok(())
        }),
    ]
}
