//! Batches of changes and their encoding into frames.

use std::sync::Arc;

use crate::Error;

/// Longest key.
pub const KEY_LIMIT_BYTES: usize = 4 << 10;
/// Largest value.
pub const VALUE_LIMIT_BYTES: usize = 16 << 20;
/// A group of batches is closed once it has grown to this.
const GROUP_BYTES: usize = 1 << 20;

/// Length, checksum and sequence number before each payload.
pub(crate) const HEADER_BYTES: usize = 16;

const PUT: u8 = 1;
const DELETE: u8 = 2;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    Put(String, Arc<[u8]>),
    Delete(String),
}

/// Changes that are made together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(crate) ops: Vec<Op>,
}

impl Batch {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds: set `key` to `value`.
    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Arc<[u8]>>) -> Self {
        self.ops.push(Op::Put(key.into(), value.into()));
        self
    }

    /// Adds: remove `key`, if it is there.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.ops.push(Op::Delete(key.into()));
        self
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        for op in &self.ops {
            let (key, value_size) = match op {
                Op::Put(key, value) => (key, value.len()),
                Op::Delete(key) => (key, 0),
            };
            let too_large = |what, size, limit| Error::TooLarge {
                what,
                key: key.chars().take(64).collect(),
                size,
                limit,
            };
            if key.len() > KEY_LIMIT_BYTES {
                return Err(too_large("key", key.len(), KEY_LIMIT_BYTES));
            }
            if value_size > VALUE_LIMIT_BYTES {
                return Err(too_large("value", value_size, VALUE_LIMIT_BYTES));
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.ops
            .iter()
            .map(|op| match op {
                Op::Put(key, value) => 9 + key.len() + value.len(),
                Op::Delete(key) => 5 + key.len(),
            })
            .sum()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for op in &self.ops {
            match op {
                Op::Put(key, value) => {
                    out.push(PUT);
                    put_len(out, key.len());
                    put_len(out, value.len());
                    out.extend_from_slice(key.as_bytes());
                    out.extend_from_slice(value);
                }
                Op::Delete(key) => {
                    out.push(DELETE);
                    put_len(out, key.len());
                    out.extend_from_slice(key.as_bytes());
                }
            }
        }
    }
}

pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).expect("checked against the limits, which are far below 4 GiB");
    out.extend_from_slice(&len.to_le_bytes());
}

/// Takes from the front of `waiting` what goes into one frame: at least one batch.
pub(crate) fn take_group(waiting: &mut Vec<(u64, Batch)>) -> Vec<(u64, Batch)> {
    let mut size = 0;
    let mut count = 0;
    for (_, batch) in waiting.iter() {
        size += batch.encoded_len();
        if count > 0 && size > GROUP_BYTES {
            break;
        }
        count += 1;
    }
    waiting.drain(..count).collect()
}

/// Writes the batches as one frame into `out`.
pub(crate) fn encode<'a>(
    sequence: u64,
    batches: impl Iterator<Item = &'a Batch>,
    out: &mut Vec<u8>,
) {
    out.clear();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&sequence.to_le_bytes());
    for batch in batches {
        batch.encode(out);
    }
    let length = u32::try_from(out.len() - HEADER_BYTES).expect("a group is a few megabytes");
    let crc = crc32fast::hash(&out[8..]);
    out[..4].copy_from_slice(&length.to_le_bytes());
    out[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// A frame read back.
pub(crate) struct Frame {
    pub(crate) sequence: u64,
    pub(crate) ops: Vec<Op>,
    pub(crate) len: usize,
}

/// Reads the frame at the start of `bytes`; `None` when there is no whole valid one.
pub(crate) fn decode(bytes: &[u8]) -> Option<Frame> {
    let header = bytes.get(..HEADER_BYTES)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(header[4..8].try_into().ok()?);
    let len = HEADER_BYTES.checked_add(length)?;
    let body = bytes.get(8..len)?;
    if length == 0 || crc32fast::hash(body) != crc {
        return None;
    }
    let sequence = u64::from_le_bytes(body[..8].try_into().ok()?);
    Some(Frame { sequence, ops: decode_ops(&body[8..])?, len })
}

fn decode_ops(mut rest: &[u8]) -> Option<Vec<Op>> {
    let mut ops = Vec::new();
    while let Some((&kind, tail)) = rest.split_first() {
        rest = tail;
        let key_len = take_len(&mut rest)?;
        match kind {
            PUT => {
                let value_len = take_len(&mut rest)?;
                let key = take_key(&mut rest, key_len)?;
                ops.push(Op::Put(key, take(&mut rest, value_len)?.into()));
            }
            DELETE => ops.push(Op::Delete(take_key(&mut rest, key_len)?)),
            _ => return None,
        }
    }
    Some(ops)
}

pub(crate) fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

pub(crate) fn take_len(rest: &mut &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?) as usize)
}

pub(crate) fn take_key(rest: &mut &[u8], len: usize) -> Option<String> {
    String::from_utf8(take(rest, len)?.to_vec()).ok()
}
