//! What steps did before, and the directories of cache mounts.
//!
//! The layers are in the image store, each held by a lease; this is the index over them, in a
//! journal of its own. An entry whose layer is gone counts for nothing.

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_images::{ContentError, Images};
use isopod_journal::{Batch, Journal};
use isopod_oci::image::Descriptor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is wrong with the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Its journal.
    #[error("its index at {} failed", path.display())]
    Journal {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: isopod_journal::Error,
    },
    /// A lease in the store.
    #[error("its hold on the image store failed")]
    Store(#[from] ContentError),
    /// A file.
    #[error("{}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// Its layer: blob, and diff id. Absent if it changed no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<(Descriptor, Digest)>,
    /// When it was done.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Timestamp,
    /// How often it was used after it was made.
    pub uses: u64,
    /// What it was, for people.
    pub description: String,
    /// Bytes of its layer.
    pub size: u64,
}

/// One thing in the cache, for lists.
#[derive(Debug, Clone)]
pub struct CacheUsage {
    /// Key of a step, or name of a cache mount.
    pub id: String,
    /// `regular` or `exec.cachemount`.
    pub kind: &'static str,
    /// What it is.
    pub description: String,
    /// Whether a build uses it now.
    pub in_use: bool,
    /// Bytes.
    pub size: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Timestamp,
    /// How often.
    pub uses: u64,
}

/// What to prune.
#[derive(Debug, Clone, Default)]
pub struct PruneCache {
    /// Keep the newest up to so many bytes.
    pub keep_bytes: u64,
    /// Only what was not used since.
    pub unused_since: Option<Timestamp>,
    /// Only these.
    pub ids: Vec<String>,
    /// Only of this kind.
    pub kind: Option<String>,
}

/// What was pruned.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// Keys.
    pub ids: Vec<String>,
    /// Bytes.
    pub bytes: u64,
}

/// The cache of an engine.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    journal: Journal,
    mounts: Mutex<BTreeSet<String>>,
    released: Condvar,
}

const STEP: &str = "step/";
const SUM: &str = "sum/";

