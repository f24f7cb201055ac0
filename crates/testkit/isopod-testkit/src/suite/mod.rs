//! What validation suites share: their command line, cases as scripts, several of them at a time,
//! what came of each, and lists of known exceptions.

mod exceptions;
mod program;
mod queue;
mod report;
pub mod script;
mod selection;

pub use exceptions::Exceptions;
pub use program::Program;
pub use queue::run_all;
pub use report::{Outcome, Record, Report};
pub use selection::Selection;
