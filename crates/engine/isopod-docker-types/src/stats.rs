//! Resource usage of a container.

use crate::go::{is_empty, null_if_empty};
use std::collections::BTreeMap;

document! {
    "snake_case";

    /// A sample of `GET /containers/{id}/stats`.
    pub struct ContainerStats {
        /// Name with a leading slash.
        #[serde(skip_serializing_if = "is_empty")]
        pub name: String,
        /// Full id.
        #[serde(skip_serializing_if = "is_empty")]
        pub id: String,
        /// RFC 3339 time of the sample.
        pub read: String,
        /// RFC 3339 time of the sample before it.
        pub preread: String,
        /// Processes and threads.
        pub pids_stats: PidsStats,
        /// Block IO.
        pub blkio_stats: BlkioStats,
        /// Windows only.
        pub num_procs: u32,
        /// Windows only.
        pub storage_stats: StorageStats,
        /// CPU.
        pub cpu_stats: CpuStats,
        /// CPU in the sample before it.
        pub precpu_stats: CpuStats,
        /// Memory.
        pub memory_stats: MemoryStats,
        /// Network by interface.
        #[serde(skip_serializing_if = "is_empty")]
        pub networks: BTreeMap<String, NetworkStats>,
    }

    /// Processes and threads.
    pub struct PidsStats {
        /// How many.
        #[serde(skip_serializing_if = "is_empty")]
        pub current: u64,
        /// Limit; 0 is none.
        #[serde(skip_serializing_if = "is_empty")]
        pub limit: u64,
    }

    /// Block IO.
    pub struct BlkioStats {
        /// Bytes by device and operation.
        #[serde(serialize_with = "null_if_empty")]
        pub io_service_bytes_recursive: Vec<BlkioStatEntry>,
        /// Operations by device and operation.
        #[serde(serialize_with = "null_if_empty")]
        pub io_serviced_recursive: Vec<BlkioStatEntry>,
        /// Cgroup v1 with CFQ only, as the ones that follow.
        #[serde(serialize_with = "null_if_empty")]
        pub io_queue_recursive: Vec<BlkioStatEntry>,
        /// Service time.
        #[serde(serialize_with = "null_if_empty")]
        pub io_service_time_recursive: Vec<BlkioStatEntry>,
        /// Wait time.
        #[serde(serialize_with = "null_if_empty")]
        pub io_wait_time_recursive: Vec<BlkioStatEntry>,
        /// Merges.
        #[serde(serialize_with = "null_if_empty")]
        pub io_merged_recursive: Vec<BlkioStatEntry>,
        /// Disk time.
        #[serde(serialize_with = "null_if_empty")]
        pub io_time_recursive: Vec<BlkioStatEntry>,
        /// Sectors.
        #[serde(serialize_with = "null_if_empty")]
        pub sectors_recursive: Vec<BlkioStatEntry>,
    }

    /// A block IO counter.
    pub struct BlkioStatEntry {
        /// Device.
        pub major: u64,
        /// Device.
        pub minor: u64,
        /// `read`, `write`, ...
        pub op: String,
        /// Value.
        pub value: u64,
    }

    /// Windows only.
    pub struct StorageStats {
        /// Reads.
        #[serde(skip_serializing_if = "is_empty")]
        pub read_count_normalized: u64,
        /// Bytes read.
        #[serde(skip_serializing_if = "is_empty")]
        pub read_size_bytes: u64,
        /// Writes.
        #[serde(skip_serializing_if = "is_empty")]
        pub write_count_normalized: u64,
        /// Bytes written.
        #[serde(skip_serializing_if = "is_empty")]
        pub write_size_bytes: u64,
    }

    /// CPU.
    pub struct CpuStats {
        /// Used by the container, nanoseconds.
        pub cpu_usage: CpuUsage,
        /// Used by the whole host, nanoseconds.
        #[serde(skip_serializing_if = "is_empty")]
        pub system_cpu_usage: u64,
        /// CPUs.
        #[serde(skip_serializing_if = "is_empty")]
        pub online_cpus: u32,
        /// Throttling.
        pub throttling_data: ThrottlingData,
    }

    /// CPU time in nanoseconds.
    pub struct CpuUsage {
        /// All.
        pub total_usage: u64,
        /// By CPU (cgroup v1).
        #[serde(skip_serializing_if = "is_empty")]
        pub percpu_usage: Vec<u64>,
        /// In the kernel.
        pub usage_in_kernelmode: u64,
        /// In user mode.
        pub usage_in_usermode: u64,
    }

    /// CPU throttling.
    pub struct ThrottlingData {
        /// Periods.
        pub periods: u64,
        /// Throttled periods.
        pub throttled_periods: u64,
        /// Nanoseconds throttled.
        pub throttled_time: u64,
    }

    /// Memory in bytes.
    pub struct MemoryStats {
        /// Usage with page cache.
        #[serde(skip_serializing_if = "is_empty")]
        pub usage: u64,
        /// Highest usage (cgroup v1).
        #[serde(skip_serializing_if = "is_empty")]
        pub max_usage: u64,
        /// The kernel's `memory.stat`.
        #[serde(skip_serializing_if = "is_empty")]
        pub stats: BTreeMap<String, u64>,
        /// How often the limit was hit.
        #[serde(skip_serializing_if = "is_empty")]
        pub failcnt: u64,
        /// Limit: the container's or the host's memory.
        #[serde(skip_serializing_if = "is_empty")]
        pub limit: u64,
    }

    /// Network counters.
    pub struct NetworkStats {
        /// Bytes received.
        pub rx_bytes: u64,
        /// Packets received.
        pub rx_packets: u64,
        /// Receive errors.
        pub rx_errors: u64,
        /// Packets dropped.
        pub rx_dropped: u64,
        /// Bytes sent.
        pub tx_bytes: u64,
        /// Packets sent.
        pub tx_packets: u64,
        /// Send errors.
        pub tx_errors: u64,
        /// Packets dropped.
        pub tx_dropped: u64,
    }
}
