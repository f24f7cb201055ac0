//! Compressing an image's plain layers: those that were loaded, imported or committed. A registry
//! should neither be sent nor keep them plain.
//!
//! The compressed form takes the place of the plain one in the store, under the same id and names:
//! what is pushed is what is here, so its digest is known, a second push finds the layers in the
//! registry, and the disk holds one form only. Snapshots stay, since they are named by content.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use flate2::write::GzEncoder;
use isopod_base::Digest;
use isopod_oci::image::{Descriptor, Platform, media_type};
use serde_json::Value;

use super::commit::{Sink, encode};
use super::{CollectPolicy, Image, Images, Transaction};
use crate::error::ImageError;

impl Images {
    /// The image of a name, with all its layers compressed. Indexes and artifacts stay as they
    /// are: others made them, and may have signed them.
    pub fn compress(&self, name: &str, platform: Option<&Platform>) -> Result<Image, ImageError> {
        // Two at once would do the same work, and one remove what the other reads.
        let _one = self.inner.compress.lock().unwrap_or_else(PoisonError::into_inner);
        let image = self.resolve(name, platform)?;
        let plain: Vec<usize> = (0..image.layers.len())
            .filter(|&index| compressed(&image.layers[index].media_type).is_some())
            .collect();
        let ours = image.artifact_type.is_none() && image.target.digest == image.manifest.digest;
        if !ours || plain.is_empty() || image.diff_ids.len() != image.layers.len() {
            return Ok(image);
        }
        let transaction = self.begin("compress")?;
        for descriptor in image.layers.iter().chain([&image.manifest]) {
            transaction.has_blob(&descriptor.digest);
        }
        let mut layers = image.layers.clone();
        for (index, layer) in self.compress_layers(&transaction, &image, &plain)? {
            layers[index] = layer;
        }
        let (target, bytes) = self.manifest_with(&image, &layers)?;
        transaction.put(&target, &bytes)?;
        transaction.replaces(&image.target.digest);
        let new = transaction.commit(&target, &image.config.platform, &image.names)?;
        drop(transaction);
        self.collect(&CollectPolicy::default())?;
        Ok(new)
    }

    /// Compresses layers, as many at once as there are processors.
    fn compress_layers(
        &self,
        transaction: &Transaction,
        image: &Image,
        plain: &[usize],
    ) -> Result<Vec<(usize, Descriptor)>, ImageError> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(plain.len()));
        let work = || -> Result<(), ImageError> {
            while let Some(&index) = plain.get(next.fetch_add(1, Ordering::Relaxed)) {
                let layer = &image.layers[index];
                let new = self.compress_layer(transaction, layer, &image.diff_ids[index])?;
                done.lock().unwrap_or_else(PoisonError::into_inner).push((index, new));
            }
            Ok(())
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..workers.min(plain.len())).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn compress_layer(
        &self,
        transaction: &Transaction,
        layer: &Descriptor,
        diff_id: &Digest,
    ) -> Result<Descriptor, ImageError> {
        let mut blob = self.content().blob(&layer.digest)?;
        // Without name and time: the same layer has the same digest whenever it is compressed.
        let sink = Sink { incoming: transaction.ingest_unnamed()?, error: None };
        let mut encoder = GzEncoder::new(sink, flate2::Compression::default());
        let copied = io::copy(&mut blob, &mut encoder).and_then(|_| encoder.try_finish());
        let sink = encoder.get_mut();
        if let Some(error) = sink.error.take() {
            return Err(error.into());
        }
        copied.map_err(ImageError::stream("compress a layer"))?;
        let incoming = encoder.finish().map_err(ImageError::stream("compress a layer"))?.incoming;
        let size = incoming.offset();
        let digest = incoming.finish()?;
        transaction.know_diff_id(&digest, diff_id);
        let kind = compressed(&layer.media_type).unwrap_or(media_type::LAYER_GZIP);
        Ok(Descriptor { media_type: kind.to_owned(), digest, size, ..layer.clone() })
    }

    /// The image's manifest, fields unknown to us included, with other layers.
    fn manifest_with(
        &self,
        image: &Image,
        layers: &[Descriptor],
    ) -> Result<(Descriptor, Vec<u8>), ImageError> {
        let bytes = self.content().read(&image.manifest.digest, self.limits().document_bytes)?;
        let damaged = |error: serde_json::Error| ImageError::Document {
            image: image.id.to_string(),
            what: "manifest",
            digest: image.manifest.digest.clone(),
            reason: error.to_string(),
        };
        let mut manifest: Value = serde_json::from_slice(&bytes).map_err(damaged)?;
        manifest["layers"] = serde_json::to_value(layers).map_err(damaged)?;
        let bytes = encode(&manifest);
        let digest = Digest::sha256(&bytes);
        let target = Descriptor { digest, size: bytes.len() as u64, ..image.target.clone() };
        Ok((target, bytes))
    }
}

/// The media type of a plain layer once it is compressed.
fn compressed(kind: &str) -> Option<&'static str> {
    match kind {
        media_type::LAYER => Some(media_type::LAYER_GZIP),
        media_type::DOCKER_LAYER => Some(media_type::DOCKER_LAYER_GZIP),
        _ => None,
    }
}
