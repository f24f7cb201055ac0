//! Bringing images in: blobs arrive, layers unpack, and one commit publishes it all.
//!
//! Until the commit nothing of it exists for others; what was brought before it is dropped with
//! the transaction, but for parts of named blobs, which the next try takes up. The order of a
//! commit is in `DESIGN.md`: blobs into place and synced, then one record for all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isopod_base::files::{FileError, sync_directory};
use isopod_base::times::Timestamp;
use isopod_base::{Algorithm, Digest};
use isopod_journal::Batch;
use isopod_oci::image::{Descriptor, Platform};

use super::documents::{Document, Documents, Resolved};
use super::{Image, ImageRecord, Images, NameRecord, chain_ids, referrers};
use crate::content::{Arrival, BlobInfo, ContentStore, Follower, Ingest, Sealed};
use crate::error::{ContentError, ImageError, LayerError};
use crate::failpoint;
use crate::layer::{LayerJob, UnpackedLayer};
use crate::lease::Hold;
use crate::records;
use crate::snapshot::StagedLayer;

/// An operation that brings images in.
#[derive(Debug)]
pub struct Transaction {
    pub(super) images: Images,
    pub(super) hold: Hold,
    pending: Arc<Mutex<Pending>>,
}

/// What has been brought and not yet published.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) sealed: BTreeMap<Digest, Sealed>,
    /// Documents among the sealed blobs, as read so far.
    documents: BTreeMap<Digest, Vec<u8>>,
    layers: BTreeMap<Digest, UnpackedLayer>,
    /// Diff ids of layers by the digest of their blob.
    pub(super) diff_ids: BTreeMap<Digest, Digest>,
    /// The image that goes when the new one comes.
    replaced: Option<Digest>,
}

/// Layers with the names of the snapshots that they become.
type NamedLayers = Vec<(String, StagedLayer)>;

/// A blob on its way into a transaction.
#[derive(Debug)]
pub struct Incoming {
    ingest: Ingest,
    pending: Arc<Mutex<Pending>>,
}

impl Incoming {
    /// Bytes that are already here, from an earlier try.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.ingest.offset()
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        self.ingest.write(bytes)
    }

    /// Throws away what is here, for a source that cannot resume.
    pub fn restart(&mut self) -> Result<(), ContentError> {
        self.ingest.restart()
    }

    /// Checks the whole against its digest and size, and gives it to the transaction.
    pub fn finish(self) -> Result<Digest, ContentError> {
        let sealed = self.ingest.finish()?;
        let digest = sealed.digest().clone();
        lock(&self.pending).sealed.insert(digest.clone(), sealed);
        Ok(digest)
    }
}

impl Images {
    /// Begins an operation that brings images in; `purpose` is for people.
    pub fn begin(&self, purpose: &str) -> Result<Transaction, ImageError> {
        tracing::debug!(purpose, "transaction begins");
        Ok(Transaction {
            hold: self.inner.leases.hold(),
            images: self.clone(),
            pending: Arc::default(),
        })
    }

    /// Unpacks the layers of an image that have no snapshot.
    pub(crate) fn ensure_unpacked(&self, image: &Image) -> Result<(), ImageError> {
        let Some(chain) = &image.chain else {
            return Ok(());
        };
        if self.snapshots().stat(&chain.to_string())?.is_some() {
            return Ok(());
        }
        let transaction = self.begin("unpack")?;
        transaction.commit(&image.target, &image.config.platform, &[])?;
        Ok(())
    }
}

impl Transaction {
    /// Whether a blob is here. If it is, it stays for the transaction's life.
    pub fn has_blob(&self, digest: &Digest) -> bool {
        let _gate = self.images.read_gate();
        self.hold.blob(digest);
        self.images.content().contains(digest) || self.lock().sealed.contains_key(digest)
    }

