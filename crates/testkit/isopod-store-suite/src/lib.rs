//! A conformance suite for servers that speak etcd's v3 protocol, and for `etcdctl`.
//!
//! The cases are scripts (`cases/*.txt`, see [`cases`]) of gRPC, the JSON gateway and etcdctl.
//! Each has a server of its own with an empty store on ports of the loopback interface, so that
//! revisions can be expected to the digit; several run at a time.
//!
//! The suite knows nothing of a server but its flags, which are etcd's, and its protocol.
//!
//! ```no_run
//! use isopod_store_suite::{Kind, Options, run};
//! let report = run(&Kind::Etcd("/usr/bin/etcd".into()), &Options::default())?;
//! assert_eq!(report.failed(), 0);
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod cases;
mod gateway;
mod grpc;
mod needs;
mod noise;
mod runner;
mod server;
mod tools;

pub use cases::all;
pub use runner::{Options, run};
pub use server::Kind;
pub use tools::run_tool;
