//! What the engine and a helper say to each other.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Longest message.
pub(super) const MESSAGE_BYTES: usize = 64 << 10;

/// Most mounts of one step: what fits a message's descriptors.
pub(super) const MOUNTS: usize = 200;

/// What is to be done. The root file system's mount and those of `mounts` go along as
/// descriptors, in order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) runtime_root: PathBuf,
    pub(super) systemd_cgroup: bool,
    /// Directory with the configuration, and for the mounts.
    pub(super) bundle: PathBuf,
    /// Paths within the mounts.
    pub(super) mounts: Vec<String>,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Exited(i32),
    Failed(String),
}

/// Where the mount of that number is, below the bundle.
pub(super) fn place(number: usize) -> String {
    format!("mounts/{number}")
}
