//! Statistics of version 1 hierarchies.

use rustix::io::Errno;

use super::{
    BlkioEntry, BlkioStats, CpuStats, CpusetStats, HugetlbStats, MemoryData, MemoryStats,
    NumaPages, PidsStats, Stats,
};
use crate::error::{Error, Result};
use crate::group::{Group, flat_keyed, parse_u64};
use crate::manager::Manager;

/// `cpuacct.stat` counts in these units a second on every Linux (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;
const NANOSECONDS: u64 = 1_000_000_000;

pub(super) fn read(manager: &Manager) -> Result<Stats> {
    let mut stats = Stats::default();
    if let Some(group) = manager.group("cpuset") {
        stats.cpuset = cpuset(group)?;
    }
    if let Some(group) = manager.group("memory") {
        stats.memory = memory(group)?;
    }
    if let Some(group) = manager.group("cpu") {
        throttling(group, &mut stats.cpu)?;
    }
    if let Some(group) = manager.group("cpuacct") {
        cpuacct(group, &mut stats.cpu)?;
    }
    if let Some(group) = manager.group("pids") {
        stats.pids = pids(group)?;
    }
    if let Some(group) = manager.group("blkio") {
        stats.blkio = blkio(group)?;
    }
    if let Some(group) = manager.group("hugetlb") {
        for size in super::huge_page_sizes() {
            if let Some(found) = hugetlb(group, &size)? {
                stats.hugetlb.insert(size, found);
            }
        }
    }
    if let Some(group) = manager.group("rdma") {
        stats.rdma = super::rdma(group)?;
    }
    Ok(stats)
}

fn cpuset(group: &Group) -> Result<CpusetStats> {
    let number = |file: &str| Ok::<u64, Error>(group.read_u64_optional(file)?.unwrap_or(0));
    let list = |file: &str| -> Result<Vec<u16>> {
        let text = group.read_optional(file)?.unwrap_or_default();
        parse_list(text.trim()).ok_or_else(|| group.content(file, text.trim(), "a list like 0-2,7"))
    };
    let level = group.read_optional("cpuset.sched_relax_domain_level")?;
    Ok(CpusetStats {
        cpus: list("cpuset.cpus")?,
        cpu_exclusive: number("cpuset.cpu_exclusive")?,
        mems: list("cpuset.mems")?,
        mem_hardwall: number("cpuset.mem_hardwall")?,
        mem_exclusive: number("cpuset.mem_exclusive")?,
        memory_migrate: number("cpuset.memory_migrate")?,
        memory_spread_page: number("cpuset.memory_spread_page")?,
        memory_spread_slab: number("cpuset.memory_spread_slab")?,
        memory_pressure: number("cpuset.memory_pressure")?,
        sched_load_balance: number("cpuset.sched_load_balance")?,
        sched_relax_domain_level: level.and_then(|text| text.trim().parse().ok()).unwrap_or(0),
    })
}

/// `0-2,7` as numbers.
pub(super) fn parse_list(text: &str) -> Option<Vec<u16>> {
    let mut out = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
        if from > to {
            return None;
        }
        out.extend(from..=to);
    }
    Some(out)
}

fn memory(group: &Group) -> Result<MemoryStats> {
    let Some(stat) = group.read_optional("memory.stat")? else { return Ok(MemoryStats::default()) };
    let mut memory = MemoryStats {
        raw: flat_keyed(&stat).map(|(key, value)| (key.to_owned(), value)).collect(),
        usage: memory_data(group, "memory")?,
        swap: memory_data(group, "memory.memsw")?,
        kernel: memory_data(group, "memory.kmem")?,
        kernel_tcp: memory_data(group, "memory.kmem.tcp")?,
        use_hierarchy: group.read_u64_optional("memory.use_hierarchy")? == Some(1),
        ..MemoryStats::default()
    };
    memory.cache = memory.raw.get("cache").copied().unwrap_or(0);
    memory.swap_only = MemoryData {
        usage: memory.swap.usage.saturating_sub(memory.usage.usage),
        failcnt: memory.swap.failcnt.saturating_sub(memory.usage.failcnt),
        ..MemoryData::default()
    };
    for line in group.read_optional("memory.numa_stat")?.unwrap_or_default().lines() {
        if let Some((kind, pages)) = numa_line(line) {
            memory.numa.insert(kind, pages);
        }
    }
    Ok(memory)
}

