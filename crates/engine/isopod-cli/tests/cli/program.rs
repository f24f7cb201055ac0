//! Runs the command line and looks at what it prints.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Result, ensure};
use isopod_testkit::{Limited, ProcessGuard};

/// How long one command may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The command line, set up for one engine.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    host: String,
    home: PathBuf,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    code: Option<i32>,
    #[expect(dead_code, reason = "shown when an expectation fails")]
    line: String,
}

/// The product if it is named, else the client alone, which cargo builds beside the tests.
fn executable() -> PathBuf {
    if let Some(path) = std::env::var_os("ISOPOD_BIN") {
        return PathBuf::from(path);
    }
    let tests = std::env::current_exe().expect("the test's own path");
    let target = tests.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
    target.join("examples/client")
}

impl Program {
    /// For the engine on `socket`, with a home directory of its own.
    pub(crate) fn new(socket: &str, home: PathBuf) -> Self {
        Self { host: format!("unix://{socket}"), home }
    }

    /// For an engine that may not even run.
    pub(crate) fn alone(socket: &str) -> Self {
        Self::new(socket, std::env::temp_dir())
    }

    /// A command with arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(executable());
        command
            .args(["--host", &self.host])
            .args(arguments)
            .env("HOME", &self.home)
            .env_remove("DOCKER_CONFIG")
            .env_remove("DOCKER_API_VERSION");
        command
    }

    /// Runs it without input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Printed {
        self.run_with(arguments, b"")
    }

    /// Runs it with input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Printed {
        let (bytes, printed) = self.run_bytes(arguments, input);
        Printed { stdout: String::from_utf8_lossy(&bytes).into_owned(), ..printed }
    }

    /// Runs it with input; its output as bytes.
    pub(crate) fn run_bytes(&self, arguments: &[&str], input: &[u8]) -> (Vec<u8>, Printed) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = ProcessGuard::spawn(&mut command).expect("the command line starts");
        let child = guard.child();
        let mut stdin = child.stdin.take().expect("piped");
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let input = input.to_vec();
        // A command may end before it read everything.
        std::thread::spawn(move || stdin.write_all(&input));
        let (out, err) = (read_all(stdout), read_all(stderr));
        let late = || panic!("isopod {} does not end within {LIMIT:?}", arguments.join(" "));
        let out = out.recv_timeout(LIMIT).unwrap_or_else(|_| late());
        let err = err.recv_timeout(LIMIT).unwrap_or_else(|_| late());
        let status = Limited::seconds(LIMIT.as_secs()).wait(&mut guard).expect("it ends in time");
        let printed = Printed {
            stdout: String::new(),
            stderr: String::from_utf8_lossy(&err).into_owned(),
            code: status.code(),
            line: arguments.join(" "),
        };
        (out, printed)
    }

    /// Runs it; it must succeed. Its output without the last line end.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Result<String> {
        let printed = self.run(arguments);
        printed.code(0)?;
        Ok(printed.stdout.trim_end().to_owned())
    }
}

/// Everything that a stream gives, read on a thread of its own.
fn read_all(mut stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = vec![];
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

impl Printed {
    /// It must have ended with this code.
    pub(crate) fn code(&self, code: i32) -> Result<&Self> {
        ensure!(self.code == Some(code), "expected exit code {code}: {self:#?}");
        Ok(self)
    }

    /// Standard output must be this.
    pub(crate) fn prints(&self, text: &str) -> Result<&Self> {
        ensure!(self.stdout == text, "expected output {text:?}: {self:#?}");
        Ok(self)
    }

    /// Standard error must contain this.
    pub(crate) fn complains(&self, text: &str) -> Result<&Self> {
        ensure!(self.stderr.contains(text), "expected {text:?} on stderr: {self:#?}");
        Ok(self)
    }

    /// Standard output must contain this.
    pub(crate) fn contains(&self, text: &str) -> Result<&Self> {
        ensure!(self.stdout.contains(text), "expected {text:?} in the output: {self:#?}");
        Ok(self)
    }
}
