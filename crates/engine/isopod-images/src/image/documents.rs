//! Reading the documents of images: what a target refers to, and which manifest is meant.

use std::collections::BTreeMap;

use isopod_base::Digest;
use isopod_oci::image::{Descriptor, ImageConfig, Index, Manifest, Platform, media_type};

use crate::content::ContentStore;
use crate::error::{ContentError, ImageError};
use crate::limits::Limits;
use crate::platform;

/// What a document that lists others is.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    Index(Box<Index>),
    Manifest(Box<Manifest>),
}

/// A source of documents: the store, and what an operation has brought so far.
pub(crate) struct Documents<'a> {
    pub(crate) content: &'a ContentStore,
    pub(crate) limits: &'a Limits,
    pub(crate) pending: Option<&'a BTreeMap<Digest, Vec<u8>>>,
}

/// A manifest, and the configuration if it is one of an image.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) descriptor: Descriptor,
    pub(crate) manifest: Manifest,
    /// Absent for artifacts.
    pub(crate) config: Option<(ImageConfig, Vec<u8>)>,
}

impl Documents<'_> {
    /// The bytes of a document, or nothing if it is not here.
    pub(crate) fn bytes(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ContentError> {
        if let Some(bytes) = self.pending.and_then(|pending| pending.get(digest)) {
            return Ok(Some(bytes.clone()));
        }
        match self.content.read(digest, self.limits.document_bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ContentError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn expect(
        &self,
        image: &str,
        what: &'static str,
        digest: &Digest,
    ) -> Result<Vec<u8>, ImageError> {
        self.bytes(digest)?.ok_or_else(|| ImageError::Document {
            image: image.to_owned(),
            what,
            digest: digest.clone(),
            reason: "it is missing".to_owned(),
        })
    }

    /// Reads an index or a manifest; nothing, if it is not here.
    pub(crate) fn document(
        &self,
        image: &str,
        descriptor: &Descriptor,
    ) -> Result<Option<Document>, ImageError> {
        match self.bytes(&descriptor.digest)? {
            Some(bytes) => read_document(image, descriptor, &bytes, self.limits).map(Some),
            None => Ok(None),
        }
    }

    /// The manifest that `target` means for a platform.
    pub(crate) fn resolve(
        &self,
        image: &str,
        target: &Descriptor,
        wanted: &Platform,
    ) -> Result<Resolved, ImageError> {
        self.resolve_at(image, target, wanted, 0)
    }

    fn resolve_at(
        &self,
        image: &str,
        target: &Descriptor,
        wanted: &Platform,
        depth: usize,
    ) -> Result<Resolved, ImageError> {
        let document = self.document(image, target)?.ok_or_else(|| ImageError::Document {
            image: image.to_owned(),
            what: "manifest",
            digest: target.digest.clone(),
            reason: "it is missing".to_owned(),
        })?;
        match document {
            Document::Manifest(manifest) => self.with_config(image, target.clone(), *manifest),
            Document::Index(index) => {
                if depth >= self.limits.index_depth {
                    return Err(ImageError::Document {
                        image: image.to_owned(),
                        what: "index",
                        digest: target.digest.clone(),
                        reason: format!(
                            "indexes are nested more than {} deep",
                            self.limits.index_depth
                        ),
                    });
                }
                let chosen = self.choose(image, target, &index, wanted)?;
                self.resolve_at(image, &chosen, wanted, depth + 1)
            }
        }
    }

    /// The best manifest of an index. One that states no platform counts with the platform of its
    /// configuration; among equals, one that is here goes first.
    fn choose(
        &self,
        image: &str,
        target: &Descriptor,
        index: &Index,
        wanted: &Platform,
    ) -> Result<Descriptor, ImageError> {
        let mut best: Option<((usize, bool), &Descriptor)> = None;
        let mut available = Vec::new();
        for manifest in &index.manifests {
            if platform::is_attestation(manifest) {
                continue;
            }
            let offered = match &manifest.platform {
                Some(platform) if !platform.architecture.is_empty() => Some(platform.clone()),
                _ => self.platform_of(image, manifest)?,
            };
            let Some(offered) = offered else { continue };
            available.push(platform::format(&offered));
            let Some(rank) = platform::rank(wanted, &offered) else {
                continue;
            };
            let absent = self.bytes(&manifest.digest)?.is_none();
            if best.as_ref().is_none_or(|(known, _)| (rank, absent) < *known) {
                best = Some(((rank, absent), manifest));
            }
        }
        best.map(|(_, manifest)| manifest.clone()).ok_or_else(|| ImageError::NoPlatform {
            image: format!("{image} ({})", target.digest),
            platform: platform::format(wanted),
            available: if available.is_empty() { "none".to_owned() } else { available.join(", ") },
        })
    }

    fn platform_of(
        &self,
        image: &str,
        manifest: &Descriptor,
    ) -> Result<Option<Platform>, ImageError> {
        let Some(Document::Manifest(document)) = self.document(image, manifest)? else {
            return Ok(None);
        };
        if !is_image(&document) {
            return Ok(None);
        }
        match self.bytes(&document.config.digest)? {
            Some(bytes) => Ok(Some(parse_config(image, &document.config, &bytes)?.platform)),
            None => Ok(None),
        }
    }

    fn with_config(
        &self,
        image: &str,
        descriptor: Descriptor,
        manifest: Manifest,
    ) -> Result<Resolved, ImageError> {
        let config = if is_image(&manifest) {
            let bytes = self.expect(image, "configuration", &manifest.config.digest)?;
            let config = parse_config(image, &manifest.config, &bytes)?;
            check_image(image, &manifest, &config, self.limits)?;
            Some((config, bytes))
        } else {
            None
        };
        Ok(Resolved { descriptor, manifest, config })
    }

    /// Everything that `target` refers to, itself included, as far as it is here.
    pub(crate) fn reachable(
        &self,
        image: &str,
        target: &Descriptor,
    ) -> Result<Vec<Descriptor>, ImageError> {
        let mut found = Vec::new();
        let mut pending = vec![(target.clone(), 0)];
        while let Some((descriptor, depth)) = pending.pop() {
            let Some(document) = self.document(image, &descriptor)? else {
                continue;
            };
            found.push(descriptor);
            match document {
                Document::Index(index) if depth < self.limits.index_depth => {
                    pending.extend(index.manifests.into_iter().map(|m| (m, depth + 1)));
                }
                Document::Index(_) => {}
                Document::Manifest(manifest) => {
                    found.push(manifest.config);
                    found.extend(manifest.layers);
                }
            }
        }
        Ok(found)
    }
}

/// Reads the bytes of an index or a manifest, told apart by the media type, or by their fields
/// where that is not given.
pub(crate) fn read_document(
    image: &str,
    descriptor: &Descriptor,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Document, ImageError> {
    let refuse = |what, reason: String| ImageError::Document {
        image: image.to_owned(),
        what,
        digest: descriptor.digest.clone(),
        reason,
    };
    let stated = stated_media_type(bytes);
    let media_type = if descriptor.media_type.is_empty() {
        stated.clone().unwrap_or_default()
    } else {
        descriptor.media_type.clone()
    };
    if let Some(stated) = &stated
        && *stated != media_type
        && (media_type::is_index(stated) != media_type::is_index(&media_type))
    {
        return Err(refuse(
            "manifest",
            format!("it says that it is {stated}, but it was announced as {media_type}"),
        ));
    }
    let looks_like_index = || {
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes)
            .is_ok_and(|map| map.contains_key("manifests"))
    };
    if media_type::is_index(&media_type) || (media_type.is_empty() && looks_like_index()) {
        let index = Index::parse(bytes).map_err(|error| refuse("index", error.to_string()))?;
        return Ok(Document::Index(Box::new(index)));
    }
    if media_type::is_manifest(&media_type) || media_type.is_empty() {
        let manifest =
            Manifest::parse(bytes).map_err(|error| refuse("manifest", error.to_string()))?;
        if manifest.schema_version != 2 {
            return Err(refuse(
                "manifest",
                format!("it has schema version {}, expected 2", manifest.schema_version),
            ));
        }
        if manifest.layers.len() > limits.image_layers {
            return Err(refuse(
                "manifest",
                format!(
                    "it has {} layers, over the limit of {}",
                    manifest.layers.len(),
                    limits.image_layers
                ),
            ));
        }
        return Ok(Document::Manifest(Box::new(manifest)));
    }
    Err(refuse(
        "manifest",
        format!("its media type {media_type:?} is unknown, expected an image manifest or index"),
    ))
}

fn stated_media_type(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Stated {
        #[serde(rename = "mediaType")]
        media_type: Option<String>,
    }
    serde_json::from_slice::<Stated>(bytes)
        .ok()?
        .media_type
        .filter(|media_type| !media_type.is_empty())
}

pub(crate) fn parse_config(
    image: &str,
    descriptor: &Descriptor,
    bytes: &[u8],
) -> Result<ImageConfig, ImageError> {
    ImageConfig::parse(bytes).map_err(|error| ImageError::Document {
        image: image.to_owned(),
        what: "configuration",
        digest: descriptor.digest.clone(),
        reason: error.to_string(),
    })
}

/// Whether a manifest is one of an image, and not of some other artifact.
pub(crate) fn is_image(manifest: &Manifest) -> bool {
    matches!(manifest.config.media_type.as_str(), media_type::CONFIG | media_type::DOCKER_CONFIG)
}

/// Whether content of a media type is a layer that can be unpacked.
pub(crate) fn is_layer(media_type: &str) -> bool {
    const OTHERS: [&str; 5] = [
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        media_type::DOCKER_FOREIGN_LAYER,
    ];
    matches!(
        media_type,
        media_type::LAYER
            | media_type::LAYER_GZIP
            | media_type::LAYER_ZSTD
            | media_type::DOCKER_LAYER
            | media_type::DOCKER_LAYER_GZIP
    ) || OTHERS.contains(&media_type)
}

/// Whether the layers that the manifest and the configuration list are the same.
fn check_image(
    image: &str,
    manifest: &Manifest,
    config: &ImageConfig,
    limits: &Limits,
) -> Result<(), ImageError> {
    let refuse = |what, digest: &Digest, reason: String| ImageError::Document {
        image: image.to_owned(),
        what,
        digest: digest.clone(),
        reason,
    };
    for layer in &manifest.layers {
        if !is_layer(&layer.media_type) {
            return Err(refuse(
                "layer",
                &layer.digest,
                format!("its media type {:?} is unknown, expected a tar layer", layer.media_type),
            ));
        }
    }
    let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
    if diff_ids > limits.image_layers {
        return Err(refuse(
            "configuration",
            &manifest.config.digest,
            format!("it lists {diff_ids} layers, over the limit of {}", limits.image_layers),
        ));
    }
    if layers != diff_ids {
        return Err(refuse(
            "configuration",
            &manifest.config.digest,
            format!("it lists {diff_ids} layers, but the manifest lists {layers}"),
        ));
    }
    Ok(())
}
