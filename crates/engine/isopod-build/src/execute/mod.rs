//! Carrying a plan out.

mod builder;
mod copy;
mod copying;
mod dates;
mod key;
mod mode;
mod mounts;
mod run;
mod source;
mod stage;
mod state;
mod stubs;
mod sum;
mod tree;
mod views;

pub use builder::{Builder, Contexts, Outcome, OutcomeImage, clean, import_inline};
pub(crate) use mode::check as check_mode;
