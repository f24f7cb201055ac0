//! The trees of layers: derived from blobs, which alone are waited for.
//!
//! An image is acknowledged when its blobs and records are on the disk. The unpacked trees follow
//! in the kernel's own time: they can be made again. Until they are known to have arrived, their
//! records say which blob they come from and which run of the kernel wrote them. A store that is
//! opened under another run unpacks those trees again, before anybody gets to see them.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use isopod_base::Digest;
use isopod_base::files::FileError;
use isopod_journal::Batch;

use super::{Images, chain};
use crate::error::{ImageError, SnapshotError};
use crate::failpoint;
use crate::layer::LayerJob;
use crate::snapshot::Record;

/// How long after a layer came its tree is waited for. By then the kernel has written it of its
/// own accord (`vm.dirty_expire_centisecs`, 30 seconds, and the flusher's interval of 5): so the
/// sync is short, and holds up nobody who uses the new image at once.
const SYNC_DELAY: Duration = Duration::from_secs(40);

/// The one thread that waits to sync trees.
#[derive(Debug, Default)]
pub(super) struct TreeSync {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    waiting: bool,
    closed: bool,
}

impl Drop for TreeSync {
    fn drop(&mut self) {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.state.1.notify_all();
    }
}

impl TreeSync {
    /// Waits out the delay; false, if the store was closed meanwhile.
    fn wait(state: &(Mutex<State>, Condvar)) -> bool {
        let guard = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut guard, _) = state
            .1
            .wait_timeout_while(guard, SYNC_DELAY, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        // From here on another layer needs another round.
        guard.waiting = false;
        !guard.closed
    }
}

impl Images {
    /// Sees to it that new trees are synced some time from now.
    pub(super) fn sync_trees_later(&self) {
        let state = Arc::clone(&self.inner.tree_sync.state);
        let mut guard = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.waiting {
            return;
        }
        // It must not keep the store open.
        let store = Arc::downgrade(&self.inner);
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("tree-sync".to_owned()).spawn(move || {
            if TreeSync::wait(&shared)
                && let Some(inner) = store.upgrade()
                && let Err(error) = (Self { inner }).sync_trees()
            {
                tracing::warn!(error = %isopod_base::chain(&error), "layers were not synced");
            }
        });
        match thread {
            Ok(_) => guard.waiting = true,
            // The next layer, or the next opening, tries again.
            Err(error) => tracing::warn!(%error, "no thread to sync layers later"),
        }
    }

    /// Waits until the trees of all layers are on the disk, and records that they are.
    pub fn sync_trees(&self) -> Result<(), ImageError> {
        let trees = self.sync_unsynced()?;
        let _gate = self.read_gate();
        self.snapshots().table().mark_synced(&trees)?;
        failpoint::reach("trees.marked");
        Ok(())
    }

    /// As [`Images::sync_trees`], for a caller that has the gate to itself.
    pub(super) fn sync_trees_within_gate(&self) -> Result<(), ImageError> {
        let trees = self.sync_unsynced()?;
        Ok(self.snapshots().table().mark_synced(&trees)?)
    }

    fn sync_unsynced(&self) -> Result<Vec<(String, Record)>, ImageError> {
        let table = self.snapshots().table();
        let mut trees = table.unsynced()?;
        // Those that could not be unpacked again stay marked for the next opening.
        trees.retain(|(_, record)| !table.is_doubtful(record));
        if trees.is_empty() {
            return Ok(trees);
        }
        if let Err(error) = rustix::fs::syncfs(&self.inner.root_fd) {
            // What is read now may differ from what the disk has.
            table.distrust(&trees)?;
            return Err(FileError::at("sync", &self.inner.root)(error.into()).into());
        }
        failpoint::reach("trees.synced");
        Ok(trees)
    }

    /// Unpacks again what another run of the kernel may have lost. Called before the store is
    /// handed out, so nothing is mounted and nobody waits but the opener. A layer that does not
    /// unpack is reported and stays without a tree, as do those upon it: a mount of them fails,
    /// and the next opening tries again.
    pub(super) fn restore_trees(&self) -> Result<(), ImageError> {
        let table = self.snapshots().table();
        let mut doubtful = table.unsynced()?;
        if doubtful.is_empty() {
            return Ok(());
        }
        doubtful.retain(|(_, record)| table.is_doubtful(record));
        for (_, record) in &doubtful {
            self.snapshots().discard(table.dir(record.number))?;
            failpoint::reach("trees.removed");
        }
        // The lowest first: a layer is settled upon those below it.
        let mut ordered = Vec::with_capacity(doubtful.len());
        for (key, record) in doubtful {
            ordered.push((table.below(&record)?.len(), key, record));
        }
        ordered.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let transaction = self.begin("restore")?;
        let jobs: Vec<_> = ordered
            .into_iter()
            .filter_map(|(_, key, record)| {
                let blob = record.unsynced.as_ref()?.blob.clone();
                let known = self.content().info(&blob).ok().flatten();
                let diff_id = known.and_then(|info| info.diff_id);
                Some((key, record, transaction.unpack_blob(&blob, diff_id.as_ref()), blob))
            })
            .collect();
        for (key, record, job, blob) in jobs {
            tracing::info!(layer = %key, "unpacked again after an unclean end");
            if let Err(error) = job
                .map_err(|error| layer_error(&key, &blob, error))
                .and_then(|job| self.restore_tree(&key, &record, job, &blob))
            {
                let error = isopod_base::chain(&error).to_string();
                tracing::error!(layer = %key, %error, "a layer cannot be unpacked again");
            }
        }
        self.sync_trees_later();
        Ok(())
    }

    fn restore_tree(
        &self,
        key: &str,
        record: &Record,
        job: LayerJob,
        blob: &Digest,
    ) -> Result<(), ImageError> {
        let unpacked = job.join().map_err(|error| layer_error(key, blob, error))?;
        let below = record.parent.as_deref();
        let refuse = |reason: String| SnapshotError::Unsupported { key: key.to_owned(), reason };
        if let Some(parent) = below
            && let [fault, ..] = &self.snapshots().check(parent)?[..]
        {
            return Err(refuse(format!("the layer below it is not there: {fault}")).into());
        }
        let diff_id = unpacked.outcome().diff_id.clone();
        let found = match below.map(str::parse::<Digest>) {
            None => diff_id,
            Some(Ok(below)) => chain::upon(&below, &diff_id),
            Some(Err(error)) => return Err(refuse(error.to_string()).into()),
        };
        if found.to_string() != key {
            return Err(refuse(format!("its blob {blob} unpacks to another layer")).into());
        }
        let mut layers = [(key.to_owned(), unpacked.layer)];
        layers[0].1.derives_from(blob.clone());
        let batch = self.snapshots().adopt(below, &mut layers, Batch::new())?;
        failpoint::reach("trees.restored");
        self.inner.journal.commit(batch)?;
        failpoint::reach("trees.recorded");
        layers[0].1.keep();
        Ok(())
    }
}

fn layer_error(key: &str, blob: &Digest, source: crate::error::LayerError) -> ImageError {
    ImageError::Layer { image: format!("layer {key}"), layer: blob.to_string(), source }
}
