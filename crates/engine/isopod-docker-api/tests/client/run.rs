//! `docker run`: the process it makes and what comes back of it.

use crate::daemon::Daemon;

#[test]
fn streams_are_apart_and_the_exit_code_comes_back() {
    let Some(daemon) = Daemon::start() else { return };
    let outcome =
        daemon.docker(&["run", "--rm", "bb", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert_eq!((outcome.code, &*outcome.stdout, &*outcome.stderr), (3, "out\n", "err\n"));
    assert_eq!(daemon.ok(&["ps", "-aq"]), "", "--rm removed it");
}

#[test]
fn what_cannot_be_started_has_its_exit_codes() {
    let Some(daemon) = Daemon::start() else { return };
    let (code, message) = daemon.fails(&["run", "--rm", "bb", "no-such-command"]);
    assert_eq!(code, 127, "{message}");
    assert!(message.contains("executable file not found"), "{message}");
    let (code, message) = daemon.fails(&["run", "--rm", "bb", "/etc"]);
    assert_eq!(code, 126, "{message}");
    let (code, message) = daemon.fails(&["run", "--rm", "bb", "/etc/passwd"]);
    assert_eq!(code, 126, "{message}");
    assert!(message.contains("permission denied"), "{message}");
    let (code, _) = daemon.fails(&["run", "--rm", "--memory", "1", "bb", "true"]);
    assert_eq!(code, 125);
    assert_eq!(daemon.ok(&["ps", "-aq"]), "", "nothing stays behind");
}

#[test]
fn environment_user_and_directory() {
    let Some(daemon) = Daemon::start() else { return };
    let run = |args: &[&str]| daemon.ok(&[&["run", "--rm"], args].concat());
    assert_eq!(run(&["-e", "A=b c", "bb", "sh", "-c", "echo $A"]), "b c");
    assert_eq!(run(&["-u", "user", "bb", "id"]), "uid=1000(user) gid=1000(user) groups=1000(user)");
    assert_eq!(run(&["-u", "7:8", "bb", "sh", "-c", "id -u; id -g"]), "7\n8");
    assert_eq!(run(&["-w", "/made/here", "bb", "pwd"]), "/made/here");
    assert_eq!(run(&["--hostname", "box", "bb", "hostname"]), "box");
    assert_eq!(run(&["--entrypoint", "echo", "bb", "a", "b"]), "a b");
    assert_eq!(run(&["-u", "user", "bb", "sh", "-c", "echo $HOME"]), "/tmp");
}

#[test]
fn file_systems() {
    let Some(daemon) = Daemon::start() else { return };
    let run = |args: &[&str]| daemon.docker(&[&["run", "--rm"], args].concat());
    let outcome = run(&["--read-only", "bb", "touch", "/x"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("Read-only file system"), "{}", outcome.stderr);
    let outcome = run(&[
        "--read-only",
        "--tmpfs",
        "/t:size=1m,mode=700",
        "bb",
        "sh",
        "-c",
        "touch /t/x; stat -c %a /t; df -k /t | tail -1",
    ]);
    assert!(outcome.stdout.starts_with("700\n"), "{outcome:?}");
    assert!(outcome.stdout.contains("1024"), "{outcome:?}");
    let outcome = run(&["--shm-size", "2m", "bb", "df", "-k", "/dev/shm"]);
    assert!(outcome.stdout.contains("2048"), "{outcome:?}");
}

#[test]
fn binds() {
    let Some(daemon) = Daemon::start() else { return };
    let host = daemon.scratch();
    std::fs::write(host.join("file"), "from the host\n").expect("writable");
    let bind = format!("{}:/mnt", host.display());
    assert_eq!(daemon.ok(&["run", "--rm", "-v", &bind, "bb", "cat", "/mnt/file"]), "from the host");
    daemon.ok(&["run", "--rm", "-v", &bind, "bb", "sh", "-c", "echo back > /mnt/answer"]);
    assert_eq!(std::fs::read_to_string(host.join("answer")).expect("written"), "back\n");
    let (code, message) =
        daemon.fails(&["run", "--rm", "-v", &format!("{bind}:ro"), "bb", "touch", "/mnt/x"]);
    assert_eq!(code, 1);
    assert!(message.contains("Read-only"), "{message}");
    let made = format!("{}/made:/mnt", host.display());
    daemon.ok(&["run", "--rm", "-v", &made, "bb", "true"]);
    assert!(host.join("made").is_dir(), "a missing source is made");
    let mount = format!("type=bind,src={}/missing,dst=/mnt", host.display());
    let (code, message) = daemon.fails(&["run", "--rm", "--mount", &mount, "bb", "true"]);
    assert_eq!(code, 125);
    assert!(message.contains("bind source path does not exist"), "{message}");
}

#[test]
fn privileges() {
    let Some(daemon) = Daemon::start() else { return };
    let effective = |args: &[&str]| {
        let command = ["bb", "grep", "CapEff", "/proc/self/status"];
        daemon
            .ok(&[&["run", "--rm"], args, &command].concat())
            .split('\t')
            .nth(1)
            .expect("a field")
            .to_owned()
    };
    assert_eq!(effective(&[]), "00000000a80425fb");
    assert_eq!(effective(&["--cap-drop", "ALL"]), "0000000000000000");
    assert_eq!(effective(&["--cap-drop", "ALL", "--cap-add", "CHOWN"]), "0000000000000001");
    let seccomp = daemon.ok(&["run", "--rm", "bb", "grep", "Seccomp:", "/proc/self/status"]);
    assert_eq!(seccomp, "Seccomp:\t2");
    let open = [
        "run",
        "--rm",
        "--security-opt",
        "seccomp=unconfined",
        "bb",
        "grep",
        "Seccomp:",
        "/proc/self/status",
    ];
    assert_eq!(daemon.ok(&open), "Seccomp:\t0");
    let nnp = [
        "run",
        "--rm",
        "--security-opt",
        "no-new-privileges",
        "bb",
        "grep",
        "NoNewPrivs",
        "/proc/self/status",
    ];
    assert_eq!(daemon.ok(&nnp), "NoNewPrivs:\t1");
}

#[test]
fn limits() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&[
        "run",
        "-d",
        "--memory",
        "64m",
        "--pids-limit",
        "33",
        "--ulimit",
        "nofile=77:88",
        "bb",
        "sleep",
        "100",
    ]);
    let format = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{json .HostConfig.Ulimits}}";
    assert_eq!(
        daemon.ok(&["inspect", "-f", format, &id]),
        "67108864 33 [{\"Name\":\"nofile\",\"Hard\":88,\"Soft\":77}]"
    );
    assert_eq!(daemon.ok(&["exec", &id, "sh", "-c", "ulimit -Sn; ulimit -Hn"]), "77\n88");
    daemon.ok(&["update", "--memory", "128m", "--memory-swap", "256m", &id]);
    assert_eq!(daemon.ok(&["inspect", "-f", "{{.HostConfig.Memory}}", &id]), "134217728");
}

#[test]
fn an_init_reaps() {
    let Some(daemon) = Daemon::start() else { return };
    if daemon.is_peer() && !std::path::Path::new("/usr/bin/docker-init").exists() {
        return;
    }
    let id = daemon.ok(&["run", "-d", "--init", "bb", "sleep", "100"]);
    let first = daemon.ok(&["exec", &id, "cat", "/proc/1/comm"]);
    assert_ne!(first, "sleep", "another process is number one");
}
