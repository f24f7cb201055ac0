//! `bpf(2)`, as far as device programs of control groups need it.

use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

// Commands and constants from linux/bpf.h.
const PROG_LOAD: libc::c_int = 5;
const PROG_ATTACH: libc::c_int = 8;
const PROG_DETACH: libc::c_int = 9;
const PROG_GET_FD_BY_ID: libc::c_int = 13;
const PROG_QUERY: libc::c_int = 16;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_TYPE_CGROUP_DEVICE: u32 = 6;
const F_ALLOW_MULTI: u32 = 1 << 1;
const F_REPLACE: u32 = 1 << 2;

/// Most programs that are looked for on one group; the kernel allows 64.
const PROGRAMS: usize = 64;

/// One instruction, laid out as `struct bpf_insn`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u8,
    /// Destination in the lower four bits, source in the upper four.
    pub registers: u8,
    /// Signed offset of a jump or of memory.
    pub offset: i16,
    /// Signed constant.
    pub immediate: i32,
}

/// Identifier of a loaded program.
pub type ProgramId = u32;

#[repr(C)]
#[derive(Default)]
struct LoadAttr {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct AttachAttr {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
    replace_bpf_fd: u32,
}

#[repr(C)]
#[derive(Default)]
struct QueryAttr {
    target_fd: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
    padding: u32,
}

#[repr(C)]
#[derive(Default)]
struct IdAttr {
    prog_id: u32,
    next_id: u32,
    open_flags: u32,
}

/// # Safety
/// `attr` must be the attributes of `command`, and every address in it must be valid for what
/// the command does with it.
unsafe fn bpf<T>(command: libc::c_int, attr: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads and writes `size` bytes at `attr`, which is exclusively
    // borrowed; the caller vouches for the addresses in it.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of_val(attr))
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

fn owned(result: libc::c_long) -> OwnedFd {
    let fd = i32::try_from(result).expect("a descriptor is an int");
    // SAFETY: the kernel has just returned this descriptor to us, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Loads a program of type `BPF_PROG_TYPE_CGROUP_DEVICE`. The descriptor is close-on-exec.
pub fn load_cgroup_device(program: &[Instruction]) -> io::Result<OwnedFd> {
    let mut tries = 5;
    loop {
        let mut attr = LoadAttr {
            prog_type: PROG_TYPE_CGROUP_DEVICE,
            insn_cnt: u32::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
            insns: program.as_ptr().expose_provenance() as u64,
            license: c"Apache-2.0".as_ptr().expose_provenance() as u64,
            ..LoadAttr::default()
        };
        // SAFETY: `insns` points to `insn_cnt` instructions and `license` to a C string; both
        // outlive the call, and no log buffer is given.
        match unsafe { bpf(PROG_LOAD, &mut attr) } {
            // The verifier gives way to pending signals.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries > 0 => tries -= 1,
            other => return other.map(owned),
        }
    }
}

/// Attaches a device program to a group, beside those that are there or in place of `replaced`.
pub fn attach_cgroup_device(
    group: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    replaced: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut attr = AttachAttr {
        target_fd: raw(group),
        attach_bpf_fd: raw(program),
        attach_type: ATTACH_TYPE_CGROUP_DEVICE,
        attach_flags: F_ALLOW_MULTI | if replaced.is_some() { F_REPLACE } else { 0 },
        replace_bpf_fd: replaced.map_or(0, raw),
    };
    // SAFETY: the attributes of this command hold no addresses.
    unsafe { bpf(PROG_ATTACH, &mut attr) }.map(drop)
}

/// Detaches a device program from a group.
pub fn detach_cgroup_device(group: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = AttachAttr {
        target_fd: raw(group),
        attach_bpf_fd: raw(program),
        attach_type: ATTACH_TYPE_CGROUP_DEVICE,
        ..AttachAttr::default()
    };
    // SAFETY: the attributes of this command hold no addresses.
    unsafe { bpf(PROG_DETACH, &mut attr) }.map(drop)
}

/// The device programs attached to a group itself.
pub fn attached_cgroup_device(group: BorrowedFd<'_>) -> io::Result<Vec<ProgramId>> {
    let mut ids = [0_u32; PROGRAMS];
    let mut attr = QueryAttr {
        target_fd: raw(group),
        attach_type: ATTACH_TYPE_CGROUP_DEVICE,
        prog_ids: ids.as_mut_ptr().expose_provenance() as u64,
        prog_cnt: PROGRAMS as u32,
        ..QueryAttr::default()
    };
    // SAFETY: `prog_ids` points to `prog_cnt` identifiers that the kernel may write, and that
    // nothing else uses during the call.
    unsafe { bpf(PROG_QUERY, &mut attr) }?;
    Ok(ids[..PROGRAMS.min(attr.prog_cnt as usize)].to_vec())
}

/// Opens a loaded program. The descriptor is close-on-exec.
pub fn program_by_id(id: ProgramId) -> io::Result<OwnedFd> {
    let mut attr = IdAttr { prog_id: id, ..IdAttr::default() };
    // SAFETY: the attributes of this command hold no addresses.
    unsafe { bpf(PROG_GET_FD_BY_ID, &mut attr) }.map(owned)
}
