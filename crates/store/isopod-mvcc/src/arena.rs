//! Where records live: segments of memory that are written once, front to back.
//!
//! A record is found by its [`Location`]. There are two kinds of segments. *History* holds records
//! in the order of their revisions, and is read in that order by watches that catch up. A segment
//! of history that compaction has gone through becomes part of the *base*, whose order means
//! nothing; when half of a base segment is dead, its living records are moved together elsewhere
//! and it is given back whole. So space comes back without a stop, and reads of sealed segments
//! share their memory instead of copying.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use crate::record::{self, Record, Stamp};
use crate::{KeyValue, Revision};

/// A segment is sealed when the next record would make it larger.
const SEGMENT_BYTES: usize = 256 << 10;
/// Sealed segments that waste more than this are copied to their size.
const WASTE_BYTES: usize = SEGMENT_BYTES / 16;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    slot: u32,
    offset: u32,
}

/// A place within the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cursor {
    offset: usize,
}

struct Segment {
    data: Data,
    /// Offsets of records that nothing refers to any more.
    dead: Vec<u32>,
    dead_bytes: usize,
    /// Of the first record; 0 in the base.
    first_revision: Revision,
    is_base: bool,
}

enum Data {
    Open(Vec<u8>),
    Sealed(Bytes),
}

impl Data {
    fn bytes(&self) -> &[u8] {
        match self {
            Data::Open(bytes) => bytes,
            Data::Sealed(bytes) => bytes,
        }
    }
}

/// All segments.
#[derive(Default)]
pub(crate) struct Arena {
    slots: Vec<Option<Segment>>,
    free: Vec<u32>,
    /// Segments of history, oldest first. Only the last may be open.
    history: VecDeque<u32>,
    /// How far the first segment of history is cleaned.
    cleaned: Cursor,
    /// The base segment that takes what is moved.
    open_base: Option<u32>,
    /// Base segments of which half is dead.
    sparse: BTreeSet<u32>,
    /// The sparse segment that is being moved, and how far.
    moving: Option<(u32, usize)>,
    bytes: usize,
    dead_bytes: usize,
}

/// A segment as a snapshot sees it.
pub(crate) struct SealedSegment {
    pub(crate) bytes: Bytes,
    /// Offsets of dead records, in no order.
    pub(crate) dead: Vec<u32>,
}

impl Arena {
    /// Appends a record to the history; `write` must append exactly one, at most `bound` bytes.
    pub(crate) fn append(
        &mut self,
        revision: Revision,
        bound: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Location {
        let slot = match self.history.back().copied().filter(|slot| self.has_room(*slot, bound)) {
            Some(slot) => slot,
            None => {
                if let Some(full) = self.history.back().copied() {
                    self.seal(full);
                }
                let slot = self.insert(Segment {
                    data: Data::Open(Vec::new()),
                    dead: Vec::new(),
                    dead_bytes: 0,
                    first_revision: revision,
                    is_base: false,
                });
                self.history.push_back(slot);
                slot
            }
        };
        self.write(slot, write)
    }

    /// The key of a record.
    #[inline]
    pub(crate) fn key(&self, location: Location) -> &[u8] {
        record::key(self.data(location.slot).bytes(), location.offset as usize)
            .expect("locations are of whole records")
    }

    /// When a record was written.
    #[inline]
    pub(crate) fn stamp(&self, location: Location) -> Stamp {
        record::stamp(self.data(location.slot).bytes(), location.offset as usize)
            .expect("locations are of whole records")
    }

    /// A record's fields, and the bytes that they are places of.
    pub(crate) fn record(&self, location: Location) -> (Record, &[u8]) {
        let bytes = self.data(location.slot).bytes();
        let record = record::read(bytes, location.offset as usize);
        (record.expect("locations are of whole records"), bytes)
    }

    /// A record's bytes: the same for the same change on every member.
    pub(crate) fn record_bytes(&self, location: Location) -> &[u8] {
        let (record, bytes) = self.record(location);
        &bytes[location.offset as usize..record.end]
    }

    /// A record as a key with its value; of a sealed segment it shares the memory.
    pub(crate) fn key_value(&self, location: Location, with_value: bool) -> KeyValue {
        let (record, _) = self.record(location);
        key_value(self.data(location.slot), &record, with_value)
    }

    /// Bytes held, and bytes of them that are alive.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.bytes, self.bytes - self.dead_bytes)
    }

