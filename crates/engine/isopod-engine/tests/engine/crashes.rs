//! What is left when the engine or a supervisor is killed: everything that ran, nothing else.

use crate::bench::{Bench, skip_unless_possible};
use isopod_engine::failpoint;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// An engine in a process of its own.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    directory: PathBuf,
}

/// The group above those of the containers of an engine: each directory's own, so that what is
/// left in it can be told from what other tests are using.
fn cgroup_parent(directory: &Path) -> String {
    let name = directory.file_name().expect("a temporary directory").to_string_lossy();
    format!("/isopod-engine-test-{}-{}", std::process::id(), name.trim_start_matches('.'))
}

impl Process {
    pub(crate) fn start(directory: &Path, fail_point: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isopod-parts"));
        command.arg("engine").arg(directory).arg(cgroup_parent(directory));
        if let Some(point) = fail_point {
            command.env("ISOPOD_FAIL_POINT", point);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("spawns");
        let mut process = Self {
            input: child.stdin.take().expect("piped"),
            output: BufReader::new(child.stdout.take().expect("piped")),
            child,
            directory: directory.to_path_buf(),
        };
        if fail_point.is_none() {
            assert_eq!(process.answer().as_deref(), Some("ready"));
        } else {
            process.answer();
        }
        process
    }

    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(1..) => Some(line.trim().to_owned()),
            _ => None,
        }
    }

    /// The answer; `None` when the engine died over it.
    pub(crate) fn try_ask(&mut self, line: &str) -> Option<String> {
        writeln!(self.input, "{line}").ok()?;
        self.answer()
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.try_ask(line).unwrap_or_else(|| panic!("the engine died over {line:?}"))
    }

    pub(crate) fn kill(mut self) -> PathBuf {
        self.child.kill().expect("kills");
        self.child.wait().expect("waits");
        std::mem::take(&mut self.directory)
    }

    /// Waits for a state that begins like this.
    fn expect_state(&mut self, name: &str, expected: &str) -> String {
        let limit = Instant::now() + Duration::from_secs(10);
        loop {
            let state = self.ask(&format!("state {name}"));
            if state.starts_with(expected) {
                return state;
            }
            assert!(Instant::now() < limit, "{name} is {state:?}, not {expected:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Directories of an engine. A test that fails leaves no container running.
struct Directories(tempfile::TempDir);

impl Directories {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        crate::bench::remove_containers(&self.path().join("exec/runtime"));
        crate::bench::remove_cgroup_parent(&cgroup_parent(self.path()));
    }
}

/// Directories with the image in them, and no engine.
async fn directories() -> Directories {
    let bench = Bench::new().await;
    let target = tempfile::tempdir().expect("directory");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(bench.dir.path().join("data"))
        .arg(target.path())
        .status()
        .expect("cp");
    assert!(copied.success());
    Directories(target)
}

/// Process id of a container's supervisor, while one holds its lock.
fn supervisor_of(directory: &Path, id: &str) -> i32 {
    let path = directory.join("exec/containers").join(id).join("supervisor.pid");
    loop {
        // It is empty for a moment while a new one writes its number.
        if let Ok(pid) =
            std::fs::read_to_string(&path).expect("there is a supervisor").trim().parse()
        {
            return pid;
        }
    }
}

fn kill_process(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("not zero");
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// The numbers that a container which counts has logged.
fn counted(log: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(log).expect("reads");
    text.lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).expect("a whole record");
            record["log"].as_str().expect("text").trim().parse().expect("a number")
        })
        .collect()
}

