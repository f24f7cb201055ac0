//! What an engine leaves for a supervisor, and what a supervisor leaves for an engine: the files
//! in a container's run-time directory.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names of the files in a container's run-time directory.
pub mod file {
    /// The supervisor's [`Config`](super::Config), written by the engine.
    pub const CONFIG: &str = "supervisor.json";
    /// The OCI configuration of the container, written by the engine.
    pub const SPEC: &str = "config.json";
    /// The control socket.
    pub const SOCKET: &str = "control.sock";
    /// Held locked by the supervisor; holds its process id.
    pub const LOCK: &str = "supervisor.pid";
    /// The container's process, written once it runs: [`Running`](crate::protocol::Running).
    pub const RUNNING: &str = "running.json";
    /// How it ended: [`Exited`](crate::protocol::Exited).
    pub const EXITED: &str = "exited.json";
    /// Output on its way from the FIFOs to the log.
    pub const SPOOL: &str = "spool";
    /// The FIFOs of the container.
    pub const STDIN: &str = "stdin";
    /// See above.
    pub const STDOUT: &str = "stdout";
    /// See above.
    pub const STDERR: &str = "stderr";
    /// Where the root file system's mount is moved to, in the container's own namespace.
    pub const ROOTFS: &str = "rootfs";
}

/// What a supervisor is to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The container's id.
    pub id: String,
    /// Where the OCI runtime keeps its state.
    pub runtime_root: PathBuf,
    /// Whether cgroups are made by systemd.
    pub systemd_cgroup: bool,
    /// Whether stdin is open.
    pub open_stdin: bool,
    /// Whether the container is removed when it ends: then how it ended need not survive a power
    /// cut, which it would otherwise be synced for.
    pub removed_at_end: bool,
    /// Where to log to; `None` drops what nobody attached to reads.
    pub log: Option<LogConfig>,
}

/// A log in Docker's json-file format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// The file. Older ones are beside it, `.1` being the newest of them.
    pub path: PathBuf,
    /// When to begin a new file; 0 is never.
    pub max_size_bytes: u64,
    /// How many files to keep in all, at least 1.
    pub max_files: u32,
    /// Attributes written with each line.
    pub attributes: BTreeMap<String, String>,
}
