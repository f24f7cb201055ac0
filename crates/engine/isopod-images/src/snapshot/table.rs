//! The records of snapshots and their directories: `snapshots/<number>`.
//!
//! Directories are numbered so that mount options stay short, and never used twice. One without
//! a record is what a crash left and goes when the store is opened; an active snapshot whose
//! directory did not reach the disk before a power cut gets an empty one, since a container's
//! changes are only as durable as its own syncs.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isopod_base::Digest;
use isopod_base::files::FileError;
use isopod_base::times::Timestamp;
use isopod_journal::{Batch, Journal};
use rustix::fs::{CWD, IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags, openat};
use serde::{Deserialize, Serialize};

use super::{SnapshotInfo, SnapshotKind, StagedLayer, Usage};
use crate::error::SnapshotError;
use crate::failpoint;
use crate::records;

/// What is recorded of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Number of its directory.
    pub(crate) number: u64,
    pub(crate) kind: SnapshotKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    pub(crate) created: Timestamp,
    /// Space taken, once it is committed.
    #[serde(default)]
    pub(crate) usage: Usage,
    /// Set until the tree is known to be on the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsynced: Option<Unsynced>,
}

/// A tree that may only be in memory yet: what it can be unpacked from again, and which run of
/// the kernel wrote it. Once another one runs, the tree is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsynced {
    pub(crate) blob: Digest,
    pub(crate) boot: String,
}

/// The table of snapshots of a store.
#[derive(Debug)]
pub struct Table {
    root: PathBuf,
    journal: Arc<Journal>,
    /// Which run of the kernel this is.
    boot: String,
    next: AtomicU64,
    /// Held while a name is checked and then recorded.
    change: Mutex<()>,
}

