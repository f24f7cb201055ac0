//! Settings of clients and servers.

use std::error::Error;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig};

use crate::TlsError;
use crate::any::AnyCertificate;
use crate::pem::Identity;

/// Who does the arithmetic.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The authorities that the system trusts; on a system that has no list, Mozilla's as of the
/// build.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// A client that trusts servers of these authorities, and shows a certificate if it has one.
pub fn client(
    roots: impl Into<Arc<RootCertStore>>,
    identity: Option<Identity>,
) -> Result<ClientConfig, TlsError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider())
        .build()
        .map_err(settings)?;
    identified(client_builder().with_webpki_verifier(verifier), identity)
}

/// A client that trusts any server's certificate, because the person said so.
pub fn client_of_any(identity: Option<Identity>) -> Result<ClientConfig, TlsError> {
    let verifier = Arc::new(AnyCertificate::new(provider()));
    let builder = client_builder().dangerous().with_custom_certificate_verifier(verifier);
    identified(builder, identity)
}

/// A server; with authorities it wants a certificate of one of them from every client.
pub fn server(
    identity: Identity,
    clients: Option<RootCertStore>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(settings)?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
                .build()
                .map_err(settings)?,
        ),
    };
    builder.with_single_cert(identity.chain, identity.key).map_err(settings)
}

fn client_builder() -> ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has the default protocol versions")
}

fn identified(
    builder: ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>,
    identity: Option<Identity>,
) -> Result<ClientConfig, TlsError> {
    match identity {
        Some(Identity { chain, key }) => {
            builder.with_client_auth_cert(chain, key).map_err(settings)
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

fn settings(error: impl Error + Send + Sync + 'static) -> TlsError {
    TlsError::Settings(Box::new(error))
}
