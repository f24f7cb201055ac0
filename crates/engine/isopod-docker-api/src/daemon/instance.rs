//! One engine a data directory, and its pid file.

use crate::daemon::error::DaemonError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The lock on a data directory. The kernel takes it back when the process ends, however.
#[derive(Debug)]
pub(crate) struct Instance {
    _lock: File,
}

impl Instance {
    /// Takes the lock, making the directory if it is missing.
    pub(crate) fn lock(data_root: &Path) -> Result<Self, DaemonError> {
        DirBuilder::new().recursive(true).mode(0o710).create(data_root).map_err(|source| {
            DaemonError::Io {
                path: data_root.to_owned(),
                action: "create the data directory",
                source,
            }
        })?;
        let path = data_root.join("engine.lock");
        let fail = |action| {
            let path = path.clone();
            move |source| DaemonError::Io { path, action, source }
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail("open the lock file"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                let _ = file.take(32).read_to_string(&mut pid);
                return Err(DaemonError::InUse {
                    path: data_root.to_owned(),
                    pid: pid.trim().to_owned(),
                });
            }
            Err(errno) => return Err(fail("lock it")(errno.into())),
        }
        // For the error message of another engine only.
        let note = |file: &mut File| -> io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(fail("write the lock file"))?;
        Ok(Self { _lock: file })
    }
}

/// The pid file, removed when dropped.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes it.
    pub(crate) fn write(path: &Path) -> Result<Self, DaemonError> {
        let fail = |action| move |source| DaemonError::Io { path: path.to_owned(), action, source };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(fail("create its directory"))?;
        }
        std::fs::write(path, std::process::id().to_string()).map_err(fail("write the pid file"))?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_is_refused_with_the_first_ones_pid() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let first = Instance::lock(directory.path()).expect("free");
        let error = Instance::lock(directory.path()).expect_err("taken").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        Instance::lock(directory.path()).expect("free again");
    }
}
