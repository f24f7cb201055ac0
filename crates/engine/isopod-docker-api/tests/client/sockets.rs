//! Limited sockets, with docker's own client on them: what is permitted works, all else does not,
//! and what is out of reach does not exist.

use crate::daemon::{COMMAND, Daemon, Outcome, outcome, skip};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs the program under test, on the daemon's own socket.
fn isopod(daemon: &Daemon, arguments: &[&str]) -> Outcome {
    let binary = std::env::var_os("ISOPOD_BIN").expect("the daemon needed it too");
    let output = Command::new(binary)
        .args(["-H", &format!("unix://{}", daemon.socket().display())])
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    outcome(output.expect("runs"))
}

/// A limited socket of a daemon.
struct Limited<'a> {
    daemon: &'a Daemon,
    path: PathBuf,
}

impl<'a> Limited<'a> {
    #[track_caller]
    fn create(daemon: &'a Daemon, name: &str, arguments: &[&str]) -> Self {
        let made = isopod(daemon, &[&["socket", "create", name], arguments].concat());
        assert_eq!(made.code, 0, "{made:?}\n{}", daemon.log());
        Self { daemon, path: made.stdout.trim_end().into() }
    }

    fn docker(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new("timeout")
            .arg(COMMAND.as_secs().to_string())
            .arg("docker")
            .args(arguments)
            .env("DOCKER_HOST", format!("unix://{}", self.path.display()))
            .env("DOCKER_CONFIG", self.daemon.path("scratch-config"))
            .env("DOCKER_BUILDKIT", "0")
            .stdin(Stdio::null())
            .output();
        outcome(output.expect("docker runs"))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.docker(arguments);
        assert_eq!(outcome.code, 0, "docker {arguments:?}: {outcome:?}\n{}", self.daemon.log());
        outcome.stdout.trim_end().to_owned()
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str], words: &str) {
        let outcome = self.docker(arguments);
        assert_ne!(outcome.code, 0, "docker {arguments:?} succeeded: {}", outcome.stdout);
        assert!(outcome.stderr.contains(words), "docker {arguments:?}: {}", outcome.stderr);
    }
}

/// Everything that an ordinary user of containers does.
const ORDINARY: &[&str] = &[
    "--allow",
    "containers:list,read,create,start,stop,update,attach,exec,copy,remove",
    "--allow",
    "images:list,read,unlabelled",
    "--allow",
    "networks:list,read,create,connect,remove",
    "--allow",
    "volumes:list,read,create,remove",
];

fn daemon() -> Option<Daemon> {
    let daemon = Daemon::start()?;
    if daemon.is_peer() {
        skip("dockerd has no limited sockets");
        return None;
    }
    Some(daemon)
}

#[test]
fn nothing_is_permitted_but_what_is_named() {
    let Some(daemon) = daemon() else { return };
    daemon.ok(&["run", "-d", "--name", "box", "bb", "sleep", "1000"]);
    let watch = Limited::create(&daemon, "watch", &["--allow", "containers:list,read"]);
    assert_eq!(watch.ok(&["ps", "--format", "{{.Names}}"]), "box");
    assert_eq!(watch.ok(&["inspect", "--type", "container", "-f", "{{.Name}}", "box"]), "/box");
    watch.ok(&["logs", "box"]);
    watch.ok(&["version"]);
    let denied = |verb: &str| format!("{verb} is not permitted on this socket");
    for (arguments, verb) in [
        (&["stop", "box"][..], "containers:stop"),
        (&["kill", "box"], "containers:stop"),
        (&["rm", "-f", "box"], "containers:remove"),
        (&["exec", "box", "true"], "containers:exec"),
        (&["cp", "box:/data/given", "-"], "containers:copy"),
        (&["rename", "box", "other"], "containers:update"),
        (&["create", "bb"], "containers:create"),
        (&["images"], "images:list"),
        (&["rmi", "bb"], "images:remove"),
        (&["network", "ls"], "networks:list"),
        (&["volume", "create", "v"], "volumes:create"),
        (&["system", "df"], "system:df"),
    ] {
        watch.fails(arguments, &denied(verb));
    }
    watch.fails(&["swarm", "init"], "not permitted on a limited socket");
    let own = isopod(&daemon, &["socket", "ls", "-q"]);
    assert_eq!(own.stdout, "watch\n");
    let through = Command::new(std::env::var_os("ISOPOD_BIN").expect("the daemon needed it too"))
        .args(["-H", &watch.path.display().to_string(), "socket", "ls"])
        .output();
    let through = outcome(through.expect("runs"));
    assert!(through.stderr.contains("not permitted on a limited socket"), "{through:?}");
    assert_eq!(daemon.ok(&["ps", "-q"]).lines().count(), 1, "nothing happened to it");
}

