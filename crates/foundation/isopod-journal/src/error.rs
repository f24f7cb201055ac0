//! What can go wrong with a journal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A journal could not be opened or written. Cloned for every caller that shared the write.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process has it open.
    #[error("journal {} is in use by another process", dir.display())]
    InUse {
        /// The journal.
        dir: PathBuf,
    },
    /// Acknowledged data does not read back.
    #[error("{} is damaged at byte {offset}: {reason}; restore the directory from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What did not fit.
        reason: &'static str,
    },
    /// A key or value is larger than the journal takes.
    #[error("{what} of {size} bytes for {key:?} is over the limit of {limit} bytes")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        /// The key, cut to 64 characters.
        key: String,
        /// Its size.
        size: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// The file system refused; what the journal holds is as it was.
    #[error("{action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
    /// A write or sync failed halfway: what is on the disk is unknown until the journal is opened
    /// again, and it takes no more commits until then.
    #[error("{action} {}, and the journal takes no commits until it is opened again", path.display())]
    Unknown {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source: Arc::new(source) }
    }

    pub(crate) fn unknown(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Unknown { action, path: path.to_path_buf(), source: Arc::new(source) }
    }
}
