//! Limits, from Docker's terms to those of the runtime specification.

use crate::Resources;
use crate::error::{Error, Result};
use isopod_oci::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources, LinuxThrottleDevice,
    LinuxWeightDevice,
};
use rustix::fs::{major, minor};

/// Least memory that a container can be limited to.
const LEAST_MEMORY_BYTES: i64 = 6 << 20;

/// Period of a CPU limit that is given in CPUs.
const CPU_PERIOD_US: i64 = 100_000;

/// Checks the limits as Docker does; returns what the user should know.
pub(crate) fn check(resources: &Resources) -> Result<Vec<String>> {
    let r = resources;
    let mut warnings = Vec::new();
    if r.memory_bytes != 0 && r.memory_bytes < LEAST_MEMORY_BYTES {
        return Err(Error::invalid("Minimum memory limit allowed is 6MB"));
    }
    if r.memory_bytes > 0 && r.memory_swap_bytes > 0 && r.memory_swap_bytes < r.memory_bytes {
        return Err(Error::invalid(
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ));
    }
    if r.memory_bytes == 0 && r.memory_swap_bytes > 0 {
        return Err(Error::invalid(
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ));
    }
    if let Some(swappiness) = r.memory_swappiness.filter(|&swappiness| swappiness != -1)
        && !(0..=100).contains(&swappiness)
    {
        return Err(Error::invalid(format_args!(
            "Invalid value: {swappiness}, valid memory swappiness range is 0-100"
        )));
    }
    if r.memory_reservation_bytes != 0 && r.memory_reservation_bytes < LEAST_MEMORY_BYTES {
        return Err(Error::invalid("Minimum memory reservation allowed is 6MB"));
    }
    if r.memory_bytes > 0 && r.memory_bytes < r.memory_reservation_bytes {
        return Err(Error::invalid(
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ));
    }
    if r.nano_cpus != 0 {
        if r.cpu_period_us != 0 || r.cpu_quota_us != 0 {
            let what = if r.cpu_period_us != 0 { "CPU Period" } else { "CPU Quota" };
            return Err(Error::invalid(format_args!(
                "Conflicting options: Nano CPUs and {what} cannot both be set"
            )));
        }
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        if r.nano_cpus < 0 || r.nano_cpus > cpus as i64 * 1_000_000_000 {
            return Err(Error::invalid(format_args!(
                "range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available"
            )));
        }
    }
    if r.cpu_period_us != 0 && !(1000..=1_000_000).contains(&r.cpu_period_us) {
        return Err(Error::invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ));
    }
    if r.cpu_quota_us > 0 && r.cpu_quota_us < 1000 {
        return Err(Error::invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)"));
    }
    if r.cpu_shares < 0 {
        return Err(Error::invalid(format_args!(
            "shares must be a positive value: {}",
            r.cpu_shares
        )));
    }
    if r.blkio_weight != 0 && !(10..=1000).contains(&r.blkio_weight) {
        return Err(Error::invalid("Range of blkio weight is from 10 to 1000"));
    }
    check_set("CPUs", &r.cpuset_cpus, "/sys/devices/system/cpu/online")?;
    check_set("memory nodes", &r.cpuset_mems, "/sys/devices/system/node/online")?;
    if r.oom_kill_disable == Some(true) && r.memory_bytes == 0 {
        warnings.push("OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.".into());
    }
    Ok(warnings)
}

/// Checks that CPUs or memory nodes (`0-2,7`) exist.
fn check_set(what: &str, asked: &str, available: &str) -> Result<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let noun = if what == "CPUs" { "cpuset cpus" } else { "cpuset mems" };
    let wanted = parse_set(asked)
        .ok_or_else(|| Error::invalid(format_args!("Invalid value {asked} for {noun}")))?;
    let Ok(text) = std::fs::read_to_string(available) else {
        return Ok(());
    };
    let online = parse_set(text.trim()).unwrap_or_default();
    let exists = |&(first, last): &(u32, u32)| {
        (first..=last).all(|number| online.iter().any(|&(a, b)| (a..=b).contains(&number)))
    };
    if wanted.iter().all(exists) {
        return Ok(());
    }
    Err(Error::invalid(format_args!(
        "Requested {what} are not available - requested {asked}, available: {}",
        text.trim()
    )))
}

/// Ranges of a list such as `0-2,7`; numbers beyond any machine's are refused.
fn parse_set(text: &str) -> Option<Vec<(u32, u32)>> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|&number| number < 1 << 16);
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = (number(first)?, number(last)?);
            (range.0 <= range.1).then_some(range)
        })
        .collect()
}

/// The limits for the runtime; what is not named stays unlimited.
pub(crate) fn limits(resources: &Resources) -> Result<LinuxResources> {
    Ok(LinuxResources {
        memory: memory(resources),
        cpu: cpu(resources),
        pids: resources
            .pids_limit
            .filter(|&limit| limit != 0)
            .map(|limit| LinuxPids { limit: Some(limit) }),
        block_io: block_io(resources)?,
        ..LinuxResources::default()
    })
}

