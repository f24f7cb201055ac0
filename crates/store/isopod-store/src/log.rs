//! The write-ahead log: what Raft must not forget, in preallocated segments.
//!
//! One append is one frame, one write and one sync; who has more to write meanwhile gathers it for
//! the next. `DESIGN.md` draws the bytes and lists the order of syncs. The log knows entries by
//! index and term only, not what is in them.

mod error;
mod frame;
mod recovery;
mod segment;
mod spare;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raft::eraftpb::{Entry, HardState};

use crate::disk::{Disk, DiskFile};
pub use error::LogError;
pub use recovery::Recovered;
use segment::Header;
pub use spare::Spare;

/// Sizes of a log's files.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// Size of a segment.
    pub segment_bytes: u64,
    /// Size of the very first one, which somebody waits for.
    pub first_segment_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, first_segment_bytes: 2 << 20 }
    }
}

/// The open end of a log.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: LogOptions,
    active: Active,
    /// Older segments, oldest first.
    sealed: VecDeque<Sealed>,
    spare: Spare,
    /// Sequence number of the last frame.
    sequence: u64,
    hard_state: HardState,
    last_index: u64,
    last_term: u64,
    buffer: Vec<u8>,
    broken: bool,
    /// Whether a frame follows the last one that holds anything, which proves that it was synced.
    proven: bool,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    number: u64,
    /// Where the next frame goes.
    end: u64,
    size_bytes: u64,
}

/// A segment that is full.
#[derive(Debug)]
struct Sealed {
    number: u64,
    size_bytes: u64,
    /// The last entry before the segment that follows it.
    last_index: u64,
}

