//! The thread of consensus: gathers what came in, steps Raft, writes the log, hands on what is
//! committed. While it waits for the disk the next batch gathers.

mod outbox;
mod pending;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use isopod_mvcc::Command;

use crate::applier::{Applied, Reply, Task};
use crate::checkpoint::CheckpointError;
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::keeper::Job;
use crate::log::Log;
use crate::membership::MemberChange;
use crate::replica::Replica;
use crate::shared::Shared;
use outbox::ThreadOutbox;
use pending::Pending;

/// What may happen to a member.
pub(crate) enum Input {
    /// Somebody proposes.
    Propose(Command, Reply<Applied>),
    /// Somebody wants the members changed.
    Change(MemberChange, Reply<()>),
    /// Somebody wants to read the newest state.
    Read(Reply<()>),
    /// Leadership shall go to this member.
    Transfer(u64, Reply<()>),
    /// The log's next segment is laid out, or could not be.
    SpareDone(bool),
    /// A checkpoint up to this index is durable, or could not be written.
    CheckpointDone(Result<u64, CheckpointError>),
    /// The store stops.
    Stop,
}

/// Inputs that wait, at most; whoever comes then is told that there are too many.
pub(crate) const QUEUE: usize = 16 << 10;
/// Inputs taken at once.
const ROUND: usize = 4 << 10;
/// Room in the log that proposals leave to Raft's own needs.
const RESERVED_BYTES: u64 = 256 << 10;
/// Entries kept in memory for members that lag, in bytes; a sole member keeps none.
const KEPT_BYTES: u64 = 64 << 20;
/// Until a checkpoint or a segment that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(2);

pub(crate) struct MemberLoop {
    pub(crate) config: StoreConfig,
    pub(crate) shared: Arc<Shared>,
    pub(crate) replica: Replica,
    pub(crate) applier: SyncSender<Task>,
    pub(crate) keeper: SyncSender<Job>,
    pending: Pending,
    spare: Errand,
    checkpoint: Errand,
    /// Bytes of the log when the last checkpoint was done.
    log_bytes_at_checkpoint: u64,
    sequence_at_tick: u64,
}

impl MemberLoop {
    pub(crate) fn new(
        config: StoreConfig,
        shared: Arc<Shared>,
        replica: Replica,
        applier: SyncSender<Task>,
        keeper: SyncSender<Job>,
    ) -> Self {
        let pending = Pending::new(shared.member_id, config.request_timeout());
        Self {
            config,
            shared,
            replica,
            applier,
            keeper,
            pending,
            spare: Errand::default(),
            checkpoint: Errand::default(),
            log_bytes_at_checkpoint: 0,
            sequence_at_tick: 0,
        }
    }

    /// Works until told to stop, or until the log fails.
    pub(crate) fn run(mut self, inputs: &Receiver<Input>) {
        if self.replica.driver.sole_voter() {
            self.replica.driver.campaign();
        }
        let outcome = self.work(inputs);
        if let Err(error) = outcome {
            self.shared.fail(error);
        }
        let error = self.shared.failure().unwrap_or(StoreError::Stopped);
        self.shared.fail(error.clone());
        self.pending.refuse_all(&error);
        while let Ok(input) = inputs.try_recv() {
            refuse(input, &error);
        }
    }

