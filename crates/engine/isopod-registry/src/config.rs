//! How a client behaves. Parsed and checked once, before anything is sent.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::docker_config::DockerConfig;
use crate::proxy::{Cidr, ProxySettings};
use crate::reference::DEFAULT_DOMAIN;
use crate::url::{Scheme, Url, split_authority};

/// A setting cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct ConfigError {
    /// The setting or file, with its value.
    pub what: String,
    /// What is wrong and what was expected.
    pub reason: String,
}

/// Settings of a [`crate::Client`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Asked before the registry itself when something is pulled; in order.
    pub mirrors: Vec<Mirror>,
    /// Registries that may be spoken to without verified TLS, besides loopback addresses.
    pub insecure: Vec<InsecureRegistry>,
    /// Directories with a subdirectory per registry holding `*.crt` (authorities to trust)
    /// and `*.cert` with `*.key` (to authenticate by).
    pub certificate_directories: Vec<PathBuf>,
    /// Further authorities to trust for every registry, in PEM.
    pub authority_files: Vec<PathBuf>,
    /// Proxies to use.
    pub proxies: ProxySettings,
    /// Where credentials are looked up that the caller does not give.
    pub docker_config: Option<DockerConfig>,
    /// Limits on waiting.
    pub timeouts: Timeouts,
    /// What is done about failures that may pass.
    pub retry: RetryPolicy,
    /// How large blobs are fetched.
    pub parallel_download: ParallelDownload,
    /// Upload blobs in chunks of this size instead of in one request.
    pub upload_chunk_bytes: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            user_agent: concat!("isopod/", env!("CARGO_PKG_VERSION")).to_owned(),
            mirrors: Vec::new(),
            insecure: Vec::new(),
            certificate_directories: vec![PathBuf::from("/etc/docker/certs.d")],
            authority_files: Vec::new(),
            proxies: ProxySettings::default(),
            docker_config: None,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            parallel_download: ParallelDownload::default(),
            upload_chunk_bytes: None,
        }
    }
}

impl Config {
    /// The defaults, with proxies from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Ok(Self { proxies: ProxySettings::from_environment()?, ..Self::default() })
    }

    /// Whether `authority` (`host[:port]`) may be spoken to without verified TLS.
    pub(crate) fn is_insecure(&self, authority: &str) -> bool {
        is_loopback(authority) || self.insecure.iter().any(|entry| entry.covers(authority))
    }
}

/// Whether the host is this machine; such registries need no TLS.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let Some((host, _)) = split_authority(authority) else { return false };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A server that holds copies of what a registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The registry that is mirrored: `docker.io`.
    pub registry: String,
    /// Where: scheme, host and port.
    pub url: Url,
}

impl Mirror {
    /// A mirror of Docker Hub from an address, as dockerd's `--registry-mirror` takes it.
    pub fn of_docker_hub(url: &str) -> Result<Self, ConfigError> {
        Self::new(DEFAULT_DOMAIN, url)
    }

    /// A mirror of any registry.
    pub fn new(registry: &str, url: &str) -> Result<Self, ConfigError> {
        let fail =
            |reason: String| ConfigError { what: format!("registry mirror {url:?}"), reason };
        let parsed = Url::parse(url).map_err(|error| fail(error.reason.to_owned()))?;
        if parsed.target() != "/" {
            return Err(fail("expected scheme, host and port without a path".to_owned()));
        }
        Ok(Self { registry: registry.to_owned(), url: parsed })
    }
}

/// An entry of dockerd's `insecure-registries`: a host, a host with a port, or a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsecureRegistry {
    /// `host:port`, or `host` for each of its ports.
    Host(String),
    /// All addresses of a network, where the registry is named by address.
    Network(Cidr),
}

impl InsecureRegistry {
    fn covers(&self, authority: &str) -> bool {
        let Some((host, _)) = split_authority(authority) else { return false };
        match self {
            Self::Host(entry) => {
                entry.eq_ignore_ascii_case(authority) || entry.eq_ignore_ascii_case(&host)
            }
            Self::Network(network) => host.parse().is_ok_and(|address| network.contains(address)),
        }
    }
}

impl FromStr for InsecureRegistry {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason: &str| ConfigError {
            what: format!("insecure registry {text:?}"),
            reason: reason.to_owned(),
        };
        if text.contains("://") {
            return Err(fail("expected host, host:port or a network without a scheme"));
        }
        if text.contains('/') {
            return text.parse().map(Self::Network).map_err(|_| fail("expected address/length"));
        }
        Url::from_authority(Scheme::Http, text, "/")
            .map_err(|_| fail("expected host or host:port"))?;
        Ok(Self::Host(text.to_owned()))
    }
}

/// Limits on waiting.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// Between a request and the head of its answer.
    pub response: Duration,
    /// Without a single byte of a body.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            response: Duration::from_secs(60),
            idle: Duration::from_secs(60),
        }
    }
}

/// What is done about failures that may pass: broken connections, 429 and 5xx.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// Tries in all, at least 1. Progress within a blob starts the count anew.
    pub attempts: u32,
    /// The first wait; the next ones double.
    pub first_wait: Duration,
    /// The longest wait, also when a server asks for a longer one.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// How large blobs are fetched: as ranges over several connections, delivered in order.
/// Memory is bounded by `connections * part_bytes` for each blob.
#[derive(Debug, Clone)]
pub struct ParallelDownload {
    /// Connections for one blob; 1 switches ranges off.
    pub connections: usize,
    /// Use ranges for registries on loopback too, where they gain nothing.
    pub on_loopback: bool,
    /// Size of a range.
    pub part_bytes: u64,
    /// Blobs below this size come over one connection.
    pub threshold_bytes: u64,
}

impl Default for ParallelDownload {
    fn default() -> Self {
        Self { connections: 4, on_loopback: false, part_bytes: 4 << 20, threshold_bytes: 16 << 20 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_insecure_registries() {
        let config = Config {
            insecure: ["reg.example:5000", "plain.example", "10.1.0.0/16"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
            ..Config::default()
        };
        for authority in [
            "localhost",
            "localhost:5000",
            "127.8.9.1:80",
            "[::1]:5000",
            "reg.example:5000",
            "plain.example",
            "plain.example:81",
            "10.1.2.3:5000",
        ] {
            assert!(config.is_insecure(authority), "{authority}");
        }
        for authority in
            ["reg.example", "reg.example:5001", "10.2.0.1", "docker.io", "a.plain.example"]
        {
            assert!(!config.is_insecure(authority), "{authority}");
        }
        assert!("http://a".parse::<InsecureRegistry>().is_err());
        assert!("10.1.0.0/33".parse::<InsecureRegistry>().is_err());
    }

    #[test]
    fn mirrors_have_no_path() {
        assert!(Mirror::of_docker_hub("https://mirror.example:5000/").is_ok());
        let error = Mirror::of_docker_hub("https://mirror.example/v2").unwrap_err();
        assert!(error.to_string().contains("without a path"), "{error}");
    }
}
