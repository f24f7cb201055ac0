//! Mounts that are made before the container is: of places that its own process could not reach,
//! or should not look for by a path that somebody may change meanwhile.

use crate::error::{Error, Result};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::mount::{MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);

/// The `/dev/shm` of a process, as it has it.
pub(super) fn shared_memory(pid: i32) -> Result<OwnedFd> {
    let namespace = std::fs::File::open(format!("/proc/{pid}/ns/mnt"));
    let failed = || format!("share /dev/shm of process {pid}");
    let namespace = namespace.map_err(Error::io(failed()))?;
    aside(move || {
        rustix::thread::move_into_link_name_space(
            namespace.as_fd(),
            Some(LinkNameSpaceType::Mount),
        )?;
        Ok(rustix::mount::open_tree(CWD, c"/dev/shm", CLONE)?)
    })
    .map_err(Error::io(failed()))
}

/// What is at a path below a directory, which links cannot lead out of.
pub(super) fn below(directory: &Path, path: &str) -> Result<OwnedFd> {
    let failed = || format!("cannot access path {}/{path}", directory.display());
    let opened = std::fs::File::open(directory).map_err(Error::io(failed()))?;
    clone_below(opened.as_fd(), path).map_err(Error::io(failed()))
}

/// The same for a mount that is not attached anywhere.
pub(super) fn below_detached(mount: OwnedFd, shown: &str, path: &str) -> Result<OwnedFd> {
    let path = path.to_owned();
    let failed = format!("cannot access path {path} of {shown}");
    aside(move || {
        // Before Linux 6.15 only what is attached can be cloned: it is, where nobody sees it.
        #[expect(deprecated, reason = "this flag does not touch the table of descriptors")]
        rustix::thread::unshare(UnshareFlags::NEWNS)?;
        rustix::mount::mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(&mount, c"", CWD, c"/proc", flags)?;
        let root = rustix::fs::open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        clone_below(root.as_fd(), &path)
    })
    .map_err(Error::io(failed))
}

fn clone_below(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let found = openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    let flags = CLONE | OpenTreeFlags::AT_EMPTY_PATH | OpenTreeFlags::AT_RECURSIVE;
    Ok(rustix::mount::open_tree(found, c"", flags)?)
}

/// Does something on a thread whose namespaces are its own.
fn aside<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // A thread that shares its root directory with others may not change namespaces.
            #[expect(deprecated, reason = "this flag does not touch the table of descriptors")]
            rustix::thread::unshare(UnshareFlags::FS)?;
            work()
        });
        thread.join().map_err(|_| io::Error::other("a thread of the engine failed"))?
    })
}
