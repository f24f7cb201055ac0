//! Volumes.

use crate::go::{is_empty, null_if_empty};
use std::collections::BTreeMap;

document! {
    /// A volume.
    pub struct Volume {
        /// RFC 3339 time.
        #[serde(skip_serializing_if = "is_empty")]
        pub created_at: String,
        /// `local`.
        pub driver: String,
        /// Labels.
        #[serde(serialize_with = "null_if_empty")]
        pub labels: BTreeMap<String, String>,
        /// Path on the host.
        pub mountpoint: String,
        /// Name.
        pub name: String,
        /// Driver options.
        #[serde(serialize_with = "null_if_empty")]
        pub options: BTreeMap<String, String>,
        /// `local` or `global`.
        pub scope: String,
        /// Usage (only in `GET /system/df`).
        #[serde(skip_serializing_if = "is_empty")]
        pub usage_data: Option<VolumeUsage>,
    }

    /// Usage of a volume.
    pub struct VolumeUsage {
        /// Containers that use it, -1 when not counted.
        pub ref_count: i64,
        /// Bytes, -1 when not counted.
        pub size: i64,
    }

    /// `POST /volumes/create`.
    pub struct VolumeCreateRequest {
        /// Driver; empty means `local`.
        #[serde(skip_serializing_if = "is_empty")]
        pub driver: String,
        /// Driver options.
        #[serde(skip_serializing_if = "is_empty")]
        pub driver_opts: BTreeMap<String, String>,
        /// Labels.
        #[serde(skip_serializing_if = "is_empty")]
        pub labels: BTreeMap<String, String>,
        /// Name; empty makes an anonymous volume.
        #[serde(skip_serializing_if = "is_empty")]
        pub name: String,
    }

    /// `GET /volumes`.
    pub struct VolumeListResponse {
        /// Volumes.
        pub volumes: Vec<Volume>,
        /// What the user should know.
        #[serde(serialize_with = "null_if_empty")]
        pub warnings: Vec<String>,
    }

    /// `POST /volumes/prune`.
    pub struct VolumesPruneReport {
        /// Names.
        pub volumes_deleted: Vec<String>,
        /// Bytes freed.
        pub space_reclaimed: u64,
    }
}
