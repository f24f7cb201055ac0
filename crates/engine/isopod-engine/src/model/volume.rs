//! Volumes.

use isopod_base::times::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A request to create a volume.
#[derive(Clone, Debug, Default)]
pub struct CreateVolume {
    /// Name; empty lets the engine choose.
    pub name: String,
    /// Driver; empty means `local`, the only one.
    pub driver: String,
    /// Options: `type`, `device`, `o` as for mount(8).
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Name.
    pub name: String,
    /// Driver, always `local`.
    pub driver: String,
    /// Its directory on the host.
    pub mountpoint: PathBuf,
    /// When it was created.
    #[serde(with = "super::container::nanos")]
    pub created: Option<Timestamp>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Options.
    pub options: BTreeMap<String, String>,
    /// Whether the engine chose the name.
    pub anonymous: bool,
}

/// A volume with its use.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeUsage {
    /// The volume.
    pub volume: Volume,
    /// Bytes.
    pub size_bytes: u64,
    /// How many containers have it.
    pub references: usize,
}
