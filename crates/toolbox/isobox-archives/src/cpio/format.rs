//! The formats: `newc` and `crc` (hexadecimal), `odc` (octal), and the old binary one, which is
//! read only.

use std::io::{self, BufRead};

use isopod_tar::{Entry, Kind};

use crate::codec::corrupt;
use crate::stream::Stream;

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    #[default]
    Newc,
    Crc,
    Odc,
}

/// The longest path that is read.
const NAME_BYTES: usize = 64 << 10;

/// The name of the entry that ends an archive.
pub(super) const TRAILER: &[u8] = b"TRAILER!!!";

/// One entry.
pub(crate) struct Member {
    pub(super) entry: Entry,
    /// What names of one file have in common.
    pub(super) inode: (u64, u64),
    pub(super) links: u32,
    /// The sum of the data's bytes.
    pub(super) checksum: Option<u32>,
    /// What the data have to be aligned to.
    alignment: u64,
}

/// Numbers of a header, in the order of the format.
struct Fields {
    inode: (u64, u64),
    mode: u32,
    uid: u32,
    gid: u32,
    links: u32,
    mtime: i64,
    size: u64,
    device: (u32, u32),
    name_bytes: u64,
    checksum: Option<u32>,
    alignment: u64,
}

/// Reads the next header, its name, and a link's target; the data follow. Nothing at the end.
pub(crate) fn next(stream: &mut Stream<impl BufRead>) -> io::Result<Option<Member>> {
    if stream.offset == 0 && stream.is_at_end()? {
        return Err(corrupt("the archive is empty"));
    }
    let at = stream.offset;
    let first: [u8; 2] = stream.exact()?;
    let fields = match first {
        [0xc7, 0x71] => binary(stream, u16::from_le_bytes)?,
        [0x71, 0xc7] => binary(stream, u16::from_be_bytes)?,
        _ => {
            let rest: [u8; 4] = stream.exact()?;
            match &[&first[..], &rest].concat()[..] {
                b"070701" => hexadecimal(stream, false)?,
                b"070702" => hexadecimal(stream, true)?,
                b"070707" => octal(stream)?,
                _ => return Err(corrupt(format!("no cpio header at byte {at}"))),
            }
        }
    };
    let mut path = stream.bytes(fields.name_bytes, NAME_BYTES, "a name")?;
    if path.pop() != Some(0) || path.contains(&0) {
        return Err(corrupt(format!("the name at byte {at} does not end in its only NUL")));
    }
    stream.align(fields.alignment)?;
    if path == TRAILER {
        return Ok(None);
    }
    let kind = match fields.mode & 0o170_000 {
        0o040_000 => Kind::Directory,
        0o120_000 => Kind::Symlink,
        0o020_000 => Kind::Char,
        0o060_000 => Kind::Block,
        0o010_000 => Kind::Fifo,
        0o100_000 | 0 => Kind::File,
        _ => Kind::Other(b's'),
    };
    let mut entry = Entry {
        uid: fields.uid,
        gid: fields.gid,
        size: fields.size,
        stored: fields.size,
        mtime: (fields.mtime, 0),
        device: fields.device,
        ..Entry::plain(&path, kind, fields.mode & 0o7777)
    };
    if kind == Kind::Symlink {
        entry.link = stream.bytes(fields.size, NAME_BYTES, "a link's target")?;
        stream.align(fields.alignment)?;
        (entry.size, entry.stored) = (0, 0);
    }
    stream.begin_data(entry.stored);
    Ok(Some(Member {
        entry,
        inode: fields.inode,
        links: fields.links,
        checksum: fields.checksum,
        alignment: fields.alignment,
    }))
}

/// Passes over what is left of a member.
pub(crate) fn finish(stream: &mut Stream<impl BufRead>, member: &Member) -> io::Result<()> {
    stream.end_data()?;
    stream.align(member.alignment)
}

fn hexadecimal(stream: &mut Stream<impl BufRead>, crc: bool) -> io::Result<Fields> {
    let mut number = || digits::<8>(stream, 16).map(|value| value as u32);
    let inode = number()?;
    let mode = number()?;
    let (uid, gid, links) = (number()?, number()?, number()?);
    let (mtime, size) = (number()?, number()?);
    let device = (number()?, number()?);
    let special = (number()?, number()?);
    let name_bytes = number()?;
    let checksum = number()?;
    Ok(Fields {
        inode: (u64::from(device.0) << 32 | u64::from(device.1), inode.into()),
        mode,
        uid,
        gid,
        links,
        mtime: mtime.into(),
        size: size.into(),
        device: special,
        name_bytes: name_bytes.into(),
        checksum: crc.then_some(checksum),
        alignment: 4,
    })
}

fn octal(stream: &mut Stream<impl BufRead>) -> io::Result<Fields> {
    let mut number = || digits::<6>(stream, 8);
    let (device, inode, mode, uid, gid, links, special) =
        (number()?, number()?, number()?, number()?, number()?, number()?, number()?);
    let mtime = digits::<11>(stream, 8)?;
    let name_bytes = digits::<6>(stream, 8)?;
    let size = digits::<11>(stream, 8)?;
    Ok(Fields {
        inode: (device, inode),
        mode: mode as u32,
        uid: uid as u32,
        gid: gid as u32,
        links: links as u32,
        mtime: mtime as i64,
        size,
        device: (rustix::fs::major(special), rustix::fs::minor(special)),
        name_bytes,
        checksum: None,
        alignment: 1,
    })
}

