//! Digests of files: what the result of a copy depends on. Times do not count, as with docker.

use super::key::Key;
use super::source::Found;
use super::tree::{self, DEPTH, enter, names, stat_at};
use isopod_dockerfile::IgnoreList;
use rustix::fs::{FileType, Mode, OFlags, Stat, openat, readlinkat};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

/// What of the files counts.
pub(super) struct Summing<'a> {
    /// Whether owners count, as they do where they are kept.
    pub(super) owners: bool,
    /// What is left out.
    pub(super) exclude: &'a IgnoreList,
}

impl Summing<'_> {
    /// Adds what was found to a key.
    pub(super) fn add(
        &self,
        key: &mut Key,
        root: BorrowedFd<'_>,
        found: &[Found],
    ) -> io::Result<()> {
        key.number(found.len() as u64);
        for found in found {
            let fd = tree::open(root, &found.path, OFlags::PATH)?;
            let stat = rustix::fs::fstat(&fd)?;
            let name = found.path.rsplit('/').next().unwrap_or_default();
            key.text(&found.kept);
            if tree::is_dir(&stat) {
                let directory = tree::open(root, &found.path, OFlags::RDONLY | OFlags::DIRECTORY)?;
                self.node(key, OsStr::new(""), &stat);
                self.children(key, directory.as_fd(), "", 0)?;
            } else {
                self.node(key, OsStr::new(name), &stat);
                if tree::kind(&stat) == FileType::RegularFile {
                    let file = tree::open(root, &found.path, OFlags::RDONLY | OFlags::NONBLOCK)?;
                    content(key, file.into(), &stat)?;
                }
            }
        }
        Ok(())
    }

    fn node(&self, key: &mut Key, name: &OsStr, stat: &Stat) {
        key.bytes(name.as_bytes()).number(u64::from(stat.st_mode));
        if self.owners {
            key.number(u64::from(stat.st_uid)).number(u64::from(stat.st_gid));
        }
        if matches!(tree::kind(stat), FileType::CharacterDevice | FileType::BlockDevice) {
            key.number(stat.st_rdev);
        }
    }

    fn children(
        &self,
        key: &mut Key,
        directory: BorrowedFd<'_>,
        path: &str,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEPTH {
            return Err(io::Error::other(format!("{path}: deeper than {DEPTH} directories")));
        }
        for name in names(directory)? {
            let below = format!("{path}{}", name.to_string_lossy());
            let Some(stat) = stat_at(directory, &name)? else { continue };
            let excluded = self.exclude.excludes(&below);
            let skips_all = !tree::is_dir(&stat) || self.exclude.skips_all_below(&below);
            if excluded && skips_all {
                continue;
            }
            self.node(key, &name, &stat);
            match tree::kind(&stat) {
                FileType::Directory => {
                    let inner = enter(directory, &name)?;
                    self.children(key, inner.as_fd(), &format!("{below}/"), depth + 1)?;
                    key.text("end");
                }
                FileType::Symlink => {
                    let link = readlinkat(directory, name.as_os_str(), Vec::new())?;
                    key.bytes(link.as_bytes());
                }
                FileType::RegularFile => {
                    let flags =
                        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    let file = openat(directory, name.as_os_str(), flags, Mode::empty())?;
                    content(key, file.into(), &stat)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn content(key: &mut Key, mut file: std::fs::File, stat: &Stat) -> io::Result<()> {
    use std::io::Read;
    key.number(stat.st_size as u64);
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => _ = key.bytes(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
