//! Child processes with an end: a time limit, and a guard that kills by pid.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

/// A child that is killed and reaped when the guard is dropped.
#[derive(Debug)]
pub struct ProcessGuard(Option<Child>);

impl ProcessGuard {
    /// Starts `command`.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self(Some(child)))
    }

    /// Guards a child that runs already.
    pub fn new(child: Child) -> Self {
        Self(Some(child))
    }

    /// The child.
    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("taken only by into_child and drop")
    }

    /// The child's pid.
    pub fn id(&self) -> u32 {
        self.0.as_ref().expect("taken only by into_child and drop").id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let raw = i32::try_from(self.id()).map_err(io::Error::other)?;
        let pid = Pid::from_raw(raw).ok_or_else(|| io::Error::other("a child has a pid"))?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Gives the child back; it is no longer killed.
    pub fn into_child(mut self) -> Child {
        self.0.take().expect("taken only by into_child and drop")
    }
}

impl Drop for ProcessGuard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs commands under a time limit.
#[derive(Debug, Clone, Copy)]
pub struct Limited {
    limit: Duration,
}

/// After a child has ended, how long its output may stay open in the hands of others: a runtime
/// leaves a container behind that holds the same pipe, and that is no reason to wait for ever.
const LINGER: Duration = Duration::from_millis(200);
/// At most this much output is kept of one stream.
const OUTPUT_LIMIT: u64 = 16 << 20;

impl Limited {
    /// A limit in seconds.
    pub fn seconds(seconds: u64) -> Self {
        Self { limit: Duration::from_secs(seconds) }
    }

    /// Runs `command` to its end with its output captured and nothing on its input. When the
    /// limit passes, the child is killed and that is an error.
    pub fn output(&self, command: &mut Command) -> Result<Output> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = command.get_program().display().to_string();
        let mut guard = ProcessGuard::spawn(command)?;
        let stdout = drain(guard.child().stdout.take());
        let stderr = drain(guard.child().stderr.take());
        let status = self.wait(&mut guard).with_context(|| {
            let text = String::from_utf8_lossy(&collect(&stderr, Duration::ZERO)).into_owned();
            format!("{name} (stderr so far: {text:?})")
        })?;
        drop(guard);
        let stdout = collect(&stdout, LINGER);
        let stderr = collect(&stderr, LINGER);
        Ok(Output { status, stdout, stderr })
    }

    /// Waits for a guarded child.
    pub fn wait(&self, guard: &mut ProcessGuard) -> Result<std::process::ExitStatus> {
        let deadline = Instant::now() + self.limit;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = guard.child().try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("did not end within {:?}", self.limit);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Polls `condition` until it holds, or fails with `what` when the limit passes.
    pub fn until(&self, what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + self.limit;
        while !condition() {
            if Instant::now() > deadline {
                bail!("{what}: not within {:?}", self.limit);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// Reads a stream on a thread of its own and sends what comes.
fn drain(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stream) = stream {
        thread::spawn(move || {
            let mut stream = stream.take(OUTPUT_LIMIT);
            let mut buffer = vec![0; 64 << 10];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// What has been read until the stream closed or `linger` passed without news.
fn collect(stream: &mpsc::Receiver<Vec<u8>>, linger: Duration) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(piece) = stream.recv_timeout(linger) {
        all.extend(piece);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_captured_and_limits_hold() {
        let output = Limited::seconds(5)
            .output(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]))
            .expect("runs");
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        let began = Instant::now();
        let limited = Limited { limit: Duration::from_millis(100) };
        let error = limited.output(Command::new("sleep").arg("60")).expect_err("too slow");
        assert!(format!("{error:#}").contains("did not end"), "{error:#}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_pipe_left_open_does_not_hold_the_caller() {
        let output = Limited::seconds(5)
            .output(Command::new("sh").args(["-c", "sleep 3 & echo early"]))
            .expect("runs");
        assert_eq!(output.stdout, b"early\n");
    }

    #[test]
    fn a_dropped_guard_kills() {
        let guard = ProcessGuard::spawn(Command::new("sleep").arg("60")).expect("starts");
        let path = format!("/proc/{}", guard.id());
        assert!(std::path::Path::new(&path).exists());
        drop(guard);
        assert!(!std::path::Path::new(&path).exists());
    }
}
