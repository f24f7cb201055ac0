//! Finding images, and what is known of them.

use std::collections::BTreeMap;

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use isopod_oci::image::{ImageConfig, Platform};

use super::{Image, ImageRecord, Images, NameRecord, chain_ids};
use crate::error::ImageError;
use crate::records;

/// One step in the making of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The image's id on the last step; unknown for the others.
    pub id: Option<Digest>,
    /// When, RFC 3339, as the configuration has it.
    pub created: Option<String>,
    /// By which command.
    pub created_by: String,
    /// By whom.
    pub author: String,
    /// Comment.
    pub comment: String,
    /// Bytes that the step's layer takes, unpacked.
    pub size: u64,
    /// Whether the step made no layer.
    pub empty_layer: bool,
    /// The image's names, on the last step.
    pub names: Vec<String>,
}

impl Images {
    /// Finds an image by canonical name, by digest, or by the beginning of its id; for the
    /// platform given, or the one that it was brought for.
    pub fn resolve(&self, name: &str, platform: Option<&Platform>) -> Result<Image, ImageError> {
        let not_found = || ImageError::NotFound { name: name.to_owned() };
        let target = self.find(name)?.ok_or_else(not_found)?;
        let record = self.record_of(&target)?.ok_or_else(not_found)?;
        self.describe(&record, platform, &self.names_by_target()?)
    }

