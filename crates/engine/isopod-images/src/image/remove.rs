//! Removing names and images, as docker does.

use std::collections::BTreeSet;

use isopod_base::Digest;
use isopod_journal::Batch;

use super::{CollectPolicy, Image, Images};
use crate::error::ImageError;
use crate::records;

/// How to remove.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Remove an image with several names by its id, or one that a stopped container uses.
    pub force: bool,
    /// Keep what nobody refers to any more, instead of freeing its space at once.
    pub keep_unreferenced: bool,
}

/// A container that was made of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUse {
    /// The container's id.
    pub id: String,
    /// Whether it runs.
    pub running: bool,
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// A name went.
    Untagged(String),
    /// An image, or a layer, went: an id, or a chain id.
    Deleted(Digest),
}

impl Images {
    /// Removes a name, or an image by its id. `used` tells which containers were made of the
    /// image of an id.
    pub fn remove(
        &self,
        name: &str,
        options: RemoveOptions,
        used: &dyn Fn(&Digest) -> Vec<ContainerUse>,
    ) -> Result<Vec<Removal>, ImageError> {
        let image = self.resolve(name, None)?;
        let by_name = image.names.iter().any(|known| known == name);
        let siblings = self.siblings(&image)?;
        let names: BTreeSet<String> =
            siblings.iter().flat_map(|image| image.names.iter().cloned()).collect();
        let containers = used(&image.id);
        let untagged: Vec<String> =
            if by_name { vec![name.to_owned()] } else { names.iter().cloned().collect() };
        let last = untagged.len() == names.len();
        self.check_removal(name, &image, by_name, &untagged, last, options.force, &containers)?;
        // With force, the names go, but what a container stands on stays.
        let delete = last && containers.is_empty();
        let mut batch = Batch::new();
        let mut removed = Vec::new();
        for name in &untagged {
            batch = batch.delete(format!("{}{name}", records::NAME));
            removed.push(Removal::Untagged(name.clone()));
        }
        if delete {
            for image in &siblings {
                batch = batch.delete(format!("{}{}", records::IMAGE, image.target.digest));
            }
            removed.push(Removal::Deleted(image.id.clone()));
        }
        self.inner.journal.commit(batch)?;
        if delete && !options.keep_unreferenced {
            let collected = self.collect(&CollectPolicy::default())?;
            let layers = collected.snapshots.iter().filter_map(|key| key.parse().ok());
            removed.extend(layers.map(Removal::Deleted));
        }
        Ok(removed)
    }

    /// Removes images without a name (or, with `all`, all) that no container was made of.
    pub fn prune(
        &self,
        all: bool,
        keep: &dyn Fn(&Image) -> bool,
        used: &dyn Fn(&Digest) -> Vec<ContainerUse>,
    ) -> Result<(Vec<Removal>, u64), ImageError> {
        let mut removed = Vec::new();
        let mut batch = Batch::new();
        for image in self.list()? {
            if (!all && !image.names.is_empty()) || keep(&image) || !used(&image.id).is_empty() {
                continue;
            }
            for name in &image.names {
                batch = batch.delete(format!("{}{name}", records::NAME));
                removed.push(Removal::Untagged(name.clone()));
            }
            batch = batch.delete(format!("{}{}", records::IMAGE, image.target.digest));
            removed.push(Removal::Deleted(image.id));
        }
        self.inner.journal.commit(batch)?;
        let collected = self.collect(&CollectPolicy::default())?;
        let layers = collected.snapshots.iter().filter_map(|key| key.parse().ok());
        removed.extend(layers.map(Removal::Deleted));
        Ok((removed, collected.bytes))
    }

    /// All stored forms of the image of one id: with gzip and with zstd layers, say.
    fn siblings(&self, image: &Image) -> Result<Vec<Image>, ImageError> {
        let mut all = self.list()?;
        all.retain(|other| other.id == image.id || other.target.digest == image.target.digest);
        Ok(all)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one decision over all that is known of the image"
    )]
    fn check_removal(
        &self,
        name: &str,
        image: &Image,
        by_name: bool,
        untagged: &[String],
        last: bool,
        force: bool,
        containers: &[ContainerUse],
    ) -> Result<(), ImageError> {
        let short = image.id.short();
        let conflict = |reason: String| Err(ImageError::Conflict { reason });
        if !by_name {
            let repositories: BTreeSet<&str> =
                untagged.iter().map(|name| repository(name)).collect();
            if let Some(running) = containers.iter().find(|container| container.running) {
                return conflict(format!(
                    "unable to delete {short} (cannot be forced) - image is being used by running container {}",
                    short_id(&running.id)
                ));
            }
            if repositories.len() > 1 && !force {
                return conflict(format!(
                    "unable to delete {short} (must be forced) - image is referenced in multiple repositories"
                ));
            }
            if let Some(stopped) = containers.first()
                && !force
            {
                return conflict(format!(
                    "unable to delete {short} (must be forced) - image is being used by stopped container {}",
                    short_id(&stopped.id)
                ));
            }
            return Ok(());
        }
        if last
            && !force
            && let Some(container) = containers.first()
        {
            return Err(ImageError::NameInUse {
                name: name.to_owned(),
                container: short_id(&container.id).to_owned(),
                image: short.to_owned(),
            });
        }
        Ok(())
    }
}

/// A name without its tag or digest.
fn repository(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rfind(':') {
        Some(colon) if !name[colon..].contains('/') => &name[..colon],
        _ => name,
    }
}

fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
