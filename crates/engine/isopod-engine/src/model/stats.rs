//! What a container uses.

use isopod_base::times::Timestamp;

/// A sample of what a container uses, with the CPU figures of the sample before it.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Full id of the container.
    pub id: String,
    /// Its name without the slash.
    pub name: String,
    /// When the sample was taken.
    pub read: Timestamp,
    /// When the sample before it was; `None` for the first.
    pub preread: Option<Timestamp>,
    /// The cgroup's figures; `None` when the container does not run.
    pub cgroup: Option<isopod_cgroups::Stats>,
    /// Those of the sample before.
    pub precgroup: Option<isopod_cgroups::Stats>,
    /// CPU time of the whole host in nanoseconds.
    pub system_cpu_ns: u64,
    /// Likewise of the sample before.
    pub presystem_cpu_ns: u64,
    /// CPUs that are online.
    pub online_cpus: u32,
    /// Memory limit, or the host's memory when there is none.
    pub memory_limit_bytes: u64,
    /// Network interfaces of the container's namespace by name; empty on the host's network.
    pub networks: Vec<(String, NetworkStats)>,
}

/// Counters of a network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkStats {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Errors on receiving.
    pub rx_errors: u64,
    /// Packets dropped on receiving.
    pub rx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Errors on sending.
    pub tx_errors: u64,
    /// Packets dropped on sending.
    pub tx_dropped: u64,
}
