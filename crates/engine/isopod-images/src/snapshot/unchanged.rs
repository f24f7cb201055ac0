//! Directories that were only touched: an overlay copies a directory up when something is made in
//! it, and keeps the copy when that is gone again.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::changes::find_below;
use super::tree::open_dir;
use super::xattr;
use crate::error::SnapshotError;

/// Removes directories from `upper` that hold nothing and are as they are below.
pub(super) fn drop_directories(upper: &Path, lower: &[PathBuf]) -> Result<(), SnapshotError> {
    // All directories, each after those above it; then from the deepest up.
    let mut directories = vec![PathBuf::new()];
    let mut index = 0;
    while index < directories.len() {
        let full = upper.join(&directories[index]);
        let own = directories[index].clone();
        for entry in fs::read_dir(&full).map_err(SnapshotError::tree("list", &full))? {
            let entry = entry.map_err(SnapshotError::tree("list", &full))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(own.join(entry.file_name()));
            }
        }
        index += 1;
    }
    for directory in directories.iter().skip(1).rev() {
        let full = upper.join(directory);
        let Some(below) = find_below(lower, directory.as_os_str().as_bytes())? else { continue };
        let inspect =
            |path: &Path| fs::symlink_metadata(path).map_err(SnapshotError::tree("inspect", path));
        let (above, under) = (inspect(&full)?, inspect(&below)?);
        if !under.is_dir() || !same(&above, &under) {
            continue;
        }
        let opened = open_dir(&full)?;
        let opaque = xattr::is_opaque(&opened).map_err(SnapshotError::tree("inspect", &full))?;
        if !opaque {
            // Fails if something is in it, which is all that is to be known.
            let _ = fs::remove_dir(&full);
        }
    }
    Ok(())
}

fn same(a: &Metadata, b: &Metadata) -> bool {
    a.mode() == b.mode()
        && a.uid() == b.uid()
        && a.gid() == b.gid()
        && a.mtime() == b.mtime()
        && a.mtime_nsec() == b.mtime_nsec()
}
