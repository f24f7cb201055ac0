//! Writing one blob: into a file of its own, hashed on the way.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use isopod_base::files::FileError;
use isopod_base::{Algorithm, Digest, Hasher};

use super::blob::compare;
use super::follow::{Arrival, Follower};
use crate::error::ContentError;
use crate::failpoint;

/// Bytes between two requests to write back: large enough for the disk to be used well.
const WRITE_BACK_EVERY: u64 = 8 << 20;

/// Content on its way into the store.
///
/// Dropped unfinished, named content and uploads leave their part for the next try; unnamed
/// content leaves nothing.
#[derive(Debug)]
pub struct Ingest {
    file: File,
    place: Place,
    hasher: Hasher,
    offset: u64,
    expected: Option<(Digest, u64)>,
    arrival: Writer,
    /// Up to where the disk has been told to write.
    write_back: u64,
}

/// The writer's end of an arrival: whoever follows learns when it goes away.
#[derive(Debug)]
struct Writer(Arc<Arrival>);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The partial file, and the claim on its name.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    name: String,
    busy: Arc<Mutex<HashSet<String>>>,
    keep: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.keep {
            // Nothing to do about a failure; what remains goes when the store is opened.
            let _ = fs::remove_file(&self.path);
        }
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

impl Ingest {
    pub(super) fn open(
        dir: &Path,
        name: String,
        busy: Arc<Mutex<HashSet<String>>>,
        expected: Option<(Digest, u64)>,
        resume_bytes: u64,
    ) -> Result<Self, ContentError> {
        let place =
            Place { path: dir.join(&name), keep: !name.starts_with("unnamed-"), name, busy };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&place.path)
            .map_err(FileError::at("open", &place.path))?;
        failpoint::reach("ingest.created");
        let algorithm =
            expected.as_ref().map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
        let mut ingest = Self {
            file,
            place,
            hasher: Hasher::new(algorithm),
            offset: 0,
            expected,
            arrival: Writer(Arc::new(Arrival::hashed_by(algorithm))),
            write_back: 0,
        };
        ingest.take_up(resume_bytes)?;
        Ok(ingest)
    }

    /// Reads what an earlier try left, so that the hash goes on from there.
    fn take_up(&mut self, limit: u64) -> Result<(), ContentError> {
        let path = self.place.path.clone();
        let left = self.file.metadata().map_err(FileError::at("inspect", &path))?.len();
        if left == 0 {
            return Ok(());
        }
        if left > limit {
            return self.restart();
        }
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = self.file.read(&mut buffer).map_err(FileError::at("read", &path))?;
            if count == 0 {
                break;
            }
            self.hasher.update(&buffer[..count]);
            self.offset += count as u64;
        }
        self.arrival.0.advance(self.offset);
        Ok(())
    }

    /// Bytes that are already here; the next [`Ingest::write`] goes on after them.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is expected, if it is known: digest and size.
    #[must_use]
    pub fn expected(&self) -> Option<(&Digest, u64)> {
        self.expected.as_ref().map(|(digest, size)| (digest, *size))
    }

    /// Throws away what is here and begins anew.
    pub fn restart(&mut self) -> Result<(), ContentError> {
        let path = &self.place.path;
        self.file.set_len(0).map_err(FileError::at("truncate", path))?;
        self.file.seek(SeekFrom::Start(0)).map_err(FileError::at("seek in", path))?;
        self.hasher = Hasher::new(self.algorithm());
        self.offset = 0;
        self.write_back = 0;
        self.arrival.0.restart();
        Ok(())
    }

    /// Appends bytes. More than were announced are refused.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        let after = self.offset + bytes.len() as u64;
        if let Some((digest, size)) = &self.expected
            && after > *size
        {
            return Err(ContentError::WrongSize {
                digest: digest.clone(),
                expected: *size,
                actual: after,
            });
        }
        self.file.write_all(bytes).map_err(FileError::at("write", &self.place.path))?;
        self.hasher.update(bytes);
        self.offset = after;
        self.arrival.0.advance(after);
        failpoint::reach("ingest.written");
        if self.offset - self.write_back >= WRITE_BACK_EVERY {
            self.start_write_back();
        }
        Ok(())
    }

    /// Lets the disk begin with what has come, so that little is left when it is waited for.
    fn start_write_back(&mut self) {
        let length = self.offset - self.write_back;
        // Only a matter of time: whether all is on the disk, the sync at the end tells.
        let _ = isopod_sys::write_back::start(self.file.as_fd(), self.write_back, length);
        self.write_back = self.offset;
    }

    /// Checks size and digest. What does not match is removed; a part is kept for the next try.
    /// The result still waits to be published with the rest of its operation.
    pub fn finish(mut self) -> Result<Sealed, ContentError> {
        self.start_write_back();
        let Self { file, mut place, hasher, offset, expected, arrival, .. } = self;
        let digest = match expected {
            None => hasher.finish(),
            Some((digest, size)) if offset < size => {
                return Err(ContentError::WrongSize { digest, expected: size, actual: offset });
            }
            Some((digest, _)) => {
                if let Err(error) = compare(&digest, hasher) {
                    place.keep = false;
                    return Err(error);
                }
                digest
            }
        };
        arrival.0.complete(&digest);
        failpoint::reach("ingest.sealed");
        Ok(Sealed { place, file, digest, size: offset })
    }

    /// Ends content whose digest was not known before: now it must be this one.
    pub fn finish_as(mut self, digest: &Digest) -> Result<Sealed, ContentError> {
        if self.algorithm() != digest.algorithm() {
            self.rehash(digest)?;
        }
        self.expected = Some((digest.clone(), self.offset));
        // Who sent it learns of the end; nobody comes back for a part.
        self.place.keep = false;
        self.finish()
    }

    /// Throws the content away.
    pub fn discard(mut self) {
        self.place.keep = false;
    }

    /// Hashes what has arrived by another algorithm.
    fn rehash(&mut self, digest: &Digest) -> Result<(), ContentError> {
        let path = &self.place.path;
        self.file.seek(SeekFrom::Start(0)).map_err(FileError::at("seek in", path))?;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = self.file.read(&mut buffer).map_err(FileError::at("read", path))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        self.hasher = hasher;
        Ok(())
    }

    /// Reads the content as it arrives, from the beginning.
    pub(crate) fn follow(&self) -> Result<Follower, ContentError> {
        let path = &self.place.path;
        let file = File::open(path).map_err(FileError::at("open", path))?;
        Ok(Follower::new(file, Arc::clone(&self.arrival.0)))
    }

    fn algorithm(&self) -> Algorithm {
        self.expected.as_ref().map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm())
    }
}

