//! A validation suite for OCI runtimes: one case a field, run against any runtime binary.
//!
//! Every case edits a base `config.json` over a busybox root file system, calls the runtime as
//! its callers do, and looks at what came of it: from inside the container, or at the kernel's
//! state from outside. After each case nothing may be left behind.
//!
//! The suite knows nothing of the runtime but its command line, which is runc's.
//!
//! ```no_run
//! use isopod_runtime_suite::run;
//! use isopod_testkit::suite::Selection;
//! let report = run("/usr/sbin/runc".as_ref(), &Selection::default())?;
//! assert_eq!(report.failed(), 0);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod bed;
mod case;
mod cases;
pub mod config;
mod machine;
mod runner;
mod terminal;

pub use case::{Case, Need};
pub use cases::all;
pub use runner::run;
