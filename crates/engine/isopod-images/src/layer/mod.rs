//! Layers: decompressed, hashed and unpacked in one pass.

mod compression;
mod job;
mod owner;
mod path;
mod sink;
mod unpack;

pub use compression::{Compression, decompress};
pub(crate) use job::Slots;
pub use job::{LayerJob, UnpackedLayer};
pub(crate) use sink::Flat;
pub(crate) use unpack::unpack_flat;
pub use unpack::{Outcome, unpack};
