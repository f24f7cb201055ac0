//! `mount_setattr(2)` (Linux 5.12): attributes of a mount or of a whole tree in one call.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Read-only.
pub const RDONLY: u64 = 0x1;
/// Set-user-id bits are ignored.
pub const NOSUID: u64 = 0x2;
/// Device nodes cannot be opened.
pub const NODEV: u64 = 0x4;
/// Nothing can be executed.
pub const NOEXEC: u64 = 0x8;
/// The bits that hold how access times are kept; must be cleared whenever one is set.
pub const ATIME: u64 = 0x70;
/// Access times are not kept.
pub const NOATIME: u64 = 0x10;
/// Access times are always kept.
pub const STRICTATIME: u64 = 0x20;
/// Access times of directories are not kept.
pub const NODIRATIME: u64 = 0x80;
/// Ids are shifted by a user namespace.
pub const IDMAP: u64 = 0x0010_0000;
/// Symbolic links are not followed (Linux 5.14).
pub const NOSYMFOLLOW: u64 = 0x0020_0000;

/// What to change.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct MountAttr {
    /// Attributes to set.
    pub set: u64,
    /// Attributes to clear, before the others are set.
    pub clear: u64,
    /// [`PRIVATE`], [`SLAVE`], [`SHARED`], [`UNBINDABLE`], or 0 to leave it.
    pub propagation: u64,
}

/// `struct mount_attr`, first version.
#[repr(C)]
struct RawMountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Propagation that neither sends nor receives.
pub const PRIVATE: u64 = libc::MS_PRIVATE;
/// Propagation that only receives.
pub const SLAVE: u64 = libc::MS_SLAVE;
/// Propagation that sends and receives.
pub const SHARED: u64 = libc::MS_SHARED;
/// Private, and cannot be bind mounted.
pub const UNBINDABLE: u64 = libc::MS_UNBINDABLE;

/// Changes the mount at `path` below `directory` (the mount of `directory` itself when the
/// path is empty); all mounts beneath too if `recursive`. With `userns` the ids of the mount,
/// which must be detached and new, are shifted by that user namespace.
pub fn mount_setattr(
    directory: BorrowedFd<'_>,
    path: &CStr,
    recursive: bool,
    attr: &MountAttr,
    userns: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut attr =
        RawMountAttr { set: attr.set, clear: attr.clear, propagation: attr.propagation, userns: 0 };
    if let Some(fd) = userns {
        attr.set |= IDMAP;
        attr.userns = fd.as_raw_fd() as u64;
    }
    let mut flags = libc::AT_SYMLINK_NOFOLLOW;
    if path.is_empty() {
        flags |= libc::AT_EMPTY_PATH;
    }
    if recursive {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: `path` is a C string and `attr` a structure of the size that is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory.as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attr,
            size_of::<RawMountAttr>(),
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
