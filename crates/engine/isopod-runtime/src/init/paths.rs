//! Paths that the container must not read or not write.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isopod_oci::runtime::Linux;
use isopod_sys::mount_attr::{MountAttr, NOEXEC, NOSUID, RDONLY, mount_setattr};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;

use super::attach;
use crate::error::{Error, Result};
use crate::resolve;

/// The host's `/dev/null`, known to be that device.
///
/// What masks a path must come from outside the container: a link in the place of the
/// container's own `/dev/null` would have an attacker choose what is mounted (CVE-2025-31133).
pub(super) fn host_null() -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let null = rustix::fs::open(c"/dev/null", flags, Mode::empty())
        .map_err(Error::file("open", "/dev/null"))?;
    check_null(null.as_fd())?;
    let failed = || Error::file("clone the mount of", "/dev/null");
    let tree = attach::open_tree_at(null.as_fd(), false).map_err(failed())?;
    // A device can be written to on a read-only mount, but its owner and permissions, which are
    // those of the host's file, cannot be changed.
    let attr = MountAttr { set: RDONLY | NOSUID | NOEXEC, ..MountAttr::default() };
    mount_setattr(tree.as_fd(), c"", false, &attr, None).map_err(failed())?;
    Ok(tree)
}

fn check_null(null: BorrowedFd<'_>) -> Result<()> {
    let stat = rustix::fs::fstat(null).map_err(Error::file("stat", "/dev/null"))?;
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice || device != (1, 3) {
        return Err(Error::Unsafe {
            what: "/dev/null".into(),
            reason: "it is not the null device (character device 1:3)".into(),
        });
    }
    Ok(())
}

/// A mount that covers paths.
///
/// Before Linux 6.15 only attached mounts can be cloned, so the mount itself goes to the first
/// path, and clones of it to the others.
struct Mask {
    tree: OwnedFd,
    attached: bool,
}

impl Mask {
    fn new(tree: OwnedFd) -> Self {
        Self { tree, attached: false }
    }

    fn cover(&mut self, target: BorrowedFd<'_>) -> std::io::Result<()> {
        if self.attached {
            let clone = attach::open_tree_at(self.tree.as_fd(), false)?;
            return attach::attach(clone.as_fd(), target);
        }
        self.attached = true;
        attach::attach(self.tree.as_fd(), target)
    }
}

/// Masks and protects what `linux` lists. Paths that do not exist need neither.
pub(super) fn restrict(root: BorrowedFd<'_>, linux: &Linux, null: OwnedFd) -> Result<()> {
    for path in &linux.readonly_paths {
        if let Some(target) = existing(root, path)? {
            protect(target.as_fd()).map_err(Error::file("make read-only", path))?;
        }
    }
    let mut null = Mask::new(null);
    let mut empty = None;
    for path in &linux.masked_paths {
        let Some(target) = existing(root, path)? else { continue };
        let failed = || Error::file("mask", path);
        if resolve::file_type(target.as_fd()).map_err(failed())? == FileType::Directory {
            let mask = match &mut empty {
                Some(mask) => mask,
                None => empty.insert(Mask::new(attach::empty_directory().map_err(failed())?)),
            };
            mask.cover(target.as_fd()).map_err(failed())?;
        } else {
            null.cover(target.as_fd()).map_err(failed())?;
            verify_mask(root, path)?;
        }
    }
    Ok(())
}

/// What is at the path now must be the null device, whatever happened in between.
fn verify_mask(root: BorrowedFd<'_>, path: &str) -> Result<()> {
    let now = resolve::handle(root, path).map_err(Error::file("mask", path))?;
    check_null(now.as_fd()).map_err(|_| Error::Unsafe {
        what: path.to_owned(),
        reason: "it is not covered by the null device after masking".into(),
    })
}

fn existing(root: BorrowedFd<'_>, path: &str) -> Result<Option<OwnedFd>> {
    match resolve::handle(root, path) {
        Ok(target) => Ok(Some(target)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            _ => Err(Error::file("open", path)(error)),
        },
    }
}

fn protect(target: BorrowedFd<'_>) -> std::io::Result<()> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(target, c"", flags)?;
    let attr = MountAttr { set: RDONLY, ..MountAttr::default() };
    mount_setattr(tree.as_fd(), c"", false, &attr, None)?;
    attach::attach(tree.as_fd(), target)
}
