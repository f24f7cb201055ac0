//! Leases: named claims, with an end, on content and snapshots that no image holds yet.
//!
//! Durable leases are for callers outside the store (a build's cache, a transfer that spans a
//! restart). What a running operation holds is kept in memory alone: it ends with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::{Batch, Journal};
use serde::{Deserialize, Serialize};

use crate::error::ContentError;
use crate::records;

/// A claim on content and snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What it is for, for people.
    pub purpose: String,
    /// When it was taken.
    pub created: Timestamp,
    /// When it ends; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Blobs held. What they refer to is held too.
    #[serde(default)]
    pub blobs: BTreeSet<Digest>,
    /// Snapshots held, with those below them.
    #[serde(default)]
    pub snapshots: BTreeSet<String>,
}

/// The leases of a store.
#[derive(Debug)]
pub struct Leases {
    journal: Arc<Journal>,
    /// Serialises read-change-write of a lease's record.
    change: Mutex<()>,
    volatile: Mutex<Volatile>,
}

#[derive(Debug, Default)]
struct Volatile {
    next: u64,
    held: BTreeMap<u64, Held>,
}

/// What a running operation holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    pub(crate) blobs: BTreeSet<Digest>,
    pub(crate) snapshots: BTreeSet<String>,
}

impl Leases {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, change: Mutex::new(()), volatile: Mutex::default() }
    }

    /// Takes a lease, or renews the one of that name.
    pub fn take(
        &self,
        id: &str,
        purpose: &str,
        lifetime: Option<Duration>,
    ) -> Result<(), ContentError> {
        let _change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        let expires =
            lifetime.map(|time| Timestamp::from_nanos(now.nanos() + time.as_nanos() as i128));
        let mut lease = self.get(id)?.unwrap_or(Lease {
            purpose: String::new(),
            created: now,
            expires: None,
            blobs: BTreeSet::new(),
            snapshots: BTreeSet::new(),
        });
        lease.purpose = purpose.to_owned();
        lease.expires = expires;
        self.put(id, &lease)
    }

    /// Holds a blob under a lease.
    pub fn hold_blob(&self, id: &str, digest: &Digest) -> Result<(), ContentError> {
        self.update(id, |lease| {
            lease.blobs.insert(digest.clone());
        })
    }

    /// Holds a snapshot, and those below it, under a lease.
    pub fn hold_snapshot(&self, id: &str, key: &str) -> Result<(), ContentError> {
        self.update(id, |lease| {
            lease.snapshots.insert(key.to_owned());
        })
    }

    /// Gives a lease up. Unknown ones are no error.
    pub fn release(&self, id: &str) -> Result<(), ContentError> {
        Ok(self.journal.commit(Batch::new().delete(format!("{}{id}", records::LEASE)))?)
    }

    /// All leases that have not ended, by name.
    pub fn list(&self) -> Result<Vec<(String, Lease)>, ContentError> {
        let now = Timestamp::now();
        let mut all = records::scan::<Lease>(&self.journal, records::LEASE)?;
        all.retain(|(_, lease)| lease.expires.is_none_or(|end| end > now));
        Ok(all)
    }

    /// Names of leases that have ended.
    pub(crate) fn expired(&self) -> Result<Vec<String>, ContentError> {
        let now = Timestamp::now();
        let all = records::scan::<Lease>(&self.journal, records::LEASE)?;
        Ok(all
            .into_iter()
            .filter(|(_, lease)| lease.expires.is_some_and(|end| end <= now))
            .map(|(id, _)| id)
            .collect())
    }

    /// Begins to hold things for a running operation.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        let mut volatile = self.lock();
        let id = volatile.next;
        volatile.next += 1;
        volatile.held.insert(id, Held::default());
        drop(volatile);
        Hold { leases: Arc::clone(self), id }
    }

    /// All that running operations hold.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.lock().held.values().cloned().collect()
    }

    fn update(&self, id: &str, change: impl FnOnce(&mut Lease)) -> Result<(), ContentError> {
        let _change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        let mut lease = self
            .get(id)?
            .filter(|lease| lease.expires.is_none_or(|end| end > now))
            .ok_or_else(|| ContentError::NoLease { id: id.to_owned() })?;
        change(&mut lease);
        self.put(id, &lease)
    }

    fn get(&self, id: &str) -> Result<Option<Lease>, ContentError> {
        Ok(records::get(&self.journal, &format!("{}{id}", records::LEASE))?)
    }

    fn put(&self, id: &str, lease: &Lease) -> Result<(), ContentError> {
        let key = format!("{}{id}", records::LEASE);
        Ok(self.journal.commit(Batch::new().put(key, records::encode(lease)))?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Volatile> {
        self.volatile.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one running operation holds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    leases: Arc<Leases>,
    id: u64,
}

impl Hold {
    pub(crate) fn blob(&self, digest: &Digest) {
        self.with(|held| {
            held.blobs.insert(digest.clone());
        });
    }

    pub(crate) fn snapshot(&self, key: &str) {
        self.with(|held| {
            held.snapshots.insert(key.to_owned());
        });
    }

    fn with(&self, change: impl FnOnce(&mut Held)) {
        if let Some(held) = self.leases.lock().held.get_mut(&self.id) {
            change(held);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.leases.lock().held.remove(&self.id);
    }
}
