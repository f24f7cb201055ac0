//! One 512-byte header, and the entry that it and its extensions describe.

use crate::BLOCK;

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// Another name of a file that came earlier.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// Anything else, by its type flag.
    Other(u8),
}

/// A piece of a sparse file that holds data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length.
    pub length: u64,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path, as the archive has it.
    pub path: Vec<u8>,
    /// What a link points to.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The owner's name, where the archive has it.
    pub uname: Vec<u8>,
    /// The group's name, where the archive has it.
    pub gname: Vec<u8>,
    /// Length of the file, holes included.
    pub size: u64,
    /// Bytes that the archive stores for it.
    pub stored: u64,
    /// Modification time: seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Access time, where the archive has it.
    pub atime: Option<(i64, u32)>,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Extended attributes.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Pieces of a sparse file, ascending; absent for a file without holes.
    pub sparse: Option<Vec<Piece>>,
}

/// A raw header block.
pub(super) struct Header<'a>(pub(super) &'a [u8; BLOCK]);

/// Which dialect a header is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V7,
    Ustar,
    Star,
    Gnu,
}

impl Header<'_> {
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    pub(super) fn checksum_fits(&self) -> bool {
        let Some(stated) = number(&self.0[148..156]) else {
            return false;
        };
        let field = 148..156;
        let (mut unsigned, mut signed) = (0i128, 0i128);
        for (index, &byte) in self.0.iter().enumerate() {
            let byte = if field.contains(&index) { b' ' } else { byte };
            unsigned += i128::from(byte);
            signed += i128::from(byte as i8);
        }
        i128::from(stated) == unsigned || i128::from(stated) == signed
    }

    pub(super) fn dialect(&self) -> Dialect {
        match &self.0[257..265] {
            b"ustar  \0" => Dialect::Gnu,
            magic if magic.starts_with(b"ustar\0") || magic.starts_with(b"ustar ") => {
                if &self.0[508..512] == b"tar\0" { Dialect::Star } else { Dialect::Ustar }
            }
            _ => Dialect::V7,
        }
    }

    pub(super) fn flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn kind(&self) -> Kind {
        match self.flag() {
            b'0' | b'7' | b'S' => Kind::File,
            // Before POSIX, a directory was a file whose name ends in a slash.
            0 if self.name().ends_with(b"/") => Kind::Directory,
            0 => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::Char,
            b'4' => Kind::Block,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => Kind::Other(other),
        }
    }

    pub(super) fn name(&self) -> &[u8] {
        text(&self.0[..100])
    }

    pub(super) fn path(&self) -> Vec<u8> {
        let prefix = match self.dialect() {
            Dialect::Ustar => text(&self.0[345..500]),
            Dialect::Star => text(&self.0[345..476]),
            Dialect::V7 | Dialect::Gnu => &[],
        };
        if prefix.is_empty() {
            return self.name().to_vec();
        }
        [prefix, b"/", self.name()].concat()
    }

    /// Names of owner and group, which the oldest format lacks.
    pub(super) fn owners(&self) -> (&[u8], &[u8]) {
        match self.dialect() {
            Dialect::V7 => (&[], &[]),
            _ => (text(&self.0[265..297]), text(&self.0[297..329])),
        }
    }

    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    /// A numeric field, by name for the error.
    pub(super) fn field(&self, field: Field) -> Result<i64, String> {
        let (name, range) = match field {
            Field::Mode => ("mode", 100..108),
            Field::Uid => ("uid", 108..116),
            Field::Gid => ("gid", 116..124),
            Field::Size => ("size", 124..136),
            Field::Mtime => ("mtime", 136..148),
            Field::Major => ("device major", 329..337),
            Field::Minor => ("device minor", 337..345),
            Field::RealSize => ("sparse size", 483..495),
        };
        let bytes = &self.0[range];
        number(bytes).ok_or_else(|| {
            format!(
                "{name} field {:?} is not an octal or base-256 number",
                String::from_utf8_lossy(bytes)
            )
        })
    }
}

/// Numeric fields of a header.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    Mode,
    Uid,
    Gid,
    Size,
    Mtime,
    Major,
    Minor,
    RealSize,
}

/// Bytes up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    &field[..end]
}

/// Reads an octal number, or a base-256 one with its top bit set.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    if field[0] & 0x80 != 0 {
        let negative = field[0] & 0x40 != 0;
        let mut value: i128 = if negative { -1 } else { 0 };
        for (index, &byte) in field.iter().enumerate() {
            let byte = match (index, negative) {
                (0, false) => byte & 0x7f,
                _ => byte,
            };
            value = (value << 8) | i128::from(byte);
            if value.unsigned_abs() > 1 << 70 {
                return None;
            }
        }
        return i64::try_from(value).ok();
    }
    let mut value: i64 = 0;
    let digits = field
        .iter()
        .skip_while(|&&byte| byte == b' ' || byte == 0)
        .take_while(|&&byte| byte != b' ' && byte != 0);
    for &digit in digits {
        if !(b'0'..=b'7').contains(&digit) {
            return None;
        }
        value = value.checked_mul(8)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers() {
        let cases: &[(&[u8], Option<i64>)] = &[
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"0000689\0", None),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\x02\0\0\0\0\0\0\0\0", None),
            (b"77777777777\0", Some(0o77777777777)),
        ];
        for (field, expected) in cases {
            assert_eq!(number(field), *expected, "{field:?}");
        }
    }
}
