//! Runs cases, two at a time, each in a directory of its own.

use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cases::Case;

/// Longer than this no case takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Whose tools run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Isobox,
    Busybox,
    Gnu,
}

impl Peer {
    pub(crate) fn from_environment() -> Self {
        match std::env::var("ISOBOX_PEER").as_deref() {
            Err(_) | Ok("" | "isobox") => Self::Isobox,
            Ok("busybox") => Self::Busybox,
            Ok("gnu") => Self::Gnu,
            Ok(other) => panic!("ISOBOX_PEER={other}: expected isobox, busybox or gnu"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Isobox => "isobox",
            Self::Busybox => "busybox",
            Self::Gnu => "gnu",
        }
    }
}

/// Where, among the links to the tools, those to the shell are.
const SHELL_LINKS: &str = "shell-links";

/// A directory of links to the tools under test.
pub(crate) struct Tools {
    pub(crate) peer: Peer,
    pub(crate) directory: TempDir,
    pub(crate) applets: Vec<String>,
}

impl Tools {
    pub(crate) fn install(peer: Peer) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let binary = match peer {
            Peer::Isobox => Some(PathBuf::from(env!("CARGO_BIN_EXE_isobox"))),
            Peer::Busybox => Some(PathBuf::from("/bin/busybox")),
            Peer::Gnu => None,
        };
        let mut applets = Vec::new();
        if let Some(binary) = &binary {
            let list = Command::new(binary).arg("--list").output().expect("the binary runs");
            applets = String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect();
            for applet in applets.iter().filter(|name| name.as_str() != "sh") {
                symlink(binary, directory.path().join(applet)).expect("a link");
            }
        }
        // Cases of the shell run under it, and find it by its name.
        let shell = binary.unwrap_or_else(|| PathBuf::from("/bin/dash"));
        let links = directory.path().join(SHELL_LINKS);
        std::fs::create_dir(&links).expect("a directory");
        for name in ["sh", "ash"] {
            symlink(&shell, links.join(name)).expect("a link");
        }
        Self { peer, directory, applets }
    }

    /// A script for the shell under test itself.
    fn script(&self, script: &str, directory: &Path) -> Command {
        let links = self.directory.path().join(SHELL_LINKS);
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", links.display());
        let mut command = Command::new(links.join("ash"));
        command
            .arg0("ash")
            .args(["-c", script])
            .current_dir(directory)
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("TZ", "UTC0")
            .env("HOME", directory)
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    /// A shell command with these tools in front of the path.
    pub(crate) fn shell(&self, script: &str, directory: &Path) -> Command {
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.directory.path().display());
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .current_dir(directory)
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("TZ", "UTC0")
            .env("HOME", directory)
            .stdin(Stdio::null())
            .process_group(0);
        command
    }
}

/// How a case went.
pub(crate) enum Outcome {
    Passed,
    Excepted(String),
    Failed(String),
}

/// Runs all; the report is in the order of the cases.
pub(crate) fn run_all(tools: &Tools, cases: Vec<Case>) -> Vec<(String, Outcome)> {
    let next = Mutex::new(cases.iter().enumerate());
    let report = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((index, case)) = next.lock().expect("no panic").next() else { break };
                    let outcome = run(tools, case);
                    report.lock().expect("no panic").push((index, case.name(), outcome));
                }
            });
        }
    });
    let mut report = report.into_inner().expect("no panic");
    report.sort_by_key(|(index, ..)| *index);
    report.into_iter().map(|(_, name, outcome)| (name, outcome)).collect()
}

fn run(tools: &Tools, case: &Case) -> Outcome {
    let exception = case.exceptions.iter().find(|(peer, _)| peer == tools.peer.name());
    if let Some((_, reason)) = exception {
        return Outcome::Excepted(reason.clone());
    }
    if case.needs_root && !rustix::process::geteuid().is_root() {
        isopod_testkit::skip(&case.name(), "it needs root");
        // Who sums up a run takes skips from what passed.
        return Outcome::Passed;
    }
    let directory = TempDir::new().expect("a temporary directory");
    let command = if case.applet == "sh" {
        tools.script(&case.script, directory.path())
    } else {
        tools.shell(&case.script, directory.path())
    };
    let (output, errors, status) = finish(command);
    let mut why = String::new();
    if output != case.output {
        why.push_str(&format!(
            "  expected output:\n{}  output:\n{}",
            indent(&case.output),
            indent(&output)
        ));
    }
    if status != case.status {
        why.push_str(&format!("  expected status {}, got {status}\n", case.status));
    }
    if let Some(expected) = &case.errors
        && tools.peer == Peer::Isobox
        && errors != *expected
    {
        why.push_str(&format!("  expected errors:\n{}", indent(expected)));
    }
    if why.is_empty() {
        return Outcome::Passed;
    }
    Outcome::Failed(format!(
        "  command:\n{}{why}  errors:\n{}",
        indent(&case.script),
        indent(&errors)
    ))
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Runs a command to its end, or kills its process group after the time limit.
pub(crate) fn finish(mut command: Command) -> (String, String, i32) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    let group = rustix::process::Pid::from_child(&child);
    let (mut stdout, mut stderr) =
        (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    let killer = std::thread::spawn(move || {
        let deadline = Instant::now() + TIMEOUT;
        if waiting.recv_timeout(deadline - Instant::now())
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).ok();
        bytes
    });
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).ok();
    let errors = errors.join().expect("no panic");
    let status = child.wait().expect("a child to wait for");
    drop(done);
    killer.join().expect("no panic");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output), text(&errors), status.code().unwrap_or(-1))
}
