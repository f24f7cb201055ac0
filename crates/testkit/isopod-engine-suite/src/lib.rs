//! A validation suite for engines that speak Docker's Engine API.
//!
//! The cases are scripts (`cases/*.txt`, see [`cases`]) of the `docker` client, docker-py and
//! plain HTTP on the engine's socket. One engine serves all of them, several at a time; each case
//! has names of its own, and what it made is removed behind it.
//!
//! The suite knows nothing of an engine but its socket, and how to start the two that it is for.
//!
//! ```no_run
//! use isopod_engine_suite::{Kind, Options, run};
//! let report = run(&Kind::Dockerd, &Options::default())?;
//! assert_eq!(report.failed(), 0);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod api;
pub mod cases;
mod clean;
mod engine;
mod image;
mod runner;
mod tools;

pub use cases::all;
pub use engine::Kind;
pub use runner::{Options, run};
pub use tools::run_tool;
