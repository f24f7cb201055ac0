//! Pushing: blobs first, several at once, then manifests, and last what the name leads to.

use super::names;
use super::progress::{self, Reporter, short};
use super::pull::parse_platform;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::model::{Progress, ProgressStream, PushImage, RegistryAuth};
use crate::{Engine, EventType};
use isopod_base::Digest;
use isopod_images::{Image, Images};
use isopod_oci::image::{Descriptor, Index, Manifest, Platform, media_type};
use isopod_registry::{BlobSource, Pushed, Reference, Repository};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Largest manifest that registries take.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;

impl Engine {
    /// Pushes a name, or all names of a repository. The push ends when the stream is dropped.
    pub async fn push_image(self: &Arc<Self>, request: PushImage) -> Result<ProgressStream> {
        let reference = names::parse(&request.reference)?;
        if reference.digest().is_some() {
            return Err(Error::invalid("cannot push a digest reference"));
        }
        let wanted = parse_platform(request.platform.as_deref())?;
        let references = self.names_to_push(&reference).await?;
        let (reporter, stream) = progress::channel();
        let engine = Arc::clone(self);
        let report = reporter.clone();
        reporter.run(async move {
            let name = reference.name();
            report.line(format!("The push refers to repository [{name}]")).await;
            for reference in references {
                let auth = request.auth.as_ref();
                engine.push_one(&reference, wanted.as_ref(), auth, &report).await?;
            }
            Ok(())
        });
        Ok(stream)
    }

    async fn names_to_push(&self, reference: &Reference) -> Result<Vec<Reference>> {
        if reference.tag().is_some() {
            return Ok(vec![reference.clone()]);
        }
        let store = Images::clone(self.images_store());
        let wanted = reference.clone();
        let found = blocking(move || {
            let all = store.list()?;
            let names = all.iter().flat_map(|image| &image.names);
            let parsed = names.filter_map(|name| Reference::parse(name).ok());
            let tagged = parsed.filter(|own| own.tag().is_some() && own.repository() == wanted);
            Ok(tagged.collect::<BTreeSet<_>>())
        })
        .await?;
        if found.is_empty() {
            return Err(missing(reference));
        }
        Ok(found.into_iter().collect())
    }

    async fn push_one(
        self: &Arc<Self>,
        reference: &Reference,
        wanted: Option<&Platform>,
        auth: Option<&RegistryAuth>,
        report: &Reporter,
    ) -> Result<()> {
        let store = Images::clone(self.images_store());
        let (subject, platform) = (reference.clone(), wanted.cloned());
        let (image, plan) = blocking(move || {
            // Layers that came plain go out compressed, and stay so.
            let found = store.compress(&names::canonical(&subject), platform.as_ref());
            let image = match found {
                Err(isopod_images::ImageError::NotFound { .. }) => return Err(missing(&subject)),
                found => found?,
            };
            let plan = Plan::of(&store, &image, platform.is_some(), &subject)?;
            Ok((image, plan))
        })
        .await?;
        let remote = self.remote(reference, auth);
        let push = Push { engine: Arc::clone(self), remote, plan, report: report.clone() };
        push.blobs().await?;
        let top = push.manifests(reference).await?;
        let tag = reference.tag().unwrap_or_default().to_owned();
        let digest = top.digest.to_string();
        report.line(format!("{tag}: digest: {digest} size: {}", top.size)).await;
        report
            .send(Progress { pushed: Some((tag, digest, top.size)), ..Progress::default() })
            .await;
        let mut attributes: BTreeMap<String, String> = image.config.config.labels;
        attributes.insert("name".to_owned(), reference.familiar_name());
        self.emit(EventType::Image, "push", &reference.familiar(), attributes);
        Ok(())
    }
}

fn missing(reference: &Reference) -> Error {
    Error::not_found(format_args!(
        "An image does not exist locally with the tag: {}",
        reference.familiar_name()
    ))
}

/// What a push has to bring.
struct Plan {
    /// Layers and configurations, each once, with repositories that may have it.
    blobs: Vec<(Descriptor, Vec<String>)>,
    /// Manifests with their bytes; the last one is what the name leads to.
    manifests: Vec<(Descriptor, Vec<u8>)>,
}

impl Plan {
    /// Takes the whole index where all of it is here, and the one manifest where not or where a
    /// platform was asked for.
    fn of(
        store: &Images,
        image: &Image,
        one_platform: bool,
        reference: &Reference,
    ) -> Result<Self> {
        let mut plan = Self { blobs: Vec::new(), manifests: Vec::new() };
        let whole = !one_platform && plan.add(store, &image.target)?;
        if !whole {
            plan = Self { blobs: Vec::new(), manifests: Vec::new() };
            if !plan.add(store, &image.manifest)? {
                return Err(Error::not_found(format_args!(
                    "image {}: not all of its layers are here: pull it anew to push it",
                    reference.familiar()
                )));
            }
        }
        plan.note_sources(store, reference)?;
        Ok(plan)
    }

