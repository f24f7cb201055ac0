//! Files that are either the old or the new ones after a crash, never halves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// An operation on a file failed.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct FileError {
    /// What was being done, such as `write`.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// For use with `map_err`: names the action and the path.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, path: path.to_path_buf(), source }
    }
}

/// Replaces the file at `path` by `bytes`, durably: temporary file in the same directory,
/// fsync, rename, fsync of the directory. `mode` holds the permission bits of the new file.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    write_beside(path, bytes, mode, true)?;
    sync_directory(parent(path))
}

/// Like [`replace`] but without waiting for the disk: for state that need not survive a power
/// cut (on a tmpfs, or rebuilt at start). Readers still never see half of it.
pub fn replace_volatile(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    write_beside(path, bytes, mode, false)
}

/// Waits until the entries of a directory are on the disk.
pub fn sync_directory(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(FileError::at("sync directory", path))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn write_beside(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> Result<(), FileError> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", crate::digest::hex(&crate::id::random_bytes::<6>())));
    let temporary = parent(path).join(name);
    let result = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)
            .map_err(FileError::at("create", &temporary))?;
        file.write_all(bytes).map_err(FileError::at("write", &temporary))?;
        if sync {
            file.sync_all().map_err(FileError::at("sync", &temporary))?;
        }
        fs::rename(&temporary, path).map_err(FileError::at("replace", path))
    })();
    if result.is_err() {
        // The first error is the one to report; a leftover is only untidy.
        let _ = fs::remove_file(&temporary);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("state.json");
        replace(&path, b"one", 0o600).expect("first");
        replace(&path, b"two", 0o600).expect("second");
        assert_eq!(fs::read(&path).expect("reads"), b"two");
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 1);
    }

    #[test]
    fn a_failure_names_the_path_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("dir");
        fs::create_dir(&path).expect("makes");
        fs::write(path.join("x"), b"").expect("writes");
        let error = replace(&path, b"one", 0o600).expect_err("a directory is in the way");
        assert!(error.to_string().ends_with("/dir"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 1);
    }
}
