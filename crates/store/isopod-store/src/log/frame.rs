//! Frames: what one append writes, sealed by a checksum. `DESIGN.md` draws the bytes.
//!
//! Knows bytes only: no file, no offset within one.

use bytes::Bytes;
use raft::eraftpb::{Entry, EntryType, HardState};

use crate::bytes_reader::Reader;

/// Length, checksum, sequence number.
pub(crate) const HEADER_BYTES: usize = 16;
/// Frames begin at multiples of this.
pub(crate) const ALIGN_BYTES: usize = 8;

const HARD_STATE: u8 = 1;
const ENTRIES: u8 = 2;
const RESTART: u8 = 3;

/// One thing that a frame says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    /// The hard state is now this.
    HardState(HardState),
    /// These entries follow each other; what the log held from the first one's index on is void.
    Entries(Vec<Entry>),
    /// The log is empty and begins after this index and term: a snapshot replaced it.
    Restart { index: u64, term: u64 },
}

/// A frame under construction.
#[derive(Debug)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
}

impl Builder {
    /// Begins a frame in `buffer`, whose content is dropped.
    pub(crate) fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(HEADER_BYTES, 0);
        Self { bytes: buffer }
    }

    pub(crate) fn hard_state(&mut self, state: &HardState) {
        self.bytes.push(HARD_STATE);
        for number in [state.term, state.vote, state.commit] {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// `entries` are not empty and follow each other.
    pub(crate) fn entries(&mut self, entries: &[Entry]) {
        self.bytes.push(ENTRIES);
        self.bytes.extend_from_slice(&length(entries.len()));
        let first = entries.first().map_or(0, |entry| entry.index);
        self.bytes.extend_from_slice(&first.to_le_bytes());
        for entry in entries {
            self.bytes.push(entry.entry_type as u8);
            self.bytes.extend_from_slice(&entry.term.to_le_bytes());
            self.bytes.extend_from_slice(&length(entry.context.len()));
            self.bytes.extend_from_slice(&length(entry.data.len()));
            self.bytes.extend_from_slice(&entry.context);
            self.bytes.extend_from_slice(&entry.data);
        }
    }

    pub(crate) fn restart(&mut self, index: u64, term: u64) {
        self.bytes.push(RESTART);
        self.bytes.extend_from_slice(&index.to_le_bytes());
        self.bytes.extend_from_slice(&term.to_le_bytes());
    }

    /// Bytes the finished frame takes, padding included.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGN_BYTES)
    }

    /// Seals the frame for `segment` as its `sequence`th.
    pub(crate) fn finish(mut self, segment: u64, sequence: u64) -> Vec<u8> {
        let payload = self.bytes.len() - HEADER_BYTES;
        self.bytes[..4].copy_from_slice(&length(payload));
        self.bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
        let crc = checksum(segment, &self.bytes[..4], &self.bytes[8..]);
        self.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGN_BYTES), 0);
        self.bytes
    }
}

/// Bytes that `entries` add to a frame.
pub(crate) fn entries_size_bytes(entries: &[Entry]) -> usize {
    let each = |entry: &Entry| 17 + entry.context.len() + entry.data.len();
    if entries.is_empty() { 0 } else { 13 + entries.iter().map(each).sum::<usize>() }
}

fn length(count: usize) -> [u8; 4] {
    u32::try_from(count).expect("the log refuses frames of more than 4 GiB").to_le_bytes()
}

/// Covers the segment's number, so that frames left in a recycled file never read as new ones.
fn checksum(segment: u64, length: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(length);
    hasher.update(rest);
    hasher.finalize()
}

/// The sequence number that the header at the start of `bytes` claims, if there is one.
pub(crate) fn claimed_sequence(bytes: &[u8]) -> Option<u64> {
    let claimed = bytes.get(8..HEADER_BYTES)?.try_into().ok()?;
    Some(u64::from_le_bytes(claimed))
}

/// The whole frame at the start of `bytes`: its payload and the bytes that it takes. `None` when
/// there is none, or it is not whole, or it was written for another segment.
pub(crate) fn open(bytes: &[u8], segment: u64) -> Option<(u64, &[u8], usize)> {
    let sequence = claimed_sequence(bytes)?;
    let length = u32::from_le_bytes(bytes[..4].try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(bytes[4..8].try_into().ok()?);
    let rest = bytes.get(8..HEADER_BYTES.checked_add(length)?)?;
    if sequence == 0 || checksum(segment, &bytes[..4], rest) != crc {
        return None;
    }
    let size = (HEADER_BYTES + length).next_multiple_of(ALIGN_BYTES);
    Some((sequence, &rest[HEADER_BYTES - 8..], size))
}

/// The records of a payload, or what does not fit in it.
pub(crate) fn records(payload: &[u8]) -> Result<Vec<Record>, &'static str> {
    let mut reader = Reader::new(payload);
    let mut records = Vec::new();
    while !reader.is_empty() {
        records.push(record(&mut reader).ok_or("a record is cut short or of an unknown kind")?);
    }
    Ok(records)
}

fn record(reader: &mut Reader<'_>) -> Option<Record> {
    Some(match reader.u8()? {
        HARD_STATE => Record::HardState(HardState {
            term: reader.u64()?,
            vote: reader.u64()?,
            commit: reader.u64()?,
            ..HardState::default()
        }),
        ENTRIES => {
            let count = reader.u32()?;
            let first = reader.u64()?;
            // An entry takes at least its 17 bytes: a count beyond that is damage, not a demand
            // for memory.
            if count as usize > reader.remaining() / 17 || first.checked_add(count.into()).is_none()
            {
                return None;
            }
            let entries = (0..u64::from(count)).map(|at| entry(reader, first + at));
            Record::Entries(entries.collect::<Option<Vec<_>>>()?)
        }
        RESTART => Record::Restart { index: reader.u64()?, term: reader.u64()? },
        _ => return None,
    })
}

fn entry(reader: &mut Reader<'_>, index: u64) -> Option<Entry> {
    let entry_type = match reader.u8()? {
        0 => EntryType::EntryNormal,
        1 => EntryType::EntryConfChange,
        2 => EntryType::EntryConfChangeV2,
        _ => return None,
    };
    let term = reader.u64()?;
    let context = reader.u32()? as usize;
    let data = reader.u32()? as usize;
    Some(Entry {
        entry_type,
        term,
        index,
        context: Bytes::copy_from_slice(reader.bytes(context)?),
        data: Bytes::copy_from_slice(reader.bytes(data)?),
        ..Entry::default()
    })
}
