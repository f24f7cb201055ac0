//! What validation suites share: what came of each case, and lists of known exceptions.

mod exceptions;
mod report;

pub use exceptions::Exceptions;
pub use report::{Outcome, Record, Report};
