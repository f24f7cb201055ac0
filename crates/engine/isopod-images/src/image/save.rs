//! Writing images into one archive that both OCI tools and every docker can read: an OCI layout
//! with docker's `manifest.json` beside it.

use std::collections::BTreeSet;
use std::io::Write;

use isopod_base::Digest;
use isopod_oci::image::{ANNOTATION_REF_NAME, Descriptor, Index, media_type};

use super::archive::{ANNOTATION_IMAGE_NAME, DockerImage};
use super::documents::Document;
use super::{Image, Images};
use crate::error::ImageError;
use crate::tar::{Entry, Kind, Writer};

/// An image to save.
#[derive(Debug, Clone)]
pub struct SaveItem {
    /// The image.
    pub image: Image,
    /// Names to save it under: canonical (`docker.io/library/debian:12`), and as people write
    /// them (`debian:12`).
    pub names: Vec<(String, String)>,
}

impl Images {
    /// Writes images, with what refers to them, as one archive.
    pub fn save(&self, items: &[SaveItem], out: &mut dyn Write) -> Result<(), ImageError> {
        let write = || ImageError::stream("write the archive");
        let mut writer = Writer::new(out);
        let mut written = BTreeSet::new();
        let mut index = Vec::new();
        let mut docker: Vec<DockerImage> = Vec::new();
        for item in items {
            let target = self.whole_target(&item.image)?;
            self.write_blobs(&mut writer, &item.image, &target, &mut written)?;
            index.extend(index_entries(&target, &item.names));
            for referrer in self.all_referrers(&target)? {
                let label = referrer.digest.to_string();
                for descriptor in self.documents().reachable(&label, &referrer)? {
                    self.write_blob(&mut writer, &descriptor.digest, &mut written)?;
                }
                if !index.iter().any(|known: &Descriptor| known.digest == referrer.digest) {
                    index.push(referrer);
                }
            }
            if item.image.artifact_type.is_none() {
                add_docker(&mut docker, item);
            }
        }
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::INDEX.to_owned()),
            artifact_type: None,
            manifests: index,
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        let json = |value: serde_json::Result<Vec<u8>>| value.expect("plain structures");
        let files = [
            ("index.json", json(serde_json::to_vec(&index))),
            ("manifest.json", json(serde_json::to_vec(&docker))),
            ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ];
        for (name, bytes) in files {
            // Artifacts alone mean nothing to docker.
            if name != "manifest.json" || !docker.is_empty() {
                writer.file(name, 0, &bytes).map_err(write())?;
            }
        }
        writer.finish().map_err(write())?;
        Ok(())
    }

    /// The image's index, if all that it lists is here; else the manifest of its platform.
    fn whole_target(&self, image: &Image) -> Result<Descriptor, ImageError> {
        let label = image.target.digest.to_string();
        let mut pending = vec![(image.target.clone(), 0)];
        while let Some((descriptor, depth)) = pending.pop() {
            let complete = match self.documents().document(&label, &descriptor)? {
                Some(Document::Index(index)) if depth < self.limits().index_depth => {
                    pending.extend(index.manifests.into_iter().map(|m| (m, depth + 1)));
                    true
                }
                Some(Document::Manifest(manifest)) => std::iter::once(&manifest.config)
                    .chain(&manifest.layers)
                    .all(|descriptor| self.content().contains(&descriptor.digest)),
                _ => false,
            };
            if !complete {
                return Ok(image.manifest.clone());
            }
        }
        Ok(image.target.clone())
    }

    fn all_referrers(&self, target: &Descriptor) -> Result<Vec<Descriptor>, ImageError> {
        let label = target.digest.to_string();
        let mut found = Vec::new();
        for descriptor in self.documents().reachable(&label, target)? {
            found.extend(self.referrers(&descriptor.digest, None)?);
        }
        found.retain(|referrer| self.content().contains(&referrer.digest));
        Ok(found)
    }

    fn write_blobs<W: Write>(
        &self,
        writer: &mut Writer<W>,
        image: &Image,
        target: &Descriptor,
        written: &mut BTreeSet<Digest>,
    ) -> Result<(), ImageError> {
        let label = image.target.digest.to_string();
        for descriptor in self.documents().reachable(&label, target)? {
            self.write_blob(writer, &descriptor.digest, written)?;
        }
        Ok(())
    }

    fn write_blob<W: Write>(
        &self,
        writer: &mut Writer<W>,
        digest: &Digest,
        written: &mut BTreeSet<Digest>,
    ) -> Result<(), ImageError> {
        if written.contains(digest) {
            return Ok(());
        }
        let write = || ImageError::stream("write the archive");
        if written.is_empty() {
            writer.directory("blobs", 0).map_err(write())?;
        }
        let algorithm = digest.algorithm();
        if !written.iter().any(|known| known.algorithm() == algorithm) {
            writer.directory(&format!("blobs/{}", algorithm.name()), 0).map_err(write())?;
        }
        let mut blob = self.content().blob(digest)?;
        let path = format!("blobs/{}/{}", algorithm.name(), digest.hex());
        let entry = Entry { size: blob.size(), ..Entry::plain(path.as_bytes(), Kind::File, 0o644) };
        writer.copy(&entry, &mut blob).map_err(write())?;
        written.insert(digest.clone());
        Ok(())
    }

    /// Writes the file system of a snapshot as a tar archive. The snapshot has to be mounted at
    /// `root`.
    pub fn export(&self, root: &std::path::Path, out: &mut dyn Write) -> Result<(), ImageError> {
        let mut writer = Writer::new(out);
        crate::tar::write_tree(&mut writer, root, crate::tar::TreeOptions::default()).map_err(
            |error| {
                let path = root.join(String::from_utf8_lossy(&error.path).as_ref());
                ImageError::File(isopod_base::files::FileError::at("archive", &path)(error.source))
            },
        )?;
        writer.finish().map_err(ImageError::stream("write the archive"))?;
        Ok(())
    }
}

/// An entry for each name; one without a name, if there is none.
fn index_entries(target: &Descriptor, names: &[(String, String)]) -> Vec<Descriptor> {
    if names.is_empty() {
        return vec![target.clone()];
    }
    names
        .iter()
        .map(|(canonical, _)| {
            let mut entry = target.clone();
            let last = canonical.rsplit('/').next().unwrap_or(canonical);
            if let Some((_, tag)) = last.split_once(':').filter(|_| !last.contains('@')) {
                entry.annotations.insert(ANNOTATION_REF_NAME.to_owned(), tag.to_owned());
            }
            entry.annotations.insert(ANNOTATION_IMAGE_NAME.to_owned(), canonical.clone());
            entry
        })
        .collect()
}

fn add_docker(docker: &mut Vec<DockerImage>, item: &SaveItem) {
    let path = |digest: &Digest| format!("blobs/{}/{}", digest.algorithm().name(), digest.hex());
    let config = path(&item.image.id);
    let tags = item.names.iter().map(|(_, familiar)| familiar.clone());
    if let Some(known) = docker.iter_mut().find(|image| image.config == config) {
        known.repo_tags.get_or_insert_default().extend(tags);
        return;
    }
    let tags: Vec<String> = tags.collect();
    docker.push(DockerImage {
        config,
        repo_tags: (!tags.is_empty()).then_some(tags),
        layers: item.image.layers.iter().map(|layer| path(&layer.digest)).collect(),
    });
}
