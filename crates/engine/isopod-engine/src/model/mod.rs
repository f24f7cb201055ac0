//! The engine's nouns. They know no wire format: front ends convert at their edge. What is
//! `Serialize` here is so for the engine's own journal.

mod container;
mod event;
mod exec;
mod host;
mod image;
mod mode;
mod mount;
mod network;
mod stats;
mod stream;
mod system;
mod volume;

pub(crate) use container::nanos;
pub use container::*;
pub use event::*;
pub use exec::*;
pub use host::*;
pub use image::*;
pub use mode::*;
pub use mount::*;
pub use network::*;
pub use stats::*;
pub use stream::*;
pub use system::*;
pub use volume::*;

/// Filters of lists, prunes and events: key to the accepted values (any of them matches).
pub type Filters = std::collections::BTreeMap<String, Vec<String>>;
