//! The files of an archive of images, and what their names mean.

use std::collections::BTreeMap;

use isopod_base::Digest;
use isopod_oci::image::{ANNOTATION_REF_NAME, Descriptor, Index, Layout};
use serde::{Deserialize, Serialize};

use crate::error::ImageError;
use crate::limits::Limits;
use crate::tar::BLOCK;

/// Annotation by which containerd, docker and buildx note an image's whole name.
pub(super) const ANNOTATION_IMAGE_NAME: &str = "io.containerd.image.name";

/// Links within links.
const LINK_DEPTH: usize = 8;

/// A file of an archive.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A document, in memory.
    Bytes(Vec<u8>),
    /// Anything else, in the store: digest and size.
    Blob(Digest, u64),
    /// Another name of a file.
    Link(String),
}

/// The files of an archive by path.
#[derive(Debug, Default)]
pub(super) struct Archive {
    items: BTreeMap<String, Item>,
}

/// One entry of a docker-archive's `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerImage {
    pub(super) config: String,
    #[serde(default)]
    pub(super) repo_tags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) layers: Vec<String>,
}

impl DockerImage {
    pub(super) fn parse_list(bytes: &[u8]) -> Result<Vec<Self>, ImageError> {
        let images: Vec<Self> = serde_json::from_slice(bytes)
            .map_err(|error| ImageError::Archive { reason: format!("manifest.json: {error}") })?;
        if images.is_empty() {
            return Err(ImageError::Archive { reason: "manifest.json lists no image".to_owned() });
        }
        Ok(images)
    }
}

impl Archive {
    pub(super) fn insert(&mut self, path: String, item: Item) {
        self.items.insert(path, item);
    }

    pub(super) fn check_room(&self, limits: &Limits) -> Result<(), ImageError> {
        if self.items.len() < limits.archive_entries {
            return Ok(());
        }
        Err(ImageError::Archive {
            reason: format!("it has more than {} files", limits.archive_entries),
        })
    }

    /// The file at `path`, through links.
    pub(super) fn find(&self, path: &str) -> Result<&Item, ImageError> {
        let mut here = clean(path.as_bytes())?;
        for _ in 0..LINK_DEPTH {
            match self.items.get(&here) {
                Some(Item::Link(target)) => here.clone_from(target),
                Some(item) => return Ok(item),
                None => {
                    return Err(ImageError::Archive {
                        reason: format!("{path} is listed in manifest.json, but missing"),
                    });
                }
            }
        }
        Err(ImageError::Archive {
            reason: format!("{path} is a link to links, more than {LINK_DEPTH} of them"),
        })
    }

    /// A document in memory.
    pub(super) fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, ImageError> {
        match self.items.get(path) {
            Some(Item::Bytes(bytes)) => Ok(Some(bytes.clone())),
            _ => Ok(None),
        }
    }

    /// The index, if this is an OCI layout.
    pub(super) fn layout_index(&self) -> Result<Option<Index>, ImageError> {
        let (Some(layout), Some(index)) = (self.bytes("oci-layout")?, self.bytes("index.json")?)
        else {
            return Ok(None);
        };
        parse_layout(&layout, &index).map(Some)
    }

    pub(super) fn why_unknown(&self) -> String {
        let seen: Vec<&str> = self.items.keys().take(5).map(String::as_str).collect();
        let found = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
        format!(
            "neither manifest.json (docker-archive) nor oci-layout with index.json (OCI layout) is in it; found {found}"
        )
    }
}

/// Checks the layout's version, and reads its index.
pub(super) fn parse_layout(layout: &[u8], index: &[u8]) -> Result<Index, ImageError> {
    let refuse = |reason| ImageError::Archive { reason };
    let layout: Layout =
        serde_json::from_slice(layout).map_err(|error| refuse(format!("oci-layout: {error}")))?;
    if !layout.image_layout_version.starts_with("1.") {
        return Err(refuse(format!(
            "oci-layout: version {:?}, expected 1.x",
            layout.image_layout_version
        )));
    }
    Index::parse(index).map_err(|error| refuse(format!("index.json: {error}")))
}

/// A path without `./`; one that climbs is refused.
pub(super) fn clean(path: &[u8]) -> Result<String, ImageError> {
    let text = String::from_utf8_lossy(path);
    join("", &text).ok_or_else(|| ImageError::Archive {
        reason: format!("the path {text:?} leads out of the archive"),
    })
}

/// Where a symbolic link in the archive points.
pub(super) fn link_target(path: &str, link: &[u8]) -> Result<String, ImageError> {
    let link = String::from_utf8_lossy(link);
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    join(dir, &link).ok_or_else(|| ImageError::Archive {
        reason: format!("the link {path} to {link:?} leads out of the archive"),
    })
}

fn join(dir: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a file is a document that is read at once. Blobs never are: which they are is known
/// when the documents have been read.
pub(super) fn is_document(path: &str) -> bool {
    if path.starts_with("blobs/") {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".json") || matches!(name, "json" | "VERSION" | "repositories" | "oci-layout")
}

/// The digest that the path `blobs/<algorithm>/<hex>` states.
pub(super) fn blob_digest(path: &str) -> Option<Digest> {
    let (algorithm, hex) = path.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// Whether content that begins so may be a layer: a tar header, or compressed.
pub(super) fn looks_like_layer(bytes: &[u8]) -> bool {
    match bytes {
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            true
        }
        _ if bytes.len() >= BLOCK => {
            bytes[257..262] == *b"ustar" || bytes[..BLOCK].iter().all(|&byte| byte == 0)
        }
        _ => false,
    }
}

/// The name that a layout gives an image. A tag alone is no name.
pub(super) fn name_of(descriptor: &Descriptor) -> Option<&str> {
    let annotations = &descriptor.annotations;
    if let Some(name) = annotations.get(ANNOTATION_IMAGE_NAME) {
        return Some(name);
    }
    annotations
        .get(ANNOTATION_REF_NAME)
        .map(String::as_str)
        .filter(|name| name.contains([':', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_in_the_archive() {
        let target = |path, link: &str| link_target(path, link.as_bytes()).ok();
        assert_eq!(target("a/layer.tar", "../b/layer.tar").as_deref(), Some("b/layer.tar"));
        assert_eq!(target("a/layer.tar", "../../etc/passwd"), None);
        assert_eq!(clean(b"./blobs//x").ok().as_deref(), Some("blobs/x"));
        assert!(clean(b"../x").is_err());
    }

    #[test]
    fn a_circle_of_links_ends() {
        let mut archive = Archive::default();
        archive.insert("a".to_owned(), Item::Link("b".to_owned()));
        archive.insert("b".to_owned(), Item::Link("a".to_owned()));
        assert!(archive.find("a").is_err());
    }
}
