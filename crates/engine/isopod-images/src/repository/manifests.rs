//! Manifests of a repository, and the tags that point at them.

use std::collections::BTreeMap;

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use isopod_oci::image::{Descriptor, media_type};

use super::{
    ManifestRecord, Reference, Repositories, TagRecord, manifest_key, prefix, referrer_key, tag_key,
};
use crate::error::{ContentError, ImageError};
use crate::image::{Document, read_document};
use crate::records;

/// A manifest of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestInfo {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Media type, as it was pushed.
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was put there.
    pub stored: Timestamp,
    /// For one found by its tag: when the tag last moved.
    pub tagged: Option<Timestamp>,
}

/// A manifest to put into a repository.
#[derive(Debug, Clone)]
pub struct PutManifest<'a> {
    /// Its media type.
    pub media_type: &'a str,
    /// Its digest, which the bytes must have.
    pub digest: &'a Digest,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Tag to point at it.
    pub tag: Option<&'a str>,
    /// Whether what it refers to may be missing, as in a copy that is filled when it is asked for.
    pub partial: bool,
}

/// What came of putting a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is there; if it refers to another manifest, this is that one's digest.
    Done(Option<Digest>),
    /// It needs blobs or manifests that the repository lacks. Nothing was changed.
    Missing(Vec<Digest>),
}

impl Repositories {
    /// The manifest that a tag points at.
    pub fn tagged(&self, name: &str, tag: &str) -> Result<Option<ManifestInfo>, ImageError> {
        let Some(record) = records::get::<TagRecord>(self.journal(), &tag_key(name, tag))? else {
            return Ok(None);
        };
        let info = self.manifest(name, &record.target)?;
        Ok(info.map(|info| ManifestInfo { tagged: Some(record.tagged), ..info }))
    }

    /// The manifest of a digest.
    pub fn manifest(
        &self,
        name: &str,
        digest: &Digest,
    ) -> Result<Option<ManifestInfo>, ImageError> {
        Ok(self.manifest_record(name, digest)?.map(|record| ManifestInfo {
            digest: digest.clone(),
            media_type: record.media_type,
            size: record.size,
            stored: record.stored,
            tagged: None,
        }))
    }

    /// The bytes of a manifest, checked against its digest.
    pub fn manifest_bytes(&self, digest: &Digest) -> Result<Vec<u8>, ContentError> {
        self.images.content().read(digest, self.images.limits().document_bytes)
    }

    /// Puts a manifest, and its tag if it has one, durably and at once.
    pub fn put_manifest(&self, name: &str, put: &PutManifest<'_>) -> Result<Stored, ImageError> {
        let target = Descriptor::new(put.media_type, put.digest.clone(), put.bytes.len() as u64);
        let label = match put.tag {
            Some(tag) => format!("{name}:{tag}"),
            None => format!("{name}@{}", put.digest),
        };
        let document = read_document(&label, &target, put.bytes, self.images.limits())?;
        let parts = Parts::of(document);
        if !put.partial {
            let missing: Vec<Digest> = parts
                .needed()
                .filter(|needed| !self.has_blob(name, &needed.digest))
                .map(|needed| needed.digest.clone())
                .collect();
            if !missing.is_empty() {
                return Ok(Stored::Missing(missing));
            }
        }
        let mut ingest = self.images.content().ingest(put.digest, target.size)?;
        ingest.restart()?;
        ingest.write(put.bytes)?;
        let sealed = ingest.finish()?;
        let subject = parts.subject.as_ref().map(|subject| subject.digest.clone());
        let batch = self.batch(name, put, parts, target.size);
        self.put(sealed, batch)?;
        Ok(Stored::Done(subject))
    }

