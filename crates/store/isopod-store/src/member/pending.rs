//! What was asked of the member and is not answered yet.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use isopod_mvcc::Command;
use raft::eraftpb::Entry;

use crate::applier::{Applied, Reply, Waiting};
use crate::batch::{self, BatchId};
use crate::driver::{Driver, Role};
use crate::error::StoreError;
use crate::membership::MemberChange;

/// Bytes of commands that go into one entry.
const ENTRY_BYTES: usize = 256 << 10;

/// Proposals and reads under way. Numbers grow with time, so the first is the oldest.
pub(super) struct Pending {
    member_id: u64,
    timeout: Duration,
    next_number: u64,
    /// Commands for the next entry.
    gathered: Vec<u8>,
    gathered_replies: Vec<Reply<Applied>>,
    /// Entries that wait for a leader who takes them.
    unproposed: Vec<(u64, Unproposed)>,
    proposed: BTreeMap<u64, (Instant, Waiting)>,
    new_reads: Vec<Reply<()>>,
    reads: BTreeMap<u64, Read>,
    transfer: Option<(u64, Instant, Reply<()>)>,
    role: Option<(Role, bool)>,
    /// When a leader was last lost.
    leader_lost: Option<Instant>,
}

enum Unproposed {
    Commands(Bytes),
    Change(Bytes),
}

struct Read {
    since: Instant,
    asked: Instant,
    replies: Vec<Reply<()>>,
}