/// Swap and kernel memory are not accounted by every kernel.
fn memory_data(group: &Group, prefix: &str) -> Result<MemoryData> {
    let Some(usage) = group.read_u64_optional(&format!("{prefix}.usage_in_bytes"))? else {
        return Ok(MemoryData::default());
    };
    let number = |name: &str| {
        Ok::<u64, Error>(group.read_u64_optional(&format!("{prefix}.{name}"))?.unwrap_or(0))
    };
    Ok(MemoryData {
        usage,
        max_usage: number("max_usage_in_bytes")?,
        failcnt: number("failcnt")?,
        limit: number("limit_in_bytes")?,
    })
}

/// `total=12 N0=10 N1=2`; other lines are of kernels with lines of their own.
pub(super) fn numa_line(line: &str) -> Option<(String, NumaPages)> {
    let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
    let (kind, total) = fields.next()?;
    let nodes = fields
        .filter_map(|(node, pages)| {
            Some((node.strip_prefix('N')?.parse().ok()?, pages.parse().ok()?))
        })
        .collect();
    Some((kind.to_owned(), NumaPages { total: total.parse().ok()?, nodes }))
}

fn throttling(group: &Group, cpu: &mut CpuStats) -> Result<()> {
    let text = group.read_optional("cpu.stat")?.unwrap_or_default();
    for (key, value) in flat_keyed(&text) {
        match key {
            "nr_periods" => cpu.periods = value,
            "nr_throttled" => cpu.throttled_periods = value,
            "throttled_time" => cpu.throttled_time = value,
            "nr_bursts" => cpu.burst_periods = value,
            "burst_time" => cpu.burst_time = value,
            _ => {}
        }
    }
    Ok(())
}

fn cpuacct(group: &Group, cpu: &mut CpuStats) -> Result<()> {
    let Some(total) = group.read_u64_optional("cpuacct.usage")? else { return Ok(()) };
    cpu.total = total;
    for (key, ticks) in flat_keyed(&group.read("cpuacct.stat")?) {
        let time = ticks.saturating_mul(NANOSECONDS / TICKS_PER_SECOND);
        match key {
            "user" => cpu.user = time,
            "system" => cpu.kernel = time,
            _ => {}
        }
    }
    let per_cpu = group.read("cpuacct.usage_percpu")?;
    cpu.per_cpu = per_cpu.split_ascii_whitespace().filter_map(parse_u64).collect();
    // After a header, each line is `cpu user system`.
    for line in group.read_optional("cpuacct.usage_all")?.unwrap_or_default().lines().skip(1) {
        let mut fields = line.split_ascii_whitespace().skip(1).filter_map(parse_u64);
        if let (Some(user), Some(kernel)) = (fields.next(), fields.next()) {
            cpu.per_cpu_user.push(user);
            cpu.per_cpu_kernel.push(kernel);
        }
    }
    Ok(())
}

fn pids(group: &Group) -> Result<PidsStats> {
    Ok(PidsStats {
        current: group.read_u64_optional("pids.current")?.unwrap_or(0),
        limit: group.read_u64_optional("pids.max")?.filter(|limit| *limit != u64::MAX).unwrap_or(0),
    })
}

/// Where in the result the figures of a file go.
type Place = fn(&mut BlkioStats) -> &mut Vec<BlkioEntry>;

const SECTORS: Place = |stats| &mut stats.sectors;
const SERVICE_TIME: Place = |stats| &mut stats.service_time;
const WAIT_TIME: Place = |stats| &mut stats.wait_time;
const MERGED: Place = |stats| &mut stats.merged;
const QUEUED: Place = |stats| &mut stats.queued;
const TIME: Place = |stats| &mut stats.time;
const SERVICED: Place = |stats| &mut stats.serviced;
const SERVICE_BYTES: Place = |stats| &mut stats.service_bytes;

