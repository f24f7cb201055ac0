//! What can go wrong.

use isopod_tls::TlsError;
use std::io;
use std::path::{Path, PathBuf};

/// Certificates could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A certificate cannot be read.
    #[error("cannot read a certificate")]
    Read(#[source] TlsError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What was expected, and what is wrong.
        reason: String,
    },
    /// A name cannot be in a certificate.
    #[error("\"{name}\" is neither an IP address nor a host name, so no certificate can be for it")]
    Name {
        /// The name.
        name: String,
    },
    /// A certificate cannot be made.
    #[error("cannot {action}")]
    Make {
        /// What was tried.
        action: &'static str,
        /// Why.
        source: rcgen::Error,
    },
    /// The authority ends before anything could be signed.
    #[error("the authority's certificate has expired on {until}: create another")]
    Expired {
        /// Its last moment.
        until: String,
    },
    /// A certificate has lifetimes that no calendar has.
    #[error("{days} days from now is outside of the calendar")]
    Calendar {
        /// The lifetime.
        days: u32,
    },
}

impl CertificateError {
    pub(crate) fn contents(path: &Path, reason: impl Into<String>) -> Self {
        Self::Contents { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn make(action: &'static str) -> impl FnOnce(rcgen::Error) -> Self {
        move |source| Self::Make { action, source }
    }
}
