//! The examples, brought up by `isopod up` and by Debian's docker-compose 1.29, and looked at.

use std::path::{Path, PathBuf};
use std::process::Output;

use isopod_testkit::{Limited, NetworkSandbox, TempDir, is_root, peer, skip, temp_dir};

/// An engine with the image `demo`, in a network of its own.
struct Bench {
    directory: TempDir,
    network: NetworkSandbox,
}

impl Bench {
    fn new() -> Option<Self> {
        if !is_root() || peer("busybox").is_none() {
            return None;
        }
        let directory = temp_dir("compose").expect("temporary directory");
        let network = NetworkSandbox::new().expect("a network");
        let bench = Self { directory, network };
        super::documentation::prepare(bench.directory.path());
        let tar = bench.path("rootfs.tar");
        bench.isopod(&["import", "-c", "CMD [\"/bin/sh\"]", &tar.display().to_string(), "demo"]);
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, program: &Path, arguments: &[&str], here: &Path) -> Output {
        let mut command = self.network.command(program);
        let socket = format!("unix://{}", self.path("s.sock").display());
        command
            .args(arguments)
            .current_dir(here)
            .env("HOME", self.directory.path())
            .env("ISOPOD_DATA_ROOT", self.path("data"))
            .env("ISOPOD_EXEC_ROOT", self.path("exec"))
            .env("ISOPOD_HOST", &socket)
            .env("DOCKER_HOST", &socket)
            .env_remove("COMPOSE_FILE")
            .stdin(std::process::Stdio::null());
        Limited::seconds(90).output(&mut command).expect("it runs")
    }

    fn ok(&self, program: &Path, arguments: &[&str], here: &Path) -> String {
        let output = self.run(program, arguments, here);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {arguments:?}: {out}{err}", program.display());
        out
    }

    fn isopod(&self, arguments: &[&str]) -> String {
        self.ok(&super::isopod(), arguments, self.directory.path())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let program = super::isopod();
        let here = self.directory.path();
        let all = self.run(&program, &["ps", "-aq"], here).stdout;
        let all = String::from_utf8_lossy(&all).into_owned();
        let mut remove = vec!["rm", "-fv"];
        remove.extend(all.split_whitespace());
        if remove.len() > 2 {
            self.run(&program, &remove, here);
        }
        self.run(&program, &["system", "shutdown"], here);
    }
}

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
type Look = fn(&Bench, &dyn Fn(&str) -> String);

fn retried(bench: &Bench, container: &str, command: &str, expected: &str) {
    let mut last = String::new();
    Limited::seconds(20)
        .until(command, || {
            let arguments = ["exec", container, "sh", "-c", command];
            let output = bench.run(&super::isopod(), &arguments, bench.directory.path());
            last = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            last == expected
        })
        .unwrap_or_else(|_| panic!("{container}: {command}: {last:?}, expected {expected:?}"));
}

const EXAMPLES: &[(&str, Look)] = &[
    ("static-site", |bench, name| {
        let web = name("web");
        retried(bench, &web, "wget -q -O - http://127.0.0.1:8000/", "<h1>It works</h1>");
        let fetched = bench
            .network
            .command("busybox")
            .args(["wget", "-q", "-O", "-", "http://127.0.0.1:18080/"])
            .output();
        let fetched = fetched.expect("wget runs");
        assert_eq!(String::from_utf8_lossy(&fetched.stdout).trim(), "<h1>It works</h1>");
        let format = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}";
        assert_eq!(bench.isopod(&["inspect", "-f", format, &web]).trim(), "true [ALL]");
    }),
    ("database", |bench, name| {
        retried(bench, &name("client"), "cat /tmp/answer", "correct horse");
        retried(bench, &name("store"), "cat /run/secrets/password", "correct horse");
    }),
    ("jobs", |bench, name| {
        let serve = name("serve");
        retried(bench, &serve, "cat /shared/greeting", "hello from a job");
        retried(bench, &serve, "ulimit -n; ulimit -Hn", "512\n1024");
        let format = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
        let limits = bench.isopod(&["inspect", "-f", format, &serve]);
        assert_eq!(limits.trim(), "67108864 500000000 32");
    }),
    ("replicas", |bench, name| {
        retried(bench, &name("front"), "wget -q -O - http://service:9000/name | wc -l", "1");
        let all = bench.isopod(&["ps", "-q", "--filter", "label=tier=back"]);
        assert_eq!(all.lines().count(), 2);
    }),
    ("override", |bench, name| {
        let app = name("app");
        retried(bench, &app, "echo $LEVEL $NAME; hostname", "override nobody\napp");
        let format = "{{index .Config.Labels \"from\"}} {{index .Config.Labels \"also\"}}";
        let labels = bench.isopod(&["inspect", "-f", format, &app]);
        assert_eq!(labels.trim(), "compose.yaml compose.override.yaml");
    }),
];

fn all_examples(bench: &Bench, tool: Tool<'_>) {
    for (name, look) in EXAMPLES {
        let directory = example(name);
        bench.ok(tool.program, tool.up, &directory);
        let container = |service: &str| {
            let filter = format!("label=com.docker.compose.service={service}");
            let found = bench.isopod(&["ps", "-q", "--filter", &filter]);
            found
                .lines()
                .next()
                .unwrap_or_else(|| panic!("{name}: no container of {service}"))
                .to_owned()
        };
        look(bench, &container);
        bench.ok(tool.program, tool.down, &directory);
        assert_eq!(bench.isopod(&["ps", "-aq"]), "", "{name}: something is left");
        let networks = bench.isopod(&["network", "ls", "-q", "--filter", "type=custom"]);
        assert_eq!(networks, "", "{name}: a network is left");
    }
}

#[test]
fn examples_by_isopod_up() {
    let Some(bench) = Bench::new() else {
        return skip("examples_by_isopod_up", "needs root and busybox");
    };
    let program = super::isopod();
    let tool = Tool { program: &program, up: &["up", "-d", "--wait"], down: &["down", "-v"] };
    all_examples(&bench, tool);
    // A second time there is nothing to do.
    for (name, _) in EXAMPLES {
        let directory = example(name);
        bench.ok(&program, &["up", "-d", "--wait"], &directory);
        let plan = bench.ok(&program, &["up", "--dry-run"], &directory);
        assert!(plan.ends_with("nothing to change\n"), "{name}: {plan}");
        bench.ok(&program, &["down", "-v"], &directory);
    }
}

#[test]
fn examples_by_docker_compose() {
    let Some(compose) = peer("docker-compose") else {
        return skip("examples_by_docker_compose", "docker-compose is not installed");
    };
    let Some(bench) = Bench::new() else {
        return skip("examples_by_docker_compose", "needs root and busybox");
    };
    let tool = Tool { program: &compose, up: &["up", "-d"], down: &["down", "-v"] };
    all_examples(&bench, tool);
}