#[test]
fn what_lacks_the_labels_does_not_exist() {
    let Some(daemon) = daemon() else { return };
    daemon.ok(&["run", "-d", "--name", "theirs", "-l", "team=b", "bb", "sleep", "1000"]);
    daemon.ok(&["volume", "create", "theirs"]);
    daemon.ok(&["network", "create", "--internal", "theirs"]);
    let team = Limited::create(&daemon, "team", &[ORDINARY, &["--label", "team=a"]].concat());
    let run = ["run", "-d", "--network", "none", "--name", "ours", "-v", "ours:/v", "bb"];
    team.ok(&[&run[..], &["sleep", "1000"]].concat());
    team.ok(&["network", "create", "--internal", "ours"]);

    assert_eq!(team.ok(&["ps", "-a", "--format", "{{.Names}}"]), "ours");
    assert_eq!(team.ok(&["volume", "ls", "-q"]), "ours");
    assert_eq!(team.ok(&["network", "ls", "--format", "{{.Name}}"]), "ours");
    assert_eq!(team.ok(&["exec", "ours", "echo", "hi"]), "hi");
    for (kind, name) in [("container", "ours"), ("volume", "ours"), ("network", "ours")] {
        let format = if kind == "container" { "{{.Config.Labels}}" } else { "{{.Labels}}" };
        let labels = daemon.ok(&["inspect", "--type", kind, "-f", format, name]);
        assert_eq!(labels, "map[team:a]", "{kind}");
    }
    for arguments in [
        &["inspect", "--type", "container", "theirs"][..],
        &["logs", "theirs"],
        &["stop", "theirs"],
        &["rm", "theirs"],
        &["exec", "theirs", "true"],
        &["cp", "theirs:/data/given", "-"],
        &["run", "--rm", "--network", "container:theirs", "bb", "true"],
        &["run", "--rm", "--network", "none", "--pid", "container:theirs", "bb", "true"],
        &["run", "--rm", "--network", "none", "--volumes-from", "theirs", "bb", "true"],
    ] {
        // Clients before 23 say "No such container:path" for cp.
        team.fails(arguments, "No such container:");
    }
    let volume = ["run", "--rm", "--network", "none", "-v", "theirs:/v", "bb", "true"];
    team.fails(&volume, "o such volume");
    team.fails(&["run", "--rm", "--network", "theirs", "bb", "true"], "theirs");
    team.fails(&["network", "connect", "theirs", "ours"], "theirs");
    team.fails(&["network", "rm", "theirs"], "theirs");
    team.fails(&["volume", "rm", "theirs"], "o such volume");
    team.fails(&["create", "-l", "team=b", "bb"], "the label team is \"a\"");
    team.fails(&["rmi", "bb"], "images:remove is not permitted");
    assert_eq!(team.ok(&["container", "prune", "-f"]), "Total reclaimed space: 0B");
    team.ok(&["rm", "-f", "ours"]);
    assert_eq!(daemon.ok(&["ps", "--format", "{{.Names}}"]), "theirs");
}

