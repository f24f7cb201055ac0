//! What a container gets of the host: resources, namespaces, privileges, and their updates.

use crate::go::{is_empty, null_if_empty};
use crate::{Mount, PortMap};
use std::collections::BTreeMap;

document! {
    /// The part of a container's configuration that depends on the host.
    pub struct HostConfig {
        /// `source:target[:options]`, source being a path or a volume's name.
        #[serde(serialize_with = "null_if_empty")]
        pub binds: Vec<String>,
        /// Where the client wrote the id.
        #[serde(rename = "ContainerIDFile")]
        pub container_id_file: String,
        /// Log driver.
        pub log_config: LogConfig,
        /// `default`, `bridge`, `host`, `none`, `container:ID` or a network's name.
        pub network_mode: String,
        /// Published ports.
        pub port_bindings: PortMap,
        /// When to restart.
        pub restart_policy: RestartPolicy,
        /// Whether the container is removed when it exits.
        pub auto_remove: bool,
        /// Driver of the volumes in `binds`.
        pub volume_driver: String,
        /// `container[:ro|rw]`.
        #[serde(serialize_with = "null_if_empty")]
        pub volumes_from: Vec<String>,
        /// Initial terminal size: height, width.
        pub console_size: [u32; 2],
        /// Annotations for the runtime.
        #[serde(skip_serializing_if = "is_empty")]
        pub annotations: BTreeMap<String, String>,
        /// Capabilities to add.
        #[serde(serialize_with = "null_if_empty")]
        pub cap_add: Vec<String>,
        /// Capabilities to drop.
        #[serde(serialize_with = "null_if_empty")]
        pub cap_drop: Vec<String>,
        /// Cgroup namespace: empty, `private` or `host`.
        pub cgroupns_mode: String,
        /// DNS servers.
        pub dns: Vec<String>,
        /// DNS options.
        pub dns_options: Vec<String>,
        /// DNS search domains.
        pub dns_search: Vec<String>,
        /// `host:address` lines for `/etc/hosts`.
        #[serde(serialize_with = "null_if_empty")]
        pub extra_hosts: Vec<String>,
        /// Supplementary groups.
        #[serde(serialize_with = "null_if_empty")]
        pub group_add: Vec<String>,
        /// IPC namespace: `none`, `private`, `shareable`, `host`, `container:ID`.
        pub ipc_mode: String,
        /// Unused, kept for its clients.
        pub cgroup: String,
        /// Legacy links.
        #[serde(serialize_with = "null_if_empty")]
        pub links: Vec<String>,
        /// Added to the OOM score, -1000 to 1000.
        pub oom_score_adj: i64,
        /// PID namespace: empty, `host`, `container:ID`.
        pub pid_mode: String,
        /// Full privileges.
        pub privileged: bool,
        /// Publish every exposed port.
        pub publish_all_ports: bool,
        /// Read-only root file system.
        pub readonly_rootfs: bool,
        /// `seccomp=…`, `apparmor=…`, `label=…`, `no-new-privileges`.
        #[serde(serialize_with = "null_if_empty")]
        pub security_opt: Vec<String>,
        /// Storage driver options.
        #[serde(skip_serializing_if = "is_empty")]
        pub storage_opt: BTreeMap<String, String>,
        /// Path to mount options.
        #[serde(skip_serializing_if = "is_empty")]
        pub tmpfs: BTreeMap<String, String>,
        /// UTS namespace: empty or `host`.
        #[serde(rename = "UTSMode")]
        pub uts_mode: String,
        /// User namespace: empty or `host`.
        pub userns_mode: String,
        /// Size of `/dev/shm` in bytes.
        pub shm_size: i64,
        /// Namespaced sysctls.
        #[serde(skip_serializing_if = "is_empty")]
        pub sysctls: BTreeMap<String, String>,
        /// Name of the OCI runtime.
        #[serde(skip_serializing_if = "is_empty")]
        pub runtime: String,
        /// Windows only.
        pub isolation: String,
        /// Limits.
        pub resources: ..Resources,
        /// Mounts in the long form.
        #[serde(skip_serializing_if = "is_empty")]
        pub mounts: Vec<Mount>,
        /// Masked paths; `None` means the default ones, an empty list none.
        pub masked_paths: Option<Vec<String>>,
        /// Read-only paths; `None` means the default ones, an empty list none.
        pub readonly_paths: Option<Vec<String>>,
        /// Run an init as PID 1; `None` takes the engine's default.
        #[serde(skip_serializing_if = "is_empty")]
        pub init: Option<bool>,
    }

    /// Resource limits, also the body of an update.
    pub struct Resources {
        /// Relative CPU weight.
        pub cpu_shares: i64,
        /// Memory limit in bytes.
        pub memory: i64,
        /// CPU limit in billionths of a CPU.
        pub nano_cpus: i64,
        /// Parent cgroup.
        pub cgroup_parent: String,
        /// Block IO weight, 10 to 1000.
        pub blkio_weight: u16,
        /// Block IO weight by device.
        pub blkio_weight_device: Vec<WeightDevice>,
        /// Read bytes per second by device.
        #[serde(serialize_with = "null_if_empty")]
        pub blkio_device_read_bps: Vec<ThrottleDevice>,
        /// Written bytes per second by device.
        #[serde(serialize_with = "null_if_empty")]
        pub blkio_device_write_bps: Vec<ThrottleDevice>,
        /// Reads per second by device.
        #[serde(serialize_with = "null_if_empty", rename = "BlkioDeviceReadIOps")]
        pub blkio_device_read_iops: Vec<ThrottleDevice>,
        /// Writes per second by device.
        #[serde(serialize_with = "null_if_empty", rename = "BlkioDeviceWriteIOps")]
        pub blkio_device_write_iops: Vec<ThrottleDevice>,
        /// CFS period in microseconds.
        pub cpu_period: i64,
        /// CFS quota in microseconds.
        pub cpu_quota: i64,
        /// Real-time period in microseconds.
        pub cpu_realtime_period: i64,
        /// Real-time runtime in microseconds.
        pub cpu_realtime_runtime: i64,
        /// CPUs, `0-2,7`.
        pub cpuset_cpus: String,
        /// Memory nodes.
        pub cpuset_mems: String,
        /// Devices to map.
        pub devices: Vec<DeviceMapping>,
        /// Rules for the device cgroup, `c 1:3 rwm`.
        #[serde(serialize_with = "null_if_empty")]
        pub device_cgroup_rules: Vec<String>,
        /// Devices by capability, such as GPUs.
        #[serde(serialize_with = "null_if_empty")]
        pub device_requests: Vec<DeviceRequest>,
        /// Kernel memory; gone from kernels, accepted and ignored.
        #[serde(skip_serializing_if = "is_empty")]
        pub kernel_memory: i64,
        /// Kernel TCP memory; likewise.
        #[serde(skip_serializing_if = "is_empty", rename = "KernelMemoryTCP")]
        pub kernel_memory_tcp: i64,
        /// Soft memory limit in bytes.
        pub memory_reservation: i64,
        /// Memory and swap in bytes, -1 for unlimited swap.
        pub memory_swap: i64,
        /// 0 to 100.
        pub memory_swappiness: Option<i64>,
        /// Whether the OOM killer leaves the container alone.
        pub oom_kill_disable: Option<bool>,
        /// Process limit; 0 or -1 unlimited, `None` unchanged.
        pub pids_limit: Option<i64>,
        /// Resource limits of the process.
        pub ulimits: Vec<Ulimit>,
        /// Windows only.
        pub cpu_count: i64,
        /// Windows only.
        pub cpu_percent: i64,
        /// Windows only.
        #[serde(rename = "IOMaximumIOps")]
        pub io_maximum_iops: u64,
        /// Windows only.
        #[serde(rename = "IOMaximumBandwidth")]
        pub io_maximum_bandwidth: u64,
    }

    /// Log driver and its options.
    pub struct LogConfig {
        /// Driver; empty means the engine's default.
        #[serde(rename = "Type")]
        pub driver: String,
        /// Options.
        pub config: BTreeMap<String, String>,
    }

    /// When to restart a container.
    pub struct RestartPolicy {
        /// Empty, `no`, `always`, `on-failure`, `unless-stopped`.
        pub name: String,
        /// For `on-failure`; 0 is without limit.
        pub maximum_retry_count: i64,
    }

    /// A device of the host in the container.
    pub struct DeviceMapping {
        /// Path on the host.
        pub path_on_host: String,
        /// Path in the container.
        pub path_in_container: String,
        /// Of `rwm`.
        pub cgroup_permissions: String,
    }

    /// A request for devices by capability.
    pub struct DeviceRequest {
        /// Driver.
        pub driver: String,
        /// How many, -1 for all.
        pub count: i64,
        /// Which.
        #[serde(rename = "DeviceIDs", serialize_with = "null_if_empty")]
        pub device_ids: Vec<String>,
        /// Any of these sets of capabilities.
        #[serde(serialize_with = "null_if_empty")]
        pub capabilities: Vec<Vec<String>>,
        /// Options for the driver.
        pub options: BTreeMap<String, String>,
    }

    /// Block IO weight of a device.
    pub struct WeightDevice {
        /// Path of the device.
        pub path: String,
        /// 10 to 1000.
        pub weight: u16,
    }

    /// Block IO rate of a device.
    pub struct ThrottleDevice {
        /// Path of the device.
        pub path: String,
        /// Bytes or operations per second.
        pub rate: u64,
    }

    /// A resource limit of the process (`setrlimit`); -1 is unlimited.
    pub struct Ulimit {
        /// `nofile`, `nproc`, ...
        pub name: String,
        /// Hard limit.
        pub hard: i64,
        /// Soft limit.
        pub soft: i64,
    }

    /// `POST /containers/{id}/update`.
    pub struct UpdateRequest {
        /// New limits; what is zero stays.
        pub resources: ..Resources,
        /// New restart policy; an empty name leaves it.
        pub restart_policy: RestartPolicy,
    }

    /// The answer to it.
    pub struct UpdateResponse {
        /// What the user should know.
        #[serde(serialize_with = "null_if_empty")]
        pub warnings: Vec<String>,
    }
}
