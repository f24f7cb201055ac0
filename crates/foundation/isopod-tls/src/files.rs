//! The files of one side of a connection, by the names that they have by custom.

use std::path::{Path, PathBuf};

use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::pem::{add_authorities, read_identity};
use crate::{TlsError, client, server, system_roots};

/// Where an engine's own files are, and its authority's.
pub const SERVER_DIRECTORY: &str = "/etc/isopod/tls";

/// What one side trusts, and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideFiles {
    /// Authorities of the other side.
    pub authority: PathBuf,
    /// The own certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl SideFiles {
    /// A server's: `ca.pem`, `server-cert.pem`, `server-key.pem`.
    pub fn of_server(directory: &Path) -> Self {
        Self::called(directory, "server-cert.pem", "server-key.pem")
    }

    /// A client's as docker calls them: `ca.pem`, `cert.pem`, `key.pem`.
    pub fn of_client(directory: &Path) -> Self {
        Self::called(directory, "cert.pem", "key.pem")
    }

    fn called(directory: &Path, certificate: &str, key: &str) -> Self {
        Self {
            authority: directory.join("ca.pem"),
            certificate: directory.join(certificate),
            key: directory.join(key),
        }
    }

    /// A server that lets in only clients of the authority.
    pub fn server(&self) -> Result<ServerConfig, TlsError> {
        let mut clients = RootCertStore::empty();
        add_authorities(&mut clients, &self.authority)?;
        server(read_identity(&self.certificate, &self.key)?, Some(clients))
    }

    /// A client that trusts only servers of the authority, or of the system's authorities if that
    /// file does not exist. It shows a certificate unless it has neither that nor a key.
    pub fn client(&self) -> Result<ClientConfig, TlsError> {
        let roots = if self.authority.exists() {
            let mut roots = RootCertStore::empty();
            add_authorities(&mut roots, &self.authority)?;
            roots
        } else {
            system_roots()
        };
        let known = self.certificate.exists() || self.key.exists();
        let identity = known.then(|| read_identity(&self.certificate, &self.key)).transpose()?;
        client(roots, identity)
    }
}
