//! Limited access: sockets that permit some operations on some objects.
//!
//! A [`Scope`] says which: [`Permission`]s, and labels that objects must carry. What is created
//! through a scope gets its labels; what lacks them does not exist for it. This module decides;
//! who asks, and by which request, is the front end's to know.

mod confine;
mod permission;
mod scope;
mod sockets;

pub use permission::Permission;
pub use scope::Scope;
pub(crate) use sockets::Sockets;
pub use sockets::{CreateSocket, Socket};
