//! Making an image from what a container changed.

use std::io::{self, Write};

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_oci::image::{
    Descriptor, ExecutionConfig, History, ImageConfig, Manifest, Platform, media_type,
};
use serde::Serialize;
use serde_json::Value;

use super::change::apply_all;
use super::{Image, Images, Incoming, Transaction};
use crate::error::{ContentError, ImageError};
use crate::tar::BLOCK;

/// How to commit.
#[derive(Debug, Clone)]
pub struct CommitOptions<'a> {
    /// The active snapshot of the container.
    pub snapshot: &'a str,
    /// The image that the container was made of.
    pub parent: Option<&'a Image>,
    /// How containers of the new image are run.
    pub config: ExecutionConfig,
    /// Dockerfile instructions upon that.
    pub changes: Vec<String>,
    /// Who did it.
    pub author: String,
    /// Comment.
    pub message: String,
    /// The command that the container ran, for the history.
    pub created_by: String,
    /// What the image runs on, if there is no parent.
    pub platform: Option<Platform>,
    /// Canonical name of the image.
    pub name: Option<String>,
}

impl Images {
    /// Makes an image of a container's image and what the container changed. Whether it is paused
    /// meanwhile is up to the caller.
    pub fn commit(&self, options: &CommitOptions<'_>) -> Result<Image, ImageError> {
        let mut execution = options.config.clone();
        apply_all(&mut execution, &options.changes)?;
        let transaction = self.begin("commit")?;
        let mut incoming = Sink { incoming: transaction.ingest_unnamed()?, error: None };
        let layer_error = |source| ImageError::Layer {
            image: options.name.clone().unwrap_or_else(|| "commit".to_owned()),
            layer: format!("changes of {}", options.snapshot),
            source,
        };
        let job = transaction.unpack(&incoming.incoming, None).map_err(layer_error)?;
        let written = self.snapshots().write_diff(options.snapshot, &mut incoming);
        if let Some(error) = incoming.error {
            return Err(error.into());
        }
        written?;
        let size = incoming.incoming.offset();
        let digest = incoming.incoming.finish()?;
        let layer = job.join().map_err(layer_error)?;
        let diff_id = layer.outcome().diff_id.clone();
        transaction.stage(&digest, layer);
        let empty = diff_id == empty_layer();
        let platform = options
            .parent
            .map(|parent| parent.config.platform.clone())
            .or_else(|| options.platform.clone())
            .unwrap_or_else(|| self.inner.platform.clone());
        let config = new_config(options, &execution, &platform, (!empty).then_some(&diff_id))?;
        let mut layers = options.parent.map(|parent| parent.layers.clone()).unwrap_or_default();
        if !empty {
            layers.push(Descriptor::new(media_type::LAYER, digest, size));
        }
        let target = put_image(&transaction, &config, layers)?;
        transaction.commit(&target, &platform, options.name.as_slice())
    }
}

/// The parent's configuration, fields unknown to us included, with what the commit changes.
fn new_config(
    options: &CommitOptions<'_>,
    execution: &ExecutionConfig,
    platform: &Platform,
    diff_id: Option<&Digest>,
) -> Result<Vec<u8>, ImageError> {
    let created = Timestamp::now().rfc3339();
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut known = options.parent.map(|parent| parent.config.clone()).unwrap_or_default();
    known.platform = platform.clone();
    known.created = Some(created.clone());
    known.author = some(&options.author);
    known.comment = some(&options.message);
    known.config = execution.clone();
    "layers".clone_into(&mut known.rootfs.kind);
    known.rootfs.diff_ids.extend(diff_id.cloned());
    known.history.push(History {
        created: Some(created),
        created_by: some(&options.created_by),
        author: some(&options.author),
        comment: some(&options.message),
        empty_layer: diff_id.is_none(),
    });
    let mut merged = match options.parent {
        Some(parent) if !parent.config_bytes.is_empty() => {
            serde_json::from_slice(&parent.config_bytes).map_err(|error| ImageError::Document {
                image: parent.id.to_string(),
                what: "configuration",
                digest: parent.id.clone(),
                reason: error.to_string(),
            })?
        }
        _ => Value::Object(serde_json::Map::new()),
    };
    if let (Value::Object(merged), Ok(Value::Object(known))) =
        (&mut merged, serde_json::to_value(&known))
    {
        // Facts about the container that the parent was committed from.
        for stale in ["container", "container_config", "id", "parent", "author", "comment"] {
            merged.remove(stale);
        }
        merged.extend(known);
    }
    Ok(encode(&merged))
}

/// Brings a configuration and a manifest of ours into a transaction; returns what points at the
/// manifest.
pub(super) fn put_image(
    transaction: &Transaction,
    config: &[u8],
    layers: Vec<Descriptor>,
) -> Result<Descriptor, ImageError> {
    let parsed = ImageConfig::parse(config).map_err(|error| ImageError::Document {
        image: "archive".to_owned(),
        what: "configuration",
        digest: Digest::sha256(config),
        reason: error.to_string(),
    })?;
    let descriptor =
        Descriptor::new(media_type::CONFIG, Digest::sha256(config), config.len() as u64);
    transaction.put(&descriptor, config)?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::MANIFEST.to_owned()),
        artifact_type: None,
        config: descriptor,
        layers,
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let bytes = encode(&manifest);
    let target = Descriptor {
        platform: Some(parsed.platform),
        ..Descriptor::new(media_type::MANIFEST, Digest::sha256(&bytes), bytes.len() as u64)
    };
    transaction.put(&target, &bytes)?;
    Ok(target)
}

pub(super) fn encode<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json::to_vec(document).expect("plain structures with text keys")
}

/// Digest of an archive without entries: two blocks of zeros.
pub(super) fn empty_layer() -> Digest {
    Digest::sha256(&[0; 2 * BLOCK])
}

/// Writes into a transaction, keeping the error that `io::Write` has no room for.
pub(super) struct Sink {
    pub(super) incoming: Incoming,
    pub(super) error: Option<ContentError>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.incoming.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                let text = error.to_string();
                self.error = Some(error);
                Err(io::Error::other(text))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