#[test]
fn containers_get_nothing_of_the_host() {
    let Some(daemon) = daemon() else { return };
    let team = Limited::create(&daemon, "team", &[ORDINARY, &["--label", "team=a"]].concat());
    for (flags, verb) in [
        (&["--privileged"][..], "containers:privileged"),
        (&["--network", "host"], "containers:host-namespaces"),
        (&["--pid", "host"], "containers:host-namespaces"),
        (&["--ipc", "host"], "containers:host-namespaces"),
        (&["--uts", "host"], "containers:host-namespaces"),
        (&["--userns", "host"], "containers:host-namespaces"),
        (&["--cgroupns", "host"], "containers:host-namespaces"),
        (&["-v", "/:/host"], "containers:bind"),
        (&["--mount", "type=bind,src=/,dst=/host"], "containers:bind"),
        (&["--device", "/dev/null"], "containers:devices"),
        (&["--device-cgroup-rule", "c 1:3 rwm"], "containers:devices"),
        (&["--cap-add", "SYS_ADMIN"], "containers:capabilities"),
        (&["--security-opt", "seccomp=unconfined"], "containers:unconfined"),
        (&["--security-opt", "systempaths=unconfined"], "containers:unconfined"),
        (&["-p", "80"], "containers:publish"),
        (&["-P"], "containers:publish"),
        (&["--cgroup-parent", "/other"], "containers:host-settings"),
        (&["--oom-score-adj", "-500"], "containers:host-settings"),
        (&["--log-driver", "syslog"], "containers:host-settings"),
        (
            &["--mount", "dst=/v,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/"],
            "volumes:host-paths",
        ),
    ] {
        let arguments = [&["create"], flags, &["bb"]].concat();
        team.fails(&arguments, &format!("{verb} is not permitted on this socket"));
    }
    let device = ["-o", "type=none", "-o", "o=bind", "-o", "device=/", "root"];
    team.fails(&[&["volume", "create"][..], &device].concat(), "volumes:host-paths");
    team.fails(&["network", "create", "-d", "macvlan", "m"], "networks:host-interfaces");
    team.ok(&[
        "run",
        "-d",
        "--name",
        "ours",
        "--security-opt",
        "no-new-privileges",
        "bb",
        "sleep",
        "9",
    ]);
    team.fails(&["exec", "--privileged", "ours", "true"], "containers:privileged");
    let update = ["update", "--cpu-rt-runtime", "1000", "ours"];
    team.fails(&update, "containers:host-settings");
    assert_eq!(daemon.ok(&["volume", "ls", "-q"]), "", "no volume was made on the way");
    // With the permission it is possible.
    let host = ["--allow", "containers:bind"];
    let more = Limited::create(&daemon, "more", &[ORDINARY, &host].concat());
    more.ok(&["create", "-v", "/tmp:/host:ro", "bb"]);
}

#[test]
fn images_keep_their_names_and_labels() {
    let Some(daemon) = daemon() else { return };
    let label = ["--label", "team=a"];
    let allow = ["--allow", "images:list,read,tag,build,commit,remove,save,unlabelled"];
    let create = ["--allow", "containers:create,read,start,attach,remove"];
    let team = Limited::create(&daemon, "team", &[&label[..], &allow, &create].concat());
    let context = daemon.scratch().join("context");
    std::fs::create_dir_all(&context).expect("writable");
    std::fs::write(context.join("Dockerfile"), "FROM bb\nLABEL team=b\nRUN true\n")
        .expect("writes");
    let context = context.to_str().expect("text");
    team.ok(&["build", "-q", "--network", "none", "-t", "ours", context]);
    let format = "{{.Config.Labels.team}}";
    assert_eq!(daemon.ok(&["inspect", "--type", "image", "-f", format, "ours"]), "a");
    team.ok(&["tag", "ours", "ours:2"]);
    team.fails(&["tag", "ours", "bb"], "out of reach of this socket");
    team.fails(&["build", "-q", "-t", "bb", context], "out of reach of this socket");
    team.fails(&["build", "-q", "--network", "host", context], "containers:host-namespaces");
    team.fails(&["tag", "bb", "mine"], "No such image: bb");
    team.fails(&["rmi", "bb"], "No such image: bb");
    let archive = daemon.path("saved.tar");
    let archive = archive.to_str().expect("text");
    team.fails(&["save", "-o", archive, "bb"], "No such image: bb");
    team.ok(&["create", "--name", "box", "--network", "none", "bb"]);
    team.ok(&["commit", "-c", "LABEL team=b", "box", "made"]);
    assert_eq!(daemon.ok(&["inspect", "--type", "image", "-f", format, "made"]), "a");
    team.ok(&["rmi", "ours:2"]);
    // Without the permission to see others, theirs cannot be used either.
    let blind = Limited::create(&daemon, "blind", &[&label[..], &create].concat());
    blind.fails(&["create", "bb"], "bb");
    blind.ok(&["create", "--network", "none", "ours"]);
}

