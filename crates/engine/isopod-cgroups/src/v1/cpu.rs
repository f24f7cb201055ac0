//! Processor time: shares, quota, burst, idle class and real-time budget.

use isopod_oci::runtime::LinuxCpu;
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::group::Group;

pub(super) fn is_set(cpu: &LinuxCpu) -> bool {
    nonzero(cpu.shares).is_some()
        || cpu.quota.is_some_and(|quota| quota != 0)
        || nonzero(cpu.period).is_some()
        || cpu.burst.is_some()
        || cpu.idle.is_some()
        || nonzero(cpu.realtime_period).is_some()
        || cpu.realtime_runtime.is_some_and(|runtime| runtime != 0)
}

pub(super) fn apply(group: &Group, cpu: &LinuxCpu) -> Result<()> {
    if let Some(shares) = nonzero(cpu.shares) {
        apply_shares(group, shares)?;
    }
    apply_bandwidth(group, cpu)?;
    if let Some(idle) = cpu.idle {
        group.write("cpu.idle", &idle.to_string())?;
    }
    apply_realtime(group, cpu)
}

/// The kernel silently moves shares into its range; who asked for more should know.
fn apply_shares(group: &Group, shares: u64) -> Result<()> {
    /// What every kernel takes (`kernel/sched/sched.h`, `MIN_SHARES` and `MAX_SHARES`).
    const RANGE: std::ops::RangeInclusive<u64> = 2..=1 << 18;
    group.write("cpu.shares", &shares.to_string())?;
    if RANGE.contains(&shares) {
        return Ok(());
    }
    let actual = group.read_u64("cpu.shares")?;
    let expected = match shares.cmp(&actual) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Greater => format!("the maximum allowed cpu-shares is {actual}"),
        std::cmp::Ordering::Less => format!("the minimum allowed cpu-shares is {actual}"),
    };
    Err(Error::invalid("cpu.shares", shares, expected))
}

/// Period, burst and quota limit each other, so one that is refused at first may be accepted
/// once the quota is written.
fn apply_bandwidth(group: &Group, cpu: &LinuxCpu) -> Result<()> {
    let quota = cpu.quota.filter(|quota| *quota != 0);
    let later = |error: &Error| error.is(Errno::INVAL) && quota.is_some();
    let mut again: Vec<(&str, String)> = Vec::new();
    if let Some(period) = nonzero(cpu.period) {
        let period = period.to_string();
        match group.write("cpu.cfs_period_us", &period) {
            Err(error) if later(&error) => again.push(("cpu.cfs_period_us", period)),
            other => other?,
        }
    }
    if let Some(burst) = cpu.burst {
        let burst = burst.to_string();
        match group.write("cpu.cfs_burst_us", &burst) {
            // Kernels before 5.14 know no burst.
            Err(error) if error.is(Errno::NOENT) => {}
            Err(error) if later(&error) => again.push(("cpu.cfs_burst_us", burst)),
            other => other?,
        }
    }
    if let Some(quota) = quota {
        group.write("cpu.cfs_quota_us", &quota.to_string())?;
    }
    for (file, value) in again {
        group.write(file, &value)?;
    }
    Ok(())
}

fn apply_realtime(group: &Group, cpu: &LinuxCpu) -> Result<()> {
    let runtime = cpu.realtime_runtime.filter(|runtime| *runtime != 0);
    let mut again = None;
    if let Some(period) = nonzero(cpu.realtime_period) {
        let period = period.to_string();
        match group.write("cpu.rt_period_us", &period) {
            Err(error) if error.is(Errno::INVAL) && runtime.is_some() => again = Some(period),
            other => other?,
        }
    }
    if let Some(runtime) = runtime {
        group.write("cpu.rt_runtime_us", &runtime.to_string())?;
    }
    again.map_or(Ok(()), |period| group.write("cpu.rt_period_us", &period))
}

fn nonzero(value: Option<u64>) -> Option<u64> {
    value.filter(|value| *value != 0)
}
