//! Layers unpacked on threads of their own, a few at a time.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use isopod_base::Digest;

use super::unpack::{Outcome, unpack_hashed};
use crate::content::{Cancel, Follower};
use crate::error::LayerError;
use crate::failpoint;
use crate::limits::Limits;
use crate::snapshot::StagedLayer;

/// How many layers of a store are unpacked at once.
#[derive(Debug)]
pub(crate) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    /// As many as there are processors, two at least and eight at most.
    pub(crate) fn for_this_machine() -> Self {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        Self { free: Mutex::new(processors.clamp(2, 8)), freed: Condvar::new() }
    }

    /// Waits for a slot; nothing, if the job was cancelled meanwhile.
    fn take(self: &Arc<Self>, cancelled: &AtomicBool) -> Option<Slot> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while !cancelled.load(Ordering::Relaxed) {
            if *free > 0 {
                *free -= 1;
                return Some(Slot(Arc::clone(self)));
            }
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Lets cancelled jobs notice.
    fn wake(&self) {
        drop(self.free.lock().unwrap_or_else(PoisonError::into_inner));
        self.freed.notify_all();
    }
}

struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// A layer that has been unpacked and awaits its commit.
#[derive(Debug)]
pub struct UnpackedLayer {
    pub(crate) layer: StagedLayer,
    pub(crate) outcome: Outcome,
}

impl UnpackedLayer {
    /// What came out.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

/// A layer that is being unpacked. Dropped before its end, it stops and leaves nothing.
#[derive(Debug)]
pub struct LayerJob {
    thread: Option<JoinHandle<Result<UnpackedLayer, LayerError>>>,
    consumed: Arc<AtomicU64>,
    cancel: Cancel,
    slots: Arc<Slots>,
}

impl Drop for LayerJob {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.cancel.cancel();
            self.slots.wake();
            // Its outcome is of no interest; its files are gone once it has ended.
            let _ = thread.join();
        }
    }
}

impl LayerJob {
    /// Starts to unpack what `input` follows into `layer`.
    pub(crate) fn start(
        slots: &Arc<Slots>,
        input: Follower,
        layer: StagedLayer,
        expected: Option<Digest>,
        limits: Limits,
    ) -> Result<Self, LayerError> {
        let cancel = input.canceller();
        let stop = cancel.share();
        let waiting = Arc::clone(slots);
        let consumed = Arc::new(AtomicU64::new(0));
        let progress = Arc::clone(&consumed);
        let thread = thread::Builder::new()
            .name("layer".to_owned())
            .spawn(move || {
                let _slot = waiting.take(stop.flag()).ok_or(LayerError::Abandoned)?;
                run(input, layer, expected.as_ref(), &limits, &progress)
            })
            .map_err(LayerError::io("start a thread"))?;
        Ok(Self { thread: Some(thread), consumed, cancel, slots: Arc::clone(slots) })
    }

    /// Compressed bytes unpacked so far.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// The count behind [`LayerJob::progress`], for whoever watches while another thread joins.
    #[must_use]
    pub fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }

    /// Whether it has ended, well or not.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end.
    pub fn join(mut self) -> Result<UnpackedLayer, LayerError> {
        let thread = self.thread.take().expect("taken only here and in drop");
        thread.join().unwrap_or(Err(LayerError::Abandoned))
    }
}

fn run(
    input: Follower,
    mut layer: StagedLayer,
    expected: Option<&Digest>,
    limits: &Limits,
    progress: &Arc<AtomicU64>,
) -> Result<UnpackedLayer, LayerError> {
    let algorithm = expected.map_or(isopod_base::Algorithm::Sha256, Digest::algorithm);
    let arrival = input.arrival();
    let digest = || arrival.digest();
    let hashed: Option<&dyn Fn() -> Option<Digest>> =
        if arrival.algorithm() == Some(algorithm) { Some(&digest) } else { None };
    let counted = Counted { input, consumed: Arc::clone(progress) };
    let read = || progress.load(Ordering::Relaxed);
    let outcome = unpack_hashed(counted, read, &mut layer, algorithm, hashed, limits)?;
    if let Some(expected) = expected
        && *expected != outcome.diff_id
    {
        return Err(LayerError::WrongDiffId {
            expected: expected.clone(),
            actual: outcome.diff_id,
        });
    }
    failpoint::reach("layer.unpacked");
    Ok(UnpackedLayer { layer, outcome })
}

struct Counted {
    input: Follower,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.consumed.store(self.input.position(), Ordering::Relaxed);
        Ok(count)
    }
}
