//! `events`: statistics and out-of-memory events, one line of JSON each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use isopod_cgroups as cg;
use isopod_oci::runtime::Status;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use serde::Serialize;

use super::print;
use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) fn events(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let container = globals.container(invocation)?;
    let interval = interval(invocation)?;
    if container.status()? == Status::Stopped {
        return Err(Error::EventsNotRunning { id: container.id().to_owned() });
    }
    let cgroup = container.cgroup()?;
    if invocation.is_on("stats") {
        print_stats(container.id(), &cgroup)?;
        return Ok(0);
    }
    let mut oom = cgroup.oom_events()?;
    let mut next = Instant::now() + interval;
    loop {
        let left = next.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        match rustix::event::poll(&mut [PollFd::new(&oom, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => {
                next += interval;
                if let Err(error) = print_stats(container.id(), &cgroup) {
                    globals.log.error(&isopod_base::chain(&error).to_string());
                }
                if !cgroup.exists() {
                    return Ok(0);
                }
            }
            Ok(_) => match oom.read()? {
                cg::OomNews::Events(0) => {}
                cg::OomNews::Events(_) => {
                    print(&line(&Event { kind: "oom", id: container.id(), data: None }))?;
                }
                cg::OomNews::Ended => return Ok(0),
            },
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::system("wait for events")(errno)),
        }
    }
}

fn interval(invocation: &Invocation) -> Result<Duration, Error> {
    let Some(text) = invocation.value("interval") else { return Ok(INTERVAL) };
    let wrong = |expected| Error::FlagValue { flag: "interval", value: text.to_owned(), expected };
    let interval = isopod_base::units::parse_duration(text)
        .map_err(|_| wrong("a duration such as 5s or 500ms"))?;
    if interval.is_zero() {
        Err(wrong("duration interval must be greater than 0"))
    } else {
        Ok(interval)
    }
}

fn print_stats(id: &str, cgroup: &cg::Manager) -> Result<(), Error> {
    let stats = Stats::new(&cgroup.stats()?);
    print(&line(&Event { kind: "stats", id, data: Some(stats) }))
}

fn line(event: &Event<'_>) -> String {
    let mut text = serde_json::to_string(event).expect("maps with string keys only");
    text.push('\n');
    text
}

// The shapes below are runc's: names, order, and what is left out when it is zero.

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Stats>,
}

