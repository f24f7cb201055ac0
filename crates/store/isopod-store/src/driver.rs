//! The consensus of one member, without IO: inputs go in, effects come out.
//!
//! Wraps the `raft` crate. No clock (time is [`Driver::tick`]), no file, no socket, no thread, no
//! randomness but the seed. Who drives it must carry effects out in the order that
//! [`Effects`] documents; everything else about Raft is in here.

mod memory;

use bytes::Bytes;
use raft::eraftpb::{
    ConfChange, ConfState, Entry, EntryType, HardState, Message, MessageType, Snapshot,
};
use raft::{Config, RawNode, SnapshotStatus, StateRole};

pub use memory::Memory;

/// Settings of consensus, in ticks.
#[derive(Debug, Clone)]
pub struct DriverOptions {
    /// This member's id; not 0.
    pub id: u64,
    /// Ticks without a leader after which a member stands for election, at least.
    pub election_ticks: usize,
    /// Whether a member first asks whether it could win.
    pub pre_vote: bool,
    /// What election timeouts are drawn from.
    pub seed: u64,
}

/// What a member knew before it stopped.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// Who belonged to the cluster at the checkpoint.
    pub conf_state: ConfState,
    /// Index and term of the checkpoint's last entry.
    pub checkpoint: (u64, u64),
    /// What the log has behind it.
    pub entries: Vec<Entry>,
}

/// What is to be done now. In this order: send `messages`; make `persist` durable and call
/// [`Driver::persisted`]; the rest whenever it suits, `committed` in order.
#[derive(Debug, Default)]
pub struct Effects {
    /// May be sent at once, in parallel with the disk's work.
    pub messages: Vec<Message>,
    /// Must be durable before [`Driver::persisted`] is called, which must be called.
    pub persist: Option<Persist>,
    /// Entries that will never change, for the state.
    pub committed: Vec<Entry>,
    /// Reads by number, and the index that must be applied before they see the state.
    pub reads: Vec<(u64, u64)>,
    /// Role, if it changed.
    pub role: Option<Role>,
}

/// What must be on the disk before anyone may rely on it.
#[derive(Debug)]
pub struct Persist {
    /// The hard state, if it changed.
    pub hard_state: Option<HardState>,
    /// Entries that follow or replace those of the log.
    pub entries: Vec<Entry>,
    /// A snapshot that replaces state and log.
    pub snapshot: Option<Snapshot>,
    /// Whether there is anything that needs a sync: a mere change of `commit` does not.
    pub must_sync: bool,
    /// To be sent only once all that is durable.
    pub messages: Vec<Message>,
}

/// Who leads, as this member knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// The leader's id; 0 while none is known.
    pub leader: u64,
    /// Whether this member is it.
    pub leading: bool,
    /// The term.
    pub term: u64,
}

/// No leader is known, or leadership is being handed over: the proposal was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no leader takes proposals now")]
pub struct NotTaken;

/// One member's consensus.
pub struct Driver {
    node: RawNode<Memory>,
    id: u64,
    random: u64,
    election_timeout: usize,
    election_ticks: usize,
    unpersisted: Option<raft::Ready>,
    role: Option<Role>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("id", &self.id).field("role", &self.role).finish()
    }
}

/// Most bytes of entries in a message to a member.
const MESSAGE_BYTES: u64 = 1 << 20;
/// Most messages on their way to a member.
const INFLIGHT_MESSAGES: usize = 256;
/// Most bytes proposed and not committed.
const UNCOMMITTED_BYTES: u64 = 256 << 20;
/// Most bytes of committed entries handed out at once.
const COMMITTED_BYTES: u64 = 16 << 20;

