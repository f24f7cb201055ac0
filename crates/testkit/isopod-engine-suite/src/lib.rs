//! A validation suite for engines that speak Docker's Engine API.
//!
//! The cases are scripts (`cases/*.txt`, see [`script`]) of the `docker` client, docker-py and
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
mod clean;
mod engine;
mod http;
mod image;
mod runner;
pub mod script;
mod tools;

pub use engine::Kind;
pub use isopod_testkit::suite::{Exceptions, Outcome, Record, Report};
pub use runner::{Options, run};
pub use script::all;
pub use tools::run_tool;
