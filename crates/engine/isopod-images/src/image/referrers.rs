//! Manifests that say something about other ones: signatures, attestations, bills of materials.

use isopod_base::Digest;
use isopod_journal::Batch;
use isopod_oci::image::Descriptor;

use super::Images;
use super::documents::{Document, Documents};
use crate::error::ImageError;
use crate::records;

impl Images {
    /// Descriptors of all manifests here that refer to `subject`, of one artifact type if that
    /// is given; with their artifact types and annotations, as a registry lists them.
    pub fn referrers(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, ImageError> {
        let prefix = format!("{}{subject}/", records::REFERRER);
        let mut found: Vec<Descriptor> = records::scan(&self.inner.journal, &prefix)?
            .into_iter()
            .map(|(_, descriptor)| descriptor)
            .collect();
        if let Some(wanted) = artifact_type {
            found.retain(|descriptor| descriptor.artifact_type.as_deref() == Some(wanted));
        }
        Ok(found)
    }
}

/// Adds a record for each of the documents that refers to another one.
pub(super) fn record(
    documents: &Documents<'_>,
    label: &str,
    reachable: &[Descriptor],
    mut batch: Batch,
) -> Result<Batch, ImageError> {
    for descriptor in reachable {
        // Only documents may have a subject; layers and configurations are not read.
        let media_type = &descriptor.media_type;
        let document = isopod_oci::image::media_type::is_index(media_type)
            || isopod_oci::image::media_type::is_manifest(media_type);
        if !document {
            continue;
        }
        let (subject, artifact_type, annotations) = match documents.document(label, descriptor)? {
            Some(Document::Manifest(manifest)) => {
                let kind = manifest.artifact_type.unwrap_or(manifest.config.media_type);
                (manifest.subject, Some(kind), manifest.annotations)
            }
            Some(Document::Index(index)) => (index.subject, index.artifact_type, index.annotations),
            None => continue,
        };
        let Some(subject) = subject else { continue };
        let entry = Descriptor {
            artifact_type,
            annotations,
            ..Descriptor::new(media_type, descriptor.digest.clone(), descriptor.size)
        };
        let key = format!("{}{}/{}", records::REFERRER, subject.digest, descriptor.digest);
        batch = batch.put(key, records::encode(&entry));
    }
    Ok(batch)
}
