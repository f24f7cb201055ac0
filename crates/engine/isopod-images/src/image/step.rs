//! Layers made one at a time: what the steps of a build leave, each upon the one before it.

use std::collections::BTreeSet;

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use isopod_oci::image::{Descriptor, Platform, media_type};

use super::commit::{Sink, empty_layer, put_image};
use super::{Image, Transaction, chain_ids};
use crate::error::{ImageError, LayerError};
use crate::lease::Lease;
use crate::records;

/// A layer that a step left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLayer {
    /// The layer as it is stored.
    pub blob: Descriptor,
    /// Digest of the layer when decompressed.
    pub diff_id: Digest,
    /// Name of the snapshot of it and all below it.
    pub chain: Digest,
}

impl Transaction {
    /// Makes what the active snapshot `key` changed a layer upon `below` (diff ids, the lowest
    /// first), held by the lease `lease`. Nothing is copied but into the layer's archive: the
    /// snapshot itself becomes the layer's. Returns nothing, and removes the snapshot, if nothing
    /// changed. No mount of it may be in use any more.
    pub fn commit_step(
        &self,
        key: &str,
        below: &[Digest],
        lease: &str,
    ) -> Result<Option<StepLayer>, ImageError> {
        let snapshots = self.images.snapshots();
        snapshots.drop_unchanged(key)?;
        let mut sink = Sink { incoming: self.ingest_unnamed()?, error: None };
        let written = snapshots.write_diff(key, &mut sink);
        if let Some(error) = sink.error {
            return Err(error.into());
        }
        written?;
        let size = sink.incoming.offset();
        let diff_id = sink.incoming.finish()?;
        if diff_id == empty_layer() {
            self.lock().sealed.remove(&diff_id);
            snapshots.remove(key)?;
            return Ok(None);
        }
        let blob = Descriptor::new(media_type::LAYER, diff_id.clone(), size);
        let layer = StepLayer { chain: chain_upon(below, &diff_id), blob, diff_id };
        let _publish = self.publish_lock();
        let _gate = self.images.read_gate();
        self.hold_step(&layer);
        let (batch, placed) = self.place_step(&layer, lease)?;
        self.make_durable(&placed)?;
        let chain = layer.chain.to_string();
        if snapshots.stat(&chain)?.is_some() {
            // The same content was made before.
            self.images.journal().commit(batch)?;
            snapshots.remove(key)?;
        } else {
            snapshots.commit_derived(&chain, key, &layer.blob.digest, batch)?;
            self.images.sync_trees_later();
        }
        Ok(Some(layer))
    }

    /// Unpacks a layer that is among the blobs upon `below`, and holds it by the lease `lease`.
    pub fn adopt_step(
        &self,
        blob: &Descriptor,
        diff_id: &Digest,
        below: &[Digest],
        lease: &str,
    ) -> Result<StepLayer, ImageError> {
        let layer = StepLayer {
            blob: blob.clone(),
            diff_id: diff_id.clone(),
            chain: chain_upon(below, diff_id),
        };
        let failed = |source: LayerError| ImageError::Layer {
            image: lease.to_owned(),
            layer: blob.digest.to_string(),
            source,
        };
        let unpacked = if self.has_snapshot(&layer.chain)? {
            None
        } else {
            let job = self.unpack_blob(&blob.digest, Some(diff_id)).map_err(failed)?;
            Some(job.join().map_err(failed)?)
        };
        let _publish = self.publish_lock();
        let _gate = self.images.read_gate();
        self.hold_step(&layer);
        let (mut batch, placed) = self.place_step(&layer, lease)?;
        let mut staged = Vec::new();
        let snapshots = self.images.snapshots();
        if let Some(unpacked) = unpacked
            && snapshots.stat(&layer.chain.to_string())?.is_none()
        {
            let mut tree = unpacked.layer;
            tree.derives_from(layer.blob.digest.clone());
            staged.push((layer.chain.to_string(), tree));
            let parent = chain_ids(below).last().map(Digest::to_string);
            batch = snapshots.adopt(parent.as_deref(), &mut staged, batch)?;
        }
        self.make_durable(&placed)?;
        self.images.journal().commit(batch)?;
        for (_, layer) in &mut staged {
            layer.keep();
        }
        if !staged.is_empty() {
            self.images.sync_trees_later();
        }
        Ok(layer)
    }

    /// Whether a step's layer is still here, unpacked. If it is, it stays for the transaction's
    /// life.
    pub fn has_step(&self, blob: &Digest, chain: &Digest) -> Result<bool, ImageError> {
        Ok(self.has_blob(blob) && self.has_snapshot(chain)?)
    }

    /// Publishes an image of a configuration and layers that are all here.
    pub fn commit_image(
        &self,
        config: &[u8],
        layers: Vec<Descriptor>,
        platform: &Platform,
        names: &[String],
    ) -> Result<Image, ImageError> {
        let target = put_image(self, config, layers)?;
        self.commit(&target, platform, names)
    }

    fn hold_step(&self, layer: &StepLayer) {
        self.hold.blob(&layer.blob.digest);
        self.hold.snapshot(&layer.chain.to_string());
    }

    /// Moves the blob into place, and adds its record and the lease's.
    fn place_step(
        &self,
        layer: &StepLayer,
        lease: &str,
    ) -> Result<(Batch, Vec<crate::content::Sealed>), ImageError> {
        let mut pending = self.lock();
        pending.diff_ids.insert(layer.blob.digest.clone(), layer.diff_id.clone());
        let record = Lease {
            purpose: "build cache".to_owned(),
            created: Timestamp::now(),
            expires: None,
            blobs: BTreeSet::from([layer.blob.digest.clone()]),
            snapshots: BTreeSet::from([layer.chain.to_string()]),
        };
        let batch =
            Batch::new().put(format!("{}{lease}", records::LEASE), records::encode(&record));
        self.place(&mut pending, std::slice::from_ref(&layer.blob), batch)
    }
}

fn chain_upon(below: &[Digest], diff_id: &Digest) -> Digest {
    let mut all = below.to_vec();
    all.push(diff_id.clone());
    chain_ids(&all).pop().expect("one for each layer")
}
