//! The state that every member has, and how a command changes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::arena::Arena;
use crate::auth::Auth;
use crate::compact::Pins;
use crate::index::Index;
use crate::lease::Leases;
use crate::write::Write;
use crate::{
    AlarmKind, AlarmMember, AlarmRequest, Command, Error, EventBatch, LeaseGrant, Outcome, Request,
    Response, Revision,
};

/// The replicated state: keys with their history, leases, alarms, users and roles.
#[derive(Default)]
pub struct State {
    pub(crate) arena: Arena,
    pub(crate) index: Index,
    /// The newest revision.
    pub(crate) revision: Revisions,
    pub(crate) leases: Leases,
    pub(crate) alarms: BTreeSet<AlarmMember>,
    pub(crate) auth: Auth,
    /// Index and term of the log's last entry that was applied.
    pub(crate) applied: (u64, u64),
    pub(crate) pins: Pins,
}

/// The newest revision and the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revisions {
    pub(crate) newest: Revision,
    /// Reads below are refused. -1 before the first compaction.
    pub(crate) compacted: Revision,
}

impl Default for Revisions {
    fn default() -> Self {
        Self { newest: 1, compacted: -1 }
    }
}

impl State {
    /// An empty store, at revision 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies a command of the log's entry `index`. Several commands may come with the same
    /// index; that none comes twice is the caller's duty.
    pub fn apply(&mut self, index: u64, term: u64, command: &Command) -> Outcome {
        self.applied = (index, term);
        let mut events = Vec::new();
        let allowed =
            self.check_command(command).and_then(|()| self.check_alarms(&command.request));
        let result = allowed.and_then(|()| self.carry_out(&command.request, &mut events));
        let revision = self.revision.newest;
        let events = (!events.is_empty()).then(|| Arc::new(EventBatch { revision, events }));
        Outcome { revision, result, events }
    }

    /// Notes that the log's entry `index` was applied though it holds no command for the state.
    pub fn skip(&mut self, index: u64, term: u64) {
        self.applied = (index, term);
    }

    /// Index and term of the last entry that was applied.
    pub fn applied(&self) -> (u64, u64) {
        self.applied
    }

    /// The newest revision.
    pub fn revision(&self) -> Revision {
        self.revision.newest
    }

    /// The oldest revision that can be asked for; -1 before the first compaction.
    pub fn compact_revision(&self) -> Revision {
        self.revision.compacted
    }

    /// Bytes that keys, values and their history take, and how many of them are in use: the rest
    /// is given back as compaction goes on.
    pub fn size_bytes(&self) -> (usize, usize) {
        self.arena.sizes()
    }

    /// How many keys there are; deleted ones count until they are compacted.
    pub fn key_count(&self) -> usize {
        self.index.len()
    }

    /// The alarms that are raised.
    pub fn alarms(&self) -> impl Iterator<Item = AlarmMember> {
        self.alarms.iter().copied()
    }

    /// The leases.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    fn carry_out(
        &mut self,
        request: &Request,
        events: &mut Vec<crate::Event>,
    ) -> Result<Response, Error> {
        match request {
            Request::Put(put) => {
                self.check_put(put)?;
                Ok(Response::Put(Write::new(self, events).put(put)))
            }
            Request::Delete(delete) => {
                Ok(Response::Delete(Write::new(self, events).delete(delete)))
            }
            Request::Txn(txn) => Write::new(self, events).txn(txn).map(Response::Txn),
            Request::Compact(revision) => self.compact(*revision).map(|()| Response::Compact),
            Request::LeaseGrant(grant) => {
                let LeaseGrant { id, ttl } = *grant;
                self.leases.grant(id, ttl).map(|()| Response::LeaseGrant(*grant))
            }
            Request::LeaseRevoke(id) => {
                let keys = self.leases.take(*id)?;
                let mut write = Write::new(self, events);
                keys.iter().for_each(|key| write.delete_key(key));
                Ok(Response::LeaseRevoke)
            }
            Request::LeaseCheckpoint(checkpoints) => {
                checkpoints.iter().for_each(|each| self.leases.checkpoint(*each));
                Ok(Response::LeaseCheckpoint)
            }
            Request::Alarm(request) => Ok(Response::Alarm(self.change_alarms(*request))),
            Request::Auth(change) => self.auth.change(change).map(|()| Response::Auth),
            Request::Nothing => Ok(Response::Nothing),
        }
    }

    /// Refuses what the alarms forbid: without space what takes some, with corruption everything
    /// but lowering the alarm and what helps to repair.
    fn check_alarms(&self, request: &Request) -> Result<(), Error> {
        let raised = |kind| self.alarms.iter().any(|alarm| alarm.kind == kind);
        if self.alarms.is_empty() {
            return Ok(());
        }
        let harmless = matches!(request, Request::Alarm(_) | Request::Nothing);
        if raised(AlarmKind::Corrupt) && !harmless {
            return Err(Error::Corrupt);
        }
        if raised(AlarmKind::NoSpace) && request.takes_space() {
            return Err(Error::NoSpace);
        }
        Ok(())
    }

    /// The alarms that changed.
    fn change_alarms(&mut self, request: AlarmRequest) -> Vec<AlarmMember> {
        match request {
            AlarmRequest::Activate(alarm) => {
                self.alarms.insert(alarm);
                vec![alarm]
            }
            AlarmRequest::Deactivate(alarm) => self.alarms.take(&alarm).into_iter().collect(),
        }
    }
}

impl Request {
    /// Whether the request may need space of its own: what a full quota refuses.
    pub fn takes_space(&self) -> bool {
        match self {
            Request::Put(_) | Request::LeaseGrant(_) => true,
            Request::Txn(txn) => txn.has_puts(),
            _ => false,
        }
    }
}
