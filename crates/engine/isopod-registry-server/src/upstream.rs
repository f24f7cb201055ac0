//! A copy of another registry that fills itself when it is asked: a pull-through cache.
//!
//! Tags are looked up at the upstream each time, so that they are as fresh as there; while it does
//! not answer, what is here is served. Content is fetched once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, header};
use isopod_base::Digest;
use isopod_images::{PutManifest, Repositories};
use isopod_oci::image::Descriptor;
use isopod_registry::{
    BlobReader, Client, Config, Credentials, DEFAULT_DOMAIN, DockerConfig, Document,
    Reference as Name, Repository, Scheme, Url,
};
use tokio::sync::mpsc;

use crate::api::{Api, ApiResult, Call, set};
use crate::blobs::{describe, unknown};
use crate::body::Body;
use crate::error::{ApiError, Code, ServeError};
use crate::path::Reference;
use crate::settings::Settings;

/// Pieces that wait for the client of a blob that is being fetched.
const DEPTH: usize = 64;

/// The registry that this one is a copy of.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client,
    domain: String,
    credentials: Option<Credentials>,
    /// Blobs that are being fetched; whoever holds the lock fetches.
    fetching: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.domain)
    }
}

impl Upstream {
    pub(crate) fn new(settings: &Settings) -> Result<Option<Self>, ServeError> {
        let Some(text) = &settings.upstream else { return Ok(None) };
        let refuse = |reason: String| ServeError::Setting { setting: "upstream", reason };
        let url = Url::parse(text).map_err(|error| refuse(format!("{text:?}: {error}")))?;
        if url.target() != "/" {
            return Err(refuse(format!("{text:?}: expected scheme, host and port without a path")));
        }
        let authority = url.authority();
        let mut config = Config::from_environment().map_err(|error| refuse(error.to_string()))?;
        config.docker_config = DockerConfig::load_default().ok();
        if url.scheme() == Scheme::Http {
            let insecure = authority.parse().map_err(|_| refuse(format!("{text:?}: bad host")))?;
            config.insecure.push(insecure);
        }
        let hub = ["registry-1.docker.io", "index.docker.io", "docker.io"];
        let domain = if hub.contains(&url.host()) { DEFAULT_DOMAIN.to_owned() } else { authority };
        let credentials = credentials(settings)?;
        let client = Client::new(config).map_err(|error| refuse(error.to_string()))?;
        Ok(Some(Self { client, domain, credentials, fetching: Mutex::default() }))
    }

    /// Makes sure that the manifest is here, if the upstream has it.
    pub(crate) async fn bring_manifest(
        &self,
        api: &Api,
        name: &str,
        reference: &Reference,
    ) -> Result<(), ApiError> {
        let remote = self.name(name)?;
        let (wanted, tag) = match reference {
            Reference::Digest(digest) if api.repositories.manifest(name, digest)?.is_some() => {
                return Ok(());
            }
            Reference::Digest(digest) => (remote.with_digest(digest.clone()), None),
            Reference::Tag(tag) => {
                let remote = remote
                    .with_tag(tag)
                    .map_err(|error| ApiError::new(Code::TagInvalid, error.to_string()))?;
                (remote, Some(tag.as_str()))
            }
            Reference::Invalid(_) => return Ok(()),
        };
        let repository = self.client.repository(&wanted, self.credentials.clone());
        match self.fetch_manifest(api, name, &repository, &wanted, tag).await {
            Ok(()) => Ok(()),
            // It is not here either, or not any more: the caller finds out.
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => {
                let words = isopod_base::chain(&error).to_string();
                let here = match reference {
                    Reference::Tag(tag) => api.repositories.tagged(name, tag)?.is_some(),
                    _ => false,
                };
                if here {
                    tracing::warn!(upstream = %self, error = words, "served from the copy");
                    return Ok(());
                }
                Err(ApiError::new(Code::Unavailable, format!("upstream {self}: {words}")))
            }
        }
    }

    async fn fetch_manifest(
        &self,
        api: &Api,
        name: &str,
        repository: &Repository,
        wanted: &Name,
        tag: Option<&str>,
    ) -> Result<(), isopod_registry::Error> {
        if let Some(tag) = tag {
            let now = repository.resolve(wanted).await?;
            let known = api.repositories.tagged(name, tag).ok().flatten();
            if known.is_some_and(|known| known.digest == now.digest) {
                return Ok(());
            }
        }
        let document = repository.manifest(wanted).await?;
        if let Err(error) = store(&api.repositories, name, &document, tag) {
            tracing::error!(error = %isopod_base::chain(&error), "a manifest could not be kept");
        }
        Ok(())
    }

    /// Answers with a blob that is not here yet, and keeps it.
    pub(crate) async fn blob(
        &self,
        api: &Api,
        name: &str,
        digest: &Digest,
        call: &Call,
    ) -> ApiResult {
        // Only what a manifest speaks of is fetched: nothing else is anybody's to ask for.
        let size = api.repositories.announced_size(name, digest)?.ok_or_else(|| unknown(digest))?;
        let whole = |body| {
            let mut response = Response::new(body);
            set(&mut response, header::CONTENT_LENGTH, &size.to_string());
            describe(&mut response, digest);
            response
        };
        if call.is_head() && call.header(&header::RANGE).is_none() {
            return Ok(whole(Body::empty()));
        }
        let turn = self.turn(digest).lock_owned().await;
        let mut pieces = None;
        if !api.repositories.has_blob(name, digest) && !api.repositories.adopt_blob(name, digest)? {
            pieces = Some(self.fetch(api, name, digest, size, turn).await?);
        }
        match pieces {
            Some(pieces) if call.header(&header::RANGE).is_none() => {
                Ok(whole(Body::Pieces(pieces, size)))
            }
            Some(mut pieces) => {
                while pieces.recv().await.is_some() {}
                Box::pin(api.blob(name, digest, call)).await
            }
            None => Box::pin(api.blob(name, digest, call)).await,
        }
    }

