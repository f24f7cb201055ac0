//! How far a reader of watches may fall behind what was given to it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Events that were given to a reader and not yet sent by it, bounded. One for each stream, shared
/// by its watches and by whoever sends.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    outstanding: AtomicUsize,
    /// Whether a watch waits for room.
    awaited: AtomicBool,
}

impl Window {
    /// A window of so many events. The last batch that is let in may go beyond it.
    pub fn new(limit: usize) -> Self {
        Self { limit, outstanding: AtomicUsize::new(0), awaited: AtomicBool::new(false) }
    }

    /// Notes that so many events were sent. True if a watch waits for that, and the hub should
    /// make a step.
    pub fn release(&self, events: usize) -> bool {
        let before = self.outstanding.fetch_sub(events, Ordering::AcqRel);
        before.saturating_sub(events) <= self.limit / 2
            && self.awaited.swap(false, Ordering::AcqRel)
    }

    /// Whether another batch may be given.
    pub(super) fn has_room(&self) -> bool {
        self.outstanding.load(Ordering::Acquire) < self.limit
    }

    pub(super) fn take(&self, events: usize) {
        self.outstanding.fetch_add(events, Ordering::AcqRel);
    }

    /// Asks to be told when half of the window is free. False if it is by now.
    pub(super) fn wait_for_room(&self) -> bool {
        self.awaited.store(true, Ordering::Release);
        self.outstanding.load(Ordering::Acquire) > self.limit / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_told_once_when_half_is_free() {
        let window = Window::new(4);
        window.take(5);
        assert!(!window.has_room());
        assert!(window.wait_for_room());
        assert!(!window.release(2));
        assert!(window.release(1));
        assert!(!window.release(1));
        assert!(window.has_room());
    }
}
