//! The store as its users see it.

use std::fmt;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use isopod_mvcc::{
    AlarmKind, AlarmMember, AlarmRequest, Command, LeaseId, Request, Snapshot, State,
};
use tokio::sync::oneshot;

use crate::applier::{Applied, Reply};
use crate::config::StoreConfig;
use crate::error::{OpenError, StoreError};
use crate::leases::LeaseTimes;
use crate::member::Input;
use crate::membership::{Member, MemberChange, Membership};
use crate::shared::Shared;
use crate::watches::{News, Watcher};

/// A member of the store, in this process. Cheap to clone; the member stops when the last clone
/// is dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: StoreConfig,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inputs: SyncSender<Input>,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as the data folder is in use.
    pub(crate) _lock: File,
}

/// What is known of a member at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The cluster.
    pub cluster_id: u64,
    /// This member.
    pub member_id: u64,
    /// The leader; 0 while none is known.
    pub leader: u64,
    /// Raft's term.
    pub term: u64,
    /// The last entry that is committed, as far as this member knows.
    pub committed: u64,
    /// The last entry that is in the state.
    pub applied: u64,
    /// Bytes of the log on the disk.
    pub log_bytes: u64,
    /// Whether this member only learns.
    pub learner: bool,
    /// Bytes that keys, values and their history take: what the quota bounds.
    pub state_bytes: u64,
    /// Whether the disk is full.
    pub disk_full: bool,
    /// Why this member failed, if it did.
    pub failure: Option<StoreError>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("data_dir", &self.inner.config.data_dir).finish()
    }
}

