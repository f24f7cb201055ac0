//! Containers: what they are to run, and how they are.

use super::{HostConfig, MountPoint};
use isopod_base::times::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The portable half of a container's configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerConfig {
    /// Host name; empty means the short id.
    pub hostname: String,
    /// NIS domain name.
    pub domainname: String,
    /// `user[:group]` by name or number; empty means the image's, or root.
    pub user: String,
    /// Whether the creating client attaches stdin.
    pub attach_stdin: bool,
    /// Whether the creating client attaches stdout.
    pub attach_stdout: bool,
    /// Whether the creating client attaches stderr.
    pub attach_stderr: bool,
    /// Exposed ports, `80/tcp`.
    pub exposed_ports: BTreeSet<String>,
    /// Whether the process gets a terminal.
    pub tty: bool,
    /// Whether stdin stays open without an attached client.
    pub open_stdin: bool,
    /// Whether stdin closes when its first client leaves.
    pub stdin_once: bool,
    /// `KEY=value`; a bare `KEY` removes the image's.
    pub env: Vec<String>,
    /// Arguments; `None` takes the image's (unless an entry point is given).
    pub cmd: Option<Vec<String>>,
    /// Health check; `None` takes the image's.
    pub healthcheck: Option<Healthcheck>,
    /// Whether `cmd` is already escaped (Windows images).
    pub args_escaped: bool,
    /// The image as the user named it.
    pub image: String,
    /// Anonymous volumes, by path in the container.
    pub volumes: BTreeSet<String>,
    /// Working directory.
    pub working_dir: String,
    /// Entry point; `None` takes the image's, an empty list or `[""]` clears it.
    pub entrypoint: Option<Vec<String>>,
    /// Whether the network is off.
    pub network_disabled: bool,
    /// Build triggers.
    pub on_build: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Signal that stops the container, by name or number; empty means `SIGTERM`.
    pub stop_signal: String,
    /// Seconds between that signal and the kill; `None` means 10, negative means never.
    pub stop_timeout: Option<i64>,
    /// Shell for the shell form of commands.
    pub shell: Vec<String>,
}

/// How to check that a container is healthy. Durations are nanoseconds, 0 inherits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// `[]` inherits; `["NONE"]`; `["CMD", args...]`; `["CMD-SHELL", command]`.
    pub test: Vec<String>,
    /// Time between checks.
    pub interval_ns: i64,
    /// Time after which a check counts as failed.
    pub timeout_ns: i64,
    /// Grace time at the start, during which failures do not count.
    pub start_period_ns: i64,
    /// Time between checks during the start period.
    pub start_interval_ns: i64,
    /// Consecutive failures that make a container unhealthy.
    pub retries: i64,
}

/// A request to create a container.
#[derive(Clone, Debug, Default)]
pub struct CreateContainer {
    /// Name without the slash; `None` lets the engine choose.
    pub name: Option<String>,
    /// `os/arch[/variant]`; `None` takes the host's.
    pub platform: Option<String>,
    /// The portable configuration.
    pub config: ContainerConfig,
    /// The part that depends on the host.
    pub host: HostConfig,
    /// What is asked for in each network, by its name or id.
    pub networks: BTreeMap<String, super::EndpointSettings>,
}

/// What creating a container gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedContainer {
    /// Full id.
    pub id: String,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// The states of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Made, never started.
    #[default]
    Created,
    /// Its process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It ended and waits to be restarted by its policy.
    Restarting,
    /// It is being removed.
    Removing,
    /// It ended.
    Exited,
    /// Its removal failed.
    Dead,
}

impl Status {
    /// Docker's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    /// Whether there is a process: running or paused.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// How a container is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Its state.
    pub status: Status,
    /// Process id on the host, 0 when not running.
    pub pid: i32,
    /// Exit code of the last run.
    pub exit_code: i32,
    /// Whether the kernel killed a process of it for lack of memory.
    pub oom_killed: bool,
    /// Why it did not start.
    pub error: String,
    /// When it was last started.
    #[serde(with = "super::container::nanos")]
    pub started_at: Option<Timestamp>,
    /// When it last ended.
    #[serde(with = "super::container::nanos")]
    pub finished_at: Option<Timestamp>,
    /// Restarts by the policy since the user's last start.
    pub restart_count: u32,
    /// Whether a user stopped it, which `unless-stopped` respects.
    pub stopped_by_user: bool,
    /// Health, when there is a check and the container has run.
    #[serde(skip)]
    pub health: Option<Health>,
}

/// Whether a container is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    /// Not yet known.
    Starting,
    /// The last check passed.
    Healthy,
    /// Checks keep failing.
    Unhealthy,
}

impl HealthStatus {
    /// Docker's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Health of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// Consecutive failures.
    pub failing_streak: u32,
    /// The last five results, the oldest first.
    pub log: Vec<HealthResult>,
}

