//! Writing an archive to a stream: ustar with pax headers for what ustar cannot say, or one of
//! the older dialects.

use std::io::{self, Read, Write};

use crate::BLOCK;
use crate::header::{Entry, Kind, Piece};

/// The dialect that an archive is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// ustar, and pax headers where it does not do. Says everything.
    #[default]
    Pax,
    /// POSIX.1-1988: no long names, no large files, no attributes.
    Ustar,
    /// GNU's: names of any length, large numbers, sparse files, no attributes.
    Gnu,
    /// Before POSIX: files, directories and links, with numbers for owners.
    V7,
}

/// Writes an archive.
///
/// An entry that the format has no words for is an error of the kind
/// [`io::ErrorKind::InvalidInput`], and nothing of it is written.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    buffer: Vec<u8>,
    format: Format,
    /// Bytes that the last entry stores, as far as they were written.
    data: u64,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// A writer to `output`, in pax format.
    pub fn new(output: W) -> Self {
        Self::with_format(output, Format::Pax)
    }

    /// A writer to `output`.
    pub fn with_format(output: W, format: Format) -> Self {
        Self { output, buffer: Vec::new(), format, data: 0, written: 0 }
    }

    /// As if so many bytes had been written already: the writer continues an archive.
    #[must_use]
    pub fn continuing(mut self, bytes: u64) -> Self {
        self.written = bytes;
        self
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Appends what stands before an entry's data. If `entry.sparse` is there, the data are the
    /// pieces one after the other.
    pub fn header(&mut self, entry: &Entry) -> io::Result<()> {
        self.data = 0;
        let sparse = entry.sparse.as_deref();
        match (self.format, sparse) {
            (Format::Pax, Some(pieces)) => self.pax_sparse(entry, pieces),
            (Format::Pax, None) => {
                self.extended(&entry.path, &extension(entry))?;
                self.block(&seal(header(entry, Format::Pax, entry.size)))
            }
            (Format::Gnu, Some(pieces)) => self.gnu_sparse(entry, pieces),
            (Format::Ustar | Format::V7, Some(_)) => {
                Err(unfit("this format has no sparse files: use gnu or pax"))
            }
            (format, None) => {
                if format == Format::Gnu {
                    self.gnu_names(entry)?;
                } else {
                    check(entry, format)?;
                }
                let header = header(entry, format, entry.size);
                self.block(&if format == Format::V7 {
                    checksum(header)
                } else {
                    seal_as(header, format)
                })
            }
        }
    }

    /// Appends data of the entry.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data += bytes.len() as u64;
        self.raw(bytes)
    }

    /// Fills the last block of the entry's data.
    pub fn end_data(&mut self) -> io::Result<()> {
        let size = std::mem::take(&mut self.data);
        self.pad(size)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.output.write_all(bytes)
    }

    fn block(&mut self, block: &[u8; BLOCK]) -> io::Result<()> {
        self.raw(block)
    }

    /// An extended header, if there is anything to say in it.
    fn extended(&mut self, path: &[u8], records: &[u8]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut header = [0; BLOCK];
        let name = short_name(&[b"PaxHeaders.0/", base_name(path)].concat());
        put_text(&mut header[..100], &name);
        put_numbers(&mut header, 0o644, 0, 0, records.len() as u64, 0);
        header[156] = b'x';
        self.block(&seal(header))?;
        self.raw(records)?;
        self.pad(records.len() as u64)
    }

    /// A sparse file as version 1.0 of GNU's pax headers says it: the map in front of the data.
    fn pax_sparse(&mut self, entry: &Entry, pieces: &[Piece]) -> io::Result<()> {
        let mut map = format!("{}\n", pieces.len());
        for piece in pieces {
            map.push_str(&format!("{}\n{}\n", piece.offset, piece.length));
        }
        let map_bytes = (map.len() as u64).next_multiple_of(BLOCK as u64);
        let stored = map_bytes + pieces.iter().map(|piece| piece.length).sum::<u64>();
        let named = Entry {
            path: [b"GNUSparseFile.0/", base_name(&entry.path)].concat(),
            size: stored,
            ..entry.clone()
        };
        let mut records = Vec::new();
        record(&mut records, b"GNU.sparse.major", b"1");
        record(&mut records, b"GNU.sparse.minor", b"0");
        record(&mut records, b"GNU.sparse.name", &entry.path);
        record(&mut records, b"GNU.sparse.realsize", entry.size.to_string().as_bytes());
        records.extend_from_slice(&extension(&named));
        self.extended(&entry.path, &records)?;
        self.block(&seal(header(&named, Format::Pax, stored)))?;
        self.raw(map.as_bytes())?;
        self.pad(map.len() as u64)
    }

    /// A sparse file in GNU's old way: the first pieces in the header, more in blocks after it.
    fn gnu_sparse(&mut self, entry: &Entry, pieces: &[Piece]) -> io::Result<()> {
        self.gnu_names(entry)?;
        let stored = pieces.iter().map(|piece| piece.length).sum();
        let mut first = header(entry, Format::Gnu, stored);
        first[156] = b'S';
        // A piece without length at the end says how long the file is.
        let end = Piece { offset: entry.size, length: 0 };
        let mut slots = pieces.iter().chain([&end]);
        let mut left = pieces.len() + 1;
        let mut fill = |area: &mut [u8], count: usize| {
            for (slot, piece) in area.chunks_exact_mut(24).zip(slots.by_ref().take(count)) {
                put_large(&mut slot[..12], piece.offset);
                put_large(&mut slot[12..], piece.length);
                left -= 1;
            }
            left
        };
        let mut more = fill(&mut first[386..482], 4);
        first[482] = u8::from(more > 0);
        put_large(&mut first[483..495], entry.size);
        self.block(&seal_as(first, Format::Gnu))?;
        while more > 0 {
            let mut next = [0; BLOCK];
            more = fill(&mut next[..504], 21);
            next[504] = u8::from(more > 0);
            self.output.write_all(&next)?;
            self.written += BLOCK as u64;
        }
        Ok(())
    }

    /// Names that are too long for a GNU header, as entries in front of it.
    fn gnu_names(&mut self, entry: &Entry) -> io::Result<()> {
        if !entry.xattrs.is_empty() {
            return Err(unfit("this format has no extended attributes: use pax"));
        }
        for (flag, text) in [(b'K', &entry.link), (b'L', &entry.path)] {
            if text.len() <= 100 {
                continue;
            }
            let mut header = [0; BLOCK];
            put_text(&mut header[..100], b"././@LongLink");
            put_numbers(&mut header, 0o644, 0, 0, text.len() as u64 + 1, 0);
            header[156] = flag;
            self.block(&seal_as(header, Format::Gnu))?;
            self.raw(text)?;
            self.raw(&[0])?;
            self.pad(text.len() as u64 + 1)?;
        }
        Ok(())
    }

    /// Appends an entry with `entry.size` bytes of data from `input`. If the input is shorter
    /// (a file that shrank meanwhile), zeros take the place of the rest.
    pub fn copy(&mut self, entry: &Entry, input: &mut dyn Read) -> io::Result<()> {
        self.header(entry)?;
        self.buffer.resize(256 << 10, 0);
        let mut left = entry.size;
        while left > 0 {
            let wanted =
                usize::try_from(left).map_or(self.buffer.len(), |l| l.min(self.buffer.len()));
            let mut count = input.read(&mut self.buffer[..wanted])?;
            if count == 0 {
                self.buffer[..wanted].fill(0);
                count = wanted;
            }
            self.output.write_all(&self.buffer[..count])?;
            self.written += count as u64;
            left -= count as u64;
        }
        self.pad(entry.size)
    }

    /// Appends a regular file that stands in memory.
    pub fn file(&mut self, path: &str, mtime: i64, bytes: &[u8]) -> io::Result<()> {
        let entry = Entry {
            size: bytes.len() as u64,
            mtime: (mtime, 0),
            ..Entry::plain(path.as_bytes(), Kind::File, 0o644)
        };
        self.copy(&entry, &mut &bytes[..])
    }

    /// Appends a directory.
    pub fn directory(&mut self, path: &str, mtime: i64) -> io::Result<()> {
        let path = format!("{}/", path.trim_end_matches('/'));
        self.header(&Entry {
            mtime: (mtime, 0),
            ..Entry::plain(path.as_bytes(), Kind::Directory, 0o755)
        })
    }

    /// Ends the archive.
    pub fn finish(self) -> io::Result<W> {
        self.finish_record(1)
    }

    /// Ends the archive, and fills its last record of `blocks` blocks.
    pub fn finish_record(mut self, blocks: u64) -> io::Result<W> {
        self.raw(&[0; 2 * BLOCK])?;
        let record = blocks.max(1) * BLOCK as u64;
        let mut left = self.written.next_multiple_of(record) - self.written;
        while left > 0 {
            self.raw(&[0; BLOCK])?;
            left -= BLOCK as u64;
        }
        self.output.flush()?;
        Ok(self.output)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let block = BLOCK as u64;
        let count = (block - size % block) % block;
        self.raw(&[0; BLOCK][..count as usize])
    }
}

