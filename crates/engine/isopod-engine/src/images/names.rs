//! Names: short as users write them, canonical as the store keeps them.

use crate::error::{Error, Result};
use isopod_images::{Image, ImageError, Images};
use isopod_oci::image::Platform;
use isopod_registry::Reference;

/// Reads a name as docker does.
pub(super) fn parse(text: &str) -> Result<Reference> {
    Reference::parse(text).map_err(Error::invalid)
}

/// The canonical text of a tag or digest, `:latest` added when there is neither.
pub(super) fn canonical(reference: &Reference) -> String {
    let full = reference.with_default_tag();
    match full.digest() {
        // A name is kept under its digest alone; the tag beside it says nothing more.
        Some(digest) => full.with_digest(digest.clone()).to_string(),
        None => full.to_string(),
    }
}

/// For the store, which reads archives with short names in them.
pub(super) fn canonical_text(text: &str) -> Result<String, String> {
    Reference::parse(text).map(|reference| canonical(&reference)).map_err(|e| e.to_string())
}

/// A canonical name as docker shows it.
pub(super) fn familiar(name: &str) -> String {
    Reference::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar())
}

/// Finds an image by name, digest, id or the beginning of an id, in docker's order: a name goes
/// before an id that looks alike.
pub(crate) fn find(store: &Images, text: &str, platform: Option<&Platform>) -> Result<Image> {
    if text.starts_with("sha256:") || is_full_id(text) {
        return Ok(store.resolve(text, platform)?);
    }
    let reference = parse(text)?;
    let missing = || {
        Error::not_found(format_args!("No such image: {}", reference.with_default_tag().familiar()))
    };
    match store.resolve(&canonical(&reference), platform) {
        Ok(image) => return Ok(image),
        Err(ImageError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(digest) = reference.digest() {
        return by_digest(store, &reference, &digest.to_string(), platform)?.ok_or_else(missing);
    }
    if !is_id_prefix(text) {
        return Err(missing());
    }
    match store.resolve(text, platform) {
        Ok(image) => Ok(image),
        Err(ImageError::NotFound { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// `name@digest`: an image of that digest that has the name under any tag.
fn by_digest(
    store: &Images,
    reference: &Reference,
    digest: &str,
    platform: Option<&Platform>,
) -> Result<Option<Image>> {
    let image = match store.resolve(digest, platform) {
        Ok(image) => image,
        Err(ImageError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let same = |name: &String| {
        Reference::parse(name).is_ok_and(|own| own.repository() == reference.repository())
    };
    Ok(image.names.iter().any(same).then_some(image))
}

fn is_full_id(text: &str) -> bool {
    text.len() == 64 && is_id_prefix(text)
}

fn is_id_prefix(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
