//! What a snapshot changed in its parent.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::tree::open_dir;
use super::xattr;
use crate::error::SnapshotError;

/// How a path changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It exists in both, and differs; or it is a directory in which something changed.
    Modified,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
}

/// A change of one path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The path, beginning with `/`.
    pub path: PathBuf,
    /// How it changed.
    pub kind: ChangeKind,
}

fn is_whiteout(meta: &Metadata) -> bool {
    meta.file_type().is_char_device() && meta.rdev() == 0
}

/// Finds the file that `path` is in the layers `lower`, the highest first: links are not followed,
/// whiteouts and opaque directories are heeded.
pub(super) fn find_below(lower: &[PathBuf], path: &[u8]) -> Result<Option<PathBuf>, SnapshotError> {
    let parts: Vec<&[u8]> =
        path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    'layers: for layer in lower {
        let mut here = layer.clone();
        let mut covers = false;
        for (index, part) in parts.iter().enumerate() {
            here.push(OsStr::from_bytes(part));
            let meta = match fs::symlink_metadata(&here) {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if covers {
                        return Ok(None);
                    }
                    continue 'layers;
                }
                Err(error) => return Err(SnapshotError::tree("inspect", &here)(error)),
            };
            let last = index + 1 == parts.len();
            if is_whiteout(&meta) || (!last && !meta.is_dir()) {
                return Ok(None);
            }
            if !last {
                covers |= xattr::is_opaque(&open_dir(&here)?)
                    .map_err(SnapshotError::tree("inspect", &here))?;
            }
        }
        return Ok(Some(here));
    }
    Ok(None)
}

/// Changes of an overlay, from its upper directory.
pub(super) fn of_upper(upper: &Path, lower: &[PathBuf]) -> Result<Vec<Change>, SnapshotError> {
    let mut changes = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(dir) = pending.pop() {
        let full = upper.join(&dir);
        let entries = fs::read_dir(&full).map_err(SnapshotError::tree("list", &full))?;
        for entry in entries {
            let entry = entry.map_err(SnapshotError::tree("list", &full))?;
            let meta = entry.metadata().map_err(SnapshotError::tree("inspect", &entry.path()))?;
            let path = dir.join(entry.file_name());
            let below = find_below(lower, path.as_os_str().as_bytes())?;
            let kind = match (&below, is_whiteout(&meta)) {
                (_, true) => ChangeKind::Deleted,
                (Some(_), false) => ChangeKind::Modified,
                (None, false) => ChangeKind::Added,
            };
            if meta.is_dir() {
                if let Some(below) = &below
                    && xattr::is_opaque(&open_dir(&entry.path())?)
                        .map_err(SnapshotError::tree("inspect", &entry.path()))?
                {
                    hidden_names(&entry.path(), below, &path, &mut changes)?;
                }
                pending.push(path.clone());
            }
            changes.push(Change { path: Path::new("/").join(path), kind });
        }
    }
    changes.sort();
    Ok(changes)
}

/// Names that an opaque directory took away from the one below it.
fn hidden_names(
    upper: &Path,
    below: &Path,
    path: &Path,
    changes: &mut Vec<Change>,
) -> Result<(), SnapshotError> {
    if !below.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(below).map_err(SnapshotError::tree("list", below))? {
        let name = entry.map_err(SnapshotError::tree("list", below))?.file_name();
        if fs::symlink_metadata(upper.join(&name)).is_err() {
            changes.push(Change {
                path: Path::new("/").join(path).join(name),
                kind: ChangeKind::Deleted,
            });
        }
    }
    Ok(())
}

/// Changes between two whole trees.
pub(super) fn between(old: &Path, new: &Path) -> Result<Vec<Change>, SnapshotError> {
    let mut changes = Vec::new();
    compare(old, new, Path::new(""), &mut changes)?;
    changes.sort();
    Ok(changes)
}

fn compare(
    old: &Path,
    new: &Path,
    dir: &Path,
    changes: &mut Vec<Change>,
) -> Result<bool, SnapshotError> {
    let mut changed = false;
    let (old_names, new_names) = (names(&old.join(dir))?, names(&new.join(dir))?);
    for name in old_names.difference(&new_names) {
        changed = true;
        changes
            .push(Change { path: Path::new("/").join(dir).join(name), kind: ChangeKind::Deleted });
    }
    for name in &new_names {
        let path = dir.join(name);
        let inspect = |root: &Path| {
            let full = root.join(&path);
            fs::symlink_metadata(&full).map_err(SnapshotError::tree("inspect", &full))
        };
        let after = inspect(new)?;
        let before = if old_names.contains(name) { Some(inspect(old)?) } else { None };
        let both_dirs = before.as_ref().is_some_and(Metadata::is_dir) && after.is_dir();
        let below = match (&before, both_dirs) {
            (_, true) => compare(old, new, &path, changes)?,
            (_, false) if after.is_dir() => {
                // All of it is new, whatever was there before.
                compare(Path::new("/nonexistent"), new, &path, changes)?
            }
            _ => false,
        };
        let kind = match &before {
            None => Some(ChangeKind::Added),
            Some(before) if below || differs(before, &after) => Some(ChangeKind::Modified),
            Some(_) => None,
        };
        if let Some(kind) = kind {
            changed = true;
            changes.push(Change { path: Path::new("/").join(&path), kind });
        }
    }
    Ok(changed)
}

fn differs(before: &Metadata, after: &Metadata) -> bool {
    let same = before.mode() == after.mode()
        && before.uid() == after.uid()
        && before.gid() == after.gid()
        && before.rdev() == after.rdev()
        && (after.is_dir()
            || (before.len() == after.len()
                && before.mtime() == after.mtime()
                && before.mtime_nsec() == after.mtime_nsec()));
    !same
}

fn names(dir: &Path) -> Result<BTreeSet<std::ffi::OsString>, SnapshotError> {
    match fs::read_dir(dir) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()
            .map_err(SnapshotError::tree("list", dir)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(SnapshotError::tree("list", dir)(error)),
    }
}
