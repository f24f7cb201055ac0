//! An engine for the run, in namespaces of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use isopod_testkit::http::{self, Address};
use isopod_testkit::{
    Limited, NetworkSandbox, ProcessGuard, TempDir, peer, remove_cgroups, temp_dir,
};
use rustix::process::Signal;

use crate::clean;

/// Which engine.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The program at a path, called as `isopod engine`.
    Isopod(PathBuf),
    /// Debian's dockerd.
    Dockerd,
}

/// How long an engine may take to answer, and to end.
const START: Duration = Duration::from_secs(60);

/// A running engine. Dropping it removes its containers and ends it.
#[derive(Debug)]
pub(crate) struct Engine {
    process: Option<ProcessGuard>,
    registry: Option<ProcessGuard>,
    network: NetworkSandbox,
    directory: TempDir,
    /// The newest version of the API that it speaks.
    pub(crate) api_version: (u32, u32),
}

impl Engine {
    pub(crate) fn start(kind: &Kind) -> Result<Self> {
        let directory = temp_dir("engine-suite")?;
        let network = NetworkSandbox::new()?;
        let mut engine =
            Self { process: None, registry: None, network, directory, api_version: (0, 0) };
        let mut command = engine.command(kind)?;
        let log = File::create(engine.path("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        engine.process = Some(ProcessGuard::spawn(&mut command)?);
        engine.await_ready()?;
        engine.start_registry()?;
        Ok(engine)
    }

    fn command(&self, kind: &Kind) -> Result<Command> {
        // Mounts of its own; the holder of the network namespace is this process's child.
        let mut command = self.network.command("unshare");
        command.args(["--mount", "--propagation", "private", "--"]);
        let host = format!("unix://{}", self.socket().display());
        match kind {
            Kind::Isopod(program) => {
                command.arg(program).arg("engine");
            }
            Kind::Dockerd => {
                command.arg(peer("dockerd").context("dockerd is not installed")?);
                command.args(["--iptables=false", "--bridge=none"]);
            }
        }
        fs::write(self.path("daemon.json"), "{}")?;
        command
            .arg("--config-file")
            .arg(self.path("daemon.json"))
            .args(["--host", &host, "--label", "suite=yes"])
            .arg("--data-root")
            .arg(self.path("data"))
            .arg("--exec-root")
            .arg(self.path("run"))
            .arg("--pidfile")
            .arg(self.path("pid"))
            .arg(format!("--cgroup-parent=/{}", self.marker()));
        Ok(command)
    }

    fn await_ready(&mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            if let Ok(answer) = http::request(&self.address(), "GET", "/version", &[], None) {
                let version: serde_json::Value = serde_json::from_slice(&answer.body)?;
                self.api_version = version_of(version["ApiVersion"].as_str().unwrap_or_default())?;
                return Ok(());
            }
            let process = self.process.as_mut().context("it was started")?;
            if process.child().try_wait()?.is_some() || begin.elapsed() > START {
                bail!("the engine does not answer:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A registry that the engine reaches, where there is one.
    fn start_registry(&mut self) -> Result<()> {
        let Some(program) = peer("docker-registry") else { return Ok(()) };
        let config = self.path("registry.yml");
        let root = self.path("registry");
        fs::create_dir_all(&root)?;
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {}\n",
                root.display(),
                Self::REGISTRY
            ),
        )?;
        let log = File::create(self.path("registry.log"))?;
        let mut command = self.network.command(program);
        command.arg("serve").arg(config).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.registry = Some(ProcessGuard::spawn(&mut command)?);
        Ok(())
    }

    /// Where the registry listens, seen by the engine.
    pub(crate) const REGISTRY: &str = "127.0.0.1:5000";

    pub(crate) fn has_registry(&self) -> bool {
        self.registry.is_some()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("api.sock")
    }

    /// Where the engine listens.
    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.socket())
    }

    /// What the engine logged.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// The docker client, for this engine.
    pub(crate) fn docker(&self) -> Command {
        let mut command = Command::new(peer("docker").unwrap_or_else(|| "docker".into()));
        for (key, value) in self.environment() {
            command.env(key, value);
        }
        command
    }

    /// The newest version of the API that the docker client speaks.
    pub(crate) fn cli_version(&self) -> Result<(u32, u32)> {
        let format = "{{.Client.DefaultAPIVersion}}";
        let output = self.docker().args(["version", "--format", format]).output()?;
        version_of(String::from_utf8_lossy(&output.stdout).trim())
    }

    /// What clients of this engine need to know.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("DOCKER_HOST", format!("unix://{}", self.socket().display())),
            ("DOCKER_CONFIG", self.directory.path().display().to_string()),
            ("SOCK", self.socket().display().to_string()),
        ]
    }

    /// A name for the cgroups' parent that no other engine has.
    fn marker(&self) -> String {
        let name = self.directory.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

fn version_of(text: &str) -> Result<(u32, u32)> {
    let (major, minor) = text.split_once('.').context("no version of the API")?;
    Ok((major.parse()?, minor.parse()?))
}

impl Drop for Engine {
    fn drop(&mut self) {
        clean::remove_containers(&self.address());
        if let Some(mut process) = self.process.take() {
            // By signal, so that dockerd ends its own containerd.
            let _ = process.signal(Signal::TERM);
            let _ = Limited::seconds(START.as_secs()).wait(&mut process);
        }
        let begin = Instant::now();
        while !remove_cgroups(&self.marker()) && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        unmount_below(self.directory.path());
    }
}

/// Mounts were made in the engine's own namespace, which is gone: nothing is to be done but to
/// say so if that is wrong.
fn unmount_below(directory: &Path) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let shown = directory.display().to_string();
    debug_assert!(!mounts.contains(&shown), "mounts are left below {shown}");
}
