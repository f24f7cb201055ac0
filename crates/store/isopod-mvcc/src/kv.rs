//! Keys with their values, and what happens to them.

use bytes::Bytes;

/// A revision of the whole store: one for every transaction that changed something. An empty
/// store is at revision 1.
pub type Revision = i64;

/// A lease's number. 0 is no lease.
pub type LeaseId = i64;

/// A key as it stood at some revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// The revision that created it, after its last deletion if it had one.
    pub create_revision: Revision,
    /// The revision that last wrote it.
    pub mod_revision: Revision,
    /// How often it was written since it was created: 1 at its creation.
    pub version: i64,
    /// The lease that it is attached to, or 0.
    pub lease: LeaseId,
}

/// What an [`Event`] did to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was written.
    Put,
    /// It was deleted, by a request or with its lease.
    Delete,
}

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub kind: EventKind,
    /// The key as written. Of a deletion only `key` and `mod_revision` are set.
    pub kv: KeyValue,
    /// The key before the change: none if it did not exist, or if that is compacted.
    pub previous: Option<KeyValue>,
}

/// All changes of one revision, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBatch {
    /// The revision.
    pub revision: Revision,
    /// Its changes; never empty.
    pub events: Vec<Event>,
}
