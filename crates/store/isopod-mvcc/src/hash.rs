//! A number that two members with the same history have in common, to find one that differs.
//!
//! It covers every version that can be read between the compaction and a revision, as it lies in
//! memory, so that a flipped bit shows too. What a member has or has not cleaned up is left out.

use bytes::Bytes;

use crate::arena::{Arena, Location};
use crate::compact::Pin;
use crate::state::State;
use crate::{Error, KeyRange, Revision};

/// The hash of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hash {
    /// The number. Only those with the same revisions below can be compared.
    pub hash: u32,
    /// Up to which revision.
    pub revision: Revision,
    /// After which compaction.
    pub compact_revision: Revision,
}

/// A hash that is worked out piece by piece.
#[derive(Debug)]
pub struct HashScan {
    revision: Revision,
    compact_revision: Revision,
    rest: KeyRange,
    sum: u64,
    /// What can be read now stays in memory.
    _pin: Pin,
}

impl State {
    /// Begins to work out the hash up to a revision; 0 is the newest.
    ///
    /// # Errors
    /// A revision that is compacted or not written yet.
    pub fn hash_scan(&self, revision: Revision) -> Result<HashScan, Error> {
        let revision = self.check_revision(revision)?;
        let compact_revision = self.revision.compacted;
        let _pin = self.pins.pin(compact_revision);
        Ok(HashScan { revision, compact_revision, rest: KeyRange::all(), sum: 0, _pin })
    }

    /// Goes on for so many keys. The hash, once it is whole.
    pub fn hash_next(&self, scan: &mut HashScan, keys: usize) -> Option<Hash> {
        let mut left = keys.max(1);
        let mut next = None;
        self.index.visit_versions(&self.arena, &scan.rest, |versions| {
            if left == 0 {
                next = versions.next().map(|location| self.arena.key(location));
                return false;
            }
            left -= 1;
            let sum = key_sum(&self.arena, versions, scan.revision, scan.compact_revision);
            scan.sum = scan.sum.wrapping_add(sum);
            true
        });
        if let Some(next) = next {
            scan.rest.key = Bytes::copy_from_slice(next);
            return None;
        }
        let HashScan { revision, compact_revision, sum, .. } = *scan;
        Some(Hash { hash: (sum ^ (sum >> 32)) as u32, revision, compact_revision })
    }
}

/// Of a key's versions: all after the compaction, and the one that it left.
fn key_sum(
    arena: &Arena,
    versions: &mut dyn DoubleEndedIterator<Item = Location>,
    revision: Revision,
    compact_revision: Revision,
) -> u64 {
    let mut sum = 0_u64;
    for location in versions.rev() {
        let stamp = arena.stamp(location);
        if stamp.revision > revision {
            continue;
        }
        let is_left = stamp.revision <= compact_revision;
        if !(is_left && stamp.deleted) {
            sum = sum.wrapping_add(spread(crc32fast::hash(arena.record_bytes(location))));
        }
        if is_left {
            break;
        }
    }
    sum
}

/// Spreads a checksum over 64 bits, so that sums of several do not cancel out.
fn spread(checksum: u32) -> u64 {
    let mut value = u64::from(checksum).wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