    /// Starts to fetch a blob; the pieces come as they arrive, the last one when all of it has
    /// been checked and is kept.
    async fn fetch(
        &self,
        api: &Api,
        name: &str,
        digest: &Digest,
        size: u64,
        turn: tokio::sync::OwnedMutexGuard<()>,
    ) -> Result<mpsc::Receiver<std::io::Result<Bytes>>, ApiError> {
        let remote = self.name(name)?;
        let repository = self.client.repository(&remote, self.credentials.clone());
        let blob = Descriptor::new("application/octet-stream", digest.clone(), size);
        let reader = repository.open_blob(&blob, 0).await.map_err(|error| {
            if error.is_not_found() {
                return unknown(digest);
            }
            let words = isopod_base::chain(&error).to_string();
            ApiError::new(Code::Unavailable, format!("upstream {self}: {words}"))
        })?;
        let (sender, receiver) = mpsc::channel(DEPTH);
        let (repositories, name, digest) =
            (api.repositories.clone(), name.to_owned(), digest.clone());
        tokio::spawn(async move {
            let result = fetch_into(&repositories, &name, &digest, reader, &sender).await;
            drop(turn);
            if let Err(error) = result {
                tracing::warn!(%digest, error = %error, "a blob could not be fetched");
                let _ = sender.send(Err(std::io::Error::other(error))).await;
            }
        });
        Ok(receiver)
    }

    /// The upstream's tags; nothing, if it does not answer.
    pub(crate) async fn tags(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let repository = self.client.repository(&self.name(name)?, self.credentials.clone());
        match repository.tags().await {
            Ok(tags) => Ok(Some(tags)),
            Err(error) if error.is_not_found() => {
                Err(ApiError::new(Code::NameUnknown, "there is no such repository")
                    .detail(serde_json::json!({ "name": name })))
            }
            Err(error) => {
                tracing::warn!(upstream = %self, error = %isopod_base::chain(&error), "tags");
                Ok(None)
            }
        }
    }

    /// The upstream's referrers; nothing, if it does not answer.
    pub(crate) async fn referrers(&self, name: &str, subject: &Digest) -> Option<Vec<Descriptor>> {
        let remote = self.name(name).ok()?;
        let repository = self.client.repository(&remote, self.credentials.clone());
        repository.referrers(subject, None).await.ok()
    }

    fn name(&self, name: &str) -> Result<Name, ApiError> {
        Name::parse(&format!("{}/{name}", self.domain))
            .map_err(|error| ApiError::new(Code::NameInvalid, error.to_string()))
    }

    fn turn(&self, digest: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for any more go.
        fetching.retain(|_, turn| Arc::strong_count(turn) > 1);
        fetching.entry(digest.clone()).or_default().clone()
    }
}

fn credentials(settings: &Settings) -> Result<Option<Credentials>, ServeError> {
    let (Some(user), Some(path)) = (&settings.upstream_user, &settings.upstream_password_file)
    else {
        return Ok(None);
    };
    let password = std::fs::read_to_string(path)
        .map_err(|source| ServeError::File { path: path.clone(), source })?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(Credentials::Basic { username: user.clone(), password }))
}

fn store(
    repositories: &Repositories,
    name: &str,
    document: &Document,
    tag: Option<&str>,
) -> Result<(), isopod_images::ImageError> {
    let put = PutManifest {
        media_type: &document.media_type,
        digest: &document.digest,
        bytes: &document.bytes,
        tag,
        partial: true,
    };
    tokio::task::block_in_place(|| repositories.put_manifest(name, &put)).map(|_| ())
}

async fn fetch_into(
    repositories: &Repositories,
    name: &str,
    digest: &Digest,
    mut reader: BlobReader,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> Result<(), String> {
    let words = |error: &(dyn std::error::Error + 'static)| isopod_base::chain(error).to_string();
    let content = repositories.images().content();
    let mut ingest = content.ingest(digest, reader.size()).map_err(|error| words(&error))?;
    ingest.restart().map_err(|error| words(&error))?;
    let mut last: Option<Bytes> = None;
    while let Some(chunk) = reader.chunk().await.map_err(|error| words(&error))? {
        tokio::task::block_in_place(|| ingest.write(&chunk)).map_err(|error| words(&error))?;
        if let Some(before) = last.replace(chunk) {
            // A client that left does not end the fetch: the next one finds the blob here.
            let _ = sender.send(Ok(before)).await;
        }
    }
    tokio::task::block_in_place(|| {
        let sealed = ingest.finish().map_err(|error| words(&error))?;
        repositories.put_blob(name, sealed).map_err(|error| words(&error))
    })?;
    if let Some(last) = last {
        let _ = sender.send(Ok(last)).await;
    }
    Ok(())
}
