//! File trees of containers as archives, and archives as file trees: by descriptors below a root
//! that no path, link or name of an archive leads out of.

mod pack;
mod unpack;

pub(crate) use pack::{Pack, pack};
pub(crate) use unpack::{unpack, unpack_owned};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// Opens a path below `root` as the processes in it would, links included.
pub(crate) fn open(root: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..16 {
        match openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // The kernel could not rule out that a rename moved the path out of the root.
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}
