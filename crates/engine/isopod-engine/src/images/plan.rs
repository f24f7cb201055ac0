//! What a pull has to bring: decided from documents alone.

use crate::error::{Error, Result};
use isopod_base::Digest;
use isopod_oci::image::{Descriptor, ImageConfig, Manifest, media_type};

/// Most layers that an image may have; overlay mounts take no more than 500.
const MAX_LAYERS: usize = 500;

/// One layer of an image to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) blob: Descriptor,
    /// What it unpacks to.
    pub(super) diff_id: Digest,
    /// The name of the snapshot that it makes with those below it.
    pub(super) chain: Digest,
}

/// Joins the layers that a manifest lists with what the configuration says they unpack to.
pub(super) fn layers(image: &str, manifest: &Manifest, config: &ImageConfig) -> Result<Vec<Layer>> {
    let refuse = |reason: String| Error::invalid(format_args!("image {image}: {reason}"));
    let (blobs, diff_ids) = (&manifest.layers, &config.rootfs.diff_ids);
    if blobs.len() != diff_ids.len() {
        return Err(refuse(format!(
            "the manifest lists {} layers, the configuration {}",
            blobs.len(),
            diff_ids.len()
        )));
    }
    if blobs.len() > MAX_LAYERS {
        return Err(refuse(format!("{} layers, expected {MAX_LAYERS} at most", blobs.len())));
    }
    if let Some(foreign) = blobs.iter().find(|blob| !is_layer(&blob.media_type)) {
        return Err(refuse(format!(
            "layer {} has the media type {:?}, expected a tar archive, plain or compressed by gzip or zstd",
            foreign.digest, foreign.media_type
        )));
    }
    let chains = isopod_images::chain_ids(diff_ids);
    let parts = blobs.iter().zip(diff_ids).zip(chains);
    Ok(parts
        .map(|((blob, diff_id), chain)| Layer {
            blob: blob.clone(),
            diff_id: diff_id.clone(),
            chain,
        })
        .collect())
}

/// A blob with all layers of the image that it is; the same one may come twice.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) blob: Descriptor,
    pub(super) layers: Vec<Layer>,
    /// Whether the store has the blob.
    pub(super) present: bool,
    /// Whether the store has all that it unpacks to.
    pub(super) unpacked: bool,
}

impl Group {
    fn new(blob: &Descriptor) -> Self {
        Self { blob: blob.clone(), layers: Vec::new(), present: false, unpacked: false }
    }
}

/// Each blob once, in the order of the manifest.
pub(super) fn group(layers: Vec<Layer>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for layer in layers {
        let known = groups.iter().position(|group| group.blob.digest == layer.blob.digest);
        let at = known.unwrap_or_else(|| {
            groups.push(Group::new(&layer.blob));
            groups.len() - 1
        });
        groups[at].layers.push(layer);
    }
    groups
}

/// The blobs of an artifact, each once; they are kept as they are.
pub(super) fn blobs(manifest: &Manifest) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for blob in &manifest.layers {
        if !groups.iter().any(|group| group.blob.digest == blob.digest) {
            groups.push(Group::new(blob));
        }
    }
    groups
}

/// Whether a manifest describes a container image, rather than some other artifact.
pub(super) fn is_image(manifest: &Manifest) -> bool {
    matches!(
        manifest.config.media_type.as_str(),
        media_type::CONFIG | media_type::DOCKER_CONFIG | ""
    ) && manifest.artifact_type.is_none()
}

fn is_layer(kind: &str) -> bool {
    matches!(
        kind,
        media_type::LAYER
            | media_type::LAYER_GZIP
            | media_type::LAYER_ZSTD
            | media_type::DOCKER_LAYER
            | media_type::DOCKER_LAYER_GZIP
            | "application/vnd.docker.image.rootfs.diff.tar.zstd"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(name: &str) -> Digest {
        Digest::sha256(name.as_bytes())
    }

    fn manifest(layers: &[(&str, &str)]) -> Manifest {
        Manifest {
            schema_version: 2,
            media_type: None,
            artifact_type: None,
            config: Descriptor::new(media_type::CONFIG, digest("config"), 2),
            layers: layers
                .iter()
                .map(|(name, kind)| Descriptor::new(*kind, digest(name), 1))
                .collect(),
            subject: None,
            annotations: Default::default(),
        }
    }

    fn config(diff_ids: &[&str]) -> ImageConfig {
        let mut config = ImageConfig::default();
        config.rootfs.diff_ids = diff_ids.iter().map(|name| digest(name)).collect();
        config
    }

    #[test]
    fn a_blob_that_comes_twice_is_fetched_once() {
        let kind = media_type::LAYER_GZIP;
        let manifest = manifest(&[("a", kind), ("b", kind), ("a", kind)]);
        let layers = layers("x", &manifest, &config(&["A", "B", "A"])).expect("fits");
        let groups = group(layers);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].layers.len(), 2);
        assert_ne!(groups[0].layers[0].chain, groups[0].layers[1].chain);
    }

    #[test]
    fn documents_that_do_not_fit_are_refused_by_name() {
        let refuse = |layers_of: &[(&str, &str)], diff_ids: &[&str]| {
            layers("x:1", &manifest(layers_of), &config(diff_ids)).expect_err("refused").to_string()
        };
        let message = refuse(&[("a", media_type::LAYER)], &[]);
        assert_eq!(message, "image x:1: the manifest lists 1 layers, the configuration 0");
        let message = refuse(&[("a", "text/plain")], &["A"]);
        assert!(message.contains("media type \"text/plain\""), "{message}");
        assert!(message.contains(&digest("a").to_string()), "{message}");
    }
}
