//! Name service of containers, at 127.0.0.11 in each container's own namespace.
//!
//! Names of containers are answered from what the engine knows; all else goes to the name servers
//! of the host or to those that the container names, byte for byte as it was asked.

mod answer;
mod server;
mod sockets;

pub use answer::{Answer, Names, answer, failure};
pub use server::{Resolver, Upstream};
pub use sockets::Sockets;

/// Where a container finds it.
pub const ADDRESS: std::net::Ipv4Addr = std::net::Ipv4Addr::new(127, 0, 0, 11);
