//! What can go wrong between a client and its cluster.

use isopod_tls::TlsError;

/// Why a call, or connecting, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No endpoint was given.
    #[error("no endpoint: expected at least one such as http://127.0.0.1:2379")]
    NoEndpoint,
    /// An endpoint cannot be understood.
    #[error("endpoint {endpoint:?}: {reason}")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// Certificates or keys cannot be used.
    #[error("certificates of the client")]
    Tls(#[from] TlsError),
    /// The server's answer, or that there was none.
    #[error("{}", .0.message())]
    Status(#[from] tonic::Status),
}

impl Error {
    /// The code of the answer, when there was one.
    pub fn code(&self) -> Option<tonic::Code> {
        match self {
            Self::Status(status) => Some(status.code()),
            _ => None,
        }
    }
}
