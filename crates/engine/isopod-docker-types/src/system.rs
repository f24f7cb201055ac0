//! The engine itself: version, information, disk usage, errors.

use crate::go::{is_empty, null_if_empty};
use crate::{ContainerSummary, ImageSummary, RegistryServiceConfig, Volume};
use std::collections::BTreeMap;

document! {
    "camelCase";

    /// The body of every failure.
    pub struct ErrorResponse {
        /// For people.
        pub message: String,
    }
}

document! {
    /// The answer of what creates an object: exec create, commit.
    pub struct IdResponse {
        /// The id.
        pub id: String,
    }

    /// `GET /version`.
    pub struct Version {
        /// Name of the product.
        pub platform: PlatformName,
        /// Its parts.
        #[serde(skip_serializing_if = "is_empty")]
        pub components: Vec<ComponentVersion>,
        /// Version.
        pub version: String,
        /// Newest API version.
        pub api_version: String,
        /// Oldest API version.
        #[serde(rename = "MinAPIVersion", skip_serializing_if = "is_empty")]
        pub min_api_version: String,
        /// Commit.
        pub git_commit: String,
        /// Toolchain.
        pub go_version: String,
        /// `linux`.
        pub os: String,
        /// `amd64`, ...
        pub arch: String,
        /// Kernel.
        #[serde(skip_serializing_if = "is_empty")]
        pub kernel_version: String,
        /// Experimental features.
        #[serde(skip_serializing_if = "is_empty")]
        pub experimental: bool,
        /// RFC 3339 time.
        #[serde(skip_serializing_if = "is_empty")]
        pub build_time: String,
    }

    /// Name of the product.
    pub struct PlatformName {
        /// Name.
        pub name: String,
    }

    /// Version of a part.
    pub struct ComponentVersion {
        /// Name.
        pub name: String,
        /// Version.
        pub version: String,
        /// More.
        #[serde(skip_serializing_if = "is_empty")]
        pub details: BTreeMap<String, String>,
    }

    /// `GET /info`.
    pub struct Info {
        /// Id of the engine.
        #[serde(rename = "ID")]
        pub id: String,
        /// Containers.
        pub containers: i64,
        /// Of these, running.
        pub containers_running: i64,
        /// Of these, paused.
        pub containers_paused: i64,
        /// Of these, stopped.
        pub containers_stopped: i64,
        /// Images.
        pub images: i64,
        /// Storage driver.
        pub driver: String,
        /// Pairs of name and value.
        #[serde(serialize_with = "null_if_empty")]
        pub driver_status: Vec<[String; 2]>,
        /// Plugins by kind.
        pub plugins: PluginsInfo,
        /// Whether memory can be limited.
        pub memory_limit: bool,
        /// Whether swap can be limited.
        pub swap_limit: bool,
        /// CFS period.
        pub cpu_cfs_period: bool,
        /// CFS quota.
        pub cpu_cfs_quota: bool,
        /// CPU weight.
        #[serde(rename = "CPUShares")]
        pub cpu_shares: bool,
        /// CPU sets.
        #[serde(rename = "CPUSet")]
        pub cpu_set: bool,
        /// Process limit.
        pub pids_limit: bool,
        /// Forwarding.
        #[serde(rename = "IPv4Forwarding")]
        pub ipv4_forwarding: bool,
        /// Before API 1.49.
        #[serde(skip_serializing_if = "is_empty")]
        pub bridge_nf_iptables: Option<bool>,
        /// Before API 1.49.
        #[serde(skip_serializing_if = "is_empty")]
        pub bridge_nf_ip6tables: Option<bool>,
        /// Whether debug logging is on.
        pub debug: bool,
        /// Open file descriptors.
        #[serde(rename = "NFd")]
        pub n_fd: i64,
        /// Whether the OOM killer can be switched off.
        pub oom_kill_disable: bool,
        /// Tasks.
        #[serde(rename = "NGoroutines")]
        pub n_goroutines: i64,
        /// RFC 3339 time.
        pub system_time: String,
        /// Default log driver.
        pub logging_driver: String,
        /// `cgroupfs` or `systemd`.
        pub cgroup_driver: String,
        /// `1` or `2`.
        #[serde(skip_serializing_if = "is_empty")]
        pub cgroup_version: String,
        /// Clients that listen to events.
        #[serde(rename = "NEventsListener")]
        pub n_events_listener: i64,
        /// Kernel.
        pub kernel_version: String,
        /// `Debian GNU/Linux 12 (bookworm)`.
        pub operating_system: String,
        /// `12`.
        #[serde(rename = "OSVersion")]
        pub os_version: String,
        /// `linux`.
        #[serde(rename = "OSType")]
        pub os_type: String,
        /// `x86_64`, ...
        pub architecture: String,
        /// The default registry.
        pub index_server_address: String,
        /// Registries.
        pub registry_config: Option<RegistryServiceConfig>,
        /// CPUs.
        #[serde(rename = "NCPU")]
        pub ncpu: i64,
        /// Bytes.
        pub mem_total: i64,
        /// Swarm only.
        pub generic_resources: Option<Vec<serde_json::Value>>,
        /// Data directory.
        pub docker_root_dir: String,
        /// Proxy.
        pub http_proxy: String,
        /// Proxy.
        pub https_proxy: String,
        /// Hosts without proxy.
        pub no_proxy: String,
        /// Host name.
        pub name: String,
        /// Labels of the engine.
        pub labels: Vec<String>,
        /// Experimental features.
        pub experimental_build: bool,
        /// Version.
        pub server_version: String,
        /// OCI runtimes.
        pub runtimes: BTreeMap<String, RuntimeInfo>,
        /// Which of them is the default.
        pub default_runtime: String,
        /// Swarm state.
        pub swarm: SwarmInfo,
        /// Whether containers survive the engine.
        pub live_restore_enabled: bool,
        /// Windows only.
        pub isolation: String,
        /// Init for `--init`.
        pub init_binary: String,
        /// Version of containerd.
        pub containerd_commit: Commit,
        /// Version of the runtime.
        pub runc_commit: Commit,
        /// Version of the init.
        pub init_commit: Commit,
        /// `name=seccomp,profile=builtin`, ...
        pub security_options: Vec<String>,
        /// Legacy.
        #[serde(skip_serializing_if = "is_empty")]
        pub product_license: String,
        /// Directories of device specifications.
        #[serde(rename = "CDISpecDirs")]
        pub cdi_spec_dirs: Vec<String>,
        /// What the user should know.
        #[serde(serialize_with = "null_if_empty")]
        pub warnings: Vec<String>,
        /// Process id of the engine (isopod's own addition).
        #[serde(skip_serializing_if = "is_empty")]
        pub engine_pid: i64,
    }

    /// Plugins by kind.
    pub struct PluginsInfo {
        /// Volume drivers.
        pub volume: Vec<String>,
        /// Network drivers.
        pub network: Vec<String>,
        /// Authorization plugins.
        #[serde(serialize_with = "null_if_empty")]
        pub authorization: Vec<String>,
        /// Log drivers.
        pub log: Vec<String>,
    }

    /// Version of a part, by commit.
    pub struct Commit {
        /// Commit or version.
        #[serde(rename = "ID")]
        pub id: String,
    }

    /// Swarm state.
    pub struct SwarmInfo {
        /// Id of the node.
        #[serde(rename = "NodeID")]
        pub node_id: String,
        /// Address of the node.
        pub node_addr: String,
        /// `inactive`.
        pub local_node_state: String,
        /// Whether it is a manager.
        pub control_available: bool,
        /// Error.
        pub error: String,
        /// Managers.
        pub remote_managers: Option<Vec<SwarmPeer>>,
    }

    /// A manager of a swarm.
    pub struct SwarmPeer {
        /// Id of the node.
        #[serde(rename = "NodeID")]
        pub node_id: String,
        /// Address.
        pub addr: String,
    }

    /// `GET /system/df`.
    pub struct DiskUsage {
        /// Bytes of all layers.
        pub layers_size: i64,
        /// Images.
        pub images: Option<Vec<ImageSummary>>,
        /// Containers.
        pub containers: Option<Vec<ContainerSummary>>,
        /// Volumes.
        pub volumes: Option<Vec<Volume>>,
        /// Build cache.
        pub build_cache: Option<Vec<BuildCacheRecord>>,
        /// Before API 1.42.
        #[serde(skip_serializing_if = "is_empty")]
        pub builder_size: i64,
    }

    /// A record of the build cache.
    pub struct BuildCacheRecord {
        /// Id.
        #[serde(rename = "ID")]
        pub id: String,
        /// Parents.
        #[serde(skip_serializing_if = "is_empty")]
        pub parents: Vec<String>,
        /// `regular`, `source.local`, ...
        #[serde(rename = "Type")]
        pub kind: String,
        /// Description.
        pub description: String,
        /// In use.
        pub in_use: bool,
        /// Shared with an image.
        pub shared: bool,
        /// Bytes.
        pub size: i64,
        /// RFC 3339 time.
        pub created_at: String,
        /// RFC 3339 time.
        pub last_used_at: Option<String>,
        /// How often it was used.
        pub usage_count: i64,
    }

    /// `POST /build/prune`.
    pub struct BuildPruneReport {
        /// Ids.
        #[serde(serialize_with = "null_if_empty")]
        pub caches_deleted: Vec<String>,
        /// Bytes freed.
        pub space_reclaimed: u64,
    }
}

document! {
    "camelCase";

    /// An OCI runtime.
    pub struct RuntimeInfo {
        /// Path.
        #[serde(skip_serializing_if = "is_empty")]
        pub path: String,
        /// Arguments.
        #[serde(skip_serializing_if = "is_empty")]
        pub runtime_args: Vec<String>,
        /// Facts about it.
        #[serde(skip_serializing_if = "is_empty")]
        pub status: BTreeMap<String, String>,
    }
}
