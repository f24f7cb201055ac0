//! Builds images from Dockerfiles.
//!
//! Three parts, each usable alone:
//! - [`plan`](fn@plan) turns a Dockerfile and what the user asked for into a [`Plan`]: stages that
//!   are needed, steps with every variable expanded, configurations. It is pure, and the plan is
//!   data that can be printed.
//! - [`Builder`] carries a plan out: independent stages at once, every step that was done before
//!   taken from the [`Cache`]. Processes, users and URLs are behind a border, [`Sandboxes`].
//! - [`step_main`] is the process that a `RUN` runs under.
//!
//! It knows no wire format: what happens is told as [`Event`]s.
//!
//! ```
//! use isopod_build::{Planned, Request, plan};
//! use isopod_dockerfile::Dockerfile;
//!
//! let file = Dockerfile::parse("Dockerfile", "FROM scratch\nCOPY a /a\n")?;
//! let Planned::Ready(plan) = plan(&file, &Request::default(), &Default::default())? else {
//!     panic!("needs no image");
//! };
//! assert_eq!(plan.steps.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod border;
mod cache;
mod cancel;
mod error;
mod event;
mod execute;
mod plan;
mod request;
mod step;

pub use border::{BorderError, Exit, Fetched, MountSource, Mounted, Sandbox, Sandboxes, Unpack};
pub use cache::{Cache, CacheEntry, CacheError, CacheUsage, PruneCache, Pruned};
pub use cancel::Cancel;
pub use error::BuildError;
pub use event::{Event, Stream, Teller};
pub use execute::{Builder, Contexts, Outcome, OutcomeImage, clean, import_inline};
pub use plan::{
    BaseImage, Bases, CopyStep, Input, Op, Plan, PlanError, PlanStage, Planned, RunStep, Step,
    Wanted, plan,
};
pub use request::Request;
pub use step::{Launch, launch as launch_step, main as step_main};
