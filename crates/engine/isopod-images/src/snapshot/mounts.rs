//! How to make a snapshot visible: a mount that stands nowhere yet.
//!
//! The mount is made by `fsopen` and handed out as a descriptor, so that a container's root can be
//! moved into its own mount namespace and never exists in the host's.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use isopod_sys::mount_attr::{self, MountAttr, mount_setattr};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount,
    move_mount, open_tree, unmount,
};

use crate::error::SnapshotError;

/// Longest string that `fsconfig` takes, without its NUL.
const FSCONFIG_STRING: usize = 255;

/// How to mount a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounts {
    /// An overlay.
    Overlay(OverlayMount),
    /// A directory as it is.
    Directory {
        /// The snapshot's name.
        key: String,
        /// The directory.
        path: PathBuf,
        /// Whether it must not be written to.
        read_only: bool,
    },
}

/// The layers of an overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayMount {
    /// The snapshot's name, for errors.
    pub key: String,
    /// The trees below, the highest first; at least one, two if nothing is writable.
    pub lower: Vec<PathBuf>,
    /// The directory that holds the upper tree as `fs`, and `work` beside it.
    pub writable: Option<PathBuf>,
    /// Whether overlayfs is to keep its marks in `user.overlay.*`.
    pub userxattr: bool,
}

/// What a mount is to be like.
#[derive(Debug, Clone, Copy, Default)]
pub struct MountOptions<'a> {
    /// A user namespace whose ids the files are to have: the disk keeps the unshifted ones
    /// (Linux 5.19; 6.15 for overlays).
    pub idmap: Option<BorrowedFd<'a>>,
    /// Mount read-only, whatever the snapshot is.
    pub read_only: bool,
    /// SELinux context for all files.
    pub label: Option<&'a str>,
}

impl Mounts {
    /// Makes the mount, attached nowhere.
    pub fn open(&self, options: &MountOptions<'_>) -> Result<OwnedFd, SnapshotError> {
        match self {
            Self::Overlay(overlay) => overlay.open(options),
            Self::Directory { key, path, read_only } => {
                let at = |what: &str| {
                    let what = format!("{what} {}", path.display());
                    move |source: io::Error| SnapshotError::Mount { key: key.clone(), what, source }
                };
                let fd = clone_tree(path).map_err(at("directory"))?;
                let attributes = MountAttr {
                    set: if *read_only || options.read_only { mount_attr::RDONLY } else { 0 },
                    ..MountAttr::default()
                };
                mount_setattr(fd.as_fd(), c"", false, &attributes, options.idmap)
                    .map_err(at("attributes of directory"))?;
                Ok(fd)
            }
        }
    }

    /// Makes the mount at `target`, until the guard is dropped.
    pub fn attach(
        &self,
        target: &Path,
        options: &MountOptions<'_>,
    ) -> Result<AttachedMount, SnapshotError> {
        let fd = self.open(options)?;
        move_mount(&fd, c"", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(
            |error| SnapshotError::Mount {
                key: self.key().to_owned(),
                what: format!("at {}", target.display()),
                source: error.into(),
            },
        )?;
        Ok(AttachedMount { target: target.to_path_buf() })
    }

    fn key(&self) -> &str {
        match self {
            Self::Overlay(overlay) => &overlay.key,
            Self::Directory { key, .. } => key,
        }
    }
}

impl OverlayMount {
    fn open(&self, options: &MountOptions<'_>) -> Result<OwnedFd, SnapshotError> {
        let at = |what: &str| {
            let what = what.to_owned();
            |source: io::Error| SnapshotError::Mount { key: self.key.clone(), what, source }
        };
        // Descriptors behind the paths below, open until the mount is made.
        let mut pins = Vec::new();
        let lower = self
            .lower
            .iter()
            .map(|path| short_path(path, options.idmap, &mut pins))
            .collect::<io::Result<Vec<_>>>()
            .map_err(at("lower directories"))?;
        let upper = self
            .writable
            .as_ref()
            .map(|path| short_path(path, options.idmap, &mut pins))
            .transpose()
            .map_err(at("upper directory"))?;
        let read_only = options.read_only || upper.is_none();
        match self.by_fsopen(&lower, upper.as_deref(), read_only, options.label) {
            Err(Errno::INVAL | Errno::NOSYS) if options.idmap.is_none() => self
                .by_mount(&lower, upper.as_deref(), read_only, options.label)
                .map_err(at("overlay")),
            other => other.map_err(|error| at("overlay")(error.into())),
        }
    }

