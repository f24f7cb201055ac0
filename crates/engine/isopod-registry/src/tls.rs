//! TLS settings for each host: which authorities are trusted, and which key is shown.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::config::{Config, ConfigError};
use crate::error::{RequestError, io_words};

/// Most files of one directory that are read.
const MAX_FILES: usize = 64;
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Hosts whose settings are kept; redirects to storage may name many.
const MAX_HOSTS: usize = 256;

/// Makes and keeps the settings.
#[derive(Debug)]
pub(crate) struct TlsSettings {
    provider: Arc<CryptoProvider>,
    directories: Vec<PathBuf>,
    authority_files: Vec<PathBuf>,
    system: OnceLock<Result<Arc<RootCertStore>, ConfigError>>,
    hosts: Mutex<HashMap<(String, bool), Arc<ClientConfig>>>,
}

impl TlsSettings {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            directories: config.certificate_directories.clone(),
            authority_files: config.authority_files.clone(),
            system: OnceLock::new(),
            hosts: Mutex::default(),
        }
    }

    /// The settings for `authority` (`host[:port]`); `insecure` trusts any certificate.
    pub(crate) fn for_host(
        &self,
        authority: &str,
        insecure: bool,
    ) -> Result<Arc<ClientConfig>, ConfigError> {
        let key = (authority.to_owned(), insecure);
        if let Some(found) = self.lock().get(&key) {
            return Ok(found.clone());
        }
        let made = Arc::new(self.make(authority, insecure)?);
        let mut hosts = self.lock();
        if hosts.len() >= MAX_HOSTS {
            hosts.clear();
        }
        hosts.insert(key, made.clone());
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, bool), Arc<ClientConfig>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, authority: &str, insecure: bool) -> Result<ClientConfig, ConfigError> {
        let files = HostFiles::find(&self.directories, authority)?;
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .expect("ring has the default protocol versions");
        let builder = if insecure {
            let verifier = Arc::new(AnyCertificate(self.provider.clone()));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else {
            let roots = self.roots(&files)?;
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone())
                    .build()
                    .map_err(|error| ConfigError {
                    what: format!("trusted certificates for {authority}"),
                    reason: error.to_string(),
                })?;
            builder.with_webpki_verifier(verifier)
        };
        let mut config = match files.identity()? {
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain, key).map_err(|error| ConfigError {
                    what: format!("client certificate for {authority}"),
                    reason: error.to_string(),
                })?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// The system's authorities with those of the host. Reading them takes milliseconds, so it
    /// is done when the first TLS connection is made, and once.
    fn roots(&self, files: &HostFiles) -> Result<Arc<RootCertStore>, ConfigError> {
        let system = self.system.get_or_init(|| self.system_roots()).clone()?;
        if files.authorities.is_empty() {
            return Ok(system);
        }
        let mut roots = (*system).clone();
        for path in &files.authorities {
            add_authorities(&mut roots, path)?;
        }
        Ok(Arc::new(roots))
    }

    fn system_roots(&self) -> Result<Arc<RootCertStore>, ConfigError> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            // A minimal system without ca-certificates: Mozilla's list as of the build.
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for path in &self.authority_files {
            add_authorities(&mut roots, path)?;
        }
        Ok(Arc::new(roots))
    }
}

/// A client's certificate with those that vouch for it, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The files in `DIRECTORY/HOST[:PORT]/`.
#[derive(Debug, Default)]
struct HostFiles {
    authorities: Vec<PathBuf>,
    certificate: Option<PathBuf>,
}

impl HostFiles {
    fn find(directories: &[PathBuf], authority: &str) -> Result<Self, ConfigError> {
        let mut files = Self::default();
        for directory in directories.iter().map(|directory| directory.join(authority)) {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unusable(&directory, io_words(&error))),
            };
            let mut paths: Vec<PathBuf> =
                entries.flatten().map(|entry| entry.path()).take(MAX_FILES).collect();
            paths.sort();
            for path in paths {
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("crt") => files.authorities.push(path),
                    Some("cert") if files.certificate.is_none() => files.certificate = Some(path),
                    _ => {}
                }
            }
        }
        Ok(files)
    }

    fn identity(&self) -> Result<Option<Identity>, ConfigError> {
        let Some(path) = &self.certificate else { return Ok(None) };
        let chain = read_certificates(path)?;
        let key_path = path.with_extension("key");
        let bytes = read_bounded(&key_path)?;
        let key = PrivateKeyDer::from_pem_slice(&bytes)
            .map_err(|error| unusable(&key_path, format!("expected a PEM private key: {error}")))?;
        Ok(Some((chain, key)))
    }
}

fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<(), ConfigError> {
    for certificate in read_certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, error.to_string()))?;
    }
    Ok(())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let bytes = read_bounded(path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(path, format!("expected PEM certificates: {error}")))?;
    match certificates.is_empty() {
        true => Err(unusable(path, "expected PEM certificates: there is none".to_owned())),
        false => Ok(certificates),
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let size = fs::metadata(path).map_err(|error| unusable(path, io_words(&error)))?.len();
    if size > MAX_FILE_BYTES {
        return Err(unusable(path, "the file is larger than 4 MiB".to_owned()));
    }
    fs::read(path).map_err(|error| unusable(path, io_words(&error)))
}

fn unusable(path: &Path, reason: String) -> ConfigError {
    ConfigError { what: path.display().to_string(), reason }
}

/// Maps a failed handshake to the words that people know from docker.
pub(crate) fn handshake_error(error: io::Error) -> RequestError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return RequestError::Io(error);
    };
    match tls {
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            RequestError::PlainHttp
        }
        rustls::Error::InvalidCertificate(certificate) => {
            let reason = match certificate {
                CertificateError::UnknownIssuer => {
                    "x509: certificate signed by unknown authority".to_owned()
                }
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => {
                    "x509: certificate has expired or is not yet valid".to_owned()
                }
                other => format!("x509: {other}"),
            };
            RequestError::Tls(format!("failed to verify certificate: {reason}"))
        }
        other => RequestError::Tls(other.to_string()),
    }
}

/// Accepts any certificate, for registries that the user declared insecure. Signatures are
/// still checked, so the peer holds the key of what it shows.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustls::ServerConfig;
    use rustls::server::WebPkiClientVerifier;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::dial::dial;
    use crate::url::Url;

    /// An authority, and a key with a certificate of it, for 127.0.0.1 and as a client.
    fn make_certificates(directory: &Path) {
        let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -keyout ca.key -out ca.crt -subj /CN=authority -days 2 \
             -addext keyUsage=critical,keyCertSign \
             && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -keyout host.key -out host.csr -subj /CN=host \
             && printf 'subjectAltName=IP:127.0.0.1' > extensions \
             && openssl x509 -req -in host.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out host.cert -days 2 -extfile extensions";
        let output = Command::new("sh").arg("-c").arg(script).current_dir(directory).output();
        let output = output.expect("sh runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Serves one handshake after the other. Clients must have a certificate of the authority.
    async fn serve(directory: &Path) -> Url {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        add_authorities(&mut roots, &directory.join("ca.crt")).unwrap();
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let own =
            HostFiles { authorities: Vec::new(), certificate: Some(directory.join("host.cert")) };
        let (chain, key) = own.identity().unwrap().unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"hello").await;
                    let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                }
            }
        });
        url
    }

    async fn greet(url: &Url, config: &Config, insecure: bool) -> Result<String, String> {
        let tls = TlsSettings::new(config);
        let mut stream =
            dial(url, None, &tls, insecure).await.map_err(|error| error.to_string())?;
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut text)
            .await
            .map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[tokio::test]
    async fn trust_and_identity_come_from_the_hosts_directory() {
        let directory = tempfile::tempdir().unwrap();
        if Command::new("openssl").arg("version").output().is_err() {
            isopod_testkit::skip("trust_and_identity", "openssl is not installed");
            return;
        }
        make_certificates(directory.path());
        let url = serve(directory.path()).await;
        let host = directory.path().join("certs.d").join(url.authority());
        fs::create_dir_all(&host).unwrap();
        let config = Config {
            certificate_directories: vec![directory.path().join("certs.d")],
            ..Config::default()
        };
        let untrusted = greet(&url, &config, false).await.unwrap_err();
        assert_eq!(
            untrusted,
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        );

        let copy = |from: &str, to: &str| {
            fs::copy(directory.path().join(from), host.join(to)).unwrap();
        };
        copy("ca.crt", "ca.crt");
        let unknown = greet(&url, &config, false).await.unwrap_err();
        assert!(unknown.contains("CertificateRequired"), "{unknown}");

        copy("host.cert", "client.cert");
        let no_key = greet(&url, &config, false).await.unwrap_err();
        assert!(no_key.contains("client.key: no such file"), "{no_key}");

        copy("host.key", "client.key");
        assert_eq!(greet(&url, &config, false).await.unwrap(), "hello");
        fs::remove_file(host.join("ca.crt")).unwrap();
        assert_eq!(greet(&url, &config, true).await.unwrap(), "hello", "insecure trusts any");

        fs::write(host.join("bad.crt"), "nonsense").unwrap();
        let garbage = greet(&url, &config, false).await.unwrap_err();
        assert!(garbage.contains("bad.crt: expected PEM certificates"), "{garbage}");
    }

    #[tokio::test]
    async fn a_plain_server_is_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = b"HTTP/1.0 400 Bad Request\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        });
        let error = greet(&url, &Config::default(), true).await.unwrap_err();
        assert_eq!(error, "http: server gave HTTP response to HTTPS client");
    }
}
