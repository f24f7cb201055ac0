//! The life of a container, and lists of them.

use crate::daemon::Daemon;
use std::io::{BufRead, BufReader};

#[test]
fn create_start_stop_start_remove() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["create", "--name", "box", "bb", "sleep", "1000"]);
    assert_eq!(id.len(), 64);
    let status = || daemon.ok(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "box"]);
    assert_eq!(status(), "created 0");
    assert_eq!(daemon.ok(&["start", "box"]), "box");
    assert_eq!(daemon.ok(&["start", "box"]), "box", "again changes nothing");
    assert_eq!(status(), "running 0");
    assert_eq!(daemon.ok(&["stop", "-t", "1", "box"]), "box");
    assert_eq!(status(), "exited 137", "a shell's sleep ignores SIGTERM as process 1");
    assert_eq!(daemon.ok(&["stop", "box"]), "box", "again changes nothing");
    daemon.ok(&["start", "box"]);
    daemon.ok(&["restart", "-t", "0", "box"]);
    assert_eq!(status(), "running 0");
    let (_, message) = daemon.fails(&["rm", "box"]);
    assert!(
        message.contains("container is running") || message.contains("a running container"),
        "{message}"
    );
    assert_eq!(daemon.ok(&["rm", "-f", "box"]), "box");
    let (_, message) = daemon.fails(&["inspect", "box"]);
    assert!(message.contains("No such object: box"), "{message}");
}

#[test]
fn signals() {
    let Some(daemon) = Daemon::start() else { return };
    let script =
        "trap 'echo usr1' USR1; trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let id = daemon.ok(&["run", "-d", "bb", "sh", "-c", script]);
    let logged = |text: &str| {
        for _ in 0..200 {
            if daemon.ok(&["logs", &id]).contains(text) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("{text} was never printed");
    };
    logged("ready");
    daemon.ok(&["kill", "-s", "USR1", &id]);
    logged("usr1");
    daemon.ok(&["stop", &id]);
    assert_eq!(daemon.ok(&["wait", &id]), "9");
    let (_, message) = daemon.fails(&["kill", &id]);
    assert!(message.contains("is not running"), "{message}");
}

#[test]
fn pausing() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["run", "-d", "bb", "sleep", "1000"]);
    daemon.ok(&["pause", &id]);
    assert_eq!(
        daemon.ok(&[
            "inspect",
            "-f",
            "{{.State.Status}} {{.State.Paused}} {{.State.Running}}",
            &id
        ]),
        "paused true true"
    );
    assert!(daemon.ok(&["ps"]).contains("(Paused)"));
    let (_, message) = daemon.fails(&["exec", &id, "true"]);
    assert!(message.contains("is paused"), "{message}");
    let (_, message) = daemon.fails(&["pause", &id]);
    assert!(message.contains("already paused"), "{message}");
    daemon.ok(&["unpause", &id]);
    assert_eq!(daemon.ok(&["exec", &id, "echo", "awake"]), "awake");
}

#[test]
fn waiting() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["run", "-d", "bb", "sh", "-c", "sleep 0.3; exit 4"]);
    assert_eq!(daemon.ok(&["wait", &id]), "4");
    assert_eq!(daemon.ok(&["wait", &id]), "4", "it ended before");
}

#[test]
fn names() {
    let Some(daemon) = Daemon::start() else { return };
    let first = daemon.ok(&["create", "--name", "one", "bb"]);
    let (code, message) = daemon.fails(&["create", "--name", "one", "bb"]);
    assert_eq!(code, 1);
    let expected = format!(
        "Conflict. The container name \"/one\" is already in use by container \"{first}\". You have to remove (or rename) that container to be able to reuse that name."
    );
    assert!(message.contains(&expected), "{message}");
    daemon.ok(&["rename", "one", "two"]);
    assert_eq!(daemon.ok(&["inspect", "-f", "{{.Name}}", &first[..12]]), "/two");
    daemon.ok(&["create", "--name", "one", "bb"]);
    let (_, message) = daemon.fails(&["create", "--name", "a b", "bb"]);
    assert!(message.contains("Invalid container name (a b)"), "{message}");
    let named = daemon.ok(&["create", "bb"]);
    let name = daemon.ok(&["inspect", "-f", "{{.Name}}", &named]);
    assert!(name.contains('_'), "an adjective and a person: {name}");
}

