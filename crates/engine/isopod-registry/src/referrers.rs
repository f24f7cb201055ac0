//! Referrers: manifests that name another one as their subject (signatures, attestations).
//!
//! Asked for by the referrers API, and where a registry lacks it kept as an index under a tag
//! (distribution-spec 1.1, "Referrers Tag Schema").

use bytes::Bytes;
use http::Method;
use isopod_base::Digest;
use isopod_oci::image::{Descriptor, Index, Manifest, media_type};

use crate::call::Call;
use crate::client::Repository;
use crate::error::Error;
use crate::list::follow_pages;
use crate::manifest::{Document, MAX_MANIFEST_BYTES};
use crate::reference::Reference;
use crate::url::encode;

/// Most referrers that are read.
const MAX_REFERRERS: usize = 10_000;

impl Repository {
    /// The manifests that have `digest` as their subject, of one artifact type if given.
    pub async fn referrers(
        &self,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error> {
        let query = artifact_type.map(|kind| format!("?artifactType={}", encode(kind)));
        let path = self.path(&format!("referrers/{digest}{}", query.unwrap_or_default()));
        let call = Call::new(Method::GET, path, self.pull_scope());
        let mut found = Vec::new();
        let known =
            follow_pages(self.shared(), self.origin(), call, MAX_MANIFEST_BYTES, |url, body| {
                found.extend(parse_index(url, body)?.manifests);
                Ok(found.len() < MAX_REFERRERS)
            })
            .await?;
        if known.is_err() {
            found = match self.tagged_referrers(digest).await? {
                Some(index) => index.manifests,
                None => Vec::new(),
            };
        }
        // Servers need not filter.
        found.retain(|one| {
            artifact_type.is_none_or(|kind| one.artifact_type.as_deref() == Some(kind))
        });
        found.truncate(MAX_REFERRERS);
        Ok(found)
    }

    /// After a push to a registry that did not take note of the subject itself: adds the
    /// manifest to the list under the subject's tag. Two pushes at once may lose one entry,
    /// which the specification accepts.
    pub(crate) async fn note_referrer(&self, document: &Document) -> Result<(), Error> {
        let Some((subject, entry)) = referrer_entry(document) else { return Ok(()) };
        let mut index = self.tagged_referrers(&subject).await?.unwrap_or_else(|| Index {
            schema_version: 2,
            media_type: Some(media_type::INDEX.to_owned()),
            artifact_type: None,
            manifests: Vec::new(),
            subject: None,
            annotations: Default::default(),
        });
        if index.manifests.iter().any(|one| one.digest == entry.digest) {
            return Ok(());
        }
        index.manifests.push(entry);
        let bytes = Bytes::from(serde_json::to_vec(&index).expect("an index is serialisable"));
        let tag = self.referrers_reference(&subject);
        // The index has no subject, so this goes no deeper.
        Box::pin(self.push_manifest(&tag, media_type::INDEX, bytes)).await?;
        Ok(())
    }

    async fn tagged_referrers(&self, subject: &Digest) -> Result<Option<Index>, Error> {
        let reference = self.referrers_reference(subject);
        match self.manifest(&reference).await {
            Ok(document) => parse_index(&reference.to_string(), &document.bytes).map(Some),
            Err(error) if error.answer().is_some_and(|answer| answer.status == 404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn referrers_reference(&self, subject: &Digest) -> Reference {
        let mut tag = format!("{}-{}", subject.algorithm().name(), subject.hex());
        tag.truncate("sha256-".len() + 64);
        self.reference().with_tag(&tag).expect("an algorithm and digits make a tag")
    }
}

fn parse_index(url: &str, bytes: &[u8]) -> Result<Index, Error> {
    Index::parse(bytes)
        .map_err(|error| Error::Protocol { url: url.to_owned(), reason: error.to_string() })
}

/// The subject of a manifest or index, and how the manifest is listed among its referrers.
fn referrer_entry(document: &Document) -> Option<(Digest, Descriptor)> {
    let mut entry = document.descriptor();
    if media_type::is_index(&document.media_type) {
        let index = Index::parse(&document.bytes).ok()?;
        entry.artifact_type = index.artifact_type;
        entry.annotations = index.annotations;
        return Some((index.subject?.digest, entry));
    }
    let manifest = Manifest::parse(&document.bytes).ok()?;
    entry.artifact_type = manifest.artifact_type.or(Some(manifest.config.media_type));
    entry.annotations = manifest.annotations;
    Some((manifest.subject?.digest, entry))
}