    /// All images, the newest first.
    pub fn list(&self) -> Result<Vec<Image>, ImageError> {
        let names = self.names_by_target()?;
        let mut images = Vec::new();
        for (_, record) in records::scan::<ImageRecord>(&self.inner.journal, records::IMAGE)? {
            match self.describe(&record, None, &names) {
                Ok(image) => images.push(image),
                // One damaged image must not hide the others; `verify` names it too.
                Err(error @ (ImageError::Document { .. } | ImageError::Content(_))) => {
                    tracing::warn!(
                        target_digest = %record.target.digest,
                        error = %isopod_base::chain(&error),
                        "image cannot be read"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        images.sort_by(|a, b| (&b.config.created, &b.id).cmp(&(&a.config.created, &a.id)));
        Ok(images)
    }

    /// The steps by which an image was made, the last first.
    pub fn history(&self, image: &Image) -> Result<Vec<HistoryEntry>, ImageError> {
        let chains = chain_ids(&image.diff_ids);
        let mut layers = chains.iter();
        let mut entries = Vec::new();
        for step in &image.config.history {
            let size = match step.empty_layer {
                true => 0,
                false => match layers.next() {
                    Some(chain) => self.snapshot_size(chain)?,
                    None => 0,
                },
            };
            entries.push(HistoryEntry {
                id: None,
                created: step.created.clone(),
                created_by: step.created_by.clone().unwrap_or_default(),
                author: step.author.clone().unwrap_or_default(),
                comment: step.comment.clone().unwrap_or_default(),
                size,
                empty_layer: step.empty_layer,
                names: Vec::new(),
            });
        }
        // Layers that the history does not speak of.
        for chain in layers {
            entries.push(HistoryEntry {
                id: None,
                created: image.config.created.clone(),
                created_by: String::new(),
                author: String::new(),
                comment: String::new(),
                size: self.snapshot_size(chain)?,
                empty_layer: false,
                names: Vec::new(),
            });
        }
        entries.reverse();
        if let Some(last) = entries.first_mut() {
            last.id = Some(image.id.clone());
            last.names.clone_from(&image.names);
        }
        Ok(entries)
    }

    /// Gives an image another name; the name is taken from the image that has it.
    pub fn tag(&self, source: &str, name: &str) -> Result<(), ImageError> {
        let _gate = self.read_gate();
        let target =
            self.find(source)?.ok_or_else(|| ImageError::NotFound { name: source.to_owned() })?;
        let record = NameRecord { target, tagged: Timestamp::now() };
        let batch = Batch::new().put(format!("{}{name}", records::NAME), records::encode(&record));
        Ok(self.inner.journal.commit(batch)?)
    }

    /// The image of a target, if it is here.
    pub(crate) fn image(&self, target: &Digest) -> Result<Option<Image>, ImageError> {
        match self.record_of(target)? {
            Some(record) => {
                let names = self.names_by_target()?;
                self.describe(&record, None, &names).map(Some)
            }
            None => Ok(None),
        }
    }

    pub(super) fn record_of(&self, target: &Digest) -> Result<Option<ImageRecord>, ImageError> {
        let key = format!("{}{target}", records::IMAGE);
        Ok(records::get(&self.inner.journal, &key)?)
    }

    /// The target that a name, digest or beginning of an id stands for.
    pub(super) fn find(&self, name: &str) -> Result<Option<Digest>, ImageError> {
        let key = format!("{}{name}", records::NAME);
        if let Some(record) = records::get::<NameRecord>(&self.inner.journal, &key)? {
            return Ok(Some(record.target));
        }
        // `repository@digest`, whatever tag stands between them.
        if let Some((_, digest)) = name.rsplit_once('@') {
            return match digest.parse() {
                Ok(digest) => self.find_digest(&digest),
                Err(_) => Ok(None),
            };
        }
        let hex = name.strip_prefix("sha256:").unwrap_or(name);
        let fits = !hex.is_empty()
            && hex.len() <= 64
            && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !fits {
            return Ok(None);
        }
        if let Ok(digest) = format!("sha256:{hex}").parse() {
            return self.find_digest(&digest);
        }
        self.find_prefix(hex)
    }

    fn find_digest(&self, digest: &Digest) -> Result<Option<Digest>, ImageError> {
        if self.record_of(digest)?.is_some() {
            return Ok(Some(digest.clone()));
        }
        let images = self.list()?;
        let found = images
            .into_iter()
            .find(|image| image.id == *digest || image.manifest.digest == *digest);
        Ok(found.map(|image| image.target.digest))
    }

    fn find_prefix(&self, prefix: &str) -> Result<Option<Digest>, ImageError> {
        let mut found: Option<Image> = None;
        for image in self.list()? {
            if !image.id.hex().starts_with(prefix) {
                continue;
            }
            if found.as_ref().is_some_and(|known| known.id != image.id) {
                return Err(ImageError::Ambiguous { prefix: prefix.to_owned() });
            }
            found = Some(image);
        }
        Ok(found.map(|image| image.target.digest))
    }

    pub(super) fn names_by_target(
        &self,
    ) -> Result<BTreeMap<Digest, Vec<(String, Timestamp)>>, ImageError> {
        let mut names: BTreeMap<Digest, Vec<(String, Timestamp)>> = BTreeMap::new();
        for (name, record) in records::scan::<NameRecord>(&self.inner.journal, records::NAME)? {
            names.entry(record.target).or_default().push((name, record.tagged));
        }
        Ok(names)
    }

    pub(super) fn describe(
        &self,
        record: &ImageRecord,
        platform: Option<&Platform>,
        names: &BTreeMap<Digest, Vec<(String, Timestamp)>>,
    ) -> Result<Image, ImageError> {
        let own = names.get(&record.target.digest).map(Vec::as_slice).unwrap_or_default();
        let label =
            own.first().map_or_else(|| record.target.digest.to_string(), |(name, _)| name.clone());
        let wanted = platform.unwrap_or(&record.platform);
        let resolved = self.documents().resolve(&label, &record.target, wanted)?;
        let is_image = resolved.config.is_some();
        let (config, config_bytes) =
            resolved.config.unwrap_or_else(|| (ImageConfig::default(), Vec::new()));
        let diff_ids = config.rootfs.diff_ids.clone();
        let chains = chain_ids(&diff_ids);
        let mut size = 0;
        for (chain, layer) in chains.iter().zip(&resolved.manifest.layers) {
            let unpacked = self.snapshots().stat(&chain.to_string())?.is_some();
            size += if unpacked { self.snapshot_size(chain)? } else { layer.size };
        }
        if !is_image {
            size = resolved.manifest.layers.iter().map(|layer| layer.size).sum();
        }
        Ok(Image {
            id: if is_image {
                resolved.manifest.config.digest.clone()
            } else {
                resolved.descriptor.digest.clone()
            },
            target: record.target.clone(),
            manifest: resolved.descriptor,
            config,
            config_bytes,
            diff_ids,
            chain: chains.last().cloned(),
            layers: resolved.manifest.layers,
            names: own.iter().map(|(name, _)| name.clone()).collect(),
            stored: record.stored,
            used: record.used,
            tagged: own.iter().map(|(_, tagged)| *tagged).max(),
            size,
            artifact_type: (!is_image).then(|| {
                resolved.manifest.artifact_type.unwrap_or(resolved.manifest.config.media_type)
            }),
        })
    }

    /// Bytes that the layer of a chain takes by itself; 0 if it is not unpacked.
    pub(super) fn snapshot_size(&self, chain: &Digest) -> Result<u64, ImageError> {
        let key = chain.to_string();
        if self.snapshots().stat(&key)?.is_none() {
            return Ok(0);
        }
        Ok(self.snapshots().usage(&key)?.bytes)
    }
}
