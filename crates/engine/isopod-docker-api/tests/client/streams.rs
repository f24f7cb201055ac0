//! Stdin, stdout, terminals: attached streams.

use crate::daemon::Daemon;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

#[test]
fn stdin_and_its_end_reach_the_process() {
    let Some(daemon) = Daemon::start() else { return };
    let outcome = daemon.docker_with(&["run", "--rm", "-i", "bb", "cat"], b"hello\n");
    assert_eq!((outcome.code, &*outcome.stdout), (0, "hello\n"));
    let outcome =
        daemon.docker_with(&["run", "--rm", "-i", "bb", "wc", "-c"], &vec![b'x'; 5 << 20]);
    assert_eq!(outcome.stdout.trim(), "5242880");
}

#[test]
fn much_output_arrives_whole() {
    let Some(daemon) = Daemon::start() else { return };
    let script = "dd if=/dev/zero bs=64k count=200 2>/dev/null | tr '\\0' x; echo; echo end";
    let outcome = daemon.docker(&["run", "--rm", "bb", "sh", "-c", script]);
    assert_eq!(outcome.stdout.len(), 200 * (64 << 10) + 5);
    assert!(outcome.stdout.ends_with("x\nend\n"));
}

#[test]
fn a_process_that_does_not_read_its_stdin_ends_well() {
    let Some(daemon) = Daemon::start() else { return };
    let outcome =
        daemon.docker_with(&["run", "--rm", "-i", "bb", "echo", "done"], &vec![b'x'; 1 << 20]);
    assert_eq!((outcome.code, &*outcome.stdout), (0, "done\n"), "{}", outcome.stderr);
}

#[test]
fn a_terminal() {
    let Some(daemon) = Daemon::start() else { return };
    assert_eq!(daemon.ok(&["run", "--rm", "-t", "bb", "tty"]), "/dev/pts/0\r");
    let outcome = daemon.docker(&["run", "--rm", "-t", "bb", "sh", "-c", "echo a; echo b >&2"]);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("a\r\nb\r\n", ""), "one stream");
}

#[test]
fn attach_while_it_runs() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&[
        "run",
        "-di",
        "bb",
        "sh",
        "-c",
        "while read line; do echo got $line; done; exit 5",
    ]);
    let mut child =
        daemon.command(&["attach", &id]).stdin(Stdio::piped()).spawn().expect("docker runs");
    let mut stdin = child.stdin.take().expect("piped");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    // The attach may not be there yet when the first line is sent: the process answers each.
    for word in ["one", "two"] {
        writeln!(stdin, "{word}").expect("open");
        let line = lines.next().expect("an answer").expect("text");
        assert_eq!(line, format!("got {word}"));
    }
    drop(stdin);
    // Without StdinOnce the end of one client's stdin is not the end of the process's.
    let running = daemon.ok(&["inspect", "-f", "{{.State.Running}}", &id]);
    assert_eq!(running, "true");
    daemon.ok(&["kill", &id]);
    assert_eq!(child.wait().expect("our child").code(), Some(137));
}

#[test]
fn two_clients_see_the_same() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&[
        "run",
        "-d",
        "bb",
        "sh",
        "-c",
        "until test -e /go; do sleep 0.05; done; echo here; sleep 0.3",
    ]);
    let mut clients: Vec<_> = (0..2)
        .map(|_| daemon.command(&["attach", "--no-stdin", &id]).spawn().expect("docker runs"))
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(500));
    daemon.ok(&["exec", &id, "touch", "/go"]);
    for client in &mut clients {
        let mut text = String::new();
        client.stdout.take().expect("piped").read_to_string(&mut text).expect("text");
        assert_eq!(text, "here\n");
        assert!(client.wait().expect("our child").success());
    }
}
