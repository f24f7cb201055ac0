//! What may be asked of the keys: ranges, puts, deletions, transactions.

use bytes::Bytes;

use crate::{KeyRange, LeaseId, Revision};

/// Reads keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeRequest {
    /// Which keys.
    pub range: KeyRange,
    /// At most so many keys; 0 is no limit.
    pub limit: i64,
    /// As of which revision; 0 or less is the newest.
    pub revision: Revision,
    /// In which order.
    pub sort_order: SortOrder,
    /// Ordered by what.
    pub sort_target: SortTarget,
    /// Whether values are left out.
    pub keys_only: bool,
    /// Whether only the count is wanted.
    pub count_only: bool,
    /// Only keys last written at this revision or later; 0 is any.
    pub min_mod_revision: Revision,
    /// Only keys last written at this revision or before; 0 is any.
    pub max_mod_revision: Revision,
    /// Only keys created at this revision or later; 0 is any.
    pub min_create_revision: Revision,
    /// Only keys created at this revision or before; 0 is any.
    pub max_create_revision: Revision,
}

impl RangeRequest {
    /// All of a range, newest revision, by key.
    pub fn new(range: KeyRange) -> Self {
        Self {
            range,
            limit: 0,
            revision: 0,
            sort_order: SortOrder::None,
            sort_target: SortTarget::Key,
            keys_only: false,
            count_only: false,
            min_mod_revision: 0,
            max_mod_revision: 0,
            min_create_revision: 0,
            max_create_revision: 0,
        }
    }
}

/// Direction of a range's order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// As stored: ascending.
    #[default]
    None,
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// What a range is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortTarget {
    /// The key.
    #[default]
    Key,
    /// The version.
    Version,
    /// The revision of its creation.
    CreateRevision,
    /// The revision of its last write.
    ModRevision,
    /// The value.
    Value,
}

/// Writes one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutRequest {
    /// The key.
    pub key: Bytes,
    /// Its new value.
    pub value: Bytes,
    /// The lease to attach it to; 0 is none.
    pub lease: LeaseId,
    /// Whether the answer holds the key as it was.
    pub prev_kv: bool,
    /// Keeps the value that the key has; an error if there is none.
    pub ignore_value: bool,
    /// Keeps the lease that the key has; an error if the key does not exist.
    pub ignore_lease: bool,
}

/// Deletes keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRequest {
    /// Which keys.
    pub range: KeyRange,
    /// Whether the answer holds the keys as they were.
    pub prev_kv: bool,
}

/// If all comparisons hold, one list of operations; else the other. One revision for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TxnRequest {
    /// The comparisons; none is true.
    pub compare: Vec<Compare>,
    /// What to do if all hold.
    pub success: Vec<Operation>,
    /// What to do if one does not.
    pub failure: Vec<Operation>,
}

/// One operation of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Read.
    Range(RangeRequest),
    /// Write.
    Put(PutRequest),
    /// Delete.
    Delete(DeleteRequest),
    /// A transaction within, with comparisons of its own.
    Txn(TxnRequest),
}

/// A comparison of every key of a range with a target. A key that does not exist compares as one
/// with zeros everywhere, and never holds against a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// Which keys.
    pub range: KeyRange,
    /// How the key's field must relate to the target.
    pub result: CompareResult,
    /// The field and what it is compared with.
    pub target: CompareTarget,
}

/// How a key's field must relate to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareResult {
    /// Equal.
    Equal,
    /// The key's is greater.
    Greater,
    /// The key's is less.
    Less,
    /// Different.
    NotEqual,
}

/// The field of a comparison and what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompareTarget {
    /// The version.
    Version(i64),
    /// The revision of the key's creation.
    CreateRevision(Revision),
    /// The revision of the key's last write.
    ModRevision(Revision),
    /// The value.
    Value(Bytes),
    /// The lease.
    Lease(LeaseId),
}
