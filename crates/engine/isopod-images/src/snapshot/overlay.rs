//! Snapshots as layers of an overlay file system.
//!
//! `snapshots/<number>/fs` holds what a snapshot adds to its parent, `work` is overlayfs' own
//! room beside an active one. `snapshots/../empty` is an empty directory: a view of one layer
//! alone needs a second one.

use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, linkat, mkdirat, mknodat, openat};

use super::changes::{self, Change};
use super::mounts::{Mounts, OverlayMount};
use super::staged::{StagedLayer, WhiteoutStyle};
use super::table::{Record, Table};
use super::tree::{make_dir, open_dir};
use super::{MountOptions, SnapshotKind, Snapshotter, tree, xattr};
use crate::error::SnapshotError;
use crate::tar::{self, TreeOptions};

/// Keeps snapshots as overlay layers.
#[derive(Debug)]
pub struct OverlaySnapshotter {
    table: Table,
    empty: PathBuf,
    userxattr: bool,
}

impl OverlaySnapshotter {
    /// Opens the snapshots of `table`, if the kernel and the file system can do overlays there.
    pub(crate) fn open(table: Table, empty: PathBuf) -> Result<Self, (Table, io::Error)> {
        match probe(&empty) {
            Ok(userxattr) => Ok(Self { table, empty, userxattr }),
            Err(error) => Err((table, error)),
        }
    }

    /// Gives directories that the layer does not list the attributes they have below.
    fn settle_directories(
        &self,
        layer: &StagedLayer,
        lower: &[PathBuf],
    ) -> Result<(), SnapshotError> {
        for path in &layer.fixups.implicit {
            let target = layer.root().join(OsStr::from_bytes(path));
            let Some(below) = changes::find_below(lower, path)? else {
                continue;
            };
            if fs::symlink_metadata(&below).is_ok_and(|meta| meta.is_dir())
                && fs::symlink_metadata(&target).is_ok_and(|meta| meta.is_dir())
            {
                let (from, to) = (open_dir(&below)?, open_dir(&target)?);
                tree::copy_attributes(&from, c".", &to, c".")
                    .map_err(SnapshotError::tree("copy attributes of", &below))?;
            }
        }
        Ok(())
    }

    /// Makes hard links to files of the layers below: the file comes up, with the link beside it.
    fn settle_links(
        &self,
        key: &str,
        layer: &StagedLayer,
        lower: &[PathBuf],
    ) -> Result<(), SnapshotError> {
        for (link, target) in &layer.fixups.links {
            let display = String::from_utf8_lossy(target).into_owned();
            let below = changes::find_below(lower, target)?
                .filter(|below| fs::symlink_metadata(below).is_ok_and(|meta| !meta.is_dir()))
                .ok_or_else(|| SnapshotError::Unsupported {
                    key: key.to_owned(),
                    reason: format!(
                        "hard link {:?} to {display:?}, which is neither in the layer nor below it",
                        String::from_utf8_lossy(link)
                    ),
                })?;
            let (target_dir, target_name) = self.bring_up(&layer.root(), lower, target)?;
            let (below_dir, below_name) = split(&below);
            let below_dir = open_dir(&below_dir)?;
            let at = SnapshotError::tree("link", &below);
            let linked = (|| {
                if rustix::fs::statat(&target_dir, &target_name, AtFlags::SYMLINK_NOFOLLOW).is_err()
                {
                    tree::copy_file(
                        below_dir.as_fd(),
                        &below_name,
                        target_dir.as_fd(),
                        &target_name,
                    )?;
                }
                Ok(())
            })();
            linked.map_err(at)?;
            let (link_dir, link_name) = self.bring_up(&layer.root(), lower, link)?;
            linkat(&target_dir, &target_name, &link_dir, &link_name, AtFlags::empty())
                .map_err(|error| SnapshotError::tree("link", &below)(error.into()))?;
        }
        Ok(())
    }

    /// Opens the parent directory of `path` in a layer, making it as it is below.
    fn bring_up(
        &self,
        root: &Path,
        lower: &[PathBuf],
        path: &[u8],
    ) -> Result<(OwnedFd, CString), SnapshotError> {
        let (parents, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b""[..], path),
        };
        let mut dir = open_dir(root)?;
        let mut so_far = Vec::new();
        for part in parents.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            if !so_far.is_empty() {
                so_far.push(b'/');
            }
            so_far.extend_from_slice(part);
            let name = c_name(part);
            let at = || root.join(OsStr::from_bytes(&so_far));
            let made = mkdirat(&dir, &name, Mode::from_raw_mode(0o755));
            let next = openat(
                &dir,
                &name,
                OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            )
            .map_err(|error| SnapshotError::tree("open", &at())(error.into()))?;
            if made.is_ok()
                && let Some(below) = changes::find_below(lower, &so_far)?
            {
                tree::copy_attributes(open_dir(&below)?, c".", &next, c".")
                    .map_err(SnapshotError::tree("copy attributes of", &below))?;
            }
            dir = next;
        }
        Ok((dir, c_name(name)))
    }
}

