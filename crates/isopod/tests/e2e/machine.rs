//! An engine with an image, in a network of its own, driven by command lines.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use isopod_testkit::{Limited, NetworkSandbox, TempDir, is_root, peer, temp_dir};

/// An engine with the image `demo`, in a network of its own.
pub(super) struct Machine {
    directory: TempDir,
    /// Where the engine runs, and its clients.
    pub(super) network: NetworkSandbox,
}

impl Machine {
    /// `None` without root or busybox.
    pub(super) fn new() -> Option<Self> {
        if !is_root() || peer("busybox").is_none() {
            return None;
        }
        let directory = temp_dir("compose").expect("temporary directory");
        let network = NetworkSandbox::new().expect("a network");
        let machine = Self { directory, network };
        super::documentation::prepare(machine.directory.path());
        let tar = machine.path("rootfs.tar");
        machine.isopod(&["import", "-c", "CMD [\"/bin/sh\"]", &tar.display().to_string(), "demo"]);
        Some(machine)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command whose engine is this one; the first that needs it starts it.
    pub(super) fn command(&self, program: &Path, arguments: &[&str], here: &Path) -> Command {
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
        command
    }

    pub(super) fn run(&self, program: &Path, arguments: &[&str], here: &Path) -> Output {
        let mut command = self.command(program, arguments, here);
        Limited::seconds(90).output(&mut command).expect("it runs")
    }

    /// What it prints; it must end well.
    pub(super) fn ok(&self, program: &Path, arguments: &[&str], here: &Path) -> String {
        let output = self.run(program, arguments, here);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {arguments:?}: {out}{err}", program.display());
        out
    }

    pub(super) fn isopod(&self, arguments: &[&str]) -> String {
        self.ok(&super::isopod(), arguments, self.directory.path())
    }
}

impl Drop for Machine {
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

/// A number that makes a test longer or other, from the environment.
pub(super) fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
