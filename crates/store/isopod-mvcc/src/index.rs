//! Which versions every key has, in the order of the keys.
//!
//! Keys lie in blocks of up to 256, found by the first key that each may hold. An entry is the
//! location of the key's only version, or of all of them; keys and values themselves are in the
//! [`Arena`]. Beside it lie the four bytes of the key that follow what all keys of the block have
//! in common: they tell most keys of a block apart, so that a lookup reads one record where it
//! would otherwise read eight that are in no cache. Blocks count their living keys, so that
//! counting a range of the newest revision costs a step a block.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::arena::{Arena, Location};
use crate::{KeyRange, RangeEnd, Revision};

/// A block with more entries is split.
const MAX_BLOCK: usize = 256;
/// A block with fewer is joined with the next, if both fit half a block.
const MIN_BLOCK: usize = MAX_BLOCK / 8;

/// A key's versions, oldest first, after its fragment: [`fragment`].
#[derive(Debug)]
enum Entry {
    One(u32, Location),
    #[expect(clippy::box_collection, reason = "keeps an entry at 16 bytes; most keys are One")]
    Many(u32, Box<VecDeque<Location>>),
}

impl Entry {
    fn fragment(&self) -> u32 {
        match self {
            Entry::One(fragment, _) | Entry::Many(fragment, _) => *fragment,
        }
    }

    fn set_fragment(&mut self, value: u32) {
        match self {
            Entry::One(fragment, _) | Entry::Many(fragment, _) => *fragment = value,
        }
    }

    fn newest(&self) -> Location {
        match self {
            Entry::One(_, location) => *location,
            Entry::Many(_, locations) => *locations.back().expect("an entry has a version"),
        }
    }

    fn oldest(&self) -> Location {
        match self {
            Entry::One(_, location) => *location,
            Entry::Many(_, locations) => *locations.front().expect("an entry has a version"),
        }
    }

    /// The newest version at `revision`.
    fn at(&self, arena: &Arena, revision: Revision) -> Option<Location> {
        let newest = self.newest();
        if arena.stamp(newest).revision <= revision {
            return Some(newest);
        }
        let Entry::Many(_, locations) = self else { return None };
        let after = locations.partition_point(|each| arena.stamp(*each).revision <= revision);
        locations.get(after.checked_sub(1)?).copied()
    }

    fn push(&mut self, location: Location) {
        match self {
            Entry::One(fragment, first) => {
                let locations = VecDeque::from([*first, location]);
                *self = Entry::Many(*fragment, Box::new(locations));
            }
            Entry::Many(_, locations) => locations.push_back(location),
        }
    }

    /// Takes out the oldest of several versions.
    fn pop_oldest(&mut self) -> Option<Location> {
        let Entry::Many(fragment, locations) = self else { return None };
        let oldest = locations.pop_front();
        if locations.len() == 1 {
            *self = Entry::One(*fragment, self.newest());
        }
        oldest
    }

    fn replace_oldest(&mut self, location: Location) {
        match self {
            Entry::One(_, oldest) => *oldest = location,
            Entry::Many(_, locations) => {
                *locations.front_mut().expect("an entry has a version") = location;
            }
        }
    }
}

#[derive(Debug, Default)]
struct Block {
    entries: Vec<Entry>,
    /// What all keys of the block begin with.
    prefix: Box<[u8]>,
    /// How many of the keys exist at the newest revision.
    alive: usize,
}

impl Block {
    fn new(arena: &Arena, entries: Vec<Entry>) -> Self {
        let alive = entries.iter().filter(|entry| !arena.stamp(entry.newest()).deleted).count();
        let mut block = Self { entries, prefix: Box::default(), alive };
        if let [first, .., last] = &block.entries[..] {
            let (first, last) = (arena.key(first.newest()), arena.key(last.newest()));
            block.prefix = first[..common_length(first, last)].into();
        }
        block.set_fragments(arena);
        block
    }

    fn set_fragments(&mut self, arena: &Arena) {
        for entry in &mut self.entries {
            entry.set_fragment(fragment(arena.key(entry.newest()), self.prefix.len()));
        }
    }

    /// Where the key is, or would be.
    fn find(&self, arena: &Arena, key: &[u8]) -> Result<usize, usize> {
        let shared = &key[..key.len().min(self.prefix.len())];
        match shared.cmp(&self.prefix) {
            Ordering::Less => return Err(0),
            Ordering::Greater => return Err(self.entries.len()),
            Ordering::Equal => {}
        }
        let wanted = fragment(key, self.prefix.len());
        let start = self.entries.partition_point(|entry| entry.fragment() < wanted);
        let alike = self.entries[start..].iter().take_while(|entry| entry.fragment() == wanted);
        let alike = &self.entries[start..start + alike.count()];
        let found = alike.binary_search_by(|entry| arena.key(entry.newest()).cmp(key));
        found.map(|at| start + at).map_err(|at| start + at)
    }

    /// The first entry at or after `key`.
    fn lower_bound(&self, arena: &Arena, key: &[u8]) -> usize {
        self.find(arena, key).unwrap_or_else(|at| at)
    }

