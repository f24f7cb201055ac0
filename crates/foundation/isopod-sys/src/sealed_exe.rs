//! The program's own file as a descriptor through which nobody can write to it.
//!
//! A process inside a container can reach the file of whoever enters the container by
//! `/proc/PID/exe`, and write to it as soon as it runs no more (CVE-2019-5736). A process that
//! was executed through a read-only detached mount of the file gives no way to do so: opening
//! the link for writing fails with `EROFS`, and the mount can be changed by nobody, being in no
//! mount namespace. Where detached mounts are not allowed (no CAP_SYS_ADMIN) a sealed copy in
//! memory serves, at the price of copying the file.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, StatVfsMountFlags};
use rustix::mount::OpenTreeFlags;

use crate::mount_attr::{MountAttr, RDONLY, mount_setattr};

const SEALS: SealFlags =
    SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

/// Opens the running program's file so that it can be executed but never written through the
/// result, not even by way of `/proc/PID/exe` of who executes it. Close-on-exec.
pub fn open() -> io::Result<OwnedFd> {
    let exe = own_exe()?;
    if is_sealed_file(exe.as_fd()) {
        return Ok(exe);
    }
    detached_mount(exe.as_fd()).or_else(|_| sealed_copy(exe))
}

/// Whether the running program was executed from a sealed file.
///
/// The kernel is asked about the file itself; an environment variable could be set by anyone.
#[must_use]
pub fn is_sealed() -> bool {
    own_exe().is_ok_and(|exe| is_sealed_file(exe.as_fd()))
}

fn own_exe() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(c"/proc/self/exe", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn is_sealed_file(exe: BorrowedFd<'_>) -> bool {
    if rustix::fs::fcntl_get_seals(exe).is_ok_and(|seals| seals.contains(SEALS)) {
        return true;
    }
    // A mount that is read-only now but is somewhere in a namespace could be made writable
    // again by that namespace's owner; that is root of the host and needs no such detour.
    rustix::fs::fstatvfs(exe).is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn detached_mount(exe: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let tree = rustix::mount::open_tree(
        exe,
        c"",
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH,
    )?;
    let readonly = MountAttr { set: RDONLY, ..MountAttr::default() };
    mount_setattr(tree.as_fd(), c"", false, &readonly, None)?;
    // Opened through the mount, so that executing it refers to the read-only mount.
    let sealed = rustix::fs::openat(&tree, c"", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .unwrap_or(tree);
    if rustix::fs::fstatvfs(&sealed)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
        Ok(sealed)
    } else {
        Err(io::Error::other("the detached mount is not read-only"))
    }
}

fn sealed_copy(exe: OwnedFd) -> io::Result<OwnedFd> {
    let copy = rustix::fs::memfd_create(
        c"isopod",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::EXEC,
    )
    // Before Linux 6.3 there is no such flag, and every memory file is executable.
    .or_else(|_| {
        rustix::fs::memfd_create(c"isopod", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
    })?;
    let mut copy = File::from(copy);
    io::copy(&mut File::from(exe), &mut copy)?;
    rustix::fs::fcntl_add_seals(&copy, SEALS)?;
    Ok(copy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sealed_file_runs_and_cannot_be_opened_for_writing() {
        let sealed = open().expect("opens");
        assert!(is_sealed_file(sealed.as_fd()) || fstat_is_readonly(&sealed));
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&sealed));
        assert!(std::fs::OpenOptions::new().write(true).open(path).is_err());
    }

    #[test]
    fn a_copy_in_memory_is_sealed_too() {
        let copy = sealed_copy(own_exe().expect("opens")).expect("copies");
        assert!(is_sealed_file(copy.as_fd()));
        assert!(rustix::io::write(&copy, b"x").is_err());
    }

    fn fstat_is_readonly(file: &OwnedFd) -> bool {
        rustix::fs::fstatvfs(file).is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::RDONLY))
    }
}
