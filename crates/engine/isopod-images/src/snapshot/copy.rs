//! Snapshots as whole copies, for where no overlay can be made.
//!
//! `snapshots/<number>/fs` holds the complete tree. Blocks are shared where the file system can.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;

use super::changes::{self, Change, ChangeKind};
use super::staged::{StagedLayer, WhiteoutStyle};
use super::table::{Record, Table};
use super::tree::{self, make_dir, open_dir};
use super::{Mounts, SnapshotKind, Snapshotter};
use crate::error::SnapshotError;
use crate::tar;

/// Keeps snapshots as whole copies.
#[derive(Debug)]
pub struct CopySnapshotter {
    table: Table,
}

impl CopySnapshotter {
    pub(crate) fn open(table: Table) -> Self {
        Self { table }
    }
}

impl Snapshotter for CopySnapshotter {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn style(&self) -> WhiteoutStyle {
        WhiteoutStyle::Recorded
    }

    fn fill(&self, dir: &Path, _: SnapshotKind, lower: &[PathBuf]) -> Result<(), SnapshotError> {
        let fs = dir.join("fs");
        if fs.exists() {
            return Ok(());
        }
        if !dir.exists() {
            make_dir(dir, 0o700)?;
        }
        make_dir(&fs, 0o755)?;
        lower.first().map_or(Ok(()), |from| tree::copy(from, &fs))
    }

    fn mounts_of(&self, key: &str, record: &Record, _: Vec<PathBuf>) -> Mounts {
        Mounts::Directory {
            key: key.to_owned(),
            path: self.table.fs(record),
            read_only: record.kind == SnapshotKind::View,
        }
    }

    fn settle(
        &self,
        key: &str,
        layer: &mut StagedLayer,
        lower: &[PathBuf],
    ) -> Result<(), SnapshotError> {
        merge(key, layer, lower.first().map(PathBuf::as_path))?;
        layer.usage = tree::usage(&layer.root())?;
        Ok(())
    }

    fn changes(&self, key: &str) -> Result<Vec<Change>, SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        let parent = self.table.lower(&record)?.into_iter().next();
        let old = parent.unwrap_or_else(|| PathBuf::from("/nonexistent"));
        changes::between(&old, &self.table.fs(&record))
    }

    fn write_diff(&self, key: &str, out: &mut dyn io::Write) -> Result<(), SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        let fs = self.table.fs(&record);
        let mut writer = tar::Writer::new(out);
        for change in self.changes(key)? {
            let path = change.path.strip_prefix("/").unwrap_or(&change.path).to_path_buf();
            let written = if change.kind == ChangeKind::Deleted {
                tar::write_whiteout(&mut writer, path.as_os_str().as_bytes())
            } else {
                tar::write_path(&mut writer, &fs, path.as_os_str().as_bytes())
            };
            written.map_err(SnapshotError::tree("archive", &fs.join(&path)))?;
        }
        writer.finish().map_err(SnapshotError::tree("archive", &fs))?;
        Ok(())
    }
}

/// Makes a staged layer's tree the whole one: a copy of what is below, changed by the layer.
fn merge(key: &str, layer: &mut StagedLayer, below: Option<&Path>) -> Result<(), SnapshotError> {
    let merged = layer.dir().join("merged");
    make_dir(&merged, 0o755)?;
    if let Some(below) = below {
        tree::copy(below, &merged)?;
    }
    for path in &layer.fixups.opaque {
        if let Some(dir) = real_path(&merged, path).filter(|dir| dir.is_dir()) {
            for entry in fs::read_dir(&dir).map_err(SnapshotError::tree("list", &dir))? {
                let entry = entry.map_err(SnapshotError::tree("list", &dir))?;
                remove_any(&entry.path())?;
            }
        }
    }
    for path in &layer.fixups.whiteouts {
        if let Some(path) = real_path(&merged, path) {
            remove_any(&path)?;
        }
    }
    let implicit = layer.fixups.implicit.iter().map(Vec::as_slice).collect();
    lay_over(&layer.root(), &merged, &mut Vec::new(), &implicit)?;
    for (link, target) in &layer.fixups.links {
        let from = real_path(&merged, target).filter(|path| fs::symlink_metadata(path).is_ok());
        let to = real_path(&merged, link);
        let (Some(from), Some(to)) = (from, to) else {
            return Err(SnapshotError::Unsupported {
                key: key.to_owned(),
                reason: format!(
                    "hard link {:?} to {:?}, which is neither in the layer nor below it",
                    String::from_utf8_lossy(link),
                    String::from_utf8_lossy(target)
                ),
            });
        };
        remove_any(&to)?;
        fs::hard_link(&from, &to).map_err(SnapshotError::tree("link", &to))?;
    }
    let root = layer.root();
    tree::remove(&root)?;
    fs::rename(&merged, &root).map_err(SnapshotError::tree("rename", &merged))
}

/// Moves everything of `from` over `to`, directory by directory.
fn lay_over(
    from: &Path,
    to: &Path,
    path: &mut Vec<u8>,
    implicit: &std::collections::HashSet<&[u8]>,
) -> Result<(), SnapshotError> {
    for entry in fs::read_dir(from).map_err(SnapshotError::tree("list", from))? {
        let entry = entry.map_err(SnapshotError::tree("list", from))?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(SnapshotError::tree("inspect", &entry.path()))?;
        let there = fs::symlink_metadata(&target).ok();
        if kind.is_dir() && there.as_ref().is_some_and(fs::Metadata::is_dir) {
            let length = path.len();
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(entry.file_name().as_bytes());
            lay_over(&entry.path(), &target, path, implicit)?;
            path.truncate(length);
        } else {
            if there.is_some() {
                remove_any(&target)?;
            }
            fs::rename(entry.path(), &target)
                .map_err(SnapshotError::tree("move", &entry.path()))?;
        }
    }
    if !implicit.contains(path.as_slice()) {
        tree::copy_attributes(open_dir(from)?, c".", open_dir(to)?, c".")
            .map_err(SnapshotError::tree("copy attributes of", from))?;
    }
    Ok(())
}

/// `path` under `root`, if every directory on the way is one and not a link.
fn real_path(root: &Path, path: &[u8]) -> Option<PathBuf> {
    let mut here = root.to_path_buf();
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
    for part in parts {
        let dir = fs::symlink_metadata(&here).is_ok_and(|meta| meta.is_dir());
        if !dir || part == b".." {
            return None;
        }
        here.push(OsStr::from_bytes(part));
    }
    Some(here)
}

fn remove_any(path: &Path) -> Result<(), SnapshotError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(meta) if meta.is_dir() => tree::remove(path),
        _ => rustix::fs::unlinkat(rustix::fs::CWD, path, AtFlags::empty())
            .map_err(|error| SnapshotError::tree("remove", path)(error.into())),
    }
}
