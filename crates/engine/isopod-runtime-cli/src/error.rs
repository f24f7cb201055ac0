//! What a command can fail with, in runc's words where callers match on them.

use std::io;
use std::path::PathBuf;

use crate::NAME;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("argument {argument:?} is not UTF-8")]
    NotUtf8 { argument: String },
    #[error("No help topic for '{command}'")]
    UnknownCommand { command: String },
    #[error("flag provided but not defined: -{flag}")]
    UnknownFlag { flag: String, command: Option<&'static str> },
    #[error("flag needs an argument: -{flag}")]
    FlagWithoutValue { flag: String, command: Option<&'static str> },
    #[error("invalid value {value:?} for flag -{flag}: expected {expected}")]
    FlagValue { flag: &'static str, value: String, expected: &'static str },
    #[error("{NAME}: {command:?} requires {how} {expected} argument(s)")]
    ArgumentCount { command: &'static str, how: &'static str, expected: usize },
    #[error("container id cannot be empty")]
    EmptyId,
    #[error("invalid log-format: {format}")]
    LogFormat { format: String },
    #[error("Option --root argument should not be set to /")]
    RootIsRoot,
    #[error("invalid format option")]
    Format,
    #[error("unknown signal {signal:?}")]
    UnknownSignal { signal: String },
    #[error("{action} {}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{what}")]
    System {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("JSON specification file {} not found", path.display())]
    NoSpec { path: PathBuf },
    #[error("parse {}", path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: isopod_oci::ParseError,
    },
    #[error("process property must not be empty")]
    NoProcess,
    #[error("File {name} exists. Remove it first")]
    SpecExists { name: &'static str },
    #[error("cannot allocate tty if the runtime will detach without setting console socket")]
    TerminalWithoutSocket,
    #[error("cannot use console socket if the runtime will not detach or allocate tty")]
    SocketWithoutTerminal,
    #[error(
        "no terminal to connect the container's to: none of the standard streams is one, and there is no /dev/tty"
    )]
    NoTerminal,
    #[error("unable to stat preserved-fd {index} (of {count}): descriptor {number} is not open")]
    PreservedDescriptor { index: u32, count: u32, number: u32 },
    #[error("exec args cannot be empty")]
    NoArguments,
    #[error("{0}")]
    Argument(String),
    #[error("cannot start a container in the {status} state")]
    StartState { status: isopod_oci::runtime::Status },
    #[error("container with id {id} is not running")]
    EventsNotRunning { id: String },
    #[error("{feature} is not supported: this runtime does not work with CRIU")]
    Checkpoint { feature: &'static str },
    #[error("{schema} is not enabled")]
    IntelRdt { schema: &'static str },
    #[error("ps {arguments}: {reason}")]
    Ps { arguments: String, reason: String },
    #[error("create failed")]
    Create(#[source] isopod_runtime::Error),
    #[error("run failed")]
    Run(#[source] isopod_runtime::Error),
    #[error("exec failed")]
    Exec(#[source] Box<Error>),
    #[error(transparent)]
    Runtime(#[from] isopod_runtime::Error),
    #[error(transparent)]
    Cgroup(#[from] isopod_cgroups::Error),
}

impl Error {
    /// The exit status.
    pub(crate) fn status(&self) -> i32 {
        match self {
            Self::UnknownCommand { .. } => 3,
            Self::Exec(_) => 255,
            _ => 1,
        }
    }

    /// Whose usage is shown along with the error: `Some(None)` is that of the program.
    pub(crate) fn usage(&self) -> Option<Option<&'static str>> {
        match self {
            Self::UnknownFlag { command, .. } | Self::FlagWithoutValue { command, .. } => {
                Some(*command)
            }
            Self::ArgumentCount { command, .. } => Some(Some(command)),
            _ => None,
        }
    }

    pub(crate) fn file<E: Into<io::Error>>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::File { action, path: path.into(), source: source.into() }
    }

    pub(crate) fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what, source: source.into() }
    }
}
