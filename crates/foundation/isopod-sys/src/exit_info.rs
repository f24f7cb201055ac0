//! The exit status of a process that is no child of ours, through its pidfd (Linux 6.15).

use rustix::ioctl::{self, Opcode, opcode};
use std::io;
use std::os::fd::BorrowedFd;

/// `struct pidfd_info` of `<linux/pidfd.h>`, first published version of 64 bytes and the
/// exit code after it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct PidfdInfo {
    mask: u64,
    cgroupid: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    ruid: u32,
    rgid: u32,
    euid: u32,
    egid: u32,
    suid: u32,
    sgid: u32,
    fsuid: u32,
    fsgid: u32,
    exit_code: i32,
}

const MASK_EXIT: u64 = 1 << 3;
const GET_INFO: Opcode = opcode::read_write::<PidfdInfo>(0xFF, 11);

/// The wait status (`wait(2)`) of the process behind `pidfd`, once it was reaped.
///
/// `None` when it still runs or nobody has reaped it yet. The pidfd must have been opened before
/// that. Kernels before 6.15 fail.
pub fn exit_status(pidfd: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    let mut info = PidfdInfo { mask: MASK_EXIT, ..PidfdInfo::default() };
    // SAFETY: the request reads and writes one `struct pidfd_info` of the size that its number
    // carries, and `Updater` hands it ours.
    unsafe {
        let update = ioctl::Updater::<{ GET_INFO }, PidfdInfo>::new(&mut info);
        ioctl::ioctl(pidfd, update)
    }?;
    Ok((info.mask & MASK_EXIT != 0).then_some(info.exit_code))
}

// The size is part of the request's number: 64 bytes in the first version.
const _: () = assert!(size_of::<PidfdInfo>() == 64);

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use std::os::fd::AsFd;

    #[test]
    fn the_status_is_there_after_the_reaping() {
        let mut child =
            std::process::Command::new("/bin/sh").args(["-c", "exit 7"]).spawn().expect("spawns");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("small")).expect("not zero");
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("opens");
        child.wait().expect("waits");
        match exit_status(pidfd.as_fd()) {
            Ok(status) => assert_eq!(status, Some(7 << 8)),
            Err(error) => {
                eprintln!("SKIP: exit_status: this kernel has no PIDFD_GET_INFO: {error}")
            }
        }
    }
}