/// One run of a health check.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthResult {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// 0 is healthy.
    pub exit_code: i32,
    /// What it printed, at most 4096 bytes.
    pub output: String,
}

/// Everything about a container.
#[derive(Clone, Debug)]
pub struct ContainerDetails {
    /// Full id.
    pub id: String,
    /// Name without the slash.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// Its executable (first word of entry point and command).
    pub path: String,
    /// The rest of them.
    pub args: Vec<String>,
    /// How it is.
    pub state: ContainerState,
    /// Id of its image, `sha256:…`.
    pub image_id: String,
    /// The portable configuration, the image's merged in.
    pub config: ContainerConfig,
    /// The part that depends on the host.
    pub host: HostConfig,
    /// Where its files come from.
    pub mounts: Vec<MountPoint>,
    /// Its networks, and the ports that are published now.
    pub networks: super::ContainerNetworks,
    /// File on the host that is its `/etc/resolv.conf`.
    pub resolv_conf_path: PathBuf,
    /// Likewise `/etc/hostname`.
    pub hostname_path: PathBuf,
    /// Likewise `/etc/hosts`.
    pub hosts_path: PathBuf,
    /// Its log file; empty when its log driver keeps none.
    pub log_path: PathBuf,
    /// Ids of exec sessions that run.
    pub exec_ids: Vec<String>,
    /// Snapshot driver.
    pub driver: String,
    /// `linux`.
    pub platform: String,
    /// Paths of the snapshot by role (`LowerDir`, `UpperDir`, `WorkDir`, `MergedDir`).
    pub driver_data: BTreeMap<String, String>,
    /// Sizes, when asked for.
    pub size: Option<ContainerSize>,
}

/// How much a container stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContainerSize {
    /// Bytes that the container wrote.
    pub written_bytes: u64,
    /// Bytes of its whole root file system.
    pub root_bytes: u64,
}

/// Which containers to list.
#[derive(Clone, Debug, Default)]
pub struct ListContainers {
    /// Those that do not run, too.
    pub all: bool,
    /// At most so many, the newest (implies `all`).
    pub limit: Option<usize>,
    /// With sizes.
    pub size: bool,
    /// `id name label ancestor before since status exited health network volume publish expose
    /// is-task`.
    pub filters: super::Filters,
}

/// When a wait is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitCondition {
    /// As soon as the container does not run.
    #[default]
    NotRunning,
    /// At the next exit, even if it does not run now.
    NextExit,
    /// When it has been removed.
    Removed,
}

/// What a wait saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitResult {
    /// Exit code.
    pub exit_code: i32,
    /// Why waiting failed, e.g. the removal did.
    pub error: Option<String>,
}

/// How to remove a container.
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoveContainer {
    /// Kill it first if it runs.
    pub force: bool,
    /// Remove its anonymous volumes.
    pub volumes: bool,
}

/// The processes of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// The columns.
    pub titles: Vec<String>,
    /// A row a process.
    pub processes: Vec<Vec<String>>,
}

/// What a container changed in a path of its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was changed.
    Modified,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
}

/// A path that differs from the image's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub kind: ChangeKind,
    /// Path in the container, absolute.
    pub path: String,
}

/// A request to make an image of a container.
#[derive(Clone, Debug, Default)]
pub struct CommitContainer {
    /// `repository[:tag]`; empty leaves the image without a name.
    pub reference: String,
    /// What was done.
    pub comment: String,
    /// By whom.
    pub author: String,
    /// Freeze the container meanwhile.
    pub pause: bool,
    /// Dockerfile instructions applied to the configuration.
    pub changes: Vec<String>,
    /// Fields that replace the container's; `None` leaves its configuration.
    pub config: Option<ContainerConfig>,
}

/// What a prune removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Ids or names.
    pub removed: Vec<String>,
    /// Bytes freed.
    pub reclaimed_bytes: u64,
}

/// A file of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStat {
    /// Last component.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// `st_mode` of Unix.
    pub mode: u32,
    /// Modification time.
    pub mtime: Timestamp,
    /// Where a symbolic link leads, resolved in the container; empty for others.
    pub link_target: String,
}

/// How to unpack an archive into a container.
#[derive(Clone, Copy, Debug, Default)]
pub struct PutArchive {
    /// Refuse to replace a directory by a file and the reverse.
    pub no_overwrite_dir_non_dir: bool,
    /// Keep the owners of the archive; otherwise root owns what is unpacked.
    pub copy_owners: bool,
}

/// Times in the journal: nanoseconds since 1970, absent when never.
pub(crate) mod nanos {
    use isopod_base::times::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|t| i64::try_from(t.nanos()).unwrap_or(i64::MAX)).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(|n| Timestamp::from_nanos(n.into())))
    }
}
