//! The thread that applies what is committed to the state, and answers whoever waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use isopod_mvcc::{Command, Outcome};
use raft::eraftpb::{ConfState, Entry};
use tokio::sync::oneshot;

use crate::batch;
use crate::checkpoint::Metadata;
use crate::driver::Role;
use crate::error::StoreError;
use crate::keeper::Job;
use crate::member::Input;
use crate::replica::{Change, Committed};
use crate::shared::Shared;
use crate::watches::News;

/// What applying a proposal gave.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The state's answer.
    pub outcome: Outcome,
    /// Term of the entry.
    pub term: u64,
    /// Index of the entry.
    pub index: u64,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Who waits for an entry.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// For the commands in it, in their order.
    Commands(Vec<Reply<Applied>>),
    /// For the change of the members.
    Change(Reply<()>),
}

/// Work for this thread.
pub(crate) enum Task {
    /// Apply this, and answer.
    Commit(Committed, Option<Waiting>),
    /// Answer once this index is applied.
    Read(u64, Vec<Reply<()>>),
    /// The role changed.
    Role { role: Role, sole_voter: bool, epoch: u64 },
    /// Have a checkpoint written.
    Checkpoint,
}

/// Commands applied under one lock of the state.
const COMMANDS_PER_LOCK: usize = 64;
/// Records that compaction looks at between other work.
const COMPACTION_STEP: usize = 256;
/// With nothing to do, the thread looks around this often.
const IDLE: Duration = Duration::from_secs(3600);

pub(crate) struct Applier {
    shared: Arc<Shared>,
    keeper: SyncSender<Job>,
    member: SyncSender<Input>,
    lease_extension: Duration,
    conf_state: ConfState,
    role: Option<(Role, bool, u64)>,
    /// Reads that wait for an index.
    reads: BTreeMap<u64, Vec<Reply<()>>>,
    compacting: bool,
}

impl Applier {
    pub(crate) fn new(
        shared: Arc<Shared>,
        keeper: SyncSender<Job>,
        member: SyncSender<Input>,
        lease_extension: Duration,
        conf_state: ConfState,
    ) -> Self {
        Self {
            shared,
            keeper,
            member,
            lease_extension,
            conf_state,
            role: None,
            reads: BTreeMap::new(),
            // What an earlier run had not forgotten yet.
            compacting: true,
        }
    }

