//! `docker exec`.

use crate::daemon::Daemon;

#[test]
fn further_processes() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "-d", "--name", "box", "-e", "A=1", "-w", "/tmp", "bb", "sleep", "1000"]);
    assert_eq!(daemon.ok(&["exec", "box", "sh", "-c", "echo $A; pwd"]), "1\n/tmp");
    assert_eq!(
        daemon.ok(&[
            "exec",
            "-e",
            "B=2",
            "-w",
            "/etc",
            "-u",
            "user",
            "box",
            "sh",
            "-c",
            "echo $A$B; pwd; id -un"
        ]),
        "12\n/etc\nuser"
    );
    let outcome = daemon.docker(&["exec", "box", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((outcome.code, &*outcome.stdout, &*outcome.stderr), (7, "out\n", "err\n"));
    assert_eq!(daemon.ok(&["exec", "-t", "box", "tty"]), "/dev/pts/0\r");
    let (code, message) = daemon.fails(&["exec", "box", "no-such-command"]);
    // dockerd 20.10 has 126 here, later ones 127.
    assert!(code == 127 || daemon.is_peer(), "{code}: {message}");
    let (code, _) = daemon.fails(&["exec", "box", "/etc/passwd"]);
    assert_eq!(code, 126);
}

#[test]
fn stdin_and_its_end() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "-d", "--name", "box", "bb", "sleep", "1000"]);
    let outcome = daemon.docker_with(&["exec", "-i", "box", "wc", "-c"], &vec![b'y'; 3 << 20]);
    assert_eq!((outcome.code, outcome.stdout.trim()), (0, "3145728"));
}

#[test]
fn in_the_background() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "-d", "--name", "box", "bb", "sleep", "1000"]);
    assert_eq!(
        daemon.ok(&["exec", "-d", "box", "sh", "-c", "sleep 0.2; echo done > /tmp/flag"]),
        ""
    );
    let script = "until test -e /tmp/flag; do sleep 0.05; done; cat /tmp/flag";
    assert_eq!(daemon.ok(&["exec", "box", "sh", "-c", script]), "done");
}

#[test]
fn only_in_what_runs() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["create", "--name", "box", "bb"]);
    let (code, message) = daemon.fails(&["exec", "box", "true"]);
    assert_eq!(code, 1);
    assert!(message.contains(&format!("{id} is not running")), "{message}");
    let (_, message) = daemon.fails(&["exec", "ghost", "true"]);
    assert!(message.contains("No such container: ghost"), "{message}");
}
