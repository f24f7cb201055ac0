//! Typed arguments and results of create, run and exec.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use isopod_cgroups::SubGroup;
use isopod_oci::runtime::{Process, Spec};

/// Where the configuration comes from.
#[derive(Debug)]
pub enum Config {
    /// `config.json` of this bundle directory is read.
    Bundle(PathBuf),
    /// Already parsed, with the bundle directory that relative paths are resolved against.
    Parsed {
        /// The configuration.
        spec: Box<Spec>,
        /// The bundle directory.
        bundle: PathBuf,
    },
}

/// Standard input, output and error of a process.
#[derive(Debug, Default)]
pub enum Stdio {
    /// Those of the caller.
    #[default]
    Inherit,
    /// These descriptors.
    Fds {
        /// Standard input.
        stdin: OwnedFd,
        /// Standard output.
        stdout: OwnedFd,
        /// Standard error.
        stderr: OwnedFd,
    },
    /// A new terminal in the container. Its master end is sent over this connected unix
    /// socket, or given to the caller when there is none.
    Terminal {
        /// Where the master end is sent, as `--console-socket` has it.
        console_socket: Option<OwnedFd>,
    },
}

/// How to make a container.
#[derive(Debug)]
pub struct CreateOptions {
    /// The configuration.
    pub config: Config,
    /// Standard streams; a terminal exactly if `process.terminal` is set.
    pub stdio: Stdio,
    /// A detached mount (`fsmount(2)`, or `open_tree(2)` with `OPEN_TREE_CLONE`) that becomes
    /// the root file system. It is attached to `root.path` in the container's own mount
    /// namespace only, so that it never exists on the host.
    pub rootfs_mount: Option<OwnedFd>,
    /// Detached mounts that take the place of what a bind mount names as its source, by the
    /// mount's destination: for sources that the container's process could not reach.
    pub prepared_mounts: Vec<(String, OwnedFd)>,
    /// File that the init's process id is written to.
    pub pid_file: Option<PathBuf>,
    /// Connected unix socket that the init's pidfd is sent over.
    pub pidfd_socket: Option<OwnedFd>,
    /// How many descriptors, counted from 3, the process keeps.
    pub preserve_fds: u32,
    /// Moves the root mount instead of calling `pivot_root(2)`, which a ramdisk needs.
    pub no_pivot: bool,
    /// Leaves the session keyring as it is.
    pub no_new_keyring: bool,
}

impl CreateOptions {
    /// Options for a bundle directory, everything else as it is by default.
    #[must_use]
    pub fn bundle(bundle: impl Into<PathBuf>) -> Self {
        Self::new(Config::Bundle(bundle.into()))
    }

    /// Options for a parsed configuration, everything else as it is by default.
    #[must_use]
    pub fn parsed(spec: Spec, bundle: impl Into<PathBuf>) -> Self {
        Self::new(Config::Parsed { spec: Box::new(spec), bundle: bundle.into() })
    }

    fn new(config: Config) -> Self {
        Self {
            config,
            stdio: Stdio::Inherit,
            rootfs_mount: None,
            prepared_mounts: Vec::new(),
            pid_file: None,
            pidfd_socket: None,
            preserve_fds: 0,
            no_pivot: false,
            no_new_keyring: false,
        }
    }
}

/// A container that was made.
#[derive(Debug)]
pub struct Created {
    /// Process id of its init, a child of the caller.
    pub pid: i32,
    /// The same process as a descriptor.
    pub pidfd: OwnedFd,
    /// Master end of the terminal, unless it was sent elsewhere.
    pub terminal: Option<OwnedFd>,
    /// What was left aside although it was asked for, in words for a log.
    pub warnings: Vec<String>,
}

/// How to run one more process in a container.
#[derive(Debug)]
pub struct ExecOptions {
    /// The process. Capabilities, limits and labels that it does not name are those of the
    /// container's own process.
    pub process: Process,
    /// Standard streams; a terminal exactly if `process.terminal` is set.
    pub stdio: Stdio,
    /// File that the process id is written to.
    pub pid_file: Option<PathBuf>,
    /// Connected unix socket that the pidfd is sent over.
    pub pidfd_socket: Option<OwnedFd>,
    /// How many descriptors, counted from 3, the process keeps.
    pub preserve_fds: u32,
    /// Goes ahead although the container is paused (the process runs once it is resumed).
    pub ignore_paused: bool,
    /// Groups below the container's own that the process joins.
    pub sub_groups: Vec<SubGroup>,
}

impl ExecOptions {
    /// Options for a process, everything else as it is by default.
    #[must_use]
    pub fn new(process: Process) -> Self {
        Self {
            process,
            stdio: Stdio::Inherit,
            pid_file: None,
            pidfd_socket: None,
            preserve_fds: 0,
            ignore_paused: false,
            sub_groups: Vec::new(),
        }
    }
}

/// A process that was started in a container.
#[derive(Debug)]
pub struct Exec {
    /// Its process id, a child of the caller.
    pub pid: i32,
    /// The same process as a descriptor.
    pub pidfd: OwnedFd,
    /// Master end of the terminal, unless it was sent elsewhere.
    pub terminal: Option<OwnedFd>,
    /// What was left aside although it was asked for, in words for a log.
    pub warnings: Vec<String>,
}
