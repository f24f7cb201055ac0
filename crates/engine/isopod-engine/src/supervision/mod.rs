//! Supervisors as the engine sees them: starting them, speaking with them, replacing them.

mod launcher;
mod link;
mod orphans;

pub(crate) use launcher::{Launched, Launcher};
pub(crate) use link::{Control, Link};
pub(crate) use orphans::{end_supervisor, reap_orphans};
