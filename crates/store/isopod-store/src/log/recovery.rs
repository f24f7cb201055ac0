//! Opening a log: what a crash left is read back, judged, and made fit to append to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use raft::eraftpb::{Entry, HardState};

use super::frame::{self, Record};
use super::segment::{self, Header};
use super::{Active, Log, LogError, LogOptions, Sealed, Spare, begin};
use crate::disk::{Disk, DiskFile};

/// A log and what it held.
#[derive(Debug)]
pub struct Recovered {
    /// The log, open at its end.
    pub log: Log,
    /// The last hard state.
    pub hard_state: HardState,
    /// The entries behind the checkpoint, without gaps.
    pub entries: Vec<Entry>,
    /// File and offset of a last frame that was being written at the crash, and was dropped.
    pub torn: Option<(PathBuf, u64)>,
}

/// What reading has found so far.
struct Reader<'a> {
    dir: &'a Path,
    applied: (u64, u64),
    hard_state: HardState,
    last: (u64, u64),
    entries: Vec<Entry>,
    /// The term that the log has for the checkpoint's entry, once it came by.
    term_at_applied: Option<u64>,
    sequence: u64,
}

/// A segment read to its last whole frame.
struct Read {
    file: Box<dyn DiskFile>,
    end: u64,
    size_bytes: u64,
    torn: bool,
    proven: bool,
}

pub(crate) fn open(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: LogOptions,
    applied: (u64, u64),
) -> Result<Recovered, LogError> {
    disk.create_dir(dir).map_err(LogError::io("create", dir))?;
    let spare = Spare::new(Arc::clone(&disk), dir, options.segment_bytes);
    let headers = headers_in_use(disk.as_ref(), dir, applied.0)?;
    let Some(oldest) = headers.first() else {
        return create(disk, dir, options, applied, spare);
    };
    let mut reader = Reader {
        dir,
        applied,
        hard_state: oldest.hard_state.clone(),
        last: (oldest.last_index, oldest.last_term),
        entries: Vec::new(),
        term_at_applied: None,
        sequence: oldest.first_sequence - 1,
    };
    reader.pass(oldest.last_index, oldest.last_term);
    let mut sealed = std::collections::VecDeque::new();
    let mut read = reader.segment(disk.as_ref(), oldest)?;
    for (before, header) in headers.iter().zip(&headers[1..]) {
        if header.first_sequence != reader.sequence + 1 {
            return Err(LogError::Damaged {
                path: segment::path(dir, before.number),
                offset: read.end,
                reason: "a frame is bad, and the segment behind it is not",
            });
        }
        let (number, size_bytes) = (before.number, read.size_bytes);
        sealed.push_back(Sealed { number, size_bytes, last_index: header.last_index });
        read = reader.segment(disk.as_ref(), header)?;
    }
    let number = headers.last().unwrap_or(oldest).number;
    let path = segment::path(dir, number);
    // What was read may be in memory only, if the process died and the machine did not: nothing
    // may be answered on its strength before it is durable.
    read.file.sync().map_err(LogError::io("sync", &path))?;
    disk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
    let torn = read.torn.then(|| (path.clone(), read.end));
    let (file, end, size_bytes) = (read.file, read.end, read.size_bytes);
    let mut log = Log {
        disk,
        dir: dir.to_path_buf(),
        options,
        active: Active { file, path, number, end, size_bytes },
        sealed,
        spare,
        sequence: reader.sequence,
        hard_state: reader.hard_state.clone(),
        last_index: reader.last.0,
        last_term: reader.last.1,
        buffer: Vec::new(),
        broken: false,
        proven: read.proven,
    };
    if reader.term_at_applied != Some(applied.1) {
        // The checkpoint came from another member and the crash came before the log followed.
        reader.entries.clear();
        log.restart(&reader.hard_state, applied.0, applied.1)?;
    }
    Ok(Recovered { log, hard_state: reader.hard_state, entries: reader.entries, torn })
}

/// Begins a log where none is.
fn create(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: LogOptions,
    applied: (u64, u64),
    spare: Spare,
) -> Result<Recovered, LogError> {
    let hard_state = HardState { term: applied.1, commit: applied.0, ..HardState::default() };
    let header = Header {
        number: 1,
        first_sequence: 1,
        hard_state: hard_state.clone(),
        last_index: applied.0,
        last_term: applied.1,
    };
    let active = begin(disk.as_ref(), dir, &spare, &header, options.first_segment_bytes)?;
    let log = Log {
        disk,
        dir: dir.to_path_buf(),
        options,
        active,
        sealed: std::collections::VecDeque::new(),
        spare,
        sequence: 0,
        hard_state: hard_state.clone(),
        last_index: applied.0,
        last_term: applied.1,
        buffer: Vec::new(),
        broken: false,
        proven: true,
    };
    Ok(Recovered { log, hard_state, entries: Vec::new(), torn: None })
}

