//! The process that stays with a container: it starts it through the OCI runtime library, holds
//! its standard streams, keeps its log, records how it ended, and runs exec sessions.
//!
//! One process a container, one thread, no async runtime. It is started by the engine but does
//! not need it: when the engine dies it goes on, and an engine that starts again connects to its
//! socket. When the supervisor itself dies the engine starts another, which takes the container
//! over without losing a line of its log or its exit status. `DESIGN.md` tells how.
//!
//! For the engine this crate holds the shapes of both sides: [`Config`] and the names in [`file`]
//! for the run-time directory, [`protocol`] for the socket.
//!
//! ```
//! use isopod_supervisor::protocol::{Message, Reply, Request, decode, encode};
//!
//! let mut wire = Vec::new();
//! encode(&Request::Start, &mut wire);
//! assert!(matches!(decode(&mut wire)?, Some(Request::Start)));
//! # Ok::<(), isopod_supervisor::protocol::DecodeError>(())
//! ```

mod client;
mod config;
mod container;
mod ends;
mod init;
mod launch;
pub mod local_log;
mod logfile;
mod outlet;
pub mod protocol;
mod record;
mod requests;
mod server;
mod session;
mod spool;
mod starts;
mod stdio;
mod streams;

pub use config::{
    Config, LogConfig, LogFormat, OutletConfig, OutletKind, SyslogAddress, SyslogFormat, file,
};
pub use launch::{Mode, send_mounts};
pub use logfile::{compressed, identity, identity_of_compressed, numbered};
pub use session::start_ticks;

use std::ffi::OsString;

/// `isopod supervisor MODE DIRECTORY`: see [`Mode`]. Standard input is the listening control
/// socket, standard output what the mode says. Returns the exit code.
#[must_use]
pub fn main(args: Vec<OsString>) -> i32 {
    launch::main(&args)
}

/// `isopod container-init [--] PROGRAM [ARGUMENT…]`: the init of a container. Returns the
/// program's exit code.
#[must_use]
pub fn init_main(args: Vec<OsString>) -> i32 {
    init::run(args.get(1..).unwrap_or_default())
}
