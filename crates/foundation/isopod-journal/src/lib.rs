//! A small durable map from text keys to bytes: what an engine must not forget.
//!
//! The map lives in memory; changes go to a preallocated, checksummed log, many callers to one
//! `fdatasync`, and a checkpoint replaces the log when it has grown. Meant for thousands of
//! records of a few kilobytes; not for bulk data. The bytes on the disk and the order of syncs
//! are drawn in `DESIGN.md`.
//!
//! ```
//! use isopod_journal::{Batch, Journal};
//!
//! # let dir = tempfile::tempdir()?;
//! let journal = Journal::open(dir.path())?;
//! journal.commit(Batch::new().put("image/debian", *b"sha256:1234"))?; // durable when it returns
//! assert_eq!(journal.get("image/debian").as_deref(), Some(&b"sha256:1234"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod error;
mod frame;
mod log;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

pub use error::Error;
pub use frame::{Batch, KEY_LIMIT_BYTES, VALUE_LIMIT_BYTES};

use frame::Op;
use log::Log;

type Map = BTreeMap<String, Arc<[u8]>>;

/// When to replace the log by a checkpoint.
const CHECKPOINT_AFTER_BYTES: u64 = 4 << 20;

/// A durable map; cheap to share behind an `Arc`, usable from many threads.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    map: RwLock<Map>,
    queue: Mutex<Queue>,
    done: Condvar,
    /// Held for as long as the journal is open: one process at a time.
    _lock: File,
}

/// Callers that wait for the disk, and who is at it.
#[derive(Debug)]
struct Queue {
    /// The log, absent while a leader writes to it.
    log: Option<Log>,
    waiting: Vec<(u64, Batch)>,
    next_ticket: u64,
    /// Tickets below this one are decided.
    decided: u64,
    /// Verdicts of failed tickets that nobody has fetched yet.
    failed: BTreeMap<u64, Error>,
    /// Set when the log's state on the disk is unknown.
    broken: Option<Error>,
}

impl Journal {
    /// Opens the journal in `dir`, making both when absent, and finishes what a crash left.
    ///
    /// Fails when another process has it open, or when acknowledged data is damaged.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        let lock = lock(dir)?;
        let (map, log) = recover(dir)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            map: RwLock::new(map),
            queue: Mutex::new(Queue {
                log: Some(log),
                waiting: Vec::new(),
                next_ticket: 0,
                decided: 0,
                failed: BTreeMap::new(),
                broken: None,
            }),
            done: Condvar::new(),
            _lock: lock,
        })
    }

    /// The value under `key`, as of the last commit that returned.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// All keys that begin with `prefix`, in order, with their values.
    #[must_use]
    pub fn scan(&self, prefix: &str) -> Vec<(String, Arc<[u8]>)> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        map.range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), Arc::clone(value)))
            .collect()
    }

    /// Makes all changes of `batch` or none, durably: they survive a power cut once this returns.
    ///
    /// Callers on other threads share one sync. Batches are applied in the order of the calls.
    pub fn commit(&self, batch: Batch) -> Result<(), Error> {
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        let mut queue = self.lock_queue();
        if let Some(error) = &queue.broken {
            return Err(error.clone());
        }
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.waiting.push((ticket, batch));
        loop {
            if queue.decided > ticket {
                return queue.failed.remove(&ticket).map_or(Ok(()), Err);
            }
            queue = match queue.log.take() {
                Some(log) => self.lead(queue, log),
                None => self.done.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Writes everything that waits as one frame, and decides its tickets.
    fn lead<'a>(&'a self, mut queue: MutexGuard<'a, Queue>, mut log: Log) -> MutexGuard<'a, Queue> {
        let group = frame::take_group(&mut queue.waiting);
        drop(queue);
        let outcome = log.append(group.iter().map(|(_, batch)| batch));
        if outcome.is_ok() {
            let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
            for (_, batch) in &group {
                apply(&mut map, &batch.ops);
            }
        }
        let broken = match &outcome {
            Err(error @ Error::Unknown { .. }) => Some(error.clone()),
            _ => None,
        };
        let renewed = if broken.is_none() { self.renew_when_large(&mut log) } else { Ok(()) };
        let mut queue = self.lock_queue();
        if let Some((last, _)) = group.last() {
            queue.decided = last + 1;
        }
        if let Err(error) = outcome {
            queue.failed.extend(group.iter().map(|(ticket, _)| (*ticket, error.clone())));
        }
        if let Some(error) =
            broken.or_else(|| renewed.err().filter(|e| matches!(e, Error::Unknown { .. })))
        {
            queue.refuse_all(&error);
        }
        queue.log = Some(log);
        self.done.notify_all();
        queue
    }

    fn renew_when_large(&self, log: &mut Log) -> Result<(), Error> {
        if log.used() < CHECKPOINT_AFTER_BYTES {
            return Ok(());
        }
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        if log.used() < checkpoint::size(&map) * 2 {
            return Ok(());
        }
        *log = renew(&self.dir, log.generation() + 1, log.sequence(), &map)?;
        Ok(())
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Fails every waiting caller, and those to come, with `error`.
    fn refuse_all(&mut self, error: &Error) {
        self.broken = Some(error.clone());
        for (ticket, _) in self.waiting.drain(..) {
            self.failed.insert(ticket, error.clone());
        }
        self.decided = self.next_ticket;
    }
}

fn apply(map: &mut Map, ops: &[Op]) {
    for op in ops {
        match op {
            Op::Put(key, value) => {
                map.insert(key.clone(), Arc::clone(value));
            }
            Op::Delete(key) => {
                map.remove(key);
            }
        }
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse { dir: dir.to_path_buf() }),
        Err(error) => Err(Error::io("lock", &path)(io::Error::from(error))),
    }
}

/// Reads the generation in force, and removes what is of no other use.
fn recover(dir: &Path) -> Result<(Map, Log), Error> {
    let Some(generation) = checkpoint::newest(dir)? else {
        let map = Map::new();
        let log = renew(dir, 1, 0, &map)?;
        return Ok((map, log));
    };
    let (mut map, last_sequence) = checkpoint::read(dir, generation)?;
    let replayed = Log::open(dir, generation, last_sequence, |ops| apply(&mut map, &ops))?;
    let log = if replayed.torn {
        renew(dir, generation + 1, replayed.log.sequence(), &map)?
    } else {
        replayed.log
    };
    checkpoint::remove_others(dir, log.generation())?;
    Ok((map, log))
}

/// Starts a new generation from `map`; the steps and their order are those of `DESIGN.md`.
fn renew(dir: &Path, generation: u64, sequence: u64, map: &Map) -> Result<Log, Error> {
    let log = Log::create(dir, generation, sequence)?;
    checkpoint::write(dir, generation, sequence, map)?;
    checkpoint::remove_others(dir, generation)?;
    Ok(log)
}
