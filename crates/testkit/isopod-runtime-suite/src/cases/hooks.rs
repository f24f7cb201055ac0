//! `hooks`: six kinds, in order, each at its moment and in its namespaces.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bed::{Bed, same};
use crate::case::Case;
use crate::config::Config;

/// Adds a hook that runs a script with the machine's shell.
fn hook(config: &mut Config, kind: &str, script: &str) {
    crate::config::array(config, &format!("/hooks/{kind}")).push(json!({
        "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin", "HOOK=yes"],
    }));
}

/// The state that a hook wrote to a file of the bed.
fn state(bed: &Bed, file: &str) -> Result<Value> {
    let text = bed.wait_file(&bed.path(file))?;
    serde_json::from_str(&text).with_context(|| format!("the hook got {text:?}"))
}

const ALL: [&str; 6] =
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::bed("hooks/order", |bed| {
            let mut config = bed.script("echo started");
            for kind in ALL {
                let log = bed.text_path("log");
                if kind == "startContainer" {
                    // It runs inside, where the log is not; a bind brings it there.
                    fs::write(bed.path("log"), "")?;
                    crate::config::mount(&mut config, "/log", "bind", &log, &["bind"]);
                    crate::config::array(&mut config, "/hooks/startContainer").push(json!({
                        "path": "/bin/sh",
                        "args": ["sh", "-c", "echo startContainer >> /log"],
                        "env": ["PATH=/bin"],
                    }));
                } else {
                    hook(&mut config, kind, &format!("echo {kind} >> {log}"));
                }
            }
            bed.run(&config)?.ok()?;
            let log = fs::read_to_string(bed.path("log"))?;
            same("order", log.lines().collect::<Vec<_>>(), ALL.to_vec())
        }),
        Case::bed("hooks/two-of-a-kind-in-order", |bed| {
            let mut config = bed.script("true");
            for word in ["one", "two", "three"] {
                hook(&mut config, "prestart", &format!("echo {word} >> {}", bed.text_path("log")));
            }
            bed.run(&config)?.ok()?;
            same("order", fs::read_to_string(bed.path("log"))?.as_str(), "one\ntwo\nthree\n")
        }),
        Case::bed("hooks/state-on-stdin", |bed| {
            let mut config = bed.sleeper();
            config["annotations"] = json!({"key": "value"});
            hook(&mut config, "createRuntime", &format!("cat > {}", bed.text_path("state.json")));
            bed.create(&config)?;
            let state = state(bed, "state.json")?;
            same("id", &state["id"], &json!(bed.id()))?;
            same("status", &state["status"], &json!("creating"))?;
            same("bundle", &state["bundle"], &json!(bed.bundle().canonicalize()?))?;
            same("annotations", &state["annotations"], &json!({"key": "value"}))?;
            same("pid", state["pid"].as_u64(), Some(bed.pid()?))?;
            ensure!(state["ociVersion"].is_string(), "{state}");
            Ok(())
        }),
        Case::bed("hooks/status-at-each-moment", |bed| {
            let mut config = bed.script("true");
            let moments = [
                ("prestart", "creating"),
                ("createContainer", "creating"),
                ("poststart", "running"),
                ("poststop", "stopped"),
            ];
            for (kind, _) in moments {
                hook(&mut config, kind, &format!("cat > {}", bed.text_path(kind)));
            }
            bed.run(&config)?.ok()?;
            for (kind, status) in moments {
                same(kind, &state(bed, kind)?["status"], &json!(status))?;
            }
            Ok(())
        }),
        Case::bed("hooks/path-args-and-env", |bed| {
            let mut config = bed.script("true");
            config["hooks"] = json!({"prestart": [{
                "path": "/bin/sh",
                "args": ["my-name", "-c", format!("echo $0 $1 $HOOK $HOME > {}", bed.text_path("log")), "zero", "one"],
                "env": ["HOOK=set"],
            }]});
            bed.run(&config)?.ok()?;
            same("the hook", fs::read_to_string(bed.path("log"))?.trim(), "zero one set")
        }),
        Case::bed("hooks/runtime-hooks-run-in-the-hosts-namespaces", |bed| {
            let mut config = bed.script("true");
            let log = bed.text_path("log");
            hook(&mut config, "createRuntime", &format!("readlink /proc/self/ns/net > {log}"));
            bed.run(&config)?.ok()?;
            let own = fs::read_link("/proc/self/ns/net")?;
            same(
                "network",
                fs::read_to_string(bed.path("log"))?.trim(),
                own.to_string_lossy().as_ref(),
            )
        }),
        Case::bed("hooks/create-container-runs-in-its-namespaces", |bed| {
            let mut config = bed.script("readlink /proc/self/ns/net");
            let log = bed.text_path("log");
            // Before the root changes: the host's paths are there.
            hook(&mut config, "createContainer", &format!("readlink /proc/self/ns/net > {log}"));
            let inside = bed.run(&config)?.ok()?;
            same("network", fs::read_to_string(bed.path("log"))?, inside)
        }),
        Case::bed("hooks/start-container-runs-inside", |bed| {
            let mut config = bed.script("cat /by-hook");
            config["hooks"] = json!({"startContainer": [{
                "path": "/bin/sh", "args": ["sh", "-c", "hostname > /by-hook"], "env": ["PATH=/bin"],
            }]});
            same("inside", bed.run(&config)?.ok()?.trim(), "isopod-suite")
        }),
        Case::bed("hooks/start-container-waits-for-start", |bed| {
            let mut config = bed.sleeper();
            config["hooks"] = json!({"startContainer": [{
                "path": "/bin/touch", "args": ["touch", "/by-hook"],
            }]});
            bed.create(&config)?;
            ensure!(!bed.rootfs().join("by-hook").exists(), "ran at create");
            bed.call(&["start", bed.id()])?.ok()?;
            isopod_testkit::Limited::seconds(5)
                .until("the hook ran", || bed.rootfs().join("by-hook").exists())
        }),
        Case::bed("hooks/network-can-be-set-up", |bed| {
            let mut config = bed.script("ip addr show lo");
            hook(
                &mut config,
                "createRuntime",
                "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); \
                 nsenter -n -t $pid ip addr add 10.99.99.99/32 dev lo",
            );
            let out = bed.run(&config)?.ok()?;
            ensure!(out.contains("10.99.99.99"), "{out}");
            Ok(())
        })
        .needs(&[crate::Need::Program("nsenter"), crate::Need::Program("ip")]),
        Case::bed("hooks/prestart-failure-aborts", |bed| aborts(bed, "prestart")),
        Case::bed("hooks/create-runtime-failure-aborts", |bed| aborts(bed, "createRuntime")),
        Case::bed("hooks/create-container-failure-aborts", |bed| aborts(bed, "createContainer")),
        Case::bed("hooks/poststart-failure-is-told", |bed| {
            let mut config = bed.sleeper();
            hook(&mut config, "poststart", "echo complaint >&2; exit 3");
            bed.create(&config)?;
            // The specification asks for a warning and to go on; runc stops the container. Either
            // way the user hears of it.
            let called = bed.call(&["start", bed.id()])?;
            ensure!(!called.stderr.is_empty(), "nothing was said");
            Ok(())
        }),
        Case::bed("hooks/poststop-runs-at-delete", |bed| {
            let mut config = bed.sleeper();
            hook(&mut config, "poststop", &format!("cat > {}", bed.text_path("state.json")));
            bed.start(&config)?;
            bed.call(&["kill", bed.id(), "KILL"])?.ok()?;
            bed.wait_status("stopped")?;
            ensure!(!bed.path("state.json").exists(), "ran before delete");
            bed.call(&["delete", bed.id()])?.ok()?;
            same("id", &state(bed, "state.json")?["id"], &json!(bed.id()))
        }),
        Case::bed("hooks/poststop-failure-does-not-keep-the-container", |bed| {
            let mut config = bed.sleeper();
            hook(&mut config, "poststop", "exit 1");
            hook(&mut config, "poststop", &format!("echo second > {}", bed.text_path("log")));
            bed.start(&config)?;
            bed.call(&["delete", "--force", bed.id()])?;
            bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
            same("second hook", bed.wait_file(&bed.path("log"))?.trim(), "second")
        }),
        Case::bed("hooks/timeout", |bed| {
            let mut config = bed.sleeper();
            config["hooks"] = json!({"createRuntime": [{
                "path": "/bin/sleep", "args": ["sleep", "20"], "timeout": 1,
            }]});
            bed.write(&config)?;
            let began = Instant::now();
            bed.call(&["create", bed.id()])?.failed(&["hook", "timeout", "timed out"])?;
            ensure!(began.elapsed() < Duration::from_secs(10), "waited for {:?}", began.elapsed());
            Ok(())
        }),
        Case::bed("hooks/program-does-not-exist", |bed| {
            let mut config = bed.sleeper();
            config["hooks"] = json!({"createRuntime": [{"path": "/nonexistent/hook"}]});
            bed.write(&config)?;
            bed.call(&["create", bed.id()])?.failed(&["/nonexistent/hook"])?;
            Ok(())
        }),
        Case::bed("hooks/relative-path-is-refused", |bed| {
            let mut config = bed.sleeper();
            config["hooks"] = json!({"createRuntime": [{"path": "hook"}]});
            bed.write(&config)?;
            bed.call(&["create", bed.id()])?.failed(&["hook"])?;
            Ok(())
        }),
        Case::bed("hooks/output-of-a-failure-is-told", |bed| {
            let mut config = bed.sleeper();
            hook(&mut config, "createRuntime", "echo the reason >&2; exit 7");
            bed.write(&config)?;
            bed.call(&["create", bed.id()])?.failed(&["the reason"])?;
            Ok(())
        }),
    ]
}

/// A hook that fails before the container is made leaves no container, and later hooks do not
/// run.
fn aborts(bed: &Bed, kind: &str) -> Result<()> {
    let mut config = bed.sleeper();
    hook(&mut config, kind, "exit 5");
    hook(&mut config, kind, &format!("touch {}", bed.text_path("later")));
    bed.write(&config)?;
    bed.call(&["create", bed.id()])?.failed(&["hook", "exit status 5", "5"])?;
    bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
    ensure!(!bed.path("later").exists(), "a later hook ran");
    Ok(())
}
