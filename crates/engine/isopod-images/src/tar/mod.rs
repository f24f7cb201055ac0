//! The tar format: a streaming reader that copies nothing twice, and a writer.
//!
//! Understood are the POSIX (ustar, pax), GNU (long names, base-256 numbers, sparse files in all
//! four forms), star and old V7 formats. Paths come out as the archive has them; it is for the
//! unpacker to decide where they may lead.

mod header;
mod pax;
mod reader;
mod sparse;
mod tree;
mod writer;

pub use header::{Entry, Kind, Piece};
pub use reader::Reader;
pub(crate) use tree::{
    TreeOptions, list as list_names, write_named, write_path, write_tree, write_whiteout,
};
pub use writer::Writer;

/// Size of a tar block.
pub const BLOCK: usize = 512;

/// Prefix of a whiteout: the rest of the name is hidden from the layers below.
pub const WHITEOUT_PREFIX: &[u8] = b".wh.";
/// Name of the entry that hides all that the layers below have in its directory.
pub const WHITEOUT_OPAQUE: &[u8] = b".wh..wh..opq";