    /// Works until the other side hangs up.
    pub(crate) fn run(mut self, tasks: &Receiver<Task>) {
        loop {
            let due = self.shared.leases.next_due();
            if due.is_some_and(|due| due.is_zero()) {
                self.propose_due();
            }
            let wait = if self.compacting { Duration::ZERO } else { due.unwrap_or(IDLE) };
            match tasks.recv_timeout(wait) {
                Ok(task) => self.carry_out(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.compacting {
                self.compact();
            }
        }
    }

    fn compact(&mut self) {
        let mut state = self.shared.write();
        self.compacting = !state.compact_step(COMPACTION_STEP);
        let size_bytes = state.size_bytes().0 as u64;
        drop(state);
        self.shared.state_bytes.store(size_bytes, Ordering::Relaxed);
    }

    fn carry_out(&mut self, task: Task) {
        match task {
            Task::Commit(Committed::Entry(entry), waiting) => self.entry(&entry, waiting),
            Task::Commit(Committed::Change(change), waiting) => {
                let Change { entry, change, conf_state } = *change;
                self.conf_state = conf_state;
                self.shared.write().skip(entry.index, entry.term);
                if let Some(change) = &change {
                    let mut membership = self.shared.membership().as_ref().clone();
                    membership.apply(change);
                    self.shared.set_membership(membership);
                }
                self.applied(entry.index, entry.term);
                if let Some(Waiting::Change(reply)) = waiting {
                    let _ = reply.send(change.map(|_| ()).ok_or(StoreError::Unhealthy));
                }
            }
            Task::Read(index, replies) => {
                self.reads.entry(index).or_default().extend(replies);
                self.answer_reads();
            }
            Task::Role { role, sole_voter, epoch } => {
                let leads_on = self.role.is_some_and(|(before, ..)| {
                    before.leading && role.leading && before.term == role.term
                });
                if !leads_on {
                    self.shared.leases.demote();
                }
                self.role = Some((role, sole_voter, epoch));
                let (index, term) = self.shared.read().applied();
                self.applied(index, term);
            }
            Task::Checkpoint => self.checkpoint(),
        }
    }

    fn entry(&mut self, entry: &Entry, waiting: Option<Waiting>) {
        let mut replies = match waiting {
            Some(Waiting::Commands(replies)) => replies.into_iter(),
            _ => Vec::new().into_iter(),
        };
        let mut commands = batch::commands(&entry.data).peekable();
        if commands.peek().is_none() {
            self.shared.write().skip(entry.index, entry.term);
        }
        let mut outcomes = Vec::with_capacity(replies.len().min(COMMANDS_PER_LOCK));
        while commands.peek().is_some() {
            let mut state = self.shared.write();
            for command in commands.by_ref().take(COMMANDS_PER_LOCK) {
                let command: Command = match command {
                    Ok(command) => command,
                    // Going on would make this member differ from those who can read it.
                    Err(error) => {
                        let failure = format!("entry {} cannot be read: {error}", entry.index);
                        self.shared.fail(StoreError::LogFailed(failure));
                        return;
                    }
                };
                let outcome = state.apply(entry.index, entry.term, &command);
                self.shared.leases.applied(&command, &outcome);
                self.compacting |= matches!(outcome.result, Ok(isopod_mvcc::Response::Compact));
                outcomes.push(outcome);
            }
            let size_bytes = state.size_bytes().0 as u64;
            drop(state);
            self.shared.state_bytes.store(size_bytes, Ordering::Relaxed);
            let changes: Vec<_> =
                outcomes.iter().filter_map(|outcome| outcome.events.clone()).collect();
            for outcome in outcomes.drain(..) {
                if let Some(reply) = replies.next() {
                    // Who has gone away needs no answer.
                    let applied = Applied { outcome, term: entry.term, index: entry.index };
                    let _ = reply.send(Ok(applied));
                }
            }
            if !changes.is_empty() && !self.shared.watches.is_empty() {
                self.shared.watches.tell(News::Changes(changes));
            }
        }
        self.applied(entry.index, entry.term);
    }

    /// Notes how far the state is, and answers who waited for it.
    fn applied(&mut self, index: u64, term: u64) {
        self.shared.applied.store(index, Ordering::Release);
        if let Some((role, sole_voter, epoch)) = self.role {
            // An entry of the leader's term: all that was committed before it is in the state.
            if role.leader != 0 && term == role.term {
                if role.leading && sole_voter {
                    self.shared.state_is_newest(epoch);
                }
                if role.leading && !self.shared.leases.is_running() {
                    self.shared.leases.promote(self.shared.read().leases(), self.lease_extension);
                }
                self.shared.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
            }
        }
        self.answer_reads();
    }

    /// Proposes the end of leases that ran out. What finds no place is due again later.
    fn propose_due(&self) {
        for request in self.shared.leases.due() {
            let (reply, _nobody) = oneshot::channel();
            let _ = self.member.try_send(Input::Propose(Command::internal(request), reply));
        }
    }

    fn answer_reads(&mut self) {
        let applied = self.shared.applied.load(Ordering::Relaxed);
        while let Some(first) = self.reads.first_entry() {
            if *first.key() > applied {
                break;
            }
            first.remove().into_iter().for_each(|reply| {
                let _ = reply.send(Ok(()));
            });
        }
    }

    /// Takes the state as it is, which costs microseconds; writing it is the keeper's work.
    fn checkpoint(&mut self) {
        let snapshot = self.shared.read().snapshot();
        let metadata = Metadata {
            member_id: self.shared.member_id,
            applied: snapshot.applied(),
            conf_state: self.conf_state.clone(),
            membership: self.shared.membership().as_ref().clone(),
        };
        // A keeper that is gone means that the store stops.
        let _ = self.keeper.send(Job::Checkpoint(Box::new((metadata, snapshot))));
    }
}
