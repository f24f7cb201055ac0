//! What a repository need not keep any longer.

use std::collections::BTreeSet;
use std::time::Duration;

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;

use super::{LinkRecord, ManifestRecord, Repositories, blob_key, prefix, split};
use crate::error::ImageError;
use crate::records;

/// What was dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Manifests.
    pub manifests: usize,
    /// Blobs that no manifest of their repository needs.
    pub blobs: usize,
}

impl Repositories {
    /// Drops blobs that no manifest has needed for `grace` after they came (what broken pushes and
    /// deleted manifests leave), and, if `age` is given, manifests older than that, as a cache
    /// does. The space is freed by the next [`crate::Images::collect`].
    pub fn expire(&self, grace: Duration, age: Option<Duration>) -> Result<Expired, ImageError> {
        // A push that is about to name the blob in a manifest waits.
        let _publish = self.images.publish_lock();
        let now = Timestamp::now();
        let mut expired = Expired::default();
        for name in self.all_names() {
            let mut batch = Batch::new();
            let mut needed = BTreeSet::new();
            let manifests = format!("{}{}", prefix(&name), super::MANIFEST);
            for (digest, record) in records::scan::<ManifestRecord>(self.journal(), &manifests)? {
                let old = age.is_some_and(|age| record.stored.elapsed_at(now) > age);
                if old && let Ok(digest) = digest.parse::<Digest>() {
                    if let Some(next) = self.without_manifest(batch.clone(), &name, &digest)? {
                        batch = next;
                        expired.manifests += 1;
                    }
                } else {
                    needed.extend(record.references.into_iter().map(|needed| needed.digest));
                }
            }
            let blobs = format!("{}{}", prefix(&name), super::BLOB);
            for (digest, record) in records::scan::<LinkRecord>(self.journal(), &blobs)? {
                let Ok(digest) = digest.parse::<Digest>() else { continue };
                if !needed.contains(&digest) && record.linked.elapsed_at(now) > grace {
                    batch = batch.delete(blob_key(&name, &digest));
                    expired.blobs += 1;
                }
            }
            self.journal().commit(batch)?;
        }
        Ok(expired)
    }

    /// Names of all repositories that have anything at all.
    fn all_names(&self) -> BTreeSet<String> {
        let keys = self.journal().scan(records::REPOSITORY);
        keys.iter().filter_map(|(key, _)| Some(split(key)?.0.to_owned())).collect()
    }
}
