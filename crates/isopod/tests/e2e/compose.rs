//! The examples, brought up by `isopod up` and by Debian's docker-compose 1.29, and looked at.

use std::path::{Path, PathBuf};

use isopod_testkit::{Limited, peer, skip};

use super::machine::Machine;

/// Who brings a project up.
#[derive(Clone, Copy)]
struct Tool<'a> {
    program: &'a Path,
    up: &'a [&'a str],
    down: &'a [&'a str],
}

fn example(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    root.join(name).canonicalize().expect("the example is there")
}

/// Looks at what is there, by the engine's command line.
type Look = fn(&Machine, &dyn Fn(&str) -> String);

fn retried(machine: &Machine, container: &str, command: &str, expected: &str) {
    let mut last = String::new();
    Limited::seconds(20)
        .until(command, || {
            let arguments = ["exec", container, "sh", "-c", command];
            let output = machine.run(&super::isopod(), &arguments, &machine.path(""));
            last = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            last == expected
        })
        .unwrap_or_else(|_| panic!("{container}: {command}: {last:?}, expected {expected:?}"));
}

const EXAMPLES: &[(&str, Look)] = &[
    ("static-site", |machine, name| {
        let web = name("web");
        retried(machine, &web, "wget -q -O - http://127.0.0.1:8000/", "<h1>It works</h1>");
        let fetched = machine
            .network
            .command("busybox")
            .args(["wget", "-q", "-O", "-", "http://127.0.0.1:18080/"])
            .output();
        let fetched = fetched.expect("wget runs");
        assert_eq!(String::from_utf8_lossy(&fetched.stdout).trim(), "<h1>It works</h1>");
        let format = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}";
        assert_eq!(machine.isopod(&["inspect", "-f", format, &web]).trim(), "true [ALL]");
    }),
    ("database", |machine, name| {
        retried(machine, &name("client"), "cat /tmp/answer", "correct horse");
        retried(machine, &name("store"), "cat /run/secrets/password", "correct horse");
    }),
    ("jobs", |machine, name| {
        let serve = name("serve");
        retried(machine, &serve, "cat /shared/greeting", "hello from a job");
        retried(machine, &serve, "ulimit -n; ulimit -Hn", "512\n1024");
        let format = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
        let limits = machine.isopod(&["inspect", "-f", format, &serve]);
        assert_eq!(limits.trim(), "67108864 500000000 32");
    }),
    ("replicas", |machine, name| {
        retried(machine, &name("front"), "wget -q -O - http://service:9000/name | wc -l", "1");
        let all = machine.isopod(&["ps", "-q", "--filter", "label=tier=back"]);
        assert_eq!(all.lines().count(), 2);
    }),
    ("override", |machine, name| {
        let app = name("app");
        retried(machine, &app, "echo $LEVEL $NAME; hostname", "override nobody\napp");
        let format = "{{index .Config.Labels \"from\"}} {{index .Config.Labels \"also\"}}";
        let labels = machine.isopod(&["inspect", "-f", format, &app]);
        assert_eq!(labels.trim(), "compose.yaml compose.override.yaml");
    }),
];

fn all_examples(machine: &Machine, tool: Tool<'_>) {
    for (name, look) in EXAMPLES {
        let directory = example(name);
        machine.ok(tool.program, tool.up, &directory);
        let container = |service: &str| {
            let filter = format!("label=com.docker.compose.service={service}");
            let found = machine.isopod(&["ps", "-q", "--filter", &filter]);
            found
                .lines()
                .next()
                .unwrap_or_else(|| panic!("{name}: no container of {service}"))
                .to_owned()
        };
        look(machine, &container);
        machine.ok(tool.program, tool.down, &directory);
        assert_eq!(machine.isopod(&["ps", "-aq"]), "", "{name}: something is left");
        let networks = machine.isopod(&["network", "ls", "-q", "--filter", "type=custom"]);
        assert_eq!(networks, "", "{name}: a network is left");
    }
}

#[test]
fn examples_by_isopod_up() {
    let Some(machine) = Machine::new() else {
        return skip("examples_by_isopod_up", "needs root and busybox");
    };
    let program = super::isopod();
    let tool = Tool { program: &program, up: &["up", "-d", "--wait"], down: &["down", "-v"] };
    all_examples(&machine, tool);
    // A second time there is nothing to do.
    for (name, _) in EXAMPLES {
        let directory = example(name);
        machine.ok(&program, &["up", "-d", "--wait"], &directory);
        let plan = machine.ok(&program, &["up", "--dry-run"], &directory);
        assert!(plan.ends_with("nothing to change\n"), "{name}: {plan}");
        machine.ok(&program, &["down", "-v"], &directory);
    }
}

#[test]
fn examples_by_docker_compose() {
    let Some(compose) = peer("docker-compose") else {
        return skip("examples_by_docker_compose", "docker-compose is not installed");
    };
    let Some(machine) = Machine::new() else {
        return skip("examples_by_docker_compose", "needs root and busybox");
    };
    let tool = Tool { program: &compose, up: &["up", "-d"], down: &["down", "-v"] };
    all_examples(&machine, tool);
}
