//! Commands about the engine as a whole, registries' credentials, and this program.

mod disk_usage;
mod events;
mod info;
mod inspect;
mod login;
mod prune;
mod shutdown;
mod time_query;
mod version;

use crate::commands::Command;

pub(crate) use inspect::{Kind, inspect_all};
pub(crate) use time_query::timestamp_query;

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[
    &inspect::INSPECT,
    &info::INFO,
    &version::VERSION,
    &events::EVENTS,
    &disk_usage::DISK_USAGE,
    &prune::PRUNE,
    &shutdown::SHUTDOWN,
    &login::LOGIN,
    &login::LOGOUT,
    &crate::completion::COMPLETION,
];
