//! A version of a key as bytes: how the state keeps it in memory and in snapshots.
//!
//! ```text
//! key length | key | flags | revision | sub | [ age | version | lease | value length | value ]
//! ```
//! Numbers are varints; flags is one byte, bit 0 says that the key was deleted, and what stands in
//! brackets is left out then. Age is the revision less that of the key's creation. The key comes
//! first because most reads of a record only compare its key.

use std::ops::Range;

use crate::varint;
use crate::{LeaseId, Revision};

const DELETED: u8 = 1;

/// A record's fields; key and value by their place within the bytes that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
    pub(crate) stamp: Stamp,
    pub(crate) create_revision: Revision,
    pub(crate) version: i64,
    pub(crate) lease: LeaseId,
    /// Where the next record begins.
    pub(crate) end: usize,
}

/// When a record was written, and whether it deleted its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) revision: Revision,
    pub(crate) deleted: bool,
}

/// What a written key has beside key and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) create_revision: Revision,
    pub(crate) version: i64,
    pub(crate) lease: LeaseId,
}

/// An upper bound of the size of a record.
pub(crate) fn size_bound(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + 7 * varint::MAX_LEN + 1
}

/// Appends the record of a written key.
pub(crate) fn put_written(
    buffer: &mut Vec<u8>,
    revision: Revision,
    sub: u64,
    key: &[u8],
    value: &[u8],
    written: Written,
) {
    varint::put_bytes(buffer, key);
    buffer.push(0);
    varint::put_signed(buffer, revision);
    varint::put(buffer, sub);
    varint::put_signed(buffer, revision - written.create_revision);
    varint::put_signed(buffer, written.version);
    varint::put_signed(buffer, written.lease);
    varint::put_bytes(buffer, value);
}

/// Appends the record of a deleted key.
pub(crate) fn put_deleted(buffer: &mut Vec<u8>, revision: Revision, sub: u64, key: &[u8]) {
    varint::put_bytes(buffer, key);
    buffer.push(DELETED);
    varint::put_signed(buffer, revision);
    varint::put(buffer, sub);
}

/// The key of the record at `offset`. None if there is none.
#[inline]
pub(crate) fn key(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let (length, size) = varint::get(bytes.get(offset..)?)?;
    let start = offset + size;
    bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// When the record at `offset` was written. None if there is none.
#[inline]
pub(crate) fn stamp(bytes: &[u8], offset: usize) -> Option<Stamp> {
    let (length, size) = varint::get(bytes.get(offset..)?)?;
    let flags_at = (offset + size).checked_add(usize::try_from(length).ok()?)?;
    let flags = *bytes.get(flags_at)?;
    let (revision, _) = varint::get(&bytes[flags_at + 1..])?;
    (flags <= DELETED)
        .then_some(Stamp { revision: revision as Revision, deleted: flags == DELETED })
}

/// All fields of the record at `offset`. None if there is no whole record.
pub(crate) fn read(bytes: &[u8], offset: usize) -> Option<Record> {
    let mut at = offset;
    let number = |at: &mut usize| {
        let (value, size) = varint::get(bytes.get(*at..)?)?;
        *at += size;
        Some(value)
    };
    let key_length = usize::try_from(number(&mut at)?).ok()?;
    let key = at..at.checked_add(key_length)?;
    let flags = *bytes.get(key.end)?;
    if flags > DELETED {
        return None;
    }
    at = key.end + 1;
    let revision = number(&mut at)? as Revision;
    number(&mut at)?;
    let stamp = Stamp { revision, deleted: flags == DELETED };
    if stamp.deleted {
        let end = at;
        return Some(Record {
            key,
            value: end..end,
            stamp,
            create_revision: 0,
            version: 0,
            lease: 0,
            end,
        });
    }
    let create_revision = revision.checked_sub(number(&mut at)? as i64)?;
    let version = number(&mut at)? as i64;
    let lease = number(&mut at)? as LeaseId;
    let value_length = usize::try_from(number(&mut at)?).ok()?;
    let end = at.checked_add(value_length)?;
    (end <= bytes.len()).then_some(Record {
        key,
        value: at..end,
        stamp,
        create_revision,
        version,
        lease,
        end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_shorter() {
        let mut bytes = Vec::new();
        let written = Written { create_revision: 7, version: 300, lease: i64::MAX };
        put_written(&mut bytes, 1000, 3, b"key", b"value", written);
        let first = bytes.len();
        put_deleted(&mut bytes, 1001, 0, b"");
        let record = read(&bytes, 0).unwrap();
        assert_eq!(
            (&bytes[record.key.clone()], &bytes[record.value.clone()]),
            (&b"key"[..], &b"value"[..])
        );
        assert_eq!((record.create_revision, record.version, record.lease), (7, 300, i64::MAX));
        assert_eq!((record.stamp, record.end), (Stamp { revision: 1000, deleted: false }, first));
        assert_eq!(stamp(&bytes, 0), Some(record.stamp));
        assert_eq!(key(&bytes, 0), Some(&b"key"[..]));
        let second = read(&bytes, first).unwrap();
        assert_eq!((second.stamp.deleted, second.end), (true, bytes.len()));
        for length in 0..first {
            assert_eq!(read(&bytes[..length], 0), None, "{length} of {first} bytes");
        }
    }
}
