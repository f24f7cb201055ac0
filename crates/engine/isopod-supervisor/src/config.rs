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
    /// Destinations of the mounts that are passed along at the start, in order.
    pub mounts: Vec<String>,
    /// Where to log to; `None` drops what nobody attached to reads.
    pub log: Option<LogConfig>,
}

/// A log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// The file; empty for none. Older ones are beside it, `.1` being the newest of them.
    pub path: PathBuf,
    /// What is in it.
    pub format: LogFormat,
    /// When to begin a new file; 0 is never.
    pub max_size_bytes: u64,
    /// How many files to keep in all, at least 1.
    pub max_files: u32,
    /// Whether older files are compressed.
    pub compress: bool,
    /// How long lines are kept, in seconds; 0 is for ever.
    pub max_age_s: u64,
    /// Attributes written with each line.
    pub attributes: BTreeMap<String, String>,
    /// Where lines are sent as well.
    pub outlet: Option<OutletConfig>,
}

/// The format of a log file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFormat {
    /// Docker's `json-file`.
    #[default]
    Json,
    /// Docker's `local`: see [`local_log`](crate::local_log).
    Local,
}

/// A daemon for logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutletConfig {
    /// Which.
    pub kind: OutletKind,
    /// How many bytes wait in memory when it takes none; `None` holds the container up instead.
    pub buffer_bytes: Option<u64>,
}

/// The kinds of daemons for logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OutletKind {
    /// The journal of systemd.
    Journal {
        /// Its socket.
        socket: PathBuf,
        /// Fields that go with each line.
        fields: Vec<(String, String)>,
    },
    /// A syslog daemon.
    Syslog {
        /// Where it listens.
        address: SyslogAddress,
        /// Number of the facility.
        facility: u8,
        /// How messages look.
        format: SyslogFormat,
        /// What the messages are from.
        tag: String,
        /// Name of this host.
        hostname: String,
    },
}

impl OutletKind {
    /// Whether the daemon can be reached.
    pub fn check(&self) -> std::io::Result<()> {
        crate::outlet::check(self)
    }
}

/// Where a syslog daemon listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyslogAddress {
    /// A unix socket, for datagrams or else for a stream.
    Unix(PathBuf),
    /// A unix socket for datagrams.
    Unixgram(PathBuf),
    /// `host:port`.
    Udp(String),
    /// `host:port`.
    Tcp(String),
}

/// How messages of syslog look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyslogFormat {
    /// As on the local socket, without a host name.
    Unix,
    /// RFC 3164.
    Rfc3164,
    /// RFC 5424, with microseconds if so wished.
    Rfc5424 {
        /// Microseconds.
        micro: bool,
    },
}
