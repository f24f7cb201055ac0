//! Images as users see them: names in docker's short form, pulls and pushes with progress,
//! archives, lists, removal. The store and the registry client do the work; this knows when
//! each is to be asked, and in which words docker says what happens.

mod archives;
mod builds;
mod details;
mod failures;
mod list;
mod names;
mod plan;
mod progress;
mod prune;
mod pull;
mod push;
mod registry;
mod remove;

pub(crate) use builds::{canonical_name, find_image, platform_text, registry_of};

use crate::Config;
use crate::error::{Error, Result};
use isopod_registry::{Client, Mirror};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Layers that are downloaded at once, over all pulls (docker's default).
const DOWNLOADS: usize = 3;
/// Blobs that are uploaded at once, over all pushes (docker's default).
const UPLOADS: usize = 5;

/// What pulls and pushes share.
#[derive(Debug)]
pub(crate) struct Service {
    client: Client,
    downloads: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

impl Service {
    /// The client of registries.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn new(config: &Config) -> Result<Self> {
        let invalid = |error: &dyn std::fmt::Display| Error::invalid(error);
        let mut client = isopod_registry::Config::from_environment().map_err(|e| invalid(&e))?;
        client.user_agent = concat!("isopod/", env!("CARGO_PKG_VERSION")).to_owned();
        for mirror in &config.registry_mirrors {
            client.mirrors.push(Mirror::of_docker_hub(mirror).map_err(|e| invalid(&e))?);
        }
        for registry in &config.insecure_registries {
            client.insecure.push(registry.parse().map_err(|e| invalid(&e))?);
        }
        let client = Client::new(client).map_err(|e| invalid(&e))?;
        Ok(Self {
            client,
            downloads: Arc::new(Semaphore::new(DOWNLOADS)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
        })
    }
}