fn memory(r: &Resources) -> Option<LinuxMemory> {
    let set = |value: i64| (value != 0).then_some(value);
    // Docker doubles the memory limit when nobody says how much swap there may be.
    let swap = match (r.memory_bytes, r.memory_swap_bytes) {
        (limit, 0) if limit > 0 => Some(limit * 2),
        (_, 0) => None,
        (_, swap) => Some(swap),
    };
    let memory = LinuxMemory {
        limit: set(r.memory_bytes),
        reservation: set(r.memory_reservation_bytes),
        swap,
        swappiness: r.memory_swappiness.and_then(|value| u64::try_from(value).ok()),
        disable_oom_killer: r.oom_kill_disable.filter(|&disabled| disabled),
        ..LinuxMemory::default()
    };
    (memory != LinuxMemory::default()).then_some(memory)
}

fn cpu(r: &Resources) -> Option<LinuxCpu> {
    let positive = |value: i64| u64::try_from(value).ok().filter(|&value| value != 0);
    let text = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let (quota, period) = if r.nano_cpus > 0 {
        (Some(r.nano_cpus * CPU_PERIOD_US / 1_000_000_000), Some(CPU_PERIOD_US as u64))
    } else {
        (Some(r.cpu_quota_us).filter(|&quota| quota != 0), positive(r.cpu_period_us))
    };
    let cpu = LinuxCpu {
        shares: positive(r.cpu_shares),
        quota,
        period,
        realtime_runtime: Some(r.cpu_realtime_runtime_us).filter(|&runtime| runtime != 0),
        realtime_period: positive(r.cpu_realtime_period_us),
        cpus: text(&r.cpuset_cpus),
        mems: text(&r.cpuset_mems),
        ..LinuxCpu::default()
    };
    (cpu != LinuxCpu::default()).then_some(cpu)
}

fn block_io(r: &Resources) -> Result<Option<LinuxBlockIo>> {
    let rates = |list: &[(String, u64)]| {
        list.iter()
            .map(|(path, rate)| {
                let (major, minor) = numbers(path)?;
                Ok(LinuxThrottleDevice { major, minor, rate: *rate })
            })
            .collect::<Result<Vec<_>>>()
    };
    let block_io = LinuxBlockIo {
        weight: Some(r.blkio_weight).filter(|&weight| weight != 0),
        weight_device: r
            .blkio_weight_device
            .iter()
            .map(|(path, weight)| {
                let (major, minor) = numbers(path)?;
                Ok(LinuxWeightDevice { major, minor, weight: Some(*weight), leaf_weight: None })
            })
            .collect::<Result<Vec<_>>>()?,
        throttle_read_bps_device: rates(&r.blkio_device_read_bps)?,
        throttle_write_bps_device: rates(&r.blkio_device_write_bps)?,
        throttle_read_iops_device: rates(&r.blkio_device_read_iops)?,
        throttle_write_iops_device: rates(&r.blkio_device_write_iops)?,
        ..LinuxBlockIo::default()
    };
    Ok((block_io != LinuxBlockIo::default()).then_some(block_io))
}

fn numbers(path: &str) -> Result<(i64, i64)> {
    let stat = rustix::fs::stat(path).map_err(|error| {
        Error::invalid(format_args!("device {path}")).because(std::io::Error::from(error))
    })?;
    Ok((i64::from(major(stat.st_rdev)), i64::from(minor(stat.st_rdev))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_translated() {
        let limits = limits(&Resources {
            memory_bytes: 64 << 20,
            nano_cpus: 500_000_000,
            pids_limit: Some(0),
            ..Resources::default()
        })
        .expect("valid");
        let memory = limits.memory.expect("set");
        assert_eq!((memory.limit, memory.swap), (Some(64 << 20), Some(128 << 20)));
        let cpu = limits.cpu.expect("set");
        assert_eq!((cpu.quota, cpu.period), (Some(50_000), Some(100_000)));
        assert!(limits.pids.is_none() && limits.block_io.is_none());
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            Resources { memory_bytes: 1 << 20, ..Resources::default() },
            Resources {
                memory_bytes: 64 << 20,
                memory_swap_bytes: 32 << 20,
                ..Resources::default()
            },
            Resources { nano_cpus: 1_000_000_000_000, ..Resources::default() },
            Resources { nano_cpus: 1, cpu_quota_us: 1000, ..Resources::default() },
            Resources { blkio_weight: 5, ..Resources::default() },
        ] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sets_of_cpus_are_read() {
        assert_eq!(parse_set("0-2,7"), Some(vec![(0, 2), (7, 7)]));
        for bad in ["", "a", "3-1", "1,", "4294967295"] {
            assert_eq!(parse_set(bad), None, "{bad}");
        }
    }
}
