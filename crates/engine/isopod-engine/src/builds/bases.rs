//! Images that a build stands on: found here, or pulled.

use super::context::Prepared;
use super::{BuildImage, BuildProgress, refused};
use crate::engine::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::images::{find_image, registry_of};
use crate::{Engine, PullImage};
use isopod_build::{BaseImage, Bases, Cancel, Plan, Planned, Wanted, plan};
use isopod_images::{Image, Images};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Rounds of planning: each but the last brings an image that the one before did not know of.
const ROUNDS: usize = 64;

impl Engine {
    /// Makes the plan, with every image that it stands on.
    pub(super) async fn resolve_bases(
        self: &Arc<Self>,
        request: &mut BuildImage,
        prepared: &Prepared,
        sender: &mpsc::Sender<Result<BuildProgress>>,
        cancel: &Cancel,
    ) -> Result<(Plan, BTreeMap<Wanted, Image>)> {
        let mut bases = Bases::new();
        let mut images = BTreeMap::new();
        for _ in 0..ROUNDS {
            let wanted = match plan(&prepared.file, &request.build, &bases).map_err(refused)? {
                Planned::Ready(plan) => return Ok((*plan, images)),
                Planned::Needs(wanted) => wanted,
            };
            for wanted in wanted {
                if cancel.is_cancelled() {
                    return Err(Error::invalid("the build was cancelled"));
                }
                let image = self.base(request, &wanted, sender).await?;
                let known = BaseImage { id: image.id.clone(), config: image.config.clone() };
                bases.insert(wanted.clone(), known);
                images.insert(wanted, image);
            }
        }
        Err(Error::invalid("the base images' triggers lead to ever more images"))
    }

    async fn base(
        self: &Arc<Self>,
        request: &BuildImage,
        wanted: &Wanted,
        sender: &mpsc::Sender<Result<BuildProgress>>,
    ) -> Result<Image> {
        if !request.pull {
            match self.base_here(wanted).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
        }
        self.pull_for_build(request, wanted, sender).await?;
        self.base_here(wanted).await
    }

    async fn base_here(self: &Arc<Self>, wanted: &Wanted) -> Result<Image> {
        let store = Images::clone(self.images_store());
        let (name, text) = (wanted.name.clone(), wanted.platform.clone());
        blocking(move || {
            let platform = isopod_images::platform::parse(&text).map_err(Error::invalid)?;
            find_image(&store, &name, Some(&platform))
        })
        .await
    }

    async fn pull_for_build(
        self: &Arc<Self>,
        request: &BuildImage,
        wanted: &Wanted,
        sender: &mpsc::Sender<Result<BuildProgress>>,
    ) -> Result<()> {
        let registry = registry_of(&wanted.name)?;
        let auth = request.auths.get(&registry).cloned();
        let pull = PullImage {
            reference: wanted.name.clone(),
            platform: Some(wanted.platform.clone()),
            all_tags: false,
            auth,
        };
        let mut steps = self.pull_image(pull).await?;
        while let Some(step) = steps.recv().await {
            // When nobody listens, the pull is given up with the build.
            if sender.send(Ok(BuildProgress::Pull(step?))).await.is_err() {
                return Err(Error::invalid("the build was cancelled"));
            }
        }
        Ok(())
    }

    /// Takes over the steps that images tell of. One that cannot be had is no reason to fail.
    pub(super) async fn import_caches(
        self: &Arc<Self>,
        request: &BuildImage,
        sender: &mpsc::Sender<Result<BuildProgress>>,
    ) {
        let platform = isopod_engine_platform(&request.build.platform);
        for name in &request.cache_from {
            let wanted = Wanted { name: name.clone(), platform: platform.clone() };
            let outcome = async {
                let image = self.base(request, &wanted, sender).await?;
                let cache = Arc::clone(&self.builds.cache);
                blocking(move || {
                    isopod_build::import_inline(&cache, &image).map_err(|error| {
                        Error::internal("take over the build cache").because(error)
                    })
                })
                .await
            };
            if let Err(error) = outcome.await {
                let text = format!("[Warning] no cache from {name}: {}", error.full_message());
                let event = isopod_build::Event::Warning(text);
                let _ = sender.send(Ok(BuildProgress::Event(event))).await;
            }
        }
    }
}

fn isopod_engine_platform(platform: &isopod_oci::image::Platform) -> String {
    crate::images::platform_text(platform)
}
