//! What can go wrong while an archive is read.

use std::io;

/// An archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive does not follow the tar format.
    #[error("bad tar archive at byte {offset}: {reason}")]
    Format {
        /// Offset in the archive.
        offset: u64,
        /// What was found and expected.
        reason: String,
    },
    /// The archive ends in the middle of something.
    #[error("the archive ends early, in {place}")]
    Truncated {
        /// In what.
        place: String,
    },
    /// A bound was passed.
    #[error("{what} is over the limit of {limit}")]
    Limit {
        /// What there was too much of.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// The input cannot be read.
    #[error("read the archive")]
    Io(#[source] io::Error),
}
