//! Loading an OCI layout that is a directory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use isopod_base::Digest;
use isopod_base::files::FileError;
use isopod_oci::image::{Descriptor, media_type};

use super::archive::parse_layout;
use super::documents::{Document, is_layer, read_document};
use super::load::{LoadOptions, Loaded, Loader, Progress};
use super::{Images, Transaction};
use crate::error::ImageError;

impl Images {
    /// Loads all images of the layout in `dir`. Blobs that none of them refers to are not read.
    pub fn load_layout(
        &self,
        dir: &Path,
        options: &LoadOptions<'_>,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Vec<Loaded>, ImageError> {
        let limit = self.limits().document_bytes;
        let layout = read_small(&dir.join("oci-layout"), limit)?;
        let index = read_small(&dir.join("index.json"), limit)?;
        let index = parse_layout(&layout, &index)?;
        let transaction = self.begin("load")?;
        let mut loader = Loader::new(self, &transaction, options);
        let mut pending: Vec<(Descriptor, usize)> =
            index.manifests.iter().map(|m| (m.clone(), 0)).collect();
        while let Some((descriptor, depth)) = pending.pop() {
            let path = blob_path(dir, &descriptor.digest);
            if !path.exists() {
                // Platforms that were not copied; a missing one that is needed is named later.
                continue;
            }
            let bytes = read_small(&path, limit)?;
            put(&transaction, &descriptor, &bytes)?;
            let label = descriptor.digest.to_string();
            match read_document(&label, &descriptor, &bytes, self.limits())? {
                Document::Index(index) if depth < self.limits().index_depth => {
                    pending.extend(index.manifests.into_iter().map(|m| (m, depth + 1)));
                }
                Document::Index(_) => {}
                Document::Manifest(manifest) => {
                    for descriptor in std::iter::once(&manifest.config).chain(&manifest.layers) {
                        bring(&mut loader, dir, descriptor, progress)?;
                    }
                }
            }
        }
        progress(Progress::Committing);
        loader.publish_index(&index, &BTreeMap::new())
    }
}

fn put(transaction: &Transaction, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), ImageError> {
    // Sizes in hand-made layouts are not always right; the digest decides.
    let descriptor = Descriptor::new(
        descriptor.media_type.clone(),
        descriptor.digest.clone(),
        bytes.len() as u64,
    );
    Ok(transaction.put(&descriptor, bytes)?)
}

/// Copies a configuration or a layer into the store, unpacking the layer meanwhile.
fn bring(
    loader: &mut Loader<'_>,
    dir: &Path,
    descriptor: &Descriptor,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), ImageError> {
    let path = blob_path(dir, &descriptor.digest);
    if loader.transaction.has_blob(&descriptor.digest) || !path.exists() {
        return Ok(());
    }
    let mut file = File::open(&path).map_err(FileError::at("open", &path))?;
    let mut incoming = loader.transaction.ingest(descriptor)?;
    incoming.restart()?;
    let name = descriptor.digest.to_string();
    if is_layer(&descriptor.media_type) {
        let job = loader.transaction.unpack(&incoming, None).map_err(|source| {
            ImageError::Layer { image: dir.display().to_string(), layer: name.clone(), source }
        })?;
        loader.jobs.insert(descriptor.digest.clone(), job);
    }
    let mut buffer = vec![0; 1 << 20];
    let mut current = 0;
    loop {
        let count = file.read(&mut buffer).map_err(FileError::at("read", &path))?;
        if count == 0 {
            break;
        }
        incoming.write(&buffer[..count])?;
        current += count as u64;
        if media_type::CONFIG != descriptor.media_type {
            progress(Progress::Layer { name: &name, current, total: descriptor.size });
        }
    }
    incoming.finish()?;
    Ok(())
}

fn blob_path(dir: &Path, digest: &Digest) -> PathBuf {
    dir.join("blobs").join(digest.algorithm().name()).join(digest.hex())
}

fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>, ImageError> {
    let size = fs::metadata(path).map_err(FileError::at("read", path))?.len();
    if size > limit {
        return Err(ImageError::Archive {
            reason: format!(
                "{} has {size} bytes, over the limit of {limit} for a document",
                path.display()
            ),
        });
    }
    Ok(fs::read(path).map_err(FileError::at("read", path))?)
}