/// Which files there are depends on the I/O scheduler and on the kernel; the first set that
/// is there has the most to say.
const BLKIO_FILES: [&[(&str, Place)]; 5] = [
    &[
        ("blkio.bfq.sectors_recursive", SECTORS),
        ("blkio.bfq.io_service_time_recursive", SERVICE_TIME),
        ("blkio.bfq.io_wait_time_recursive", WAIT_TIME),
        ("blkio.bfq.io_merged_recursive", MERGED),
        ("blkio.bfq.io_queued_recursive", QUEUED),
        ("blkio.bfq.time_recursive", TIME),
        ("blkio.bfq.io_serviced_recursive", SERVICED),
        ("blkio.bfq.io_service_bytes_recursive", SERVICE_BYTES),
    ],
    &[
        ("blkio.bfq.io_serviced_recursive", SERVICED),
        ("blkio.bfq.io_service_bytes_recursive", SERVICE_BYTES),
    ],
    &[
        ("blkio.sectors_recursive", SECTORS),
        ("blkio.io_service_time_recursive", SERVICE_TIME),
        ("blkio.io_wait_time_recursive", WAIT_TIME),
        ("blkio.io_merged_recursive", MERGED),
        ("blkio.io_queued_recursive", QUEUED),
        ("blkio.time_recursive", TIME),
        ("blkio.io_serviced_recursive", SERVICED),
        ("blkio.io_service_bytes_recursive", SERVICE_BYTES),
    ],
    &[
        ("blkio.throttle.io_serviced_recursive", SERVICED),
        ("blkio.throttle.io_service_bytes_recursive", SERVICE_BYTES),
    ],
    &[("blkio.throttle.io_serviced", SERVICED), ("blkio.throttle.io_service_bytes", SERVICE_BYTES)],
];

/// A set whose files are there but list no device has nothing to say yet; the next may.
fn blkio(group: &Group) -> Result<BlkioStats> {
    let mut stats = BlkioStats::default();
    for files in BLKIO_FILES {
        let mut complete = true;
        for (file, place) in files {
            let entries = match group.read(file) {
                Ok(text) => parse_blkio(&text)
                    .map_err(|line| group.content(file, line, "MAJOR:MINOR [OPERATION] NUMBER"))?,
                Err(error) if error.is(Errno::NOENT) => Vec::new(),
                Err(error) => return Err(error),
            };
            if entries.is_empty() {
                complete = false;
                break;
            }
            *place(&mut stats) = entries;
        }
        if complete {
            break;
        }
    }
    Ok(stats)
}

/// Lines `8:0 Read 4096`, `8:0 4096`, and a last one `Total 4096`.
pub(super) fn parse_blkio(text: &str) -> std::result::Result<Vec<BlkioEntry>, &str> {
    let entry = |line: &str| -> Option<Option<BlkioEntry>> {
        let mut fields = line.split_ascii_whitespace();
        let first = fields.next()?;
        let Some((major, minor)) = first.split_once(':') else {
            return (first == "Total").then_some(None);
        };
        let (op, value) = match (fields.next()?, fields.next()) {
            (op, Some(value)) => (op, value),
            (value, None) => ("", value),
        };
        Some(Some(BlkioEntry {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            op: op.to_owned(),
            value: value.parse().ok()?,
        }))
    };
    let mut entries = Vec::new();
    for line in text.lines() {
        entries.extend(entry(line).ok_or(line)?);
    }
    Ok(entries)
}

fn hugetlb(group: &Group, size: &str) -> Result<Option<HugetlbStats>> {
    for prefix in [format!("hugetlb.{size}.rsvd"), format!("hugetlb.{size}")] {
        let number = |name: &str| group.read_u64_optional(&format!("{prefix}.{name}"));
        if let Some(usage) = number("usage_in_bytes")? {
            return Ok(Some(HugetlbStats {
                usage,
                max_usage: number("max_usage_in_bytes")?.unwrap_or(0),
                failcnt: number("failcnt")?.unwrap_or(0),
            }));
        }
    }
    Ok(None)
}
