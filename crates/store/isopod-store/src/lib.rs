//! The durable, replicated key-value store.

mod applier;
mod batch;
mod bytes_reader;
pub mod checkpoint;
mod config;
pub mod disk;
pub mod driver;
mod error;
mod keeper;
pub mod log;
mod member;
mod membership;
mod open;
pub mod replica;
mod shared;
mod store;

pub use applier::Applied;
pub use config::StoreConfig;
pub use error::{OpenError, StoreError};
pub use membership::{Member, MemberChange, Membership, member_id};
pub use store::{Status, Store};
