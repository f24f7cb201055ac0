//! Certificates and keys from PEM files, and settings of TLS made of them. `ring` does the
//! arithmetic. No sockets here.
//!
//! ```no_run
//! # fn example() -> Result<(), isopod_tls::TlsError> {
//! let mut roots = isopod_tls::system_roots();
//! isopod_tls::add_authorities(&mut roots, "ca.crt".as_ref())?;
//! let client = isopod_tls::client(roots, None)?;
//! # Ok(())
//! # }
//! ```

mod any;
mod files;
mod pem;
mod settings;

use std::io;
use std::path::PathBuf;

pub use any::AnyCertificate;
pub use files::{SERVER_DIRECTORY, SideFiles};
pub use pem::{Identity, add_authorities, read_certificates, read_identity};
pub use settings::{client, client_of_any, provider, server, system_roots};

/// Why certificates, keys or settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// The parts do not make settings: a key of another certificate, for example.
    #[error("TLS settings")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
}
