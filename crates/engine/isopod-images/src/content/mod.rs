//! Content-addressed blobs: `content/blobs/<algorithm>/<hex>`, immutable once they are there.
//!
//! A blob exists when its record does. Its file is written, synced and renamed before the record
//! is committed, so a record without a file cannot be; a file without a record is what a crash
//! left, and goes when the store is opened. This module knows nothing of images.

mod blob;
mod follow;
mod ingest;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use isopod_base::files::FileError;
use isopod_base::times::Timestamp;
use isopod_base::{Algorithm, Digest};
use isopod_journal::{Batch, Journal};
use serde::{Deserialize, Serialize};

use crate::error::ContentError;
use crate::records;

pub use blob::Blob;
pub(crate) use follow::{Arrival, Cancel, Follower};
pub use ingest::{Ingest, Sealed};

/// Partial downloads older than this are dropped when the store is opened.
const PARTIAL_KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is recorded of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobInfo {
    /// Its length.
    pub size: u64,
    /// When it came.
    pub created: Timestamp,
    /// For a layer: the digest of its decompressed form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<Digest>,
}

/// The store of blobs.
#[derive(Debug)]
pub struct ContentStore {
    root: PathBuf,
    journal: Arc<Journal>,
    /// Names of partial files that somebody writes to.
    busy: Arc<Mutex<HashSet<String>>>,
    serial: AtomicU64,
}

impl ContentStore {
    /// Opens the store under `root`, and removes what a crash left there.
    pub(crate) fn open(root: PathBuf, journal: Arc<Journal>) -> Result<Self, ContentError> {
        let store = Self { root, journal, busy: Arc::default(), serial: AtomicU64::new(0) };
        for dir in [
            store.blob_dir(Algorithm::Sha256),
            store.blob_dir(Algorithm::Sha512),
            store.ingest_dir(),
        ] {
            fs::create_dir_all(&dir).map_err(FileError::at("create", &dir))?;
        }
        store.remove_strays()?;
        Ok(store)
    }