impl Snapshotter for OverlaySnapshotter {
    fn name(&self) -> &'static str {
        "overlay"
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn style(&self) -> WhiteoutStyle {
        WhiteoutStyle::Overlay { userxattr: self.userxattr }
    }

    fn fill(&self, dir: &Path, kind: SnapshotKind, lower: &[PathBuf]) -> Result<(), SnapshotError> {
        let fs = dir.join("fs");
        let parts = [(dir.to_path_buf(), 0o700), (fs.clone(), 0o755), (dir.join("work"), 0o700)];
        let wanted = if kind == SnapshotKind::Active { parts.len() } else { 1 };
        let new = !fs.exists();
        for (part, mode) in parts.iter().take(wanted) {
            if !part.exists() {
                make_dir(part, *mode)?;
            }
        }
        // The merged root has the attributes of the upper one.
        if kind == SnapshotKind::Active
            && new
            && let Some(parent) = lower.first()
        {
            let (from, to) = (open_dir(parent)?, open_dir(&fs)?);
            tree::copy_attributes(&from, c".", &to, c".")
                .map_err(SnapshotError::tree("copy attributes of", parent))?;
        }
        Ok(())
    }

    fn mounts_of(&self, key: &str, record: &Record, mut lower: Vec<PathBuf>) -> Mounts {
        let writable = record.kind == SnapshotKind::Active;
        while lower.len() < if writable { 1 } else { 2 } {
            lower.push(self.empty.clone());
        }
        Mounts::Overlay(OverlayMount {
            key: key.to_owned(),
            lower,
            writable: writable.then(|| self.table.dir(record.number)),
            userxattr: self.userxattr,
        })
    }

    fn settle(
        &self,
        key: &str,
        layer: &mut StagedLayer,
        lower: &[PathBuf],
    ) -> Result<(), SnapshotError> {
        self.settle_directories(layer, lower)?;
        self.settle_links(key, layer, lower)
    }

    fn changes(&self, key: &str) -> Result<Vec<Change>, SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        changes::of_upper(&self.table.fs(&record), &self.table.lower(&record)?)
    }

    fn write_diff(&self, key: &str, out: &mut dyn io::Write) -> Result<(), SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        let fs = self.table.fs(&record);
        let mut writer = tar::Writer::new(out);
        let options = TreeOptions { whiteouts: true, ..TreeOptions::default() };
        tar::write_tree(&mut writer, &fs, options).map_err(|error| {
            let path = fs.join(OsStr::from_bytes(&error.path));
            SnapshotError::tree("archive", &path)(error.source)
        })?;
        writer.finish().map_err(SnapshotError::tree("archive", &fs))?;
        Ok(())
    }

    fn drop_unchanged(&self, key: &str) -> Result<(), SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        super::unchanged::drop_directories(&self.table.fs(&record), &self.table.lower(&record)?)
    }
}

fn c_name(name: &[u8]) -> CString {
    CString::new(name).expect("paths of layers have no NUL")
}

fn split(path: &Path) -> (PathBuf, CString) {
    let parent = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
    (parent, c_name(name))
}

/// Tries an overlay in `empty`'s directory; tells whether it takes `userxattr`.
fn probe(empty: &Path) -> io::Result<bool> {
    let parent = empty.parent().unwrap_or(Path::new("."));
    let scratch = parent.join("probe");
    tree::remove(&scratch).map_err(io::Error::other)?;
    fs::create_dir_all(empty)?;
    let result = probe_in(&scratch, empty);
    tree::remove(&scratch).map_err(io::Error::other)?;
    result
}

fn probe_in(scratch: &Path, empty: &Path) -> io::Result<bool> {
    for dir in ["", "fs", "work", "fs/opaque"] {
        fs::create_dir(scratch.join(dir))?;
    }
    let dir = open_dir(&scratch.join("fs")).map_err(io::Error::other)?;
    mknodat(&dir, "whiteout", FileType::CharacterDevice, Mode::empty(), 0)?;
    let made = fs::symlink_metadata(scratch.join("fs/whiteout"))?;
    if !made.file_type().is_char_device() || made.rdev() != 0 {
        return Err(io::Error::other("the file system keeps no whiteouts"));
    }
    let opaque = open_dir(&scratch.join("fs/opaque")).map_err(io::Error::other)?;
    let userxattr =
        !rustix::process::geteuid().is_root() || xattr::set_opaque(&opaque, false).is_err();
    if userxattr {
        xattr::set_opaque(&opaque, true)?;
    }
    let mounts = Mounts::Overlay(OverlayMount {
        key: "probe".to_owned(),
        lower: vec![empty.to_path_buf()],
        writable: Some(scratch.to_path_buf()),
        userxattr,
    });
    match mounts.open(&MountOptions::default()) {
        Ok(_) => Ok(userxattr),
        Err(error) => Err(io::Error::other(error)),
    }
}
