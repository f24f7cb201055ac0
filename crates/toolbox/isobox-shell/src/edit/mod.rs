//! Lines typed by a person.

mod complete;
mod history;
mod keys;
mod line;
mod prompt;

pub(crate) use history::History;
pub(crate) use keys::Typed;
