//! What can go wrong, in the words that callers of runtimes look for.

use std::io;
use std::path::PathBuf;

use isopod_oci::runtime::Status;

/// Result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure an [`Error`] is, for callers that map it to exit codes or statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such container.
    NotFound,
    /// The id is taken.
    AlreadyExists,
    /// An argument or the configuration is wrong.
    Invalid,
    /// The container is not in a state that allows the operation.
    WrongState,
    /// The container has no process to act on.
    NotRunning,
    /// The program to execute does not exist (shells say 127).
    CommandNotFound,
    /// The program to execute cannot be executed (shells say 126).
    CommandNotExecutable,
    /// The kernel or this build lacks what was asked for.
    Unsupported,
    /// A hook failed.
    Hook,
    /// The system refused.
    System,
}

/// A failed operation.
///
/// The texts of the states are those of runc, since its callers match on them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No container of that id.
    #[error("container does not exist")]
    NotFound {
        /// The id.
        id: String,
    },
    /// The id is taken.
    #[error("container with given ID already exists")]
    AlreadyExists {
        /// The id.
        id: String,
    },
    /// The id is empty or holds characters that are not allowed.
    #[error("invalid container ID format: {id:?}: {reason}")]
    InvalidId {
        /// The id.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `config.json` cannot be used.
    #[error("invalid configuration: {field}: {reason}")]
    InvalidConfig {
        /// Path of the field, such as `linux.namespaces[2].path`.
        field: String,
        /// What was wrong and what was expected.
        reason: String,
    },
    /// `config.json` or the state is not what it should be.
    #[error("parse {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: isopod_oci::ParseError,
    },
    /// The kernel or this build lacks what was asked for.
    #[error("{field}: {reason}")]
    Unsupported {
        /// The field that asked for it.
        field: String,
        /// Why it cannot be had.
        reason: String,
    },
    /// Start of a container that runs already.
    #[error("cannot start an already running container")]
    AlreadyRunning,
    /// Start of a container whose process has ended.
    #[error("cannot start a container that has stopped")]
    Stopped,
    /// An operation needs a running process.
    #[error("container not running")]
    NotRunning {
        /// The id.
        id: String,
    },
    /// Delete without force of a container that is not stopped.
    #[error("cannot delete container {id} that is not stopped: {status}")]
    NotStopped {
        /// The id.
        id: String,
        /// Where it is in its life.
        status: Status,
    },
    /// Exec in a stopped container.
    #[error("cannot exec in a stopped container")]
    ExecStopped,
    /// Exec in a paused container.
    #[error("cannot exec in a paused container (use --ignore-paused to override)")]
    ExecPaused,
    /// Resume of a container that is not paused.
    #[error("container not paused")]
    NotPaused,
    /// The caller has threads, so that no Rust code may run in a clone of it.
    #[error("{operation} needs a single-threaded process")]
    Threads {
        /// What was asked for.
        operation: &'static str,
    },
    /// A process could not be made ready or executed; told by the process itself.
    #[error("{text}")]
    Init {
        /// The whole chain of causes.
        text: String,
        /// What sort of failure it was.
        kind: ErrorKind,
    },
    /// The container's process ended before it was ready, without a word.
    #[error("container init exited prematurely: {how}")]
    InitDied {
        /// Exit status or signal.
        how: String,
    },
    /// A hook failed.
    #[error("error running {hook} hook #{index}: {reason}")]
    Hook {
        /// Name of the list.
        hook: &'static str,
        /// Position in the list, from 0.
        index: usize,
        /// How it failed, with what it printed.
        reason: String,
    },
    /// An operation on the container's cgroups failed.
    #[error("cgroups")]
    Cgroup(#[source] isopod_cgroups::Error),
    /// The seccomp profile cannot be compiled.
    #[error("seccomp profile")]
    Seccomp(#[source] isopod_seccomp::Error),
    /// An operation on a file failed.
    #[error("{action} {}", path.display())]
    File {
        /// What was being done, such as `open`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A call on something that is not a file failed.
    #[error("{what}")]
    System {
        /// What was being done, with its object.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A rule of the runtime's own safety was broken: something was not what it seemed.
    #[error("{what} is not safe to use: {reason}")]
    Unsafe {
        /// The object.
        what: String,
        /// What it turned out to be.
        reason: String,
    },
}

impl Error {
    /// What sort of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::InvalidId { .. }
            | Self::InvalidConfig { .. }
            | Self::Parse { .. }
            | Self::Seccomp(_)
            | Self::Threads { .. } => ErrorKind::Invalid,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::AlreadyRunning
            | Self::Stopped
            | Self::NotStopped { .. }
            | Self::ExecStopped
            | Self::ExecPaused
            | Self::NotPaused => ErrorKind::WrongState,
            Self::NotRunning { .. } => ErrorKind::NotRunning,
            Self::Init { kind, .. } => *kind,
            Self::Hook { .. } => ErrorKind::Hook,
            Self::InitDied { .. }
            | Self::Cgroup(_)
            | Self::File { .. }
            | Self::System { .. }
            | Self::Unsafe { .. } => ErrorKind::System,
        }
    }

    /// For `map_err` on operations on files.
    pub(crate) fn file<E: Into<io::Error>>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::File { action, path: path.into(), source: source.into() }
    }

    /// For `map_err` on other system calls.
    pub(crate) fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what: what.into(), source: source.into() }
    }

    /// A field of the configuration that is wrong.
    pub(crate) fn config(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidConfig { field: field.into(), reason: reason.into() }
    }

    /// A field of the configuration that cannot be honoured here.
    pub(crate) fn unsupported(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unsupported { field: field.into(), reason: reason.into() }
    }
}

impl From<isopod_cgroups::Error> for Error {
    fn from(source: isopod_cgroups::Error) -> Self {
        Self::Cgroup(source)
    }
}
