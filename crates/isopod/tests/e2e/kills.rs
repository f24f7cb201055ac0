//! The engine is killed again and again while containers run, start, log, serve and are built:
//! whatever was acknowledged is still there, and nothing is left when all is removed.
//!
//! `ISOPOD_TEST_KILLS`, `ISOPOD_TEST_CONTAINERS` and `ISOPOD_TEST_SEED` make it longer, wider and
//! other.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use isopod_testkit::{Limited, ProcessGuard, Snapshot, skip};
use rustix::process::{Pid, Signal, kill_process};

use super::machine::{Machine, number_from};

/// Counts, and ends with 42 when it is asked to.
const COUNTER: &str =
    "trap 'exit 42' TERM; i=0; while :; do echo $i; i=$((i + 1)); usleep 20000; done";

/// Says its name on port 80.
const SERVER: &str = "mkdir /srv; hostname > /srv/name; exec httpd -f -p 80 -h /srv";

/// What was acknowledged while the engine was being killed.
#[derive(Default)]
struct Acknowledged {
    /// Names of containers that were started, and how they end.
    jobs: BTreeMap<String, i32>,
    images: Vec<String>,
    runs: u32,
    followed: u32,
}

struct Load<'a> {
    machine: &'a Machine,
    over: AtomicBool,
    acknowledged: Mutex<Acknowledged>,
}

