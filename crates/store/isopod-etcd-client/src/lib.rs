//! etcd's v3 protocol: its messages and stubs ([`proto`]), and a client ([`Client`]) for any
//! cluster that speaks it, etcd or isopod.
//!
//! ```no_run
//! # async fn example() -> Result<(), isopod_etcd_client::Error> {
//! use isopod_etcd_client::proto::etcdserverpb::PutRequest;
//! use isopod_etcd_client::{Client, Options};
//!
//! let client = Client::connect(Options::new(["http://127.0.0.1:2379"])).await?;
//! client.put(PutRequest { key: "a".into(), value: "1".into(), ..Default::default() }).await?;
//! # Ok(())
//! # }
//! ```

mod calls;
mod client;
mod dial;
mod error;
mod options;
pub mod proto;
mod session;

pub use client::Client;
pub use error::Error;
pub use options::{Options, TlsOptions};
pub use session::Session;
