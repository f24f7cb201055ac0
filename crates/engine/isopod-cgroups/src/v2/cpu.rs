//! Processor time and sets of processors.

use isopod_oci::runtime::LinuxCpu;
use rustix::io::Errno;

use super::write;
use crate::error::Result;
use crate::group::Group;

/// Microseconds of a period unless it is given.
const DEFAULT_PERIOD_US: u64 = 100_000;

pub(super) fn is_set(cpu: &LinuxCpu) -> bool {
    cpu.shares.is_some_and(|shares| shares != 0)
        || cpu.quota.is_some_and(|quota| quota != 0)
        || cpu.period.is_some_and(|period| period != 0)
        || cpu.idle.is_some()
        || cpu.burst.is_some()
}

pub(super) fn has_set(cpu: &LinuxCpu) -> bool {
    [&cpu.cpus, &cpu.mems].into_iter().flatten().any(|list| !list.is_empty())
}

pub(super) fn apply(group: &Group, cpu: &LinuxCpu) -> Result<()> {
    let set = |file: &str, value: &str| write(group, "cpu", file, value);
    if let Some(idle) = cpu.idle {
        set("cpu.idle", &idle.to_string())?;
    }
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        match set("cpu.weight", &weight_from_shares(shares).to_string()) {
            // An idle group has no weight.
            Err(error) if error.is(Errno::INVAL) && cpu.idle == Some(1) => {}
            other => other?,
        }
    }
    let max = max(cpu, |file| group.read(file).unwrap_or_default());
    let mut burst = cpu.burst.map(|burst| burst.to_string());
    if let Some(value) = &burst {
        match set("cpu.max.burst", value) {
            // More than the quota in force, but perhaps not more than the new one.
            Err(error) if error.is(Errno::INVAL) && max.is_some() => {}
            other => {
                other?;
                burst = None;
            }
        }
    }
    if let Some(max) = max {
        set("cpu.max", &max)?;
    }
    burst.map_or(Ok(()), |burst| set("cpu.max.burst", &burst))
}

pub(super) fn apply_set(group: &Group, cpu: &LinuxCpu) -> Result<()> {
    for (file, list) in [("cpuset.cpus", &cpu.cpus), ("cpuset.mems", &cpu.mems)] {
        if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
            write(group, "cpuset", file, list)?;
        }
    }
    Ok(())
}

/// The value of `cpu.max`. It holds two numbers, so if one is not given the one in force is
/// read, and stays.
pub(super) fn max(cpu: &LinuxCpu, read: impl FnOnce(&str) -> String) -> Option<String> {
    let quota = cpu.quota.filter(|quota| *quota != 0);
    let period = cpu.period.filter(|period| *period != 0);
    if quota.is_none() && period.is_none() {
        return None;
    }
    let now = if quota.is_some() && period.is_some() { String::new() } else { read("cpu.max") };
    let (quota_now, period_now) = now.trim().split_once(' ').unwrap_or(("max", ""));
    let quota = quota.map_or_else(|| quota_now.to_owned(), super::number_or_max);
    let period = period.or_else(|| period_now.parse().ok()).unwrap_or(DEFAULT_PERIOD_US);
    Some(format!("{quota} {period}"))
}

/// Weight (1 to 10000, default 100) for version 1 shares (2 to 262144, default 1024).
///
/// A straight line would send the default 1024 to 39. The runtimes have agreed on a curve,
/// log10(weight) = (l² + 125 l) / 612 - 7 / 34 with l = log2(shares), which meets both ends
/// and sends default to default.
pub(crate) fn weight_from_shares(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        _ => {
            #[expect(clippy::cast_precision_loss, reason = "below 2^18")]
            let l = (shares as f64).log2();
            let exponent = (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and 10000"
            )]
            let weight = 10_f64.powf(exponent).ceil() as u64;
            weight
        }
    }
}