impl Store {
    /// Opens the member whose data folder it is, or begins one there. Reads back all its state;
    /// needs no asynchronous runtime.
    pub fn open(config: StoreConfig) -> Result<Self, OpenError> {
        crate::open::open(config)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Has a command replicated and applied: it is durable once this returns. On
    /// [`StoreError::Timeout`] and [`StoreError::TimeoutLeaderFail`] it may still take effect.
    pub async fn propose(&self, command: Command) -> Result<Applied, StoreError> {
        if command.request.takes_space() && self.is_over_quota() {
            self.raise_no_space().await?;
            return Err(isopod_mvcc::Error::NoSpace.into());
        }
        self.ask(|reply| Input::Propose(command, reply)).await
    }

    fn is_over_quota(&self) -> bool {
        let quota = self.inner.config.quota_bytes;
        quota > 0 && self.inner.shared.state_bytes.load(Ordering::Relaxed) >= quota
    }

    /// Raises the alarm that makes every member refuse what takes space, unless it is raised.
    async fn raise_no_space(&self) -> Result<(), StoreError> {
        let alarm = AlarmMember { kind: AlarmKind::NoSpace, member: self.member_id() };
        if self.with_state(|state| state.alarms().any(|raised| raised == alarm)) {
            return Ok(());
        }
        let request = Request::Alarm(AlarmRequest::Activate(alarm));
        self.ask(|reply| Input::Propose(Command::internal(request), reply)).await.map(drop)
    }

    /// Returns once the state at hand includes all that any member acknowledged before the call:
    /// what is read from it then is linearizable. Costs nothing on a sole member.
    pub async fn barrier(&self) -> Result<(), StoreError> {
        if self.inner.shared.has_newest_state() {
            return self.inner.shared.failure().map_or(Ok(()), Err);
        }
        self.ask(Input::Read).await
    }

    /// Looks at the state as this member has it. Nothing is written meanwhile: `look` is short.
    pub fn with_state<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.inner.shared.read())
    }

    /// The whole state at this moment, to be read without holding anybody up.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.inner.shared.read().snapshot()
    }

    /// What is known of this member now.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &self.inner.shared;
        let membership = shared.membership();
        let own = membership.members.get(&shared.member_id);
        Status {
            cluster_id: membership.cluster_id,
            member_id: shared.member_id,
            leader: shared.leader.load(Ordering::Relaxed),
            term: shared.term.load(Ordering::Relaxed),
            committed: shared.committed.load(Ordering::Relaxed),
            applied: shared.applied.load(Ordering::Relaxed),
            log_bytes: shared.log_bytes.load(Ordering::Relaxed),
            state_bytes: shared.state_bytes.load(Ordering::Relaxed),
            learner: own.is_some_and(|member| member.learner),
            disk_full: shared.disk_full.load(Ordering::Relaxed),
            failure: shared.failure(),
        }
    }

    /// This member's id.
    #[must_use]
    pub fn member_id(&self) -> u64 {
        self.inner.shared.member_id
    }

    /// Raft's term, as this member knows it.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.inner.shared.term.load(Ordering::Relaxed)
    }

    /// The cluster and its members.
    #[must_use]
    pub fn membership(&self) -> Arc<Membership> {
        self.inner.shared.membership()
    }

    /// The members by id.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.membership().members.values().cloned().collect()
    }

    /// Changes where the other members reach a member.
    pub async fn member_update(&self, id: u64, peer_urls: Vec<String>) -> Result<(), StoreError> {
        let membership = self.membership();
        let member = membership.members.get(&id).ok_or(StoreError::MemberNotFound)?;
        let taken = |other: &Member| other.peer_urls.iter().any(|url| peer_urls.contains(url));
        if membership.members.values().any(|other| other.id != id && taken(other)) {
            return Err(StoreError::PeerUrlExists);
        }
        let changed = Member { peer_urls, ..member.clone() };
        self.ask(|reply| Input::Change(MemberChange::Set(changed), reply)).await
    }

    /// Watches that are read together; about `window` events may wait for the reader.
    #[must_use]
    pub fn watcher(&self, window: usize) -> Watcher {
        Watcher::new(Arc::clone(&self.inner.shared), window)
    }

    /// Keeps a lease alive: its time to live, in seconds, begins anew.
    pub async fn lease_keep_alive(&self, id: LeaseId) -> Result<i64, StoreError> {
        let renewed = {
            let state = self.inner.shared.read();
            self.inner.shared.leases.renew(state.leases(), id)
        };
        let renewal = renewed.ok_or_else(|| self.no_leader())??;
        if let Some(checkpoint) = renewal.checkpoint {
            let note = Request::LeaseCheckpoint(vec![checkpoint]);
            self.propose(Command::internal(note)).await?;
        }
        Ok(renewal.ttl)
    }

    /// How long a lease lives and how much of that is left.
    pub async fn lease_time_to_live(&self, id: LeaseId) -> Result<LeaseTimes, StoreError> {
        let state = self.inner.shared.read();
        let times = self.inner.shared.leases.times(state.leases(), id);
        Ok(times.ok_or_else(|| self.no_leader())??)
    }

    fn no_leader(&self) -> StoreError {
        let leader = self.inner.shared.leader.load(Ordering::Relaxed);
        if leader == 0 { StoreError::NoLeader } else { StoreError::NotLeader }
    }

    /// Hands leadership to a member; only the leader can.
    pub async fn move_leader(&self, to: u64) -> Result<(), StoreError> {
        self.ask(|reply| Input::Transfer(to, reply)).await
    }

    /// Returns once a leader is known and all is applied that was committed before it led.
    pub async fn wait_ready(&self) -> Result<(), StoreError> {
        let mut ready = self.inner.shared.ready.subscribe();
        tokio::select! {
            _ = ready.wait_for(|ready| *ready) => Ok(()),
            error = self.failed() => Err(error),
        }
    }

    /// Pends until this member fails or stops, and says why.
    pub async fn failed(&self) -> StoreError {
        self.inner.shared.failed().await
    }

    /// Stops the member: what waits is refused, the log is closed, the threads are gone.
    pub fn shutdown(&self) {
        self.inner.stop();
    }

    async fn ask<T>(&self, input: impl FnOnce(Reply<T>) -> Input) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.inner.inputs.try_send(input(reply)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::TooManyRequests,
            TrySendError::Disconnected(_) => self.stopped(),
        })?;
        answer.await.map_err(|_| self.stopped())?
    }

    fn stopped(&self) -> StoreError {
        self.inner.shared.failure().unwrap_or(StoreError::Stopped)
    }
}

impl Inner {
    fn stop(&self) {
        // Failing to send means that the thread is gone already.
        let _ = self.inputs.send(Input::Stop);
        self.shared.watches.tell(News::Stop);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..).rev() {
            // A panic of it was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
