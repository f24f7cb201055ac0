//! Watches: who is told of which change, and who is behind.
//!
//! The hub decides what is to be sent; sending is the caller's. It gets every revision's changes
//! once ([`WatchHub::publish`]) and gives each of the *synced* watches its part at once. The others
//! (those that began in the past, and those whose reader was too slow) catch up from the state's
//! history in bounded steps ([`WatchHub::step`]), in turns, and hold up nobody.

mod catch_up;
mod groups;
mod hub;
mod ranges;
mod window;

use std::sync::Arc;

pub use hub::WatchHub;
pub use window::Window;

use crate::{EventBatch, KeyRange, Revision};

/// A watch of a hub. Never used again.
pub type WatchId = u64;

/// What a watch wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WatchRequest {
    /// Of which keys.
    pub range: KeyRange,
    /// From which revision on; 0 or less is from now on.
    pub start_revision: Revision,
    /// Not of puts.
    pub no_put: bool,
    /// Not of deletions.
    pub no_delete: bool,
    /// With the keys as they were before.
    pub prev_kv: bool,
}

impl WatchRequest {
    /// All changes of a range from now on.
    pub fn new(range: KeyRange) -> Self {
        Self { range, start_revision: 0, no_put: false, no_delete: false, prev_kv: false }
    }
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Changes of one revision, the same for all of these watches: encode them once.
    Events {
        /// The changes, filtered and with previous keys as the watches want them.
        batch: Arc<EventBatch>,
        /// To whom.
        watches: Vec<WatchId>,
    },
    /// The watch wants what is forgotten. It has ended.
    Compacted {
        /// Which.
        watch: WatchId,
        /// The oldest revision that there is.
        compact_revision: Revision,
    },
}
