//! etcd's v3 API over the store: gRPC, the JSON gateway, health and figures on one port, and the
//! process that serves them, `isopod store`.
//!
//! Wire formats live here and end here: what a method does is said in the store's own types. What
//! is not here: the log, Raft, the data, and any decision about keys.

mod api;
mod compactor;
mod convert;
mod descriptors;
mod error;
mod gateway;
mod grpc;
mod http;
mod listen;
mod log;
mod method;
mod metrics;
mod notify;
mod peer;
mod process;
mod server;
mod services;
mod settings;
mod standard;
mod tokens;
mod version;
mod x509;

pub use process::main;