/// The old binary format: numbers of 16 bits in either order of bytes, large ones in two of them.
fn binary(stream: &mut Stream<impl BufRead>, word: fn([u8; 2]) -> u16) -> io::Result<Fields> {
    let bytes: [u8; 24] = stream.exact()?;
    let at = |index: usize| u64::from(word([bytes[index * 2], bytes[index * 2 + 1]]));
    let special = at(6);
    Ok(Fields {
        inode: (at(0), at(1)),
        mode: at(2) as u32,
        uid: at(3) as u32,
        gid: at(4) as u32,
        links: at(5) as u32,
        device: ((special >> 8) as u32, (special & 0xff) as u32),
        mtime: (at(7) << 16 | at(8)) as i64,
        name_bytes: at(9),
        size: at(10) << 16 | at(11),
        checksum: None,
        alignment: 2,
    })
}

fn digits<const COUNT: usize>(stream: &mut Stream<impl BufRead>, radix: u32) -> io::Result<u64> {
    let at = stream.offset;
    let text: [u8; COUNT] = stream.exact()?;
    let mut value = 0;
    for digit in text {
        let digit = char::from(digit).to_digit(radix).ok_or_else(|| {
            let text = String::from_utf8_lossy(&text).into_owned();
            corrupt(format!("{text:?} at byte {at} is no number to base {radix}"))
        })?;
        value = value * u64::from(radix) + u64::from(digit);
    }
    Ok(value)
}

/// The header and name of an entry, filled up. Numbers that do not fit are an error.
pub(super) fn header(member: &Member, format: Format) -> Result<Vec<u8>, String> {
    let entry = &member.entry;
    let kind = match entry.kind {
        Kind::Directory => 0o040_000,
        Kind::Symlink => 0o120_000,
        Kind::Char => 0o020_000,
        Kind::Block => 0o060_000,
        Kind::Fifo => 0o010_000,
        _ => 0o100_000,
    };
    let mode = u64::from(kind | entry.mode);
    let size = if entry.kind == Kind::Symlink { entry.link.len() as u64 } else { entry.stored };
    let name_bytes = entry.path.len() as u64 + 1;
    let mtime = entry.mtime.0.clamp(0, u32::MAX.into()) as u64;
    let mut bytes = Vec::new();
    if format == Format::Odc {
        bytes.extend_from_slice(b"070707");
        let special = rustix::fs::makedev(entry.device.0, entry.device.1);
        for (value, width) in [
            // Numbers of inodes only tell files apart; too large ones are cut.
            (member.inode.0 & 0o777_777, 6),
            (member.inode.1 & 0o777_777, 6),
            (mode, 6),
            (entry.uid.into(), 6),
            (entry.gid.into(), 6),
            (member.links.into(), 6),
            (special, 6),
            (mtime, 11),
            (name_bytes, 6),
            (size, 11),
        ] {
            let text = format!("{value:0width$o}");
            if text.len() > width {
                return Err(format!("{value} does not fit into the odc format: use newc"));
            }
            bytes.extend_from_slice(text.as_bytes());
        }
    } else {
        bytes.extend_from_slice(if format == Format::Crc { b"070702" } else { b"070701" });
        for value in [
            member.inode.1 & 0xffff_ffff,
            mode,
            entry.uid.into(),
            entry.gid.into(),
            member.links.into(),
            mtime,
            size,
            member.inode.0 >> 32,
            member.inode.0 & 0xffff_ffff,
            entry.device.0.into(),
            entry.device.1.into(),
            name_bytes,
            member.checksum.unwrap_or(0).into(),
        ] {
            let value = u32::try_from(value)
                .map_err(|_| format!("{value} does not fit into the newc format"))?;
            bytes.extend_from_slice(format!("{value:08X}").as_bytes());
        }
    }
    bytes.extend_from_slice(&entry.path);
    bytes.push(0);
    bytes.resize(padded(bytes.len() as u64, format) as usize, 0);
    Ok(bytes)
}

/// A length filled up as the format wants it.
pub(super) fn padded(length: u64, format: Format) -> u64 {
    if format == Format::Odc { length } else { length.next_multiple_of(4) }
}

impl Member {
    pub(super) fn new(entry: Entry, inode: (u64, u64), links: u32) -> Self {
        Self { entry, inode, links, checksum: None, alignment: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back() {
        for format in [Format::Newc, Format::Crc, Format::Odc] {
            let entry = Entry {
                uid: 5,
                gid: 7,
                mtime: (1_700_000_000, 0),
                device: (8, 1),
                ..Entry::plain(b"dev/sda", Kind::Block, 0o660)
            };
            let member = Member::new(entry, (3, 9), 1);
            let bytes = header(&member, format).unwrap();
            let read = next(&mut Stream::new(&bytes[..])).unwrap().unwrap();
            assert_eq!(read.entry, member.entry, "{format:?}");
        }
    }

    #[test]
    fn what_is_none_is_an_error() {
        let mut good =
            header(&Member::new(Entry::plain(b"a", Kind::File, 0o644), (0, 1), 1), Format::Newc)
                .unwrap();
        for bad in [&b""[..], b"0", b"hello, world", b"07070100000zzz"] {
            assert!(next(&mut Stream::new(bad)).is_err());
        }
        // A name of 4 GiB.
        good[94..102].copy_from_slice(b"FFFFFFFF");
        assert!(next(&mut Stream::new(&good[..])).is_err());
    }
}
