//! Memory and swap.

use isopod_oci::runtime::LinuxMemory;
use rustix::io::Errno;

use super::{number_or_max, write};
use crate::error::{Error, Result};
use crate::group::Group;

const SWAP: &str = "memory.swap.max";

pub(super) fn is_set(memory: &LinuxMemory) -> bool {
    [memory.limit, memory.reservation, memory.swap].iter().any(|v| v.is_some_and(|v| v != 0))
}

pub(super) fn apply(group: &Group, memory: &LinuxMemory) -> Result<()> {
    if memory.check_before_update == Some(true) {
        check_usage(group, memory)?;
    }
    if let Some(swap) = swap_alone(&with_limit_in_force(group, memory))? {
        let value = number_or_max(swap);
        match write(group, "memory", SWAP, &value) {
            // Without swap in the kernel there is nothing to limit.
            Err(error) if error.is(Errno::NOENT) && swap <= 0 => {}
            other => other?,
        }
    }
    if let Some(limit) = memory.limit.filter(|limit| *limit != 0) {
        write(group, "memory", "memory.max", &number_or_max(limit))?;
    }
    if let Some(reservation) = memory.reservation.filter(|reservation| *reservation != 0) {
        write(group, "memory", "memory.low", &number_or_max(reservation))?;
    }
    Ok(())
}

/// An update of swap alone is counted against the memory limit in force.
fn with_limit_in_force(group: &Group, memory: &LinuxMemory) -> LinuxMemory {
    let mut whole = memory.clone();
    let wanting = memory.limit.unwrap_or(0) == 0 && memory.swap.is_some_and(|swap| swap > 0);
    // `max` reads as a number that has no signed form: then there is no limit to count against.
    let in_force = group.read_u64("memory.max").map(i64::try_from);
    if wanting && let Ok(Ok(limit)) = in_force {
        whole.limit = Some(limit);
    }
    whole
}

/// The limit of swap alone, where the specification's `swap` is memory and swap together;
/// below zero is no limit.
pub(crate) fn swap_alone(memory: &LinuxMemory) -> Result<Option<i64>> {
    let limit = memory.limit.unwrap_or(0);
    let swap = memory.swap.unwrap_or(0);
    match (limit, swap) {
        (-1, 0) => Ok(Some(-1)),
        (_, 0) => Ok(None),
        (_, -1) => Ok(Some(-1)),
        (0 | -1, swap) => {
            Err(Error::invalid("memory.swap", swap, "memory.limit too, to know the part of swap"))
        }
        (limit, _) if limit < 0 => {
            Err(Error::invalid("memory.limit", limit, "-1 or a positive number of bytes"))
        }
        (limit, swap) if swap < limit => Err(Error::invalid(
            "memory.swap",
            swap,
            format!("memory and swap together, so not less than memory.limit ({limit})"),
        )),
        (limit, swap) => Ok(Some(swap - limit)),
    }
}

/// Version 2 kills processes to reach a new limit; `checkBeforeUpdate` asks not to.
fn check_usage(group: &Group, memory: &LinuxMemory) -> Result<()> {
    let Ok(usage) = group.read_u64("memory.current") else { return Ok(()) };
    for limit in [memory.swap, memory.limit].into_iter().flatten().filter(|limit| *limit > 0) {
        if limit.unsigned_abs() <= usage {
            let peak = group.read_u64_optional("memory.peak")?.unwrap_or(usage);
            return Err(Error::MemoryInUse { limit, usage, peak });
        }
    }
    Ok(())
}
