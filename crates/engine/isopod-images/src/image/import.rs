//! Making an image of one layer from the archive of a root file system.

use std::io::Read;

use isopod_base::times::Timestamp;
use isopod_oci::image::{
    Descriptor, ExecutionConfig, History, ImageConfig, Platform, RootFs, media_type,
};

use super::change::apply_all;
use super::commit::{encode, put_image};
use super::{Image, Images, Progress};
use crate::error::ImageError;
use crate::layer::decompress;

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Dockerfile instructions for the configuration.
    pub changes: Vec<String>,
    /// The comment of the one step of the image's history, such as `Imported from -`.
    pub message: String,
    /// What the root file system runs on; the store's own platform, if absent.
    pub platform: Option<Platform>,
    /// Canonical name of the image.
    pub name: Option<String>,
}

impl Images {
    /// Makes an image from a root file system as a tar archive: plain, gzip or zstd.
    pub fn import(
        &self,
        input: &mut (dyn Read + Send),
        options: &ImportOptions,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Image, ImageError> {
        let mut execution = ExecutionConfig::default();
        apply_all(&mut execution, &options.changes)?;
        let layer_error = |source| ImageError::Layer {
            image: options.name.clone().unwrap_or_else(|| "import".to_owned()),
            layer: "root file system".to_owned(),
            source,
        };
        let transaction = self.begin("import")?;
        let (_, mut input) = decompress(input).map_err(layer_error)?;
        // Kept decompressed: the same content has the same digest, however it came.
        let mut incoming = transaction.ingest_unnamed()?;
        let job = transaction.unpack(&incoming, None).map_err(layer_error)?;
        let mut buffer = vec![0; 256 << 10];
        let (mut current, limit) = (0, self.limits().layer_bytes);
        loop {
            let count = match input.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(match error.downcast() {
                        Ok(own) => layer_error(own),
                        Err(error) => ImageError::stream("read the root file system")(error),
                    });
                }
            };
            if count == 0 {
                break;
            }
            current += count as u64;
            if current > limit {
                return Err(layer_error(crate::error::LayerError::Limit {
                    what: "the root file system".to_owned(),
                    limit,
                }));
            }
            incoming.write(&buffer[..count])?;
            progress(Progress::Layer { name: "root file system", current, total: 0 });
        }
        let digest = incoming.finish()?;
        progress(Progress::Committing);
        let layer = job.join().map_err(layer_error)?;
        let diff_id = layer.outcome().diff_id.clone();
        transaction.stage(&digest, layer);
        let platform = options.platform.clone().unwrap_or_else(|| self.inner.platform.clone());
        let created = Timestamp::now().rfc3339();
        let config = ImageConfig {
            created: Some(created.clone()),
            comment: Some(options.message.clone()).filter(|text| !text.is_empty()),
            platform: platform.clone(),
            config: execution,
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![diff_id] },
            history: vec![History {
                created: Some(created),
                comment: Some(options.message.clone()).filter(|text| !text.is_empty()),
                ..History::default()
            }],
            ..ImageConfig::default()
        };
        let layers = vec![Descriptor::new(media_type::LAYER, digest, current)];
        let target = put_image(&transaction, &encode(&config), layers)?;
        transaction.commit(&target, &platform, options.name.as_slice())
    }
}
