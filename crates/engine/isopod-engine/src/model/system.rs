//! The engine itself and what it stores.

use super::{ContainerDetails, ImageSummary, VolumeUsage};
use isopod_base::times::Timestamp;
use std::path::PathBuf;

/// The engine and its host.
#[derive(Clone, Debug)]
pub struct Info {
    /// An id that stays with the data directory.
    pub id: String,
    /// Containers by state.
    pub containers: usize,
    /// Those that run.
    pub running: usize,
    /// Those that are paused.
    pub paused: usize,
    /// The rest.
    pub stopped: usize,
    /// Images.
    pub images: usize,
    /// Snapshot driver.
    pub driver: String,
    /// Details of it.
    pub driver_status: Vec<(String, String)>,
    /// Data directory.
    pub data_root: PathBuf,
    /// Whether memory can be limited.
    pub memory_limit: bool,
    /// Whether swap can be limited.
    pub swap_limit: bool,
    /// Whether the OOM killer can be disabled.
    pub oom_kill_disable: bool,
    /// Whether CPU quotas work.
    pub cpu_cfs: bool,
    /// Whether CPU weights work.
    pub cpu_shares: bool,
    /// Whether cpusets work.
    pub cpuset: bool,
    /// Whether process limits work.
    pub pids_limit: bool,
    /// Whether the host forwards IPv4.
    pub ipv4_forwarding: bool,
    /// `cgroupfs` or `systemd`.
    pub cgroup_driver: String,
    /// `1` or `2`.
    pub cgroup_version: String,
    /// Kernel release.
    pub kernel_version: String,
    /// Name of the distribution.
    pub operating_system: String,
    /// Its version.
    pub os_version: String,
    /// `uname -m`.
    pub architecture: String,
    /// CPUs.
    pub cpus: usize,
    /// Memory of the host.
    pub memory_bytes: u64,
    /// Host name.
    pub hostname: String,
    /// When this engine was started.
    pub started_at: Timestamp,
    /// Time now on the host.
    pub system_time: Timestamp,
    /// Open file descriptors of the engine.
    pub open_fds: usize,
    /// Listeners on events.
    pub event_listeners: usize,
    /// `seccomp`, `apparmor`, `selinux`, `rootless`, `cgroupns`.
    pub security_options: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Whether it runs without root's rights.
    pub rootless: bool,
    /// Labels of the engine.
    pub labels: Vec<String>,
    /// The log driver of containers that name none.
    pub log_driver: String,
    /// Log drivers.
    pub log_drivers: Vec<String>,
    /// Networks by driver.
    pub network_drivers: Vec<String>,
    /// Insecure registries, CIDRs and host names.
    pub insecure_registries: Vec<String>,
    /// Mirrors of Docker Hub.
    pub registry_mirrors: Vec<String>,
}

/// Versions.
#[derive(Clone, Debug)]
pub struct Version {
    /// Of isopod.
    pub version: String,
    /// Commit that it was built from; `unknown` outside a release.
    pub commit: String,
    /// Kernel release.
    pub kernel_version: String,
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
}

/// What is stored, exactly.
#[derive(Clone, Debug)]
pub struct DiskUsage {
    /// Images.
    pub images: Vec<ImageSummary>,
    /// Bytes of all layers, shared ones counted once.
    pub layers_bytes: u64,
    /// Containers, with sizes.
    pub containers: Vec<ContainerDetails>,
    /// Volumes.
    pub volumes: Vec<VolumeUsage>,
}
