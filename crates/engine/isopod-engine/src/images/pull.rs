//! Pulling: documents first, then layers, several at once, each hashed, decompressed and
//! unpacked while it arrives. Nothing is visible before the commit at the end; what a broken
//! pull brought of a layer serves the next one.

use super::names;
use super::plan::{self, Group};
use super::progress::{self, Reporter, short};
use super::registry::MAX_CONFIG_BYTES;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::model::{ProgressStream, PullImage, RegistryAuth};
use crate::{Engine, EventType};
use bytes::Bytes;
use isopod_base::{Digest, chain};
use isopod_images::{
    ContentError, Image, ImageError, Images, Incoming, LayerError, Transaction, layer::LayerJob,
    platform,
};
use isopod_oci::image::{Descriptor, ImageConfig, Index, Manifest, Platform, media_type};
use isopod_registry::{Document, Reference, Repository};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

/// Chunks of a layer between the network and the disk.
const QUEUED_CHUNKS: usize = 16;
/// How often the progress of unpacking is told, once a layer has arrived.
const EXTRACT_INTERVAL: Duration = Duration::from_millis(100);

impl Engine {
    /// Pulls an image, or every tag of a repository. The pull is given up, and resumed by the
    /// next one, when the stream is dropped.
    pub async fn pull_image(self: &Arc<Self>, request: PullImage) -> Result<ProgressStream> {
        let reference = names::parse(&request.reference)?;
        if request.all_tags && (reference.tag().is_some() || reference.digest().is_some()) {
            return Err(Error::invalid("tag can't be used with --all-tags/-a"));
        }
        let wanted = parse_platform(request.platform.as_deref())?;
        let (reporter, stream) = progress::channel();
        let engine = Arc::clone(self);
        let report = reporter.clone();
        reporter.run(async move {
            let auth = request.auth.as_ref();
            if !request.all_tags {
                let reference = reference.with_default_tag();
                return engine.pull_one(&reference, wanted.as_ref(), auth, &report).await;
            }
            for tag in engine.remote(&reference, auth).tags().await? {
                let tagged = reference.with_tag(&tag).map_err(Error::invalid)?;
                engine.pull_one(&tagged, wanted.as_ref(), auth, &report).await?;
            }
            Ok(())
        });
        Ok(stream)
    }

    async fn pull_one(
        self: &Arc<Self>,
        reference: &Reference,
        wanted: Option<&Platform>,
        auth: Option<&RegistryAuth>,
        report: &Reporter,
    ) -> Result<()> {
        let remote = self.remote(reference, auth);
        let target = remote.resolve(reference).await?;
        let selector = reference.tag().map_or_else(|| target.digest.to_string(), str::to_owned);
        let from = format!("Pulling from {}", reference.path());
        let shown = reference.familiar();
        if self.is_current(reference, wanted, &target).await? {
            report.item(&selector, from).await;
            report.line(format!("Digest: {}", target.digest)).await;
            report.line(format!("Status: Image is up to date for {shown}")).await;
            self.pulled(reference, BTreeMap::new());
            return Ok(());
        }
        let pull = Pull::begin(self, remote, reference, wanted).await?;
        let documents = pull.documents(&target).await?;
        report.item(&selector, from).await;
        let image = pull.content(&target, documents, report).await?;
        report.line(format!("Digest: {}", target.digest)).await;
        report.line(format!("Status: Downloaded newer image for {shown}")).await;
        self.pulled(reference, image.config.config.labels.clone());
        Ok(())
    }

    fn pulled(&self, reference: &Reference, mut attributes: BTreeMap<String, String>) {
        attributes.insert("name".to_owned(), reference.familiar_name());
        self.emit(EventType::Image, "pull", &reference.familiar(), attributes);
    }

    /// Whether the name leads to the very same content already.
    async fn is_current(
        &self,
        reference: &Reference,
        wanted: Option<&Platform>,
        target: &Descriptor,
    ) -> Result<bool> {
        let store = Images::clone(self.images_store());
        let (name, digest) = (names::canonical(reference), target.digest.clone());
        let wanted = wanted.cloned();
        blocking(move || {
            let found = store.resolve(&name, wanted.as_ref());
            Ok(found.is_ok_and(|image| image.target.digest == digest))
        })
        .await
    }
}

/// Reads `os/arch[/variant]`; none means this host's.
pub(super) fn parse_platform(text: Option<&str>) -> Result<Option<Platform>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => platform::parse(text).map(Some).map_err(Error::invalid),
    }
}

/// The documents of one image.
struct Documents {
    manifest: Manifest,
    /// The configuration, where the manifest is of a container image.
    config: Option<ImageConfig>,
}

/// One image on its way into the store.
struct Pull {
    engine: Arc<Engine>,
    remote: Repository,
    /// For messages.
    shown: String,
    name: String,
    platform: Platform,
    transaction: Arc<Transaction>,
}

