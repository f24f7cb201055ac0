//! The OCI runtime as a library: create, start, kill, delete and exec, synchronous, without
//! threads, global state or printing.
//!
//! ```no_run
//! use isopod_runtime::{CreateOptions, Runtime};
//! # fn main() -> Result<(), isopod_runtime::Error> {
//! let runtime = Runtime::new("/run/isopod-runtime");
//! let created = runtime.create("c1", CreateOptions::bundle("/var/lib/bundles/c1"))?;
//! runtime.load("c1")?.start()?;
//! println!("init is process {}", created.pid);
//! # Ok(())
//! # }
//! ```
//!
//! [`Runtime::create`], [`Runtime::run`] and [`Container::exec`] clone the calling process and
//! run Rust code in the child, so they refuse a caller with more than one thread. Everything
//! else may be called from anywhere. The caller is the parent of the processes made and reaps
//! them.
//!
//! What this crate does not know: command lines, images, networks, logs, restarts.

mod capabilities;
mod channel;
mod container;
mod conversation;
mod create;
mod error;
mod exec;
mod features;
mod hooks;
mod init;
mod lifecycle;
mod mapping;
mod mount_options;
mod options;
mod plan;
mod prepared;
mod procfs;
mod resolve;
mod rlimits;
mod seccomp;
mod state;

pub use capabilities::{known_capabilities, last_capability};
pub use container::{Container, Runtime};
pub use error::{Error, ErrorKind, Result};
pub use features::{mount_option_names, namespace_names};
pub use options::{Config, CreateOptions, Created, Exec, ExecOptions, Stdio};
pub use state::State;
