//! TLS settings for each host: which authorities are trusted, and which key is shown.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use isopod_tls::{Identity, TlsError};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::config::{Config, ConfigError};
use crate::error::{RequestError, io_words};

/// Most files of one directory that are read.
const MAX_FILES: usize = 64;
/// Hosts whose settings are kept; redirects to storage may name many.
const MAX_HOSTS: usize = 256;

/// Makes and keeps the settings.
#[derive(Debug)]
pub(crate) struct TlsSettings {
    directories: Vec<PathBuf>,
    authority_files: Vec<PathBuf>,
    system: OnceLock<Result<Arc<RootCertStore>, ConfigError>>,
    hosts: Mutex<HashMap<(String, bool), Arc<ClientConfig>>>,
}

impl TlsSettings {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
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
        let identity = files.identity()?;
        let mut config = match insecure {
            true => isopod_tls::client_of_any(identity)?,
            false => isopod_tls::client(self.roots(&files)?, identity)?,
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
            isopod_tls::add_authorities(&mut roots, path)?;
        }
        Ok(Arc::new(roots))
    }

    fn system_roots(&self) -> Result<Arc<RootCertStore>, ConfigError> {
        let mut roots = isopod_tls::system_roots();
        for path in &self.authority_files {
            isopod_tls::add_authorities(&mut roots, path)?;
        }
        Ok(Arc::new(roots))
    }
}

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
        Ok(Some(isopod_tls::read_identity(path, &path.with_extension("key"))?))
    }
}

impl From<TlsError> for ConfigError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Read { path, source } => unusable(&path, io_words(&source)),
            TlsError::Content { path, reason } => unusable(&path, reason),
            other => {
                Self { what: other.to_string(), reason: isopod_base::chain(&other).to_string() }
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use std::process::Command;

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
        let mut roots = RootCertStore::empty();
        isopod_tls::add_authorities(&mut roots, &directory.join("ca.crt")).unwrap();
        let certificate = directory.join("host.cert");
        let own = isopod_tls::read_identity(&certificate, &directory.join("host.key")).unwrap();
        let config = isopod_tls::server(own, Some(roots)).unwrap();
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
