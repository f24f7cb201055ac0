//! Forgetting what is superseded, a little at a time.
//!
//! A compaction takes effect at once: what it forbids to read cannot be read. Memory comes back
//! in steps that the caller makes between other work. Their speed is each member's own affair,
//! and changes nothing that can be seen.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::state::State;
use crate::{Error, Revision};

/// Revisions that someone is reading piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<Vec<(Revision, Weak<()>)>>);

/// Keeps a revision readable while it lives.
#[derive(Debug)]
pub(crate) struct Pin(Arc<()>);

impl Pins {
    pub(crate) fn pin(&self, revision: Revision) -> Pin {
        let pin = Pin(Arc::new(()));
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pins.push((revision, Arc::downgrade(&pin.0)));
        pin
    }

    /// The oldest revision that is being read.
    fn oldest(&mut self) -> Option<Revision> {
        let pins = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        pins.retain(|(_, pin)| pin.strong_count() > 0);
        pins.iter().map(|(revision, _)| *revision).min()
    }
}

impl State {
    pub(crate) fn compact(&mut self, revision: Revision) -> Result<(), Error> {
        if revision <= self.revision.compacted {
            return Err(Error::Compacted { compact_revision: self.revision.compacted });
        }
        if revision > self.revision.newest {
            return Err(Error::FutureRevision);
        }
        self.revision.compacted = revision;
        Ok(())
    }

    /// Carries on with forgetting what was compacted: `budget` records at most, about a microsecond
    /// each. True when nothing is left to do for now.
    pub fn compact_step(&mut self, budget: usize) -> bool {
        let pinned = self.pins.oldest().unwrap_or(Revision::MAX);
        let before = self.revision.compacted.min(pinned);
        for _ in 0..budget {
            if let Some(location) = self.arena.next_to_clean(before) {
                self.index.drop_before(&mut self.arena, location, |arena, dead| arena.kill(dead));
            } else if let Some(location) = self.arena.next_to_move() {
                self.index.relocate(&mut self.arena, location, |arena, old| arena.relocate(old));
            } else {
                return true;
            }
        }
        false
    }
}
