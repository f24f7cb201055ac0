//! What a container uses, in one shape for both versions.
//!
//! Version 2 figures are given in the layout of version 1, as the clients of the runtimes
//! expect: swap as memory and swap together, disk traffic as `Read` and `Write` entries.

mod v1;
mod v2;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::group::Group;
use crate::hierarchy::Mode;
use crate::manager::Manager;

/// What a container uses. What a controller that is missing would say is zero or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Processor time.
    pub cpu: CpuStats,
    /// Sets of processors and memory nodes (version 1).
    pub cpuset: CpusetStats,
    /// Memory.
    pub memory: MemoryStats,
    /// Processes.
    pub pids: PidsStats,
    /// Block devices.
    pub blkio: BlkioStats,
    /// Huge pages by size, such as `2MB`.
    pub hugetlb: BTreeMap<String, HugetlbStats>,
    /// RDMA in use.
    pub rdma: RdmaStats,
}

/// Processor time, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CpuStats {
    /// All time.
    pub total: u64,
    /// All time, by processor (version 1).
    pub per_cpu: Vec<u64>,
    /// Time in the kernel, by processor (version 1).
    pub per_cpu_kernel: Vec<u64>,
    /// Time in user mode, by processor (version 1).
    pub per_cpu_user: Vec<u64>,
    /// Time in the kernel.
    pub kernel: u64,
    /// Time in user mode.
    pub user: u64,
    /// Periods of the quota that have passed.
    pub periods: u64,
    /// Periods in which the quota was used up.
    pub throttled_periods: u64,
    /// Time spent waiting for the next period.
    pub throttled_time: u64,
    /// Periods in which more than the quota was used.
    pub burst_periods: u64,
    /// Time used beyond the quota.
    pub burst_time: u64,
    /// Stalls for want of a processor.
    pub pressure: Option<Pressure>,
}

/// Sets of processors and memory nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpusetStats {
    /// Processors.
    pub cpus: Vec<u16>,
    /// Whether no other group may use them.
    pub cpu_exclusive: u64,
    /// Memory nodes.
    pub mems: Vec<u16>,
    /// Whether kernel memory is confined too.
    pub mem_hardwall: u64,
    /// Whether no other group may use the memory nodes.
    pub mem_exclusive: u64,
    /// Whether memory moves when the nodes change.
    pub memory_migrate: u64,
    /// Whether the page cache is spread evenly.
    pub memory_spread_page: u64,
    /// Whether slabs are spread evenly.
    pub memory_spread_slab: u64,
    /// Rate of reclaims.
    pub memory_pressure: u64,
    /// Whether the scheduler balances load.
    pub sched_load_balance: u64,
    /// How far it searches.
    pub sched_relax_domain_level: i64,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryStats {
    /// Page cache.
    pub cache: u64,
    /// Memory.
    pub usage: MemoryData,
    /// Memory and swap together.
    pub swap: MemoryData,
    /// Swap alone.
    pub swap_only: MemoryData,
    /// Kernel memory.
    pub kernel: MemoryData,
    /// Buffers of TCP.
    pub kernel_tcp: MemoryData,
    /// Whether groups below count too.
    pub use_hierarchy: bool,
    /// All lines of `memory.stat`.
    pub raw: BTreeMap<String, u64>,
    /// Pages by memory node: total, file, anon, unevictable, and the same with the groups
    /// below (`hierarchical_*`).
    pub numa: BTreeMap<String, NumaPages>,
    /// Stalls for want of memory.
    pub pressure: Option<Pressure>,
}

/// One kind of memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryData {
    /// In use.
    pub usage: u64,
    /// Most ever in use.
    pub max_usage: u64,
    /// How often the limit was hit.
    pub failcnt: u64,
    /// The limit; the largest number if there is none.
    pub limit: u64,
}

/// Pages of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumaPages {
    /// On all nodes.
    pub total: u64,
    /// By node.
    pub nodes: BTreeMap<u8, u64>,
}

/// Processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidsStats {
    /// How many there are.
    pub current: u64,
    /// How many there may be; 0 for no limit.
    pub limit: u64,
}

