//! Removal of what nobody uses.

use super::list::Filter;
use super::remove::docker_form;
use crate::Engine;
use crate::engine::blocking;
use crate::error::Result;
use crate::model::{Filters, ImagesPruned};
use isopod_base::Digest;
use isopod_images::{ContainerUse, Image, Images, Removal};

impl Engine {
    /// Removes images without a name, or with `dangling=false` all that no container was made
    /// of, and frees what they held.
    pub async fn prune_images(&self, filters: &Filters) -> Result<ImagesPruned> {
        let mut filter = Filter::default();
        for (key, values) in filters {
            for value in values {
                filter.common(key, value)?;
            }
        }
        let only_dangling = filter.dangling().unwrap_or(true);
        let uses = self.image_uses();
        let store = Images::clone(self.images_store());
        let (before, removals, reclaimed_bytes) = blocking(move || {
            let users = |id: &Digest| -> Vec<ContainerUse> {
                uses.get(&id.to_string()).cloned().unwrap_or_default()
            };
            let before = store.list()?;
            let keep = |image: &Image| !filter.accepts(image);
            let (removals, bytes) = store.prune(!only_dangling, &keep, &users)?;
            Ok((before, removals, bytes))
        })
        .await?;
        for removal in &removals {
            if let Removal::Deleted(digest) = removal
                && let Some(image) = before.iter().find(|image| image.id == *digest)
            {
                let id = digest.to_string();
                self.image_event("delete", &id, &id, image);
            }
        }
        let removed = removals.into_iter().map(docker_form).collect();
        Ok(ImagesPruned { removed, reclaimed_bytes })
    }
}
