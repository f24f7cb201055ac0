//! Mounts as they are asked for, and mount points as they are reported.

use crate::go::is_empty;
use std::collections::BTreeMap;

document! {
    /// A mount in the long form (`--mount`).
    pub struct Mount {
        /// `bind`, `volume`, `tmpfs`, `image`, `cluster`, `npipe`.
        #[serde(rename = "Type", skip_serializing_if = "is_empty")]
        pub kind: String,
        /// Path on the host or name of the volume.
        #[serde(skip_serializing_if = "is_empty")]
        pub source: String,
        /// Path in the container.
        #[serde(skip_serializing_if = "is_empty")]
        pub target: String,
        /// Read-only.
        #[serde(skip_serializing_if = "is_empty")]
        pub read_only: bool,
        /// macOS only.
        #[serde(skip_serializing_if = "is_empty")]
        pub consistency: String,
        /// For `bind`.
        #[serde(skip_serializing_if = "is_empty")]
        pub bind_options: Option<BindOptions>,
        /// For `volume`.
        #[serde(skip_serializing_if = "is_empty")]
        pub volume_options: Option<VolumeOptions>,
        /// For `image`.
        #[serde(skip_serializing_if = "is_empty")]
        pub image_options: Option<MountImageOptions>,
        /// For `tmpfs`.
        #[serde(skip_serializing_if = "is_empty")]
        pub tmpfs_options: Option<TmpfsOptions>,
    }

    /// Options of a bind mount.
    pub struct BindOptions {
        /// `rprivate`, `rslave`, ...
        #[serde(skip_serializing_if = "is_empty")]
        pub propagation: String,
        /// Leave out the mounts below the source.
        #[serde(skip_serializing_if = "is_empty")]
        pub non_recursive: bool,
        /// Create the source when it is missing.
        #[serde(skip_serializing_if = "is_empty")]
        pub create_mountpoint: bool,
        /// Read-only at the top only.
        #[serde(skip_serializing_if = "is_empty")]
        pub read_only_non_recursive: bool,
        /// Fail where read-only cannot be recursive.
        #[serde(skip_serializing_if = "is_empty")]
        pub read_only_force_recursive: bool,
    }

    /// Options of a volume mount.
    pub struct VolumeOptions {
        /// Do not copy the image's files into a new volume.
        #[serde(skip_serializing_if = "is_empty")]
        pub no_copy: bool,
        /// Labels of the volume, if it is created.
        #[serde(skip_serializing_if = "is_empty")]
        pub labels: BTreeMap<String, String>,
        /// Path in the volume.
        #[serde(skip_serializing_if = "is_empty")]
        pub subpath: String,
        /// Driver of the volume, if it is created.
        #[serde(skip_serializing_if = "is_empty")]
        pub driver_config: Option<MountDriver>,
    }

    /// Options of an image mount.
    pub struct MountImageOptions {
        /// Path in the image.
        #[serde(skip_serializing_if = "is_empty")]
        pub subpath: String,
    }

    /// A volume driver with its options.
    pub struct MountDriver {
        /// Name.
        #[serde(skip_serializing_if = "is_empty")]
        pub name: String,
        /// Options.
        #[serde(skip_serializing_if = "is_empty")]
        pub options: BTreeMap<String, String>,
    }

    /// Options of a tmpfs mount.
    pub struct TmpfsOptions {
        /// Size; 0 is without limit.
        #[serde(skip_serializing_if = "is_empty")]
        pub size_bytes: i64,
        /// Mode bits of the directory.
        #[serde(skip_serializing_if = "is_empty")]
        pub mode: u32,
        /// Mount options, `["key"]` or `["key", "value"]`.
        #[serde(skip_serializing_if = "is_empty")]
        pub options: Vec<Vec<String>>,
    }

    /// A mount point of a container, as inspect and list report it.
    pub struct MountPoint {
        /// `bind`, `volume`, `tmpfs`, ...
        #[serde(rename = "Type", skip_serializing_if = "is_empty")]
        pub kind: String,
        /// Name of the volume.
        #[serde(skip_serializing_if = "is_empty")]
        pub name: String,
        /// Path on the host.
        pub source: String,
        /// Path in the container.
        pub destination: String,
        /// Driver of the volume.
        #[serde(skip_serializing_if = "is_empty")]
        pub driver: String,
        /// Options as given, `ro`, `z`.
        pub mode: String,
        /// Whether it can be written.
        #[serde(rename = "RW")]
        pub rw: bool,
        /// `rprivate`, ...
        pub propagation: String,
    }
}