/// Block devices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlkioStats {
    /// Bytes.
    pub service_bytes: Vec<BlkioEntry>,
    /// Operations.
    pub serviced: Vec<BlkioEntry>,
    /// Operations in the queue.
    pub queued: Vec<BlkioEntry>,
    /// Nanoseconds from dispatch to completion.
    pub service_time: Vec<BlkioEntry>,
    /// Nanoseconds in the queue.
    pub wait_time: Vec<BlkioEntry>,
    /// Operations merged into others.
    pub merged: Vec<BlkioEntry>,
    /// Milliseconds of the device.
    pub time: Vec<BlkioEntry>,
    /// Sectors.
    pub sectors: Vec<BlkioEntry>,
    /// Stalls for want of a device.
    pub pressure: Option<Pressure>,
}

/// One figure of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlkioEntry {
    /// Major number.
    pub major: u64,
    /// Minor number.
    pub minor: u64,
    /// `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`, or nothing.
    pub op: String,
    /// The figure.
    pub value: u64,
}

/// Huge pages of one size, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HugetlbStats {
    /// In use.
    pub usage: u64,
    /// Most ever in use (version 1).
    pub max_usage: u64,
    /// How often the limit was hit.
    pub failcnt: u64,
}

/// RDMA: pairs of handles and objects by device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RdmaStats {
    /// In use.
    pub current: BTreeMap<String, (u32, u32)>,
    /// Limits; the largest number for none.
    pub limit: BTreeMap<String, (u32, u32)>,
}

/// Stalls for want of a resource (PSI).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// Some of the processes waited.
    pub some: PressureShare,
    /// All of them waited.
    pub full: PressureShare,
}

/// A share of stalls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PressureShare {
    /// Percent of the last 10 seconds.
    pub avg10: f64,
    /// Percent of the last 60 seconds.
    pub avg60: f64,
    /// Percent of the last 300 seconds.
    pub avg300: f64,
    /// Microseconds in all.
    pub total: u64,
}

impl Manager {
    /// What the container uses now.
    pub fn stats(&self) -> Result<Stats> {
        match self.mode() {
            Mode::V2 => match self.group("") {
                Some(group) => v2::read(group),
                None => Ok(Stats::default()),
            },
            Mode::V1 | Mode::Hybrid => v1::read(self),
        }
    }
}

/// `rdma.current` and `rdma.max`, alike in both versions:
/// `mlx4_0 hca_handle=2 hca_object=max`.
fn rdma(group: &Group) -> Result<RdmaStats> {
    let table = |file: &str| -> Result<BTreeMap<String, (u32, u32)>> {
        let text = group.read_optional(file)?.unwrap_or_default();
        let mut table = BTreeMap::new();
        for line in text.lines() {
            let mut fields = line.split_ascii_whitespace();
            let Some(device) = fields.next() else { continue };
            let mut pair = (0, 0);
            for field in fields {
                let Some((key, value)) = field.split_once('=') else { continue };
                let value = if value == "max" { u32::MAX } else { value.parse().unwrap_or(0) };
                match key {
                    "hca_handle" => pair.0 = value,
                    "hca_object" => pair.1 = value,
                    _ => {}
                }
            }
            table.insert(device.to_owned(), pair);
        }
        Ok(table)
    };
    Ok(RdmaStats { current: table("rdma.current")?, limit: table("rdma.max")? })
}

/// The sizes of huge pages that this kernel has, as the names of the files have them.
fn huge_page_sizes() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/kernel/mm/hugepages") else { return Vec::new() };
    entries.flatten().filter_map(|entry| huge_page_size(entry.file_name().to_str()?)).collect()
}

/// `2MB` for `hugepages-2048kB`.
fn huge_page_size(directory: &str) -> Option<String> {
    let kib: u64 = directory.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
    Some(match kib {
        1_048_576.. => format!("{}GB", kib >> 20),
        1024.. => format!("{}MB", kib >> 10),
        _ => format!("{kib}KB"),
    })
}

#[cfg(test)]
mod tests;