impl Cache {
    /// Opens the cache in a directory, making it if there is none.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        let mounts = root.join("mounts");
        std::fs::create_dir_all(&mounts)
            .map_err(|source| CacheError::Io { path: mounts, source })?;
        let path = root.join("journal");
        let journal =
            Journal::open(&path).map_err(|source| CacheError::Journal { path, source })?;
        Ok(Self {
            root: root.to_path_buf(),
            journal,
            mounts: Mutex::default(),
            released: Condvar::new(),
        })
    }

    /// The lease that holds a step's layer.
    pub(crate) fn lease(key: &str) -> String {
        format!("build/{key}")
    }

    /// What is known of a step.
    pub(crate) fn step(&self, key: &str) -> Option<CacheEntry> {
        let bytes = self.journal.get(&format!("{STEP}{key}"))?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Records steps.
    pub(crate) fn put(&self, entries: &[(String, CacheEntry)]) -> Result<(), CacheError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for (key, entry) in entries {
            let bytes = serde_json::to_vec(entry).expect("plain data");
            batch = batch.put(format!("{STEP}{key}"), bytes);
        }
        self.commit(batch)
    }

    /// A digest of files in an immutable tree that was found before.
    pub(crate) fn sum(&self, key: &str) -> Option<String> {
        String::from_utf8(self.journal.get(&format!("{SUM}{key}"))?.to_vec()).ok()
    }

    /// Records such a digest.
    pub(crate) fn put_sum(&self, key: &str, sum: &str) -> Result<(), CacheError> {
        self.commit(Batch::new().put(format!("{SUM}{key}"), sum.as_bytes().to_vec()))
    }

    fn commit(&self, batch: Batch) -> Result<(), CacheError> {
        self.journal
            .commit(batch)
            .map_err(|source| CacheError::Journal { path: self.root.join("journal"), source })
    }

    /// Everything in it.
    #[must_use]
    pub fn list(&self) -> Vec<CacheUsage> {
        let mut all: Vec<CacheUsage> = self
            .journal
            .scan(STEP)
            .into_iter()
            .filter_map(|(key, bytes)| {
                let entry: CacheEntry = serde_json::from_slice(&bytes).ok()?;
                Some(CacheUsage {
                    id: key.trim_start_matches(STEP).to_owned(),
                    kind: "regular",
                    description: entry.description,
                    in_use: false,
                    size: entry.size,
                    created: entry.created,
                    used: entry.used,
                    uses: entry.uses,
                })
            })
            .collect();
        all.extend(self.mount_usage());
        all
    }

    /// Bytes of all layers.
    #[must_use]
    pub fn step_bytes(&self) -> u64 {
        let all = self.journal.scan(STEP);
        all.iter()
            .filter_map(|(_, bytes)| Some(serde_json::from_slice::<CacheEntry>(bytes).ok()?.size))
            .sum()
    }

    fn mount_usage(&self) -> Vec<CacheUsage> {
        let held = self.lock();
        let Ok(entries) = std::fs::read_dir(self.root.join("mounts")) else { return Vec::new() };
        entries
            .flatten()
            .map(|entry| {
                let id = entry.file_name().to_string_lossy().into_owned();
                let time = entry
                    .metadata()
                    .and_then(|meta| meta.modified())
                    .ok()
                    .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                    .map_or(Timestamp::now(), |age| Timestamp::from_nanos(age.as_nanos() as i128));
                CacheUsage {
                    kind: "exec.cachemount",
                    description: format!("mount / from exec cache {id}"),
                    in_use: held.contains(&id),
                    size: tree_size(&entry.path()),
                    created: time,
                    used: time,
                    uses: 0,
                    id,
                }
            })
            .collect()
    }

    /// Gives up what is not wanted, the least recently used first. The layers go with the next
    /// collection of the store.
    pub fn prune(&self, images: &Images, what: &PruneCache) -> Result<Pruned, CacheError> {
        let mut all = self.list();
        all.sort_by_key(|usage| usage.used);
        let mut left: u64 = all.iter().map(|usage| usage.size).sum();
        let mut pruned = Pruned::default();
        for usage in all {
            let wanted = !usage.in_use
                && (what.keep_bytes == 0 || left > what.keep_bytes)
                && what.unused_since.is_none_or(|since| usage.used < since)
                && (what.ids.is_empty() || what.ids.iter().any(|id| usage.id.starts_with(id)))
                && what.kind.as_ref().is_none_or(|kind| kind == usage.kind);
            if !wanted {
                continue;
            }
            if usage.kind == "regular" {
                self.commit(Batch::new().delete(format!("{STEP}{}", usage.id)))?;
                images.leases().release(&Self::lease(&usage.id))?;
            } else if !self.remove_mount(&usage.id)? {
                continue;
            }
            left -= usage.size;
            pruned.bytes += usage.size;
            pruned.ids.push(usage.id);
        }
        if !pruned.ids.is_empty() {
            let sums = self.journal.scan(SUM);
            let batch = sums.into_iter().fold(Batch::new(), |batch, (key, _)| batch.delete(key));
            if !batch.is_empty() {
                self.commit(batch)?;
            }
        }
        Ok(pruned)
    }

    fn remove_mount(&self, id: &str) -> Result<bool, CacheError> {
        let held = self.lock();
        if held.contains(id) {
            return Ok(false);
        }
        let path = self.root.join("mounts").join(id);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CacheError::Io { path, source: error })
            }
            _ => Ok(true),
        }
    }

    /// Takes a cache mount's directory; `None` while it is in use and `wait` says not to wait.
    /// Returns whether it is new.
    pub(crate) fn take_mount(
        &self,
        id: &str,
        exclusive: bool,
        wait: &dyn Fn() -> bool,
    ) -> Option<HeldMount<'_>> {
        let mut held = self.lock();
        if exclusive {
            while held.contains(id) {
                if !wait() {
                    return None;
                }
                let timeout = std::time::Duration::from_millis(200);
                held = self
                    .released
                    .wait_timeout(held, timeout)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
        let owned = held.insert(id.to_owned());
        Some(HeldMount {
            cache: self,
            id: id.to_owned(),
            owned,
            path: self.root.join("mounts").join(id),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.mounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cache mount that a build uses.
#[derive(Debug)]
pub(crate) struct HeldMount<'a> {
    cache: &'a Cache,
    id: String,
    owned: bool,
    pub(crate) path: PathBuf,
}

impl Drop for HeldMount<'_> {
    fn drop(&mut self) {
        if self.owned {
            self.cache.lock().remove(&self.id);
            self.cache.released.notify_all();
        }
    }
}

fn tree_size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut size = 0;
    let mut pending = vec![path.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => pending.push(entry.path()),
                Ok(meta) => size += meta.blocks() * 512,
                Err(_) => {}
            }
        }
    }
    size
}
