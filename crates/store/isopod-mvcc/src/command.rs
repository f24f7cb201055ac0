//! What the log replicates, and what applying it gives.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    AlarmMember, AlarmRequest, AuthCommand, DeleteRequest, DeleteResponse, Error, EventBatch,
    LeaseId, PutRequest, PutResponse, Revision, TxnRequest, TxnResponse,
};

/// One entry of the log: a request, and on whose behalf it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who asks. None is the store itself (expired leases, automatic compaction), which may do
    /// everything, and everyone while authentication is off.
    pub actor: Option<Actor>,
    /// What is asked.
    pub request: Request,
}

impl Command {
    /// A request of the store itself.
    pub fn internal(request: Request) -> Self {
        Self { actor: None, request }
    }
}

/// A user, as known when the request was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user's name.
    pub user: String,
    /// The revision of users and roles when the user was recognised. A request from before the
    /// last change of them is refused with [`Error::AuthOldRevision`], so that its client
    /// authenticates anew.
    pub auth_revision: u64,
}

/// A request that changes the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Write a key.
    Put(PutRequest),
    /// Delete keys.
    Delete(DeleteRequest),
    /// A transaction.
    Txn(TxnRequest),
    /// Forget what was superseded before this revision.
    Compact(Revision),
    /// Create a lease.
    LeaseGrant(LeaseGrant),
    /// End a lease and delete its keys.
    LeaseRevoke(LeaseId),
    /// Note what is left of leases, so that a new leader does not begin anew.
    LeaseCheckpoint(Vec<LeaseCheckpoint>),
    /// Raise or lower an alarm.
    Alarm(AlarmRequest),
    /// Users, roles and whether they count.
    Auth(AuthCommand),
    /// Changes nothing; the store's own barrier.
    Nothing,
}

/// Creates a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseGrant {
    /// Its number, chosen by the proposer: never 0.
    pub id: LeaseId,
    /// Its time to live in seconds, already raised to the least that the store grants.
    pub ttl: i64,
}

/// What is left of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseCheckpoint {
    /// The lease.
    pub id: LeaseId,
    /// Seconds left; 0 is all of its time to live.
    pub remaining_ttl: i64,
}

/// What applying a command gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The store's revision afterwards.
    pub revision: Revision,
    /// The answer. An error is an answer too: every member comes to the same.
    pub result: Result<Response, Error>,
    /// What changed, for the watches: none if nothing did.
    pub events: Option<Arc<EventBatch>>,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To a put.
    Put(PutResponse),
    /// To a deletion.
    Delete(DeleteResponse),
    /// To a transaction.
    Txn(TxnResponse),
    /// The compaction is decided; its work is done in steps afterwards.
    Compact,
    /// The lease as granted.
    LeaseGrant(LeaseGrant),
    /// The lease is gone.
    LeaseRevoke,
    /// The checkpoints are noted.
    LeaseCheckpoint,
    /// The alarms that the request raised, lowered or asked for.
    Alarm(Vec<AlarmMember>),
    /// The change of users and roles is done.
    Auth,
    /// Nothing was done.
    Nothing,
}

/// Bytes of a password as hashed by the caller, or nothing for a user without a password.
pub type PasswordHash = Bytes;
