//! The format: headers of 60 characters; long names in GNU's table or, as BSD has it, before the
//! data.

use std::io::{self, BufRead};

use crate::codec::corrupt;
use crate::stream::{DataReader, Stream};
use crate::unpack::Source;

/// The longest name, and the largest table of names, that is read.
const NAME_BYTES: usize = 64 << 10;
const TABLE_BYTES: usize = 16 << 20;

/// What an archive begins with.
pub(crate) const MAGIC: &[u8; 8] = b"!<arch>\n";

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) mtime: i64,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    pub(crate) size: u64,
}

/// Reads members one after the other; as a [`Source`] the present one's data.
pub(crate) struct Reader<R> {
    stream: Stream<R>,
    started: bool,
    /// GNU's long names.
    table: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { stream: Stream::new(input), started: false, table: Vec::new() }
    }

    /// The next member that is a file. Data that were not read are passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member>> {
        if !self.started {
            let magic: [u8; 8] =
                self.stream.exact().map_err(|_| corrupt("not an ar archive: it is too short"))?;
            if magic != *MAGIC {
                return Err(corrupt("not an ar archive: it does not begin with !<arch>"));
            }
            self.started = true;
        }
        loop {
            self.stream.end_data()?;
            self.stream.align(2)?;
            if self.stream.is_at_end()? {
                return Ok(None);
            }
            let at = self.stream.offset;
            let header: [u8; 60] = self.stream.exact()?;
            if &header[58..] != b"`\n" {
                return Err(corrupt(format!("no header of a member at byte {at}")));
            }
            let number = |from: usize, to: usize, radix| number(&header[from..to], radix, at);
            let mut member = Member {
                name: trimmed(&header[..16]).to_vec(),
                mtime: number(16, 28, 10)? as i64,
                uid: number(28, 34, 10)? as u32,
                gid: number(34, 40, 10)? as u32,
                mode: number(40, 48, 8)? as u32,
                size: number(48, 58, 10)?,
            };
            if member.name == b"//" {
                self.table = self.stream.bytes(member.size, TABLE_BYTES, "a table of names")?;
                continue;
            }
            if let Some(length) = member.name.strip_prefix(b"#1/") {
                let length = number_of(length, 10, at)?;
                let size = member.size.checked_sub(length);
                member.size =
                    size.ok_or_else(|| corrupt(format!("name beyond its member at byte {at}")))?;
                let mut name = self.stream.bytes(length, NAME_BYTES, "a name")?;
                name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
                member.name = name;
            } else if let Some(place) = member
                .name
                .strip_prefix(b"/")
                .filter(|rest| rest.first().is_some_and(u8::is_ascii_digit))
            {
                let place = number_of(place, 10, at)?;
                member.name = self.long_name(place, at)?;
            }
            self.stream.begin_data(member.size);
            // The index of symbols is not a file.
            if matches!(&member.name[..], b"/" | b"/SYM64/" | b"__.SYMDEF" | b"__.SYMDEF SORTED") {
                continue;
            }
            if member.name.len() > 1 && member.name.ends_with(b"/") {
                member.name.pop();
            }
            return Ok(Some(member));
        }
    }

    /// The present member's data.
    pub(crate) fn data(&mut self) -> DataReader<'_, R> {
        DataReader(&mut self.stream)
    }

    fn long_name(&self, place: u64, at: u64) -> io::Result<Vec<u8>> {
        let rest = usize::try_from(place).ok().and_then(|place| self.table.get(place..));
        let rest = rest.filter(|rest| !rest.is_empty());
        let rest =
            rest.ok_or_else(|| corrupt(format!("no name {place} in the table, at byte {at}")))?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        Ok(rest[..end].to_vec())
    }
}

impl<R: BufRead> Source for Reader<R> {
    fn chunk(&mut self, limit: u64) -> io::Result<&[u8]> {
        self.stream.chunk(limit)
    }
}

fn trimmed(field: &[u8]) -> &[u8] {
    let end = field.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    &field[..end]
}

fn number(field: &[u8], radix: u64, at: u64) -> io::Result<u64> {
    let field = trimmed(field);
    // Empty fields are those of members that are no files.
    if field.is_empty() { Ok(0) } else { number_of(field, radix, at) }
}

fn number_of(text: &[u8], radix: u64, at: u64) -> io::Result<u64> {
    let digit = |value: u64, &byte: &u8| {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit >= radix {
            return None;
        }
        value.checked_mul(radix)?.checked_add(digit)
    };
    text.iter().try_fold(0, digit).ok_or_else(|| {
        let text = String::from_utf8_lossy(text);
        corrupt(format!("{text:?} in the header at byte {at} is no number to base {radix}"))
    })
}

/// A header with the name field as given.
pub(crate) fn header(field: &[u8], member: &Member) -> Result<[u8; 60], String> {
    let mut bytes = [b' '; 60];
    bytes[..field.len().min(16)].copy_from_slice(&field[..field.len().min(16)]);
    for (from, width, text) in [
        (16, 12, member.mtime.max(0).to_string()),
        (28, 6, member.uid.to_string()),
        (34, 6, member.gid.to_string()),
        (40, 8, format!("{:o}", member.mode)),
        (48, 10, member.size.to_string()),
    ] {
        if text.len() > width {
            return Err(format!("{text} does not fit into {width} characters of the header"));
        }
        bytes[from..from + text.len()].copy_from_slice(text.as_bytes());
    }
    bytes[58..].copy_from_slice(b"`\n");
    Ok(bytes)
}