impl Log {
    /// Opens the log in `dir`, or begins one there.
    ///
    /// `applied` is index and term of the checkpoint that the caller has (zeros without one): what
    /// the log holds up to there is not returned. A torn last frame, which was never acknowledged,
    /// is dropped; anything else that does not read back is an error naming file and offset.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: LogOptions,
        applied: (u64, u64),
    ) -> Result<Recovered, LogError> {
        recovery::open(disk, dir, options, applied)
    }

    /// Appends entries, the hard state when it changed, and waits until both are durable.
    ///
    /// Entries follow each other; what the log holds from the first one's index on is replaced.
    /// On [`LogError::NoSpace`] and [`LogError::Io`] the log is as it was before.
    pub fn append(
        &mut self,
        hard_state: Option<&HardState>,
        entries: &[Entry],
    ) -> Result<(), LogError> {
        let mut frame = frame::Builder::new(std::mem::take(&mut self.buffer));
        if let Some(state) = hard_state {
            frame.hard_state(state);
        }
        if !entries.is_empty() {
            frame.entries(entries);
        }
        self.write(frame)?;
        self.proven = false;
        if let Some(state) = hard_state {
            self.hard_state = state.clone();
        }
        if let Some(last) = entries.last() {
            (self.last_index, self.last_term) = (last.index, last.term);
        }
        Ok(())
    }

    /// Empties the log: it goes on behind `index` and `term`, which a durable checkpoint holds.
    pub fn restart(
        &mut self,
        hard_state: &HardState,
        index: u64,
        term: u64,
    ) -> Result<(), LogError> {
        let mut frame = frame::Builder::new(std::mem::take(&mut self.buffer));
        frame.hard_state(hard_state);
        frame.restart(index, term);
        self.write(frame)?;
        self.proven = false;
        self.hard_state = hard_state.clone();
        (self.last_index, self.last_term) = (index, term);
        Ok(())
    }

    /// Writes an empty frame unless one ends the log already.
    ///
    /// A damaged last frame could not be told from one that was being written when power failed:
    /// with another behind it, it can. For when nothing else is to do.
    pub fn seal(&mut self) -> Result<(), LogError> {
        if self.proven || self.sequence == 0 {
            return Ok(());
        }
        let frame = frame::Builder::new(std::mem::take(&mut self.buffer));
        self.write(frame)?;
        self.proven = true;
        Ok(())
    }

    /// Gives back the segments whose entries are all covered by a durable checkpoint at `index`.
    ///
    /// Failures leave files behind, which the next call or opening removes.
    pub fn cut(&mut self, index: u64) -> Result<(), LogError> {
        while let Some(oldest) = self.sealed.front() {
            if oldest.last_index > index {
                break;
            }
            let path = segment::path(&self.dir, oldest.number);
            if !self.spare.recycle(&path, oldest.size_bytes) {
                self.disk.remove(&path).map_err(LogError::io("remove", &path))?;
            }
            self.sealed.pop_front();
        }
        Ok(())
    }

    /// Bytes that can be appended for certain: the file system has laid them out already.
    #[must_use]
    pub fn room_bytes(&self) -> u64 {
        let spare = self.spare.size_bytes().saturating_sub(segment::HEADER_BYTES);
        spare.max(self.active.size_bytes - self.active.end)
    }

    /// Bytes that [`Log::append`] needs for these entries, at most.
    #[must_use]
    pub fn needed_bytes(entries: &[Entry]) -> u64 {
        (frame::HEADER_BYTES + 25 + frame::entries_size_bytes(entries) + frame::ALIGN_BYTES) as u64
    }

    /// Bytes of the segments in use.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.active.end + self.sealed.iter().map(|segment| segment.size_bytes).sum::<u64>()
    }

    /// The handle that lays out the next segment ahead of need.
    #[must_use]
    pub fn spare(&self) -> Spare {
        self.spare.clone()
    }

    /// Sequence number of the last frame.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The last hard state appended.
    #[must_use]
    pub fn hard_state(&self) -> &HardState {
        &self.hard_state
    }

    fn write(&mut self, frame: frame::Builder) -> Result<(), LogError> {
        if self.broken {
            return Err(LogError::Broken { path: self.active.path.clone() });
        }
        if self.active.size_bytes - self.active.end < frame.size_bytes() as u64 {
            self.rotate(frame.size_bytes() as u64)?;
        }
        let frame = frame.finish(self.active.number, self.sequence + 1);
        let outcome = (self.active.file.write_at(&frame, self.active.end))
            .map_err(LogError::unknown("write to", &self.active.path))
            .and_then(|()| {
                self.active.file.sync().map_err(LogError::unknown("sync", &self.active.path))
            });
        self.broken = outcome.is_err();
        outcome?;
        self.active.end += frame.len() as u64;
        self.sequence += 1;
        self.buffer = frame;
        // One large frame must not hold memory for ever.
        self.buffer.shrink_to(256 << 10);
        Ok(())
    }

    /// Begins the next segment, with room for a frame of `needed_bytes`.
    fn rotate(&mut self, needed_bytes: u64) -> Result<(), LogError> {
        let header = Header {
            number: self.active.number + 1,
            first_sequence: self.sequence + 1,
            hard_state: self.hard_state.clone(),
            last_index: self.last_index,
            last_term: self.last_term,
        };
        let size_bytes = self.options.segment_bytes.max(segment::HEADER_BYTES + needed_bytes);
        let next = begin(self.disk.as_ref(), &self.dir, &self.spare, &header, size_bytes)
            .inspect_err(|error| self.broken = matches!(error, LogError::Unknown { .. }))?;
        let full = std::mem::replace(&mut self.active, next);
        self.sealed.push_back(Sealed {
            number: full.number,
            size_bytes: full.size_bytes,
            last_index: self.last_index,
        });
        Ok(())
    }
}

/// Makes the segment that `header` describes, durably.
fn begin(
    disk: &dyn Disk,
    dir: &Path,
    spare: &Spare,
    header: &Header,
    size_bytes: u64,
) -> Result<Active, LogError> {
    let path = segment::path(dir, header.number);
    let waiting = segment::spare_path(dir);
    let (file, size_bytes) = spare.take(size_bytes).map_err(|source| match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            LogError::NoSpace { path: path.clone(), source }
        }
        _ => LogError::io("lay out", &path)(source),
    })?;
    file.write_at(&header.encode(), 0).map_err(LogError::io("write to", &waiting))?;
    file.sync().map_err(LogError::io("sync", &waiting))?;
    disk.rename(&waiting, &path).map_err(LogError::io("rename", &waiting))?;
    disk.sync_dir(dir).map_err(LogError::unknown("sync", dir))?;
    let number = header.number;
    Ok(Active { file, path, number, end: segment::HEADER_BYTES, size_bytes })
}
