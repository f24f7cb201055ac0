//! What the `raft` crate reads of the log: the entries that are not forgotten, in memory. The
//! write-ahead log holds the same on the disk.

use std::cell::Cell;
use std::collections::VecDeque;

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

use super::Recovery;

/// The log's end in memory.
#[derive(Debug)]
pub struct Memory {
    hard_state: HardState,
    conf_state: ConfState,
    /// Index and term of the entry before the first.
    base: (u64, u64),
    entries: VecDeque<Entry>,
    entries_bytes: u64,
    offered: Option<Snapshot>,
    wanted: Cell<bool>,
}

fn size_bytes(entry: &Entry) -> u64 {
    (entry.data.len() + entry.context.len() + std::mem::size_of::<Entry>()) as u64
}

impl Memory {
    pub(crate) fn new(recovery: Recovery) -> Self {
        let mut hard_state = recovery.hard_state;
        // The commit may not have been written since the checkpoint; an entry of the checkpoint
        // was committed. Nor may it pass the log's end, if what it counts was never acknowledged.
        let last = recovery.entries.last().map_or(recovery.checkpoint.0, |entry| entry.index);
        hard_state.commit = hard_state.commit.clamp(recovery.checkpoint.0, last);
        hard_state.term = hard_state.term.max(recovery.checkpoint.1);
        let entries_bytes = recovery.entries.iter().map(size_bytes).sum();
        Self {
            hard_state,
            conf_state: recovery.conf_state,
            base: recovery.checkpoint,
            entries: recovery.entries.into(),
            entries_bytes,
            offered: None,
            wanted: Cell::new(false),
        }
    }

    pub(crate) fn set_hard_state(&mut self, state: HardState) {
        self.hard_state = state;
    }

    pub(crate) fn set_commit(&mut self, commit: u64) {
        self.hard_state.commit = commit;
    }

    pub(crate) fn set_conf_state(&mut self, state: ConfState) {
        self.conf_state = state;
    }

    pub(crate) fn conf_state(&self) -> ConfState {
        self.conf_state.clone()
    }

    /// Entries that follow, or replace what is there from the first one's index on.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        while self.entries.back().is_some_and(|last| last.index >= first.index) {
            let replaced = self.entries.pop_back();
            self.entries_bytes -= replaced.as_ref().map_or(0, size_bytes);
        }
        self.entries_bytes += entries.iter().map(size_bytes).sum::<u64>();
        self.entries.extend(entries.iter().cloned());
    }

    pub(crate) fn install(&mut self, snapshot: &Snapshot) {
        let metadata = snapshot.get_metadata();
        self.base = (metadata.index, metadata.term);
        self.conf_state = metadata.get_conf_state().clone();
        self.entries.clear();
        self.entries_bytes = 0;
    }

    pub(crate) fn forget(&mut self, applied: u64, keep_bytes: u64) {
        while self.entries_bytes > keep_bytes
            && self.entries.front().is_some_and(|first| first.index <= applied)
        {
            let Some(first) = self.entries.pop_front() else { break };
            self.entries_bytes -= size_bytes(&first);
            self.base = (first.index, first.term);
        }
    }

    pub(crate) fn offer_snapshot(&mut self, index: u64, term: u64, conf_state: ConfState) {
        let mut metadata = SnapshotMetadata { index, term, ..SnapshotMetadata::default() };
        metadata.set_conf_state(conf_state);
        let mut snapshot = Snapshot::default();
        snapshot.set_metadata(metadata);
        self.offered = Some(snapshot);
    }

    pub(crate) fn take_wanted(&self) -> bool {
        self.wanted.take()
    }

    fn last(&self) -> (u64, u64) {
        self.entries.back().map_or(self.base, |entry| (entry.index, entry.term))
    }

    fn at(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.checked_sub(self.base.0 + 1)?).ok()?)
    }
}

impl Storage for Memory {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard_state.clone(), self.conf_state.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low <= self.base.0 {
            return Err(StorageError::Compacted.into());
        }
        let most = max_size.into().unwrap_or(u64::MAX);
        let mut taken = 0;
        let mut entries = Vec::new();
        for index in low..high {
            let entry = self.at(index).ok_or(StorageError::Unavailable)?;
            taken += size_bytes(entry);
            if taken > most && !entries.is_empty() {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.base.0 {
            return Ok(self.base.1);
        }
        if index < self.base.0 {
            return Err(StorageError::Compacted.into());
        }
        Ok(self.at(index).ok_or(StorageError::Unavailable)?.term)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.base.0 + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last().0)
    }

    fn snapshot(&self, request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        match &self.offered {
            // One that is older than what was forgotten would leave a gap.
            Some(snapshot) if snapshot.get_metadata().index >= self.base.0.max(request_index) => {
                Ok(snapshot.clone())
            }
            _ => {
                self.wanted.set(true);
                Err(StorageError::SnapshotTemporarilyUnavailable.into())
            }
        }
    }
}
