//! Networks, as users meet them: scenarios in text files that run against isopod and, to know that
//! they are right, against Debian's dockerd.
//!
//! The machine of a scenario has the addresses 10.9.0.1 and fd09::1; outside of it is another with
//! 10.9.0.2 and fd09::2. A file holds cases:
//!
//! ```text
//! == the name of the case
//! differs: why dockerd 20.10 does not do it (the case is not run there)
//! docker run -d --name web -p 8080:80 bb %serve web
//! outside %fetch 10.9.0.1:8080
//! > web
//! ```
//!
//! Commands are `docker`, `host` and `outside` (`sh` on either machine) and `crash`, which kills
//! the engine and starts another. `> text` is found in what the command printed, `= text` is all of
//! it, `- text` is not found in it. A command that shall fail has `! text`, which its message has.
//! What is fetched is tried for some seconds, since servers take their time to listen.

use crate::daemon::{Daemon, Outcome, skip};
use isopod_testkit::{Limited, NetworkSandbox, is_root, peer};
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: [(&str, &str); 5] = [
    ("ports", include_str!("networks/ports.txt")),
    ("names", include_str!("networks/names.txt")),
    ("addresses", include_str!("networks/addresses.txt")),
    ("isolation", include_str!("networks/isolation.txt")),
    ("life", include_str!("networks/life.txt")),
];

/// How long what must come to be may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Two machines with a cable between them.
struct World {
    host: NetworkSandbox,
    outside: NetworkSandbox,
}

impl World {
    fn new() -> Option<Self> {
        if !is_root() {
            skip("needs root");
            return None;
        }
        if let Some(tool) = ["ip", "curl", "nft", "nsenter", "socat", "python3"]
            .into_iter()
            .find(|t| peer(t).is_none())
        {
            skip(&format!("{tool} is not installed"));
            return None;
        }
        let world = Self {
            host: NetworkSandbox::new().expect("a network namespace"),
            outside: NetworkSandbox::new().expect("a network namespace"),
        };
        let other = world.outside.path();
        world.must(
            &world.host,
            &format!(
                "ip link add out type veth peer name eth0 netns {other} && ip link set out up && \
                 ip addr add 10.9.0.1/24 dev out && ip addr add fd09::1/64 dev out nodad"
            ),
        );
        world.must(
            &world.outside,
            "ip link set eth0 up && ip addr add 10.9.0.2/24 dev eth0 && \
             ip addr add fd09::2/64 dev eth0 nodad",
        );
        Some(world)
    }

    fn must(&self, machine: &NetworkSandbox, script: &str) {
        let outcome = shell(machine, script);
        assert_eq!(outcome.code, 0, "{script}: {}", outcome.stderr);
    }
}

