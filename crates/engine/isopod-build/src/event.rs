//! What happens during a build.

use crate::plan::Plan;
use isopod_base::Digest;
use std::sync::Arc;

/// Something that happened. Steps are named by their number in the plan.
#[derive(Debug, Clone)]
pub enum Event {
    /// The plan is made.
    Planned(Arc<Plan>),
    /// A step begins.
    Started(usize),
    /// A step's result is there from before.
    Cached(usize),
    /// A command printed something.
    Output(usize, Stream, Vec<u8>),
    /// A step is done; the digest is that of the configuration after it.
    Done(usize, Digest),
    /// A step failed.
    Failed(usize, String),
    /// Something that the user should know.
    Warning(String),
}

/// Where a command printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Who is told; called from several threads, and may make them wait.
pub type Teller = Arc<dyn Fn(Event) + Send + Sync>;
