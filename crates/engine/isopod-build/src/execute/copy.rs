//! `COPY`, `ADD` and `WORKDIR`.

use super::copying::Copier;
use super::key::Key;
use super::source::{Found, find};
use super::stage::{Inputs, Work};
use super::sum::Summing;
use super::tree::{self, Make, make_dirs};
use crate::border::Unpack;
use crate::error::BuildError;
use crate::plan::{CopyStep, Input};
use isopod_base::{Algorithm, Digest, Hasher};
use isopod_dockerfile::IgnoreList;
use isopod_images::layer::decompress;
use isopod_images::tar::Reader;
use rustix::fs::{Mode, OFlags, openat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A copy with its sources found.
pub(super) struct Prepared<'a> {
    copy: &'a CopyStep,
    found: Vec<Found>,
    fetched: Vec<(String, File)>,
    exclude: IgnoreList,
}

impl<'a> Prepared<'a> {
    /// Finds the sources, fetches URLs, and adds to `key` what the result depends on.
    pub(super) fn new(
        copy: &'a CopyStep,
        inputs: &Inputs<'_>,
        work: &Work<'_>,
        key: &mut Key,
    ) -> Result<Self, BuildError> {
        let failed = |reason: String| BuildError::Copy { keyword: copy.keyword, reason };
        let exclude = IgnoreList::new(&copy.exclude).map_err(|error| failed(error.to_string()))?;
        let mut prepared = Self { copy, found: Vec::new(), fetched: Vec::new(), exclude };
        key.text(copy.keyword).text(&copy.destination).number(u64::from(copy.into_directory));
        key.optional(copy.chown.as_deref()).optional(copy.chmod.as_deref());
        key.number(u64::from(copy.link)).number(u64::from(copy.parents));
        key.number(u64::from(copy.unpack)).list(&copy.exclude);
        for (name, content) in &copy.inline {
            key.text(name).text(content);
        }
        prepared.fetch(work, key)?;
        let Some(root) = inputs.root.as_ref().map(AsFd::as_fd) else {
            if !copy.sources.is_empty() {
                return Err(failed(format!(
                    "{} has no files",
                    copy.from.as_ref().unwrap_or(&Input::Scratch)
                )));
            }
            return Ok(prepared);
        };
        for pattern in &copy.sources {
            prepared.found.extend(find(root, pattern).map_err(&failed)?);
        }
        // An image's or stage's files never change: their digest is found once.
        let memo = inputs.identity.as_ref().map(|identity| {
            let mut memo = Key::new("sum");
            memo.text(identity).list(&copy.sources).list(&copy.exclude);
            memo.finish()
        });
        if let Some(sum) = memo.as_ref().and_then(|memo| work.cache().sum(memo)) {
            key.text(&sum);
            return Ok(prepared);
        }
        let summing = Summing { owners: inputs.keeps_owners, exclude: &prepared.exclude };
        let mut sum = Key::new("files");
        summing
            .add(&mut sum, root, &prepared.found)
            .map_err(|error| failed(format!("read the sources: {error}")))?;
        let sum = sum.finish();
        key.text(&sum);
        if let Some(memo) = memo {
            work.cache().put_sum(&memo, &sum)?;
        }
        Ok(prepared)
    }

    fn fetch(&mut self, work: &Work<'_>, key: &mut Key) -> Result<(), BuildError> {
        for url in &self.copy.urls {
            let path = work.scratch().join(format!("fetched-{}", isopod_base::id::full()));
            let mut file = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
                .map_err(BuildError::io("create", &path))?;
            // It has no name, and is gone with its descriptor.
            let _ = std::fs::remove_file(&path);
            let algorithm =
                self.copy.checksum.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
            let mut out = Hashing { file: &mut file, hasher: Hasher::new(algorithm) };
            let fetched = work.border().fetch(url, &mut out, work.cancel())?;
            let digest = out.hasher.finish();
            if let Some(expected) = &self.copy.checksum
                && *expected != digest
            {
                return Err(BuildError::Copy {
                    keyword: "ADD",
                    reason: format!("digest mismatch for {url}: {digest}, expected {expected}"),
                });
            }
            let time = fetched.modified.unwrap_or(0);
            set_time(&file, time).map_err(BuildError::io("set the time of", &path))?;
            let name = fetched.name.unwrap_or_else(|| name_of(url));
            if name.is_empty() && self.copy.into_directory {
                return Err(BuildError::Copy {
                    keyword: "ADD",
                    reason: format!(
                        "cannot determine a file name for {url}: name the file in the destination"
                    ),
                });
            }
            key.text(&digest.to_string()).text(&name).number(time as u64);
            self.fetched.push((name, file));
        }
        Ok(())
    }