fn shell(machine: &NetworkSandbox, script: &str) -> Outcome {
    let mut command = machine.command("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    outcome(&mut command)
}

fn outcome(command: &mut Command) -> Outcome {
    let output = Limited::seconds(60).output(command).expect("runs");
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A command with what is expected of it.
#[derive(Debug, Default)]
struct Step {
    command: String,
    expected: Vec<(char, String)>,
}

#[derive(Debug, Default)]
struct Case {
    name: String,
    differs: Option<String>,
    steps: Vec<Step>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.into(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with ==");
        if let Some(why) = line.strip_prefix("differs: ") {
            case.differs = Some(why.into());
            continue;
        }
        let mark = line.chars().next().expect("not empty");
        if ['>', '=', '-', '!'].contains(&mark) {
            let step = case.steps.last_mut().expect("a command comes first");
            step.expected.push((mark, line[1..].trim_start().to_owned()));
        } else {
            case.steps.push(Step { command: expand(line), ..Step::default() });
        }
    }
    cases
}

/// Puts in what is written short.
fn expand(line: &str) -> String {
    let mut out = String::new();
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let mut argument = || words.next().unwrap_or_default();
        match word {
            // A web server that says a word.
            "%serve" => {
                let _ = write!(
                    out,
                    "sh -c 'mkdir -p /w; echo {} > /w/i; exec httpd -f -p 80 -h /w -v'",
                    argument()
                );
            }
            // What it says, asked from a machine.
            "%fetch" => {
                let _ = write!(out, "curl -sS --noproxy '*' -m 2 http://{}/i", argument());
            }
            // The same from a container, which has no curl.
            "%get" => {
                let _ = write!(
                    out,
                    "sh -c 'printf \"GET /i HTTP/1.0\\r\\n\\r\\n\" | nc -w 2 {} {}'",
                    argument(),
                    argument()
                );
            }
            // Looks up a name.
            "%name" => {
                let _ = write!(out, "nslookup {} 127.0.0.11", argument());
            }
            word => out.push_str(word),
        }
        out.push(' ');
    }
    out.trim_end().to_owned()
}

/// Splits as a shell does, as far as the scenarios need it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn run_step(world: &World, daemon: &mut Daemon, step: &Step) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        let (kind, rest) = step.command.split_once(' ').unwrap_or((&step.command, ""));
        let outcome = match kind {
            "docker" => {
                let words = words(rest);
                daemon.docker(&words.iter().map(String::as_str).collect::<Vec<_>>())
            }
            "host" => shell(&world.host, rest),
            "outside" => shell(&world.outside, rest),
            "crash" => {
                daemon.crash(&world.host);
                Outcome { code: 0, stdout: String::new(), stderr: String::new() }
            }
            other => panic!("unknown command {other}"),
        };
        let problem = problem(step, &outcome);
        let again = kind != "docker" || rest.starts_with("exec") || rest.starts_with("logs");
        match problem {
            Some(_) if again && begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Some(problem) => {
                return Err(format!(
                    "{}\n    {problem}\n    exit {}\n    stdout: {}\n    stderr: {}",
                    step.command,
                    outcome.code,
                    outcome.stdout.trim(),
                    outcome.stderr.trim()
                ));
            }
            None => return Ok(()),
        }
    }
}

fn problem(step: &Step, outcome: &Outcome) -> Option<String> {
    let fails = step.expected.iter().any(|(mark, _)| *mark == '!');
    if fails != (outcome.code != 0) {
        return Some(if fails { "did not fail" } else { "failed" }.into());
    }
    step.expected.iter().find_map(|(mark, text)| {
        let good = match mark {
            '>' => outcome.stdout.contains(text) || outcome.stderr.contains(text),
            '=' => outcome.stdout.trim() == text,
            '-' => !outcome.stdout.contains(text),
            _ => outcome.stderr.contains(text) || outcome.stdout.contains(text),
        };
        (!good).then(|| format!("expected {mark} {text}"))
    })
}

fn run_case(world: &World, daemon: &mut Daemon, case: &Case) -> Result<(), String> {
    let outcome = case.steps.iter().try_for_each(|step| run_step(world, daemon, step));
    let all = daemon.docker(&["ps", "-aq", "--no-trunc"]).stdout;
    if !all.is_empty() {
        let mut remove = vec!["rm", "-fv"];
        remove.extend(all.lines());
        daemon.docker(&remove);
    }
    daemon.docker(&["network", "prune", "-f"]);
    let _ = shell(&world.host, "nft delete table inet mine");
    outcome
}

