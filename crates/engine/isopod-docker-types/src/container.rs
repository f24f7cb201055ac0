//! Containers as the engine reports them.

use crate::go::{is_empty, null_if_empty};
use crate::{
    ContainerConfig, Descriptor, EndpointSettings, HostConfig, MountPoint, NetworkSettings, Port,
};
use std::collections::BTreeMap;

document! {
    /// `GET /containers/{id}/json`.
    pub struct ContainerInspect {
        /// Full id.
        pub id: String,
        /// RFC 3339 time.
        pub created: String,
        /// Executable.
        pub path: String,
        /// Its arguments.
        pub args: Vec<String>,
        /// State.
        pub state: ContainerState,
        /// Id of the image, `sha256:…`.
        pub image: String,
        /// File on the host that is the container's `/etc/resolv.conf`.
        pub resolv_conf_path: String,
        /// Likewise for `/etc/hostname`.
        pub hostname_path: String,
        /// Likewise for `/etc/hosts`.
        pub hosts_path: String,
        /// Log file.
        pub log_path: String,
        /// Name with a leading slash.
        pub name: String,
        /// Restarts by the restart policy.
        pub restart_count: i64,
        /// Storage driver.
        pub driver: String,
        /// `linux`.
        pub platform: String,
        /// The manifest that the image's index led to.
        #[serde(skip_serializing_if = "is_empty")]
        pub image_manifest_descriptor: Option<Descriptor>,
        /// SELinux label of the mounts.
        pub mount_label: String,
        /// SELinux label of the process.
        pub process_label: String,
        /// AppArmor profile.
        pub app_armor_profile: String,
        /// Running exec sessions.
        #[serde(rename = "ExecIDs", serialize_with = "null_if_empty")]
        pub exec_ids: Vec<String>,
        /// Configuration that depends on the host.
        pub host_config: HostConfig,
        /// Storage.
        #[serde(skip_serializing_if = "is_empty")]
        pub graph_driver: Option<GraphDriver>,
        /// Bytes written by the container (only with `size=1`).
        #[serde(skip_serializing_if = "is_empty")]
        pub size_rw: Option<i64>,
        /// Bytes of the whole root file system (only with `size=1`).
        #[serde(skip_serializing_if = "is_empty")]
        pub size_root_fs: Option<i64>,
        /// Mount points.
        pub mounts: Vec<MountPoint>,
        /// Portable configuration.
        pub config: ContainerConfig,
        /// Network.
        pub network_settings: NetworkSettings,
    }

    /// State of a container.
    pub struct ContainerState {
        /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
        pub status: String,
        /// Running, which a paused container is too.
        pub running: bool,
        /// Paused.
        pub paused: bool,
        /// Waiting to be restarted.
        pub restarting: bool,
        /// Whether the kernel killed it for lack of memory.
        #[serde(rename = "OOMKilled")]
        pub oom_killed: bool,
        /// Whether its removal failed.
        pub dead: bool,
        /// PID on the host, 0 when not running.
        pub pid: i64,
        /// Exit code.
        pub exit_code: i64,
        /// Why it did not start.
        pub error: String,
        /// RFC 3339 time; `0001-01-01T00:00:00Z` for never.
        pub started_at: String,
        /// Likewise.
        pub finished_at: String,
        /// Health, if there is a check.
        #[serde(skip_serializing_if = "is_empty")]
        pub health: Option<Health>,
    }

    /// Health of a container.
    pub struct Health {
        /// `starting`, `healthy`, `unhealthy`.
        pub status: String,
        /// Consecutive failures.
        pub failing_streak: i64,
        /// The last results, the oldest first.
        #[serde(serialize_with = "null_if_empty")]
        pub log: Vec<HealthcheckResult>,
    }

    /// One run of a health check.
    pub struct HealthcheckResult {
        /// RFC 3339 time.
        pub start: String,
        /// RFC 3339 time.
        pub end: String,
        /// 0 healthy, otherwise not.
        pub exit_code: i64,
        /// What it printed.
        pub output: String,
    }

    /// Storage driver data of a container or image.
    pub struct GraphDriver {
        /// Paths by role (`LowerDir`, `UpperDir`, ...).
        #[serde(serialize_with = "null_if_empty")]
        pub data: BTreeMap<String, String>,
        /// Driver.
        pub name: String,
    }

    /// An entry of `GET /containers/json`.
    pub struct ContainerSummary {
        /// Full id.
        pub id: String,
        /// Names with a leading slash.
        pub names: Vec<String>,
        /// The image as the user named it, or its id.
        pub image: String,
        /// Id of the image.
        #[serde(rename = "ImageID")]
        pub image_id: String,
        /// The manifest that the image's index led to.
        #[serde(skip_serializing_if = "is_empty")]
        pub image_manifest_descriptor: Option<Descriptor>,
        /// Command in one line.
        pub command: String,
        /// Unix time.
        pub created: i64,
        /// Ports.
        pub ports: Vec<Port>,
        /// Bytes written (only with `size=1`).
        #[serde(skip_serializing_if = "is_empty")]
        pub size_rw: i64,
        /// Bytes of the root file system (only with `size=1`).
        #[serde(skip_serializing_if = "is_empty")]
        pub size_root_fs: i64,
        /// Labels.
        pub labels: BTreeMap<String, String>,
        /// As [`ContainerState::status`].
        pub state: String,
        /// `Up 3 seconds`, `Exited (0) 2 minutes ago`, ...
        pub status: String,
        /// Excerpt of the host configuration.
        pub host_config: ContainerListHostConfig,
        /// Excerpt of the network settings.
        pub network_settings: ContainerListNetworks,
        /// Mount points.
        pub mounts: Vec<MountPoint>,
    }

    /// Excerpt of the host configuration in the container list.
    pub struct ContainerListHostConfig {
        /// Network mode.
        #[serde(skip_serializing_if = "is_empty")]
        pub network_mode: String,
        /// Annotations.
        #[serde(skip_serializing_if = "is_empty")]
        pub annotations: BTreeMap<String, String>,
    }

    /// Excerpt of the network settings in the container list.
    pub struct ContainerListNetworks {
        /// Endpoints by network.
        pub networks: BTreeMap<String, EndpointSettings>,
    }

    /// `GET /containers/{id}/top`.
    pub struct ContainerTopResponse {
        /// A row a process.
        #[serde(serialize_with = "null_if_empty")]
        pub processes: Vec<Vec<String>>,
        /// The columns.
        #[serde(serialize_with = "null_if_empty")]
        pub titles: Vec<String>,
    }

    /// `POST /containers/{id}/wait`.
    pub struct ContainerWaitResponse {
        /// Why waiting failed.
        #[serde(skip_serializing_if = "is_empty")]
        pub error: Option<ContainerWaitError>,
        /// Exit code.
        pub status_code: i64,
    }

    /// Why waiting failed.
    pub struct ContainerWaitError {
        /// For people.
        pub message: String,
    }

    /// An entry of `GET /containers/{id}/changes`.
    pub struct FilesystemChange {
        /// See [`change_kind`].
        pub kind: u8,
        /// Path in the container.
        pub path: String,
    }

    /// `POST /containers/prune`.
    pub struct ContainersPruneReport {
        /// Ids.
        #[serde(serialize_with = "null_if_empty")]
        pub containers_deleted: Vec<String>,
        /// Bytes freed.
        pub space_reclaimed: u64,
    }

}

document! {
    "camelCase";

    /// The `X-Docker-Container-Path-Stat` header, as base64 of this document.
    pub struct PathStat {
        /// Last component of the path.
        pub name: String,
        /// Bytes.
        pub size: i64,
        /// Go's `os.FileMode`: permission bits and type flags of its own (`1 << 31` directory,
        /// `1 << 27` symbolic link).
        pub mode: u32,
        /// RFC 3339 time.
        pub mtime: String,
        /// Where a symbolic link leads, within the container.
        pub link_target: String,
    }
}

/// The kinds of [`FilesystemChange`].
pub mod change_kind {
    /// The file was changed.
    pub const MODIFIED: u8 = 0;
    /// The file is new.
    pub const ADDED: u8 = 1;
    /// The file is gone.
    pub const DELETED: u8 = 2;
}