impl Pull {
    async fn begin(
        engine: &Arc<Engine>,
        remote: Repository,
        reference: &Reference,
        wanted: Option<&Platform>,
    ) -> Result<Self> {
        let name = names::canonical(reference);
        let store = Images::clone(engine.images_store());
        let reason = format!("pull {name}");
        let transaction = blocking(move || Ok(store.begin(&reason)?)).await?;
        Ok(Self {
            engine: Arc::clone(engine),
            remote,
            shown: reference.familiar(),
            name,
            platform: wanted.cloned().unwrap_or_else(platform::host),
            transaction: Arc::new(transaction),
        })
    }

    /// Fetches the manifest, chosen from an index by platform, and the configuration.
    async fn documents(&self, target: &Descriptor) -> Result<Documents> {
        let document = self.document(target).await?;
        let manifest = if media_type::is_index(&document.media_type) {
            let index = Index::parse(&document.bytes)
                .map_err(|e| self.refuse("index", &target.digest, &e))?;
            let chosen = platform::select(&index, &self.platform).ok_or_else(|| {
                Error::not_found(format_args!(
                    "no matching manifest for {} in the manifest list entries",
                    super::registry::platform_text(&self.platform)
                ))
            })?;
            self.document(chosen).await?
        } else {
            document
        };
        let digest = &manifest.digest;
        if !media_type::is_manifest(&manifest.media_type) {
            let kind = &manifest.media_type;
            let reason = format!("its media type is {kind:?}, expected an image manifest");
            return Err(self.refuse("manifest", digest, &reason));
        }
        let manifest =
            Manifest::parse(&manifest.bytes).map_err(|e| self.refuse("manifest", digest, &e))?;
        let config = self.remote.fetch_blob(&manifest.config, MAX_CONFIG_BYTES).await?;
        self.put(&manifest.config, config.to_vec()).await?;
        let config = match plan::is_image(&manifest) {
            true => Some(
                ImageConfig::parse(&config)
                    .map_err(|e| self.refuse("configuration", &manifest.config.digest, &e))?,
            ),
            false => None,
        };
        Ok(Documents { manifest, config })
    }

    async fn document(&self, descriptor: &Descriptor) -> Result<Document> {
        let document = self.remote.manifest_by_digest(&descriptor.digest).await?;
        self.put(&document.descriptor(), document.bytes.to_vec()).await?;
        Ok(document)
    }

    async fn put(&self, descriptor: &Descriptor, bytes: Vec<u8>) -> Result<()> {
        let (transaction, descriptor) = (Arc::clone(&self.transaction), descriptor.clone());
        blocking(move || Ok(transaction.put(&descriptor, &bytes).map_err(ImageError::from)?)).await
    }

    fn refuse(&self, what: &str, digest: &Digest, reason: &dyn std::fmt::Display) -> Error {
        Error::invalid(format_args!("image {}: {what} {digest}: {reason}", self.shown))
    }

    /// Fetches the layers and makes the image known.
    async fn content(
        self,
        target: &Descriptor,
        documents: Documents,
        report: &Reporter,
    ) -> Result<Image> {
        let groups = match &documents.config {
            Some(config) => plan::group(plan::layers(&self.shown, &documents.manifest, config)?),
            None => plan::blobs(&documents.manifest),
        };
        self.fetch_all(groups, report).await?;
        let Self { transaction, name, platform, .. } = self;
        let target = target.clone();
        blocking(move || Ok(transaction.commit(&target, &platform, &[name])?)).await
    }

    /// Fetches blobs, several at once, and unpacks those that are layers. The first failure
    /// ends the others.
    async fn fetch_all(&self, groups: Vec<Group>, report: &Reporter) -> Result<()> {
        let mut tasks = JoinSet::new();
        for group in self.missing(groups, report).await? {
            let fetch = Fetch {
                remote: self.remote.clone(),
                shown: self.shown.clone(),
                transaction: Arc::clone(&self.transaction),
                report: report.clone(),
                id: short(&group.blob.digest),
                group,
            };
            let downloads = Arc::clone(&self.engine.image_service.downloads);
            tasks.spawn(async move { fetch.run(&downloads).await });
        }
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok(outcome) => outcome?,
                Err(error) => return Err(Error::internal("a pull's task failed").because(error)),
            }
        }
        Ok(())
    }

    /// Tells of each layer whether it is here, and returns those of which something is missing.
    async fn missing(&self, groups: Vec<Group>, report: &Reporter) -> Result<Vec<Group>> {
        let transaction = Arc::clone(&self.transaction);
        let groups = blocking(move || {
            groups
                .into_iter()
                .map(|mut group| {
                    group.present = transaction.has_blob(&group.blob.digest);
                    let mut unpacked = true;
                    for layer in &group.layers {
                        unpacked &= transaction.has_snapshot(&layer.chain)?;
                    }
                    group.unpacked = unpacked;
                    Ok(group)
                })
                .collect::<Result<Vec<_>>>()
        })
        .await?;
        for group in &groups {
            let done = group.present && group.unpacked;
            let status = if done { "Already exists" } else { "Pulling fs layer" };
            report.item(&short(&group.blob.digest), status).await;
        }
        Ok(groups.into_iter().filter(|group| !(group.present && group.unpacked)).collect())
    }
}

