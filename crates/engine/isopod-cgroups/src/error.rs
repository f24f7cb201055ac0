//! What can go wrong with control groups, one level per error.

use std::io;
use std::path::{Path, PathBuf};

use crate::hierarchy::ParseError;
use crate::systemd;

/// Result of an operation on control groups.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on a control group failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of `/proc` or of a group could not be read.
    #[error("reading {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A file of a group does not hold what its format promises.
    #[error("{path}: unexpected content {content:?}, expected {expected}")]
    Content {
        /// The file.
        path: PathBuf,
        /// The line or value that was not understood.
        content: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The kernel refused a value.
    #[error("writing {value:?} to {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The value.
        value: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The mounts of the control groups could not be understood.
    #[error("finding the mounted control groups")]
    Hierarchy(#[from] ParseError),
    /// No control group file system is mounted.
    #[error("no control group file system is mounted (looked in /proc/self/mountinfo)")]
    NotMounted,
    /// A group could not be made.
    #[error("creating control group {path}")]
    Create {
        /// The group's directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A group could not be opened.
    #[error("opening control group {path}")]
    Open {
        /// The group's directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A group could not be removed.
    #[error("removing control group {path}")]
    Remove {
        /// The group's directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A process could not be put into a group.
    #[error("moving process {pid} into control group {path}")]
    Move {
        /// The group's directory.
        path: PathBuf,
        /// The process.
        pid: i32,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A limit was asked for that no mounted controller can hold.
    #[error(
        "cannot set {controller} limit: the {controller} controller is not available to this container"
    )]
    ControllerMissing {
        /// The controller, as the kernel names it.
        controller: &'static str,
    },
    /// The `devices` controller is needed to confine the container.
    #[error("the devices controller is not mounted, so device access could not be confined")]
    DevicesMissing,
    /// A limit was asked for although the groups could not be made for want of permission.
    #[error("rootless needs no limits + no cgrouppath when no permission is granted for cgroups")]
    RootlessLimits {
        /// Why the groups could not be made.
        #[source]
        source: Box<Error>,
    },
    /// A value of the resources makes no sense.
    #[error("{field}: {value:?} is not valid, expected {expected}")]
    InvalidValue {
        /// The field, as in `linux.resources`.
        field: String,
        /// The value.
        value: String,
        /// What would do.
        expected: String,
    },
    /// `cgroupsPath` or the path of a sub-group makes no sense.
    #[error("invalid cgroup path {path:?}: {reason}")]
    InvalidPath {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `unified` was asked for where version 1 is mounted.
    #[error("invalid configuration: cannot use unified on cgroup v1")]
    UnifiedOnV1,
    /// A file of `unified` belongs to a controller that is missing.
    #[error("unified resource {file:?} can't be set: controller {controller:?} not available")]
    UnifiedController {
        /// The file.
        file: String,
        /// The controller.
        controller: String,
    },
    /// The group was there before and holds processes of somebody else.
    #[error("container's cgroup is not empty: {count} process(es) found in {path}")]
    NotEmpty {
        /// The group's directory.
        path: PathBuf,
        /// How many processes.
        count: usize,
    },
    /// The group was there before and is frozen.
    #[error("container's cgroup unexpectedly frozen: {path}")]
    Frozen {
        /// The group's directory.
        path: PathBuf,
    },
    /// The parent group cannot hold domain controllers.
    #[error("cannot enter cgroupv2 {path:?} with domain controllers -- it is in {kind:?} mode")]
    Threaded {
        /// The group's directory.
        path: PathBuf,
        /// Content of `cgroup.type`.
        kind: String,
    },
    /// A memory limit below what the container uses now.
    #[error("unable to set memory limit to {limit} (current usage: {usage}, peak usage: {peak})")]
    MemoryInUse {
        /// The limit asked for.
        limit: i64,
        /// Bytes in use.
        usage: u64,
        /// Most bytes ever in use.
        peak: u64,
    },
    /// The device rules in force are not those asked for.
    #[error("{path}: the device rules in force are not those asked for")]
    DevicesMismatch {
        /// The group's directory.
        path: PathBuf,
    },
    /// The device program could not be loaded or attached.
    #[error("attaching the device program to {path}")]
    DeviceProgram {
        /// The group's directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The freezer did not reach the state asked for.
    #[error("unable to freeze {path} within {tries} attempts")]
    Freeze {
        /// The group's directory.
        path: PathBuf,
        /// How often it was tried.
        tries: u32,
    },
    /// A process could not be signalled.
    #[error("signalling process {pid}")]
    Signal {
        /// The process.
        pid: i32,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The container has no freezer.
    #[error("cannot toggle freezer: cgroups not configured for container")]
    NoFreezer,
    /// systemd did not do what was asked.
    #[error("systemd cgroup driver")]
    Systemd(#[from] systemd::Error),
}

impl Error {
    pub(crate) fn read(path: impl AsRef<Path>, source: impl Into<io::Error>) -> Self {
        Self::Read { path: path.as_ref().to_owned(), source: source.into() }
    }

    pub(crate) fn invalid(
        field: impl Into<String>,
        value: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::InvalidValue {
            field: field.into(),
            value: value.to_string(),
            expected: expected.into(),
        }
    }

    /// The error number behind this error, if the kernel gave one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Self::Read { source, .. }
            | Self::Write { source, .. }
            | Self::Create { source, .. }
            | Self::Open { source, .. }
            | Self::Remove { source, .. }
            | Self::Move { source, .. }
            | Self::DeviceProgram { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// Whether the kernel refused for want of permission (read-only mounts included).
    pub(crate) fn is_permission(&self) -> bool {
        use rustix::io::Errno;
        self.raw_os_error().is_some_and(|code| {
            [Errno::PERM, Errno::ACCESS, Errno::ROFS].iter().any(|e| e.raw_os_error() == code)
        })
    }

    pub(crate) fn is(&self, errno: rustix::io::Errno) -> bool {
        self.raw_os_error() == Some(errno.raw_os_error())
    }
}