/// The headers of the segments from the newest back to the one that the checkpoint reaches into,
/// oldest first. Older ones are what is left of a cut: they are removed, unread.
fn headers_in_use(disk: &dyn Disk, dir: &Path, applied: u64) -> Result<Vec<Header>, LogError> {
    let names = disk.list(dir).map_err(LogError::io("list", dir))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    numbers.sort_unstable();
    let mut headers = Vec::new();
    while let Some(number) = numbers.pop() {
        let header = header(disk, dir, number)?;
        let enough = header.last_index <= applied;
        headers.push(header);
        if enough {
            break;
        }
        if numbers.last().is_some_and(|before| *before != number - 1) || numbers.is_empty() {
            return Err(LogError::Missing { path: segment::path(dir, number - 1) });
        }
    }
    for number in numbers {
        let path = segment::path(dir, number);
        disk.remove(&path).map_err(LogError::io("remove", &path))?;
    }
    headers.reverse();
    Ok(headers)
}

fn header(disk: &dyn Disk, dir: &Path, number: u64) -> Result<Header, LogError> {
    let path = segment::path(dir, number);
    let mut bytes = [0; segment::HEADER_BYTES as usize];
    let file = disk.open(&path).map_err(LogError::io("open", &path))?;
    let whole = file.read_at(&mut bytes, 0).is_ok();
    whole.then(|| Header::decode(number, &bytes)).flatten().ok_or(LogError::Damaged {
        path,
        offset: 0,
        reason: "the header is not that of this segment",
    })
}

impl Reader<'_> {
    /// Reads a segment's frames up to the first that is not whole.
    fn segment(&mut self, disk: &dyn Disk, header: &Header) -> Result<Read, LogError> {
        let path = segment::path(self.dir, header.number);
        let file = disk.open(&path).map_err(LogError::io("open", &path))?;
        let size_bytes = file.size_bytes().map_err(LogError::io("read", &path))?;
        let mut bytes = vec![0; usize::try_from(size_bytes).unwrap_or(usize::MAX)];
        file.read_at(&mut bytes, 0).map_err(LogError::io("read", &path))?;
        let mut end = segment::HEADER_BYTES as usize;
        let mut proven = self.sequence == 0;
        while let Some((sequence, payload, size)) =
            bytes.get(end..).and_then(|rest| frame::open(rest, header.number))
        {
            let damaged =
                |reason| LogError::Damaged { path: path.clone(), offset: end as u64, reason };
            if sequence != self.sequence + 1 {
                return Err(damaged("a frame is out of its order"));
            }
            for record in frame::records(payload).map_err(damaged)? {
                self.record(record).map_err(damaged)?;
            }
            self.sequence = sequence;
            proven = payload.is_empty();
            end += size;
        }
        let rest = bytes.get(end..).unwrap_or_default();
        if later_frame(rest, header.number, self.sequence) {
            return Err(LogError::Damaged {
                path,
                offset: end as u64,
                reason: "a frame is bad, and a later one is not",
            });
        }
        let torn = frame::claimed_sequence(rest) == Some(self.sequence + 1);
        let end = end as u64;
        Ok(Read { file, end, size_bytes, torn, proven })
    }

    fn record(&mut self, record: Record) -> Result<(), &'static str> {
        match record {
            Record::HardState(state) => self.hard_state = state,
            Record::Restart { index, term } => {
                self.entries.clear();
                self.term_at_applied = None;
                self.last = (index, term);
                self.pass(index, term);
            }
            Record::Entries(entries) => {
                let Some(first) = entries.first().map(|entry| entry.index) else { return Ok(()) };
                if first > self.last.0 + 1 {
                    return Err("entries are missing before these");
                }
                let kept = self.entries.partition_point(|entry| entry.index < first);
                self.entries.truncate(kept);
                for entry in entries {
                    self.last = (entry.index, entry.term);
                    self.pass(entry.index, entry.term);
                    if entry.index > self.applied.0 {
                        self.entries.push(entry);
                    }
                }
            }
        }
        Ok(())
    }

    /// Remembers the term of the entry that the checkpoint ends with.
    fn pass(&mut self, index: u64, term: u64) {
        if index == self.applied.0 {
            self.term_at_applied = Some(term);
        }
    }
}

/// Whether a frame that was begun after the bad one at the start of `rest` is whole. Since each
/// frame is synced before the next is begun, the bad one had then been durable.
fn later_frame(rest: &[u8], segment: u64, sequence: u64) -> bool {
    // The bad frame may have lost its length, so every place is a candidate. Sequence numbers are
    // compared first, which keeps this a scan and not a checksum at every place.
    let expected = sequence + 2..sequence + 2 + (1 << 20);
    let mut at = frame::ALIGN_BYTES;
    while let Some(candidate) = rest.get(at..) {
        let Some(claimed) = frame::claimed_sequence(candidate) else { break };
        if expected.contains(&claimed) && frame::open(candidate, segment).is_some() {
            return true;
        }
        at += frame::ALIGN_BYTES;
    }
    false
}