#[test]
fn lists() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "-d", "--name", "up", "--label", "tier=web", "bb", "sleep", "1000"]);
    daemon.docker(&["run", "--name", "down", "bb", "sh", "-c", "exit 2"]);
    daemon.ok(&["create", "--name", "new", "--label", "tier=db", "--network", "host", "bb"]);
    let names = |args: &[&str]| {
        let list = daemon.ok(&[&["ps", "--format", "{{.Names}}"], args].concat());
        list.replace('\n', " ")
    };
    assert_eq!(names(&[]), "up");
    assert_eq!(names(&["-a"]), "new down up");
    assert_eq!(names(&["-n", "2"]), "new down");
    for (filter, expected) in [
        ("status=exited", "down"),
        ("exited=2", "down"),
        ("name=ow", "down"),
        ("label=tier", "new up"),
        ("label=tier=db", "new"),
        ("since=down", "new"),
        ("before=down", "up"),
        ("ancestor=bb", "new down up"),
        ("network=host", "new"),
    ] {
        assert_eq!(names(&["-a", "-f", filter]), expected, "{filter}");
    }
    let row = daemon.ok(&[
        "ps",
        "-a",
        "--format",
        "{{.Image}}|{{.Command}}|{{.Status}}",
        "-f",
        "name=down",
    ]);
    assert!(row.starts_with("bb|\"sh -c 'exit 2'\"|Exited (2) "), "{row}");
    let up = daemon.ok(&["ps", "--format", "{{.Status}}"]);
    assert!(up.starts_with("Up "), "{up}");
    assert!(daemon.fails(&["ps", "-f", "status=odd"]).1.contains("odd"));
    let pruned = daemon.ok(&["container", "prune", "-f"]);
    assert!(pruned.contains("Total reclaimed space"), "{pruned}");
    assert_eq!(names(&["-a"]), "up");
}

#[test]
fn events_tell_what_happened() {
    let Some(daemon) = Daemon::start() else { return };
    let since = daemon.ok(&["info", "-f", "{{.SystemTime}}"]);
    let name = "--name=noisy";
    daemon.docker(&["run", "--rm", name, "--label", "a=b", "bb", "sh", "-c", "exit 6"]);
    let until = daemon.ok(&["info", "-f", "{{.SystemTime}}"]);
    let format = "{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.a}}";
    let events = daemon.ok(&[
        "events",
        "--since",
        &since,
        "--until",
        &until,
        "-f",
        "type=container",
        "--format",
        format,
    ]);
    let lines: Vec<&str> = events.lines().filter(|line| !line.contains("resize")).collect();
    assert_eq!(
        lines,
        [
            "container create noisy <no value> b",
            "container attach noisy <no value> b",
            "container start noisy <no value> b",
            "container die noisy 6 b",
            "container destroy noisy <no value> b",
        ]
    );
    let dies = daemon.ok(&[
        "events",
        "--since",
        &since,
        "--until",
        &until,
        "-f",
        "event=die",
        "--format",
        "{{.Action}}",
    ]);
    assert_eq!(dies, "die");
}

#[test]
fn events_arrive_at_once() {
    let Some(daemon) = Daemon::start() else { return };
    let mut child = daemon
        .command(&["events", "-f", "event=create", "--format", "{{.Actor.Attributes.name}}"])
        .spawn()
        .expect("docker runs");
    std::thread::sleep(std::time::Duration::from_millis(500));
    daemon.ok(&["create", "--name", "heard", "bb"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
    assert_eq!(line, "heard\n");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn top_and_stats() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["run", "-d", "--memory", "64m", "bb", "sleep", "1234"]);
    let top = daemon.ok(&["top", &id]);
    assert!(top.starts_with("UID") && top.contains("sleep 1234"), "{top}");
    let stats = daemon.ok(&["stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", &id]);
    assert!(stats.contains("/ 64MiB") && stats.ends_with(" 1"), "{stats}");
}

#[test]
fn changes_and_export() {
    let Some(daemon) = Daemon::start() else { return };
    let script = "echo x > /tmp/new; echo y >> /data/given; rm /etc/group";
    daemon.ok(&["run", "--name", "box", "bb", "sh", "-c", script]);
    let diff = daemon.ok(&["diff", "box"]);
    let mut lines: Vec<&str> = diff.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["A /tmp/new", "C /data", "C /data/given", "C /etc", "C /tmp", "D /etc/group"]
    );
    let archive = daemon.scratch().join("c.tar");
    daemon.ok(&["export", "-o", archive.to_str().expect("text"), "box"]);
    let list =
        std::process::Command::new("tar").arg("-tf").arg(&archive).output().expect("tar runs");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("tmp/new\n") && !list.contains("etc/group\n"), "{list}");
}

#[test]
fn restart_policies() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["run", "-d", "--restart", "on-failure:2", "bb", "sh", "-c", "exit 1"]);
    let count = || daemon.ok(&["inspect", "-f", "{{.RestartCount}} {{.State.Status}}", &id]);
    for _ in 0..200 {
        if count() == "2 exited" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("two restarts were due: {}", count());
}