impl Driver {
    /// Continues where the member stopped; `Err` says what in `recovery` contradicts itself.
    pub fn new(options: &DriverOptions, recovery: Recovery) -> Result<Self, raft::Error> {
        let config = Config {
            id: options.id,
            election_tick: options.election_ticks,
            heartbeat_tick: 1,
            applied: recovery.checkpoint.0,
            max_size_per_msg: MESSAGE_BYTES,
            max_inflight_msgs: INFLIGHT_MESSAGES,
            check_quorum: true,
            pre_vote: options.pre_vote,
            max_uncommitted_size: UNCOMMITTED_BYTES,
            max_committed_size_per_ready: COMMITTED_BYTES,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = RawNode::new(&config, Memory::new(recovery), &logger)?;
        let mut driver = Self {
            node,
            id: options.id,
            random: options.seed,
            election_timeout: 0,
            election_ticks: options.election_ticks,
            unpersisted: None,
            role: None,
        };
        driver.draw_election_timeout();
        Ok(driver)
    }

    /// One unit of time passed.
    pub fn tick(&mut self) {
        self.node.tick();
        self.draw_election_timeout();
    }

    /// Stands for election at once, without waiting for a leader to be missed.
    pub fn campaign(&mut self) {
        // Refused only to those who may not lead, who then wait as they would have.
        let _ = self.node.campaign();
        self.draw_election_timeout();
    }

    /// Proposes an entry; `context` comes back with it once committed.
    pub fn propose(&mut self, context: Bytes, data: Bytes) -> Result<(), NotTaken> {
        self.propose_entry(Entry { context, data, ..Entry::default() })
    }

    /// Proposes a change of the cluster, which `context` describes and [`Driver::change`] makes
    /// once it is committed.
    pub fn propose_change(&mut self, context: Bytes) -> Result<(), NotTaken> {
        let entry_type = EntryType::EntryConfChange;
        self.propose_entry(Entry { entry_type, context, ..Entry::default() })
    }

    fn propose_entry(&mut self, entry: Entry) -> Result<(), NotTaken> {
        let mut message = Message { from: self.id, ..Message::default() };
        message.set_msg_type(MessageType::MsgPropose);
        message.set_entries(vec![entry].into());
        self.node.raft.step(message).map_err(|_| NotTaken)
    }

    /// Makes a committed change of the cluster.
    pub fn change(&mut self, change: &ConfChange) -> Result<ConfState, raft::Error> {
        let conf_state = self.node.apply_conf_change(change)?;
        self.node.mut_store().set_conf_state(conf_state.clone());
        Ok(conf_state)
    }

    /// Asks from which index on the state may answer read `number`. The answer may never come.
    pub fn read(&mut self, number: u64) {
        let mut context = self.id.to_le_bytes().to_vec();
        context.extend_from_slice(&number.to_le_bytes());
        self.node.read_index(context);
    }

    /// Takes a message of another member. What does not fit is dropped, as the network might have.
    pub fn receive(&mut self, message: Message) {
        let _ = self.node.step(message);
        self.draw_election_timeout();
    }

    /// Hands leadership to a member, if it is up to it.
    pub fn transfer(&mut self, to: u64) {
        self.node.transfer_leader(to);
    }

    /// A message to the member could not be delivered.
    pub fn unreachable(&mut self, id: u64) {
        self.node.report_unreachable(id);
    }

    /// A snapshot was delivered to the member, or not.
    pub fn snapshot_sent(&mut self, id: u64, delivered: bool) {
        let status = if delivered { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        self.node.report_snapshot(id, status);
    }

    /// What is to be done, if anything. After effects with [`Effects::persist`], nothing else may
    /// be asked of the driver before [`Driver::persisted`].
    pub fn effects(&mut self) -> Option<Effects> {
        assert!(self.unpersisted.is_none(), "persisted() was not called");
        if !self.node.has_ready() {
            return None;
        }
        let mut ready = self.node.ready();
        let number = |context: Vec<u8>| {
            let number = context.get(8..16).and_then(|bytes| bytes.try_into().ok());
            number.map_or(0, u64::from_le_bytes)
        };
        let mut effects = Effects {
            messages: ready.take_messages(),
            committed: ready.take_committed_entries(),
            reads: Vec::new(),
            role: self.changed_role(),
            persist: None,
        };
        for read in ready.take_read_states() {
            effects.reads.push((number(read.request_ctx), read.index));
        }
        let snapshot = (!ready.snapshot().is_empty()).then(|| ready.snapshot().clone());
        let persist = Persist {
            hard_state: ready.hs().cloned(),
            entries: ready.take_entries(),
            snapshot,
            must_sync: ready.must_sync(),
            messages: ready.take_persisted_messages(),
        };
        let store = self.node.mut_store();
        if let Some(state) = &persist.hard_state {
            store.set_hard_state(state.clone());
        }
        if let Some(snapshot) = &persist.snapshot {
            store.install(snapshot);
        }
        store.append(&persist.entries);
        effects.persist = Some(persist);
        self.unpersisted = Some(ready);
        Some(effects)
    }

    /// The effects' `persist` is durable. What follows needs nothing further on the disk.
    pub fn persisted(&mut self) -> Effects {
        let ready = self.unpersisted.take().expect("effects with something to persist came first");
        let mut light = self.node.advance_append(ready);
        if let Some(commit) = light.commit_index() {
            self.node.mut_store().set_commit(commit);
        }
        Effects {
            messages: light.take_messages(),
            committed: light.take_committed_entries(),
            role: self.changed_role(),
            ..Effects::default()
        }
    }

    /// The committed entries up to `index` were handed to the state, and their changes of the
    /// cluster made.
    pub fn handed_over(&mut self, index: u64) {
        if index > self.node.raft.raft_log.applied {
            self.node.advance_apply_to(index);
        }
    }

    /// Forgets entries that the state has: a member that lacks them gets a snapshot.
    pub fn forget(&mut self, keep_bytes: u64) {
        let applied = self.node.raft.raft_log.applied;
        self.node.mut_store().forget(applied, keep_bytes);
    }

    /// A snapshot for members that lack what was forgotten: asked for by
    /// [`Driver::wants_snapshot`].
    pub fn offer_snapshot(&mut self, index: u64, term: u64, conf_state: ConfState) {
        self.node.mut_store().offer_snapshot(index, term, conf_state);
    }

    /// Whether a snapshot was asked for since the last call.
    pub fn wants_snapshot(&mut self) -> bool {
        self.node.store().take_wanted()
    }

    /// Role, term and leader.
    #[must_use]
    pub fn role(&self) -> Role {
        let raft = &self.node.raft;
        let leading = raft.state == StateRole::Leader;
        Role { leader: raft.leader_id, leading, term: raft.term }
    }

    /// Whether this member is the only one that votes.
    #[must_use]
    pub fn sole_voter(&self) -> bool {
        let voters = self.node.raft.prs().conf().voters();
        self.node.raft.prs().is_singleton() && voters.contains(self.id)
    }

    /// Raft's configuration as of the changes made.
    #[must_use]
    pub fn conf_state(&self) -> ConfState {
        self.node.store().conf_state()
    }

    /// Index of the last entry of the log, and of the last committed.
    #[must_use]
    pub fn indexes(&self) -> (u64, u64) {
        let log = &self.node.raft.raft_log;
        (log.last_index(), log.committed)
    }

    /// How far a member has got, on the leader: the last entry that it has for certain, and
    /// whether it was heard of lately.
    #[must_use]
    pub fn progress(&self, id: u64) -> Option<(u64, bool)> {
        let progress = self.node.raft.prs().get(id)?;
        Some((progress.matched, progress.recent_active || id == self.id))
    }

    fn changed_role(&mut self) -> Option<Role> {
        let role = self.role();
        (self.role.replace(role) != Some(role)).then_some(role)
    }

    /// Replaces an election timeout that the `raft` crate drew from the machine's randomness by
    /// one of our own, so that a simulation repeats itself.
    fn draw_election_timeout(&mut self) {
        if self.node.raft.randomized_election_timeout() == self.election_timeout {
            return;
        }
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let ticks = self.election_ticks;
        self.election_timeout = ticks + (self.random >> 33) as usize % ticks;
        self.node.raft.set_randomized_election_timeout(self.election_timeout);
    }
}