    /// Whether the blob is here.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.journal.get(&key(digest)).is_some()
    }

    /// What is recorded of a blob, if it is here.
    pub fn info(&self, digest: &Digest) -> Result<Option<BlobInfo>, ContentError> {
        Ok(records::get(&self.journal, &key(digest))?)
    }

    /// All blobs with their records.
    pub fn list(&self) -> Result<BTreeMap<Digest, BlobInfo>, ContentError> {
        let records = records::scan::<BlobInfo>(&self.journal, records::BLOB)?;
        Ok(records
            .into_iter()
            .filter_map(|(digest, info)| Some((digest.parse().ok()?, info)))
            .collect())
    }

    /// Opens a blob for reading.
    pub fn blob(&self, digest: &Digest) -> Result<Blob, ContentError> {
        let info =
            self.info(digest)?.ok_or_else(|| ContentError::NotFound { digest: digest.clone() })?;
        let path = self.blob_path(digest);
        let file = File::open(&path).map_err(FileError::at("open", &path))?;
        Ok(Blob::new(file, digest.clone(), info.size))
    }

    /// Reads a whole small blob and checks it against its digest.
    pub fn read(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, ContentError> {
        self.blob(digest)?.read_all(limit, &self.blob_path(digest))
    }

    /// Begins to write content whose digest and size are known. If an earlier try left a part
    /// of it, that part is kept: see [`Ingest::offset`].
    pub fn ingest(&self, digest: &Digest, size: u64) -> Result<Ingest, ContentError> {
        let resumable = format!("{}-{}", digest.algorithm().name(), digest.hex());
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if busy.contains(&resumable) {
            // Two operations fetch the same content: neither waits for the other, since each
            // might hold what the other one needs next.
            self.anonymous_name()
        } else {
            resumable
        };
        busy.insert(name.clone());
        drop(busy);
        let expected = Some((digest.clone(), size));
        Ingest::open(&self.ingest_dir(), name, Arc::clone(&self.busy), expected, size)
    }

    /// Begins to write content that nobody has named yet.
    pub fn ingest_unnamed(&self) -> Result<Ingest, ContentError> {
        let name = self.anonymous_name();
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        Ingest::open(&self.ingest_dir(), name, Arc::clone(&self.busy), None, 0)
    }

    /// Begins an upload that may go on after a restart of the process; see [`Ingest::finish_as`].
    /// `id` is letters, digits and dashes.
    pub fn begin_upload(&self, id: &str) -> Result<Ingest, ContentError> {
        let name = format!("upload-{id}");
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        Ingest::open(&self.ingest_dir(), name, Arc::clone(&self.busy), None, 0)
    }

    /// Takes an upload up again. Nothing, if there is none, or if it is being written.
    pub fn resume_upload(&self, id: &str) -> Result<Option<Ingest>, ContentError> {
        let name = format!("upload-{id}");
        if !self.ingest_dir().join(&name).exists() {
            return Ok(None);
        }
        if !self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            return Ok(None);
        }
        Ingest::open(&self.ingest_dir(), name, Arc::clone(&self.busy), None, u64::MAX).map(Some)
    }

    /// Moves a sealed blob to its place. It is not recorded yet, and not durable before
    /// [`ContentStore::directories`] are synced.
    pub(crate) fn place(&self, sealed: &mut Sealed) -> Result<(), ContentError> {
        sealed.rename(&self.blob_path(&sealed.digest().clone()))
    }

    /// The directories that renames of blobs go to.
    pub(crate) fn directories(&self) -> [PathBuf; 2] {
        [self.blob_dir(Algorithm::Sha256), self.blob_dir(Algorithm::Sha512)]
    }

    /// Adds the record of a blob to `batch`.
    pub(crate) fn record(batch: Batch, digest: &Digest, info: &BlobInfo) -> Batch {
        batch.put(key(digest), records::encode(info))
    }

    /// Adds the removal of a blob's record to `batch`.
    pub(crate) fn unrecord(batch: Batch, digest: &Digest) -> Batch {
        batch.delete(key(digest))
    }

    /// Removes the file of a blob whose record is gone.
    pub(crate) fn unlink(&self, digest: &Digest) -> Result<(), ContentError> {
        let path = self.blob_path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FileError::at("remove", &path)(error).into())
            }
            _ => Ok(()),
        }
    }

    /// Where a blob's file is.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blob_dir(digest.algorithm()).join(digest.hex())
    }

    fn blob_dir(&self, algorithm: Algorithm) -> PathBuf {
        self.root.join("blobs").join(algorithm.name())
    }

    fn ingest_dir(&self) -> PathBuf {
        self.root.join("ingest")
    }

    fn anonymous_name(&self) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        format!("unnamed-{serial}")
    }

    /// Removes files without a record, unnamed parts, and named parts that nobody came back for.
    fn remove_strays(&self) -> Result<(), ContentError> {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            for_each_file(&self.blob_dir(algorithm), |name, path| {
                let known = format!("{}:{name}", algorithm.name())
                    .parse()
                    .is_ok_and(|digest| self.contains(&digest));
                if known { Ok(()) } else { fs::remove_file(path) }
            })?;
        }
        for_each_file(&self.ingest_dir(), |name, path| {
            let old = || {
                fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(|time| {
                    SystemTime::now().duration_since(time).is_ok_and(|age| age > PARTIAL_KEEP)
                })
            };
            if name.starts_with("unnamed-") || old() { fs::remove_file(path) } else { Ok(()) }
        })?;
        Ok(())
    }

    /// Bytes of partial downloads.
    pub(crate) fn partial_bytes(&self) -> Result<u64, ContentError> {
        let mut total = 0;
        for_each_file(&self.ingest_dir(), |_, path| {
            total += fs::metadata(path).map_or(0, |meta| meta.len());
            Ok(())
        })?;
        Ok(total)
    }

    /// Removes partial downloads that nobody is writing.
    pub(crate) fn remove_partials(&self) -> Result<u64, ContentError> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let mut freed = 0;
        for_each_file(&self.ingest_dir(), |name, path| {
            if busy.contains(name) {
                return Ok(());
            }
            freed += fs::metadata(path).map_or(0, |meta| meta.len());
            fs::remove_file(path)
        })?;
        Ok(freed)
    }
}

fn key(digest: &Digest) -> String {
    format!("{}{digest}", records::BLOB)
}

fn for_each_file(
    dir: &Path,
    mut visit: impl FnMut(&str, &Path) -> io::Result<()>,
) -> Result<(), ContentError> {
    for entry in fs::read_dir(dir).map_err(FileError::at("list", dir))? {
        let entry = entry.map_err(FileError::at("list", dir))?;
        let path = entry.path();
        let name = entry.file_name();
        visit(&name.to_string_lossy(), &path).map_err(FileError::at("tidy", &path))?;
    }
    Ok(())
}
