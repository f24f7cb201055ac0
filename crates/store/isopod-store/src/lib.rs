//! The durable, replicated key-value store.

pub mod disk;
pub mod log;
