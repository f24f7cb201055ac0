//! The log of one generation: frames in a file whose space is laid out beforehand.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::frame::{self, Batch, HEADER_BYTES, Op};

const MAGIC: &[u8; 8] = b"isoplog1";
const START: u64 = 16;
/// The file grows by this many zeroed bytes.
const CHUNK_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    path: PathBuf,
    generation: u64,
    /// Sequence number of the last frame.
    sequence: u64,
    end: u64,
    capacity: u64,
    buffer: Vec<u8>,
}

/// A log read back.
pub(crate) struct Replayed {
    pub(crate) log: Log,
    /// Whether bytes of an unfinished frame follow the last whole one.
    pub(crate) torn: bool,
}

pub(crate) fn path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("log-{generation:016x}"))
}

impl Log {
    /// Makes the empty log of a new generation and waits until it is on the disk.
    pub(crate) fn create(dir: &Path, generation: u64, sequence: u64) -> Result<Self, Error> {
        let path = path(dir, generation);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        let mut head = [0; START as usize];
        head[..8].copy_from_slice(MAGIC);
        head[8..].copy_from_slice(&generation.to_le_bytes());
        file.write_all_at(&head, 0).map_err(Error::io("create", &path))?;
        let buffer = Vec::new();
        let mut log =
            Self { file, path, generation, sequence, end: START, capacity: START, buffer };
        log.extend(START + 1)?;
        Ok(log)
    }

    /// Reads the log, handing each frame's changes to `apply` in order.
    pub(crate) fn open(
        dir: &Path,
        generation: u64,
        sequence: u64,
        mut apply: impl FnMut(Vec<Op>),
    ) -> Result<Replayed, Error> {
        let path = path(dir, generation);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        let damaged = |offset, reason| Error::Damaged { path: path.clone(), offset, reason };
        if bytes.get(..8) != Some(MAGIC) || bytes.get(8..16) != Some(&generation.to_le_bytes()) {
            return Err(damaged(0, "not the log of this generation"));
        }
        let mut end = START as usize;
        let mut sequence = sequence;
        while let Some(frame) = frame::decode(&bytes[end..]) {
            if frame.sequence != sequence + 1 {
                return Err(damaged(end as u64, "a frame is missing"));
            }
            apply(frame.ops);
            sequence = frame.sequence;
            end += frame.len;
        }
        let torn = bytes[end..].iter().any(|byte| *byte != 0);
        if torn && later_frame(&bytes[end..], sequence) {
            return Err(damaged(end as u64, "a frame is bad and later ones are not"));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let capacity = bytes.len() as u64;
        let end = end as u64;
        let log = Self { file, path, generation, sequence, end, capacity, buffer: Vec::new() };
        Ok(Replayed { log, torn })
    }

    /// Appends the batches as one frame and waits until it is on the disk.
    pub(crate) fn append<'a>(
        &mut self,
        batches: impl Iterator<Item = &'a Batch>,
    ) -> Result<(), Error> {
        let mut buffer = std::mem::take(&mut self.buffer);
        frame::encode(self.sequence + 1, batches, &mut buffer);
        let outcome = self.write(&buffer);
        // One large frame must not hold memory for ever.
        buffer.shrink_to(64 << 10);
        self.buffer = buffer;
        outcome
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), Error> {
        let end = self.end + frame.len() as u64;
        // A header's worth of zeros stays behind the last frame, to end the next reading.
        self.extend(end + HEADER_BYTES as u64)?;
        self.file.write_all_at(frame, self.end).map_err(Error::unknown("write", &self.path))?;
        self.file.sync_data().map_err(Error::unknown("sync", &self.path))?;
        self.end = end;
        self.sequence += 1;
        Ok(())
    }

    /// Zeroes the file up to at least `needed` bytes. On failure the space in use is untouched.
    fn extend(&mut self, needed: u64) -> Result<(), Error> {
        if needed <= self.capacity {
            return Ok(());
        }
        let target = needed.next_multiple_of(CHUNK_BYTES);
        let zeros = vec![0; CHUNK_BYTES as usize];
        let mut at = self.capacity;
        while at < target {
            let count = (target - at).min(CHUNK_BYTES);
            self.file
                .write_all_at(&zeros[..count as usize], at)
                .map_err(Error::io("extend", &self.path))?;
            at += count;
        }
        self.file.sync_all().map_err(Error::io("extend", &self.path))?;
        self.capacity = target;
        Ok(())
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Bytes of the file that hold frames.
    pub(crate) fn used(&self) -> u64 {
        self.end
    }
}

/// Whether a frame that was written after the bad one at the start of `bytes` is whole.
///
/// Such a frame was only ever begun once the bad one had been acknowledged.
fn later_frame(bytes: &[u8], sequence: u64) -> bool {
    // The bad frame may have lost its length, so every offset is a candidate; the sequence
    // number is compared first, which keeps this a scan and not a checksum at every byte.
    let expected = sequence + 2..sequence + 2 + (1 << 20);
    (1..bytes.len().saturating_sub(HEADER_BYTES)).any(|at| {
        let number = bytes[at + 8..at + 16].try_into().map_or(0, u64::from_le_bytes);
        expected.contains(&number) && frame::decode(&bytes[at..]).is_some()
    })
}
