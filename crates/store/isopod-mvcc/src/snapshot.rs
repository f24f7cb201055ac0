//! The whole state at one moment, in pieces that can be written while it goes on.
//!
//! Taking a [`Snapshot`] clones the handles of immutable segments and copies the two that are
//! being written: microseconds, and the state is free again. `DESIGN.md` draws the chunks.

mod restore;

use std::collections::BTreeSet;

use bytes::Bytes;

pub use restore::{Restore, RestoreError};

use crate::arena::SealedSegment;
use crate::auth::Auth;
use crate::codec::encode;
use crate::lease::Leases;
use crate::record;
use crate::state::{Revisions, State};
use crate::varint::{put, put_bytes, put_signed};
use crate::{AlarmMember, AlarmRequest, Revision};

/// The version of the chunks that is written, and the only one that is read.
const VERSION: u8 = 1;
/// Leases in a chunk.
const LEASES_PER_CHUNK: usize = 4096;

/// What a chunk holds: its first byte.
mod tag {
    pub(super) const HEAD: u8 = 1;
    pub(super) const LEASES: u8 = 2;
    pub(super) const AUTH: u8 = 3;
    pub(super) const BASE: u8 = 4;
    pub(super) const HISTORY: u8 = 5;
    pub(super) const END: u8 = 6;
}

/// The state at one moment. It holds the memory of that moment's segments until it is dropped.
pub struct Snapshot {
    revision: Revisions,
    applied: (u64, u64),
    leases: Vec<(i64, i64, i64)>,
    alarms: BTreeSet<AlarmMember>,
    auth: Auth,
    base: Vec<SealedSegment>,
    history: Vec<SealedSegment>,
}

impl State {
    /// The state as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let (base, history) = self.arena.seal_all();
        Snapshot {
            revision: self.revision,
            applied: self.applied,
            leases: leases(&self.leases),
            alarms: self.alarms.clone(),
            auth: self.auth.clone(),
            base,
            history,
        }
    }
}

/// Which keys a lease holds follows from the keys.
fn leases(leases: &Leases) -> Vec<(i64, i64, i64)> {
    leases.iter().map(|(id, lease)| (id, lease.ttl, lease.remaining_ttl)).collect()
}

impl Snapshot {
    /// The newest revision.
    pub fn revision(&self) -> Revision {
        self.revision.newest
    }

    /// Index and term of the last entry of the log that it includes.
    pub fn applied(&self) -> (u64, u64) {
        self.applied
    }

    /// The snapshot's bytes, in chunks of some 256 KiB, or of a record if that is larger.
    /// [`Restore`] wants them all, in this order, cut as they are.
    pub fn chunks(&self) -> impl Iterator<Item = Bytes> + '_ {
        let mut records = 0;
        let base = self.base.iter().map(|segment| (tag::BASE, segment));
        let history = self.history.iter().map(|segment| (tag::HISTORY, segment));
        let mut segments = base.chain(history);
        let mut ended = false;
        // The last chunk counts the records that were given before it.
        let tail = std::iter::from_fn(move || {
            if let Some((tag, segment)) = segments.next() {
                return Some(records_chunk(tag, segment, &mut records));
            }
            (!std::mem::replace(&mut ended, true)).then(|| {
                let mut chunk = vec![tag::END];
                put(&mut chunk, records);
                chunk.into()
            })
        });
        let leases = self.leases.chunks(LEASES_PER_CHUNK).map(leases_chunk);
        [self.head_chunk(), self.auth_chunk()].into_iter().chain(leases).chain(tail)
    }

    fn head_chunk(&self) -> Bytes {
        let mut chunk = vec![tag::HEAD, VERSION];
        put_signed(&mut chunk, self.revision.newest);
        put_signed(&mut chunk, self.revision.compacted);
        put(&mut chunk, self.applied.0);
        put(&mut chunk, self.applied.1);
        put(&mut chunk, self.alarms.len() as u64);
        for alarm in &self.alarms {
            encode::alarm(&mut chunk, &AlarmRequest::Activate(*alarm));
        }
        chunk.into()
    }

    fn auth_chunk(&self) -> Bytes {
        let mut chunk = vec![tag::AUTH, u8::from(self.auth.enabled)];
        put(&mut chunk, self.auth.revision);
        put(&mut chunk, self.auth.users.len() as u64);
        for (name, user) in &self.auth.users {
            put_bytes(&mut chunk, name.as_bytes());
            put_bytes(&mut chunk, &user.password);
            put(&mut chunk, user.roles.len() as u64);
            user.roles.iter().for_each(|role| put_bytes(&mut chunk, role.as_bytes()));
        }
        put(&mut chunk, self.auth.roles.len() as u64);
        for (name, role) in &self.auth.roles {
            put_bytes(&mut chunk, name.as_bytes());
            put(&mut chunk, role.permissions.len() as u64);
            role.permissions.iter().for_each(|each| encode::permission(&mut chunk, each));
        }
        chunk.into()
    }
}

fn leases_chunk(leases: &[(i64, i64, i64)]) -> Bytes {
    let mut chunk = vec![tag::LEASES];
    put(&mut chunk, leases.len() as u64);
    for (id, ttl, remaining_ttl) in leases {
        for number in [id, ttl, remaining_ttl] {
            put_signed(&mut chunk, *number);
        }
    }
    chunk.into()
}

/// The living records of a segment.
fn records_chunk(tag: u8, segment: &SealedSegment, records: &mut u64) -> Bytes {
    let mut dead = segment.dead.clone();
    dead.sort_unstable();
    let mut dead = dead.into_iter().peekable();
    let mut chunk = Vec::with_capacity(segment.bytes.len() + 1);
    chunk.push(tag);
    let mut offset = 0;
    while let Some(record) = record::read(&segment.bytes, offset) {
        if dead.next_if_eq(&(offset as u32)).is_none() {
            chunk.extend_from_slice(&segment.bytes[offset..record.end]);
            *records += 1;
        }
        offset = record.end;
    }
    chunk.into()
}
