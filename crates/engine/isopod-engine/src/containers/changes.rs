//! What a container changed in its image's files.

use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{Change, ChangeKind, Engine};
use std::sync::Arc;

impl Engine {
    /// The paths that differ from the image's, sorted.
    pub async fn container_changes(&self, name: &str) -> Result<Vec<Change>> {
        let container = self.containers.find(name)?;
        let (store, id) = (Arc::clone(&self.store), container.id.clone());
        let changes = blocking(move || {
            store.snapshots().changes(&id).map_err(|source| {
                Error::internal(format_args!("compare container {id} with its image"))
                    .because(source)
            })
        })
        .await?;
        Ok(changes
            .into_iter()
            .map(|change| Change {
                kind: match change.kind {
                    isopod_images::ChangeKind::Modified => ChangeKind::Modified,
                    isopod_images::ChangeKind::Added => ChangeKind::Added,
                    isopod_images::ChangeKind::Deleted => ChangeKind::Deleted,
                },
                path: change.path.to_string_lossy().into_owned(),
            })
            .collect())
    }
}
