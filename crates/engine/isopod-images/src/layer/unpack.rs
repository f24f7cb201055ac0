//! Unpacking one layer from a stream of its compressed bytes.

use std::io::{self, Read};

use isopod_base::{Algorithm, Digest, Hasher};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::os::fd::OwnedFd;
use std::path::Path;

use super::compression::{Compression, decompress};
use super::sink::{Flat, Sink};
use crate::error::LayerError;
use crate::limits::Limits;
use crate::snapshot::StagedLayer;
use crate::tar::Reader;

/// What came out of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Digest of the decompressed layer.
    pub diff_id: Digest,
    /// Length of the decompressed layer.
    pub size: u64,
    /// How it was compressed.
    pub compression: Compression,
    /// What could not be unpacked and was left out (up to 100): devices and attributes for which
    /// the rights are missing.
    pub skipped: Vec<String>,
}

/// Reads a layer to its end and unpacks it into `layer`.
///
/// `algorithm` is that of the diff id. `read` counts the compressed bytes taken in so far, for
/// the limit on expansion.
pub fn unpack<R: Read + Send>(
    input: R,
    read: impl Fn() -> u64 + Send,
    layer: &mut StagedLayer,
    algorithm: Algorithm,
    limits: &Limits,
) -> Result<Outcome, LayerError> {
    unpack_hashed(input, read, layer, algorithm, None, limits)
}

/// As [`unpack`]. If somebody hashes the input by `algorithm` anyway, `hashed` tells the digest
/// once the input has ended: a layer that is not compressed need not be hashed again.
pub(super) fn unpack_hashed<R: Read + Send>(
    input: R,
    read: impl Fn() -> u64 + Send,
    layer: &mut StagedLayer,
    algorithm: Algorithm,
    hashed: Option<&dyn Fn() -> Option<Digest>>,
    limits: &Limits,
) -> Result<Outcome, LayerError> {
    let (compression, decoded) = decompress(input)?;
    let hashed = hashed.filter(|_| compression == Compression::Plain);
    let measured = Measured {
        input: decoded,
        hasher: hashed.is_none().then(|| Hasher::new(algorithm)),
        size: 0,
        allowed: |size| {
            // Looked at once per buffer: plenty, given how large the floor is.
            size <= limits.expansion_floor_bytes.min(limits.layer_bytes)
                || size <= limits.expanded(read())
        },
        limits,
    };
    let root = layer.root();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = openat(CWD, &root, flags, Mode::empty())
        .map_err(|error| LayerError::io("open the layer's directory")(error.into()))?;
    let mut sink = Sink::layer(fd, layer.style(), limits)?;
    let mut reader = Reader::new(measured, &limits.archive());
    while let Some(entry) = reader.next_entry()? {
        sink.entry(&entry, &mut reader)?;
    }
    reader.drain()?;
    let measure = sink.must_measure();
    let (fixups, mut usage, skipped) = sink.finish()?;
    if measure {
        usage = crate::snapshot::measure(&root)
            .map_err(|error| LayerError::io("measure the layer")(io::Error::other(error)))?;
    }
    layer.set_outcome(fixups, usage);
    let measured = reader.into_inner();
    let diff_id = match measured.hasher {
        Some(hasher) => hasher.finish(),
        None => hashed.and_then(|hashed| hashed()).ok_or(LayerError::Abandoned)?,
    };
    Ok(Outcome { diff_id, size: measured.size, compression, skipped })
}

/// Unpacks a plain archive into a directory that may have files already.
pub(crate) fn unpack_flat<R: Read>(
    dir: OwnedFd,
    path: &Path,
    reader: &mut Reader<R>,
    flat: Flat,
    limits: &Limits,
) -> Result<(), LayerError> {
    let mut sink = Sink::flat(dir, flat, limits);
    while let Some(entry) = reader.next_entry()? {
        sink.entry(&entry, reader)?;
    }
    reader.drain()?;
    let (_, _, skipped) = sink.finish()?;
    for skipped in skipped {
        tracing::warn!(path = %path.display(), "left out: {skipped}");
    }
    Ok(())
}

/// Hashes and counts what it reads, and stops when there is too much of it.
struct Measured<'a, R, F> {
    input: R,
    hasher: Option<Hasher>,
    size: u64,
    allowed: F,
    limits: &'a Limits,
}

impl<R: Read, F: Fn(u64) -> bool> Read for Measured<'_, R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.size += count as u64;
        if !(self.allowed)(self.size) {
            return Err(io::Error::other(LayerError::Limit {
                what: format!("the layer's decompressed size, {} bytes and more,", self.size),
                limit: self.limits.layer_bytes.min(self.size),
            }));
        }
        Ok(count)
    }
}
