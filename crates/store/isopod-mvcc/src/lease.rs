//! Leases, as all members know them: how long each lives and which keys it holds. When one ends
//! is for the leader to say: [`crate::LeaseClock`].

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, LeaseCheckpoint, LeaseId, MAX_LEASE_TTL};

/// A lease.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    /// Its time to live in seconds, as granted.
    pub ttl: i64,
    /// What was left of it at its last checkpoint, in seconds; 0 is all of it.
    pub remaining_ttl: i64,
    keys: BTreeSet<Box<[u8]>>,
}

impl Lease {
    /// The keys that are attached, in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.keys.iter().map(|key| &**key)
    }

    /// How long a new leader lets it live, in seconds.
    pub fn time_left(&self) -> i64 {
        if self.remaining_ttl > 0 { self.remaining_ttl } else { self.ttl }
    }
}

/// All leases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leases {
    leases: BTreeMap<LeaseId, Lease>,
}

impl Leases {
    /// The lease with this number.
    pub fn get(&self, id: LeaseId) -> Option<&Lease> {
        self.leases.get(&id)
    }

    /// All leases by number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (LeaseId, &Lease)> {
        self.leases.iter().map(|(id, lease)| (*id, lease))
    }

    pub(crate) fn grant(&mut self, id: LeaseId, ttl: i64) -> Result<(), Error> {
        if id == 0 {
            return Err(Error::LeaseNotFound(id));
        }
        if ttl > MAX_LEASE_TTL {
            return Err(Error::LeaseTtlTooLarge(ttl));
        }
        if self.leases.contains_key(&id) {
            return Err(Error::LeaseExists(id));
        }
        self.restore(id, ttl, 0);
        Ok(())
    }

    /// A lease of a snapshot.
    pub(crate) fn restore(&mut self, id: LeaseId, ttl: i64, remaining_ttl: i64) {
        self.leases.insert(id, Lease { ttl, remaining_ttl, keys: BTreeSet::new() });
    }

    /// Ends a lease: the keys that it held.
    pub(crate) fn take(&mut self, id: LeaseId) -> Result<BTreeSet<Box<[u8]>>, Error> {
        self.leases.remove(&id).map(|lease| lease.keys).ok_or(Error::LeaseNotFound(id))
    }

    pub(crate) fn checkpoint(&mut self, checkpoint: LeaseCheckpoint) {
        if let Some(lease) = self.leases.get_mut(&checkpoint.id) {
            lease.remaining_ttl = checkpoint.remaining_ttl;
        }
    }

    pub(crate) fn attach(&mut self, id: LeaseId, key: &[u8]) {
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.keys.insert(key.into());
        }
    }

    pub(crate) fn detach(&mut self, id: LeaseId, key: &[u8]) {
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.keys.remove(key);
        }
    }
}
