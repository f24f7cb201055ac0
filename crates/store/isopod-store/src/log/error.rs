//! What can go wrong with the write-ahead log.

use std::io;
use std::path::{Path, PathBuf};

/// The log could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// What was once durable does not read back.
    #[error(
        "{} is damaged at byte {offset}: {reason}; restore this member from a snapshot or let it join anew",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What did not fit.
        reason: &'static str,
    },
    /// A segment between others is gone.
    #[error("{} is missing, but segments before and after it are there", path.display())]
    Missing {
        /// The segment.
        path: PathBuf,
    },
    /// There is no room for a segment. Nothing was written; the log is as it was.
    #[error("no space for the log's next segment {}", path.display())]
    NoSpace {
        /// The file that could not be laid out.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file system refused; nothing was appended.
    #[error("{action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A write or a sync failed halfway: what is on the disk is unknown, and stays so until the
    /// log is opened again. The log takes nothing more until then.
    #[error("{action} {}: what it holds is unknown until it is opened again", path.display())]
    Unknown {
        /// What was being done.
        action: &'static str,
        /// The segment.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// An earlier append left the log unknown.
    #[error("the log {} takes nothing more after a failed write", path.display())]
    Broken {
        /// The segment.
        path: PathBuf,
    },
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn unknown(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Unknown { action, path, source }
    }

    /// Whether the log lacks space and is otherwise sound.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }
}
