//! Repositories: what a registry that serves this store has promised to keep.
//!
//! A repository is a name under which blobs, manifests and tags are reachable. It holds records
//! only; the bytes are the store's own, shared with the engine's images, so that putting an image
//! of the engine's into a repository copies nothing. Everything that a repository names is held
//! against collection. Names are checked by the front end; here a name is a text without `@`.

mod blobs;
mod expire;
mod manifests;

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Journal;
use isopod_oci::image::Descriptor;
use serde::{Deserialize, Serialize};

use crate::error::ImageError;
use crate::image::Images;
use crate::records;

pub use expire::Expired;
pub use manifests::{ManifestInfo, PutManifest, Stored};

/// The repositories of a store. Clones are handles of the same ones.
#[derive(Debug, Clone)]
pub struct Repositories {
    images: Images,
}

/// What is recorded of a blob in a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LinkRecord {
    linked: Timestamp,
}

/// What is recorded of a manifest in a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ManifestRecord {
    media_type: String,
    size: u64,
    stored: Timestamp,
    /// Manifests and blobs of the repository that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
}

/// Content that a manifest needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Reference {
    digest: Digest,
    size: u64,
}

/// What is recorded of a tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TagRecord {
    target: Digest,
    tagged: Timestamp,
}

impl Images {
    /// The repositories that a registry serves from this store.
    #[must_use]
    pub fn repositories(&self) -> Repositories {
        Repositories { images: self.clone() }
    }
}

impl Repositories {
    /// The store below.
    #[must_use]
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// Names of the repositories that have a manifest, in order.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (key, _) in self.journal().scan(records::REPOSITORY) {
            let Some((name, kind)) = split(&key) else { continue };
            if kind.starts_with(MANIFEST) && names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        // Keys are in order, but `a-b@` sorts before `a@`.
        names.sort();
        names.dedup();
        names
    }

    /// Whether anything was ever put there, and is there still.
    #[must_use]
    pub fn exists(&self, name: &str) -> bool {
        !self.journal().scan(&prefix(name)).is_empty()
    }

    /// Tags of a repository, in order.
    #[must_use]
    pub fn tags(&self, name: &str) -> Vec<String> {
        let prefix = format!("{}{TAG}", prefix(name));
        let tags = self.journal().scan(&prefix);
        tags.into_iter().map(|(key, _)| key[prefix.len()..].to_owned()).collect()
    }

    /// Descriptors of the manifests here that refer to `subject`, with their annotations, in order
    /// of their digests.
    pub fn referrers(&self, name: &str, subject: &Digest) -> Result<Vec<Descriptor>, ImageError> {
        let mut found = Vec::new();
        let prefix = format!("{}{REFERRER}{subject}/", prefix(name));
        for (key, _) in self.journal().scan(&prefix) {
            let Ok(digest) = key[prefix.len()..].parse::<Digest>() else { continue };
            let Some(record) = self.manifest_record(name, &digest)? else { continue };
            let annotations = self.annotations(name, &digest, &record)?;
            found.push(Descriptor {
                artifact_type: record.artifact_type,
                annotations,
                ..Descriptor::new(record.media_type, digest, record.size)
            });
        }
        Ok(found)
    }

    /// The size of what a manifest of the repository refers to, as the manifest says.
    pub fn announced_size(&self, name: &str, digest: &Digest) -> Result<Option<u64>, ImageError> {
        let prefix = format!("{}{MANIFEST}", prefix(name));
        let manifests = records::scan::<ManifestRecord>(self.journal(), &prefix)?;
        let mut references = manifests.into_iter().flat_map(|(_, record)| record.references);
        Ok(references.find(|reference| reference.digest == *digest).map(|found| found.size))
    }

    fn journal(&self) -> &Journal {
        self.images.journal()
    }

    fn manifest_record(
        &self,
        name: &str,
        digest: &Digest,
    ) -> Result<Option<ManifestRecord>, ImageError> {
        Ok(records::get(self.journal(), &manifest_key(name, digest))?)
    }
}

/// All digests that repositories hold.
pub(crate) fn held(journal: &Journal) -> Vec<Digest> {
    let keys = journal.scan(records::REPOSITORY);
    keys.into_iter()
        .filter_map(|(key, _)| {
            let (_, rest) = split(&key)?;
            rest.strip_prefix(BLOB).or_else(|| rest.strip_prefix(MANIFEST))?.parse().ok()
        })
        .collect()
}

const BLOB: &str = "blob/";
const MANIFEST: &str = "manifest/";
const TAG: &str = "tag/";
const REFERRER: &str = "referrer/";

/// A key's repository, and what follows it.
fn split(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix(records::REPOSITORY)?.split_once('@')
}

fn prefix(name: &str) -> String {
    format!("{}{name}@", records::REPOSITORY)
}

fn blob_key(name: &str, digest: &Digest) -> String {
    format!("{}{BLOB}{digest}", prefix(name))
}

fn manifest_key(name: &str, digest: &Digest) -> String {
    format!("{}{MANIFEST}{digest}", prefix(name))
}

fn tag_key(name: &str, tag: &str) -> String {
    format!("{}{TAG}{tag}", prefix(name))
}

fn referrer_key(name: &str, subject: &Digest, digest: &Digest) -> String {
    format!("{}{REFERRER}{subject}/{digest}", prefix(name))
}
