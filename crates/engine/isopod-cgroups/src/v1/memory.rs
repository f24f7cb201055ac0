//! Memory, swap, soft limit, OOM killer and swappiness.

use isopod_oci::runtime::LinuxMemory;
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::group::Group;

const LIMIT: &str = "memory.limit_in_bytes";
const SWAP: &str = "memory.memsw.limit_in_bytes";
const SOFT: &str = "memory.soft_limit_in_bytes";
const OOM: &str = "memory.oom_control";

/// `ENOTSUPP` of the kernel's inside, which leaks from removed knobs.
const ENOTSUPP: i32 = 524;

pub(super) fn is_set(memory: &LinuxMemory) -> bool {
    [memory.limit, memory.reservation, memory.swap, memory.kernel, memory.kernel_tcp]
        .iter()
        .any(|value| value.is_some_and(|value| value != 0))
        || memory.disable_oom_killer.is_some()
        || memory.swappiness.is_some()
}

pub(super) fn apply(group: &Group, memory: &LinuxMemory) -> Result<()> {
    apply_limits(group, memory)?;
    apply_kernel(group, memory)?;
    if let Some(reservation) = nonzero(memory.reservation) {
        group.write(SOFT, &reservation.to_string())?;
    }
    match memory.disable_oom_killer {
        Some(true) => group.write(OOM, "1")?,
        Some(false) if group.read_key(OOM, "oom_kill_disable")? == Some(1) => {
            group.write(OOM, "0")?;
        }
        Some(false) | None => {}
    }
    match memory.swappiness {
        // -1, "as it is", arrives as the largest number.
        None | Some(u64::MAX) => Ok(()),
        Some(value @ 0..=100) => group.write("memory.swappiness", &value.to_string()),
        Some(value) => Err(Error::invalid("memory.swappiness", value, "0 to 100")),
    }
}

/// The kernel demands at every moment that memory <= memory+swap, so the order of the two
/// writes depends on the values before and after.
fn apply_limits(group: &Group, memory: &LinuxMemory) -> Result<()> {
    let limit = nonzero(memory.limit);
    let mut swap = nonzero(memory.swap);
    if let (Some(limit), Some(swap)) = (limit, swap)
        && swap != -1
        && (limit == -1 || swap < limit)
    {
        return Err(Error::invalid(
            "memory.swap",
            swap,
            format!("memory and swap together, so not less than memory.limit ({limit})"),
        ));
    }
    // No limit for memory would be held back by one for memory and swap together.
    if limit == Some(-1) && swap.is_none() && group.has(SWAP) {
        swap = Some(-1);
    }
    let swap_first = match (limit, swap) {
        (Some(_), Some(-1)) => true,
        (Some(_), Some(swap)) => i128::from(group.read_u64(LIMIT)?) < i128::from(swap),
        _ => false,
    };
    if swap_first {
        write_swap(group, swap)?;
        write_limit(group, limit)
    } else {
        write_limit(group, limit)?;
        write_swap(group, swap)
    }
}

fn write_swap(group: &Group, swap: Option<i64>) -> Result<()> {
    swap.map_or(Ok(()), |swap| group.write(SWAP, &swap.to_string()))
}

fn write_limit(group: &Group, limit: Option<i64>) -> Result<()> {
    let Some(limit) = limit else { return Ok(()) };
    match group.write(LIMIT, &limit.to_string()) {
        // The kernel could not reclaim enough.
        Err(error) if error.is(Errno::BUSY) => Err(Error::MemoryInUse {
            limit,
            usage: group.read_u64("memory.usage_in_bytes")?,
            peak: group.read_u64("memory.max_usage_in_bytes")?,
        }),
        other => other,
    }
}

/// Newer kernels have removed the limit for kernel memory (5.16), and the specification says
/// that it then has no effect.
fn apply_kernel(group: &Group, memory: &LinuxMemory) -> Result<()> {
    for (file, value) in [
        ("memory.kmem.limit_in_bytes", memory.kernel),
        ("memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp),
    ] {
        let Some(value) = nonzero(value) else { continue };
        match group.write(file, &value.to_string()) {
            Err(error)
                if error.is(Errno::NOENT)
                    || error.is(Errno::OPNOTSUPP)
                    || error.raw_os_error() == Some(ENOTSUPP) => {}
            other => other?,
        }
    }
    Ok(())
}

fn nonzero(value: Option<i64>) -> Option<i64> {
    value.filter(|value| *value != 0)
}
