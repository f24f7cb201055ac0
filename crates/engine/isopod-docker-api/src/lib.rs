//! The Docker Engine API (1.40 to 1.51) over [`isopod_engine::Engine`]: wire format only.
//!
//! Requests become the engine's domain types at this edge and its answers become documents of
//! `isopod_docker_types`; what a container *is* is decided below. The crate also holds the
//! daemon's outside: its command line (dockerd's flags), sockets and signals.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use isopod_docker_api::{Listener, Owner, serve};
//! use isopod_engine::{Config, Engine};
//!
//! let engine = Engine::open(Config::for_host()?).await?;
//! let listener = Listener::bind("/run/isopod.sock".as_ref(), Owner::default())?;
//! serve(engine, vec![listener], &[], std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod api;
mod audit;
mod body;
mod call;
mod connection;
mod convert;
mod daemon;
mod detach;
mod error;
mod extension;
mod frame;
mod gate;
mod hijack;
mod listen;
mod query;
mod router;
mod routes;
mod server;
mod version;
mod websocket;

pub use daemon::engine_main;
pub use extension::{Extension, Serving};
pub use listen::{ListenError, Listener, Owner};
pub use server::serve;