impl Load<'_> {
    fn note(&self, change: impl FnOnce(&mut Acknowledged)) {
        change(&mut self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Standard output of a command that was not cut off by a kill.
    fn acknowledged(&self, arguments: &[&str]) -> Option<String> {
        let output = self.machine.run(&super::isopod(), arguments, &self.machine.path(""));
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Calls `one` with rising numbers until the load is over.
    fn repeat(&self, mut one: impl FnMut(u32)) {
        let mut number = 0;
        while !self.over.load(Ordering::Relaxed) {
            one(number);
            number += 1;
        }
    }

    /// `run --rm`: a status of 0 means that the output is whole.
    fn short_runs(&self) {
        self.repeat(|number| {
            let word = format!("word-{number}");
            if let Some(out) = self.acknowledged(&["run", "--rm", "demo", "echo", &word]) {
                assert_eq!(out.trim(), word, "output of an acknowledged run");
                self.note(|all| all.runs += 1);
            }
        });
    }

    /// Containers that end by themselves, each with a status of its own.
    fn jobs(&self) {
        self.repeat(|number| {
            let (name, status) =
                (format!("job-{number}"), i32::try_from(number % 100).unwrap_or(0));
            let script = format!("usleep 100000; exit {status}");
            let arguments = ["run", "-d", "--name", &name, "demo", "sh", "-c", &script];
            if self.acknowledged(&arguments).is_some() {
                self.note(|all| _ = all.jobs.insert(name, status));
            }
        });
    }

    /// Builds whose step differs each time.
    fn builds(&self) {
        let context = self.machine.path("context");
        std::fs::create_dir_all(&context).expect("makes");
        self.repeat(|number| {
            let file = format!("FROM demo\nRUN echo {number} > /number\n");
            std::fs::write(context.join("Dockerfile"), file).expect("writes");
            let name = format!("built-{number}");
            let path = context.display().to_string();
            if self.acknowledged(&["build", "-q", "-t", &name, &path]).is_some() {
                self.note(|all| all.images.push(name));
            }
        });
    }

    /// A followed log: what one command shows is without a gap.
    fn follows(&self) {
        self.repeat(|_| {
            let arguments = ["logs", "--follow", "counter-0"];
            let mut command =
                self.machine.command(&super::isopod(), &arguments, &self.machine.path(""));
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            let mut guard = ProcessGuard::spawn(&mut command).expect("it runs");
            let out = guard.child().stdout.take().expect("it is piped");
            for (expected, line) in BufReader::new(out).lines().enumerate() {
                let line = line.expect("text");
                assert_eq!(line, expected.to_string(), "a followed log has a gap");
                self.note(|all| all.followed += 1);
                if self.over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
    }
}

/// xorshift64: the order of things is the seed's.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// Kills the engine; the next command starts another.
fn kill_engine(machine: &Machine) {
    let pid = machine.isopod(&["system", "info", "--format", "{{.EnginePid}}"]);
    let pid =
        pid.trim().parse().ok().and_then(Pid::from_raw).expect("the engine tells its process");
    kill_process(pid, Signal::KILL).expect("the engine runs");
}

/// What must not change: process, start and state of a container.
fn facts(machine: &Machine, name: &str) -> String {
    let format = "{{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}";
    machine.isopod(&["inspect", "--format", format, name])
}

fn port(number: u64) -> String {
    (21000 + number).to_string()
}

fn serves(machine: &Machine, number: u64) {
    let url = format!("http://127.0.0.1:{}/name", port(number));
    let name = format!("server-{number}");
    Limited::seconds(20)
        .until(&url, || {
            let fetched = machine.network.command("busybox").args(["wget", "-qO-", &url]).output();
            fetched.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).trim() == name)
        })
        .unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn start(machine: &Machine, pairs: u64) {
    machine.isopod(&["network", "create", "inside"]);
    for number in 0..pairs {
        let name = format!("counter-{number}");
        machine.isopod(&["run", "-d", "--name", &name, "demo", "sh", "-c", COUNTER]);
        let (name, port) = (format!("server-{number}"), format!("127.0.0.1:{}:80", port(number)));
        let flags = ["run", "-d", "--network", "inside", "--name", &name, "--hostname", &name];
        machine.isopod(&[&flags[..], &["-p", &port, "demo", "sh", "-c", SERVER]].concat());
    }
}

/// Ends the counters; their logs are whole.
fn end_counters(machine: &Machine, pairs: u64) {
    for number in 0..pairs {
        let name = format!("counter-{number}");
        machine.isopod(&["stop", &name]);
        let status = machine.isopod(&["inspect", "--format", "{{.State.ExitCode}}", &name]);
        assert_eq!(status.trim(), "42", "{name}");
        let log = machine.isopod(&["logs", &name]);
        for (expected, line) in log.lines().enumerate() {
            assert_eq!(line, expected.to_string(), "the log of {name} has a gap");
        }
        assert!(log.lines().count() > 10, "{name} counted");
    }
}

fn check_acknowledged(machine: &Machine, all: &Acknowledged) {
    for (name, status) in &all.jobs {
        let waited = machine.isopod(&["wait", name]);
        assert_eq!(waited.trim(), status.to_string(), "status of {name}");
    }
    for image in &all.images {
        machine.isopod(&["image", "inspect", image]);
    }
}

#[test]
fn nothing_is_lost_when_the_engine_is_killed_under_load() {
    let name = "nothing_is_lost_when_the_engine_is_killed_under_load";
    let Some(machine) = Machine::new() else { return skip(name, "needs root and busybox") };
    let kills = number_from("ISOPOD_TEST_KILLS", 10);
    let pairs = number_from("ISOPOD_TEST_CONTAINERS", 6) / 2;
    let seed = number_from("ISOPOD_TEST_SEED", 42);
    let mut random = seed.max(1);

    let marker = machine.path("").file_name().map(|n| n.to_string_lossy().into_owned());
    let before = Snapshot::take(&marker.expect("a name"), &[]);
    start(&machine, pairs);
    let names: Vec<String> =
        (0..pairs).flat_map(|n| [format!("counter-{n}"), format!("server-{n}")]).collect();
    let facts_before: Vec<String> = names.iter().map(|name| facts(&machine, name)).collect();

    let load = Load { machine: &machine, over: false.into(), acknowledged: Mutex::default() };
    std::thread::scope(|scope| {
        let over = Over(&load.over);
        for work in [Load::short_runs, Load::jobs, Load::builds, Load::follows] {
            let load = &load;
            scope.spawn(move || work(load));
        }
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(50 + next(&mut random) % 900));
            kill_engine(&machine);
            serves(&machine, next(&mut random) % pairs);
        }
        drop(over);
    });

    for (name, before) in names.iter().zip(&facts_before) {
        assert_eq!(&facts(&machine, name), before, "{name}, seed {seed}");
    }
    (0..pairs).for_each(|number| serves(&machine, number));
    end_counters(&machine, pairs);
    let all = load.acknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
    check_acknowledged(&machine, &all);
    println!(
        "{kills} kills, seed {seed}: {} runs, {} jobs, {} images, {} followed lines acknowledged",
        all.runs,
        all.jobs.len(),
        all.images.len(),
        all.followed
    );

    drop(machine);
    let mut leaks = before.leaks();
    let _ = Limited::seconds(10).until("the last groups go", || {
        leaks = before.leaks();
        leaks.is_empty()
    });
    assert!(leaks.is_empty(), "left over: {leaks}, seed {seed}");
}

#[test]
fn a_killed_engine_comes_back_by_itself() {
    let name = "a_killed_engine_comes_back_by_itself";
    let Some(machine) = Machine::new() else { return skip(name, "needs root and busybox") };
    machine.isopod(&[
        "run",
        "-d",
        "--name",
        "again",
        "--restart",
        "always",
        "demo",
        "sleep",
        "900",
    ]);
    kill_engine(&machine);
    // Nobody gives a command, so that only what keeps the engine can start another.
    let log = || std::fs::read_to_string(machine.path("s-engine.log")).unwrap_or_default();
    Limited::seconds(30)
        .until("a new engine listens", || {
            log().contains("signal 9 ended the engine: starting it anew")
                && UnixStream::connect(machine.path("s.sock")).is_ok()
        })
        .unwrap_or_else(|error| panic!("{error}: {}", log()));
    assert!(facts(&machine, "again").starts_with("running"));
    // An engine that is asked to end stays so.
    machine.isopod(&["rm", "--force", "again"]);
    machine.isopod(&["system", "shutdown"]);
    assert!(UnixStream::connect(machine.path("s.sock")).is_err());
}

/// Ends the load, also when an assertion fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
