//! The key-value store as a service: what `isopod-mvcc` computes is made durable, and watched.
//!
//! A [`Store`] is a member in this process; it needs no socket and no asynchronous runtime of its
//! own, though its futures want one to run on. Bytes on the disk and the order of syncs are in
//! `DESIGN.md`. Wire formats of clients are not here, nor passwords and tokens.
//!
//! ```
//! use isopod_mvcc::{Command, KeyRange, PutRequest, RangeRequest, Request};
//! use isopod_store::{Store, StoreConfig};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let dir = tempfile::tempdir()?;
//! let store = Store::open(StoreConfig::new(dir.path()))?;
//! store.wait_ready().await?;
//! let put = PutRequest { key: "a".into(), value: "1".into(), ..PutRequest::default() };
//! store.propose(Command::internal(Request::Put(put))).await?; // durable when it returns
//! store.barrier().await?; // what is read from here on is linearizable
//! let range = RangeRequest::new(KeyRange::single("a"));
//! let found = store.with_state(|state| state.range(&range))?;
//! assert_eq!(found.kvs[0].value, "1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod applier;
mod batch;
mod bytes_reader;
pub mod checkpoint;
mod config;
pub mod disk;
pub mod driver;
mod error;
mod keeper;
mod leases;
pub mod log;
mod member;
mod membership;
mod open;
pub mod replica;
mod shared;
mod store;
mod watches;

pub use applier::Applied;
pub use config::StoreConfig;
pub use error::{OpenError, StoreError};
pub use leases::LeaseTimes;
pub use membership::{Member, MemberChange, Membership, member_id};
pub use store::{Status, Store};
pub use watches::{Created, WatchItem, Watcher};