const COUNT: &str = "n=0; while test ! -e /tmp/stop; do echo $n; n=$((n+1)); done; exit 9";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_supervisors_and_engines_lose_no_line_and_no_exit_code() {
    skip_unless_possible!("killed_supervisors_and_engines_lose_no_line_and_no_exit_code");
    let directory = directories().await;
    let mut engine = Process::start(directory.path(), None);
    let id = engine.ask(&format!("create counter {COUNT}"));
    assert_eq!(engine.ask("start counter"), "started");
    let log = PathBuf::from(engine.ask("log counter"));
    let pid = engine.expect_state("counter", "running");
    // A seeded order of kills: the supervisor, the engine, both.
    let seed = number_from("ISOPOD_TEST_SEED", 42);
    let mut random = seed;
    for round in 0..number_from("ISOPOD_TEST_KILLS", 30) {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (what, pause_us) = ((random >> 33) % 3, (random >> 40) % 20_000);
        std::thread::sleep(Duration::from_micros(pause_us));
        if what != 1 {
            kill_process(supervisor_of(directory.path(), &id));
        }
        if what != 0 {
            let directory = engine.kill();
            engine = Process::start(&directory, None);
        }
        assert_eq!(engine.expect_state("counter", "running"), pid, "seed {seed}, round {round}");
        // Until the new supervisor holds the lock, its number is the old one's.
        let limit = Instant::now() + Duration::from_secs(5);
        while !Path::new(&format!("/proc/{}", supervisor_of(directory.path(), &id))).exists() {
            assert!(Instant::now() < limit, "no new supervisor: seed {seed}, round {round}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let before = counted_length(&log);
    let limit = Instant::now() + Duration::from_secs(10);
    while counted_length(&log) <= before {
        let notes = std::fs::read_to_string(log_notes(directory.path(), &id)).unwrap_or_default();
        assert!(Instant::now() < limit, "the log does not go on: {notes}, seed {seed}");
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = pid.rsplit(' ').next().expect("a process id").to_owned();
    std::fs::write(format!("/proc/{pid}/root/tmp/stop"), "").expect("writes into the container");
    let state = engine.expect_state("counter", "exited");
    assert!(state.starts_with("exited 9"), "{state}, seed {seed}");
    let numbers = counted(&log);
    let expected: Vec<u64> = (0..numbers.len() as u64).collect();
    let wrong = numbers.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(wrong, None, "of {} lines, seed {seed}", numbers.len());
    assert_eq!(engine.ask("remove counter"), "removed");
    assert_nothing_left(directory.path());
    engine.kill();
}

/// A number from the environment, or what it is by default.
fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Where supervisors note what goes wrong.
fn log_notes(directory: &Path, id: &str) -> PathBuf {
    directory.join("exec/containers").join(id).join("supervisor.log")
}

fn counted_length(log: &Path) -> u64 {
    std::fs::metadata(log).expect("is there").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_while_the_engine_is_dead_is_found() {
    skip_unless_possible!("an_exit_while_the_engine_is_dead_is_found");
    let directory = directories().await;
    let mut engine = Process::start(directory.path(), None);
    let id = engine.ask("create short sleep 0.3; exit 5");
    assert_eq!(engine.ask("start short"), "started");
    engine.kill();
    let ended = directory.path().join("exec/containers").join(&id).join("exited.json");
    let limit = Instant::now() + Duration::from_secs(5);
    while !ended.exists() {
        assert!(Instant::now() < limit, "the supervisor records the end without an engine");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut engine = Process::start(directory.path(), None);
    let state = engine.ask("state short");
    assert!(state.starts_with("exited 5"), "{state}");
    engine.ask("remove short");
    assert_nothing_left(directory.path());
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_leaves_nothing_half_done() {
    skip_unless_possible!("a_crash_at_any_step_leaves_nothing_half_done");
    if !cfg!(debug_assertions) {
        return isopod_testkit::skip(
            "a_crash_at_any_step_leaves_nothing_half_done",
            "fail points are in debug builds only",
        );
    }
    let directory = directories().await;
    for &point in failpoint::POINTS {
        let mut engine = Process::start(directory.path(), Some(point));
        let steps = ["create one echo hello; exit 3", "start one", "wait one", "remove one"];
        let died = steps.iter().any(|step| engine.try_ask(step).is_none());
        let _ = engine.child.kill();
        let _ = engine.child.wait();
        assert!(died, "{point} was not reached");
        let mut engine = Process::start(directory.path(), None);
        let state = engine.ask("state one");
        if !state.starts_with("error: No such container") {
            // Whatever it was in the middle of: the container is whole, and can be used.
            let known =
                ["created", "running", "exited 3"].iter().any(|known| state.starts_with(known));
            assert!(known, "after {point}: {state}");
            if !state.starts_with("running") {
                let started = engine.ask("start one");
                assert_eq!(started, "started", "after {point}, from {state}");
            }
            engine.expect_state("one", "exited 3");
            assert_eq!(engine.ask("remove one"), "removed", "after {point}");
        }
        assert_nothing_left(directory.path());
        engine.kill();
    }
}

fn assert_nothing_left(directory: &Path) {
    let limit = Instant::now() + Duration::from_secs(5);
    loop {
        let left = leftovers(directory);
        if left.is_empty() {
            crate::bench::remove_cgroup_parent(&cgroup_parent(directory));
            return;
        }
        assert!(Instant::now() < limit, "left: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn leftovers(directory: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for place in [
        "data/containers",
        "exec/containers",
        "exec/runtime",
        "data/volumes",
        "data/volumes/.removed",
    ] {
        for entry in std::fs::read_dir(directory.join(place)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.len() == 64 {
                left.push(format!("{place}/{name}"));
            }
        }
    }
    for parent in crate::bench::cgroup_directories(&cgroup_parent(directory)) {
        for group in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            if group.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(group.path().display().to_string());
            }
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("reads");
    let shown = directory.display().to_string();
    left.extend(mounts.lines().filter(|line| line.contains(&shown)).map(str::to_owned));
    left
}