    /// Whether there is a snapshot of a chain of layers. If there is, it stays for the
    /// transaction's life.
    pub fn has_snapshot(&self, chain: &Digest) -> Result<bool, ImageError> {
        let _gate = self.images.read_gate();
        let key = chain.to_string();
        self.hold.snapshot(&key);
        Ok(self.images.snapshots().stat(&key)?.is_some())
    }

    /// Brings a small blob: a manifest, an index, a configuration.
    pub fn put(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), ContentError> {
        if self.has_blob(&descriptor.digest) {
            return Ok(());
        }
        let mut incoming = self.ingest(descriptor)?;
        incoming.restart()?;
        incoming.write(bytes)?;
        incoming.finish()?;
        Ok(())
    }

    /// Begins to bring a blob of known digest and size.
    pub fn ingest(&self, descriptor: &Descriptor) -> Result<Incoming, ContentError> {
        let ingest = self.images.content().ingest(&descriptor.digest, descriptor.size)?;
        Ok(self.incoming(ingest))
    }

    /// Begins to bring a blob whose digest is yet to be found.
    pub fn ingest_unnamed(&self) -> Result<Incoming, ContentError> {
        let ingest = self.images.content().ingest_unnamed()?;
        Ok(self.incoming(ingest))
    }

    fn incoming(&self, ingest: Ingest) -> Incoming {
        Incoming { ingest, pending: Arc::clone(&self.pending) }
    }

    /// Starts to unpack a layer while it arrives. Give the result to [`Transaction::stage`].
    pub fn unpack(
        &self,
        incoming: &Incoming,
        diff_id: Option<&Digest>,
    ) -> Result<LayerJob, LayerError> {
        let follower = incoming
            .ingest
            .follow()
            .map_err(|error| LayerError::io("follow the layer")(std::io::Error::other(error)))?;
        self.start(follower, diff_id)
    }

    /// Starts to unpack a layer that is here.
    pub fn unpack_blob(
        &self,
        digest: &Digest,
        diff_id: Option<&Digest>,
    ) -> Result<LayerJob, LayerError> {
        let other =
            |error: ContentError| LayerError::io("open the layer")(std::io::Error::other(error));
        let (file, size) = {
            let pending = self.lock();
            match pending.sealed.get(digest) {
                Some(sealed) => (sealed.reopen().map_err(other)?, sealed.size()),
                None => {
                    let blob = self.images.content().blob(digest).map_err(other)?;
                    let size = blob.size();
                    (blob.into_file(), size)
                }
            }
        };
        self.start(Follower::new(file, Arc::new(Arrival::complete_at(size))), diff_id)
    }

    fn start(&self, follower: Follower, diff_id: Option<&Digest>) -> Result<LayerJob, LayerError> {
        let staged = self.images.snapshots().stage().map_err(|error| {
            LayerError::io("make room for the layer")(std::io::Error::other(error))
        })?;
        LayerJob::start(
            &self.images.inner.slots,
            follower,
            staged,
            diff_id.cloned(),
            self.images.limits().clone(),
        )
    }

    /// Takes an unpacked layer, of the blob of that digest.
    pub fn stage(&self, blob: &Digest, layer: UnpackedLayer) {
        let diff_id = layer.outcome.diff_id.clone();
        for skipped in &layer.outcome.skipped {
            tracing::warn!(layer = %blob, "left out: {skipped}");
        }
        let mut pending = self.lock();
        pending.diff_ids.insert(blob.clone(), diff_id.clone());
        pending.layers.insert(diff_id, layer);
    }

    /// Says what a blob that was brought unpacks to.
    pub(super) fn know_diff_id(&self, blob: &Digest, diff_id: &Digest) {
        self.lock().diff_ids.insert(blob.clone(), diff_id.clone());
    }

    /// Says that the image to be committed takes the place of another form of it: the record of
    /// that target goes in the same step.
    pub(super) fn replaces(&self, target: &Digest) {
        self.lock().replaced = Some(target.clone());
    }

