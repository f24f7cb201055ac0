//! Writing an archive to a stream: ustar, with pax headers only for what ustar cannot say.

use std::io::{self, Read, Write};

use super::BLOCK;
use super::header::{Entry, Kind};

/// Writes an archive.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// A writer to `output`.
    pub fn new(output: W) -> Self {
        Self { output, buffer: Vec::new() }
    }

    /// Appends an entry without data.
    pub fn header(&mut self, entry: &Entry) -> io::Result<()> {
        let extension = extension(entry);
        if !extension.is_empty() {
            let mut header = [0; BLOCK];
            let name = short_name(&[b"PaxHeaders.0/", base_name(&entry.path)].concat());
            put_text(&mut header[..100], &name);
            put_numbers(&mut header, 0o644, 0, 0, extension.len() as u64, 0);
            header[156] = b'x';
            self.output.write_all(&seal(header))?;
            self.output.write_all(&extension)?;
            self.pad(extension.len() as u64)?;
        }
        self.output.write_all(&seal(header(entry)))
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
    pub fn finish(mut self) -> io::Result<W> {
        self.output.write_all(&[0; 2 * BLOCK])?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let block = BLOCK as u64;
        let count = (block - size % block) % block;
        self.output.write_all(&[0; BLOCK][..count as usize])
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

fn header(entry: &Entry) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    match split(&entry.path) {
        Some((prefix, name)) => {
            put_text(&mut block[..100], name);
            put_text(&mut block[345..500], prefix);
        }
        None => put_text(&mut block[..100], &short_name(&entry.path)),
    }
    put_text(&mut block[157..257], &entry.link[..entry.link.len().min(100)]);
    let fits = |value: u64, limit: u64| if value <= limit { value } else { 0 };
    put_numbers(
        &mut block,
        entry.mode & 0o7777,
        fits(entry.uid.into(), SMALL) as u32,
        fits(entry.gid.into(), SMALL) as u32,
        fits(entry.size, LARGE),
        fits(u64::try_from(entry.mtime.0).unwrap_or(0), LARGE),
    );
    block[156] = match entry.kind {
        Kind::File => b'0',
        Kind::HardLink => b'1',
        Kind::Symlink => b'2',
        Kind::Char => b'3',
        Kind::Block => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
        Kind::Other(flag) => flag,
    };
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

/// Adds magic and checksum.
fn seal(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    put_octal(&mut block[148..155], sum);
    block[155] = b' ';
    block
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;
    use crate::limits::Limits;

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
}