#[derive(Serialize)]
struct Stats {
    cpu: Cpu,
    cpuset: Cpuset,
    memory: Memory,
    pids: Pids,
    blkio: Blkio,
    hugetlb: BTreeMap<String, Hugetlb>,
    intel_rdt: Empty,
    network_interfaces: Option<Empty>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Cpu {
    usage: CpuUsage,
    throttling: Throttling,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

#[derive(Serialize)]
struct CpuUsage {
    #[serde(skip_serializing_if = "is_zero")]
    total: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu_kernel: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu_user: Vec<u64>,
    kernel: u64,
    user: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    #[serde(skip_serializing_if = "is_zero")]
    periods: u64,
    #[serde(skip_serializing_if = "is_zero")]
    throttled_periods: u64,
    #[serde(skip_serializing_if = "is_zero")]
    throttled_time: u64,
}

#[derive(Serialize)]
struct Psi {
    #[serde(skip_serializing_if = "PsiShare::is_zero")]
    some: PsiShare,
    #[serde(skip_serializing_if = "PsiShare::is_zero")]
    full: PsiShare,
}

#[derive(Serialize)]
struct PsiShare {
    avg10: f64,
    avg60: f64,
    avg300: f64,
    total: u64,
}

#[derive(Serialize)]
struct Cpuset {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cpus: Vec<u16>,
    cpu_exclusive: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mems: Vec<u16>,
    mem_hardwall: u64,
    mem_exclusive: u64,
    memory_migrate: u64,
    memory_spread_page: u64,
    memory_spread_slab: u64,
    memory_pressure: u64,
    sched_load_balance: u64,
    sched_relax_domain_level: i64,
}

#[derive(Serialize)]
struct Memory {
    #[serde(skip_serializing_if = "is_zero")]
    cache: u64,
    usage: MemoryEntry,
    swap: MemoryEntry,
    kernel: MemoryEntry,
    #[serde(rename = "kernelTCP")]
    kernel_tcp: MemoryEntry,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    raw: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

#[derive(Serialize)]
struct MemoryEntry {
    limit: u64,
    #[serde(skip_serializing_if = "is_zero")]
    usage: u64,
    #[serde(skip_serializing_if = "is_zero")]
    max: u64,
    failcnt: u64,
}

#[derive(Serialize)]
struct Pids {
    #[serde(skip_serializing_if = "is_zero")]
    current: u64,
    #[serde(skip_serializing_if = "is_zero")]
    limit: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blkio {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_service_bytes_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_serviced_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_queue_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_service_time_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_wait_time_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_merged_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_time_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sectors_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

#[derive(Serialize)]
struct BlkioEntry {
    #[serde(skip_serializing_if = "is_zero")]
    major: u64,
    #[serde(skip_serializing_if = "is_zero")]
    minor: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    op: String,
    #[serde(skip_serializing_if = "is_zero")]
    value: u64,
}

#[derive(Serialize)]
struct Hugetlb {
    #[serde(skip_serializing_if = "is_zero")]
    usage: u64,
    #[serde(skip_serializing_if = "is_zero")]
    max: u64,
    failcnt: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl PsiShare {
    fn is_zero(&self) -> bool {
        self.avg10 == 0.0 && self.avg60 == 0.0 && self.avg300 == 0.0 && self.total == 0
    }
}

impl Stats {
    fn new(stats: &cg::Stats) -> Self {
        Self {
            cpu: cpu(&stats.cpu),
            cpuset: cpuset(&stats.cpuset),
            memory: memory(&stats.memory),
            pids: Pids { current: stats.pids.current, limit: stats.pids.limit },
            blkio: blkio(&stats.blkio),
            hugetlb: stats
                .hugetlb
                .iter()
                .map(|(size, pages)| {
                    let pages = Hugetlb {
                        usage: pages.usage,
                        max: pages.max_usage,
                        failcnt: pages.failcnt,
                    };
                    (size.clone(), pages)
                })
                .collect(),
            intel_rdt: Empty {},
            network_interfaces: None,
        }
    }
}

fn cpu(cpu: &cg::CpuStats) -> Cpu {
    Cpu {
        usage: CpuUsage {
            total: cpu.total,
            percpu: cpu.per_cpu.clone(),
            percpu_kernel: cpu.per_cpu_kernel.clone(),
            percpu_user: cpu.per_cpu_user.clone(),
            kernel: cpu.kernel,
            user: cpu.user,
        },
        throttling: Throttling {
            periods: cpu.periods,
            throttled_periods: cpu.throttled_periods,
            throttled_time: cpu.throttled_time,
        },
        psi: cpu.pressure.map(psi),
    }
}

fn cpuset(set: &cg::CpusetStats) -> Cpuset {
    Cpuset {
        cpus: set.cpus.clone(),
        cpu_exclusive: set.cpu_exclusive,
        mems: set.mems.clone(),
        mem_hardwall: set.mem_hardwall,
        mem_exclusive: set.mem_exclusive,
        memory_migrate: set.memory_migrate,
        memory_spread_page: set.memory_spread_page,
        memory_spread_slab: set.memory_spread_slab,
        memory_pressure: set.memory_pressure,
        sched_load_balance: set.sched_load_balance,
        sched_relax_domain_level: set.sched_relax_domain_level,
    }
}

fn memory(memory: &cg::MemoryStats) -> Memory {
    let entry = |data: cg::MemoryData| MemoryEntry {
        limit: data.limit,
        usage: data.usage,
        max: data.max_usage,
        failcnt: data.failcnt,
    };
    Memory {
        cache: memory.cache,
        usage: entry(memory.usage),
        swap: entry(memory.swap),
        kernel: entry(memory.kernel),
        kernel_tcp: entry(memory.kernel_tcp),
        raw: memory.raw.clone(),
        psi: memory.pressure.map(psi),
    }
}

fn blkio(blkio: &cg::BlkioStats) -> Blkio {
    let entries = |list: &[cg::BlkioEntry]| {
        list.iter()
            .map(|entry| BlkioEntry {
                major: entry.major,
                minor: entry.minor,
                op: entry.op.clone(),
                value: entry.value,
            })
            .collect()
    };
    Blkio {
        io_service_bytes_recursive: entries(&blkio.service_bytes),
        io_serviced_recursive: entries(&blkio.serviced),
        io_queue_recursive: entries(&blkio.queued),
        io_service_time_recursive: entries(&blkio.service_time),
        io_wait_time_recursive: entries(&blkio.wait_time),
        io_merged_recursive: entries(&blkio.merged),
        io_time_recursive: entries(&blkio.time),
        sectors_recursive: entries(&blkio.sectors),
        psi: blkio.pressure.map(psi),
    }
}

fn psi(pressure: cg::Pressure) -> Psi {
    let share = |share: cg::PressureShare| PsiShare {
        avg10: share.avg10,
        avg60: share.avg60,
        avg300: share.avg300,
        total: share.total,
    };
    Psi { some: share(pressure.some), full: share(pressure.full) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_as_callers_match_them() {
        let stats = Stats::new(&cg::Stats::default());
        let text = line(&Event { kind: "stats", id: "c1", data: Some(stats) });
        assert!(text.starts_with("{\"type\":\"stats\",\"id\":\"c1\",\"data\":{\"cpu\":{\"usage\":{\"kernel\":0,\"user\":0},\"throttling\":{}},\"cpuset\":{\"cpu_exclusive\":0,"));
        assert!(text.ends_with("\"pids\":{},\"blkio\":{},\"hugetlb\":{},\"intel_rdt\":{},\"network_interfaces\":null}}\n"));
        let text = line(&Event { kind: "oom", id: "c1", data: None });
        assert_eq!(text, "{\"type\":\"oom\",\"id\":\"c1\"}\n");
    }
}
