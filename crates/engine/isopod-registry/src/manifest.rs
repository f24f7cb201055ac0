//! Manifests and indexes: resolve, fetch, push, delete.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, StatusCode};
use isopod_base::{Digest, Hasher};
use isopod_oci::image::{Descriptor, media_type};
use serde::Deserialize;

use crate::answer::Answer;
use crate::auth::Scope;
use crate::body::Payload;
use crate::call::{Call, Reply};
use crate::client::Repository;
use crate::error::Error;
use crate::reference::{DEFAULT_TAG, Reference};

/// Largest manifest or index (distribution-spec 1.1, "Pushing Manifests").
pub(crate) const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// What is asked for. Docker's first schema is not: it was never content-addressed.
const ACCEPTED: &[&str] = &[
    media_type::INDEX,
    media_type::MANIFEST,
    media_type::DOCKER_INDEX,
    media_type::DOCKER_MANIFEST,
];

/// A manifest or index as the registry sent it; its bytes have its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The media type.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The document.
    pub bytes: Bytes,
}

impl Document {
    /// Points at the document.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(&*self.media_type, self.digest.clone(), self.bytes.len() as u64)
    }
}

impl Repository {
    /// What a tag or digest points at, without fetching it where the registry can tell.
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error> {
        let call = self.manifest_call(Method::HEAD, reference);
        let reply = self.call_any(&call).await.map_err(|error| not_found(reference, error))?;
        if reply.response.status == StatusCode::OK
            && let Some(descriptor) = described(&reply, reference)
        {
            return Ok(descriptor);
        }
        // Errors come without a body here, and old registries tell no digest: ask for the whole.
        Ok(self.manifest(reference).await?.descriptor())
    }

    /// Fetches a manifest or index by the reference's digest, or else by its tag.
    pub async fn manifest(&self, reference: &Reference) -> Result<Document, Error> {
        self.fetch_manifest(reference).await.map_err(|error| not_found(reference, error))
    }

    /// Fetches a manifest or index by digest.
    pub async fn manifest_by_digest(&self, digest: &Digest) -> Result<Document, Error> {
        self.manifest(&self.reference().with_digest(digest.clone())).await
    }

    /// Stores a manifest or index under a tag or its digest. Where it has a subject and the
    /// registry does not keep referrers, the list of referrers is kept under a tag.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, Error> {
        let digest = match reference.digest() {
            Some(expected) => {
                check_digest(reference, expected, &bytes)?;
                expected.clone()
            }
            None => Digest::sha256(&bytes),
        };
        let path = self.path(&format!("manifests/{}", selector(reference)));
        let mut call =
            Call::new(Method::PUT, path, self.push_scope()).header(CONTENT_TYPE, media_type);
        call.payload = Payload::Bytes(bytes.clone());
        let reply = self.call(&call).await?.expect(&[StatusCode::CREATED]).await?;
        if reply.response.header("oci-subject").is_none() {
            let document =
                Document { media_type: media_type.to_owned(), digest: digest.clone(), bytes };
            self.note_referrer(&document).await?;
        }
        Ok(digest)
    }

    /// Removes a tag, or a manifest with all its tags where the reference has a digest.
    pub async fn delete_manifest(&self, reference: &Reference) -> Result<(), Error> {
        self.delete(&format!("manifests/{}", selector(reference))).await
    }

    /// Removes a blob.
    pub async fn delete_blob(&self, digest: &Digest) -> Result<(), Error> {
        self.delete(&format!("blobs/{digest}")).await
    }

    async fn delete(&self, rest: &str) -> Result<(), Error> {
        let scope = Scope::Delete(self.reference().path().to_owned());
        let call = Call::new(Method::DELETE, self.path(rest), scope);
        self.call(&call).await?.expect(&[StatusCode::ACCEPTED, StatusCode::OK]).await?;
        Ok(())
    }

    async fn fetch_manifest(&self, reference: &Reference) -> Result<Document, Error> {
        let call = self.manifest_call(Method::GET, reference);
        let mut reply = self.call_any(&call).await?.expect(&[StatusCode::OK]).await?;
        if reply.response.content_length().is_some_and(|length| length > MAX_MANIFEST_BYTES as u64)
        {
            let (url, limit_bytes) = (reply.url.to_string(), MAX_MANIFEST_BYTES);
            return Err(Error::TooLarge { what: "manifest", url, limit_bytes });
        }
        let bytes = reply.read("manifest", MAX_MANIFEST_BYTES).await?;
        let stated: Option<Digest> =
            reply.response.header("docker-content-digest").and_then(|text| text.parse().ok());
        let expected = reference.digest().or(stated.as_ref());
        if let Some(expected) = expected {
            check_digest(reference, expected, &bytes)?;
        }
        let digest = expected.cloned().unwrap_or_else(|| Digest::sha256(&bytes));
        Ok(Document { media_type: media_type_of(&reply, &bytes), digest, bytes })
    }

    fn manifest_call(&self, method: Method, reference: &Reference) -> Call {
        let path = self.path(&format!("manifests/{}", selector(reference)));
        let mut call = Call::new(method, path, self.pull_scope());
        for accepted in ACCEPTED {
            call = call.header(ACCEPT, accepted);
        }
        call
    }
}

/// The digest goes before the tag, as in docker.
fn selector(reference: &Reference) -> String {
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(tag)) => tag.to_owned(),
        (None, None) => DEFAULT_TAG.to_owned(),
    }
}

fn described(reply: &Reply, reference: &Reference) -> Option<Descriptor> {
    let digest: Digest = reply.response.header("docker-content-digest")?.parse().ok()?;
    if reference.digest().is_some_and(|expected| *expected != digest) {
        return None;
    }
    let size = reply.response.content_length()?;
    let kind = known_type(reply.response.header("content-type")?)?;
    Some(Descriptor::new(kind, digest, size))
}

fn check_digest(reference: &Reference, expected: &Digest, bytes: &[u8]) -> Result<(), Error> {
    let mut hasher = Hasher::new(expected.algorithm());
    hasher.update(bytes);
    let actual = hasher.finish();
    if actual == *expected {
        return Ok(());
    }
    let (registry, expected) = (reference.domain().to_owned(), expected.clone());
    Err(Error::DigestMismatch { what: "manifest", registry, expected, actual })
}

/// The stated type, unless a server in between made it a general one.
fn media_type_of(reply: &Reply, bytes: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        #[serde(default)]
        media_type: Option<String>,
    }
    let stated = reply.response.header("content-type").unwrap_or_default();
    if let Some(known) = known_type(stated) {
        return known.to_owned();
    }
    let own = serde_json::from_slice::<Typed>(bytes).ok().and_then(|typed| typed.media_type);
    own.filter(|own| !own.is_empty()).unwrap_or_else(|| stated.to_owned())
}

fn known_type(stated: &str) -> Option<&str> {
    let kind = stated.split(';').next().unwrap_or_default().trim();
    ACCEPTED.contains(&kind).then_some(kind)
}

/// Puts docker's words around what a registry says of a manifest that is not to be had.
fn not_found(reference: &Reference, error: Error) -> Error {
    let Error::Answer(mut source) = error else { return error };
    if source.status == 404 && source.code.is_empty() {
        source = Answer::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown");
    }
    match source.code.as_str() {
        "MANIFEST_UNKNOWN" => Error::ManifestNotFound { reference: reference.familiar(), source },
        "DENIED" => Error::PullDenied { repository: reference.familiar_name(), source },
        "NAME_UNKNOWN" => {
            Error::RepositoryNotFound { repository: reference.familiar_name(), source }
        }
        _ => Error::Answer(source),
    }
}
