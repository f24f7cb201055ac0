//! Making durable what was published, without keeping its callers waiting for the disk.
//!
//! A publication of layers is recorded together with a note of what it added and of the boot of
//! the machine. Then one `syncfs` in the background covers it, and the note goes. A killed process
//! loses nothing: what it wrote is with the kernel. A power cut before the sync can have taken
//! any part of it: when the store is opened under another boot, all that such a note lists is
//! taken back, so that what is there is always whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use isopod_base::Digest;
use isopod_journal::{Batch, Journal};
use serde::{Deserialize, Serialize};

use super::NameRecord;
use crate::error::{ImageError, RecordError};
use crate::records;
use crate::snapshot::Record as SnapshotRecord;

/// How long to wait after a failed sync.
const RETRY: Duration = Duration::from_secs(5);

/// What a publication added that may not be on the disk yet.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Unsynced {
    /// Boot under which it was written.
    pub(super) boot: String,
    pub(super) blobs: Vec<Digest>,
    pub(super) snapshots: Vec<String>,
    /// The target of the image, if it was new.
    pub(super) image: Option<Digest>,
    /// Names given, with what each stood for before.
    pub(super) names: BTreeMap<String, Option<NameRecord>>,
}

/// Syncs in the background.
#[derive(Debug)]
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    boot: String,
}

#[derive(Debug)]
struct Shared {
    journal: Arc<Journal>,
    root: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: BTreeSet<u64>,
    next: u64,
    stop: bool,
    /// The last failure, until a sync succeeds.
    failure: Option<String>,
}

