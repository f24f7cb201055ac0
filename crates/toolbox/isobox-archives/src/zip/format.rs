//! The zip format: the directory at the end, and where a member's data are. With sizes of 64 bits.

use std::io::{self, BufRead, Read};
use std::os::fd::BorrowedFd;

use isobox_applet::time::Civil;

use crate::codec::corrupt;

/// The end of the directory, without its comment.
const END_BYTES: usize = 22;
/// The longest comment of an archive.
const COMMENT_BYTES: u64 = 65_535;
/// The directory's entries, without names.
const ENTRY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;

/// One entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) encrypted: bool,
    pub(crate) crc: u32,
    pub(crate) packed: u64,
    pub(crate) size: u64,
    pub(crate) mtime: i64,
    /// File type and permissions, if a Unix system made it.
    pub(crate) mode: Option<u32>,
    /// Where its local header stands.
    pub(crate) offset: u64,
}

/// Bytes of a file, by position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    fd: BorrowedFd<'a>,
    length: u64,
}

impl<'a> File<'a> {
    /// A file that can be positioned.
    pub(crate) fn new(fd: BorrowedFd<'a>) -> io::Result<Self> {
        let length = rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0))?;
        Ok(Self { fd, length })
    }

    fn at<const COUNT: usize>(&self, offset: u64) -> io::Result<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        let mut section = self.section(offset, COUNT as u64)?;
        section.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A part of the file, which has to lie within it.
    pub(crate) fn section(&self, offset: u64, length: u64) -> io::Result<Section<'a>> {
        let end = offset.checked_add(length).filter(|&end| end <= self.length);
        let end = end.ok_or_else(|| {
            corrupt(format!("{length} bytes at {offset} lie beyond the end of the archive"))
        })?;
        Ok(Section { fd: self.fd, offset, end, buffer: Vec::new(), start: 0, filled: 0 })
    }

    /// The directory's entries, in its order. Bytes in front of the archive are passed over, as
    /// in archives that unpack themselves.
    pub(crate) fn directory(&self) -> io::Result<Vec<Member>> {
        let (directory, count, shift) = self.find_directory()?;
        let mut section = directory;
        let mut members = Vec::new();
        for number in 0..count {
            let mut header = [0; ENTRY_BYTES];
            let cut = |_| corrupt(format!("the directory ends before entry {number} of {count}"));
            section.read_exact(&mut header).map_err(cut)?;
            members.push(member(&header, &mut section, shift)?);
        }
        Ok(members)
    }

    /// The directory, how many entries it has, and how many bytes stand in front of the archive.
    fn find_directory(&self) -> io::Result<(Section<'a>, u64, u64)> {
        let tail_bytes = self.length.min(COMMENT_BYTES + END_BYTES as u64);
        let start = self.length - tail_bytes;
        let mut tail = vec![0; tail_bytes as usize];
        self.section(start, tail_bytes)?.read_exact(&mut tail)?;
        let none = || corrupt("no end of a zip directory: not a zip archive, or cut off");
        let at = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(none)?;
        let end = tail.get(at..at + END_BYTES).ok_or_else(none)?;
        let end_offset = start + at as u64;
        if u16_at(end, 4) != 0 && u16_at(end, 4) != 0xffff {
            return Err(corrupt("archives in several parts are not supported"));
        }
        let mut count = u64::from(u16_at(end, 10));
        let mut length = u64::from(u32_at(end, 12));
        let mut offset = u64::from(u32_at(end, 16));
        let mut directory_end = end_offset;
        if let Some(locator) = end_offset.checked_sub(20)
            && let Ok(bytes) = self.at::<20>(locator)
            && bytes.starts_with(b"PK\x06\x07")
        {
            let large: [u8; 56] = self.at(u64_at(&bytes, 8))?;
            if !large.starts_with(b"PK\x06\x06") {
                return Err(corrupt("the end of the zip64 directory is not where it should be"));
            }
            count = u64_at(&large, 32);
            length = u64_at(&large, 40);
            offset = u64_at(&large, 48);
            directory_end = u64_at(&bytes, 8);
        }
        let begin = directory_end
            .checked_sub(length)
            .ok_or_else(|| corrupt(format!("a directory of {length} bytes does not fit")))?;
        let shift = begin
            .checked_sub(offset)
            .ok_or_else(|| corrupt(format!("no directory at byte {offset}")))?;
        if count > length / ENTRY_BYTES as u64 {
            return Err(corrupt(format!("{count} entries do not fit into {length} bytes")));
        }
        Ok((self.section(begin, length)?, count, shift))
    }

    /// Where a member's data begin.
    pub(crate) fn data(&self, member: &Member) -> io::Result<Section<'a>> {
        let header: [u8; LOCAL_BYTES] = self.at(member.offset)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(corrupt(format!("no local header at byte {}", member.offset)));
        }
        let skip =
            LOCAL_BYTES as u64 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        self.section(member.offset + skip, member.packed)
    }
}

