//! Namespaces for tests: what runs inside cannot reach the machine's network or mounts.
//!
//! A holder process keeps the namespace alive; commands enter it by `nsenter`. (Entering on a
//! thread of the test itself would do, too, but then every child of every library called there
//! had to be started from just that thread.)

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{ProcessGuard, peer};

/// Starts a process that makes a namespace, prints a line when it is ready, and waits until its
/// input closes, so that it ends with the test even if that is killed.
fn hold(unshare: &[&str], prepare: &str) -> Result<ProcessGuard> {
    let program = peer("unshare").context("unshare (util-linux) is not installed")?;
    let script = format!("{prepare} && echo ready && read line");
    let mut holder = ProcessGuard::spawn(
        Command::new(program)
            .args(unshare)
            .args(["--", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )?;
    let stdout = holder.child().stdout.take().context("stdout was piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.trim() != "ready" {
        let status = holder.child().wait()?;
        let mut message = String::new();
        if let Some(stderr) = holder.child().stderr.take() {
            let _ = BufReader::new(stderr).read_line(&mut message);
        }
        bail!("the sandbox did not start: {status}: {}", message.trim());
    }
    Ok(holder)
}

/// A network namespace of its own, with the loopback device up and nothing else.
#[derive(Debug)]
pub struct NetworkSandbox {
    holder: ProcessGuard,
}

impl NetworkSandbox {
    /// Makes one; needs root and util-linux.
    pub fn new() -> Result<Self> {
        let up = "{ ip link set lo up 2>/dev/null || busybox ip link set lo up; }";
        Ok(Self { holder: hold(&["--net"], up)? })
    }

    /// A path that names the namespace, as for a container's `namespaces[].path`.
    pub fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// A command that runs `program` inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path())).arg("--");
        command.arg(program);
        command
    }
}

/// A mount namespace of its own: mounts made inside vanish with it.
#[derive(Debug)]
pub struct MountSandbox {
    holder: ProcessGuard,
}

impl MountSandbox {
    /// Makes one with every mount private; needs root and util-linux.
    pub fn new() -> Result<Self> {
        Ok(Self { holder: hold(&["--mount", "--propagation", "private"], "true")? })
    }

    /// A path that names the namespace.
    pub fn path(&self) -> String {
        format!("/proc/{}/ns/mnt", self.holder.id())
    }

    /// A command that runs `program` inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount={}", self.path())).arg("--");
        command.arg(program);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limited, is_root, skip};

    #[test]
    fn the_network_has_loopback_only() {
        if !is_root() {
            return skip("network sandbox", "needs root");
        }
        let network = NetworkSandbox::new().expect("a network namespace");
        let output =
            Limited::seconds(10).output(network.command("cat").arg("/proc/net/dev")).expect("runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let devices: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name.trim())
            .collect();
        assert_eq!(devices, ["lo"]);
        let ping = Limited::seconds(10)
            .output(network.command("sh").args([
                "-c",
                "cat /sys/class/net/lo/operstate; cat /proc/net/route /proc/net/fib_trie",
            ]))
            .expect("runs");
        assert!(String::from_utf8_lossy(&ping.stdout).contains("127.0.0.1"));
    }

    #[test]
    fn mounts_stay_inside() {
        if !is_root() {
            return skip("mount sandbox", "needs root");
        }
        let dir = crate::temp_dir("mounts").expect("a directory");
        let mounts = MountSandbox::new().expect("a mount namespace");
        let output = Limited::seconds(10)
            .output(mounts.command("mount").args(["-t", "tmpfs", "none"]).arg(dir.path()))
            .expect("runs");
        assert!(output.status.success());
        let here = std::fs::read_to_string("/proc/self/mountinfo").expect("proc");
        assert!(!here.contains(&dir.path().display().to_string()));
    }
}