impl Pending {
    pub(super) fn new(member_id: u64, timeout: Duration) -> Self {
        // An entry of an earlier run of this member must not be taken for one of this run.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            member_id,
            timeout,
            next_number: u64::try_from(since.as_nanos()).unwrap_or(0),
            gathered: Vec::new(),
            gathered_replies: Vec::new(),
            unproposed: Vec::new(),
            proposed: BTreeMap::new(),
            new_reads: Vec::new(),
            reads: BTreeMap::new(),
            transfer: None,
            role: None,
            leader_lost: None,
        }
    }

    /// Bytes of proposals that are not in the log yet.
    pub(super) fn gathered_bytes(&self) -> usize {
        let waiting = self.unproposed.iter().map(|(_, entry)| match entry {
            Unproposed::Commands(data) | Unproposed::Change(data) => data.len(),
        });
        self.gathered.len() + waiting.sum::<usize>()
    }

    /// Takes a command for the next entry.
    pub(super) fn gather(&mut self, command: &Command, reply: Reply<Applied>, most_bytes: usize) {
        let before = self.gathered.len();
        batch::push(&mut self.gathered, command);
        if self.gathered.len() - before > most_bytes {
            self.gathered.truncate(before);
            let _ = reply.send(Err(StoreError::RequestTooLarge));
            return;
        }
        self.gathered_replies.push(reply);
        if self.gathered.len() >= ENTRY_BYTES {
            self.close_entry();
        }
    }

    fn close_entry(&mut self) {
        if self.gathered_replies.is_empty() {
            return;
        }
        let data = std::mem::take(&mut self.gathered).into();
        let replies = std::mem::take(&mut self.gathered_replies);
        self.queue(Unproposed::Commands(data), Waiting::Commands(replies));
    }

    pub(super) fn change(&mut self, change: &MemberChange, reply: Reply<()>) {
        let under_way = self.proposed.values().any(|(_, each)| matches!(each, Waiting::Change(_)));
        if under_way {
            let _ = reply.send(Err(StoreError::ChangePending));
            return;
        }
        self.close_entry();
        self.queue(Unproposed::Change(change.encode().into()), Waiting::Change(reply));
    }

    fn queue(&mut self, entry: Unproposed, waiting: Waiting) {
        let number = self.number();
        self.unproposed.push((number, entry));
        self.proposed.insert(number, (Instant::now(), waiting));
    }

    pub(super) fn read(&mut self, reply: Reply<()>) {
        self.new_reads.push(reply);
    }

    pub(super) fn transfer(&mut self, to: u64, reply: Reply<()>, driver: &mut Driver) {
        if !driver.role().leading {
            let _ = reply.send(Err(StoreError::NotLeader));
        } else if driver.role().leader == to {
            let _ = reply.send(Ok(()));
        } else if driver.progress(to).is_none() {
            let _ = reply.send(Err(StoreError::BadLeaderTransferee));
        } else {
            driver.transfer(to);
            self.transfer = Some((to, Instant::now(), reply));
        }
    }

    /// Gives what was gathered to the driver: all commands as few entries, all reads as one.
    pub(super) fn step(&mut self, driver: &mut Driver) {
        self.close_entry();
        let mut entries = std::mem::take(&mut self.unproposed).into_iter();
        for (batch, entry) in entries.by_ref() {
            let mut context = BatchId { proposer: self.member_id, batch }.encode();
            let taken = match &entry {
                Unproposed::Commands(data) => driver.propose(context.into(), data.clone()),
                Unproposed::Change(change) => {
                    context.extend_from_slice(change);
                    driver.propose_change(context.into())
                }
            };
            if taken.is_err() {
                self.unproposed.push((batch, entry));
                break;
            }
        }
        self.unproposed.extend(entries);
        if !self.new_reads.is_empty() {
            let number = self.number();
            let replies = std::mem::take(&mut self.new_reads);
            let now = Instant::now();
            self.reads.insert(number, Read { since: now, asked: now, replies });
            driver.read(number);
        }
    }

    /// Who waits for an entry, if it is one of this member's proposals.
    pub(super) fn committed(&mut self, entry: &Entry) -> Option<Waiting> {
        let (id, _) = BatchId::split(&entry.context)?;
        if id.proposer != self.member_id {
            return None;
        }
        self.proposed.remove(&id.batch).map(|(_, waiting)| waiting)
    }

    /// Who waits for a read, and for those before it: what is new enough for a later one is for
    /// an earlier one.
    pub(super) fn answered(&mut self, number: u64) -> Vec<Reply<()>> {
        let later = self.reads.split_off(&(number + 1));
        let answered = std::mem::replace(&mut self.reads, later);
        answered.into_values().flat_map(|read| read.replies).collect()
    }

    /// Notes the role; true if it is another.
    pub(super) fn changed_role(&mut self, role: Role, sole_voter: bool) -> bool {
        let before = self.role.replace((role, sole_voter));
        if before == self.role {
            return false;
        }
        if before.is_some_and(|(before, _)| before.leader != 0 && before.leader != role.leader) {
            self.leader_lost = Some(Instant::now());
        }
        if let Some((_, _, reply)) = self.transfer.take_if(|(to, ..)| *to == role.leader) {
            let _ = reply.send(Ok(()));
        }
        true
    }

    /// Asks again for what a lost message may have swallowed, and gives up what took too long.
    pub(super) fn tick(&mut self, now: Instant, driver: &mut Driver) {
        while let Some(first) = self.proposed.first_entry() {
            let since = first.get().0;
            if now.duration_since(since) < self.timeout {
                break;
            }
            let number = *first.key();
            self.unproposed.retain(|(each, _)| *each != number);
            let (_, waiting) = first.remove();
            refuse(waiting, &self.too_late(since));
        }
        let again = Duration::from_millis(500);
        for (number, read) in &mut self.reads {
            if now.duration_since(read.asked) >= again {
                read.asked = now;
                driver.read(*number);
            }
        }
        while let Some(first) = self.reads.first_entry() {
            if now.duration_since(first.get().since) < self.timeout {
                break;
            }
            let read = first.remove();
            let error = self.too_late(read.since);
            read.replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone()))));
        }
        let late = |(_, at, _): &mut (u64, Instant, _)| now.duration_since(*at) > self.timeout;
        if let Some((_, _, reply)) = self.transfer.take_if(late) {
            let _ = reply.send(Err(StoreError::Timeout));
        }
        self.step(driver);
    }

    fn too_late(&self, since: Instant) -> StoreError {
        match self.leader_lost {
            Some(lost) if lost >= since => StoreError::TimeoutLeaderFail,
            _ => StoreError::Timeout,
        }
    }

    pub(super) fn refuse_all(&mut self, error: &StoreError) {
        self.close_entry();
        self.unproposed.clear();
        for (_, waiting) in std::mem::take(&mut self.proposed).into_values() {
            refuse(waiting, error);
        }
        let reads = std::mem::take(&mut self.reads).into_values().flat_map(|read| read.replies);
        let transfer = self.transfer.take().map(|(_, _, reply)| reply);
        for reply in reads.chain(std::mem::take(&mut self.new_reads)).chain(transfer) {
            let _ = reply.send(Err(error.clone()));
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

fn refuse(waiting: Waiting, error: &StoreError) {
    match waiting {
        Waiting::Commands(replies) => {
            replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone()))));
        }
        Waiting::Change(reply) => drop(reply.send(Err(error.clone()))),
    }
}
