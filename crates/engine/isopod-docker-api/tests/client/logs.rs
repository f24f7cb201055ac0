//! `docker logs`.

use crate::daemon::Daemon;
use std::io::{BufRead, BufReader};

#[test]
fn what_was_printed() {
    let Some(daemon) = Daemon::start() else { return };
    let script = "echo one; echo two >&2; printf three";
    daemon.docker(&["run", "--name", "box", "bb", "sh", "-c", script]);
    let outcome = daemon.docker(&["logs", "box"]);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("one\nthree", "two\n"));
    assert_eq!(daemon.ok(&["logs", "-n", "1", "box"]), "three");
    let stamped = daemon.ok(&["logs", "-t", "box"]);
    let first = stamped.lines().next().expect("a line");
    let (time, text) = first.split_once(' ').expect("a time");
    assert_eq!((time.len(), text), (30, "one"), "nanoseconds in full: {time}");
    assert_eq!(daemon.ok(&["logs", "--since", "1h", "box"]), "one\nthree");
    assert_eq!(daemon.ok(&["logs", "--until", "1h", "box"]), "");
}

#[test]
fn following_ends_with_the_container() {
    let Some(daemon) = Daemon::start() else { return };
    let script = "for i in 1 2 3; do echo $i; sleep 0.1; done";
    daemon.ok(&["run", "-d", "--name", "box", "bb", "sh", "-c", script]);
    assert_eq!(daemon.ok(&["logs", "-f", "box"]), "1\n2\n3");
}

#[test]
fn lines_arrive_at_once() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "-d", "--name", "box", "bb", "sh", "-c", "echo first; sleep 1000"]);
    let mut child = daemon.command(&["logs", "-f", "box"]).spawn().expect("docker runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
    assert_eq!(line, "first\n");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn none_is_kept_with_the_driver_none() {
    let Some(daemon) = Daemon::start() else { return };
    let outcome =
        daemon.docker(&["run", "--name", "box", "--log-driver", "none", "bb", "echo", "seen"]);
    assert_eq!(outcome.stdout, "seen\n");
    let (_, message) = daemon.fails(&["logs", "box"]);
    assert!(message.contains("configured logging driver does not support reading"), "{message}");
}

#[test]
fn a_long_line_stays_whole() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.docker(&[
        "run",
        "--name",
        "box",
        "bb",
        "sh",
        "-c",
        "head -c 100000 /dev/zero | tr '\\0' x; echo",
    ]);
    let text = daemon.docker(&["logs", "box"]).stdout;
    assert_eq!(text.len(), 100_001);
    assert_eq!(text.lines().count(), 1);
}
