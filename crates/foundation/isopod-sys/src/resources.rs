//! What processes have used.

use std::mem::MaybeUninit;
use std::time::Duration;

/// What the children that were waited for have used.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Time in user mode.
    pub user: Duration,
    /// Time in the kernel.
    pub system: Duration,
    /// The largest resident set, in KiB.
    pub largest_kib: i64,
    /// Faults that read from a disk.
    pub major_faults: i64,
    /// Other faults.
    pub minor_faults: i64,
    /// Switches to other processes by waiting.
    pub voluntary_switches: i64,
    /// Switches when a time slice ended.
    pub involuntary_switches: i64,
    /// Blocks read.
    pub blocks_in: i64,
    /// Blocks written.
    pub blocks_out: i64,
}

/// See [`Usage`].
#[must_use]
pub fn of_children() -> Usage {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the structure is filled by the call, which cannot fail with these arguments; if it
    // did, nothing would be read.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) != 0 {
            return Usage::default();
        }
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    Usage {
        user: time(usage.ru_utime),
        system: time(usage.ru_stime),
        largest_kib: usage.ru_maxrss,
        major_faults: usage.ru_majflt,
        minor_faults: usage.ru_minflt,
        voluntary_switches: usage.ru_nvcsw,
        involuntary_switches: usage.ru_nivcsw,
        blocks_in: usage.ru_inblock,
        blocks_out: usage.ru_oublock,
    }
}