impl Entry {
    /// An entry with nothing but a path, a kind and permissions; owned by root, at time 0.
    #[must_use]
    pub fn plain(path: &[u8], kind: Kind, mode: u32) -> Self {
        Self {
            path: path.to_vec(),
            link: Vec::new(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            uname: Vec::new(),
            gname: Vec::new(),
            size: 0,
            stored: 0,
            mtime: (0, 0),
            atime: None,
            device: (0, 0),
            xattrs: Vec::new(),
            sparse: None,
        }
    }
}

/// The largest number that an octal field of eight bytes holds.
const SMALL: u64 = 0o7_777_777;
/// The largest number that an octal field of twelve bytes holds.
const LARGE: u64 = 0o77_777_777_777;

fn unfit(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason.into())
}

/// Whether a format without extensions has room for an entry.
fn check(entry: &Entry, format: Format) -> io::Result<()> {
    let v7 = format == Format::V7;
    let longest_path = if v7 { 99 } else { 256 };
    if v7 && entry.path.len() > longest_path || !v7 && split(&entry.path).is_none() {
        return Err(unfit(format!(
            "the name has {} bytes, too long for this format: use gnu or pax",
            entry.path.len()
        )));
    }
    if entry.link.len() > 100 {
        return Err(unfit("the link's target is too long for this format: use gnu or pax"));
    }
    if !entry.xattrs.is_empty() {
        return Err(unfit("this format has no extended attributes: use pax"));
    }
    if v7 && matches!(entry.kind, Kind::Char | Kind::Block | Kind::Fifo | Kind::Other(_)) {
        return Err(unfit("this format has no devices and pipes: use ustar, gnu or pax"));
    }
    for (what, value, limit) in [
        ("owner", u64::from(entry.uid), SMALL),
        ("group", u64::from(entry.gid), SMALL),
        ("size", entry.size, LARGE),
        ("time", u64::try_from(entry.mtime.0).unwrap_or(u64::MAX), LARGE),
    ] {
        if value > limit {
            return Err(unfit(format!("the {what} is out of this format's range: use gnu or pax")));
        }
    }
    Ok(())
}

