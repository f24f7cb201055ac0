//! The build cache as users see it.

use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{Engine, EventType};
use isopod_build::{CacheUsage, PruneCache, Pruned};
use isopod_images::{CollectPolicy, Images};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the cache may take before the least recently used of it goes by itself.
const BUDGET_BYTES: u64 = 20 << 30;

impl Engine {
    /// What is in the build cache.
    pub async fn build_cache(&self) -> Result<Vec<CacheUsage>> {
        let cache = Arc::clone(&self.builds.cache);
        blocking(move || Ok(cache.list())).await
    }

    /// Gives parts of the build cache up.
    pub async fn prune_build_cache(&self, what: PruneCache) -> Result<Pruned> {
        let pruned = self.prune_cache(what).await?;
        let attributes = BTreeMap::from([("reclaimed".to_owned(), pruned.bytes.to_string())]);
        self.emit(EventType::Builder, "prune", "", attributes);
        Ok(pruned)
    }

    async fn prune_cache(&self, what: PruneCache) -> Result<Pruned> {
        let cache = Arc::clone(&self.builds.cache);
        let images = Images::clone(self.images_store());
        blocking(move || {
            let failed = |source| Error::internal("prune the build cache").because(source);
            let pruned = cache.prune(&images, &what).map_err(failed)?;
            if !pruned.ids.is_empty() {
                images.collect(&CollectPolicy::default())?;
            }
            Ok(pruned)
        })
        .await
    }

    /// Keeps the cache within its budget, after a build.
    pub(super) async fn limit_build_cache(&self) {
        let cache = Arc::clone(&self.builds.cache);
        let size = blocking(move || Ok(cache.step_bytes())).await;
        if !size.is_ok_and(|size| size > BUDGET_BYTES) {
            return;
        }
        let what = PruneCache { keep_bytes: BUDGET_BYTES, ..PruneCache::default() };
        if let Err(error) = self.prune_cache(what).await {
            tracing::warn!(error = %error.full_message(), "the build cache is over its budget");
        }
    }
}
