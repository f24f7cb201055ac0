//! Reproducible dates: nothing that a step made is newer than the build says.

use crate::error::BuildError;
use isopod_images::snapshot::{ChangeKind, Snapshotter};
use rustix::fs::{AtFlags, Timespec, Timestamps, utimensat};
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Sets back the times of what is newer than `epoch` among the changes of a snapshot.
pub(super) fn set_back(
    snapshots: &dyn Snapshotter,
    key: &str,
    root: BorrowedFd<'_>,
    epoch: i64,
) -> Result<(), BuildError> {
    let time = Timespec { tv_sec: epoch, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    let mut changes = snapshots.changes(key)?;
    // What is in a directory changes before the directory.
    changes.reverse();
    for change in changes.into_iter().filter(|change| change.kind != ChangeKind::Deleted) {
        let path = change.path.strip_prefix("/").unwrap_or(&change.path).to_path_buf();
        let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let Some(name) = name else { continue };
        let directory = super::tree::open(
            root,
            &parent.to_string_lossy(),
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY,
        );
        let Ok(directory) = directory else { continue };
        let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
        if stat.is_ok_and(|stat| stat.st_mtime > epoch) {
            utimensat(&directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| BuildError::io("set the time of", &path)(error.into()))?;
        }
    }
    Ok(())
}
