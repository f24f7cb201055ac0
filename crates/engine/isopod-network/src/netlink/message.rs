//! The bytes of netlink: messages, and attributes within them.

use super::{HEADER_LENGTH, REQUEST};

/// Marks an attribute that holds others.
const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

/// Writes messages one after the other; they are numbered from 1.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    number: u32,
}

impl Writer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds a message; `body` writes what comes after the header. Returns its number.
    pub(crate) fn message(&mut self, kind: u16, flags: u16, body: impl FnOnce(&mut Self)) -> u32 {
        let start = self.bytes.len();
        self.number += 1;
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&self.number.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        body(self);
        let length = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
        self.number
    }

    /// Adds bytes as they are: the fixed part of a message.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.align();
    }

    pub(crate) fn put(&mut self, kind: u16, value: &[u8]) {
        let length = (value.len() + 4) as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.raw(value);
    }

    /// A number in the machine's order, as rtnetlink has them.
    pub(crate) fn put_u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_ne_bytes());
    }

    /// A number in the network's order, as nftables has them.
    pub(crate) fn put_be32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    /// Text with a zero at its end.
    pub(crate) fn put_text(&mut self, kind: u16, text: &str) {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.put(kind, &bytes);
    }

    /// An attribute that holds what `body` writes.
    pub(crate) fn nest(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        body(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    }

    fn align(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }
}

/// A message of the kernel's.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) number: u32,
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// The error number at the start of an answer, positive; 0 is success.
    pub(crate) fn errno(&self) -> Option<i32> {
        let code = self.body.get(..4)?;
        Some(-i32::from_ne_bytes(code.try_into().expect("four bytes")))
    }
}

/// Reads messages.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl<'a> Iterator for Reader<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let bytes = self.bytes;
        if bytes.len() < HEADER_LENGTH {
            return None;
        }
        let length = u32_at(bytes, 0) as usize;
        let body = bytes.get(HEADER_LENGTH..length)?;
        self.bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: u16_at(bytes, 4),
            flags: u16_at(bytes, 6),
            number: u32_at(bytes, 8),
            body,
        })
    }
}

/// Reads attributes: type and value.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    bytes: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Those that come after a fixed part of `skip` bytes.
    pub(crate) fn after(body: &'a [u8], skip: usize) -> Self {
        Self { bytes: body.get(skip..).unwrap_or_default() }
    }

    /// The value of the first one of a type.
    pub(crate) fn find(body: &'a [u8], skip: usize, kind: u16) -> Option<&'a [u8]> {
        Self::after(body, skip).find(|(found, _)| *found == kind).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        if self.bytes.len() < 4 {
            return None;
        }
        let length = usize::from(u16_at(self.bytes, 0));
        let kind = u16_at(self.bytes, 2) & TYPE_MASK;
        let value = self.bytes.get(4..length)?;
        self.bytes = self.bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// A number in the machine's order.
pub(crate) fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(value.get(..4)?.try_into().ok()?))
}

/// Text up to its zero.
pub(crate) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        let mut writer = Writer::default();
        writer.message(16, 4, |w| {
            w.raw(&[1, 2, 3, 4]);
            w.put_text(3, "eth0");
            w.nest(18, |w| w.put_u32(1, 7));
        });
        writer.message(17, 0, |_| {});
        let messages: Vec<_> = Reader::new(writer.bytes()).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!((messages[0].kind, messages[0].number, messages[1].number), (16, 1, 2));
        let name = Attributes::find(messages[0].body, 4, 3).expect("there");
        assert_eq!(text(name), "eth0");
        let nested = Attributes::find(messages[0].body, 4, 18).expect("there");
        assert_eq!(number(Attributes::find(nested, 0, 1).expect("there")), Some(7));
    }

    #[test]
    fn cut_off_bytes_end_the_reading() {
        let mut writer = Writer::default();
        writer.message(16, 0, |w| w.put_u32(1, 1));
        for end in 0..writer.bytes().len() {
            assert_eq!(Reader::new(&writer.bytes()[..end]).count(), 0);
        }
        assert_eq!(Attributes::after(&[0, 0, 1, 0], 0).count(), 0, "no endless loop");
    }
}
