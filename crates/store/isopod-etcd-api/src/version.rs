//! The versions that clients are told, which they choose their behaviour by.

/// The version of etcd whose behaviour is served.
pub(crate) const SERVER_VERSION: &str = "3.6.0";
/// The version that all members of the cluster agree to behave as.
pub(crate) const CLUSTER_VERSION: &str = "3.6.0";
/// The version of the schema of what is stored.
pub(crate) const STORAGE_VERSION: &str = "3.6.0";