impl Table {
    /// Opens the table, and removes directories that no record names.
    pub(crate) fn open(
        root: PathBuf,
        journal: Arc<Journal>,
        boot: String,
    ) -> Result<Self, SnapshotError> {
        fs::create_dir_all(&root).map_err(FileError::at("create", &root))?;
        spread(&root);
        let recorded: HashSet<u64> = records::scan::<Record>(&journal, records::SNAPSHOT)?
            .into_iter()
            .map(|(_, record)| record.number)
            .collect();
        let mut highest = recorded.iter().copied().max().unwrap_or(0);
        for entry in fs::read_dir(&root).map_err(FileError::at("list", &root))? {
            let path = entry.map_err(FileError::at("list", &root))?.path();
            let number =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            match number {
                Some(number) => {
                    highest = highest.max(number);
                    if !recorded.contains(&number) {
                        super::tree::remove(&path)?;
                    }
                }
                // Not one of ours by name.
                None => tracing::warn!(path = %path.display(), "unknown file among snapshots"),
            }
        }
        let next = AtomicU64::new(highest + 1);
        Ok(Self { root, journal, boot, next, change: Mutex::new(()) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory of a snapshot.
    pub(crate) fn dir(&self, number: u64) -> PathBuf {
        self.root.join(number.to_string())
    }

    /// The tree of a snapshot.
    pub(crate) fn fs(&self, record: &Record) -> PathBuf {
        self.dir(record.number).join("fs")
    }

    /// A number that no snapshot has, and never had.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn find(&self, key: &str) -> Result<Option<Record>, SnapshotError> {
        Ok(records::get(&self.journal, &name(key))?)
    }

    pub(crate) fn get(&self, key: &str) -> Result<Record, SnapshotError> {
        self.find(key)?.ok_or_else(|| SnapshotError::NotFound { key: key.to_owned() })
    }

    /// As [`Table::get`], of the kind that the caller can work with.
    pub(crate) fn get_kind(&self, key: &str, kind: SnapshotKind) -> Result<Record, SnapshotError> {
        let record = self.get(key)?;
        if record.kind == kind {
            return Ok(record);
        }
        Err(SnapshotError::Kind {
            key: key.to_owned(),
            actual: record.kind.name(),
            expected: kind.name(),
        })
    }

    pub(crate) fn info(key: &str, record: Record) -> SnapshotInfo {
        SnapshotInfo {
            key: key.to_owned(),
            kind: record.kind,
            parent: record.parent,
            created: record.created,
        }
    }

    pub(crate) fn all(&self) -> Result<Vec<(String, Record)>, SnapshotError> {
        Ok(records::scan(&self.journal, records::SNAPSHOT)?)
    }

    pub(crate) fn list(&self) -> Result<Vec<SnapshotInfo>, SnapshotError> {
        let all = self.all()?;
        Ok(all.into_iter().map(|(key, record)| Self::info(&key, record)).collect())
    }

    /// A snapshot's parent and all below it, the highest first.
    pub(crate) fn below(&self, record: &Record) -> Result<Vec<Record>, SnapshotError> {
        let mut chain = Vec::new();
        let mut next = record.parent.clone();
        while let Some(key) = next {
            let parent = self.get_kind(&key, SnapshotKind::Committed)?;
            next = parent.parent.clone();
            chain.push(parent);
        }
        Ok(chain)
    }

    /// The trees below a snapshot, the highest first.
    pub(crate) fn lower(&self, record: &Record) -> Result<Vec<PathBuf>, SnapshotError> {
        Ok(self.below(record)?.iter().map(|record| self.fs(record)).collect())
    }

    /// The trees that something upon `parent` has below it, the highest first.
    pub(crate) fn upon(&self, parent: Option<&str>) -> Result<Vec<PathBuf>, SnapshotError> {
        let Some(parent) = parent else {
            return Ok(Vec::new());
        };
        let record = self.get_kind(parent, SnapshotKind::Committed)?;
        let mut lower = self.lower(&record)?;
        lower.insert(0, self.fs(&record));
        Ok(lower)
    }

    /// Records a new active snapshot or view; `make` creates its directory.
    pub(crate) fn create(
        &self,
        key: &str,
        kind: SnapshotKind,
        parent: Option<&str>,
        make: impl FnOnce(&Path) -> Result<(), SnapshotError>,
    ) -> Result<Record, SnapshotError> {
        {
            let _change = self.lock();
            self.free(key)?;
        }
        if let Some(parent) = parent {
            self.get_kind(parent, SnapshotKind::Committed)?;
        }
        let record = Record {
            number: self.number(),
            kind,
            parent: parent.map(str::to_owned),
            created: Timestamp::now(),
            usage: Usage::default(),
            unsynced: None,
        };
        let dir = self.dir(record.number);
        let made = make(&dir).and_then(|()| {
            failpoint::reach("snapshot.created");
            let change = self.lock();
            self.free(key)?;
            // The parent may have been collected while the directory was made.
            if let Some(parent) = parent {
                self.get_kind(parent, SnapshotKind::Committed)?;
            }
            let batch = Batch::new().put(name(key), records::encode(&record));
            self.journal.commit(batch)?;
            drop(change);
            Ok(())
        });
        if let Err(error) = made {
            // The first error is the one to report.
            let _ = super::tree::remove(&dir);
            return Err(error);
        }
        failpoint::reach("snapshot.recorded");
        Ok(record)
    }

    /// Fails if the name is taken.
    pub(crate) fn free(&self, key: &str) -> Result<(), SnapshotError> {
        match self.find(key)? {
            None => Ok(()),
            Some(_) => Err(SnapshotError::Exists { key: key.to_owned() }),
        }
    }

    /// Replaces an active snapshot's record by a committed one's.
    pub(crate) fn commit(&self, to: &str, from: &str, usage: Usage) -> Result<(), SnapshotError> {
        let _change = self.lock();
        self.free(to)?;
        let record = Record {
            kind: SnapshotKind::Committed,
            usage,
            ..self.get_kind(from, SnapshotKind::Active)?
        };
        let batch = Batch::new().delete(name(from)).put(name(to), records::encode(&record));
        Ok(self.journal.commit(batch)?)
    }

    /// As [`Table::commit`], of a tree that may only be in memory yet, together with `batch`.
    pub(crate) fn commit_derived(
        &self,
        to: &str,
        from: &str,
        usage: Usage,
        blob: &Digest,
        batch: Batch,
    ) -> Result<(), SnapshotError> {
        let _change = self.lock();
        self.free(to)?;
        let record = Record {
            kind: SnapshotKind::Committed,
            usage,
            unsynced: Some(Unsynced { blob: blob.clone(), boot: self.boot.clone() }),
            ..self.get_kind(from, SnapshotKind::Active)?
        };
        let batch = batch.delete(name(from)).put(name(to), records::encode(&record));
        Ok(self.journal.commit(batch)?)
    }

    /// Adds the record of a committed snapshot to `batch`: of a staged layer.
    pub(crate) fn record(
        &self,
        key: &str,
        parent: Option<&str>,
        layer: &StagedLayer,
        batch: Batch,
    ) -> Batch {
        let boot = || self.boot.clone();
        let record = Record {
            number: layer.number,
            kind: SnapshotKind::Committed,
            parent: parent.map(str::to_owned),
            created: Timestamp::now(),
            usage: layer.usage,
            unsynced: layer.blob.clone().map(|blob| Unsynced { blob, boot: boot() }),
        };
        batch.put(name(key), records::encode(&record))
    }

    /// Snapshots whose trees are not known to be on the disk.
    pub(crate) fn unsynced(&self) -> Result<Vec<(String, Record)>, SnapshotError> {
        let mut all = self.all()?;
        all.retain(|(_, record)| record.unsynced.is_some());
        Ok(all)
    }

    /// Whether a tree was written by another run of the kernel than this one, and may have been
    /// lost with it.
    pub(crate) fn is_doubtful(&self, record: &Record) -> bool {
        record.unsynced.as_ref().is_some_and(|unsynced| unsynced.boot != self.boot)
    }

    /// Records that the trees of these snapshots are on the disk.
    pub(crate) fn mark_synced(&self, trees: &[(String, Record)]) -> Result<(), SnapshotError> {
        self.mark(trees, |_| None)
    }

    /// Records that the trees of these snapshots may not be on the disk as they look.
    pub(crate) fn distrust(&self, trees: &[(String, Record)]) -> Result<(), SnapshotError> {
        self.mark(trees, |unsynced| Some(Unsynced { boot: String::new(), ..unsynced }))
    }

    /// Changes the marks. Snapshots that were removed or replaced meanwhile are left alone.
    fn mark(
        &self,
        trees: &[(String, Record)],
        change: impl Fn(Unsynced) -> Option<Unsynced>,
    ) -> Result<(), SnapshotError> {
        if trees.is_empty() {
            return Ok(());
        }
        let _change = self.lock();
        let mut batch = Batch::new();
        for (key, record) in trees {
            if let Some(present) = self.find(key)?
                && present.number == record.number
            {
                let unsynced = present.unsynced.clone().and_then(&change);
                batch = batch.put(name(key), records::encode(&Record { unsynced, ..present }));
            }
        }
        Ok(self.journal.commit(batch)?)
    }

    /// Adds the removal of a record to `batch`, and names the directory to remove after it.
    pub(crate) fn unrecord(
        &self,
        key: &str,
        batch: Batch,
    ) -> Result<(Batch, PathBuf), SnapshotError> {
        let record = self.get(key)?;
        Ok((batch.delete(name(key)), self.dir(record.number)))
    }

    /// Removes a snapshot that has no children.
    pub(crate) fn remove(&self, key: &str) -> Result<(), SnapshotError> {
        let dir = {
            let _change = self.lock();
            let record = self.get(key)?;
            if record.kind == SnapshotKind::Committed
                && let Some((child, _)) =
                    self.all()?.into_iter().find(|(_, other)| other.parent.as_deref() == Some(key))
            {
                return Err(SnapshotError::HasChildren { key: key.to_owned(), child });
            }
            self.journal.commit(Batch::new().delete(name(key)))?;
            self.dir(record.number)
        };
        failpoint::reach("snapshot.unrecorded");
        super::tree::remove(&dir)?;
        failpoint::reach("snapshot.removed");
        Ok(())
    }
}

/// Asks the file system to keep the trees apart from each other (`chattr +T`), since they have
/// nothing in common: ext4 then begins each in a group of its own, with free inodes side by side.
/// Otherwise a new tree goes where its neighbours were removed; an ext4 without a journal uses
/// no inode again for minutes, and looks at each of those whenever it makes a file (Linux 6.18).
fn spread(root: &Path) {
    let set = || -> rustix::io::Result<()> {
        let dir =
            openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let flags = ioctl_getflags(&dir)?;
        if flags.contains(IFlags::TOPDIR) {
            return Ok(());
        }
        ioctl_setflags(&dir, flags | IFlags::TOPDIR)
    };
    // Most others have no such flag, and do not need it.
    if let Err(error) = set() {
        tracing::debug!(root = %root.display(), %error, "trees are not kept apart");
    }
}

fn name(key: &str) -> String {
    format!("{}{key}", records::SNAPSHOT)
}
