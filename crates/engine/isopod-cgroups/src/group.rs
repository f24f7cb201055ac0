//! One group: a directory of a control group file system, and its files.
//!
//! Every write error names file and value. Files are opened by their full path: one system call
//! less than by a directory descriptor where a group has one or two files to write.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Files of a group are small; what is larger is not one of them.
const FILE_LIMIT_BYTES: usize = 16 << 20;

/// The directory of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    path: PathBuf,
}

impl Group {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory and its missing parents; appends to `made` what was not there.
    pub(crate) fn create(&self, made: &mut Vec<PathBuf>) -> Result<()> {
        make_directory(&self.path, made)
            .map_err(|errno| Error::Create { path: self.path.clone(), source: errno.into() })
    }

    pub(crate) fn exists(&self) -> bool {
        rustix::fs::access(&self.path, rustix::fs::Access::EXISTS).is_ok()
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        rustix::fs::access(self.path.join(file), rustix::fs::Access::EXISTS).is_ok()
    }

    /// Writes one value with one write.
    pub(crate) fn write(&self, file: &str, value: &str) -> Result<()> {
        self.open_writable(file)
            .and_then(|fd| write_value(&fd, value))
            .map_err(|errno| self.write_error(file, value, errno))
    }

    /// Writes several values, each with a write of its own, through one descriptor.
    pub(crate) fn write_each<'a>(
        &self,
        file: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        let mut opened: Option<OwnedFd> = None;
        for value in values {
            let fd = match opened.take() {
                Some(fd) => fd,
                None => self
                    .open_writable(file)
                    .map_err(|errno| self.write_error(file, value, errno))?,
            };
            write_value(&fd, value).map_err(|errno| self.write_error(file, value, errno))?;
            opened = Some(fd);
        }
        Ok(())
    }

    pub(crate) fn open_writable(&self, file: &str) -> rustix::io::Result<OwnedFd> {
        rustix::fs::open(self.path.join(file), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
    }

    pub(crate) fn write_error(&self, file: &str, value: &str, errno: Errno) -> Error {
        Error::Write { path: self.path.join(file), value: value.to_owned(), source: errno.into() }
    }

    pub(crate) fn read(&self, file: &str) -> Result<String> {
        let path = self.path.join(file);
        let fd = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| Error::read(&path, errno))?;
        let mut text = Vec::with_capacity(4096);
        loop {
            match rustix::io::read(&fd, rustix::buffer::spare_capacity(&mut text)) {
                Ok(0) => break,
                Ok(_) if text.len() > FILE_LIMIT_BYTES => {
                    return Err(Error::read(&path, io::Error::from(io::ErrorKind::FileTooLarge)));
                }
                Ok(_) => text.reserve(4096),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::read(&path, errno)),
            }
        }
        String::from_utf8(text)
            .map_err(|_| Error::read(&path, io::Error::from(io::ErrorKind::InvalidData)))
    }

    /// As [`Group::read`], with nothing for a file that this kernel or group does not have.
    pub(crate) fn read_optional(&self, file: &str) -> Result<Option<String>> {
        match self.read(file) {
            Ok(text) => Ok(Some(text)),
            Err(error)
                if error.is(Errno::NOENT)
                    || error.is(Errno::NODEV)
                    || error.is(Errno::OPNOTSUPP) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A file of one number; `max` is the largest one, and what is below zero counts as zero.
    pub(crate) fn read_u64(&self, file: &str) -> Result<u64> {
        let text = self.read(file)?;
        parse_u64(text.trim()).ok_or_else(|| self.content(file, text.trim(), "a number"))
    }

    pub(crate) fn read_u64_optional(&self, file: &str) -> Result<Option<u64>> {
        let Some(text) = self.read_optional(file)? else { return Ok(None) };
        match parse_u64(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(self.content(file, text.trim(), "a number")),
        }
    }

    /// The value of `key` in a file of `KEY VALUE` lines.
    pub(crate) fn read_key(&self, file: &str, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.read_optional(file)? else { return Ok(None) };
        Ok(flat_keyed(&text).find(|(name, _)| *name == key).map(|(_, value)| value))
    }

    pub(crate) fn content(&self, file: &str, content: &str, expected: &'static str) -> Error {
        Error::Content {
            path: self.path.join(file),
            content: content.chars().take(200).collect(),
            expected,
        }
    }
}

/// The pairs of a file of `KEY VALUE` lines; lines of another form are passed over.
pub(crate) fn flat_keyed(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, parse_u64(value.trim())?))
    })
}

pub(crate) fn parse_u64(text: &str) -> Option<u64> {
    match text {
        "max" => Some(u64::MAX),
        _ if text.starts_with('-') => text.parse::<i64>().ok().map(|_| 0),
        _ => text.parse().ok(),
    }
}

fn write_value(fd: &OwnedFd, value: &str) -> rustix::io::Result<()> {
    rustix::io::retry_on_intr(|| rustix::io::write(fd, value.as_bytes())).map(drop)
}

/// Who removes the last group below a parent may remove the parent too, between our making it and
/// our making what is below it: then the parent is made again, so many times at most.
const PARENT_ATTEMPTS: usize = 64;

fn make_directory(path: &Path, made: &mut Vec<PathBuf>) -> rustix::io::Result<()> {
    let mode = Mode::from_raw_mode(0o755);
    for _ in 0..PARENT_ATTEMPTS {
        match rustix::fs::mkdir(path, mode) {
            Ok(()) => {
                made.push(path.to_owned());
                return Ok(());
            }
            Err(Errno::EXIST) => return Ok(()),
            Err(Errno::NOENT) => make_directory(path.parent().ok_or(Errno::NOENT)?, made)?,
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::NOENT)
}
