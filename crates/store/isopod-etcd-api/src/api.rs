//! What all calls share: the store, limits, tokens, figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use isopod_etcd_client::proto::etcdserverpb::ResponseHeader;
use isopod_mvcc::{Actor, Command, LeaseId, Request, Response, Revision, State};
use isopod_store::Store;

use crate::error::{INVALID_AUTH_TOKEN, REQUEST_TOO_LARGE};
use crate::grpc::Status;
use crate::method::Call;
use crate::metrics::Metrics;
use crate::tokens::Tokens;

/// What a message may have beyond the largest request.
const MESSAGE_OVERHEAD: usize = 512 << 10;

/// Bounds of what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) max_request_bytes: usize,
    pub(crate) max_txn_ops: usize,
    /// Leases live at least so long, in seconds: longer than an election takes.
    pub(crate) min_lease_ttl: i64,
    /// Watches that want it hear so often how far they have come.
    pub(crate) progress_interval: Duration,
    pub(crate) bcrypt_cost: u32,
}

impl Limits {
    pub(crate) fn message_bytes(&self) -> usize {
        self.max_request_bytes + MESSAGE_OVERHEAD
    }
}

/// What all calls share.
pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) cluster_id: u64,
    pub(crate) limits: Limits,
    pub(crate) tokens: Tokens,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) lease_ids: LeaseIds,
    pub(crate) quota_bytes: u64,
}

/// What a proposal came to.
pub(crate) struct Done {
    pub(crate) revision: Revision,
    pub(crate) response: Response,
}

impl Call {
    /// Waits until a read of the state sees everything that was acknowledged before this.
    pub(crate) async fn linearize(&self) -> Result<(), Status> {
        Ok(self.api.store.barrier().await?)
    }

    /// Reads the state on behalf of the caller.
    pub(crate) fn read<R>(
        &self,
        read: impl FnOnce(&State, Option<&Actor>) -> Result<R, isopod_mvcc::Error>,
    ) -> Result<R, Status> {
        self.api.store.with_state(|state| {
            let actor = self.actor(state)?;
            Ok(read(state, actor.as_ref())?)
        })
    }

    /// Has a change made on behalf of the caller.
    pub(crate) async fn propose(&self, request: Request) -> Result<Done, Status> {
        if self.request_bytes > self.api.limits.max_request_bytes {
            return Err(REQUEST_TOO_LARGE);
        }
        let actor = self.api.store.with_state(|state| self.actor(state))?;
        let applied = self.api.store.propose(Command { actor, request }).await?;
        Ok(Done { revision: applied.outcome.revision, response: applied.outcome.result? })
    }

    /// Who calls: by token, else by certificate; nobody in particular while users do not count.
    fn actor(&self, state: &State) -> Result<Option<Actor>, Status> {
        let auth = state.auth();
        if !auth.is_enabled() {
            return Ok(Some(Actor { user: String::new(), auth_revision: auth.revision() }));
        }
        let user = match (&self.token, &self.certificate_name) {
            (Some(token), _) => self.api.tokens.user(token, auth).ok_or(INVALID_AUTH_TOKEN)?,
            (None, Some(name)) => name.to_string(),
            (None, None) => String::new(),
        };
        Ok(Some(Actor { user, auth_revision: auth.revision() }))
    }

    /// Refuses a token that is not valid.
    pub(crate) fn check_token(&self) -> Result<(), Status> {
        self.read(|_, _| Ok(()))
    }

    /// Refuses those who did not say who they are, while users count.
    pub(crate) fn require_user(&self) -> Result<(), Status> {
        self.read(|state, actor| state.check_user(actor))
    }

    /// Refuses everyone but administrators, while users count.
    pub(crate) fn require_admin(&self) -> Result<(), Status> {
        self.read(|state, actor| state.check_admin(actor))
    }

    /// The head of a response about the store at `revision`.
    pub(crate) fn header(&self, revision: Revision) -> ResponseHeader {
        ResponseHeader {
            cluster_id: self.api.cluster_id,
            member_id: self.api.store.member_id(),
            revision,
            raft_term: self.api.store.term(),
        }
    }

    /// The head of a response about the store as it is.
    pub(crate) fn header_now(&self) -> ResponseHeader {
        self.header(self.api.store.with_state(State::revision))
    }
}

/// Numbers for leases whose clients leave the choice to the server: unlike those of other
/// members and of earlier runs, and positive.
pub(crate) struct LeaseIds {
    next: AtomicU64,
}

impl LeaseIds {
    /// `member` and `millis` since 1970 keep members and runs apart, as etcd does it: two bytes
    /// of the one, five of the other, and the last one to count on.
    pub(crate) fn new(member: u64, millis: u64) -> Self {
        let member = (member & 0xffff) << 48;
        Self { next: AtomicU64::new(member | ((millis & 0xff_ffff_ffff) << 8)) }
    }

    pub(crate) fn next(&self) -> LeaseId {
        let id = self.next.fetch_add(1, Ordering::Relaxed) & i64::MAX as u64;
        LeaseId::try_from(id.max(1)).expect("the sign's bit is cleared")
    }
}
