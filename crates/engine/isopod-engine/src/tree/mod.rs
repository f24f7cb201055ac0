//! File trees of containers as archives, and archives as file trees: by descriptors below a root
//! that no path, link or name of an archive leads out of.

mod pack;
mod unpack;

pub(crate) use pack::{Pack, pack};
pub(crate) use unpack::{unpack, unpack_owned};

use rustix::fs::{OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// Opens a path below `root` as the processes in it would, links included.
pub(crate) fn open(root: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    isopod_sys::rooted::open(root, path, flags, ResolveFlags::empty())
}
