//! What keeps the daemon from starting.

use crate::listen::ListenError;
use std::io;
use std::path::PathBuf;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    /// The command line is wrong.
    #[error("{0}\nSee 'isopod engine --help'.")]
    Usage(String),
    /// The configuration file cannot be read.
    #[error("unable to configure the engine with file {}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The configuration file is no JSON object.
    #[error("unable to configure the engine with file {}: it is no valid JSON", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    /// The configuration file says something wrong.
    #[error("unable to configure the engine with file {}: {message}", path.display())]
    Directive { path: PathBuf, message: String },
    /// A setting has a value that it cannot have.
    #[error("invalid value for {name}: \"{value}\": {message}")]
    Value { name: String, value: String, message: String },
    /// The group does not exist.
    #[error("group {name} not found in /etc/group: create it, or name another with --group")]
    NoGroup { name: String },
    /// Another engine has the data directory.
    #[error("{}: in use by another engine (process {pid}): stop it first or choose another --data-root", path.display())]
    InUse { path: PathBuf, pid: String },
    /// A file of the daemon's cannot be written.
    #[error("{}: cannot {action}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    /// The certificates are not fit for use.
    #[error(
        "the engine cannot serve {host} without its certificates ('isopod cert create' makes them)"
    )]
    Tls { host: String, source: isopod_tls::TlsError },
    /// A socket cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The engine does not open.
    #[error("the engine could not be opened")]
    Open(#[source] isopod_engine::Error),
    /// Threads or signals could not be set up.
    #[error("the runtime could not be set up")]
    Runtime(#[source] io::Error),
}

impl DaemonError {
    /// 125 for a wrong command line, as Docker has it, else 1.
    pub(crate) fn exit_code(&self) -> i32 {
        if matches!(self, Self::Usage(_)) { 125 } else { 1 }
    }
}
