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
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use isopod_base::files::FileError;
use isopod_journal::Batch;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, linkat, mkdirat, mknodat, openat};

use super::changes::{self, Change};
use super::mounts::{Mounts, OverlayMount};
use super::staged::{StagedLayer, WhiteoutStyle};
use super::table::{Record, Table};
use super::{MountOptions, SnapshotInfo, SnapshotKind, Snapshotter, Usage, tree, xattr};
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

    fn fs(&self, record: &Record) -> PathBuf {
        self.table.dir(record.number).join("fs")
    }

    /// The trees below a snapshot, the highest first.
    fn lower(&self, record: &Record) -> Result<Vec<PathBuf>, SnapshotError> {
        let below = self.table.below(record)?;
        Ok(below.iter().map(|record| self.fs(record)).collect())
    }

    fn mounts_of(&self, key: &str, record: &Record) -> Result<Mounts, SnapshotError> {
        let mut lower = self.lower(record)?;
        let dir = self.table.dir(record.number);
        let writable = record.kind == SnapshotKind::Active;
        while lower.len() < if writable { 1 } else { 2 } {
            lower.push(self.empty.clone());
        }
        Ok(Mounts::Overlay(OverlayMount {
            key: key.to_owned(),
            lower,
            writable: writable.then(|| dir.clone()),
            userxattr: self.userxattr,
        }))
    }

    fn create(
        &self,
        key: &str,
        kind: SnapshotKind,
        parent: Option<&str>,
    ) -> Result<Mounts, SnapshotError> {
        let record = self.table.create(key, kind, parent, |dir| {
            make_dir(dir, 0o700)?;
            if kind == SnapshotKind::Active {
                make_dir(&dir.join("fs"), 0o755)?;
                make_dir(&dir.join("work"), 0o700)?;
            }
            Ok(())
        })?;
        if kind == SnapshotKind::Active {
            // The merged root has the attributes of the upper one.
            if let Some(parent) = self.lower(&record)?.first() {
                let (from, to) = (open_dir(parent)?, open_dir(&self.fs(&record))?);
                tree::copy_attributes(&from, c".", &to, c".")
                    .map_err(SnapshotError::tree("copy attributes of", parent))?;
            }
        }
        self.mounts_of(key, &record)
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

    fn stat(&self, key: &str) -> Result<Option<SnapshotInfo>, SnapshotError> {
        Ok(self.table.find(key)?.map(|record| Table::info(key, record)))
    }

    fn list(&self) -> Result<Vec<SnapshotInfo>, SnapshotError> {
        self.table.list()
    }

    fn prepare(&self, key: &str, parent: Option<&str>) -> Result<Mounts, SnapshotError> {
        self.create(key, SnapshotKind::Active, parent)
    }

    fn view(&self, key: &str, parent: Option<&str>) -> Result<Mounts, SnapshotError> {
        self.create(key, SnapshotKind::View, parent)
    }

    fn mounts(&self, key: &str) -> Result<Mounts, SnapshotError> {
        let record = self.table.get(key)?;
        if record.kind == SnapshotKind::Committed {
            return Err(SnapshotError::Kind {
                key: key.to_owned(),
                actual: record.kind.name(),
                expected: "active or a view",
            });
        }
        if record.kind == SnapshotKind::Active {
            // Lost in a power cut: see the module on tables.
            let dir = self.table.dir(record.number);
            for (dir, mode) in
                [(dir.clone(), 0o700), (dir.join("fs"), 0o755), (dir.join("work"), 0o700)]
            {
                if !dir.exists() {
                    make_dir(&dir, mode)?;
                }
            }
        }
        self.mounts_of(key, &record)
    }

    fn commit(&self, name: &str, key: &str) -> Result<(), SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        self.table.free(name)?;
        let fs = self.fs(&record);
        let usage = tree::usage(&fs)?;
        rustix::fs::syncfs(open_dir(&fs)?)
            .map_err(|error| SnapshotError::tree("sync", &fs)(error.into()))?;
        self.table.commit(name, key, usage)?;
        tree::remove(&self.table.dir(record.number).join("work"))
    }

    fn remove(&self, key: &str) -> Result<(), SnapshotError> {
        self.table.remove(key)
    }

    fn usage(&self, key: &str) -> Result<Usage, SnapshotError> {
        let record = self.table.get(key)?;
        match record.kind {
            SnapshotKind::Committed => Ok(record.usage),
            SnapshotKind::Active => tree::usage(&self.fs(&record)),
            SnapshotKind::View => Ok(Usage::default()),
        }
    }

    fn check(&self, key: &str) -> Result<Vec<String>, SnapshotError> {
        let record = self.table.get(key)?;
        let fs = self.fs(&record);
        let mut faults = Vec::new();
        if record.kind == SnapshotKind::Committed && !fs.is_dir() {
            faults.push(format!("{} is missing", fs.display()));
        }
        if let Err(error) = self.table.below(&record) {
            faults.push(error.to_string());
        }
        Ok(faults)
    }

    fn changes(&self, key: &str) -> Result<Vec<Change>, SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        changes::of_upper(&self.fs(&record), &self.lower(&record)?)
    }

    fn write_diff(&self, key: &str, out: &mut dyn io::Write) -> Result<(), SnapshotError> {
        let record = self.table.get_kind(key, SnapshotKind::Active)?;
        let fs = self.fs(&record);
        let mut writer = tar::Writer::new(out);
        let options = TreeOptions { whiteouts: true, ..TreeOptions::default() };
        tar::write_tree(&mut writer, &fs, options).map_err(|error| {
            let path = fs.join(OsStr::from_bytes(&error.path));
            SnapshotError::tree("archive", &path)(error.source)
        })?;
        writer.finish().map_err(SnapshotError::tree("archive", &fs))?;
        Ok(())
    }

    fn stage(&self) -> Result<StagedLayer, SnapshotError> {
        let style = WhiteoutStyle::Overlay { userxattr: self.userxattr };
        stage(&self.table, style)
    }

    fn adopt(
        &self,
        parent: Option<&str>,
        layers: &mut [(String, StagedLayer)],
        mut batch: Batch,
    ) -> Result<Batch, SnapshotError> {
        let mut lower = match parent {
            Some(parent) => {
                let record = self.table.get_kind(parent, SnapshotKind::Committed)?;
                let mut all = self.lower(&record)?;
                all.insert(0, self.fs(&record));
                all
            }
            None => Vec::new(),
        };
        let mut parent = parent.map(str::to_owned);
        for (name, layer) in layers {
            self.settle_directories(layer, &lower)?;
            self.settle_links(name, layer, &lower)?;
            lower.insert(0, layer.root());
            batch = self.table.record(name, parent.as_deref(), layer.number, layer.usage, batch);
            parent = Some(name.clone());
        }
        Ok(batch)
    }

    fn unrecord(&self, key: &str, batch: Batch) -> Result<(Batch, PathBuf), SnapshotError> {
        self.table.unrecord(key, batch)
    }

    fn discard(&self, files: PathBuf) -> Result<(), SnapshotError> {
        tree::remove(&files)
    }
}

/// An empty staged layer of the next number.
pub(super) fn stage(table: &Table, style: WhiteoutStyle) -> Result<StagedLayer, SnapshotError> {
    let number = table.number();
    let dir = table.dir(number);
    make_dir(&dir, 0o700)?;
    make_dir(&dir.join("fs"), 0o755)?;
    Ok(StagedLayer {
        dir,
        number,
        style,
        adopted: false,
        fixups: super::Fixups::default(),
        usage: Usage::default(),
    })
}

pub(super) fn make_dir(path: &Path, mode: u32) -> Result<(), SnapshotError> {
    fs::DirBuilder::new().mode(mode).create(path).map_err(FileError::at("create", path))?;
    Ok(())
}

pub(super) fn open_dir(path: &Path) -> Result<OwnedFd, SnapshotError> {
    openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| SnapshotError::tree("open", path)(error.into()))
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