    /// Does it.
    pub(super) fn carry_out(
        mut self,
        inputs: &Inputs<'_>,
        work: &Work<'_>,
        root: BorrowedFd<'_>,
    ) -> Result<(), BuildError> {
        let copy = self.copy;
        let failed = |reason: String| BuildError::Copy { keyword: copy.keyword, reason };
        let chown = match &copy.chown {
            Some(user) => Some(work.border().owner(root, user)?),
            None => None,
        };
        let owner = chown.or((!inputs.keeps_owners).then_some((0, 0)));
        let target = Target {
            root,
            copy,
            make: Make { owner: chown, replace_links: copy.link },
            copier: Copier { owner, mode: copy.chmod.as_deref(), exclude: &self.exclude },
        };
        let source = inputs.root.as_ref().map(AsFd::as_fd);
        for found in &self.found {
            let source = source.expect("something was found in it");
            target.add(source, found, work, chown).map_err(&failed)?;
        }
        for (name, content) in &copy.inline {
            target.inline(name, content.as_bytes()).map_err(|error| failed(error.to_string()))?;
        }
        for (name, file) in &mut self.fetched {
            file.rewind().map_err(|error| failed(error.to_string()))?;
            target.fetched(name, file).map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }
}

/// Where a copy goes to.
struct Target<'a> {
    root: BorrowedFd<'a>,
    copy: &'a CopyStep,
    make: Make,
    copier: Copier<'a>,
}

