//! What the requests of [`crate::request`] answer.

use crate::{KeyValue, Revision};

/// Answer to a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeResponse {
    /// The revision that the store had: the header's.
    pub revision: Revision,
    /// The keys; empty if only the count was wanted.
    pub kvs: Vec<KeyValue>,
    /// Whether the limit left keys out.
    pub more: bool,
    /// How many keys the range has at the revision, without limit and filters.
    pub count: i64,
}

/// Answer to a put.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutResponse {
    /// The revision that wrote it: the header's.
    pub revision: Revision,
    /// The key as it was, if that was asked for and it existed.
    pub previous: Option<KeyValue>,
}

/// Answer to a deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteResponse {
    /// The store's revision afterwards: the header's.
    pub revision: Revision,
    /// How many keys were deleted.
    pub deleted: i64,
    /// The keys as they were, if that was asked for.
    pub previous: Vec<KeyValue>,
}

/// Answer to a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TxnResponse {
    /// The store's revision afterwards: the header's.
    pub revision: Revision,
    /// Whether the comparisons held.
    pub succeeded: bool,
    /// The answers of the operations that were done, in their order.
    pub responses: Vec<OperationResponse>,
}

/// Answer to one operation of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationResponse {
    /// To a range.
    Range(RangeResponse),
    /// To a put.
    Put(PutResponse),
    /// To a deletion.
    Delete(DeleteResponse),
    /// To a transaction within. etcd leaves the header of such an answer unset.
    Txn(TxnResponse),
}
