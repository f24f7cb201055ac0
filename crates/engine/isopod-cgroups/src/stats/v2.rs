//! Statistics of the version 2 tree.

use super::{
    BlkioEntry, BlkioStats, CpuStats, HugetlbStats, MemoryData, MemoryStats, PidsStats, Pressure,
    PressureShare, Stats,
};
use crate::error::Result;
use crate::group::{Group, flat_keyed};
use crate::processes;

pub(super) fn read(group: &Group) -> Result<Stats> {
    let mut stats = Stats {
        cpu: cpu(group)?,
        memory: memory(group)?,
        pids: pids(group)?,
        blkio: io(group)?,
        rdma: super::rdma(group)?,
        ..Stats::default()
    };
    for size in super::huge_page_sizes() {
        if let Some(found) = hugetlb(group, &size)? {
            stats.hugetlb.insert(size, found);
        }
    }
    Ok(stats)
}

fn cpu(group: &Group) -> Result<CpuStats> {
    let mut cpu = CpuStats { pressure: pressure(group, "cpu.pressure")?, ..CpuStats::default() };
    let text = group.read_optional("cpu.stat")?.unwrap_or_default();
    for (key, value) in flat_keyed(&text) {
        let nanoseconds = value.saturating_mul(1000);
        match key {
            "usage_usec" => cpu.total = nanoseconds,
            "user_usec" => cpu.user = nanoseconds,
            "system_usec" => cpu.kernel = nanoseconds,
            "nr_periods" => cpu.periods = value,
            "nr_throttled" => cpu.throttled_periods = value,
            "throttled_usec" => cpu.throttled_time = nanoseconds,
            "nr_bursts" => cpu.burst_periods = value,
            "burst_usec" => cpu.burst_time = nanoseconds,
            _ => {}
        }
    }
    Ok(cpu)
}

fn memory(group: &Group) -> Result<MemoryStats> {
    let Some(stat) = group.read_optional("memory.stat")? else { return Ok(MemoryStats::default()) };
    let usage = memory_data(group, "memory")?;
    let swap_only = memory_data(group, "memory.swap")?;
    let mut memory = MemoryStats {
        raw: flat_keyed(&stat).map(|(key, value)| (key.to_owned(), value)).collect(),
        usage,
        swap_only,
        swap: MemoryData {
            usage: swap_only.usage.saturating_add(usage.usage),
            limit: match swap_only.limit {
                u64::MAX => u64::MAX,
                limit => limit.saturating_add(usage.limit),
            },
            // The peaks of the two need not have been at the same time.
            max_usage: 0,
            failcnt: swap_only.failcnt,
        },
        use_hierarchy: true,
        pressure: pressure(group, "memory.pressure")?,
        ..MemoryStats::default()
    };
    memory.cache = memory.raw.get("file").copied().unwrap_or(0);
    Ok(memory)
}

fn memory_data(group: &Group, prefix: &str) -> Result<MemoryData> {
    let number = |name: &str| group.read_u64_optional(&format!("{prefix}.{name}"));
    let Some(usage) = number("current")? else { return Ok(MemoryData::default()) };
    Ok(MemoryData {
        usage,
        limit: number("max")?.unwrap_or(u64::MAX),
        // Since kernel 5.19, for swap 6.5.
        max_usage: number("peak")?.unwrap_or(0),
        failcnt: group.read_key(&format!("{prefix}.events"), "max")?.unwrap_or(0),
    })
}

fn pids(group: &Group) -> Result<PidsStats> {
    let Some(current) = group.read_u64_optional("pids.current")? else {
        let count = processes::list(group, false)?.len();
        return Ok(PidsStats { current: count as u64, limit: 0 });
    };
    let limit = group.read_u64_optional("pids.max")?.filter(|limit| *limit != u64::MAX);
    Ok(PidsStats { current, limit: limit.unwrap_or(0) })
}

fn io(group: &Group) -> Result<BlkioStats> {
    let mut stats = parse_io(&group.read_optional("io.stat")?.unwrap_or_default());
    stats.pressure = pressure(group, "io.pressure")?;
    Ok(stats)
}

/// Lines `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`.
pub(super) fn parse_io(text: &str) -> BlkioStats {
    let mut stats = BlkioStats::default();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let Some((major, minor)) = fields.next().and_then(|device| device.split_once(':')) else {
            continue;
        };
        let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { continue };
        for (key, value) in fields.filter_map(|field| field.split_once('=')) {
            let Ok(value) = value.parse() else { continue };
            let (table, op) = match key {
                "rbytes" => (&mut stats.service_bytes, "Read"),
                "wbytes" => (&mut stats.service_bytes, "Write"),
                "rios" => (&mut stats.serviced, "Read"),
                "wios" => (&mut stats.serviced, "Write"),
                _ => continue,
            };
            table.push(BlkioEntry { major, minor, op: op.to_owned(), value });
        }
    }
    stats
}

fn hugetlb(group: &Group, size: &str) -> Result<Option<HugetlbStats>> {
    for suffix in [".rsvd.current", ".current"] {
        if let Some(usage) = group.read_u64_optional(&format!("hugetlb.{size}{suffix}"))? {
            let failcnt = group.read_key(&format!("hugetlb.{size}.events"), "max")?.unwrap_or(0);
            return Ok(Some(HugetlbStats { usage, max_usage: 0, failcnt }));
        }
    }
    Ok(None)
}

/// Nothing where the kernel does not measure stalls.
fn pressure(group: &Group, file: &str) -> Result<Option<Pressure>> {
    Ok(group.read_optional(file)?.as_deref().and_then(parse_pressure))
}

/// Lines `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same with `full`.
pub(super) fn parse_pressure(text: &str) -> Option<Pressure> {
    let mut pressure = Pressure::default();
    let mut found = false;
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ')?;
        let share = match kind {
            "some" => &mut pressure.some,
            "full" => &mut pressure.full,
            _ => continue,
        };
        *share = parse_share(rest)?;
        found = true;
    }
    found.then_some(pressure)
}

fn parse_share(text: &str) -> Option<PressureShare> {
    let mut share = PressureShare::default();
    for (key, value) in text.split(' ').filter_map(|field| field.split_once('=')) {
        match key {
            "avg10" => share.avg10 = value.parse().ok()?,
            "avg60" => share.avg60 = value.parse().ok()?,
            "avg300" => share.avg300 = value.parse().ok()?,
            "total" => share.total = value.parse().ok()?,
            _ => {}
        }
    }
    Some(share)
}