impl Target<'_> {
    fn add(
        &self,
        source: BorrowedFd<'_>,
        found: &Found,
        work: &Work<'_>,
        chown: Option<(u32, u32)>,
    ) -> Result<(), String> {
        let named = |error: std::io::Error| format!("{}: {error}", found.path);
        let opened = tree::open(source, &found.path, OFlags::PATH).map_err(|e| named(e.into()))?;
        let stat = rustix::fs::fstat(&opened).map_err(|error| named(error.into()))?;
        if tree::is_dir(&stat) {
            return self.directory(source, found, &stat).map_err(named);
        }
        let (parent, name) = tree::split(&found.path);
        if self.copier.exclude.excludes(name) {
            return Ok(());
        }
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let parent = tree::open(source, parent, flags).map_err(|e| named(e.into()))?;
            let (directory, called) = self.place(found, name).map_err(named)?;
            return self
                .copier
                .one(
                    parent.as_fd(),
                    OsStr::new(name),
                    &stat,
                    directory.as_fd(),
                    OsStr::new(&called),
                )
                .map_err(named);
        }
        let file = tree::open(source, &found.path, OFlags::RDONLY | OFlags::NONBLOCK)
            .map_err(|error| named(error.into()))?;
        if self.copy.unpack && self.unpacked(&file, &found.path, work, chown)? {
            return Ok(());
        }
        let (directory, called) = self.place(found, name).map_err(named)?;
        self.copier.file(&file, &stat, directory.as_fd(), OsStr::new(&called)).map_err(named)
    }

    fn directory(
        &self,
        source: BorrowedFd<'_>,
        found: &Found,
        stat: &rustix::fs::Stat,
    ) -> std::io::Result<()> {
        let from = tree::open(source, &found.path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let path = if self.copy.parents {
            format!("{}/{}", self.copy.destination, found.kept)
        } else {
            self.copy.destination.clone()
        };
        let (to, made) = make_dirs(self.root, &path, self.make)?;
        self.copier.contents(from.as_fd(), to.as_fd(), "", 0)?;
        if made {
            self.copier.attributes(&to, from.as_fd(), stat)?;
        }
        Ok(())
    }

    /// The directory and the name that a file gets.
    fn place(&self, found: &Found, name: &str) -> std::io::Result<(OwnedFd, String)> {
        if self.copy.parents {
            let (above, name) = tree::split(&found.kept);
            let path = format!("{}/{above}", self.copy.destination);
            return Ok((make_dirs(self.root, &path, self.make)?.0, name.to_owned()));
        }
        self.named_place(name)
    }

    fn named_place(&self, name: &str) -> std::io::Result<(OwnedFd, String)> {
        let destination = &self.copy.destination;
        let is_directory = self.copy.into_directory
            || tree::stat(self.root, destination)?.is_some_and(|stat| tree::is_dir(&stat));
        if is_directory {
            return Ok((make_dirs(self.root, destination, self.make)?.0, name.to_owned()));
        }
        let (above, name) = tree::split(destination);
        Ok((make_dirs(self.root, above, self.make)?.0, name.to_owned()))
    }

    /// Unpacks an archive; whether it was one.
    fn unpacked(
        &self,
        file: &OwnedFd,
        path: &str,
        work: &Work<'_>,
        chown: Option<(u32, u32)>,
    ) -> Result<bool, String> {
        let named = |error: std::io::Error| format!("{path}: {error}");
        let reopen = || {
            let mut file = File::from(file.try_clone().map_err(named)?);
            file.rewind().map_err(named)?;
            Ok::<_, String>(file)
        };
        let mut head = [0u8; 6];
        let count = reopen()?.read(&mut head).map_err(named)?;
        let head = &head[..count];
        let other = if head.starts_with(b"\xfd7zXZ\0") {
            Some("xz")
        } else if head.starts_with(b"BZh") {
            Some("bzip2")
        } else {
            None
        };
        if let Some(other) = other {
            return Err(format!(
                "{path} is compressed by {other}, which is not supported: use gzip or zstd, or COPY it as it is"
            ));
        }
        let limits = work.images().limits();
        let is_archive = match decompress(reopen()?) {
            Ok((_, input)) => {
                matches!(Reader::new(input, &limits.archive()).next_entry(), Ok(Some(_)))
            }
            Err(_) => false,
        };
        if !is_archive {
            // All descriptors of it share one position.
            reopen()?;
            return Ok(false);
        }
        make_dirs(self.root, &self.copy.destination, self.make).map_err(named)?;
        let (_, mut input) = decompress(reopen()?).map_err(|error| format!("{path}: {error}"))?;
        work.border()
            .unpack(self.root, &self.copy.destination, &mut input, Unpack { owner: chown })
            .map_err(|error| format!("{path}: {error}"))?;
        Ok(true)
    }

    fn inline(&self, name: &str, content: &[u8]) -> std::io::Result<()> {
        let (directory, called) = self.named_place(name)?;
        self.write(directory.as_fd(), &called, &mut &content[..], 0o644, None)
    }

    fn fetched(&self, name: &str, file: &mut File) -> std::io::Result<()> {
        let (directory, called) = self.named_place(name)?;
        let stat = rustix::fs::fstat(&*file)?;
        self.write(directory.as_fd(), &called, file, 0o600, Some(stat))
    }

    fn write(
        &self,
        directory: BorrowedFd<'_>,
        called: &str,
        content: &mut dyn Read,
        mode: u32,
        stat: Option<rustix::fs::Stat>,
    ) -> std::io::Result<()> {
        let name = OsStr::new(called);
        let _ = rustix::fs::unlinkat(directory, name, rustix::fs::AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = openat(directory, name, flags, Mode::from_raw_mode(0o600))?;
        let mut file = File::from(fd.try_clone()?);
        std::io::copy(content, &mut file)?;
        let mut stat = match stat {
            Some(stat) => stat,
            None => rustix::fs::fstat(&fd)?,
        };
        (stat.st_uid, stat.st_gid) = (0, 0);
        stat.st_mode = (stat.st_mode & !0o7777) | mode;
        self.copier.attributes(&fd, fd.as_fd(), &stat)
    }
}

/// Makes the directory of a `WORKDIR`.
pub(super) fn workdir(
    work: &Work<'_>,
    root: BorrowedFd<'_>,
    path: &str,
    user: &str,
) -> Result<(), BuildError> {
    let owner = if user.is_empty() { None } else { Some(work.border().owner(root, user)?) };
    make_dirs(root, path, Make { owner, replace_links: false })
        .map(|_| ())
        .map_err(BuildError::io("make the directory", path))
}

struct Hashing<'a> {
    file: &'a mut File,
    hasher: Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn set_time(file: &File, seconds: i64) -> std::io::Result<()> {
    let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// The last part of a URL's path.
fn name_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    match path.split_once('/') {
        Some((_, path)) => path.rsplit('/').next().unwrap_or_default().to_owned(),
        None => String::new(),
    }
}
