//! Reading one blob.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use isopod_base::files::FileError;
use isopod_base::{Digest, Hasher};

use crate::error::ContentError;

/// A blob that is open for reading. It stays readable even if it is collected meanwhile.
#[derive(Debug)]
pub struct Blob {
    file: File,
    digest: Digest,
    size: u64,
}

impl Blob {
    pub(crate) fn new(file: File, digest: Digest, size: u64) -> Self {
        Self { file, digest, size }
    }

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

    /// The open file, for callers that send it by other means than `read`.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    /// All of it, checked against the digest.
    pub(crate) fn read_all(mut self, limit: u64, path: &Path) -> Result<Vec<u8>, ContentError> {
        if self.size > limit {
            return Err(ContentError::TooLarge { digest: self.digest, size: self.size, limit });
        }
        let mut bytes = Vec::with_capacity(self.size as usize);
        (&mut self.file)
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(FileError::at("read", path))?;
        check(&self.digest, &bytes)?;
        Ok(bytes)
    }

    /// Reads it through and compares it with its digest and size.
    pub fn verify(mut self) -> Result<(), ContentError> {
        let mut hasher = Hasher::new(self.digest.algorithm());
        let mut buffer = vec![0; 256 << 10];
        let mut size = 0;
        loop {
            let count = self.file.read(&mut buffer).map_err(|source| FileError {
                action: "read",
                path: self.digest.to_string().into(),
                source,
            })?;
            if count == 0 {
                break;
            }
            size += count as u64;
            hasher.update(&buffer[..count]);
        }
        if size != self.size {
            return Err(ContentError::WrongSize {
                digest: self.digest,
                expected: self.size,
                actual: size,
            });
        }
        compare(&self.digest, hasher)
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Blob {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Checks bytes in memory against the digest that names them.
pub(crate) fn check(digest: &Digest, bytes: &[u8]) -> Result<(), ContentError> {
    let mut hasher = Hasher::new(digest.algorithm());
    hasher.update(bytes);
    compare(digest, hasher)
}

pub(crate) fn compare(expected: &Digest, hasher: Hasher) -> Result<(), ContentError> {
    let actual = hasher.finish();
    if actual == *expected {
        return Ok(());
    }
    Err(ContentError::WrongDigest { expected: expected.clone(), actual })
}
