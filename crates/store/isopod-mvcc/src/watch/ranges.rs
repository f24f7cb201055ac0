//! Which ranges hold a key, without asking every range.
//!
//! Ranges lie in blocks by their first key; a block knows how far any of its ranges reaches, and
//! is passed over if that is not far enough.

use bytes::Bytes;

use crate::{KeyRange, RangeEnd};

/// A block with more ranges is split.
const MAX_BLOCK: usize = 64;

/// Ranges of more than one key, each with the numbers of those who are interested.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    /// Never empty, sorted.
    ranges: Vec<(KeyRange, Vec<usize>)>,
    reach: Reach,
}

/// Before which key the longest range of a block ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Before(Bytes),
    Unbounded,
}

impl Block {
    fn new(ranges: Vec<(KeyRange, Vec<usize>)>) -> Self {
        let reach = ranges.iter().map(|(range, _)| reach(range)).max();
        Self { ranges, reach: reach.unwrap_or(Reach::Before(Bytes::new())) }
    }

    fn first(&self) -> &KeyRange {
        &self.ranges[0].0
    }
}

fn reach(range: &KeyRange) -> Reach {
    match &range.end {
        RangeEnd::Before(end) => Reach::Before(end.clone()),
        RangeEnd::Unbounded => Reach::Unbounded,
        // Single keys are found by a hash instead; here for the sake of completeness.
        RangeEnd::Single => Reach::Before([&range.key[..], b"\0"].concat().into()),
    }
}

impl Ranges {
    /// Adds an interest in a range.
    pub(super) fn insert(&mut self, range: &KeyRange, number: usize) {
        if self.blocks.is_empty() {
            self.blocks.push(Block::new(vec![(range.clone(), vec![number])]));
            return;
        }
        let at = self.block_of(range);
        let block = &mut self.blocks[at];
        match block.ranges.binary_search_by(|(each, _)| each.cmp(range)) {
            Ok(found) => block.ranges[found].1.push(number),
            Err(place) => {
                block.ranges.insert(place, (range.clone(), vec![number]));
                block.reach = block.reach.clone().max(reach(range));
            }
        }
        if block.ranges.len() > MAX_BLOCK {
            let upper = block.ranges.split_off(MAX_BLOCK / 2);
            let lower = std::mem::take(&mut block.ranges);
            *block = Block::new(lower);
            self.blocks.insert(at + 1, Block::new(upper));
        }
    }

    /// Takes an interest back.
    pub(super) fn remove(&mut self, range: &KeyRange, number: usize) {
        if self.blocks.is_empty() {
            return;
        }
        let at = self.block_of(range);
        let mut ranges = std::mem::take(&mut self.blocks[at].ranges);
        if let Ok(found) = ranges.binary_search_by(|(each, _)| each.cmp(range)) {
            ranges[found].1.retain(|each| *each != number);
            if ranges[found].1.is_empty() {
                ranges.remove(found);
            }
        }
        if ranges.is_empty() {
            self.blocks.remove(at);
        } else {
            self.blocks[at] = Block::new(ranges);
        }
    }

    /// Gives everyone who is interested in a range with this key.
    pub(super) fn visit(&self, key: &[u8], mut visit: impl FnMut(usize)) {
        for block in self.blocks.iter().take_while(|block| block.first().key <= key) {
            if matches!(&block.reach, Reach::Before(end) if end <= key) {
                continue;
            }
            for (range, numbers) in block.ranges.iter().take_while(|(range, _)| range.key <= key) {
                if range.is_before_end(key) {
                    numbers.iter().for_each(|number| visit(*number));
                }
            }
        }
    }

    /// The block that holds a range or would.
    fn block_of(&self, range: &KeyRange) -> usize {
        self.blocks.partition_point(|block| block.first() <= range).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ranges_of_a_key_are_found_and_no_other() {
        let mut ranges = Ranges::default();
        let all: Vec<KeyRange> = (0..500_u32)
            .map(|number| {
                let start = format!("{:03}", number * 37 % 100);
                match number % 5 {
                    0 => KeyRange::new(start, "\0"),
                    1 => KeyRange::prefix(start[..2].to_owned()),
                    _ => KeyRange::new(start, format!("{:03}", number * 91 % 100)),
                }
            })
            .collect();
        for (number, range) in all.iter().enumerate() {
            ranges.insert(range, number);
        }
        let check = |ranges: &Ranges, from: usize| {
            for key in (0..100).map(|key| format!("{key:03}")) {
                let mut found = Vec::new();
                ranges.visit(key.as_bytes(), |number| found.push(number));
                found.sort_unstable();
                let expected = (from..all.len()).filter(|at| all[*at].contains(key.as_bytes()));
                assert_eq!(found, expected.collect::<Vec<_>>(), "of {key}");
            }
        };
        check(&ranges, 0);
        for (number, range) in all.iter().enumerate() {
            ranges.remove(range, number);
            if number % 100 == 0 {
                check(&ranges, number + 1);
            }
        }
        assert!(ranges.blocks.is_empty());
    }
}