    /// Adds a manifest or index with all that it lists. Returns whether all of it is here.
    fn add(&mut self, store: &Images, document: &Descriptor) -> Result<bool> {
        if !store.content().contains(&document.digest) {
            return Ok(false);
        }
        let bytes = store
            .content()
            .read(&document.digest, MAX_MANIFEST_BYTES)
            .map_err(isopod_images::ImageError::from)?;
        if media_type::is_index(&document.media_type) {
            let index = Index::parse(&bytes).map_err(Error::invalid)?;
            for manifest in &index.manifests {
                if !self.add(store, manifest)? {
                    return Ok(false);
                }
            }
        } else {
            let manifest = Manifest::parse(&bytes).map_err(Error::invalid)?;
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                if !store.content().contains(&blob.digest) {
                    return Ok(false);
                }
                if !self.blobs.iter().any(|(known, _)| known.digest == blob.digest) {
                    self.blobs.push((blob.clone(), Vec::new()));
                }
            }
        }
        self.manifests.push((document.clone(), bytes));
        Ok(true)
    }

    /// Other repositories of the same registry that have a blob by what is known here: the
    /// registry can take it from there.
    fn note_sources(&mut self, store: &Images, reference: &Reference) -> Result<()> {
        for other in store.list()? {
            let paths: Vec<String> = other
                .names
                .iter()
                .filter_map(|name| Reference::parse(name).ok())
                .filter(|own| own.domain() == reference.domain() && own.path() != reference.path())
                .map(|own| own.path().to_owned())
                .collect();
            if paths.is_empty() {
                continue;
            }
            for (blob, sources) in &mut self.blobs {
                if other.layers.iter().any(|layer| layer.digest == blob.digest) {
                    sources.extend(paths.iter().cloned());
                }
            }
        }
        for (_, sources) in &mut self.blobs {
            sources.sort();
            sources.dedup();
        }
        Ok(())
    }
}

/// One image on its way out.
struct Push {
    engine: Arc<Engine>,
    remote: Repository,
    plan: Plan,
    report: Reporter,
}

/// A blob of the store as the registry client reads it.
struct Stored {
    store: Images,
    digest: Digest,
}

impl BlobSource for Stored {
    fn open(&self, offset: u64) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        // By path: the store keeps a blob where it is until it is collected.
        self.store.content().blob_path(&self.digest).open(offset)
    }
}

impl Push {
    async fn blobs(&self) -> Result<()> {
        for (blob, _) in &self.plan.blobs {
            if is_layer(blob) {
                self.report.item(&short(&blob.digest), "Preparing").await;
            }
        }
        let mut tasks = JoinSet::new();
        for (blob, sources) in self.plan.blobs.clone() {
            let (remote, report) = (self.remote.clone(), self.report.clone());
            let store = Images::clone(self.engine.images_store());
            let uploads = Arc::clone(&self.engine.image_service.uploads);
            tasks.spawn(async move {
                let _permit = uploads.acquire_owned().await;
                push_blob(&remote, store, &blob, &sources, &report).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok(outcome) => outcome?,
                Err(error) => return Err(Error::internal("a push's task failed").because(error)),
            }
        }
        Ok(())
    }

    /// Pushes manifests by digest and what the name leads to by its tag.
    async fn manifests(&self, reference: &Reference) -> Result<Descriptor> {
        let (top, below) = self.plan.manifests.split_last().expect("a plan has a manifest");
        for (descriptor, bytes) in below {
            let own = reference.with_digest(descriptor.digest.clone());
            let kind = &descriptor.media_type;
            self.remote.push_manifest(&own, kind, bytes.clone().into()).await?;
        }
        let (descriptor, bytes) = top;
        let kind = &descriptor.media_type;
        self.remote.push_manifest(reference, kind, bytes.clone().into()).await?;
        Ok(descriptor.clone())
    }
}

async fn push_blob(
    remote: &Repository,
    store: Images,
    blob: &Descriptor,
    sources: &[String],
    report: &Reporter,
) -> Result<()> {
    let id = short(&blob.digest);
    let counter = Mutex::new(report.counter(&id, "Pushing", blob.size));
    let shown = is_layer(blob);
    let observe = move |position| {
        if shown {
            counter.lock().unwrap_or_else(PoisonError::into_inner).at(position);
        }
    };
    let source = Arc::new(Stored { store, digest: blob.digest.clone() });
    let pushed = remote.push_blob(blob, source, sources, Some(Arc::new(observe))).await?;
    if shown {
        let status = match pushed {
            Pushed::Exists => "Layer already exists".to_owned(),
            Pushed::Mounted(from) => format!("Mounted from {from}"),
            Pushed::Uploaded => "Pushed".to_owned(),
        };
        report.item(&id, status).await;
    }
    Ok(())
}

/// Docker's progress shows layers only.
fn is_layer(blob: &Descriptor) -> bool {
    !matches!(
        blob.media_type.as_str(),
        media_type::CONFIG | media_type::DOCKER_CONFIG | media_type::EMPTY
    )
}
