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
mod unchanged;
pub(crate) mod xattr;

use std::io::Write;
use std::path::{Path, PathBuf};

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use serde::{Deserialize, Serialize};

use crate::error::SnapshotError;

pub use changes::{Change, ChangeKind};
pub use copy::CopySnapshotter;
pub use mounts::{AttachedMount, MountOptions, Mounts, OverlayMount};
pub use overlay::OverlaySnapshotter;
pub use staged::{Fixups, StagedLayer, WhiteoutStyle};
pub use table::{Record, Table};
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
///
/// What is the same for all of them, records and numbered directories, is provided upon the
/// [`Table`]; an implementation says how trees stand upon each other.
pub trait Snapshotter: Send + Sync + std::fmt::Debug {
    /// `overlay` or `copy`.
    fn name(&self) -> &'static str;

    /// The records.
    fn table(&self) -> &Table;

    /// How the unpacker is to mark what a layer hides.
    fn style(&self) -> WhiteoutStyle;

    /// Makes the directory of a new snapshot, or what is missing of it. `lower` are the trees
    /// that it stands upon, the highest first.
    fn fill(&self, dir: &Path, kind: SnapshotKind, lower: &[PathBuf]) -> Result<(), SnapshotError>;

    /// How to mount a snapshot with these trees below it.
    fn mounts_of(&self, key: &str, record: &Record, lower: Vec<PathBuf>) -> Mounts;

    /// Settles what a layer left open until the trees below it were known.
    fn settle(
        &self,
        key: &str,
        layer: &mut StagedLayer,
        lower: &[PathBuf],
    ) -> Result<(), SnapshotError>;

    /// What an active snapshot changed in its parent, in order of the paths.
    fn changes(&self, key: &str) -> Result<Vec<Change>, SnapshotError>;

    /// Writes what an active snapshot changed in its parent as a layer.
    fn write_diff(&self, key: &str, out: &mut dyn Write) -> Result<(), SnapshotError>;

    /// What is known of a snapshot, if there is one of that name.
    fn stat(&self, key: &str) -> Result<Option<SnapshotInfo>, SnapshotError> {
        Ok(self.table().find(key)?.map(|record| Table::info(key, record)))
    }

    /// All snapshots.
    fn list(&self) -> Result<Vec<SnapshotInfo>, SnapshotError> {
        self.table().list()
    }

    /// Makes a writable snapshot upon `parent` (upon nothing, if absent).
    fn prepare(&self, key: &str, parent: Option<&str>) -> Result<Mounts, SnapshotError> {
        create(self, key, SnapshotKind::Active, parent)
    }

    /// Makes a read-only snapshot that shows `parent`.
    fn view(&self, key: &str, parent: Option<&str>) -> Result<Mounts, SnapshotError> {
        create(self, key, SnapshotKind::View, parent)
    }

    /// How to mount an active snapshot or a view.
    fn mounts(&self, key: &str) -> Result<Mounts, SnapshotError> {
        let record = self.table().get(key)?;
        if record.kind == SnapshotKind::Committed {
            return Err(SnapshotError::Kind {
                key: key.to_owned(),
                actual: record.kind.name(),
                expected: "active or a view",
            });
        }
        let lower = self.table().lower(&record)?;
        // Lost in a power cut: see the module on tables.
        self.fill(&self.table().dir(record.number), record.kind, &lower)?;
        Ok(self.mounts_of(key, &record, lower))
    }

    /// Turns the active snapshot `key` into the committed one `name`. It must not be mounted
    /// any more.
    fn commit(&self, name: &str, key: &str) -> Result<(), SnapshotError> {
        let table = self.table();
        let record = table.get_kind(key, SnapshotKind::Active)?;
        table.free(name)?;
        let fs = table.fs(&record);
        let usage = tree::usage(&fs)?;
        rustix::fs::syncfs(tree::open_dir(&fs)?)
            .map_err(|error| SnapshotError::tree("sync", &fs)(error.into()))?;
        table.commit(name, key, usage)?;
        tree::remove(&table.dir(record.number).join("work"))
    }

