//! Why a build failed.

use crate::border::BorderError;
use crate::cache::CacheError;
use crate::plan::PlanError;
use isopod_images::{ImageError, SnapshotError};
use std::path::PathBuf;

/// A build that failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A command ended with something other than 0.
    #[error("The command '{command}' returned a non-zero code: {code}")]
    Command {
        /// The command.
        command: String,
        /// Its exit code.
        code: i32,
    },
    /// A copy that cannot be done as it is written.
    #[error("{keyword} failed: {reason}")]
    Copy {
        /// `COPY` or `ADD`.
        keyword: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A mount of a `RUN` that cannot be made.
    #[error("mount {target}: {reason}")]
    Mount {
        /// Where it was to be.
        target: String,
        /// What is wrong.
        reason: String,
    },
    /// Something behind the border.
    #[error(transparent)]
    Border(#[from] BorderError),
    /// The store.
    #[error("the image store failed")]
    Store(#[source] Box<ImageError>),
    /// Snapshots.
    #[error("a snapshot failed")]
    Snapshot(#[from] SnapshotError),
    /// The cache.
    #[error("the build cache failed")]
    Cache(#[from] CacheError),
    /// A file.
    #[error("{action} {}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Somebody gave the build up.
    #[error("the build was cancelled")]
    Cancelled,
    /// Another stage failed.
    #[error("another stage failed")]
    Elsewhere,
}

impl BuildError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl From<ImageError> for BuildError {
    fn from(error: ImageError) -> Self {
        Self::Store(Box::new(error))
    }
}