    fn batch(&self, name: &str, put: &PutManifest<'_>, parts: Parts, size: u64) -> Batch {
        let now = Timestamp::now();
        let mut batch = Batch::new();
        if let Some(subject) = &parts.subject {
            let key = referrer_key(name, &subject.digest, put.digest);
            batch = batch.put(key, records::encode(&()));
        }
        if let Some(tag) = put.tag {
            let record = TagRecord { target: put.digest.clone(), tagged: now };
            batch = batch.put(tag_key(name, tag), records::encode(&record));
        }
        let record = ManifestRecord {
            media_type: put.media_type.to_owned(),
            size,
            stored: now,
            references: parts.references.into_iter().map(Reference::to).collect(),
            subject: parts.subject.map(|subject| subject.digest),
            artifact_type: parts.artifact_type,
        };
        batch.put(manifest_key(name, put.digest), records::encode(&record))
    }

    /// Removes a tag. False if there is none.
    pub fn delete_tag(&self, name: &str, tag: &str) -> Result<bool, ImageError> {
        let key = tag_key(name, tag);
        if self.journal().get(&key).is_none() {
            return Ok(false);
        }
        self.journal().commit(Batch::new().delete(key))?;
        Ok(true)
    }

    /// Removes a manifest and the tags that point at it. False if there is none.
    pub fn delete_manifest(&self, name: &str, digest: &Digest) -> Result<bool, ImageError> {
        // No tag may be put in between.
        let _publish = self.images.publish_lock();
        let Some(batch) = self.without_manifest(Batch::new(), name, digest)? else {
            return Ok(false);
        };
        self.journal().commit(batch)?;
        Ok(true)
    }

    /// Adds the removal of a manifest to `batch`; nothing, if there is none.
    pub(super) fn without_manifest(
        &self,
        mut batch: Batch,
        name: &str,
        digest: &Digest,
    ) -> Result<Option<Batch>, ImageError> {
        let Some(record) = self.manifest_record(name, digest)? else { return Ok(None) };
        let tags = format!("{}{}", prefix(name), super::TAG);
        for (tag, record) in records::scan::<TagRecord>(self.journal(), &tags)? {
            if record.target == *digest {
                batch = batch.delete(tag_key(name, &tag));
            }
        }
        if let Some(subject) = &record.subject {
            batch = batch.delete(referrer_key(name, subject, digest));
        }
        Ok(Some(batch.delete(manifest_key(name, digest))))
    }

    /// The annotations that a manifest carries.
    pub(super) fn annotations(
        &self,
        name: &str,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<BTreeMap<String, String>, ImageError> {
        let bytes = match self.manifest_bytes(digest) {
            Ok(bytes) => bytes,
            Err(ContentError::NotFound { .. }) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        let target = Descriptor::new(&record.media_type, digest.clone(), record.size);
        let document = read_document(name, &target, &bytes, self.images.limits())?;
        Ok(match document {
            Document::Manifest(manifest) => manifest.annotations,
            Document::Index(index) => index.annotations,
        })
    }
}

impl Reference {
    fn to(part: Descriptor) -> Self {
        Self { digest: part.digest, size: part.size }
    }
}

/// What a manifest speaks of.
struct Parts {
    references: Vec<Descriptor>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
}

impl Parts {
    fn of(document: Document) -> Self {
        match document {
            Document::Index(index) => Self {
                references: index.manifests,
                subject: index.subject,
                artifact_type: index.artifact_type,
            },
            Document::Manifest(manifest) => {
                // An artifact that states no type has the one of its configuration.
                let stated = manifest.artifact_type.filter(|stated| !stated.is_empty());
                let artifact_type = stated.or_else(|| Some(manifest.config.media_type.clone()));
                let mut references = vec![manifest.config];
                references.extend(manifest.layers);
                Self { references, subject: manifest.subject, artifact_type }
            }
        }
    }

    /// What a client must have brought first. Layers that are had from elsewhere need not be here.
    fn needed(&self) -> impl Iterator<Item = &Descriptor> {
        self.references.iter().filter(|part| {
            part.urls.is_empty()
                && part.media_type != media_type::DOCKER_FOREIGN_LAYER
                && !part.media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        })
    }
}
