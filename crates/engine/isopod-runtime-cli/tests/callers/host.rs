//! A mount and a network namespace, directories and groups for one test of a caller.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use isopod_testkit::{
    Limited, MountSandbox, NetworkSandbox, TempDir, busybox_rootfs, is_root, peer, remove_cgroups,
    skip, temp_dir,
};

/// The program under test.
pub(crate) const RUNTIME: &str = env!("CARGO_BIN_EXE_isopod-runtime");

/// Seconds that one command of a caller may take.
const PATIENCE_S: u64 = 60;

/// Where a caller runs.
pub(crate) struct Host {
    mounts: MountSandbox,
    network: NetworkSandbox,
    directory: TempDir,
    /// Name of the group that everything is put below.
    pub(crate) group: String,
}

impl Host {
    /// Nothing, and a line that says why, where the test cannot run.
    pub(crate) fn new(test: &str, programs: &[&str]) -> Result<Option<Self>> {
        if !is_root() {
            skip(test, "needs root");
            return Ok(None);
        }
        for program in programs.iter().copied().chain(["nsenter"]) {
            if peer(program).is_none() {
                skip(test, &format!("{program} is not installed"));
                return Ok(None);
            }
        }
        let directory = temp_dir(test)?;
        let host = Self {
            mounts: MountSandbox::new()?,
            network: NetworkSandbox::new()?,
            group: format!("isopod-test-{test}-{}", std::process::id()),
            directory,
        };
        if let Err(missing) = busybox_rootfs(&host.path("rootfs"))? {
            skip(test, &format!("{missing:?}"));
            return Ok(None);
        }
        Ok(Some(host))
    }

    /// A path in the test's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command that runs `program` in the namespaces.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount={}", self.mounts.path()))
            .arg(format!("--net={}", self.network.path()))
            .arg("--")
            .arg(program);
        command
    }

    /// The groups that are left below the test's own, but for those of podman's monitors.
    pub(crate) fn containers_left(&self) -> Vec<PathBuf> {
        let Ok(hierarchies) = std::fs::read_dir("/sys/fs/cgroup") else { return Vec::new() };
        hierarchies
            .flatten()
            .flat_map(|hierarchy| groups_below(&hierarchy.path().join(&self.group)))
            .filter(|path| !path.to_string_lossy().contains("conmon"))
            .collect()
    }
}

fn groups_below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

impl Drop for Host {
    fn drop(&mut self) {
        // A test that has failed half-way leaves containers running.
        for hierarchy in ["freezer", ""] {
            let own = Path::new("/sys/fs/cgroup").join(hierarchy).join(&self.group);
            for group in groups_below(&own) {
                // Paused processes do not die.
                let _ = std::fs::write(group.join("freezer.state"), "THAWED");
                let _ = std::fs::write(group.join("cgroup.freeze"), "0");
                let list = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
                for pid in
                    list.lines().filter_map(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?))
                {
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
        }
        let _ = Limited::seconds(5).until("the groups are removed", || remove_cgroups(&self.group));
    }
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    Limited::seconds(PATIENCE_S).output(command).with_context(|| format!("{command:?}"))
}

/// What a command prints, its exit status being the expected one.
pub(crate) fn expect(command: &mut Command, status: i32) -> Result<String> {
    let output = output(command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(status),
        "{command:?}: {}, expected {status}\nstdout: {}\nstderr: {said}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Waits for a daemon's socket.
pub(crate) fn wait_for_socket(path: &Path, log: &Path) -> Result<()> {
    let appeared = Limited::seconds(30).until("the daemon's socket", || path.exists());
    appeared.with_context(|| std::fs::read_to_string(log).unwrap_or_default())
}
