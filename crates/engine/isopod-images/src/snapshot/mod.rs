//! Snapshots: file trees that stand upon each other, and the mounts that show them.
//!
//! A snapshot is *committed* (immutable, may be a parent), *active* (writable) or a *view*
//! (read-only). Layers of images are committed snapshots named by their chain id; containers have
//! active ones named by their id. Any [`Snapshotter`] behaves as [`conformance`] says.

mod changes;
pub mod conformance;
mod copy;
mod mounts;
mod overlay;
mod staged;
mod table;
mod tree;
pub(crate) mod xattr;

use std::path::PathBuf;

use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use serde::{Deserialize, Serialize};

use crate::error::SnapshotError;

pub use changes::{Change, ChangeKind};
pub use copy::CopySnapshotter;
pub use mounts::{AttachedMount, MountOptions, Mounts, OverlayMount};
pub use overlay::OverlaySnapshotter;
pub use staged::{Fixups, StagedLayer, WhiteoutStyle};
pub use table::Record;
pub(crate) use table::Table;
pub(crate) use tree::usage as measure;

/// What a snapshot may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotKind {
    /// Immutable; others may stand upon it.
    Committed,
    /// Writable.
    Active,
    /// Read-only.
    View,
}

impl SnapshotKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Active => "active",
            Self::View => "a view",
        }
    }
}

/// What is known of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its name.
    pub key: String,
    /// What it is.
    pub kind: SnapshotKind,
    /// The committed snapshot that it stands upon.
    pub parent: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// Space that a snapshot takes, without those below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes in regular files; a file with several names counts once, holes do not count.
    pub bytes: u64,
    /// Files, directories and everything else.
    pub entries: u64,
}

/// Which snapshotter a store uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SnapshotterKind {
    /// Overlay where the kernel and the file system can, copies elsewhere.
    #[default]
    Auto,
    /// Overlay, or an error.
    Overlay,
    /// Whole copies.
    Copy,
}

/// Keeps snapshots.
pub trait Snapshotter: Send + Sync + std::fmt::Debug {
    /// `overlay` or `copy`.
    fn name(&self) -> &'static str;

    /// What is known of a snapshot, if there is one of that name.
    fn stat(&self, key: &str) -> Result<Option<SnapshotInfo>, SnapshotError>;

    /// All snapshots.
    fn list(&self) -> Result<Vec<SnapshotInfo>, SnapshotError>;

    /// Makes a writable snapshot upon `parent` (upon nothing, if absent).
    fn prepare(&self, key: &str, parent: Option<&str>) -> Result<Mounts, SnapshotError>;

    /// Makes a read-only snapshot that shows `parent`.
    fn view(&self, key: &str, parent: Option<&str>) -> Result<Mounts, SnapshotError>;

    /// How to mount an active snapshot or a view.
    fn mounts(&self, key: &str) -> Result<Mounts, SnapshotError>;

    /// Turns the active snapshot `key` into the committed one `name`. It must not be mounted
    /// any more.
    fn commit(&self, name: &str, key: &str) -> Result<(), SnapshotError>;

    /// Removes a snapshot upon which nothing stands.
    fn remove(&self, key: &str) -> Result<(), SnapshotError>;

    /// Space that it takes.
    fn usage(&self, key: &str) -> Result<Usage, SnapshotError>;

    /// What is wrong with a snapshot: nothing, if all is well.
    fn check(&self, key: &str) -> Result<Vec<String>, SnapshotError>;

    /// What an active snapshot changed in its parent, in order of the paths.
    fn changes(&self, key: &str) -> Result<Vec<Change>, SnapshotError>;

    /// Writes what an active snapshot changed in its parent as a layer.
    fn write_diff(&self, key: &str, out: &mut dyn std::io::Write) -> Result<(), SnapshotError>;

    /// An empty directory to unpack a layer into.
    fn stage(&self) -> Result<StagedLayer, SnapshotError>;

    /// Makes staged layers committed snapshots, by name, each upon the one before it and the
    /// first upon `parent`: all but the records, which are added to `batch` for the caller to
    /// commit once all is synced, and then to mark the layers by [`StagedLayer::keep`].
    fn adopt(
        &self,
        parent: Option<&str>,
        layers: &mut [(String, StagedLayer)],
        batch: Batch,
    ) -> Result<Batch, SnapshotError>;

    /// Adds the removal of a snapshot's record to `batch`; what is returned is to be given to
    /// [`Snapshotter::discard`] once the batch is committed.
    fn unrecord(&self, key: &str, batch: Batch) -> Result<(Batch, PathBuf), SnapshotError>;

    /// Removes the files of a snapshot whose record is gone.
    fn discard(&self, files: PathBuf) -> Result<(), SnapshotError>;
}