impl Syncer {
    /// Starts the thread, with the notes that this boot left.
    pub(super) fn start(journal: Arc<Journal>, root: OwnedFd) -> Result<Self, ImageError> {
        let boot = boot().map_err(ImageError::stream("read the boot's identifier"))?;
        let waiting: BTreeSet<u64> = journal
            .scan(records::UNSYNCED)
            .into_iter()
            .filter_map(|(key, _)| key[records::UNSYNCED.len()..].parse().ok())
            .collect();
        let next = waiting.last().map_or(0, |last| last + 1);
        let shared = Arc::new(Shared {
            journal,
            root,
            state: Mutex::new(State { waiting, next, ..State::default() }),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("sync".to_owned())
            .spawn(move || worker.run())
            .map_err(ImageError::stream("start a thread"))?;
        Ok(Self { shared, thread: Some(thread), boot })
    }

    /// Whether something is not on the disk yet.
    pub(super) fn is_behind(&self) -> bool {
        !self.shared.lock().waiting.is_empty()
    }

    /// Adds the note of a publication to the batch that records it. Once that is committed, the
    /// number goes to [`Syncer::begin`].
    pub(super) fn note(&self, mut unsynced: Unsynced, batch: Batch) -> (Batch, u64) {
        unsynced.boot.clone_from(&self.boot);
        let mut state = self.shared.lock();
        let number = state.next;
        state.next += 1;
        (batch.put(key(number), records::encode(&unsynced)), number)
    }

    /// Lets the sync of a publication begin.
    pub(super) fn begin(&self, number: u64) {
        self.shared.lock().waiting.insert(number);
        self.shared.changed.notify_all();
    }

    /// Waits until everything is on the disk.
    pub(super) fn wait(&self) -> Result<(), ImageError> {
        let mut state = self.shared.lock();
        while !state.waiting.is_empty() {
            if let Some(failure) = &state.failure {
                return Err(ImageError::stream("sync the store")(io::Error::other(
                    failure.clone(),
                )));
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        loop {
            let covered = {
                let mut state = self.lock();
                while state.waiting.is_empty() && !state.stop {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.waiting.is_empty() {
                    return;
                }
                state.waiting.clone()
            };
            let result = self.sync(&covered);
            let mut state = self.lock();
            match result {
                Ok(()) => {
                    state.waiting.retain(|number| !covered.contains(number));
                    state.failure = None;
                }
                Err(error) => {
                    tracing::error!(%error, "what was published last is not on the disk yet");
                    state.failure = Some(error);
                    self.changed.notify_all();
                    if state.stop {
                        return;
                    }
                    drop(self.changed.wait_timeout(state, RETRY));
                    continue;
                }
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    fn sync(&self, covered: &BTreeSet<u64>) -> Result<(), String> {
        rustix::fs::syncfs(&self.root).map_err(|error| error.to_string())?;
        let batch = covered.iter().fold(Batch::new(), |batch, number| batch.delete(key(*number)));
        self.journal.commit(batch).map_err(|error| error.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes back what another boot left unsynced. Called before files without records are removed.
pub(super) fn recover(journal: &Journal) -> Result<(), ImageError> {
    let boot = boot().map_err(ImageError::stream("read the boot's identifier"))?;
    let notes = records::scan::<Unsynced>(journal, records::UNSYNCED)?;
    if notes.iter().all(|(_, note)| note.boot == boot) {
        return Ok(());
    }
    // Numbers ascend with time. After the first lost one, all are: they may stand upon it.
    let first = notes.iter().position(|(_, note)| note.boot != boot).unwrap_or(0);
    let mut batch = Batch::new();
    let (mut images, mut snapshots) = (BTreeSet::new(), BTreeSet::new());
    // The newest first, so that a name ends up with what it stood for before all of them.
    for (number, note) in notes.iter().skip(first).rev() {
        batch = batch.delete(format!("{}{number}", records::UNSYNCED));
        for digest in &note.blobs {
            batch = batch.delete(format!("{}{digest}", records::BLOB));
            for (key, _) in journal.scan(records::REFERRER) {
                if key.ends_with(&format!("/{digest}")) {
                    batch = batch.delete(key);
                }
            }
        }
        snapshots.extend(note.snapshots.iter().cloned());
        images.extend(note.image.iter().cloned());
        for (name, before) in &note.names {
            let key = format!("{}{name}", records::NAME);
            batch = match before {
                Some(before) => batch.put(key, records::encode(before)),
                None => batch.delete(key),
            };
        }
    }
    for target in &images {
        tracing::warn!(image = %target, "lost in a power cut before it reached the disk");
        batch = batch.delete(format!("{}{target}", records::IMAGE));
    }
    let restored: BTreeSet<&String> =
        notes.iter().skip(first).flat_map(|(_, note)| note.names.keys()).collect();
    batch = forget_names(journal, &images, &restored, batch)?;
    batch = forget_snapshots(journal, snapshots, batch)?;
    Ok(journal.commit(batch)?)
}

/// Takes away names that lost images were given later.
fn forget_names(
    journal: &Journal,
    images: &BTreeSet<Digest>,
    restored: &BTreeSet<&String>,
    mut batch: Batch,
) -> Result<Batch, RecordError> {
    for (name, record) in records::scan::<NameRecord>(journal, records::NAME)? {
        if images.contains(&record.target) && !restored.contains(&name) {
            batch = batch.delete(format!("{}{name}", records::NAME));
        }
    }
    Ok(batch)
}

/// Takes away lost snapshots, and all that stands upon them.
fn forget_snapshots(
    journal: &Journal,
    mut lost: BTreeSet<String>,
    mut batch: Batch,
) -> Result<Batch, RecordError> {
    let all = records::scan::<SnapshotRecord>(journal, records::SNAPSHOT)?;
    loop {
        let before = lost.len();
        for (key, record) in &all {
            if record.parent.as_ref().is_some_and(|parent| lost.contains(parent)) {
                lost.insert(key.clone());
            }
        }
        if lost.len() == before {
            break;
        }
    }
    for key in lost {
        batch = batch.delete(format!("{}{key}", records::SNAPSHOT));
    }
    Ok(batch)
}

fn key(number: u64) -> String {
    format!("{}{number:020}", records::UNSYNCED)
}

/// The kernel's identifier of this boot.
fn boot() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}
