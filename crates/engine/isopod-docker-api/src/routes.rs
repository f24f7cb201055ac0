//! The handlers, by kind of object.

pub(crate) mod build;
pub(crate) mod containers;
pub(crate) mod exec;
pub(crate) mod images;
pub(crate) mod networks;
pub(crate) mod plugins;
pub(crate) mod sockets;
pub(crate) mod streams;
pub(crate) mod swarm;
pub(crate) mod system;
pub(crate) mod volumes;