    fn work(&mut self, inputs: &Receiver<Input>) -> Result<(), StoreError> {
        let mut next_tick = Instant::now() + self.config.heartbeat;
        self.advance()?;
        loop {
            let now = Instant::now();
            if now >= next_tick {
                next_tick = now + self.config.heartbeat;
                self.tick(now)?;
                self.advance()?;
            }
            match inputs.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.replica.log.seal();
                    return Ok(());
                }
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => continue,
            }
            for _ in 1..ROUND {
                match inputs.try_recv() {
                    Ok(Input::Stop) => {
                        let _ = self.replica.log.seal();
                        return Ok(());
                    }
                    Ok(input) => self.take(input),
                    Err(_) => break,
                }
                if self.pending.gathered_bytes() > self.gathering_limit() {
                    break;
                }
            }
            self.pending.step(&mut self.replica.driver);
            self.advance()?;
            self.keep_house();
        }
    }

    /// Most bytes of proposals that go into one append.
    fn gathering_limit(&self) -> usize {
        1 << 20
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Propose(command, reply) => {
                if self.has_room() {
                    self.pending.gather(&command, reply, self.config.max_request_bytes);
                } else {
                    let _ = reply.send(Err(StoreError::DiskFull));
                }
            }
            Input::Change(change, reply) => self.pending.change(&change, reply),
            Input::Read(reply) => self.pending.read(reply),
            Input::Transfer(to, reply) => {
                self.pending.transfer(to, reply, &mut self.replica.driver);
            }
            Input::SpareDone(laid_out) => self.spare.returned(laid_out),
            Input::CheckpointDone(Ok(index)) => {
                self.checkpoint.returned(true);
                // A file that could not be removed is tried again with the next checkpoint.
                let _ = self.replica.log.cut(index);
                self.log_bytes_at_checkpoint = self.replica.log.used_bytes();
            }
            Input::CheckpointDone(Err(_)) => self.checkpoint.returned(false),
            Input::Stop => {}
        }
    }

    /// Whether what is gathered and a request more fit into the log for certain. Nothing may come
    /// to Raft that then cannot be written.
    fn has_room(&mut self) -> bool {
        let needed = self.pending.gathered_bytes() as u64
            + self.config.max_request_bytes as u64
            + Log::needed_bytes(&[])
            + RESERVED_BYTES;
        let log = &self.replica.log;
        // When writers outrun the keeper they wait here for the next segment.
        let room = log.room_bytes() >= needed
            || (!self.spare.failed_lately() && log.spare().prepare().is_ok());
        if !room && !self.spare.failed_lately() {
            self.spare.returned(false);
        }
        self.shared.disk_full.store(!room, Ordering::Relaxed);
        room
    }

    fn tick(&mut self, now: Instant) -> Result<(), StoreError> {
        self.replica.driver.tick();
        self.pending.tick(now, &mut self.replica.driver);
        self.keep_house();
        if self.replica.log.sequence() == self.sequence_at_tick {
            self.replica.log.seal().map_err(|error| log_failed(&error))?;
        }
        self.sequence_at_tick = self.replica.log.sequence();
        Ok(())
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        let mut outbox = ThreadOutbox {
            shared: &self.shared,
            applier: &self.applier,
            pending: &mut self.pending,
        };
        self.replica.advance(&mut outbox).map_err(|error| log_failed(&error))?;
        let kept = if self.replica.driver.sole_voter() { 0 } else { KEPT_BYTES };
        self.replica.driver.forget(kept);
        Ok(())
    }

    /// Asks the keeper for what is lacking.
    fn keep_house(&mut self) {
        let log = &self.replica.log;
        let (_, committed) = self.replica.driver.indexes();
        self.shared.committed.store(committed, Ordering::Relaxed);
        self.shared.log_bytes.store(log.used_bytes(), Ordering::Relaxed);
        if log.spare().size_bytes() == 0
            && self.spare.is_due()
            && self.keeper.try_send(Job::Spare).is_ok()
        {
            self.spare.went();
        }
        let grown = log.used_bytes().saturating_sub(self.log_bytes_at_checkpoint);
        if grown >= self.config.checkpoint_bytes
            && self.checkpoint.is_due()
            && self.applier.try_send(Task::Checkpoint).is_ok()
        {
            self.checkpoint.went();
        }
    }
}

/// Work of another thread that is asked for once at a time, and again some time after it failed.
#[derive(Debug, Default)]
struct Errand {
    under_way: bool,
    failed: Option<Instant>,
}

impl Errand {
    fn is_due(&self) -> bool {
        !self.under_way && !self.failed_lately()
    }

    fn failed_lately(&self) -> bool {
        self.failed.is_some_and(|failed| failed.elapsed() < RETRY)
    }

    fn went(&mut self) {
        self.under_way = true;
    }

    fn returned(&mut self, done: bool) {
        self.under_way = false;
        self.failed = (!done).then(Instant::now);
    }
}

fn log_failed(error: &crate::log::LogError) -> StoreError {
    StoreError::LogFailed(isopod_base::chain(error).to_string())
}

/// Tells whoever waits that nothing comes of it.
fn refuse(input: Input, error: &StoreError) {
    match input {
        Input::Propose(_, reply) => drop(reply.send(Err(error.clone()))),
        Input::Change(_, reply) | Input::Read(reply) | Input::Transfer(_, reply) => {
            drop(reply.send(Err(error.clone())));
        }
        _ => {}
    }
}
