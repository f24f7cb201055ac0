//! Samples of what a container uses.

use crate::convert::NEVER;
use isopod_cgroups::{BlkioEntry, CpuStats, Stats};
use isopod_docker_types as wire;
use isopod_engine as domain;

/// A sample on the wire.
pub(crate) fn sample(sample: domain::Stats) -> wire::ContainerStats {
    let now = sample.cgroup.as_ref();
    let limit = sample.memory_limit_bytes;
    wire::ContainerStats {
        name: format!("/{}", sample.name),
        id: sample.id,
        read: sample.read.rfc3339(),
        preread: sample.preread.map_or_else(|| NEVER.to_owned(), |time| time.rfc3339()),
        pids_stats: now.map(pids).unwrap_or_default(),
        blkio_stats: now.map(blkio).unwrap_or_default(),
        num_procs: 0,
        storage_stats: wire::StorageStats::default(),
        cpu_stats: now
            .map(|stats| cpu(&stats.cpu, sample.system_cpu_ns, sample.online_cpus))
            .unwrap_or_default(),
        precpu_stats: sample
            .precgroup
            .as_ref()
            .map(|stats| cpu(&stats.cpu, sample.presystem_cpu_ns, sample.online_cpus))
            .unwrap_or_default(),
        memory_stats: now.map(|stats| memory(stats, limit)).unwrap_or_default(),
        networks: sample.networks.into_iter().map(|(name, stats)| (name, network(stats))).collect(),
    }
}

fn pids(stats: &Stats) -> wire::PidsStats {
    wire::PidsStats { current: stats.pids.current, limit: stats.pids.limit }
}

fn cpu(stats: &CpuStats, system_ns: u64, online_cpus: u32) -> wire::CpuStats {
    wire::CpuStats {
        cpu_usage: wire::CpuUsage {
            total_usage: stats.total,
            percpu_usage: stats.per_cpu.clone(),
            usage_in_kernelmode: stats.kernel,
            usage_in_usermode: stats.user,
        },
        system_cpu_usage: system_ns,
        online_cpus,
        throttling_data: wire::ThrottlingData {
            periods: stats.periods,
            throttled_periods: stats.throttled_periods,
            throttled_time: stats.throttled_time,
        },
    }
}

fn memory(stats: &Stats, limit: u64) -> wire::MemoryStats {
    let usage = &stats.memory.usage;
    wire::MemoryStats {
        usage: usage.usage,
        max_usage: usage.max_usage,
        stats: stats.memory.raw.clone(),
        failcnt: usage.failcnt,
        limit,
    }
}

fn blkio(stats: &Stats) -> wire::BlkioStats {
    let entries = |entries: &[BlkioEntry]| {
        entries
            .iter()
            .map(|entry| wire::BlkioStatEntry {
                major: entry.major,
                minor: entry.minor,
                op: entry.op.to_ascii_lowercase(),
                value: entry.value,
            })
            .collect()
    };
    let blkio = &stats.blkio;
    wire::BlkioStats {
        io_service_bytes_recursive: entries(&blkio.service_bytes),
        io_serviced_recursive: entries(&blkio.serviced),
        io_queue_recursive: entries(&blkio.queued),
        io_service_time_recursive: entries(&blkio.service_time),
        io_wait_time_recursive: entries(&blkio.wait_time),
        io_merged_recursive: entries(&blkio.merged),
        io_time_recursive: entries(&blkio.time),
        sectors_recursive: entries(&blkio.sectors),
    }
}

fn network(stats: domain::NetworkStats) -> wire::NetworkStats {
    wire::NetworkStats {
        rx_bytes: stats.rx_bytes,
        rx_packets: stats.rx_packets,
        rx_errors: stats.rx_errors,
        rx_dropped: stats.rx_dropped,
        tx_bytes: stats.tx_bytes,
        tx_packets: stats.tx_packets,
        tx_errors: stats.tx_errors,
        tx_dropped: stats.tx_dropped,
    }
}