    fn by_fsopen(
        &self,
        lower: &[String],
        upper: Option<&str>,
        read_only: bool,
        label: Option<&str>,
    ) -> Result<OwnedFd, Errno> {
        let fs = fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&fs, c"source", c"overlay")?;
        for path in lower {
            // Linux 6.5; before, the call fails and `by_mount` takes over.
            fsconfig_set_string(&fs, c"lowerdir+", path)?;
        }
        if let Some(upper) = upper {
            fsconfig_set_string(&fs, c"upperdir", format!("{upper}/fs"))?;
            fsconfig_set_string(&fs, c"workdir", format!("{upper}/work"))?;
        }
        for (key, value) in OPTIONS {
            fsconfig_set_string(&fs, key, value)?;
        }
        if self.userxattr {
            fsconfig_set_flag(&fs, c"userxattr")?;
        }
        if let Some(label) = label {
            fsconfig_set_string(&fs, c"context", label)?;
        }
        fsconfig_create(&fs)?;
        let attributes =
            if read_only { MountAttrFlags::MOUNT_ATTR_RDONLY } else { MountAttrFlags::empty() };
        fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    }

    /// For kernels before 6.5: `mount(2)` on a scratch directory, from which the mount is taken.
    fn by_mount(
        &self,
        lower: &[String],
        upper: Option<&str>,
        read_only: bool,
        label: Option<&str>,
    ) -> io::Result<OwnedFd> {
        // A page holds all options: stand-ins by descriptor keep each path under 25 bytes.
        let pins = lower.iter().map(File::open).collect::<io::Result<Vec<_>>>()?;
        let lower: Vec<String> = pins.iter().map(fd_path).collect();
        let mut data = format!("lowerdir={}", lower.join(":"));
        if let Some(upper) = upper {
            data += &format!(",upperdir={upper}/fs,workdir={upper}/work");
        }
        for (key, value) in OPTIONS {
            data += &format!(",{}={}", key.to_string_lossy(), value.to_string_lossy());
        }
        if self.userxattr {
            data += ",userxattr";
        }
        if let Some(label) = label {
            data += &format!(",context=\"{label}\"");
        }
        let data = CString::new(data)?;
        let scratch = tempdir_beside(&self.lower[0])?;
        let flags = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
        let result = mount(c"overlay", &scratch, c"overlay", flags, &*data)
            .map_err(io::Error::from)
            .and_then(|()| {
                let tree = clone_tree(&scratch);
                unmount(&scratch, UnmountFlags::DETACH)?;
                tree
            });
        std::fs::remove_dir(&scratch)?;
        result
    }
}

/// No features that would make the layers unreadable as plain trees: a renamed directory is
/// copied, a changed owner copies the file.
const OPTIONS: [(&std::ffi::CStr, &std::ffi::CStr); 3] =
    [(c"index", c"off"), (c"redirect_dir", c"off"), (c"metacopy", c"off")];

/// The path as `fsconfig` takes it: itself if it is short, else by a descriptor; with an id
/// mapping, by the descriptor of a mapped mount of it.
fn short_path(
    path: &Path,
    idmap: Option<BorrowedFd<'_>>,
    pins: &mut Vec<OwnedFd>,
) -> io::Result<String> {
    if let Some(user_namespace) = idmap {
        let fd = clone_tree(path)?;
        mount_setattr(fd.as_fd(), c"", false, &MountAttr::default(), Some(user_namespace))?;
        let short = fd_path(&fd);
        pins.push(fd);
        return Ok(short);
    }
    match path.to_str() {
        // Room for the `/work` of the upper directory.
        Some(text) if text.len() + 5 <= FSCONFIG_STRING => Ok(text.to_owned()),
        _ => {
            let fd = OwnedFd::from(File::open(path)?);
            let short = fd_path(&fd);
            pins.push(fd);
            Ok(short)
        }
    }
}

fn fd_path(fd: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn clone_tree(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(open_tree(CWD, path, flags)?)
}

fn tempdir_beside(layer: &Path) -> io::Result<PathBuf> {
    let root = layer.parent().unwrap_or(layer);
    let name = format!("mount-{}", isopod_base::id::full());
    let path = root.join(name);
    std::fs::create_dir(&path)?;
    Ok(path)
}

/// A mount that is undone when this is dropped.
#[derive(Debug)]
pub struct AttachedMount {
    target: PathBuf,
}

impl AttachedMount {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.target
    }
}

impl Drop for AttachedMount {
    fn drop(&mut self) {
        if let Err(error) = unmount(&self.target, UnmountFlags::DETACH) {
            tracing::warn!(target = %self.target.display(), %error, "not unmounted");
        }
    }
}