/// One blob on its way into the store.
struct Fetch {
    remote: Repository,
    shown: String,
    transaction: Arc<Transaction>,
    report: Reporter,
    id: String,
    group: Group,
}

impl Fetch {
    async fn run(self, downloads: &Semaphore) -> Result<()> {
        let mut job = None;
        if !self.group.present {
            let permit = match downloads.try_acquire() {
                Ok(permit) => permit,
                Err(_) => {
                    self.report.item(&self.id, "Waiting").await;
                    downloads.acquire().await.map_err(Error::internal)?
                }
            };
            job = self.download().await?;
            drop(permit);
        } else if let Some(diff_id) = self.diff_id() {
            let (transaction, digest) = (Arc::clone(&self.transaction), self.digest());
            let started = blocking(move || Ok(transaction.unpack_blob(&digest, Some(&diff_id))));
            job = Some(started.await?.map_err(|error| self.bad_layer(&error))?);
        }
        if let Some(job) = job {
            self.extract(job).await?;
        }
        self.report.item(&self.id, "Pull complete").await;
        Ok(())
    }

    fn digest(&self) -> Digest {
        self.group.blob.digest.clone()
    }

    /// What the blob unpacks to, where that is still to be done.
    fn diff_id(&self) -> Option<Digest> {
        let layer = self.group.layers.first().filter(|_| !self.group.unpacked);
        layer.map(|layer| layer.diff_id.clone())
    }

    fn bad_layer(&self, error: &LayerError) -> Error {
        let (image, layer) = (&self.shown, &self.group.blob.digest);
        Error::invalid(format_args!("image {image}: layer {layer}: {}", chain(error)))
    }

    /// Brings the blob from where an earlier try stopped; unpacks it meanwhile.
    async fn download(&self) -> Result<Option<LayerJob>> {
        let (transaction, blob) = (Arc::clone(&self.transaction), self.group.blob.clone());
        let begun = blocking(move || Ok(transaction.ingest(&blob).map_err(ImageError::from)?));
        let incoming = begun.await?;
        let mut job = match self.diff_id() {
            Some(diff_id) => {
                let started = self.transaction.unpack(&incoming, Some(&diff_id));
                Some(started.map_err(|error| self.bad_layer(&error))?)
            }
            None => None,
        };
        let mut reader = self.remote.open_blob(&self.group.blob, incoming.offset()).await?;
        let mut counter = self.report.counter(&self.id, "Downloading", reader.size());
        let (chunks, writer) = write_chunks(incoming);
        while let Some(chunk) = reader.chunk().await? {
            if chunks.send(chunk).await.is_err() {
                // The writer's own error tells more.
                break;
            }
            counter.at(reader.position());
            if job.as_ref().is_some_and(LayerJob::is_finished) && reader.position() < reader.size()
            {
                // Nothing unpacks before its end, so this is a fault: no need for the rest.
                let ended = job.take().expect("looked at above");
                blocking(move || Ok(ended.join()))
                    .await?
                    .map_err(|error| self.bad_layer(&error))?;
            }
        }
        drop(chunks);
        let incoming = writer.await.map_err(Error::internal)?.map_err(ImageError::from)?;
        self.report.item(&self.id, "Verifying Checksum").await;
        blocking(move || Ok(incoming.finish().map_err(ImageError::from)?)).await?;
        self.report.item(&self.id, "Download complete").await;
        Ok(job)
    }

    async fn extract(&self, job: LayerJob) -> Result<()> {
        let mut counter = self.report.counter(&self.id, "Extracting", self.group.blob.size);
        let consumed = job.counter();
        let mut joining = tokio::task::spawn_blocking(move || job.join());
        let joined = loop {
            tokio::select! {
                joined = &mut joining => break joined,
                () = tokio::time::sleep(EXTRACT_INTERVAL) => {
                    counter.at(consumed.load(Ordering::Relaxed));
                }
            }
        };
        counter.at(self.group.blob.size);
        let layer = joined.map_err(Error::internal)?.map_err(|error| self.bad_layer(&error))?;
        self.transaction.stage(&self.group.blob.digest, layer);
        Ok(())
    }
}

type Writer = JoinHandle<Result<Incoming, ContentError>>;

/// A thread that writes what it is sent. It ends with the sender; what is incomplete then stays
/// for the next try.
fn write_chunks(mut incoming: Incoming) -> (mpsc::Sender<Bytes>, Writer) {
    let (sender, mut chunks) = mpsc::channel::<Bytes>(QUEUED_CHUNKS);
    let writer = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = chunks.blocking_recv() {
            incoming.write(&chunk)?;
        }
        Ok(incoming)
    });
    (sender, writer)
}
