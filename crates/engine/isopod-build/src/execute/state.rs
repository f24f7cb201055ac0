//! What a stage has come to: layers and a configuration.

use crate::plan::{PlanStage, Step};
use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_images::{Image, chain_ids};
use isopod_oci::image::{Descriptor, History, ImageConfig};
use serde_json::{Map, Value};

/// A stage as far as it is done.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) config: ImageConfig,
    pub(super) layers: Vec<Descriptor>,
    pub(super) diff_ids: Vec<Digest>,
    /// Keys of the steps that were done, with the number of layers after each.
    pub(super) keys: Vec<(String, usize)>,
    /// What the base's configuration has besides what is known.
    unknown: Map<String, Value>,
    /// The base, as long as nothing was done upon it.
    pub(super) untouched: Option<Image>,
}

impl State {
    /// Nothing.
    pub(super) fn scratch(stage: &PlanStage) -> Self {
        let mut config = stage.base_config.clone();
        "layers".clone_into(&mut config.rootfs.kind);
        Self {
            config,
            layers: Vec::new(),
            diff_ids: Vec::new(),
            keys: Vec::new(),
            unknown: Map::new(),
            untouched: None,
        }
    }

    /// An image.
    pub(super) fn of_image(image: &Image) -> Self {
        let mut unknown = match serde_json::from_slice(&image.config_bytes) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        };
        // Facts about the container that it was committed from, and about its own steps.
        for stale in ["container", "container_config", "id", "parent", "comment", INLINE] {
            unknown.remove(stale);
        }
        let mut config = image.config.clone();
        config.comment = None;
        Self {
            config,
            layers: image.layers.clone(),
            diff_ids: image.diff_ids.clone(),
            keys: Vec::new(),
            unknown,
            untouched: Some(image.clone()),
        }
    }

    /// Name of the snapshot of all layers.
    pub(super) fn chain(&self) -> Option<Digest> {
        chain_ids(&self.diff_ids).pop()
    }

    /// Notes that a step is done.
    pub(super) fn advance(
        &mut self,
        step: &Step,
        created: Timestamp,
        layer: Option<(Descriptor, Digest)>,
    ) {
        self.untouched = None;
        let created = Some(created.rfc3339_nanos());
        self.config.created.clone_from(&created);
        self.config.author.clone_from(&step.author);
        self.config.config = step.config.clone();
        self.config.history.push(History {
            created,
            created_by: Some(step.created_by.clone()),
            author: step.author.clone(),
            comment: None,
            empty_layer: layer.is_none(),
        });
        if let Some((blob, diff_id)) = layer {
            self.layers.push(blob);
            self.diff_ids.push(diff_id.clone());
            self.config.rootfs.diff_ids.push(diff_id);
        }
    }

    /// The configuration as a document; `inline` is what it tells of its steps.
    pub(super) fn encode(&self, inline: Option<Value>) -> Vec<u8> {
        let mut merged = self.unknown.clone();
        if let Ok(Value::Object(known)) = serde_json::to_value(&self.config) {
            merged.extend(known);
        }
        if let Some(inline) = inline {
            merged.insert(INLINE.to_owned(), inline);
        }
        serde_json::to_vec(&Value::Object(merged)).expect("plain data")
    }

    /// What people know it by: the digest of the configuration.
    pub(super) fn id(&self) -> Digest {
        match &self.untouched {
            Some(image) => image.id.clone(),
            None => Digest::sha256(&self.encode(None)),
        }
    }
}

/// The field of a configuration in which an image tells of its steps.
pub(super) const INLINE: &str = "isopod.buildcache.v1";
