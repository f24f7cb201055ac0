//! One member's consensus together with its log: carries the driver's effects out in their order.
//!
//! Synchronous, and the same under threads as in a simulation: what leaves goes through
//! [`Outbox`], what is durable through the log's [`crate::disk::Disk`].

use bytes::Bytes;
use raft::eraftpb::{ConfState, Entry, EntryType, HardState, Message, Snapshot};

use crate::batch::BatchId;
use crate::driver::{Driver, Role};
use crate::log::{Log, LogError};
use crate::membership::MemberChange;

/// What is committed, for the state.
#[derive(Debug)]
pub enum Committed {
    /// Commands.
    Entry(Entry),
    /// A change of the cluster, already made in Raft.
    Change(Box<Change>),
}

/// A committed change of the cluster.
#[derive(Debug)]
pub struct Change {
    /// The entry.
    pub entry: Entry,
    /// The change; none if Raft refused it, or the entry's bytes are not one.
    pub change: Option<MemberChange>,
    /// Raft's configuration from here on.
    pub conf_state: ConfState,
}

impl Committed {
    /// The entry that is committed.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        match self {
            Self::Entry(entry) => entry,
            Self::Change(change) => &change.entry,
        }
    }
}

/// Where effects go.
pub trait Outbox {
    /// To another member.
    fn send(&mut self, message: Message);
    /// To the state, in order.
    fn commit(&mut self, committed: Committed);
    /// A read's number, and the index from which on the state may answer it.
    fn read(&mut self, number: u64, index: u64);
    /// The role changed.
    fn role(&mut self, role: Role, sole_voter: bool);
    /// A received snapshot comes into force: its checkpoint must be durable when this returns, and
    /// the state is replaced before anything that is committed later.
    fn install(&mut self, snapshot: &Snapshot) -> Result<(), LogError>;
    /// The log has no space: `true` to try again, after some time; the replica stops otherwise.
    fn out_of_space(&mut self, error: &LogError) -> bool;
}

/// A member's consensus and log.
#[derive(Debug)]
pub struct Replica {
    /// Consensus.
    pub driver: Driver,
    /// The log.
    pub log: Log,
    /// A hard state whose only news is the commit: it goes along with the next append.
    unwritten: Option<HardState>,
}

impl Replica {
    /// Puts the two together.
    #[must_use]
    pub fn new(driver: Driver, log: Log) -> Self {
        Self { driver, log, unwritten: None }
    }

    /// Carries out all there is to do. An error is the log's, and the end of this member until it
    /// is started again.
    pub fn advance(&mut self, out: &mut impl Outbox) -> Result<(), LogError> {
        while let Some(mut effects) = self.driver.effects() {
            if let Some(role) = effects.role.take() {
                out.role(role, self.driver.sole_voter());
            }
            effects.messages.drain(..).for_each(|message| out.send(message));
            let persist = effects.persist.take();
            self.hand_over(effects.committed, out);
            if let Some(persist) = persist {
                if let Some(snapshot) = &persist.snapshot {
                    self.install(persist.hard_state.clone(), snapshot, out)?;
                }
                if persist.hard_state.is_some() {
                    self.unwritten = persist.hard_state;
                }
                if persist.must_sync && (persist.snapshot.is_none() || !persist.entries.is_empty())
                {
                    self.append(&persist.entries, out)?;
                }
                persist.messages.into_iter().for_each(|message| out.send(message));
                let after = self.driver.persisted();
                if let Some(snapshot) = &persist.snapshot {
                    self.driver.handed_over(snapshot.get_metadata().index);
                }
                if let Some(role) = after.role {
                    out.role(role, self.driver.sole_voter());
                }
                after.messages.into_iter().for_each(|message| out.send(message));
                self.hand_over(after.committed, out);
            }
            for (number, index) in effects.reads {
                out.read(number, index);
            }
        }
        Ok(())
    }

    /// The checkpoint first, then the log: a crash in between is mended when the log is opened.
    fn install(
        &mut self,
        hard_state: Option<HardState>,
        snapshot: &Snapshot,
        out: &mut impl Outbox,
    ) -> Result<(), LogError> {
        out.install(snapshot)?;
        let metadata = snapshot.get_metadata();
        let hard_state = hard_state
            .or_else(|| self.unwritten.clone())
            .unwrap_or_else(|| self.log.hard_state().clone());
        loop {
            match self.log.restart(&hard_state, metadata.index, metadata.term) {
                Err(error) if error.is_no_space() && out.out_of_space(&error) => {}
                outcome => return outcome,
            }
        }
    }

    fn append(&mut self, entries: &[Entry], out: &mut impl Outbox) -> Result<(), LogError> {
        loop {
            match self.log.append(self.unwritten.as_ref(), entries) {
                Err(error) if error.is_no_space() && out.out_of_space(&error) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.unwritten = None;
                    return Ok(());
                }
            }
        }
    }

    fn hand_over(&mut self, committed: Vec<Entry>, out: &mut impl Outbox) {
        let Some(last) = committed.last().map(|entry| entry.index) else { return };
        for entry in committed {
            out.commit(match entry.entry_type {
                EntryType::EntryNormal => Committed::Entry(entry),
                _ => self.change(entry),
            });
        }
        self.driver.handed_over(last);
        let role = self.driver.role();
        out.role(role, self.driver.sole_voter());
    }

    fn change(&mut self, entry: Entry) -> Committed {
        let context = BatchId::split(&entry.context).map_or_else(Bytes::new, |(_, rest)| rest);
        let change = MemberChange::decode(&context);
        let conf_change = change.as_ref().map(MemberChange::conf_change).unwrap_or_default();
        // Raft refuses a change that would leave nobody; every member refuses it alike.
        let (change, conf_state) = match self.driver.change(&conf_change) {
            Ok(conf_state) => (change, conf_state),
            Err(_) => (None, self.driver.conf_state()),
        };
        Committed::Change(Box::new(Change { entry, change, conf_state }))
    }
}
