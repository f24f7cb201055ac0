//! What a client needs to know.

use std::path::PathBuf;
use std::time::Duration;

/// How to reach a cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// `http://HOST:PORT`, `https://HOST:PORT`, `unix://PATH`, or `HOST:PORT` (with TLS when
    /// [`Options::tls`] is set). Tried in turn.
    pub endpoints: Vec<String>,
    /// Settings for endpoints with TLS; without them the system's authorities are trusted.
    pub tls: Option<TlsOptions>,
    /// A user's name and password.
    pub user: Option<(String, String)>,
    /// Bound of one attempt to connect.
    pub connect_timeout: Duration,
    /// Bound of one call; streams have none.
    pub call_timeout: Option<Duration>,
    /// A silent connection is asked for a sign of life after this time ...
    pub keep_alive_interval: Option<Duration>,
    /// ... and given up after this one.
    pub keep_alive_timeout: Duration,
}

impl Options {
    /// Options with these endpoints and etcd's defaults.
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            tls: None,
            user: None,
            connect_timeout: Duration::from_secs(2),
            call_timeout: None,
            keep_alive_interval: None,
            keep_alive_timeout: Duration::from_secs(6),
        }
    }
}

/// Whom to trust, and what to show.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// A file of authorities to trust instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Files of the own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate must have, when not the endpoint's.
    pub server_name: Option<String>,
    /// Trust any server.
    pub skip_verify: bool,
}
