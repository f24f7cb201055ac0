//! Files and directories that a runtime makes for mounts to stand on: they are no part of what a
//! command did, and go after it.

use super::tree::{self, stat_at};
use rustix::fs::{AtFlags, OFlags, Timespec, Timestamps, futimens, unlinkat};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};

/// Where every container has something mounted.
const USUAL: [&str; 6] =
    ["/proc", "/sys", "/dev", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"];

/// What was not there before a command, and the directories that it is in.
#[derive(Debug)]
pub(super) struct Stubs {
    /// Missing paths, the deepest last.
    missing: Vec<String>,
    parents: Vec<Parent>,
}

/// A directory in which something may be made.
#[derive(Debug)]
struct Parent {
    path: String,
    times: Timestamps,
    names: Vec<OsString>,
}

impl Stubs {
    /// Looks at the places where something will be mounted.
    pub(super) fn look<'a>(root: BorrowedFd<'_>, targets: impl Iterator<Item = &'a str>) -> Self {
        let mut stubs = Self { missing: Vec::new(), parents: Vec::new() };
        for target in USUAL.into_iter().chain(targets) {
            let mut so_far = String::new();
            for part in target.split('/').filter(|part| !part.is_empty()) {
                let above = so_far.clone();
                so_far.push('/');
                so_far.push_str(part);
                if stubs.missing.contains(&so_far) {
                    continue;
                }
                if !matches!(tree::stat(root, &so_far), Ok(Some(_))) {
                    if !stubs.missing.contains(&above) {
                        stubs.remember(root, &above);
                    }
                    stubs.missing.push(so_far.clone());
                }
            }
        }
        stubs
    }

    fn remember(&mut self, root: BorrowedFd<'_>, path: &str) {
        if self.parents.iter().any(|parent| parent.path == path) {
            return;
        }
        let Ok(directory) = tree::open(root, path, OFlags::RDONLY | OFlags::DIRECTORY) else {
            return;
        };
        let (Ok(stat), Ok(names)) = (rustix::fs::fstat(&directory), tree::names(directory.as_fd()))
        else {
            return;
        };
        let time = |sec: i64, nsec: i64| Timespec { tv_sec: sec, tv_nsec: nsec as _ };
        let times = Timestamps {
            last_access: time(stat.st_atime, stat.st_atime_nsec as i64),
            last_modification: time(stat.st_mtime, stat.st_mtime_nsec as i64),
        };
        self.parents.push(Parent { path: path.to_owned(), times, names });
    }

    /// Removes what was made and is still empty, and sets back the times of directories in
    /// which nothing else changed.
    pub(super) fn remove(self, root: BorrowedFd<'_>) {
        for path in self.missing.iter().rev() {
            let (parent, name) = tree::split(path);
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let Ok(directory) = tree::open(root, parent, flags) else { continue };
            let name = OsStr::new(name);
            let Ok(Some(stat)) = stat_at(directory.as_fd(), name) else { continue };
            if tree::is_dir(&stat) {
                // Fails if the command put something there, which then stays.
                let _ = unlinkat(&directory, name, AtFlags::REMOVEDIR);
            } else if stat.st_size == 0 {
                let _ = unlinkat(&directory, name, AtFlags::empty());
            }
        }
        for parent in self.parents {
            // An overlay's directory that was copied up is another one than before.
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let Ok(directory) = tree::open(root, &parent.path, flags) else { continue };
            if tree::names(directory.as_fd()).is_ok_and(|names| names == parent.names) {
                let _ = futimens(&directory, &parent.times);
            }
        }
    }
}
