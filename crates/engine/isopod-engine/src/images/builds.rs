//! What builds need to know of images and their names.

use super::names;
use crate::Engine;
use crate::error::{Error, Result};
use isopod_images::{Image, Images};
use isopod_oci::image::Platform;

pub(crate) use super::registry::platform_text;

/// The canonical and the short form of a name to give to an image.
pub(crate) fn canonical_name(text: &str) -> Result<(String, String)> {
    let reference = names::parse(text)?;
    if reference.digest().is_some() {
        return Err(Error::invalid(format_args!(
            "invalid tag {text:?}: a digest cannot be given to an image"
        )));
    }
    Ok((names::canonical(&reference), reference.with_default_tag().familiar()))
}

/// An image that is here, for a platform.
pub(crate) fn find_image(store: &Images, name: &str, platform: Option<&Platform>) -> Result<Image> {
    names::find(store, name, platform)
}

/// The registry that a name leads to.
pub(crate) fn registry_of(name: &str) -> Result<String> {
    Ok(names::parse(name)?.domain().to_owned())
}

impl Engine {
    /// Tells that an image got a name.
    pub(crate) fn tell_tagged(&self, id: &str, name: &str, image: &Image) {
        self.image_event("tag", id, name, image);
    }
}
