//! Reading an archive from a stream.

use std::io::{self, Read};

use crate::header::{Dialect, Entry, Field, Header, Kind};
use crate::pax::{Pax, pieces};
use crate::sparse::{DataMap, old_map};
use crate::{BLOCK, Error};

/// Bytes read from the input at once.
const BUFFER: usize = 256 << 10;

/// Bounds on what an archive may ask of its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the archive. Default none.
    pub entries: u64,
    /// Bytes that one entry stores. Default none.
    pub entry_bytes: u64,
    /// Bytes of the extended headers (pax, GNU long names) of one entry. Default 1 MiB.
    pub header_bytes: usize,
    /// Pieces of one sparse file. Default 1,000,000.
    pub sparse_pieces: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: u64::MAX,
            entry_bytes: i64::MAX as u64,
            header_bytes: 1 << 20,
            sparse_pieces: 1_000_000,
        }
    }
}

/// Reads the entries of an archive one after the other, each followed by its data.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Offset in the archive of `start`.
    offset: u64,
    /// Data of the present entry that was not handed out yet.
    remaining: u64,
    /// Bytes that fill its last block.
    padding: u64,
    limits: Limits,
    entries: u64,
    finished: bool,
    /// What headers for all entries say, if they are to be heeded.
    global: Option<Pax>,
    ignore_zeros: bool,
    /// Where the entries end.
    end_of_entries: u64,
    skip: Option<Skip<R>>,
}

/// Passes over bytes of the input without reading them; tells how many it passed over.
type Skip<R> = fn(&mut R, u64) -> io::Result<u64>;

/// Less than this is read rather than skipped.
const WORTH_SKIPPING: u64 = 1 << 20;

