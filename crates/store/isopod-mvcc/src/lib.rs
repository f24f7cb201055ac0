//! The store's replicated state machine: keys with their history, transactions, leases, watches,
//! users and roles, with etcd's semantics.
//!
//! Pure: no IO, no clock, no thread; time comes in as a number. The same commands in the same
//! order give the same state and the same answers on every member. What is not here: the log, Raft,
//! disks, sockets, wire formats, hashing of passwords, tokens, membership.

mod alarm;
mod arena;
mod auth;
mod codec;
mod command;
mod compact;
mod error;
mod hash;
mod index;
mod key_range;
mod kv;
mod lease;
mod lease_clock;
mod read;
mod record;
mod request;
mod response;
mod snapshot;
mod state;
mod validate;
mod varint;
mod watch;
mod write;

pub use alarm::{AlarmKind, AlarmMember, AlarmRequest};
pub use auth::{Auth, AuthCommand, Permission, PermissionKind, ROOT, Role, User};
pub use codec::DecodeError;
pub use command::{
    Actor, Command, LeaseCheckpoint, LeaseGrant, Outcome, PasswordHash, Request, Response,
};
pub use error::Error;
pub use hash::{Hash, HashScan};
pub use key_range::{KeyRange, RangeEnd};
pub use kv::{Event, EventBatch, EventKind, KeyValue, LeaseId, Revision};
pub use lease::{Lease, Leases};
pub use lease_clock::{LeaseClock, Renewal};
pub use read::Scan;
pub use request::{
    Compare, CompareResult, CompareTarget, DeleteRequest, Operation, PutRequest, RangeRequest,
    SortOrder, SortTarget, TxnRequest,
};
pub use response::{DeleteResponse, OperationResponse, PutResponse, RangeResponse, TxnResponse};
pub use snapshot::{Restore, RestoreError, Snapshot};
pub use state::State;
pub use watch::{Delivery, WatchHub, WatchId, WatchRequest, Window};

/// The longest that a lease may live, in seconds, as in etcd.
pub const MAX_LEASE_TTL: i64 = 9_000_000_000;

/// How deep transactions may be nested.
pub const MAX_TXN_DEPTH: usize = 32;
