//! Scheduler, IO priority and execution domain of the calling process.

use std::io;

/// Parameters of `sched_setattr(2)`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SchedAttr {
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// Nice value.
    pub nice: i32,
    /// Static priority.
    pub priority: u32,
    /// Run time, in nanoseconds.
    pub runtime: u64,
    /// Deadline, in nanoseconds.
    pub deadline: u64,
    /// Period, in nanoseconds.
    pub period: u64,
}

/// `struct sched_attr`, first version.
#[repr(C)]
struct RawSchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Sets how the calling thread is scheduled.
pub fn set_scheduler(attr: &SchedAttr) -> io::Result<()> {
    let attr = RawSchedAttr {
        size: size_of::<RawSchedAttr>() as u32,
        policy: attr.policy,
        flags: attr.flags,
        nice: attr.nice,
        priority: attr.priority,
        runtime: attr.runtime,
        deadline: attr.deadline,
        period: attr.period,
    };
    // SAFETY: the structure is valid and carries its own size.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attr, 0) };
    check(result)
}

/// Sets the IO class (1 real time, 2 best effort, 3 idle) and priority of the calling thread.
pub fn set_io_priority(class: u8, priority: u8) -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const CLASS_SHIFT: u32 = 13;
    let value = (libc::c_int::from(class) << CLASS_SHIFT) | libc::c_int::from(priority);
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) })
}

/// Sets the execution domain (`personality(2)`).
pub fn set_personality(domain: u32) -> io::Result<()> {
    // SAFETY: integers only.
    match unsafe { libc::personality(libc::c_ulong::from(domain)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn check(result: libc::c_long) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
