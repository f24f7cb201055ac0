//! Numbers of seven bits a byte, least significant first, and strings with their length before them.

/// The most bytes that a number takes.
pub(crate) const MAX_LEN: usize = 10;

/// Appends `value`.
pub(crate) fn put(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        buffer.push(value as u8 | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

/// Appends a signed number. The store's are hardly ever negative: those take ten bytes.
pub(crate) fn put_signed(buffer: &mut Vec<u8>, value: i64) {
    put(buffer, value as u64);
}

/// Appends `bytes` and their length before them.
pub(crate) fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) {
    put(buffer, bytes.len() as u64);
    buffer.extend_from_slice(bytes);
}

/// Reads a number from the start of `bytes`: the number and its length. None if `bytes` ends
/// within it, or if it has more than 64 bits.
#[inline]
pub(crate) fn get(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((u64::from(first), 1));
    }
    let mut value = u64::from(first & 0x7f);
    for (index, byte) in bytes.iter().enumerate().take(MAX_LEN).skip(1) {
        let part = u64::from(byte & 0x7f);
        if index == MAX_LEN - 1 && part > 1 {
            return None;
        }
        value |= part << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for value in [0, 1, 127, 128, 300, 1 << 32, u64::MAX >> 1, u64::MAX] {
            let mut buffer = Vec::new();
            put(&mut buffer, value);
            assert_eq!(get(&buffer), Some((value, buffer.len())));
            assert_eq!(get(&buffer[..buffer.len() - 1]), None);
        }
    }

    #[test]
    fn more_than_64_bits_are_refused() {
        assert_eq!(get(&[0xff; 11]), None);
        assert_eq!(get(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), None);
    }
}