fn header(entry: &Entry, format: Format, stored: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let prefixed = matches!(format, Format::Pax | Format::Ustar);
    match split(&entry.path).filter(|_| prefixed) {
        Some((prefix, name)) => {
            put_text(&mut block[..100], name);
            put_text(&mut block[345..500], prefix);
        }
        None if format == Format::Gnu => put_text(&mut block[..100], &entry.path),
        None => put_text(&mut block[..100], &short_name(&entry.path)),
    }
    put_text(&mut block[157..257], &entry.link[..entry.link.len().min(100)]);
    if format == Format::Gnu {
        put_octal(&mut block[100..108], u64::from(entry.mode & 0o7777));
        put_large(&mut block[108..116], entry.uid.into());
        put_large(&mut block[116..124], entry.gid.into());
        put_large(&mut block[124..136], stored);
        put_signed(&mut block[136..148], entry.mtime.0);
    } else {
        let fits = |value: u64, limit: u64| if value <= limit { value } else { 0 };
        put_numbers(
            &mut block,
            entry.mode & 0o7777,
            fits(entry.uid.into(), SMALL) as u32,
            fits(entry.gid.into(), SMALL) as u32,
            fits(stored, LARGE),
            fits(u64::try_from(entry.mtime.0).unwrap_or(0), LARGE),
        );
    }
    block[156] = match entry.kind {
        Kind::File if format == Format::V7 => 0,
        Kind::File => b'0',
        Kind::HardLink => b'1',
        Kind::Symlink => b'2',
        Kind::Char => b'3',
        Kind::Block => b'4',
        Kind::Directory if format == Format::V7 => 0,
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
        Kind::Other(flag) => flag,
    };
    if format != Format::V7 {
        // A name that does not fit is left to the number.
        let name = |name: &[u8]| if name.len() < 32 { name.to_vec() } else { Vec::new() };
        put_text(&mut block[265..297], &name(&entry.uname));
        put_text(&mut block[297..329], &name(&entry.gname));
    }
    if matches!(entry.kind, Kind::Char | Kind::Block) {
        put_octal(&mut block[329..337], entry.device.0.into());
        put_octal(&mut block[337..345], entry.device.1.into());
    }
    block
}

