//! Certificates and keys from PEM files of bounded size.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::TlsError;

const MAX_FILE_BYTES: u64 = 4 << 20;

/// A certificate with those that vouch for it, and its key.
#[derive(Debug)]
pub struct Identity {
    /// The own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first certificate.
    pub key: PrivateKeyDer<'static>,
}

/// Reads a certificate chain and its key; both may be one file.
pub fn read_identity(certificates: &Path, key: &Path) -> Result<Identity, TlsError> {
    let chain = read_certificates(certificates)?;
    let bytes = read_bounded(key)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| content(key, format!("expected a PEM private key: {error}")))?;
    Ok(Identity { chain, key })
}

/// Adds the authorities in the file to those that are trusted.
pub fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    for certificate in read_certificates(path)? {
        roots.add(certificate).map_err(|error| content(path, error.to_string()))?;
    }
    Ok(())
}

/// The certificates in the file, of which there is at least one.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read_bounded(path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| content(path, format!("expected PEM certificates: {error}")))?;
    match certificates.is_empty() {
        true => Err(content(path, "expected PEM certificates: there is none".to_owned())),
        false => Ok(certificates),
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(content(path, "the file is larger than 4 MiB".to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

fn content(path: &Path, reason: String) -> TlsError {
    TlsError::Content { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file() {
        let missing = read_certificates(Path::new("/nonexistent/ca.crt")).unwrap_err();
        assert_eq!(missing.to_string(), "/nonexistent/ca.crt");
        let wrong = read_certificates(Path::new(env!("CARGO_MANIFEST_PATH"))).unwrap_err();
        assert!(
            wrong.to_string().ends_with("Cargo.toml: expected PEM certificates: there is none")
        );
    }
}