impl<R: Read> Reader<R> {
    /// A reader over `input`, within `limits`.
    pub fn new(input: R, limits: &Limits) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            offset: 0,
            remaining: 0,
            padding: 0,
            limits: limits.clone(),
            entries: 0,
            finished: false,
            global: None,
            ignore_zeros: false,
            end_of_entries: 0,
            skip: None,
        }
    }

    /// Has a quicker way to pass over large data that nobody asks for: `skip` moves the input
    /// forward, by no more than it is told, and says by how much.
    #[must_use]
    pub fn skipping_by(mut self, skip: fn(&mut R, u64) -> io::Result<u64>) -> Self {
        self.skip = Some(skip);
        self
    }

    /// Heeds the pax headers that speak of all entries that follow. Image layers are read without:
    /// Docker and containerd take no notice of them.
    #[must_use]
    pub fn with_global_headers(mut self) -> Self {
        self.global = Some(Pax::default());
        self
    }

    /// Takes blocks of zeros for padding and not for the end, so that archives may follow each
    /// other.
    #[must_use]
    pub fn ignoring_zeros(mut self) -> Self {
        self.ignore_zeros = true;
        self
    }

    /// The next entry, or nothing at the end of the archive. Data that was not read is skipped.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Error> {
        self.skip_data()?;
        if self.finished {
            return Ok(None);
        }
        let mut pax = self.global.clone().unwrap_or_default();
        let mut long_path = None;
        let mut long_link = None;
        let mut extended = 0usize;
        loop {
            let at = self.offset;
            let Some(block) = self.header_block()? else {
                if extended > 0 {
                    return Err(self.truncated("an extended header without its entry"));
                }
                return Ok(None);
            };
            let header = Header(&block);
            if !header.checksum_fits() {
                return Err(Error::Format {
                    offset: at,
                    reason: "the checksum of the header does not fit: this is not a tar archive, or it is damaged".to_owned(),
                });
            }
            let bad = |reason: String| Error::Format { offset: at, reason };
            match header.flag() {
                b'x' | b'X' | b'g' | b'L' | b'K' => {
                    let size = header.field(Field::Size).map_err(bad)?;
                    let size = u64::try_from(size).map_err(|_| bad("negative size".to_owned()))?;
                    let allowed = self.limits.header_bytes - extended;
                    if size > allowed as u64 {
                        return Err(Error::Limit {
                            what: format!("extended header at byte {at} of {size} bytes"),
                            limit: self.limits.header_bytes as u64,
                        });
                    }
                    // Even an empty header counts, so that a chain of them ends.
                    extended += (size as usize).max(BLOCK).min(allowed.max(1));
                    if extended >= self.limits.header_bytes {
                        return Err(Error::Limit {
                            what: format!("extended headers up to byte {at}"),
                            limit: self.limits.header_bytes as u64,
                        });
                    }
                    let bytes = self.extension(size)?;
                    let pieces = self.limits.sparse_pieces;
                    match header.flag() {
                        b'g' => {
                            if let Some(global) = &mut self.global {
                                global.read(&bytes, pieces).map_err(bad)?;
                                pax.read(&bytes, pieces).map_err(bad)?;
                            }
                        }
                        b'L' => long_path = Some(trim_nul(bytes)),
                        b'K' => long_link = Some(trim_nul(bytes)),
                        _ => pax.read(&bytes, pieces).map_err(bad)?,
                    }
                }
                // The name of a GNU volume: says nothing about files.
                b'V' => {
                    let size = header.field(Field::Size).map_err(bad)?.max(0) as u64;
                    self.expect_data(size);
                    self.skip_data()?;
                }
                _ => {
                    pax.path = pax.path.or(long_path);
                    pax.link = pax.link.or(long_link);
                    return self.entry(&block, pax, at).map(Some);
                }
            }
        }
    }

    /// The next chunk of the present entry's stored data; empty at its end.
    pub fn data(&mut self) -> Result<&[u8], Error> {
        self.data_up_to(u64::MAX)
    }

    /// As [`Reader::data`], but no more than `limit` bytes.
    pub fn data_up_to(&mut self, limit: u64) -> Result<&[u8], Error> {
        if self.remaining == 0 || limit == 0 {
            return Ok(&[]);
        }
        if self.start == self.end {
            self.fill()?;
            if self.start == self.end {
                return Err(self.truncated("the data of an entry"));
            }
        }
        let available = self.end - self.start;
        let count =
            usize::try_from(self.remaining.min(limit)).map_or(available, |r| r.min(available));
        let from = self.start;
        self.start += count;
        self.offset += count as u64;
        self.remaining -= count as u64;
        Ok(&self.buffer[from..from + count])
    }

    /// Reads what follows the end of the archive, so that a hash of the input covers all of it.
    pub fn drain(&mut self) -> Result<(), Error> {
        self.skip_data()?;
        loop {
            self.offset += (self.end - self.start) as u64;
            self.start = self.end;
            self.fill()?;
            if self.start == self.end {
                return Ok(());
            }
        }
    }

    /// Bytes of the archive read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the entries end and the zeros begin; known at the end of the archive.
    pub fn end_of_entries(&self) -> u64 {
        self.end_of_entries
    }

    /// The input, wherever it stands.
    pub fn into_inner(self) -> R {
        self.input
    }

    fn entry(&mut self, block: &[u8; BLOCK], pax: Pax, at: u64) -> Result<Entry, Error> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Error::Limit {
                what: "number of entries".to_owned(),
                limit: self.limits.entries,
            });
        }
        let header = Header(block);
        let bad = |reason: String| Error::Format { offset: at, reason };
        let kind = header.kind();
        let path = pax.sparse.name.clone().or(pax.path.clone()).unwrap_or_else(|| header.path());
        let link = pax.link.clone().unwrap_or_else(|| header.link());
        for text in [&path, &link] {
            if text.contains(&0) {
                return Err(bad("a path contains a NUL byte".to_owned()));
            }
        }
        let id = |given: Option<u32>, field| match given {
            Some(id) => Ok(id),
            None => header.field(field).and_then(|id| {
                u32::try_from(id).map_err(|_| format!("owner {id} is not below 2^32"))
            }),
        };
        let mut stored = match kind {
            Kind::File | Kind::Other(_) => match pax.size {
                Some(size) => size,
                None => u64::try_from(header.field(Field::Size).map_err(bad)?)
                    .map_err(|_| bad("negative size".to_owned()))?,
            },
            // Some writers state the size of a link's target; no data follows.
            _ => 0,
        };
        if stored > self.limits.entry_bytes {
            return Err(Error::Limit {
                what: format!("size of entry {:?}", String::from_utf8_lossy(&path)),
                limit: self.limits.entry_bytes,
            });
        }
        let mut size = stored;
        let mut sparse = None;
        if kind == Kind::File && header.flag() == b'S' && header.dialect() == Dialect::Gnu {
            size = u64::try_from(header.field(Field::RealSize).map_err(bad)?)
                .map_err(|_| bad("negative size".to_owned()))?;
            let map = self.old_sparse_map(block, at)?;
            sparse = Some(pieces(&map, size).map_err(bad)?);
            self.expect_data(stored);
        } else if kind == Kind::File && pax.sparse.any() {
            size =
                pax.sparse.size.ok_or_else(|| bad("a sparse file without its size".to_owned()))?;
            self.expect_data(stored);
            let map = if pax.sparse.map_in_data() {
                self.data_sparse_map(at)?
            } else {
                pax.sparse.map.clone()
            };
            stored = self.remaining;
            sparse = Some(pieces(&map, size).map_err(bad)?);
        } else {
            self.expect_data(stored);
        }
        if let Some(pieces) = &sparse {
            let total: u64 = pieces.iter().map(|piece| piece.length).sum();
            if total != stored {
                return Err(bad(format!(
                    "the sparse file stores {stored} bytes, but its map has {total}"
                )));
            }
        }
        let (uname, gname) = header.owners();
        let device = |field| {
            let value = header.field(field).unwrap_or(0);
            u32::try_from(value).unwrap_or(0)
        };
        Ok(Entry {
            kind,
            mode: (header.field(Field::Mode).map_err(bad)? & 0o7777) as u32,
            uid: id(pax.uid, Field::Uid).map_err(bad)?,
            gid: id(pax.gid, Field::Gid).map_err(bad)?,
            uname: pax.uname.unwrap_or_else(|| uname.to_vec()),
            gname: pax.gname.unwrap_or_else(|| gname.to_vec()),
            size,
            stored,
            mtime: match pax.mtime {
                Some(time) => time,
                None => (header.field(Field::Mtime).map_err(bad)?, 0),
            },
            atime: pax.atime,
            device: match kind {
                Kind::Char | Kind::Block => (device(Field::Major), device(Field::Minor)),
                _ => (0, 0),
            },
            xattrs: pax.xattrs,
            sparse,
            path,
            link,
        })
    }

    fn old_sparse_map(&mut self, block: &[u8; BLOCK], at: u64) -> Result<Vec<u64>, Error> {
        let bad = |reason: String| Error::Format { offset: at, reason };
        let mut map = Vec::new();
        let mut more = old_map(&block[386..483], 4, &mut map).map_err(bad)?;
        while more {
            let next = self.block()?;
            more = old_map(&next[..505], 21, &mut map).map_err(bad)?;
            if map.len() / 2 > self.limits.sparse_pieces {
                return Err(Error::Limit {
                    what: format!("pieces of the sparse file at byte {at}"),
                    limit: self.limits.sparse_pieces as u64,
                });
            }
        }
        Ok(map)
    }

    fn data_sparse_map(&mut self, at: u64) -> Result<Vec<u64>, Error> {
        let mut map = DataMap::default();
        loop {
            if self.remaining < BLOCK as u64 {
                return Err(self.truncated("the map of a sparse file"));
            }
            let block = self.block()?;
            self.remaining -= BLOCK as u64;
            let done = map
                .block(&block, self.limits.sparse_pieces)
                .map_err(|reason| Error::Format { offset: at, reason })?;
            if done {
                return Ok(map.map);
            }
        }
    }

    /// A header, or nothing at the end: after a zero block, or where the input ends.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        loop {
            self.end_of_entries = self.offset;
            if !self.available(BLOCK)? {
                if self.start != self.end {
                    return Err(self.truncated("a header"));
                }
                self.finished = true;
                return Ok(None);
            }
            let block = self.block()?;
            if !Header(&block).is_zero() {
                return Ok(Some(block));
            }
            if !self.ignore_zeros {
                self.finished = true;
                return Ok(None);
            }
        }
    }

    fn block(&mut self) -> Result<[u8; BLOCK], Error> {
        if !self.available(BLOCK)? {
            return Err(self.truncated("a header"));
        }
        let mut block = [0; BLOCK];
        block.copy_from_slice(&self.buffer[self.start..self.start + BLOCK]);
        self.start += BLOCK;
        self.offset += BLOCK as u64;
        Ok(block)
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(size as usize);
        self.expect_data(size);
        loop {
            let chunk = self.data()?;
            if chunk.is_empty() {
                break;
            }
            bytes.extend_from_slice(chunk);
        }
        self.skip_data()?;
        Ok(bytes)
    }

    fn expect_data(&mut self, size: u64) {
        self.remaining = size;
        let block = BLOCK as u64;
        self.padding = (block - size % block) % block;
    }

    fn skip_data(&mut self) -> Result<(), Error> {
        self.skip_input()?;
        while !self.data()?.is_empty() {}
        // The last padding of an archive may be missing.
        self.remaining = std::mem::take(&mut self.padding);
        while self.remaining > 0 {
            if self.start == self.end {
                self.fill()?;
                if self.start == self.end {
                    self.remaining = 0;
                    break;
                }
            }
            self.data()?;
        }
        Ok(())
    }

    /// Moves the input over most of the data; the last byte is read, to know that it is there.
    fn skip_input(&mut self) -> Result<(), Error> {
        let buffered = (self.end - self.start) as u64;
        let Some(skip) = self.skip.filter(|_| self.remaining > buffered + WORTH_SKIPPING) else {
            return Ok(());
        };
        let skipped = skip(&mut self.input, self.remaining - buffered - 1).map_err(Error::Io)?;
        if skipped > 0 {
            // What is in the buffer belongs to the same data.
            self.start = self.end;
            self.offset += buffered + skipped;
            self.remaining -= buffered + skipped;
        }
        Ok(())
    }

    /// Whether `count` bytes stand in the buffer, reading more if need be.
    fn available(&mut self, count: usize) -> Result<bool, Error> {
        while self.end - self.start < count {
            let before = self.end - self.start;
            self.fill()?;
            if self.end - self.start == before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads once into the buffer.
    fn fill(&mut self) -> Result<(), Error> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Io(error)),
            }
        }
    }

    fn truncated(&self, place: &str) -> Error {
        Error::Truncated { place: format!("{place} at byte {}", self.offset) }
    }
}

fn trim_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = memchr::memchr(0, &bytes) {
        bytes.truncate(end);
    }
    bytes
}
