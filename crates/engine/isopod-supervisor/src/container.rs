//! The container behind the OCI runtime library.

use crate::config::{Config, file};
use crate::protocol::{Failure, FailureKind};
use isopod_oci::runtime::{Process, Spec};
use isopod_runtime::{CreateOptions, ErrorKind, ExecOptions, Runtime, Stdio};
use std::os::fd::OwnedFd;

/// Detached mounts that the engine passed along.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// The root file system.
    pub(crate) rootfs: Option<OwnedFd>,
    /// Those that [`Config::mounts`] names.
    pub(crate) mounts: Vec<OwnedFd>,
}

/// A container that was started.
#[derive(Debug)]
pub(crate) struct Container {
    runtime: Runtime,
    id: String,
}

/// A process that was started; who started it reaps it.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) terminal: Option<OwnedFd>,
}

impl Container {
    /// Makes and starts the container in one go; the working directory is its bundle.
    pub(crate) fn start(
        config: &Config,
        spec: Spec,
        passed: Passed,
        stdio: Stdio,
    ) -> Result<(Self, Spawned), Failure> {
        let runtime = runtime(config);
        let bundle = std::env::current_dir()
            .map_err(|error| Failure::other(format!("the run-time directory is gone: {error}")))?;
        if passed.rootfs.is_some() {
            // The place that the mount is moved to, in the container's mount namespace only.
            let _ = std::fs::create_dir(file::ROOTFS);
        }
        let mut options = CreateOptions::parsed(spec, bundle);
        options.stdio = stdio;
        options.rootfs_mount = passed.rootfs;
        options.prepared_mounts = config.mounts.iter().cloned().zip(passed.mounts).collect();
        let created = runtime.run(&config.id, options).map_err(failure)?;
        let spawned =
            Spawned { pid: created.pid, pidfd: created.pidfd, terminal: created.terminal };
        Ok((Self::existing(config), spawned))
    }

    /// The container of a predecessor.
    pub(crate) fn existing(config: &Config) -> Self {
        Self { runtime: runtime(config), id: config.id.clone() }
    }

    pub(crate) fn exec(&self, process: Process, stdio: Stdio) -> Result<Spawned, Failure> {
        let container = self.runtime.load(&self.id).map_err(failure)?;
        let mut options = ExecOptions::new(process);
        options.stdio = stdio;
        let exec = container.exec(options).map_err(failure)?;
        Ok(Spawned { pid: exec.pid, pidfd: exec.pidfd, terminal: exec.terminal })
    }

    /// How many of its processes the kernel killed for lack of memory.
    pub(crate) fn oom_kills(&self) -> u64 {
        self.runtime
            .load(&self.id)
            .and_then(|container| container.cgroup())
            .ok()
            .and_then(|cgroup| cgroup.oom_kills().ok())
            .unwrap_or(0)
    }

    /// Removes what is left of it once its process has ended.
    pub(crate) fn delete(&self) -> Result<(), Failure> {
        match self.runtime.load(&self.id) {
            Ok(container) => container.delete(true).map_err(failure),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }
}

fn runtime(config: &Config) -> Runtime {
    Runtime::new(&config.runtime_root).systemd_cgroup(config.systemd_cgroup)
}

fn failure(error: isopod_runtime::Error) -> Failure {
    let kind = match error.kind() {
        ErrorKind::CommandNotFound => FailureKind::CommandNotFound,
        ErrorKind::CommandNotExecutable => FailureKind::CommandNotExecutable,
        ErrorKind::NotFound | ErrorKind::NotRunning => FailureKind::NotRunning,
        ErrorKind::Invalid => FailureKind::Invalid,
        _ => FailureKind::Other,
    };
    Failure::new(kind, isopod_base::chain(&error).to_string())
}