/// The records for what the header cannot say.
fn extension(entry: &Entry) -> Vec<u8> {
    let mut records = Vec::new();
    if split(&entry.path).is_none() {
        record(&mut records, b"path", &entry.path);
    }
    if entry.link.len() > 100 {
        record(&mut records, b"linkpath", &entry.link);
    }
    for (key, value, limit) in [
        ("uid", u64::from(entry.uid), SMALL),
        ("gid", u64::from(entry.gid), SMALL),
        ("size", entry.size, LARGE),
    ] {
        if value > limit {
            record(&mut records, key.as_bytes(), value.to_string().as_bytes());
        }
    }
    let (seconds, nanos) = entry.mtime;
    if nanos != 0 || !(0..=LARGE as i64).contains(&seconds) {
        record(&mut records, b"mtime", time(seconds, nanos).as_bytes());
    }
    for (name, value) in &entry.xattrs {
        record(&mut records, &[b"SCHILY.xattr.", &name[..]].concat(), value);
    }
    records
}

fn time(seconds: i64, nanos: u32) -> String {
    if nanos == 0 {
        return seconds.to_string();
    }
    let text = if seconds < 0 {
        format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanos)
    } else {
        format!("{seconds}.{nanos:09}")
    };
    text.trim_end_matches('0').to_owned()
}

fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // The length counts its own digits.
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(length.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Prefix and name, if the path fits into both.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= 100 {
        return Some((&[], path));
    }
    // The latest slash that leaves a name that fits, and is not the trailing one.
    let earliest = path.len() - 101;
    let slash = (earliest..path.len() - 1).find(|&index| path[index] == b'/')?;
    (slash <= 155 && slash > 0).then(|| (&path[..slash], &path[slash + 1..]))
}

/// A name cut to what the field holds; readers take the extended header's instead.
fn short_name(path: &[u8]) -> Vec<u8> {
    path[path.len() - path.len().min(100)..].to_vec()
}

fn base_name(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

fn put_text(field: &mut [u8], text: &[u8]) {
    let count = text.len().min(field.len());
    field[..count].copy_from_slice(&text[..count]);
}

fn put_octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}");
    put_text(field, text.as_bytes());
}

fn put_numbers(block: &mut [u8; BLOCK], mode: u32, uid: u32, gid: u32, size: u64, mtime: u64) {
    put_octal(&mut block[100..108], mode.into());
    put_octal(&mut block[108..116], uid.into());
    put_octal(&mut block[116..124], gid.into());
    put_octal(&mut block[124..136], size);
    put_octal(&mut block[136..148], mtime);
}

/// A number as octal digits, or in base 256 if there are too many of them.
fn put_large(field: &mut [u8], value: u64) {
    if value < 1 << (3 * (field.len() as u32 - 1)).min(63) {
        put_octal(field, value);
    } else {
        put_binary(field, value.into());
    }
}

fn put_signed(field: &mut [u8], value: i64) {
    match u64::try_from(value) {
        Ok(value) => put_large(field, value),
        Err(_) => put_binary(field, value.into()),
    }
}

fn put_binary(field: &mut [u8], value: i128) {
    let bytes = value.to_be_bytes();
    let count = field.len();
    field.copy_from_slice(&bytes[bytes.len() - count..]);
    field[0] |= 0x80;
}

/// Adds magic and checksum.
fn seal(block: [u8; BLOCK]) -> [u8; BLOCK] {
    seal_as(block, Format::Ustar)
}

fn seal_as(mut block: [u8; BLOCK], format: Format) -> [u8; BLOCK] {
    let magic = if format == Format::Gnu { b"ustar  \0" } else { b"ustar\x0000" };
    block[257..265].copy_from_slice(magic);
    checksum(block)
}