    /// The bytes of a blob that was brought, or that is in the store.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, ContentError> {
        let limit = self.images.limits().document_bytes;
        match self.lock().sealed.get(digest) {
            Some(sealed) => sealed.read(limit),
            None => self.images.content().read(digest, limit),
        }
    }

    /// The first bytes of a blob.
    pub(crate) fn head(&self, digest: &Digest, buffer: &mut [u8]) -> Result<usize, ContentError> {
        use std::os::unix::fs::FileExt;
        let file = match self.lock().sealed.get(digest) {
            Some(sealed) => sealed.reopen()?,
            None => self.images.content().blob(digest)?.into_file(),
        };
        let path = self.images.content().blob_path(digest);
        Ok(file.read_at(buffer, 0).map_err(FileError::at("read", &path))?)
    }

    /// The manifest that `target` means for a platform, among what was brought or is in the store.
    pub(crate) fn resolve(
        &self,
        label: &str,
        target: &Descriptor,
        wanted: &Platform,
    ) -> Result<Resolved, ImageError> {
        self.load_documents(label, target)?;
        let pending = self.lock();
        self.documents(&pending).resolve(label, target, wanted)
    }

    /// Publishes the image that `target` is for a platform, under the names given: layers that
    /// are not unpacked yet are, all is made durable, and then it is there for everybody.
    pub fn commit(
        &self,
        target: &Descriptor,
        wanted: &Platform,
        names: &[String],
    ) -> Result<Image, ImageError> {
        let label = names.first().cloned().unwrap_or_else(|| target.digest.to_string());
        let resolved = self.resolve(&label, target, wanted)?;
        let chains = self.check_layers(&label, &resolved)?;
        self.publish(&label, target, wanted, &resolved, &chains, names)?;
        self.images.image(&target.digest)?.ok_or(ImageError::NotFound { name: label })
    }

    /// Publishes a manifest that says something about another one, without being an image.
    pub fn commit_referrer(&self, target: &Descriptor) -> Result<(), ImageError> {
        let label = target.digest.to_string();
        self.load_documents(&label, target)?;
        let _publish = self.images.publish_lock();
        let _gate = self.images.read_gate();
        let mut pending = self.lock();
        let documents = self.documents(&pending);
        let reachable = documents.reachable(&label, target)?;
        let batch = referrers::record(&documents, &label, &reachable, Batch::new())?;
        let (batch, placed) = self.place(&mut pending, &reachable, batch)?;
        drop(pending);
        self.make_durable(&placed)?;
        self.images.inner.journal.commit(batch)?;
        Ok(())
    }

    fn documents<'a>(&'a self, pending: &'a Pending) -> Documents<'a> {
        Documents {
            content: self.images.content(),
            limits: self.images.limits(),
            pending: Some(&pending.documents),
        }
    }

    /// Reads the documents that `target` reaches from among the sealed blobs.
    fn load_documents(&self, label: &str, target: &Descriptor) -> Result<(), ImageError> {
        let mut wanted = vec![(target.clone(), 0)];
        while let Some((descriptor, depth)) = wanted.pop() {
            self.hold.blob(&descriptor.digest);
            let mut pending = self.lock();
            load(&mut pending, &descriptor.digest, self.images.limits().document_bytes)?;
            let document = self.documents(&pending).document(label, &descriptor)?;
            match document {
                Some(Document::Index(index)) if depth < self.images.limits().index_depth => {
                    wanted.extend(index.manifests.into_iter().map(|m| (m, depth + 1)));
                }
                Some(Document::Manifest(manifest)) => {
                    load(
                        &mut pending,
                        &manifest.config.digest,
                        self.images.limits().document_bytes,
                    )?;
                    drop(pending);
                    self.hold.blob(&manifest.config.digest);
                    for layer in &manifest.layers {
                        self.hold.blob(&layer.digest);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sees to it that every layer of an image is here, and unpacked where no snapshot has it.
    /// Returns the chain ids.
    fn check_layers(&self, label: &str, resolved: &Resolved) -> Result<Vec<Digest>, ImageError> {
        for layer in &resolved.manifest.layers {
            if !self.has_blob(&layer.digest) {
                let foreign = if layer.urls.is_empty() {
                    ""
                } else {
                    "; it is to be had from its own URLs only, which is not supported"
                };
                return Err(ImageError::Document {
                    image: label.to_owned(),
                    what: "layer",
                    digest: layer.digest.clone(),
                    reason: format!("it is missing{foreign}"),
                });
            }
        }
        let Some((config, _)) = &resolved.config else {
            return Ok(Vec::new());
        };
        let chains = chain_ids(&config.rootfs.diff_ids);
        let mut jobs = Vec::new();
        for (index, chain) in chains.iter().enumerate() {
            let diff_id = &config.rootfs.diff_ids[index];
            let layer = &resolved.manifest.layers[index];
            let known = {
                let pending = self.lock();
                pending.diff_ids.get(&layer.digest).cloned()
            };
            if let Some(known) = &known
                && known != diff_id
            {
                return Err(layer_error(
                    label,
                    layer,
                    LayerError::WrongDiffId { expected: diff_id.clone(), actual: known.clone() },
                ));
            }
            let staged = self.lock().layers.contains_key(diff_id);
            let repeated = jobs.iter().any(|(_, known, _)| *known == diff_id);
            if self.has_snapshot(chain)? || (staged && known.is_some()) || repeated {
                continue;
            }
            let job = self
                .unpack_blob(&layer.digest, Some(diff_id))
                .map_err(|error| layer_error(label, layer, error))?;
            jobs.push((layer, diff_id, job));
        }
        for (layer, _, job) in jobs {
            let unpacked = job.join().map_err(|error| layer_error(label, layer, error))?;
            self.stage(&layer.digest, unpacked);
        }
        Ok(chains)
    }

    fn publish(
        &self,
        label: &str,
        target: &Descriptor,
        wanted: &Platform,
        resolved: &Resolved,
        chains: &[Digest],
        names: &[String],
    ) -> Result<(), ImageError> {
        let _publish = self.images.publish_lock();
        let _gate = self.images.read_gate();
        let inner = &self.images.inner;
        let mut batch = Batch::new();
        let (mut staged, parent) = self.take_staged(resolved, chains)?;
        if !staged.is_empty() {
            batch = inner.snapshots.adopt(parent.as_deref(), &mut staged, batch)?;
        }
        let mut pending = self.lock();
        let documents = self.documents(&pending);
        let reachable = documents.reachable(label, target)?;
        batch = referrers::record(&documents, label, &reachable, batch)?;
        let (next, placed) = self.place(&mut pending, &reachable, batch)?;
        drop(pending);
        failpoint::reach("commit.blob-renamed");
        batch = self.record(target, wanted, names, next)?;
        self.make_durable(&placed)?;
        failpoint::reach("commit.synced");
        inner.journal.commit(batch)?;
        failpoint::reach("commit.recorded");
        for (_, layer) in &mut staged {
            layer.keep();
        }
        if !staged.is_empty() {
            self.images.sync_trees_later();
        }
        Ok(())
    }

    /// Layers that become new snapshots, with their names, and what they stand upon.
    fn take_staged(
        &self,
        resolved: &Resolved,
        chains: &[Digest],
    ) -> Result<(NamedLayers, Option<String>), ImageError> {
        let mut parent = None;
        let mut staged = Vec::new();
        for (index, chain) in chains.iter().enumerate() {
            let key = chain.to_string();
            if self.images.snapshots().stat(&key)?.is_some() {
                parent = Some(key);
                continue;
            }
            let (config, _) = resolved.config.as_ref().expect("only images have chains");
            let diff_id = &config.rootfs.diff_ids[index];
            let layer = &resolved.manifest.layers[index];
            let taken = self.lock().layers.remove(diff_id);
            let unpacked = match taken {
                Some(unpacked) => unpacked,
                // The same layer twice in one image: each snapshot needs files of its own.
                None => self
                    .unpack_blob(&layer.digest, Some(diff_id))
                    .and_then(LayerJob::join)
                    .map_err(|error| layer_error(&layer.digest.to_string(), layer, error))?,
            };
            let mut unpacked = unpacked.layer;
            unpacked.derives_from(layer.digest.clone());
            staged.push((key, unpacked));
        }
        Ok((staged, parent))
    }

    /// Moves the new ones among `wanted` into place, and adds their records.
    pub(super) fn place(
        &self,
        pending: &mut Pending,
        wanted: &[Descriptor],
        mut batch: Batch,
    ) -> Result<(Batch, Vec<Sealed>), ImageError> {
        let content = self.images.content();
        let mut placed = Vec::new();
        for descriptor in wanted {
            let digest = &descriptor.digest;
            if content.contains(digest) {
                continue;
            }
            let Some(mut sealed) = pending.sealed.remove(digest) else {
                continue;
            };
            content.place(&mut sealed)?;
            let info = BlobInfo {
                size: sealed.size(),
                created: Timestamp::now(),
                diff_id: pending.diff_ids.get(digest).cloned(),
            };
            batch = ContentStore::record(batch, digest, &info);
            placed.push(sealed);
        }
        Ok((batch, placed))
    }

    /// Waits until the blobs that were put into place are on the disk. Their write-back began
    /// when they were written, so the first of these syncs waits for nearly all of it. The trees
    /// of layers are not waited for: see the module on derived trees.
    pub(super) fn make_durable(&self, placed: &[Sealed]) -> Result<(), ImageError> {
        for sealed in placed {
            sealed.sync()?;
            failpoint::reach("commit.blob-synced");
        }
        let algorithms = [Algorithm::Sha256, Algorithm::Sha512];
        for (algorithm, dir) in algorithms.iter().zip(self.images.content().directories()) {
            if placed.iter().any(|sealed| sealed.digest().algorithm() == *algorithm) {
                sync_directory(&dir)?;
            }
        }
        Ok(())
    }

    /// Adds the records of the image and its names.
    fn record(
        &self,
        target: &Descriptor,
        wanted: &Platform,
        names: &[String],
        mut batch: Batch,
    ) -> Result<Batch, ImageError> {
        let journal = &self.images.inner.journal;
        let now = Timestamp::now();
        let key = format!("{}{}", records::IMAGE, target.digest);
        let before: Option<ImageRecord> = records::get(journal, &key)?;
        let record = ImageRecord {
            target: target.clone(),
            platform: wanted.clone(),
            stored: before.map_or(now, |before| before.stored),
            used: now,
        };
        batch = batch.put(key, records::encode(&record));
        if let Some(old) = self.lock().replaced.take().filter(|old| *old != target.digest) {
            batch = batch.delete(format!("{}{old}", records::IMAGE));
        }
        for name in names {
            let record = NameRecord { target: target.digest.clone(), tagged: now };
            let key = format!("{}{name}", records::NAME);
            batch = batch.put(key, records::encode(&record));
        }
        Ok(batch)
    }

    pub(super) fn publish_lock(&self) -> MutexGuard<'_, ()> {
        self.images.inner.publish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Pending> {
        lock(&self.pending)
    }
}

fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a sealed document into memory; nothing happens if the blob is not among those.
fn load(pending: &mut Pending, digest: &Digest, limit: u64) -> Result<(), ContentError> {
    if let Some(sealed) = pending.sealed.get(digest)
        && !pending.documents.contains_key(digest)
    {
        let bytes = sealed.read(limit)?;
        pending.documents.insert(digest.clone(), bytes);
    }
    Ok(())
}

fn layer_error(image: &str, layer: &Descriptor, source: LayerError) -> ImageError {
    ImageError::Layer { image: image.to_owned(), layer: layer.digest.to_string(), source }
}