#[test]
fn scenarios() {
    let Some(world) = World::new() else { return };
    let Some(mut daemon) = Daemon::start_in(&world.host) else { return };
    let only = std::env::var("ISOPOD_NETWORK_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    let (mut ran, mut differing) = (0, 0);
    for (file, text) in FILES {
        for case in cases(text) {
            if !case.name.contains(&only) {
                continue;
            }
            if daemon.is_peer() && case.differs.is_some() {
                differing += 1;
                continue;
            }
            ran += 1;
            if let Err(error) = run_case(&world, &mut daemon, &case) {
                failures.push(format!("{file}: {}\n  {error}", case.name));
            }
        }
    }
    #[allow(clippy::print_stderr, reason = "how much was tested is for people")]
    {
        eprintln!("network scenarios: {ran} run, {differing} left out on this engine");
    }
    let log = if failures.is_empty() { String::new() } else { daemon.log() };
    assert!(failures.is_empty(), "{} failed:\n{}\n{log}", failures.len(), failures.join("\n"));
}

#[test]
fn two_hundred_containers() {
    let Some(world) = World::new() else { return };
    let Some(mut daemon) = Daemon::start_in(&world.host) else { return };
    if daemon.is_peer() {
        return skip("dockerd takes minutes for it");
    }
    daemon.ok(&["network", "create", "--subnet", "10.80.0.0/16", "big"]);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= 200 {
                        break;
                    }
                    let name = format!("box{number}");
                    let port = format!("{}:80", 20000 + number);
                    let serve = format!("mkdir /w; echo {name} > /w/i; exec httpd -f -h /w");
                    daemon.ok(&[
                        "run",
                        "-d",
                        "--name",
                        &name,
                        "--network",
                        "big",
                        "-p",
                        &port,
                        "bb",
                        "sh",
                        "-c",
                        &serve,
                    ]);
                }
            });
        }
    });
    daemon.crash(&world.host);
    let listed = daemon.ok(&["network", "inspect", "big", "-f", "{{len .Containers}}"]);
    assert_eq!(listed, "200");
    let format = "{{range .Containers}}{{.IPv4Address}} {{end}}";
    let addresses = daemon.ok(&["network", "inspect", "big", "-f", format]);
    let unique: std::collections::BTreeSet<_> = addresses.split_whitespace().collect();
    assert_eq!(unique.len(), 200, "every container has an address of its own");
    for number in [0, 99, 199] {
        let fetch = format!("curl -sS -m 2 http://10.9.0.1:{}/i", 20000 + number);
        let answer = shell(&world.outside, &fetch);
        assert_eq!(answer.stdout.trim(), format!("box{number}"), "{}", answer.stderr);
        let named = daemon.ok(&["exec", "box7", "nslookup", &format!("box{number}"), "127.0.0.11"]);
        assert!(named.contains("10.80."), "{named}");
    }
    let all = daemon.ok(&["ps", "-aq"]);
    let mut remove = vec!["rm", "-f"];
    remove.extend(all.lines());
    daemon.ok(&remove);
    let gone = || shell(&world.host, "ip -br link | grep -c veth").stdout.trim() == "0";
    let begin = Instant::now();
    while !gone() {
        assert!(begin.elapsed() < Duration::from_secs(30), "interfaces are left behind");
        std::thread::sleep(Duration::from_millis(100));
    }
    let rules = shell(&world.host, "nft list ruleset | grep -c 20000").stdout;
    assert_eq!(rules.trim(), "0", "ports are left behind");
}

/// An engine that made a machine forward does not drop what another engine's containers send.
#[test]
fn engines_do_not_shut_each_other_off() {
    let Some(world) = World::new() else { return };
    world.must(&world.host, "echo 0 > /proc/sys/net/ipv4/ip_forward");
    let Some(first) = Daemon::start_in(&world.host) else { return };
    if first.is_peer() {
        return;
    }
    first.ok(&["run", "-d", "--name", "box", "bb", "sleep", "1000"]);
    let second = Daemon::start_in(&world.host).expect("the first one ran");
    second.ok(&["run", "-d", "--name", "box", "bb", "sleep", "1000"]);
    for daemon in [&first, &second] {
        daemon.ok(&["exec", "box", "ping", "-c", "1", "-W", "5", "10.9.0.2"]);
    }
    let rules = shell(&world.host, "nft list ruleset").stdout;
    assert!(rules.contains("iifgroup != ") && rules.contains("oifgroup != "), "{rules}");
}
