//! One image: all that is known of it, and how it came to be.

use super::list::summarize;
use super::names;
use super::pull::parse_platform;
use crate::Engine;
use crate::containers::merge;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::model::{ContainerConfig, ImageDetails, ImageHistory, MountKind};
use isopod_base::times::Timestamp;
use isopod_images::{ContainerUse, Image, Images};
use isopod_oci::image::{ExecutionConfig, ImageConfig, Platform};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What docker shows for the id of a step of another image.
const MISSING: &str = "<missing>";

impl Engine {
    /// The image that a container is to be made of.
    pub(crate) async fn find_image(
        &self,
        name: &str,
        platform: Option<&str>,
    ) -> Result<Arc<Image>> {
        let wanted = parse_platform(platform)?;
        let (store, name) = (Images::clone(self.images_store()), name.to_owned());
        blocking(move || {
            let image = names::find(&store, &name, wanted.as_ref())?;
            if let Some(wanted) = &wanted {
                check_platform(&name, wanted, &image)?;
            }
            Ok(Arc::new(image))
        })
        .await
    }

    /// Containers by the id of the image that they were made of.
    pub(crate) fn image_uses(&self) -> BTreeMap<String, Vec<ContainerUse>> {
        let mut uses: BTreeMap<String, Vec<ContainerUse>> = BTreeMap::new();
        for container in self.containers.all() {
            let (id, running) = (container.id.clone(), container.status().is_alive());
            let record = container.record();
            let mounted = record.mounts.iter().filter(|mount| mount.kind == MountKind::Image);
            let images: BTreeSet<String> =
                mounted.map(|mount| mount.name.clone()).chain([record.image_id]).collect();
            for image in images {
                uses.entry(image).or_default().push(ContainerUse { id: id.clone(), running });
            }
        }
        uses
    }

    /// Everything about an image.
    pub async fn image(&self, name: &str) -> Result<ImageDetails> {
        let (store, name) = (Images::clone(self.images_store()), name.to_owned());
        let uses = self.image_uses();
        blocking(move || {
            let image = names::find(&store, &name, None)?;
            let mut summary = summarize(&image, &image.names);
            summary.containers = Some(uses.get(&summary.id).map_or(0, Vec::len));
            let config = &image.config;
            let target = &image.target;
            Ok(ImageDetails {
                comment: config
                    .comment
                    .clone()
                    .or_else(|| last_comment(config))
                    .unwrap_or_default(),
                author: config.author.clone().unwrap_or_default(),
                config: container_config(&config.config),
                architecture: config.platform.architecture.clone(),
                variant: config.platform.variant.clone().unwrap_or_default(),
                os: config.platform.os.clone(),
                diff_ids: image.diff_ids.iter().map(ToString::to_string).collect(),
                last_tagged: image.tagged,
                driver: store.snapshots().name().to_owned(),
                descriptor: Some((
                    target.media_type.clone(),
                    target.digest.to_string(),
                    target.size,
                )),
                summary,
            })
        })
        .await
    }

    /// The steps by which an image was made, the last first.
    pub async fn image_history(&self, name: &str) -> Result<Vec<ImageHistory>> {
        let (store, name) = (Images::clone(self.images_store()), name.to_owned());
        blocking(move || {
            let image = names::find(&store, &name, None)?;
            let steps = store.history(&image)?;
            let shown = steps.into_iter().map(|step| ImageHistory {
                id: step.id.map_or_else(|| MISSING.to_owned(), |id| id.to_string()),
                created: step.created.as_deref().and_then(|text| Timestamp::parse(text).ok()),
                created_by: step.created_by,
                size_bytes: step.size,
                comment: step.comment,
                tags: step.names.iter().map(|name| names::familiar(name)).collect(),
            });
            Ok(shown.collect())
        })
        .await
    }
}

/// What containers get that ask for nothing themselves.
fn container_config(image: &ExecutionConfig) -> ContainerConfig {
    let mut config = ContainerConfig::default();
    merge::merge(&mut config, image);
    config.on_build.clone_from(&image.on_build);
    config.args_escaped = image.args_escaped;
    config
}

fn last_comment(config: &ImageConfig) -> Option<String> {
    config.history.last().and_then(|step| step.comment.clone())
}

/// An image without alternatives may be of another platform than the one asked for.
fn check_platform(name: &str, wanted: &Platform, image: &Image) -> Result<()> {
    let actual = &image.config.platform;
    if wanted.os == actual.os && wanted.architecture == actual.architecture {
        return Ok(());
    }
    Err(Error::not_found(format_args!(
        "image with reference {name} was found but its platform ({}/{}) does not match the specified platform ({}/{})",
        actual.os, actual.architecture, wanted.os, wanted.architecture
    )))
}
