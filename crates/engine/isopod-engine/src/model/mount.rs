//! Mounts as they are asked for, and as they are reported.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A mount in the long form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// What kind.
    pub kind: MountKind,
    /// Path on the host, name of a volume, or reference of an image.
    pub source: String,
    /// Path in the container, absolute.
    pub target: String,
    /// Read-only.
    pub read_only: bool,
    /// For binds: `rprivate`, `rslave`, `rshared`, `private`, `slave`, `shared`; empty means the
    /// first.
    pub propagation: String,
    /// For binds: leave out the mounts below the source.
    pub non_recursive: bool,
    /// For binds: create the source directory when it is missing.
    pub create_mountpoint: bool,
    /// For binds: read-only at the top only.
    pub read_only_non_recursive: bool,
    /// For volumes: do not copy the image's files into a new one.
    pub no_copy: bool,
    /// For volumes: labels, if it is created.
    pub volume_labels: BTreeMap<String, String>,
    /// For volumes: driver, if it is created; empty means `local`.
    pub volume_driver: String,
    /// For volumes: options of the driver.
    pub volume_options: BTreeMap<String, String>,
    /// For volumes: path below it.
    pub subpath: String,
    /// For tmpfs: size; 0 is without limit.
    pub tmpfs_size_bytes: i64,
    /// For tmpfs: mode bits; 0 means 1777.
    pub tmpfs_mode: u32,
    /// For tmpfs: further options.
    pub tmpfs_options: Vec<String>,
}

/// The kinds of mounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountKind {
    /// A path of the host.
    #[default]
    Bind,
    /// A volume.
    Volume,
    /// A file system in memory.
    Tmpfs,
    /// The file system of an image.
    Image,
}

impl MountKind {
    /// Docker's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Tmpfs => "tmpfs",
            Self::Image => "image",
        }
    }
}

/// A mount point of a container, resolved at creation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountPoint {
    /// What kind.
    pub kind: MountKind,
    /// Name of the volume.
    pub name: String,
    /// Path on the host.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// Driver of the volume.
    pub driver: String,
    /// Options as given, `ro`, `z`.
    pub mode: String,
    /// Whether it can be written.
    pub writable: bool,
    /// `rprivate`, ...; empty for volumes.
    pub propagation: String,
    /// Whether mounts below the source are left out.
    pub non_recursive: bool,
    /// Whether read-only is only the top's.
    pub read_only_non_recursive: bool,
    /// Whether the volume was made for this container and goes with it.
    pub anonymous: bool,
    /// Path below the volume.
    pub subpath: String,
    /// Mount options of a tmpfs.
    pub tmpfs_options: Vec<String>,
}
