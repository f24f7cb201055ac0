//! A server for a case: an empty store on free ports of the loopback interface.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use isopod_testkit::http::{self, Address};
use isopod_testkit::{Limited, ProcessGuard};
use rustix::process::Signal;

/// Which server.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The program at a path, called as `isopod store`.
    Isopod(PathBuf),
    /// An `etcd`.
    Etcd(PathBuf),
}

/// How long a server may take to answer, and to end.
const START: Duration = Duration::from_secs(30);

/// Where ports are looked for: below those that the kernel gives to connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A free port. No two calls of a process give the same one soon, and processes begin at places of
/// their own.
fn free_port() -> Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    let begin = std::process::id().wrapping_mul(1_009);
    for _ in 0..count {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(offset).context("within the range")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port between {} and {} is free", PORTS.start, PORTS.end)
}

/// A server, running or not. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server<'a> {
    kind: &'a Kind,
    directory: PathBuf,
    client: SocketAddr,
    peer: SocketAddr,
    process: Option<ProcessGuard>,
}

impl<'a> Server<'a> {
    /// Finds ports; `directory` is where data and log are kept.
    pub(crate) fn new(kind: &'a Kind, directory: &Path) -> Result<Self> {
        let (client, peer) = (free_port()?, free_port()?);
        Ok(Self { kind, directory: directory.to_owned(), client, peer, process: None })
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.client
    }

    /// Starts it and waits until it says that it is healthy, or that it is but for an alarm.
    pub(crate) fn start(&mut self, flags: &[&str]) -> Result<()> {
        let mut command = match self.kind {
            Kind::Etcd(program) => Command::new(program),
            Kind::Isopod(program) => {
                let mut command = Command::new(program);
                command.arg("store");
                command
            }
        };
        let client = format!("http://{}", self.client);
        let peer = format!("http://{}", self.peer);
        command.args(["--name", "default", "--data-dir"]).arg(self.directory.join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.arg("--initial-cluster").arg(format!("default={peer}"));
        // One member elects itself at once.
        command.args(["--heartbeat-interval", "10", "--election-timeout", "50"]);
        command.args(flags);
        let log = self.log_file()?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(ProcessGuard::spawn(&mut command)?);
        self.await_ready()
    }

    fn log_file(&self) -> Result<File> {
        let path = self.directory.join("log");
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))
    }

    fn await_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            if self.is_ready() {
                return Ok(());
            }
            let process = self.process.as_mut().context("it was started")?;
            if process.child().try_wait()?.is_some() {
                bail!("the server ended:\n{}", self.log());
            }
            if began.elapsed() > START {
                bail!("the server is not ready within {START:?}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it is healthy, or has a leader and an alarm.
    fn is_ready(&self) -> bool {
        let address = Address::Tcp(self.client);
        let health = http::request(&address, "GET", "/health", &[], None);
        if health.is_ok_and(|answer| answer.status == 200) {
            return true;
        }
        let path = "/v3/maintenance/status";
        let status = http::request(&address, "POST", path, &[], Some(b"{}"));
        let status: Option<serde_json::Value> =
            status.ok().and_then(|answer| serde_json::from_slice(&answer.body).ok());
        status.is_some_and(|status| {
            status["leader"].is_string()
                && status["errors"].as_array().is_some_and(|e| !e.is_empty())
        })
    }

    /// What the server logged last.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// The version that it says it has.
    pub(crate) fn version(&self) -> Result<String> {
        let answer = http::request(&Address::Tcp(self.client), "GET", "/version", &[], None)?;
        let version: serde_json::Value =
            serde_json::from_slice(&answer.body).context("/version is no JSON")?;
        Ok(version["etcdserver"].as_str().context("/version names no etcdserver")?.to_owned())
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { bail!("no server runs") };
        process.signal(Signal::TERM)?;
        Limited::seconds(START.as_secs()).wait(&mut process).context("asked to end")?;
        Ok(())
    }

    /// Carries out a line of a script that is about the server; `None` if it is not.
    pub(crate) fn command(&mut self, line: &str) -> Option<Result<()>> {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("server") {
            return None;
        }
        let verb = words.next().unwrap_or_default();
        let flags: Vec<&str> = words.collect();
        Some(match verb {
            "start" => self.start(&flags),
            "restart" => {
                self.kill();
                self.start(&flags)
            }
            "kill" => {
                self.kill();
                Ok(())
            }
            "stop" => self.stop(),
            _ => Err(anyhow::anyhow!("server start, restart, kill or stop; not {verb:?}")),
        })
    }
}
