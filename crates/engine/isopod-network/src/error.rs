//! What can go wrong with networks.

use std::io;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused something.
    #[error("{action}")]
    System {
        /// What was being done, and to what.
        action: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The request is wrong in itself.
    #[error("{0}")]
    Invalid(String),
    /// The request is in the way of something that exists.
    #[error("{0}")]
    Conflict(String),
    /// The request is understood and will not be done.
    #[error("{0}")]
    Forbidden(String),
    /// There is nothing left to give.
    #[error("{0}")]
    Exhausted(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Says what was being done when the kernel refused.
    pub(crate) fn system<E: Into<io::Error>>(action: impl Into<String>) -> impl FnOnce(E) -> Self {
        let action = action.into();
        move |source| Self::System { action, source: source.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// The kernel's error number, if it is the kernel's error.
    pub(crate) fn errno(&self) -> Option<i32> {
        match self {
            Self::System { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}