    /// Walks through the records of the history from the first at `from` on, until `visit` is done.
    pub(crate) fn walk_history(
        &self,
        from: Revision,
        mut visit: impl FnMut(Stamp, &[u8], Location) -> bool,
    ) {
        // The segment before the first that begins later may hold the revision's first record.
        let after = self.history.partition_point(|slot| self.segment(*slot).first_revision < from);
        for slot in self.history.iter().skip(after.saturating_sub(1)).copied() {
            let bytes = self.data(slot).bytes();
            let mut offset = 0;
            while offset < bytes.len() {
                let record = record::read(bytes, offset).expect("segments hold records");
                let location = Location { slot, offset: offset as u32 };
                offset = record.end;
                let is_wanted = record.stamp.revision >= from;
                if is_wanted && !visit(record.stamp, &bytes[record.key], location) {
                    return;
                }
            }
        }
    }

    /// The next record of the history that is older than `before` and was not given yet. What was
    /// given belongs to the base once its segment is through.
    pub(crate) fn next_to_clean(&mut self, before: Revision) -> Option<Location> {
        loop {
            let slot = *self.history.front()?;
            let bytes = self.data(slot).bytes();
            if self.cleaned.offset < bytes.len() {
                let offset = self.cleaned.offset;
                let record = record::read(bytes, offset).expect("segments hold records");
                if record.stamp.revision >= before {
                    return None;
                }
                self.cleaned.offset = record.end;
                return Some(Location { slot, offset: offset as u32 });
            }
            if self.history.len() == 1 {
                return None;
            }
            self.history.pop_front();
            self.cleaned = Cursor::default();
            self.segment_mut(slot).is_base = true;
            self.note_sparse(slot);
        }
    }

    /// Nothing refers to this record any more.
    pub(crate) fn kill(&mut self, location: Location) {
        let (record, _) = self.record(location);
        let size = record.end - location.offset as usize;
        let segment = self.segment_mut(location.slot);
        segment.dead.push(location.offset);
        segment.dead_bytes += size;
        self.dead_bytes += size;
        self.note_sparse(location.slot);
    }

    /// The next record, dead or alive, of a segment that is being emptied. A segment that is
    /// through is given back.
    pub(crate) fn next_to_move(&mut self) -> Option<Location> {
        loop {
            let (slot, offset) = match self.moving {
                Some(place) => place,
                None => (self.sparse.pop_first()?, 0),
            };
            let bytes = self.data(slot).bytes();
            if offset < bytes.len() && self.segment(slot).dead_bytes < bytes.len() {
                let record = record::read(bytes, offset).expect("segments hold records");
                self.moving = Some((slot, record.end));
                return Some(Location { slot, offset: offset as u32 });
            }
            self.moving = None;
            self.release(slot);
        }
    }

    /// Copies a living record into the base: its new place. The old one is dead.
    pub(crate) fn relocate(&mut self, location: Location) -> Location {
        let copy = self.record_bytes(location).to_vec();
        let slot = match self.open_base.filter(|slot| self.has_room(*slot, copy.len())) {
            Some(slot) => slot,
            None => {
                if let Some(full) = self.open_base.take() {
                    self.seal(full);
                    self.note_sparse(full);
                }
                let slot = self.insert(Segment {
                    data: Data::Open(Vec::new()),
                    dead: Vec::new(),
                    dead_bytes: 0,
                    first_revision: 0,
                    is_base: true,
                });
                self.open_base = Some(slot);
                slot
            }
        };
        let place = self.write(slot, |buffer| buffer.extend_from_slice(&copy));
        self.kill(location);
        place
    }

    /// All segments: those of the base in no order, those of the history in theirs.
    pub(crate) fn seal_all(&self) -> (Vec<SealedSegment>, Vec<SealedSegment>) {
        let sealed = |segment: &Segment| SealedSegment {
            bytes: match &segment.data {
                Data::Open(bytes) => Bytes::copy_from_slice(bytes),
                Data::Sealed(bytes) => bytes.clone(),
            },
            dead: segment.dead.clone(),
        };
        let base = self.slots.iter().flatten().filter(|segment| segment.is_base);
        let history = self.history.iter().map(|slot| self.segment(*slot));
        (base.map(sealed).collect(), history.map(sealed).collect())
    }

