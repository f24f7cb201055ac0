//! Reading bytes that may be anything.

use bytes::Bytes;

use super::DecodeError;
use crate::varint;

type Result<T> = std::result::Result<T, DecodeError>;

/// A place within the bytes.
pub(crate) struct Reader<'a> {
    bytes: &'a Bytes,
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a Bytes) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Refuses bytes that are left over.
    pub(crate) fn finish(self) -> Result<()> {
        match self.bytes.len() - self.offset {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }

    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8> {
        let byte = self.bytes.get(self.offset).copied();
        let byte = byte.ok_or(DecodeError::Truncated { field, offset: self.offset })?;
        self.offset += 1;
        Ok(byte)
    }

    pub(crate) fn number(&mut self, field: &'static str) -> Result<u64> {
        let offset = self.offset;
        let rest = &self.bytes[offset..];
        let (value, length) = varint::get(rest).ok_or(if rest.len() < varint::MAX_LEN {
            DecodeError::Truncated { field, offset }
        } else {
            DecodeError::Malformed { field, offset }
        })?;
        self.offset += length;
        Ok(value)
    }

    pub(crate) fn signed(&mut self, field: &'static str) -> Result<i64> {
        Ok(self.number(field)? as i64)
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<Bytes> {
        let length = self.number(field)?;
        let left = self.bytes.len() - self.offset;
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                let start = self.offset;
                self.offset += length;
                Ok(self.bytes.slice(start..self.offset))
            }
            _ => Err(DecodeError::Truncated { field, offset: self.offset }),
        }
    }

    pub(crate) fn string(&mut self, field: &'static str) -> Result<String> {
        let offset = self.offset;
        let bytes = self.bytes(field)?;
        let text = std::str::from_utf8(&bytes);
        text.map(str::to_owned).map_err(|_| DecodeError::Malformed { field, offset })
    }

    /// A list. Each item takes a byte or more, so that the bytes themselves bound its length.
    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let count = self.number(field)?;
        if count > (self.bytes.len() - self.offset) as u64 {
            return Err(DecodeError::Truncated { field, offset: self.offset });
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A byte of flags of which only the lowest `count` are known.
    pub(crate) fn flags(&mut self, field: &'static str, count: u32) -> Result<u8> {
        let flags = self.byte(field)?;
        if flags >> count != 0 { Err(self.unknown(field, flags)) } else { Ok(flags) }
    }

    /// The error for the byte that was just read.
    pub(crate) fn unknown(&self, field: &'static str, value: u8) -> DecodeError {
        DecodeError::Unknown { field, value: value.into(), offset: self.offset - 1 }
    }
}