    /// As [`Snapshotter::commit`], without waiting for the disk: the tree can be made again from
    /// `blob`. The record is committed together with `batch`.
    fn commit_derived(
        &self,
        name: &str,
        key: &str,
        blob: &Digest,
        batch: Batch,
    ) -> Result<(), SnapshotError> {
        let table = self.table();
        let record = table.get_kind(key, SnapshotKind::Active)?;
        let usage = tree::usage(&table.fs(&record))?;
        table.commit_derived(name, key, usage, blob, batch)?;
        tree::remove(&table.dir(record.number).join("work"))
    }

    /// Removes a snapshot upon which nothing stands.
    fn remove(&self, key: &str) -> Result<(), SnapshotError> {
        self.table().remove(key)
    }

    /// Space that it takes.
    fn usage(&self, key: &str) -> Result<Usage, SnapshotError> {
        let record = self.table().get(key)?;
        match record.kind {
            SnapshotKind::Committed => Ok(record.usage),
            SnapshotKind::Active | SnapshotKind::View => tree::usage(&self.table().fs(&record)),
        }
    }

    /// What is wrong with a snapshot: nothing, if all is well.
    fn check(&self, key: &str) -> Result<Vec<String>, SnapshotError> {
        let record = self.table().get(key)?;
        let fs = self.table().fs(&record);
        let mut faults = Vec::new();
        if record.kind == SnapshotKind::Committed && !fs.is_dir() {
            faults.push(format!("{} is missing", fs.display()));
        }
        if let Err(error) = self.table().below(&record) {
            faults.push(error.to_string());
        }
        Ok(faults)
    }

    /// Forgets directories of an active snapshot that were touched and are as before. It must not
    /// be mounted any more.
    fn drop_unchanged(&self, _key: &str) -> Result<(), SnapshotError> {
        Ok(())
    }

    /// An empty directory to unpack a layer into.
    fn stage(&self) -> Result<StagedLayer, SnapshotError> {
        StagedLayer::new(self.table(), self.style())
    }

    /// Makes staged layers committed snapshots, by name, each upon the one before it and the
    /// first upon `parent`: all but the records, which are added to `batch` for the caller to
    /// commit once what they need is synced, and then to mark the layers by
    /// [`StagedLayer::keep`].
    fn adopt(
        &self,
        parent: Option<&str>,
        layers: &mut [(String, StagedLayer)],
        mut batch: Batch,
    ) -> Result<Batch, SnapshotError> {
        let mut lower = self.table().upon(parent)?;
        let mut parent = parent.map(str::to_owned);
        for (name, layer) in layers {
            self.settle(name, layer, &lower)?;
            lower.insert(0, layer.root());
            batch = self.table().record(name, parent.as_deref(), layer, batch);
            parent = Some(name.clone());
        }
        Ok(batch)
    }

    /// Adds the removal of a snapshot's record to `batch`; what is returned is to be given to
    /// [`Snapshotter::discard`] once the batch is committed.
    fn unrecord(&self, key: &str, batch: Batch) -> Result<(Batch, PathBuf), SnapshotError> {
        self.table().unrecord(key, batch)
    }

    /// Removes the files of a snapshot whose record is gone.
    fn discard(&self, files: PathBuf) -> Result<(), SnapshotError> {
        tree::remove(&files)
    }
}

fn create<S: Snapshotter + ?Sized>(
    snapshots: &S,
    key: &str,
    kind: SnapshotKind,
    parent: Option<&str>,
) -> Result<Mounts, SnapshotError> {
    let table = snapshots.table();
    let lower = table.upon(parent)?;
    let record = table.create(key, kind, parent, |dir| snapshots.fill(dir, kind, &lower))?;
    Ok(snapshots.mounts_of(key, &record, lower))
}
