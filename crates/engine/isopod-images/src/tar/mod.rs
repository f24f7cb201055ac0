//! Trees of files as tar archives, and what a name in an image's layer means. The format itself
//! is `isopod-tar`'s.

mod tree;

pub use isopod_tar::{BLOCK, Entry, Kind, Piece, Reader, Writer};
pub(crate) use tree::{
    TreeOptions, list as list_names, write_named, write_path, write_tree, write_whiteout,
};

/// Prefix of a whiteout: the rest of the name is hidden from the layers below.
pub const WHITEOUT_PREFIX: &[u8] = b".wh.";
/// Name of the entry that hides all that the layers below have in its directory.
pub const WHITEOUT_OPAQUE: &[u8] = b".wh..wh..opq";