    /// Adds a key where it belongs.
    fn insert(&mut self, arena: &Arena, at: usize, location: Location) {
        let key = arena.key(location);
        let common = common_length(&self.prefix, key);
        if self.entries.is_empty() {
            self.prefix = key.into();
        } else if common < self.prefix.len() {
            self.prefix = key[..common].into();
            self.set_fragments(arena);
        }
        self.entries.insert(at, Entry::One(fragment(key, self.prefix.len()), location));
        self.alive += usize::from(!arena.stamp(location).deleted);
    }

    /// Splits off the upper part: half, or only the entry at the end where keys that ascend are
    /// being added.
    fn split(&mut self, arena: &Arena, inserted: usize) -> Block {
        let at = if inserted + 1 == self.entries.len() { inserted } else { self.entries.len() / 2 };
        let upper = Block::new(arena, self.entries.split_off(at));
        let mut lower = std::mem::take(&mut self.entries);
        lower.shrink_to_fit();
        *self = Block::new(arena, lower);
        upper
    }
}

/// The four bytes of a key after `skip`, as a number; zeros stand for those that it lacks.
fn fragment(key: &[u8], skip: usize) -> u32 {
    match key.get(skip..).unwrap_or_default() {
        [a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        short => {
            let mut bytes = [0; 4];
            bytes[..short.len()].copy_from_slice(short);
            u32::from_be_bytes(bytes)
        }
    }
}

fn common_length(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// All keys.
#[derive(Debug)]
pub(crate) struct Index {
    /// Blocks by a bound: the keys of a block are at or above its own and below the next one's.
    /// There always is one with the empty bound.
    blocks: BTreeMap<Box<[u8]>, Block>,
}

impl Default for Index {
    fn default() -> Self {
        Self { blocks: BTreeMap::from([(Box::default(), Block::default())]) }
    }
}

impl Index {
    /// The newest version of a key, be it a deletion.
    pub(crate) fn newest(&self, arena: &Arena, key: &[u8]) -> Option<Location> {
        let block = self.block(key);
        block.find(arena, key).ok().map(|at| block.entries[at].newest())
    }

    /// The version of a key at a revision, be it a deletion.
    pub(crate) fn at(&self, arena: &Arena, key: &[u8], revision: Revision) -> Option<Location> {
        let block = self.block(key);
        let at = block.find(arena, key).ok()?;
        block.entries[at].at(arena, revision)
    }

    /// Adds a version of a key. `write` gets the newest version so far and gives the new one.
    pub(crate) fn add(
        &mut self,
        arena: &mut Arena,
        key: &[u8],
        write: impl FnOnce(&mut Arena, Option<Location>) -> Location,
    ) {
        let block = self.block_mut(key);
        match block.find(arena, key) {
            Ok(at) => {
                let before = block.entries[at].newest();
                let was_alive = !arena.stamp(before).deleted;
                let location = write(arena, Some(before));
                block.entries[at].push(location);
                let is_alive = !arena.stamp(location).deleted;
                block.alive = block.alive + usize::from(is_alive) - usize::from(was_alive);
            }
            Err(at) => {
                let location = write(arena, None);
                block.insert(arena, at, location);
                if block.entries.len() > MAX_BLOCK {
                    let upper = block.split(arena, at);
                    let bound = arena.key(upper.entries[0].newest()).into();
                    self.blocks.insert(bound, upper);
                }
            }
        }
    }

    /// Drops the versions of a key that are older than the one at `location`, and that one if
    /// nothing precedes or follows it and it is a deletion. `dropped` gets their places.
    pub(crate) fn drop_before(
        &mut self,
        arena: &mut Arena,
        location: Location,
        mut dropped: impl FnMut(&mut Arena, Location),
    ) {
        let key: Box<[u8]> = arena.key(location).into();
        let block = self.block_mut(&key);
        let Ok(at) = block.find(arena, &key) else { return };
        let entry = &mut block.entries[at];
        let revision = arena.stamp(location).revision;
        while entry.oldest() != location && arena.stamp(entry.oldest()).revision <= revision {
            match entry.pop_oldest() {
                Some(oldest) => dropped(arena, oldest),
                None => break,
            }
        }
        if entry.oldest() != location || !arena.stamp(location).deleted {
            return;
        }
        if let Some(oldest) = entry.pop_oldest() {
            dropped(arena, oldest);
            return;
        }
        block.entries.remove(at);
        let few = block.entries.len() < MIN_BLOCK;
        dropped(arena, location);
        if few {
            self.join(arena, &key);
        }
    }

    /// Lets `relocate` move a record, if it is its key's oldest version: what moves is older than
    /// the compaction, and of that a key has one version at most.
    pub(crate) fn relocate(
        &mut self,
        arena: &mut Arena,
        old: Location,
        relocate: impl FnOnce(&mut Arena, Location) -> Location,
    ) {
        let block = self.block(arena.key(old));
        let Ok(at) = block.find(arena, arena.key(old)) else { return };
        if block.entries[at].oldest() == old {
            let new = relocate(arena, old);
            self.block_mut(arena.key(new)).entries[at].replace_oldest(new);
        }
    }

    /// Visits every key of a range that exists at `revision`, in order, until `visit` is done.
    pub(crate) fn visit(
        &self,
        arena: &Arena,
        range: &KeyRange,
        revision: Revision,
        mut visit: impl FnMut(Location) -> bool,
    ) {
        for (block, entries) in self.blocks_of(arena, range) {
            for entry in &block.entries[entries] {
                let Some(location) = entry.at(arena, revision) else { continue };
                if !arena.stamp(location).deleted && !visit(location) {
                    return;
                }
            }
        }
    }

    /// Visits all versions of every key of a range, oldest first, until `visit` is done.
    pub(crate) fn visit_versions(
        &self,
        arena: &Arena,
        range: &KeyRange,
        mut visit: impl FnMut(&mut dyn DoubleEndedIterator<Item = Location>) -> bool,
    ) {
        for (block, entries) in self.blocks_of(arena, range) {
            for entry in &block.entries[entries] {
                let more = match entry {
                    Entry::One(_, location) => visit(&mut std::iter::once(*location)),
                    Entry::Many(_, locations) => visit(&mut locations.iter().copied()),
                };
                if !more {
                    return;
                }
            }
        }
    }

    /// How many keys of a range exist at the newest revision.
    pub(crate) fn count_newest(&self, arena: &Arena, range: &KeyRange) -> usize {
        let count = |(block, entries): (&Block, std::ops::Range<usize>)| {
            if entries.len() == block.entries.len() {
                return block.alive;
            }
            let entries = block.entries[entries].iter();
            entries.filter(|entry| !arena.stamp(entry.newest()).deleted).count()
        };
        self.blocks_of(arena, range).map(count).sum()
    }

    /// How many keys there are, deleted ones that are not compacted included.
    pub(crate) fn len(&self) -> usize {
        self.blocks.values().map(|block| block.entries.len()).sum()
    }

    /// The blocks that a range touches, and which of their entries. Only the first and the last
    /// need a look at keys.
    fn blocks_of<'a>(
        &'a self,
        arena: &'a Arena,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = (&'a Block, std::ops::Range<usize>)> {
        let from = (Bound::Included(self.bound_of(&range.key)), Bound::Unbounded);
        let mut blocks = self.blocks.range::<[u8], _>(from).map(|(_, block)| block);
        let mut bounds = self.blocks.range::<[u8], _>(from).map(|(bound, _)| bound).skip(1);
        let empty = matches!(&range.end, RangeEnd::Before(end) if *end <= range.key);
        let (mut first, mut ended) = (true, empty);
        std::iter::from_fn(move || {
            let block = blocks.next().filter(|_| !ended)?;
            let start = if first { block.lower_bound(arena, &range.key) } else { 0 };
            first = false;
            ended = !bounds.next().is_some_and(|bound| range.is_before_end(bound));
            let rest = &block.entries[start..];
            let length = if ended && range.end != RangeEnd::Unbounded {
                rest.partition_point(|entry| range.is_before_end(arena.key(entry.newest())))
            } else {
                rest.len()
            };
            Some((block, start..start + length))
        })
    }

    fn bound_of(&self, key: &[u8]) -> &[u8] {
        let mut below = self.blocks.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        below.next_back().expect("the empty bound is below every key").0
    }

    fn block(&self, key: &[u8]) -> &Block {
        let mut below = self.blocks.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        below.next_back().expect("the empty bound is below every key").1
    }

    fn block_mut(&mut self, key: &[u8]) -> &mut Block {
        let mut below = self.blocks.range_mut::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        below.next_back().expect("the empty bound is below every key").1
    }

    /// Joins the block of `key` with the next one if both are small, and forgets it if it is empty.
    fn join(&mut self, arena: &Arena, key: &[u8]) {
        let bound: Box<[u8]> = self.bound_of(key).into();
        let entries = self.block(key).entries.len();
        if entries == 0 && !bound.is_empty() {
            self.blocks.remove(&bound);
            return;
        }
        let after = (Bound::Excluded(&*bound), Bound::Unbounded);
        let Some((next_bound, next)) = self.blocks.range::<[u8], _>(after).next() else { return };
        if entries + next.entries.len() > MAX_BLOCK / 2 {
            return;
        }
        let next_bound = next_bound.clone();
        let next = self.blocks.remove(&next_bound).expect("it was just found");
        let block = self.block_mut(key);
        let mut entries = std::mem::take(&mut block.entries);
        entries.extend(next.entries);
        entries.shrink_to_fit();
        *block = Block::new(arena, entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_takes_sixteen_bytes() {
        assert_eq!(size_of::<Entry>(), 16);
    }

    #[test]
    fn fragments_are_ordered_as_their_keys() {
        let keys: [&[u8]; 7] = [b"", b"\0", b"a", b"a\0", b"aaaa", b"aaaaa", b"b"];
        for pair in keys.windows(2) {
            assert!(fragment(pair[0], 0) <= fragment(pair[1], 0), "{pair:?}");
        }
    }
}