fn member(header: &[u8], section: &mut Section<'_>, shift: u64) -> io::Result<Member> {
    if !header.starts_with(b"PK\x01\x02") {
        return Err(corrupt("an entry of the directory is damaged"));
    }
    let mut part = |at: usize| {
        let mut bytes = vec![0; usize::from(u16_at(header, at))];
        section.read_exact(&mut bytes).map_err(|_| corrupt("the directory is cut off"))?;
        Ok::<_, io::Error>(bytes)
    };
    let (name, extra, _comment) = (part(28)?, part(30)?, part(32)?);
    let mut member = Member {
        name,
        method: u16_at(header, 10),
        encrypted: u16_at(header, 8) & 1 != 0,
        crc: u32_at(header, 16),
        packed: u32_at(header, 20).into(),
        size: u32_at(header, 24).into(),
        mtime: dos_time(u16_at(header, 12), u16_at(header, 14)),
        mode: (header[5] == 3).then(|| u32_at(header, 38) >> 16),
        offset: u32_at(header, 42).into(),
    };
    extra_fields(&extra, &mut member)?;
    member.offset =
        member.offset.checked_add(shift).ok_or_else(|| corrupt("an offset is too large"))?;
    Ok(member)
}

/// Sizes of 64 bits, and times to the second in universal time.
fn extra_fields(mut extra: &[u8], member: &mut Member) -> io::Result<()> {
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(field) = extra.get(4..4 + length) else { break };
        extra = &extra[4 + length..];
        match id {
            1 => {
                let mut at = 0;
                for value in [&mut member.size, &mut member.packed, &mut member.offset] {
                    if *value == u64::from(u32::MAX) {
                        let bytes = field.get(at..at + 8);
                        let bytes = bytes.ok_or_else(|| corrupt("a zip64 field is too short"))?;
                        *value = u64_at(bytes, 0);
                        at += 8;
                    }
                }
            }
            0x5455 if length >= 5 && field[0] & 1 != 0 => {
                member.mtime = i64::from(u32_at(field, 1) as i32);
            }
            _ => {}
        }
    }
    Ok(())
}

/// A time of DOS, which is local and counts in two seconds.
fn dos_time(time: u16, date: u16) -> i64 {
    let (time, date) = (u32::from(time), u32::from(date));
    let civil = Civil {
        year: i64::from(date >> 9) + 1980,
        month: (date >> 5 & 15).clamp(1, 12),
        day: (date & 31).max(1),
        hour: (time >> 11).min(23),
        minute: (time >> 5 & 63).min(59),
        second: ((time & 31) * 2).min(59),
        ..Civil::utc(0, 0)
    };
    civil.local_seconds()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// A part of a file, read by position.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    fd: BorrowedFd<'a>,
    offset: u64,
    end: u64,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
}

const BUFFER: usize = 128 << 10;

impl BufRead for Section<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.filled && self.offset < self.end {
            let left = usize::try_from(self.end - self.offset).unwrap_or(BUFFER);
            self.buffer.resize(BUFFER.min(left).max(self.buffer.len()), 0);
            let wanted = self.buffer.len().min(left);
            let count = loop {
                match rustix::io::pread(self.fd, &mut self.buffer[..wanted], self.offset) {
                    Err(rustix::io::Errno::INTR) => {}
                    other => break other?,
                }
            };
            (self.start, self.filled) = (0, count);
            self.offset += count as u64;
        }
        Ok(&self.buffer[self.start..self.filled])
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
    }
}

impl Read for Section<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(target.len());
        target[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}
