//! What a container gets of its host.

use super::{
    CgroupNamespace, IpcMode, Mount, NetworkMode, PidMode, RestartPolicy, UserNamespace, UtsMode,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The half of a container's configuration that depends on the host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostConfig {
    /// `source:target[:options]`, the source being an absolute path or a volume's name.
    pub binds: Vec<String>,
    /// Mounts in the long form.
    pub mounts: Vec<Mount>,
    /// tmpfs mounts: path to options.
    pub tmpfs: BTreeMap<String, String>,
    /// `container[:ro|rw]`.
    pub volumes_from: Vec<String>,
    /// Driver of the volumes named in `binds`; empty means `local`.
    pub volume_driver: String,
    /// Where the client wrote the id.
    pub container_id_file: String,
    /// Log driver.
    pub log: LogConfig,
    /// Network.
    pub network_mode: NetworkMode,
    /// Published ports, `80/tcp` to host addresses.
    pub port_bindings: BTreeMap<String, Vec<PortBinding>>,
    /// Publish every exposed port.
    pub publish_all_ports: bool,
    /// When to restart.
    pub restart_policy: RestartPolicy,
    /// Remove the container when it ends.
    pub auto_remove: bool,
    /// Initial terminal size: height, width.
    pub console_size: [u32; 2],
    /// Annotations for the runtime.
    pub annotations: BTreeMap<String, String>,
    /// Capabilities to add, with or without `CAP_`, or `ALL`.
    pub cap_add: Vec<String>,
    /// Capabilities to drop.
    pub cap_drop: Vec<String>,
    /// Cgroup namespace.
    pub cgroupns_mode: CgroupNamespace,
    /// DNS servers.
    pub dns: Vec<String>,
    /// DNS options.
    pub dns_options: Vec<String>,
    /// DNS search domains.
    pub dns_search: Vec<String>,
    /// `host:address` for `/etc/hosts`; the address may be `host-gateway`.
    pub extra_hosts: Vec<String>,
    /// Supplementary groups, by name or number.
    pub group_add: Vec<String>,
    /// IPC namespace.
    pub ipc_mode: IpcMode,
    /// Legacy links; refused.
    pub links: Vec<String>,
    /// Added to the OOM score, -1000 to 1000.
    pub oom_score_adj: i32,
    /// PID namespace.
    pub pid_mode: PidMode,
    /// Full privileges.
    pub privileged: bool,
    /// Read-only root file system.
    pub readonly_rootfs: bool,
    /// `seccomp=…`, `apparmor=…`, `label=…`, `no-new-privileges`, `systempaths=unconfined`.
    pub security_opt: Vec<String>,
    /// Storage options; refused unless empty.
    pub storage_opt: BTreeMap<String, String>,
    /// UTS namespace.
    pub uts_mode: UtsMode,
    /// User namespace.
    pub userns_mode: UserNamespace,
    /// Size of `/dev/shm` in bytes; 0 means 64 MiB.
    pub shm_size_bytes: u64,
    /// Namespaced sysctls.
    pub sysctls: BTreeMap<String, String>,
    /// Name of the OCI runtime; empty means isopod's own, others are refused.
    pub runtime: String,
    /// Limits.
    pub resources: Resources,
    /// Masked paths; `None` means the default ones.
    pub masked_paths: Option<Vec<String>>,
    /// Read-only paths; `None` means the default ones.
    pub readonly_paths: Option<Vec<String>>,
    /// Run an init as process 1; `None` takes the engine's default (no).
    pub init: Option<bool>,
}

/// Where a port of a container is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortBinding {
    /// Address of the host; empty means all.
    pub host_ip: String,
    /// Port of the host; empty lets the engine choose.
    pub host_port: String,
}

/// Log driver and its options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// `json-file` or `none`; empty means `json-file`.
    pub driver: String,
    /// `max-size`, `max-file`, `labels`, `env`, `tag`, ...
    pub options: BTreeMap<String, String>,
}

/// Limits of a container. Zero, empty and `None` mean "not limited"; in an update, "unchanged".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Relative CPU weight, 1024 being usual.
    pub cpu_shares: i64,
    /// Memory limit.
    pub memory_bytes: i64,
    /// CPU limit in billionths of a CPU.
    pub nano_cpus: i64,
    /// Parent cgroup.
    pub cgroup_parent: String,
    /// Block IO weight, 10 to 1000.
    pub blkio_weight: u16,
    /// Block IO weight by device path.
    pub blkio_weight_device: Vec<(String, u16)>,
    /// Bytes read per second by device path.
    pub blkio_device_read_bps: Vec<(String, u64)>,
    /// Bytes written per second by device path.
    pub blkio_device_write_bps: Vec<(String, u64)>,
    /// Reads per second by device path.
    pub blkio_device_read_iops: Vec<(String, u64)>,
    /// Writes per second by device path.
    pub blkio_device_write_iops: Vec<(String, u64)>,
    /// CFS period in microseconds.
    pub cpu_period_us: i64,
    /// CFS quota in microseconds.
    pub cpu_quota_us: i64,
    /// Real-time period in microseconds.
    pub cpu_realtime_period_us: i64,
    /// Real-time runtime in microseconds.
    pub cpu_realtime_runtime_us: i64,
    /// CPUs, `0-2,7`.
    pub cpuset_cpus: String,
    /// Memory nodes.
    pub cpuset_mems: String,
    /// Devices to map.
    pub devices: Vec<DeviceMapping>,
    /// Rules of the device cgroup, `c 1:3 rwm`.
    pub device_cgroup_rules: Vec<String>,
    /// Requests for devices by capability (GPUs): how many; refused unless none.
    pub device_requests: usize,
    /// Soft memory limit.
    pub memory_reservation_bytes: i64,
    /// Memory and swap together; -1 for unlimited swap.
    pub memory_swap_bytes: i64,
    /// 0 to 100; -1 and `None` leave it.
    pub memory_swappiness: Option<i64>,
    /// Whether the OOM killer leaves the container alone.
    pub oom_kill_disable: Option<bool>,
    /// Process limit; 0 and -1 mean unlimited.
    pub pids_limit: Option<i64>,
    /// Resource limits of the process.
    pub ulimits: Vec<Ulimit>,
}

/// A device of the host in the container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceMapping {
    /// Path on the host.
    pub path_on_host: String,
    /// Path in the container; empty means the same.
    pub path_in_container: String,
    /// Of `rwm`; empty means all.
    pub cgroup_permissions: String,
}

/// A resource limit of the process (`setrlimit`); -1 is unlimited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ulimit {
    /// `nofile`, `nproc`, ...
    pub name: String,
    /// Soft limit.
    pub soft: i64,
    /// Hard limit.
    pub hard: i64,
}

/// A request to change a container's limits or its restart policy.
#[derive(Clone, Debug, Default)]
pub struct UpdateContainer {
    /// New limits.
    pub resources: Resources,
    /// New restart policy, if any.
    pub restart_policy: Option<RestartPolicy>,
}
