//! Where a replica's effects go when threads carry them out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use raft::eraftpb::{Message, Snapshot};

use super::pending::Pending;
use crate::applier::Task;
use crate::driver::Role;
use crate::error::StoreError;
use crate::log::LogError;
use crate::replica::{Committed, Outbox};
use crate::shared::Shared;

/// Until the log is tried again on a full disk.
const RETRY: Duration = Duration::from_millis(100);

pub(super) struct ThreadOutbox<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) applier: &'a SyncSender<Task>,
    pub(super) pending: &'a mut Pending,
}

impl ThreadOutbox<'_> {
    /// The queue is bounded: consensus waits for a state that lags. A state that is gone means
    /// that the store stops, which the loop notices by itself.
    fn apply(&self, task: Task) {
        let _ = self.applier.send(task);
    }
}

impl Outbox for ThreadOutbox<'_> {
    fn send(&mut self, _message: Message) {}

    fn commit(&mut self, committed: Committed) {
        let waiting = self.pending.committed(committed.entry());
        self.apply(Task::Commit(committed, waiting));
    }

    fn read(&mut self, number: u64, index: u64) {
        let replies = self.pending.answered(number);
        if !replies.is_empty() {
            self.apply(Task::Read(index, replies));
        }
    }

    fn role(&mut self, role: Role, sole_voter: bool) {
        if self.pending.changed_role(role, sole_voter) {
            let epoch = self.shared.begin_role(role);
            self.apply(Task::Role { role, sole_voter, epoch });
        }
    }

    fn install(&mut self, _snapshot: &Snapshot) -> Result<(), LogError> {
        Ok(())
    }

    fn out_of_space(&mut self, _error: &LogError) -> bool {
        self.shared.disk_full.store(true, Ordering::Relaxed);
        // What was proposed may yet take effect: nobody is told that it does not.
        self.pending.refuse_all(&StoreError::Timeout);
        std::thread::sleep(RETRY);
        true
    }
}