fn checksum(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    put_octal(&mut block[148..155], sum);
    block[155] = b' ';
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Reader};

    #[test]
    fn what_is_written_reads_back() {
        let long = [b"d/".repeat(60), b"x".repeat(120)].concat();
        let split = [b"p".repeat(90), b"/".to_vec(), b"n".repeat(90)].concat();
        let entries = [
            Entry::plain(b"etc/", Kind::Directory, 0o1777),
            Entry {
                mtime: (1_700_000_000, 123_456_789),
                xattrs: vec![(b"user.a".to_vec(), b"\0\xff\n=".to_vec())],
                uid: 3_000_000_000,
                gid: 70_000,
                ..Entry::plain(&long, Kind::File, 0o4755)
            },
            Entry {
                link: long.clone(),
                mtime: (-5, 250_000_000),
                ..Entry::plain(&split, Kind::Symlink, 0o777)
            },
            Entry { device: (8, 300), ..Entry::plain(b"dev/sda", Kind::Block, 0o660) },
        ];
        let mut writer = Writer::new(Vec::new());
        for entry in &entries {
            writer.header(entry).expect("writes");
        }
        writer.file("last", 7, &[1; 700]).expect("writes");
        let bytes = writer.finish().expect("ends");
        assert_eq!(bytes.len() % BLOCK, 0);
        let mut reader = Reader::new(&bytes[..], &Limits::default());
        for entry in &entries {
            assert_eq!(reader.next_entry().expect("reads").as_ref(), Some(entry));
        }
        let last = reader.next_entry().expect("reads").expect("there");
        assert_eq!((last.size, last.path), (700, b"last".to_vec()));
        assert_eq!(reader.data().expect("data"), [1; 700]);
        assert_eq!(reader.next_entry().expect("reads"), None);
    }

    #[test]
    fn each_format_says_what_it_can_and_refuses_the_rest() {
        let long = [b"d/".repeat(60), b"x".repeat(120)].concat();
        let plain = Entry { uid: 5, mtime: (9, 0), ..Entry::plain(b"a/b", Kind::File, 0o640) };
        for format in [Format::Pax, Format::Ustar, Format::Gnu, Format::V7] {
            let long_is_fine = matches!(format, Format::Pax | Format::Gnu);
            for (entry, fine) in [
                (plain.clone(), true),
                (Entry { path: long.clone(), ..plain.clone() }, long_is_fine),
                (Entry { link: long.clone(), kind: Kind::Symlink, ..plain.clone() }, long_is_fine),
                (Entry { uid: 4_000_000_000, ..plain.clone() }, long_is_fine),
                (Entry { mtime: (-7, 0), ..plain.clone() }, long_is_fine),
                (Entry { uname: b"root".to_vec(), ..plain.clone() }, format != Format::V7),
                (Entry { kind: Kind::Fifo, ..plain.clone() }, format != Format::V7),
            ] {
                let mut writer = Writer::with_format(Vec::new(), format);
                let wrote = writer.header(&entry);
                let bytes = writer.finish().expect("ends");
                let read = Reader::new(&bytes[..], &Limits::default()).next_entry().expect("reads");
                let same = wrote.is_ok() && read.as_ref() == Some(&entry);
                assert_eq!(same, fine, "{format:?} {entry:?}");
            }
        }
    }

    #[test]
    fn sparse_files_read_back_with_any_number_of_pieces() {
        for format in [Format::Gnu, Format::Pax] {
            for count in [0, 1, 3, 4, 5, 25, 100] {
                let pieces: Vec<Piece> =
                    (0..count).map(|n| Piece { offset: n * 4096, length: 700 }).collect();
                let entry = Entry {
                    size: 10 << 30,
                    stored: count * 700,
                    sparse: Some(pieces),
                    ..Entry::plain(b"s", Kind::File, 0o600)
                };
                let mut writer = Writer::with_format(Vec::new(), format);
                writer.header(&entry).expect("writes");
                for _ in 0..count {
                    writer.data(&[7; 700]).expect("writes");
                }
                writer.end_data().expect("writes");
                writer.file("after", 0, b"x").expect("writes");
                let bytes = writer.finish().expect("ends");
                let mut reader = Reader::new(&bytes[..], &Limits::default());
                assert_eq!(
                    reader.next_entry().expect("reads").as_ref(),
                    Some(&entry),
                    "{format:?}"
                );
                let after = reader.next_entry().expect("reads").expect("there");
                assert_eq!(after.path, b"after", "{format:?} {count}");
            }
        }
    }
}
