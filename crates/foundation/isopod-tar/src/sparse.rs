//! Maps of sparse files that stand outside the extended headers.

use crate::BLOCK;
use crate::header::number;
use crate::pax::decimal;

/// One block of GNU's old map: up to `slots` pairs, and whether another block follows.
pub(super) fn old_map(area: &[u8], slots: usize, map: &mut Vec<u64>) -> Result<bool, String> {
    for slot in area.chunks_exact(24).take(slots) {
        if slot[0] == 0 {
            break;
        }
        for field in [&slot[..12], &slot[12..]] {
            let value = number(field).and_then(|value| u64::try_from(value).ok());
            map.push(value.ok_or("the map of the sparse file has a field that is no number")?);
        }
    }
    Ok(area[slots * 24] != 0)
}

/// Collects the decimal map at the beginning of a 1.0 sparse file's data, block by block.
#[derive(Debug, Default)]
pub(super) struct DataMap {
    text: Vec<u8>,
    count: Option<usize>,
    pub(super) map: Vec<u64>,
}

impl DataMap {
    /// Takes in one block; true when the map is complete.
    pub(super) fn block(&mut self, block: &[u8; BLOCK], pieces: usize) -> Result<bool, String> {
        self.text.extend_from_slice(block);
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &self.text[start..]) {
            let value = decimal(&self.text[start..start + length])
                .ok_or("the map of the sparse file has a line that is no number")?;
            start += length + 1;
            match self.count {
                None => {
                    let count = usize::try_from(value).unwrap_or(usize::MAX);
                    if count > pieces {
                        return Err(format!(
                            "the sparse file has {count} pieces, over the limit of {pieces}"
                        ));
                    }
                    self.count = Some(count);
                }
                Some(_) => self.map.push(value),
            }
            if self.count.is_some_and(|count| self.map.len() == count * 2) {
                return Ok(true);
            }
        }
        self.text.drain(..start);
        if self.text.len() > BLOCK {
            return Err("the map of the sparse file has a line that does not end".to_owned());
        }
        Ok(false)
    }
}
