//! Blobs of a repository: brought in, taken from elsewhere in the store, removed.

use isopod_base::files::sync_directory;
use isopod_base::times::Timestamp;
use isopod_base::{Algorithm, Digest};
use isopod_journal::Batch;

use super::{LinkRecord, Repositories, blob_key};
use crate::content::{Blob, BlobInfo, ContentStore, Sealed};
use crate::error::{ContentError, ImageError};
use crate::failpoint;
use crate::records;

impl Repositories {
    /// A blob of a repository, open for reading; nothing, if it is not in this repository.
    pub fn blob(&self, name: &str, digest: &Digest) -> Result<Option<Blob>, ImageError> {
        if !self.has_blob(name, digest) {
            return Ok(None);
        }
        match self.images.content().blob(digest) {
            Ok(blob) => Ok(Some(blob)),
            // Removed in this moment.
            Err(ContentError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a repository has a blob, or a manifest of that digest.
    #[must_use]
    pub fn has_blob(&self, name: &str, digest: &Digest) -> bool {
        self.journal().get(&blob_key(name, digest)).is_some()
            || self.journal().get(&super::manifest_key(name, digest)).is_some()
    }

    /// Puts a finished upload into a repository, durably. If the store has the content already,
    /// the upload is dropped.
    pub fn put_blob(&self, name: &str, sealed: Sealed) -> Result<(), ImageError> {
        let link = link(name, sealed.digest());
        self.put(sealed, link)
    }

    /// Puts a blob into a repository that another one has. False if that one has not.
    pub fn mount_blob(&self, name: &str, from: &str, digest: &Digest) -> Result<bool, ImageError> {
        let _gate = self.images.read_gate();
        if !self.has_blob(from, digest) || !self.images.content().contains(digest) {
            return Ok(false);
        }
        self.journal().commit(link(name, digest))?;
        Ok(true)
    }

    /// Puts a blob into a repository that is anywhere in the store: in another repository or in an
    /// image of the engine's. False if it is nowhere.
    pub fn adopt_blob(&self, name: &str, digest: &Digest) -> Result<bool, ImageError> {
        let _gate = self.images.read_gate();
        if !self.images.content().contains(digest) {
            return Ok(false);
        }
        self.journal().commit(link(name, digest))?;
        Ok(true)
    }

    /// Whether any repository has a blob.
    #[must_use]
    pub fn anywhere(&self, digest: &Digest) -> bool {
        super::held(self.journal()).contains(digest)
    }

    /// Removes a blob from a repository. False if it is not there. Its bytes stay as long as
    /// something else in the store needs them.
    pub fn delete_blob(&self, name: &str, digest: &Digest) -> Result<bool, ImageError> {
        let key = blob_key(name, digest);
        if self.journal().get(&key).is_none() {
            return Ok(false);
        }
        self.journal().commit(Batch::new().delete(key))?;
        Ok(true)
    }

    /// Publishes content together with the records that `batch` holds.
    pub(super) fn put(&self, mut sealed: Sealed, batch: Batch) -> Result<(), ImageError> {
        let content = self.images.content();
        let digest = sealed.digest().clone();
        if !content.contains(&digest) {
            // The slow part, before others are held up.
            sealed.sync()?;
        }
        failpoint::reach("repository.synced");
        let _publish = self.images.publish_lock();
        let _gate = self.images.read_gate();
        if content.contains(&digest) {
            self.journal().commit(batch)?;
            sealed.discard();
            return Ok(());
        }
        content.place(&mut sealed)?;
        let directory = match digest.algorithm() {
            Algorithm::Sha256 => &content.directories()[0],
            Algorithm::Sha512 => &content.directories()[1],
        };
        sync_directory(directory)?;
        failpoint::reach("repository.placed");
        let info = BlobInfo { size: sealed.size(), created: Timestamp::now(), diff_id: None };
        self.journal().commit(ContentStore::record(batch, &digest, &info))?;
        Ok(())
    }
}

fn link(name: &str, digest: &Digest) -> Batch {
    let record = LinkRecord { linked: Timestamp::now() };
    Batch::new().put(blob_key(name, digest), records::encode(&record))
}
