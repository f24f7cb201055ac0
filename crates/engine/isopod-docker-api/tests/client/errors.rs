//! What is refused, and in which words.

use crate::daemon::Daemon;

#[test]
fn requests_that_are_wrong() {
    let Some(daemon) = Daemon::start() else { return };
    for (args, part) in [
        (vec!["create", "--memory", "1k", "bb"], "Minimum memory limit allowed is 6MB"),
        (vec!["create", "--cpus", "10000", "bb"], "Range of CPUs is from 0.01 to"),
        (vec!["create", "--cpuset-cpus", "999", "bb"], "Requested CPUs are not available"),
        (
            vec!["create", "--oom-score-adj", "2000", "bb"],
            "range for oom score adj is [-1000, 1000]",
        ),
        (vec!["create", "-w", "relative", "bb"], "invalid"),
        (vec!["create", "-v", "/a:relative", "bb"], "invalid"),
        (vec!["create", "--cap-add", "NONSENSE", "bb"], "NONSENSE"),
        (vec!["create", "--pid", "nonsense", "bb"], "PID mode"),
        (vec!["create", "--ipc", "nonsense", "bb"], "IPC mode"),
        (vec!["create", "--network", "ghost", "bb"], ""),
        (vec!["create", "--stop-signal", "NONSENSE", "bb"], "NONSENSE"),
        (vec!["create", "--log-driver", "nonsense", "bb"], "nonsense"),
        (
            vec!["create", "--health-cmd", "true", "--health-interval", "1us", "bb"],
            "cannot be less than 1ms",
        ),
    ] {
        let outcome = daemon.docker(&args);
        if outcome.code == 0 && daemon.is_peer() && (part.is_empty() || part == "IPC mode") {
            // dockerd 20.10 finds out at the start only.
            continue;
        }
        assert_ne!(outcome.code, 0, "{args:?}");
        assert!(
            outcome.stderr.to_lowercase().contains(&part.to_lowercase()),
            "{args:?}: {}",
            outcome.stderr
        );
    }
    if !daemon.is_peer() {
        assert_eq!(daemon.ok(&["ps", "-aq"]), "", "nothing was made");
    }
}

#[test]
fn objects_that_are_not_there() {
    let Some(daemon) = Daemon::start() else { return };
    for command in [
        "start", "stop", "kill", "restart", "pause", "unpause", "rm", "logs", "top", "port",
        "wait", "diff",
    ] {
        let (_, message) = daemon.fails(&[command, "ghost"]);
        assert!(message.contains("No such container: ghost"), "{command}: {message}");
    }
}