/// A blob that is complete and checked, but not yet published.
#[derive(Debug)]
pub struct Sealed {
    place: Place,
    file: File,
    digest: Digest,
    size: u64,
}

impl Sealed {
    /// Its digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Waits until the bytes are on the disk.
    pub(crate) fn sync(&self) -> Result<(), ContentError> {
        Ok(self.file.sync_data().map_err(FileError::at("sync", &self.place.path))?)
    }

    /// Throws it away, because the store has it already.
    pub(crate) fn discard(mut self) {
        self.place.keep = false;
    }

    /// A second handle for reading.
    pub(crate) fn reopen(&self) -> Result<File, ContentError> {
        let path = &self.place.path;
        Ok(File::open(path).map_err(FileError::at("open", path))?)
    }

    /// Reads it whole, if it is no larger than `limit`.
    pub(crate) fn read(&self, limit: u64) -> Result<Vec<u8>, ContentError> {
        if self.size > limit {
            return Err(ContentError::TooLarge {
                digest: self.digest.clone(),
                size: self.size,
                limit,
            });
        }
        let mut bytes = Vec::with_capacity(self.size as usize);
        self.reopen()?.read_to_end(&mut bytes).map_err(FileError::at("read", &self.place.path))?;
        Ok(bytes)
    }

    pub(super) fn rename(&mut self, target: &Path) -> Result<(), ContentError> {
        fs::rename(&self.place.path, target)
            .map_err(FileError::at("move into place", &self.place.path))?;
        self.place.keep = true;
        Ok(())
    }
}
