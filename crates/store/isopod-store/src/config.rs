//! What a member is told when it starts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Disk, RealDisk};
use crate::log::LogOptions;

/// Settings of a member. The default is a cluster of one, named `default`.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// This member's name; one of `initial_cluster` when the cluster begins.
    pub name: String,
    /// Where everything durable is.
    pub data_dir: PathBuf,
    /// Where the other members reach this one.
    pub peer_urls: Vec<String>,
    /// Where clients reach this one: told to whom asks for the members.
    pub client_urls: Vec<String>,
    /// The members that begin the cluster, by name; empty is this one alone.
    pub initial_cluster: Vec<(String, Vec<String>)>,
    /// Tells clusters apart that begin with the same addresses.
    pub cluster_token: String,
    /// Whether a cluster begins, or this member joins one that is there.
    pub new_cluster: bool,
    /// Between two heartbeats of the leader.
    pub heartbeat: Duration,
    /// Without a heartbeat for so long, a member stands for election.
    pub election: Duration,
    /// Whether a member first asks whether it could win an election.
    pub pre_vote: bool,
    /// Most bytes that keys, values and history may take; 0 is no limit.
    pub quota_bytes: u64,
    /// Most bytes of a request.
    pub max_request_bytes: usize,
    /// Bytes of log after which a checkpoint is written, at least; a state that is larger than
    /// twice this has more.
    pub checkpoint_bytes: u64,
    /// Sizes of the log's files.
    pub log: LogOptions,
    /// The files.
    pub disk: Arc<dyn Disk>,
}

impl StoreConfig {
    /// A cluster of one in `data_dir`.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            name: "default".to_owned(),
            data_dir: data_dir.into(),
            peer_urls: vec!["http://localhost:2380".to_owned()],
            client_urls: vec!["http://localhost:2379".to_owned()],
            initial_cluster: Vec::new(),
            cluster_token: "etcd-cluster".to_owned(),
            new_cluster: true,
            heartbeat: Duration::from_millis(100),
            election: Duration::from_secs(1),
            pre_vote: true,
            quota_bytes: 2 << 30,
            max_request_bytes: 3 << 19,
            checkpoint_bytes: 96 << 20,
            log: LogOptions::default(),
            disk: Arc::new(RealDisk),
        }
    }

    /// The members that begin the cluster.
    pub(crate) fn founders(&self) -> Vec<(String, Vec<String>)> {
        if self.initial_cluster.is_empty() {
            vec![(self.name.clone(), self.peer_urls.clone())]
        } else {
            self.initial_cluster.clone()
        }
    }

    /// How long a request may take, as in etcd.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(5) + 2 * self.election
    }
}
