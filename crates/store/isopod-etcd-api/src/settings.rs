//! How the store is set up: etcd's flags, `ETCD_*` variables, and configuration file.
//!
//! All three name the same options ([`options`]). A configuration file counts alone; otherwise
//! flags count before variables.

mod compaction;
mod duration;
mod file;
mod flags;
mod options;
pub(crate) mod url;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use compaction::AutoCompaction;
pub(crate) use flags::{Invocation, read};
use url::Url;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A flag that does not exist.
    #[error("flag provided but not defined: -{0}")]
    UnknownFlag(String),
    /// A word that is not a flag.
    #[error("{0:?} is not a valid flag")]
    NotAFlag(String),
    /// A flag without its value.
    #[error("flag needs an argument: -{0}")]
    NoValue(String),
    /// A value that its option cannot have.
    #[error("invalid value {value:?} for {place}: {reason}")]
    Value {
        /// The flag, variable or key.
        place: String,
        /// As it was given.
        value: String,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// An option of etcd that does not exist here.
    #[error("{place} is not supported: {reason}")]
    Unsupported {
        /// The flag, variable or key.
        place: String,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Together(String),
    /// The configuration file cannot be read.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The configuration file is not what it should be.
    #[error("{}:{line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what was expected.
        reason: String,
    },
}

/// Certificates for clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certificates {
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) authorities: Option<PathBuf>,
    /// Clients must show a certificate of one of the authorities.
    pub(crate) required: bool,
    /// Make a certificate when none is given.
    pub(crate) auto: bool,
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen_client_urls: Vec<Url>,
    pub(crate) listen_peer_urls: Vec<Url>,
    pub(crate) listen_metrics_urls: Vec<Url>,
    pub(crate) advertise_client_urls: Vec<Url>,
    pub(crate) advertise_peer_urls: Vec<Url>,
    /// The members at the beginning, by name.
    pub(crate) initial_cluster: Vec<(String, Vec<Url>)>,
    pub(crate) new_cluster: bool,
    pub(crate) cluster_token: String,
    pub(crate) heartbeat: Duration,
    pub(crate) election: Duration,
    pub(crate) pre_vote: bool,
    pub(crate) quota_bytes: u64,
    pub(crate) max_request_bytes: usize,
    pub(crate) max_txn_ops: usize,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) keep_alive_interval: Duration,
    pub(crate) keep_alive_timeout: Duration,
    pub(crate) progress_interval: Duration,
    pub(crate) compaction_mode: compaction::Mode,
    pub(crate) compaction_retention: String,
    pub(crate) clients: Certificates,
    pub(crate) auth_token: String,
    pub(crate) auth_token_ttl: Duration,
    pub(crate) bcrypt_cost: u32,
    pub(crate) log_level: String,
    /// Whether the JSON gateway is served.
    pub(crate) gateway: bool,
    /// What was said but changes nothing, and why: said again in the log.
    pub(crate) moot: Vec<String>,
    /// Options that were set by somebody.
    pub(crate) given: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        let local = |port| vec![Url::localhost(port)];
        Self {
            name: "default".to_owned(),
            data_dir: None,
            listen_client_urls: local(2379),
            listen_peer_urls: local(2380),
            listen_metrics_urls: Vec::new(),
            advertise_client_urls: local(2379),
            advertise_peer_urls: local(2380),
            initial_cluster: Vec::new(),
            new_cluster: true,
            cluster_token: "etcd-cluster".to_owned(),
            heartbeat: Duration::from_millis(100),
            election: Duration::from_secs(1),
            pre_vote: true,
            quota_bytes: 2 << 30,
            max_request_bytes: 3 << 19,
            max_txn_ops: 128,
            max_concurrent_streams: u32::MAX,
            keep_alive_interval: Duration::from_secs(2 * 3600),
            keep_alive_timeout: Duration::from_secs(20),
            progress_interval: Duration::from_secs(600),
            compaction_mode: compaction::Mode::Periodic,
            compaction_retention: "0".to_owned(),
            clients: Certificates::default(),
            auth_token: "simple".to_owned(),
            auth_token_ttl: Duration::from_secs(300),
            bcrypt_cost: 10,
            log_level: "info".to_owned(),
            gateway: true,
            moot: Vec::new(),
            given: Vec::new(),
        }
    }
}

impl Settings {
    /// Where the data lies.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| format!("{}.etcd", self.name).into())
    }

    /// Leases live longer than it takes to elect a leader: one and a half election times, in
    /// whole seconds.
    pub(crate) fn min_lease_ttl(&self) -> i64 {
        let millis = self.election.as_millis() * 3 / 2;
        i64::try_from(millis.div_ceil(1000)).unwrap_or(i64::MAX).max(1)
    }

    /// When old revisions are forgotten.
    pub(crate) fn auto_compaction(&self) -> Result<Option<AutoCompaction>, SettingsError> {
        AutoCompaction::parse(self.compaction_mode, &self.compaction_retention).map_err(|reason| {
            SettingsError::Value {
                place: "--auto-compaction-retention".to_owned(),
                value: self.compaction_retention.clone(),
                reason,
            }
        })
    }

    fn is_given(&self, option: &str) -> bool {
        self.given.contains(&option)
    }

    /// Fills in what follows from the rest, and refuses what does not go together.
    fn complete(mut self) -> Result<Self, SettingsError> {
        let together = |text: &str| Err(SettingsError::Together(text.to_owned()));
        if self.is_given("listen-client-urls") && !self.is_given("advertise-client-urls") {
            return together(
                "--advertise-client-urls is required when --listen-client-urls is set explicitly",
            );
        }
        if self.election < self.heartbeat * 5 {
            return Err(SettingsError::Together(format!(
                "--election-timeout[{}ms] should be at least as 5 times as \
                 --heartbeat-interval[{}ms]",
                self.election.as_millis(),
                self.heartbeat.as_millis(),
            )));
        }
        if self.election > Duration::from_secs(50) {
            return Err(SettingsError::Together(format!(
                "--election-timeout[{}ms] is too long, and should be set less than 50000ms",
                self.election.as_millis(),
            )));
        }
        if self.clients.certificate.is_some() != self.clients.key.is_some() {
            return together("--cert-file and --key-file must be given together");
        }
        if self.clients.required && self.clients.authorities.is_none() {
            return together("--client-cert-auth needs --trusted-ca-file");
        }
        let secure = self.clients.certificate.is_some() || self.clients.auto;
        if let Some(url) = self.listen_client_urls.iter().find(|url| url.is_secure() && !secure) {
            return Err(SettingsError::Together(format!(
                "TLS key/cert (--cert-file, --key-file) must be provided for client url {url} \
                 with HTTPS scheme"
            )));
        }
        if self.initial_cluster.is_empty() {
            let own = (self.name.clone(), self.advertise_peer_urls.clone());
            self.initial_cluster = vec![own];
        }
        if !self.initial_cluster.iter().any(|(name, _)| *name == self.name) {
            return Err(SettingsError::Together(format!(
                "couldn't find local name {:?} in the initial cluster configuration",
                self.name
            )));
        }
        self.auto_compaction()?;
        Ok(self)
    }
}
