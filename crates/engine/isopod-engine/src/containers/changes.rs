//! What a container changed in its image's files.

use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{Change, ChangeKind, Engine};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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
        let hidden = self.mount_points(&container.record());
        let changes = without(changes, &hidden);
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

    /// Places that exist only because something is mounted there.
    fn mount_points(&self, record: &super::Record) -> BTreeSet<PathBuf> {
        let own = ["/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
        let own = own.into_iter().chain([crate::spec::INIT_PATH]).map(PathBuf::from);
        let mounts = record.mounts.iter().map(|mount| PathBuf::from(&mount.destination));
        let tmpfs = record.host.tmpfs.keys().map(PathBuf::from);
        own.chain(mounts).chain(tmpfs).collect()
    }
}

/// Leaves out mount points with what is below them, and the directories above that changed for
/// nothing else.
fn without(
    changes: Vec<isopod_images::Change>,
    hidden: &BTreeSet<PathBuf>,
) -> Vec<isopod_images::Change> {
    let is_hidden = |path: &Path| path.ancestors().any(|above| hidden.contains(above));
    let (gone, mut kept): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| is_hidden(&change.path));
    let above: BTreeSet<_> = gone
        .iter()
        .flat_map(|change| change.path.ancestors().skip(1))
        .map(Path::to_path_buf)
        .collect();
    // From the deepest up, so that a directory is judged when all below it are.
    kept.sort_by(|a, b| b.path.cmp(&a.path));
    let mut result: Vec<isopod_images::Change> = Vec::with_capacity(kept.len());
    for change in kept {
        let has_more = result.iter().any(|other| other.path.starts_with(&change.path));
        if has_more || !above.contains(&change.path) {
            result.push(change);
        }
    }
    result.reverse();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use isopod_images::ChangeKind::{Added, Modified};

    #[test]
    fn mount_points_are_no_changes() {
        let change = |path: &str, kind| isopod_images::Change { path: path.into(), kind };
        let hidden = BTreeSet::from(["/dev", "/etc/hosts"].map(PathBuf::from));
        let changes = vec![
            change("/dev", Added),
            change("/dev/shm", Added),
            change("/etc", Modified),
            change("/etc/hosts", Added),
            change("/tmp", Modified),
            change("/tmp/x", Added),
        ];
        let shown = |changes| -> Vec<String> {
            let left = without(changes, &hidden);
            left.iter().map(|change| change.path.display().to_string()).collect()
        };
        assert_eq!(shown(changes.clone()), ["/tmp", "/tmp/x"]);
        let mut more = changes;
        more.push(change("/etc/own", Added));
        assert_eq!(shown(more), ["/etc", "/etc/own", "/tmp", "/tmp/x"]);
    }
}
