//! Names given and taken.

use super::names;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::model::ImageRemoval;
use crate::{Engine, EventType};
use isopod_base::Digest;
use isopod_images::{ContainerUse, Image, ImageError, Images, Removal, RemoveOptions};
use std::collections::BTreeMap;

impl Engine {
    /// Gives an image another name.
    pub async fn tag_image(&self, name: &str, new_name: &str) -> Result<()> {
        let reference = names::parse(new_name)?;
        if reference.digest().is_some() {
            return Err(Error::invalid("refusing to create a tag with a digest reference"));
        }
        if reference.familiar_name() == "sha256" {
            return Err(Error::invalid(
                "refusing to create an ambiguous tag using digest algorithm as name",
            ));
        }
        let canonical = names::canonical(&reference);
        let (store, name) = (Images::clone(self.images_store()), name.to_owned());
        let image = blocking(move || {
            let image = names::find(&store, &name, None)?;
            store.tag(&image.target.digest.to_string(), &canonical)?;
            Ok(image)
        })
        .await?;
        let shown = reference.with_default_tag().familiar();
        self.image_event("tag", &image.id.to_string(), &shown, &image);
        Ok(())
    }

    /// Removes a name, or an image with all its names when it is called by its id.
    pub async fn remove_image(
        &self,
        name: &str,
        force: bool,
        prune_parents: bool,
    ) -> Result<Vec<ImageRemoval>> {
        let (store, name) = (Images::clone(self.images_store()), name.to_owned());
        let uses = self.image_uses();
        let (image, removals) = blocking(move || {
            let image = names::find(&store, &name, None)?;
            let called = called_by(&image, &name);
            let options = RemoveOptions { force, keep_unreferenced: !prune_parents };
            let users = |id: &Digest| -> Vec<ContainerUse> {
                uses.get(&id.to_string()).cloned().unwrap_or_default()
            };
            let removals = store.remove(&called, options, &users).map_err(|error| match error {
                // People are told the name that they used, not the one that it stands for.
                ImageError::NameInUse { container, image, .. } => {
                    ImageError::NameInUse { name, container, image }
                }
                other => other,
            })?;
            Ok((image, removals))
        })
        .await?;
        Ok(self.tell_removals(&image, removals))
    }

    /// Emits the events of a removal and puts it into docker's form.
    fn tell_removals(&self, image: &Image, removals: Vec<Removal>) -> Vec<ImageRemoval> {
        let id = image.id.to_string();
        for removal in &removals {
            match removal {
                Removal::Untagged(_) => self.image_event("untag", &id, &id, image),
                Removal::Deleted(digest) if *digest == image.id => {
                    self.image_event("delete", &id, &id, image);
                }
                Removal::Deleted(_) => {}
            }
        }
        removals.into_iter().map(docker_form).collect()
    }

    pub(super) fn image_event(&self, action: &str, actor: &str, name: &str, image: &Image) {
        let mut attributes: BTreeMap<String, String> = image.config.config.labels.clone();
        attributes.insert("name".to_owned(), name.to_owned());
        self.emit(EventType::Image, action, actor, attributes);
    }
}

/// Short names and full digests.
pub(super) fn docker_form(removal: Removal) -> ImageRemoval {
    match removal {
        Removal::Untagged(name) => ImageRemoval::Untagged(names::familiar(&name)),
        Removal::Deleted(digest) => ImageRemoval::Deleted(digest.to_string()),
    }
}

/// The canonical name by which the user called the image, or its id.
fn called_by(image: &Image, text: &str) -> String {
    if let Ok(reference) = names::parse(text) {
        let canonical = names::canonical(&reference);
        if image.names.contains(&canonical) {
            return canonical;
        }
    }
    image.id.to_string()
}
