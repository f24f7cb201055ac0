//! Builds: contexts arrive, images that a Dockerfile stands on are pulled, the builder works.

mod bases;
mod cache;
mod context;
mod sandbox;

use crate::engine::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::images::canonical_name;
use crate::{ByteStream, Engine, HostConfig, Progress, RegistryAuth};
use isopod_build::{BuildError, Builder, Cache, Cancel, Event, PlanError, Request, Teller};
use isopod_images::Images;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events that wait for a slow client before the build waits with them.
const QUEUED: usize = 1024;

/// A request to build an image.
#[derive(Clone, Debug, Default)]
pub struct BuildImage {
    /// What is asked of the builder itself.
    pub build: Request,
    /// Path of the Dockerfile in the context; empty for `Dockerfile`.
    pub dockerfile: String,
    /// Where the context is, if it does not come with the request.
    pub remote: String,
    /// Names of the image, as the user wrote them.
    pub tags: Vec<String>,
    /// Whether images are pulled although they are here.
    pub pull: bool,
    /// Images whose steps may be taken over.
    pub cache_from: Vec<String>,
    /// Credentials by registry.
    pub auths: BTreeMap<String, RegistryAuth>,
    /// What the containers of `RUN` get of the host: network, limits, hosts.
    pub host: HostConfig,
    /// Whether the body holds several trees: `context/`, `contexts/NAME/`, `secrets/ID`.
    pub bundle: bool,
}

/// Something that happens during a build.
#[derive(Debug)]
pub enum BuildProgress {
    /// Of the builder.
    Event(Event),
    /// Of the pull of an image.
    Pull(Progress),
    /// A command ended with this exit code; the error follows.
    ExitCode(i32),
    /// The image: its id, and its names in docker's short form.
    Built(String, Vec<String>),
}

/// A build at work; dropping it gives the build up.
#[derive(Debug)]
pub struct BuildStream {
    events: mpsc::Receiver<Result<BuildProgress>>,
    cancel: Cancel,
}

impl BuildStream {
    /// The next thing that happens; the last one is the outcome.
    pub async fn recv(&mut self) -> Option<Result<BuildProgress>> {
        self.events.recv().await
    }
}

impl Drop for BuildStream {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// What builds share.
#[derive(Debug)]
pub(crate) struct Service {
    cache: Arc<Cache>,
    scratch: PathBuf,
}

impl Service {
    /// Opens the cache, and removes what builds of an engine that was killed left.
    pub(crate) fn open(config: &crate::Config, images: &Images) -> Result<Self> {
        let root = config.data_root.join("build");
        let scratch = root.join("scratch");
        isopod_build::clean(images, &scratch);
        let cache = Cache::open(&root)
            .map_err(|source| Error::internal("open the build cache").because(source))?;
        crate::engine::make_directory(&scratch, 0o700)?;
        Ok(Self { cache: Arc::new(cache), scratch })
    }
}

impl Engine {
    /// Builds an image. Mistakes in the request and in the Dockerfile are the error; what goes
    /// wrong later is in the stream.
    pub async fn build_image(
        self: &Arc<Self>,
        mut request: BuildImage,
        context: ByteStream,
    ) -> Result<BuildStream> {
        let mut shown = Vec::new();
        for tag in &request.tags {
            let (canonical, familiar) = canonical_name(tag)?;
            if !request.build.names.contains(&canonical) {
                request.build.names.push(canonical);
                shown.push(familiar);
            }
        }
        self.check_step_network(&request.host)?;
        let cancel = Cancel::new().map_err(Error::io("begin a build"))?;
        let prepared = self.prepare_context(&mut request, context, &cancel).await?;
        // Mistakes that need no image to be seen.
        isopod_build::plan(&prepared.file, &request.build, &Default::default()).map_err(refused)?;
        let (sender, events) = mpsc::channel(QUEUED);
        let stream = BuildStream { events, cancel: cancel.clone() };
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = engine.work(request, prepared, sender.clone(), cancel, shown).await;
            if let Err(error) = outcome {
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(stream)
    }

    async fn work(
        self: Arc<Self>,
        mut request: BuildImage,
        prepared: context::Prepared,
        sender: mpsc::Sender<Result<BuildProgress>>,
        cancel: Cancel,
        shown: Vec<String>,
    ) -> Result<()> {
        let (plan, images) = self.resolve_bases(&mut request, &prepared, &sender, &cancel).await?;
        self.import_caches(&request, &sender).await;
        let border = sandbox::Border {
            engine: Arc::clone(&self),
            host: request.host.clone(),
            runtime: tokio::runtime::Handle::current(),
        };
        let builder = Builder::new(
            Images::clone(self.images_store()),
            Arc::clone(&self.builds.cache),
            Arc::new(border),
        );
        let teller: Teller = {
            let sender = sender.clone();
            Arc::new(move |event| {
                // Nobody listens any more: the build is being given up.
                let _ = sender.blocking_send(Ok(BuildProgress::Event(event)));
            })
        };
        let codes = sender.clone();
        let outcome = blocking(move || {
            let outcome = builder.build(
                &Arc::new(plan),
                &request.build,
                &images,
                &prepared.contexts,
                &teller,
                &cancel,
            );
            // Its files are needed no more.
            drop(prepared);
            if let Err(BuildError::Command { code, .. }) = &outcome {
                let _ = codes.blocking_send(Ok(BuildProgress::ExitCode(*code)));
            }
            outcome.map_err(failed)
        })
        .await?;
        let id = outcome.image.id.to_string();
        for name in &shown {
            self.tell_tagged(&id, name, &outcome.image);
        }
        self.limit_build_cache().await;
        let _ = sender.send(Ok(BuildProgress::Built(id, shown))).await;
        Ok(())
    }
}

/// Why a Dockerfile is refused, in docker's words.
fn refused(error: PlanError) -> Error {
    match error {
        PlanError::At(error) => parse_error(&error),
        other => Error::invalid(other),
    }
}

pub(crate) fn parse_error(error: &isopod_dockerfile::ParseError) -> Error {
    let place = &error.place;
    Error::invalid(format_args!(
        "dockerfile parse error on line {}: {}\n{}:{}:{}\n{}",
        place.line,
        error.message,
        place.file,
        place.line,
        place.column,
        error.excerpt()
    ))
}

fn failed(error: BuildError) -> Error {
    match error {
        BuildError::Plan(error) => refused(error),
        BuildError::Command { .. } | BuildError::Copy { .. } | BuildError::Mount { .. } => {
            Error::invalid(isopod_base::chain(&error))
        }
        other => Error::new(ErrorKind::Internal, isopod_base::chain(&other)),
    }
}
