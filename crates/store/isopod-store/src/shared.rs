//! What a member's threads and the handles of its store share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use isopod_mvcc::State;
use tokio::sync::watch;

use crate::driver::Role;
use crate::error::StoreError;
use crate::leases::LeaseTimer;
use crate::membership::Membership;
use crate::watches::{News, Watches};

/// The store's state and what is known of the member, for many readers.
pub(crate) struct Shared {
    pub(crate) member_id: u64,
    state: RwLock<State>,
    membership: RwLock<Arc<Membership>>,
    pub(crate) term: AtomicU64,
    pub(crate) leader: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) applied: AtomicU64,
    pub(crate) log_bytes: AtomicU64,
    /// Bytes that keys, values and history take.
    pub(crate) state_bytes: AtomicU64,
    /// Counts changes of the role. Written by the thread of consensus only.
    role_epoch: AtomicU64,
    /// The epoch of the role in which this member leads as the only voter and has applied an
    /// entry of its term: while that is the epoch, the state at hand is the newest there is.
    newest_in: AtomicU64,
    pub(crate) disk_full: AtomicBool,
    failure: watch::Sender<Option<StoreError>>,
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) leases: LeaseTimer,
    pub(crate) watches: Watches,
}

impl Shared {
    pub(crate) fn new(
        member_id: u64,
        state: State,
        membership: Membership,
        news: SyncSender<News>,
    ) -> Self {
        Self {
            member_id,
            applied: AtomicU64::new(state.applied().0),
            watches: Watches::new(&state, news),
            membership: RwLock::new(Arc::new(membership)),
            term: AtomicU64::default(),
            leader: AtomicU64::default(),
            committed: AtomicU64::default(),
            log_bytes: AtomicU64::default(),
            state_bytes: AtomicU64::new(state.size_bytes().0 as u64),
            state: RwLock::new(state),
            role_epoch: AtomicU64::default(),
            // No role has had this epoch.
            newest_in: AtomicU64::new(u64::MAX),
            disk_full: AtomicBool::default(),
            failure: watch::Sender::default(),
            ready: watch::Sender::default(),
            leases: LeaseTimer::default(),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn membership(&self) -> Arc<Membership> {
        Arc::clone(&self.membership.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_membership(&self, membership: Membership) {
        *self.membership.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(membership);
    }

    /// Begins a new role; the number of its epoch.
    pub(crate) fn begin_role(&self, role: Role) -> u64 {
        self.term.store(role.term, Ordering::Relaxed);
        self.leader.store(role.leader, Ordering::Relaxed);
        self.role_epoch.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The state is the newest there is for as long as `epoch` lasts.
    pub(crate) fn state_is_newest(&self, epoch: u64) {
        self.newest_in.store(epoch, Ordering::SeqCst);
    }

    /// Whether the state at hand includes whatever any member acknowledged before this call.
    pub(crate) fn has_newest_state(&self) -> bool {
        self.newest_in.load(Ordering::SeqCst) == self.role_epoch.load(Ordering::SeqCst)
    }

    /// Why the member failed or stopped, if it did.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.failure.borrow().clone()
    }

    /// Notes why; the first reason stays.
    pub(crate) fn fail(&self, error: StoreError) {
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(error);
            first
        });
    }

    /// Pends until the member fails or stops.
    pub(crate) async fn failed(&self) -> StoreError {
        let mut failure = self.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
        failed.unwrap_or(StoreError::Stopped)
    }
}
