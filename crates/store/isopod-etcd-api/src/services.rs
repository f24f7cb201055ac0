//! What the methods do, service by service: check, convert, ask the store, convert back.

pub(crate) mod auth;
pub(crate) mod cluster;
pub(crate) mod election;
pub(crate) mod health;
pub(crate) mod kv;
pub(crate) mod lease;
pub(crate) mod lock;
pub(crate) mod maintenance;
mod queue;
pub(crate) mod range_stream;
pub(crate) mod reflection;
pub(crate) mod roles;
pub(crate) mod snapshot;
pub(crate) mod users;
pub(crate) mod watch;