#[test]
fn sockets_outlive_the_engine_and_leave_a_trace() {
    let Some(mut daemon) = daemon() else { return };
    let path = daemon.path("ci.sock");
    let place = ["--path", path.to_str().expect("text"), "--allow", "containers:list"];
    Limited::create(&daemon, "ci", &place);
    daemon.kill();
    daemon.restart();
    let ci = Limited { daemon: &daemon, path: path.clone() };
    ci.ok(&["ps"]);
    ci.fails(&["rm", "ghost"], "containers:remove is not permitted");
    let log = isopod(&daemon, &["socket", "inspect", "-f", "{{.AuditLog}}", "ci"]).stdout;
    let text = std::fs::read_to_string(log.trim_end()).expect("there");
    let last = text.lines().last().expect("a line");
    let own = rustix::process::geteuid().as_raw();
    for part in [
        r#""socket":"ci""#,
        r#""verb":"containers:remove""#,
        r#""object":"ghost""#,
        r#""status":403"#,
        &format!(r#""uid":{own}"#),
    ] {
        assert!(last.contains(part), "{part} in {last}");
    }
    assert!(text.lines().any(
        |line| line.contains(r#""verb":"containers:list""#) && line.contains(r#""status":200"#)
    ));
    // A stream that is open ends with its socket.
    let mut events = ci.daemon.command(&["events"]);
    events.env("DOCKER_HOST", format!("unix://{}", path.display()));
    let mut events = events.spawn().expect("docker runs");
    let begin = std::time::Instant::now();
    let seen =
        || std::fs::read_to_string(log.trim_end()).is_ok_and(|text| text.contains("/events"));
    while !seen() && begin.elapsed() < COMMAND {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(isopod(&daemon, &["socket", "rm", "ci"]).code, 0);
    assert!(!path.exists());
    let status = events.wait().expect("our child");
    assert_ne!(status.code(), Some(124), "it went on until it was stopped");
    assert_ne!(isopod(&daemon, &["socket", "rm", "ci"]).code, 0);
}

#[test]
fn mistakes_are_told() {
    let Some(daemon) = daemon() else { return };
    Limited::create(&daemon, "one", &["--allow", "containers:list"]);
    let taken = daemon.path("taken");
    std::fs::write(&taken, "precious").expect("writable");
    let taken = taken.to_str().expect("text");
    let list = ["--allow", "containers:list"];
    for (arguments, words) in [
        (&["none"][..], "would permit nothing"),
        (&["a", "--allow", "containers:fly"], "\"fly\" is no verb on containers"),
        (&["a", "--allow", "pods:list"], "no permissions on \"pods\""),
        (&["../a", "--allow", "containers:list"], "invalid name of a socket"),
        (&["a", "--label", "a b=c", list[0], list[1]], "invalid label"),
        (&["a", "--path", "relative", list[0], list[1]], "expected an absolute path"),
        (&["a", "--path", taken, list[0], list[1]], "is no socket"),
        (&["a", "--user", "ghost-user", list[0], list[1]], "user ghost-user not found"),
        (&["one", list[0], list[1]], "the socket one exists already"),
    ] {
        let refused = isopod(&daemon, &[&["socket", "create"], arguments].concat());
        assert_eq!(refused.code, 1, "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains(words), "{arguments:?}: {}", refused.stderr);
    }
    assert_eq!(std::fs::read(taken).expect("there"), b"precious");
    assert_eq!(isopod(&daemon, &["socket", "ls", "-q"]).stdout, "one\n");
}