    /// Takes in a sealed segment of a snapshot. `first_revision` is that of its first record, or
    /// none for a segment of the base. Locations of its records follow from their offsets.
    pub(crate) fn adopt(&mut self, bytes: Bytes, first_revision: Option<Revision>) -> u32 {
        self.bytes += bytes.len();
        let slot = self.insert(Segment {
            data: Data::Sealed(bytes),
            dead: Vec::new(),
            dead_bytes: 0,
            first_revision: first_revision.unwrap_or(0),
            is_base: first_revision.is_none(),
        });
        if first_revision.is_some() {
            self.history.push_back(slot);
        }
        slot
    }

    fn has_room(&self, slot: u32, bound: usize) -> bool {
        match self.data(slot) {
            Data::Open(bytes) => bytes.is_empty() || bytes.len() + bound <= SEGMENT_BYTES,
            Data::Sealed(_) => false,
        }
    }

    fn write(&mut self, slot: u32, write: impl FnOnce(&mut Vec<u8>)) -> Location {
        let Data::Open(bytes) = &mut self.segment_mut(slot).data else {
            unreachable!("only open segments have room");
        };
        let offset = bytes.len();
        write(bytes);
        let written = bytes.len() - offset;
        self.bytes += written;
        Location { slot, offset: offset as u32 }
    }

    fn seal(&mut self, slot: u32) {
        let segment = self.segment_mut(slot);
        if let Data::Open(bytes) = &mut segment.data {
            let mut bytes = std::mem::take(bytes);
            if bytes.capacity() - bytes.len() > WASTE_BYTES {
                bytes.shrink_to_fit();
            }
            segment.data = Data::Sealed(bytes.into());
        }
    }

    /// Marks a base segment for emptying if half of it is dead.
    fn note_sparse(&mut self, slot: u32) {
        let segment = self.segment(slot);
        let sparse = segment.dead_bytes * 2 > segment.data.bytes().len();
        let moving = self.moving.is_some_and(|(moving, _)| moving == slot);
        if segment.is_base && sparse && !moving && self.open_base != Some(slot) {
            self.sparse.insert(slot);
        }
    }

    fn insert(&mut self, segment: Segment) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(segment);
                slot
            }
            None => {
                self.slots.push(Some(segment));
                u32::try_from(self.slots.len() - 1).expect("memory is smaller than 2^32 segments")
            }
        }
    }

    fn release(&mut self, slot: u32) {
        let segment = self.slots[slot as usize].take().expect("only segments are released");
        self.bytes -= segment.data.bytes().len();
        self.dead_bytes -= segment.dead_bytes;
        self.free.push(slot);
    }

    fn segment(&self, slot: u32) -> &Segment {
        self.slots[slot as usize].as_ref().expect("slots in use hold segments")
    }

    fn segment_mut(&mut self, slot: u32) -> &mut Segment {
        self.slots[slot as usize].as_mut().expect("slots in use hold segments")
    }

    #[inline]
    fn data(&self, slot: u32) -> &Data {
        &self.segment(slot).data
    }
}

impl Location {
    /// The record at `offset` of a segment that was taken in.
    pub(crate) fn new(slot: u32, offset: u32) -> Self {
        Self { slot, offset }
    }
}

fn key_value(data: &Data, record: &Record, with_value: bool) -> KeyValue {
    let value = if with_value { record.value.clone() } else { 0..0 };
    let (key, value) = match data {
        Data::Sealed(bytes) => (bytes.slice(record.key.clone()), bytes.slice(value)),
        Data::Open(bytes) => {
            // One allocation for both.
            let (key, value) = (&bytes[record.key.clone()], &bytes[value]);
            let mut copy = Vec::with_capacity(key.len() + value.len());
            copy.extend_from_slice(key);
            copy.extend_from_slice(value);
            let mut key_bytes = Bytes::from(copy);
            let value = key_bytes.split_off(key.len());
            (key_bytes, value)
        }
    };
    KeyValue {
        key,
        value,
        create_revision: record.create_revision,
        mod_revision: record.stamp.revision,
        version: record.version,
        lease: record.lease,
    }
}
