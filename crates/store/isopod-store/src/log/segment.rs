//! Segments: files of a fixed size, laid out before they are written, used one after another.

use std::io;
use std::path::{Path, PathBuf};

use raft::eraftpb::HardState;

use crate::bytes_reader::Reader;
use crate::disk::{Disk, DiskFile};

/// Where the first frame begins.
pub(crate) const HEADER_BYTES: u64 = 64;
const MAGIC: &[u8; 8] = b"isopwal1";
/// Written between two syncs while a segment is laid out.
const SYNC_BYTES: u64 = 4 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// What a segment says before its first frame: enough to begin reading the log there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    /// Segments of a log are numbered without gaps.
    pub(crate) number: u64,
    /// Sequence number of its first frame.
    pub(crate) first_sequence: u64,
    /// The hard state before its first frame.
    pub(crate) hard_state: HardState,
    /// Index and term of the last entry before its first frame.
    pub(crate) last_index: u64,
    /// See `last_index`.
    pub(crate) last_term: u64,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(MAGIC);
        // The number stands in the file's name: here it salts the checksum.
        let state = &self.hard_state;
        let numbers = [self.first_sequence, state.term, state.vote, state.commit];
        for number in numbers.into_iter().chain([self.last_index, self.last_term]) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&checksum(self.number, &bytes).to_le_bytes());
        bytes.resize(HEADER_BYTES as usize, 0);
        bytes.try_into().expect("resized to its length")
    }

    /// The header of segment `number` at the start of `bytes`, if it is whole.
    pub(crate) fn decode(number: u64, bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.bytes(8)? == MAGIC).then_some(())?;
        let header = Self {
            number,
            first_sequence: reader.u64()?,
            hard_state: HardState {
                term: reader.u64()?,
                vote: reader.u64()?,
                commit: reader.u64()?,
                ..HardState::default()
            },
            last_index: reader.u64()?,
            last_term: reader.u64()?,
        };
        (reader.u32()? == checksum(number, bytes.get(..56)?)).then_some(header)
    }
}

fn checksum(number: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("log-{number:016x}"))
}

/// The number in a segment's file name.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The file that waits to become the next segment.
pub(crate) fn spare_path(dir: &Path) -> PathBuf {
    dir.join("spare")
}

/// Makes a file of `size_bytes` zeros at `path`, durable but for its name.
///
/// Zeros are written, not merely allocated: writing to a file whose blocks are on the disk leaves
/// a later sync nothing to do but the data. On failure the file is removed again.
pub(crate) fn lay_out(
    disk: &dyn Disk,
    path: &Path,
    size_bytes: u64,
) -> io::Result<Box<dyn DiskFile>> {
    let fill = |file: &dyn DiskFile| {
        let mut at = 0;
        while at < size_bytes {
            let count = (size_bytes - at).min(ZEROS.len() as u64);
            file.write_at(&ZEROS[..count as usize], at)?;
            at += count;
            // In small portions, for others wait at the same disk.
            if at % SYNC_BYTES == 0 {
                file.sync()?;
            }
        }
        file.sync()
    };
    let file = disk.create(path)?;
    match fill(file.as_ref()) {
        Ok(()) => Ok(file),
        Err(error) => {
            drop(file);
            // The space is what is lacking: what was laid out so far is given back. Should that
            // fail too, the next attempt empties the file.
            let _ = disk.remove(path);
            Err(error)
        }
    }
}
