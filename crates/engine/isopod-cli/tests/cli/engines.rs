//! Engines to test against, each in a network of its own and gone with its guard.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use isopod_testkit::{
    Limited, NetworkSandbox, ProcessGuard, TempDir, busybox_rootfs, is_root, peer, temp_dir,
};
use rustix::process::Signal;

use crate::program::Program;

/// An engine with the image `demo`, made of busybox.
pub(crate) struct Engine {
    /// The command line for it.
    pub(crate) program: Program,
    /// Whether it is isopod's own.
    pub(crate) is_own: bool,
    /// Its network, for a registry beside it.
    pub(crate) network: NetworkSandbox,
    directory: TempDir,
    process: ProcessGuard,
}

impl Engine {
    /// Debian's dockerd, if it can run here.
    pub(crate) fn dockerd() -> Result<Option<Self>> {
        let (Some(dockerd), Some(_), true) = (peer("dockerd"), peer("busybox"), is_root()) else {
            return Ok(None);
        };
        let directory = temp_dir("cli-dockerd")?;
        let network = NetworkSandbox::new()?;
        let at = |name: &str| directory.path().join(name);
        let mut command = network.command("unshare");
        command
            .args(["--mount", "--propagation", "private", "--"])
            .arg(dockerd)
            .arg("--host")
            .arg(format!("unix://{}", at("engine.sock").display()))
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .args(["--iptables=false", "--bridge=none", "--storage-driver=vfs"])
            .arg("--cgroup-parent=isopod-cli-test");
        Self::start(command, directory, network, false).map(Some)
    }

    /// isopod's own, if the product's binary is named.
    pub(crate) fn isopod() -> Result<Option<Self>> {
        let binary = std::env::var_os("ISOPOD_BIN");
        let (Some(binary), Some(_), true) = (binary, peer("busybox"), is_root()) else {
            return Ok(None);
        };
        let directory = temp_dir("cli-isopod")?;
        let network = NetworkSandbox::new()?;
        let at = |name: &str| directory.path().join(name);
        let mut command = network.command("unshare");
        command
            .args(["--mount", "--propagation", "private", "--"])
            .arg(binary)
            .arg("engine")
            .arg("--host")
            .arg(format!("unix://{}", at("engine.sock").display()))
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"));
        Self::start(command, directory, network, true).map(Some)
    }

    fn start(
        mut command: Command,
        directory: TempDir,
        network: NetworkSandbox,
        is_own: bool,
    ) -> Result<Self> {
        let log_path = directory.path().join("log");
        let log = fs::File::create(&log_path)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut process = ProcessGuard::spawn(&mut command)?;
        let socket = directory.path().join("engine.sock");
        let mut ended = None;
        let answered = Limited::seconds(60).until("the engine answers", || {
            ended = process.child().try_wait().ok().flatten();
            ended.is_some() || UnixStream::connect(&socket).is_ok()
        });
        if answered.is_err() || ended.is_some() {
            bail!("{answered:?} {ended:?}\n{}", fs::read_to_string(&log_path)?);
        }
        let home = directory.path().join("home");
        fs::create_dir(&home)?;
        let program = Program::new(&socket.display().to_string(), home);
        let engine = Self { program, is_own, network, directory, process };
        engine.make_demo_image()?;
        Ok(engine)
    }

    fn make_demo_image(&self) -> Result<()> {
        let root = self.path("root");
        fs::create_dir(&root)?;
        busybox_rootfs(&root)?.ok().context("busybox")?;
        let archive = self.path("root.tar");
        let packed =
            Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status()?;
        ensure!(packed.success(), "tar failed");
        let archive = archive.display().to_string();
        self.program.ok(&["import", "-c", "CMD [\"/bin/sh\"]", &archive, "demo"])?;
        Ok(())
    }

    /// A path in the engine's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let all = self.program.run(&["ps", "-aq"]).stdout;
        let mut remove = vec!["rm", "-fv"];
        remove.extend(all.split_whitespace());
        if remove.len() > 2 {
            self.program.run(&remove);
        }
        let _ = self.process.signal(Signal::TERM);
        let _ = Limited::seconds(20).wait(&mut self.process);
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            for line in tail.into_iter().rev() {
                eprintln!("engine: {line}");
            }
        }
    }
}

/// Without an engine, several commands at once start one, and one only, and it outlives them.
pub(crate) fn first_use() -> Result<bool> {
    let (Some(binary), true) = (std::env::var_os("ISOPOD_BIN"), is_root()) else {
        return Ok(false);
    };
    let directory = temp_dir("cli-first-use")?;
    let state = directory.path().display().to_string();
    // The default socket is in /run: a mount namespace of its own keeps the machine's apart.
    let script = format!(
        "mount -t tmpfs none /run && export HOME={state} ISOPOD_DATA_ROOT={state}/data \
         ISOPOD_EXEC_ROOT=/run/isopod && unset ISOPOD_HOST DOCKER_HOST && \
         for i in 1 2 3 4 5 6; do \"$0\" info -f '{{{{.EnginePid}}}}' & done; wait; \
         \"$0\" info -f '{{{{.EnginePid}}}}' && \"$0\" system shutdown && \
         test -S /run/isopod.sock && echo left-over; \"$0\" system shutdown"
    );
    let network = NetworkSandbox::new()?;
    let mut command = network.command("unshare");
    command.args(["--mount", "--propagation", "private", "--", "sh", "-c", &script]).arg(binary);
    let output = Limited::seconds(90).output(&mut command)?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{stdout}\n{stderr}");
    let pids: Vec<&str> =
        stdout.lines().filter(|line| line.chars().all(|c| c.is_ascii_digit())).collect();
    ensure!(pids.len() == 7, "expected 7 answers: {stdout}\n{stderr}");
    ensure!(pids.iter().all(|pid| *pid == pids[0]), "several engines: {stdout}");
    // It may still wait for its new parent to take note.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pids[0])).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    ensure!(matches!(state, None | Some('Z')), "the engine still runs: {stat}");
    Ok(true)
}
