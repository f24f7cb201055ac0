//! Reading ranges of keys, at the newest revision or an older one.

use bytes::Bytes;

use crate::arena::Location;
use crate::compact::Pin;
use crate::record::Record;
use crate::state::State;
use crate::{
    Error, KeyRange, KeyValue, RangeRequest, RangeResponse, Revision, SortOrder, SortTarget,
};

impl State {
    /// Answers a range.
    ///
    /// # Errors
    /// A revision that is compacted or not written yet.
    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Error> {
        let revision = self.check_revision(request.revision)?;
        let plain = !request.is_filtered() && request.order().is_none();
        let wanted = match usize::try_from(request.limit) {
            _ if request.count_only => 0,
            Ok(limit) if plain && limit > 0 => limit,
            _ => usize::MAX,
        };
        let (mut locations, count) = self.find(&request.range, revision, wanted);
        let mut more = false;
        if plain {
            more = !request.count_only && locations.len() < count;
        } else if !request.count_only {
            self.arrange(request, &mut locations);
            if let Ok(limit @ 1..) = usize::try_from(request.limit) {
                more = locations.len() > limit;
                locations.truncate(limit);
            }
        }
        let kvs = locations.into_iter();
        Ok(RangeResponse {
            revision: self.revision.newest,
            kvs: kvs.map(|each| self.arena.key_value(each, !request.keys_only)).collect(),
            more,
            count: count as i64,
        })
    }

    /// A key as it stood before `revision`: none if it did not exist or if that is compacted.
    pub(crate) fn before(&self, key: &[u8], revision: Revision) -> Option<KeyValue> {
        if revision - 1 < self.revision.compacted {
            return None;
        }
        let location = self.index.at(&self.arena, key, revision - 1)?;
        (!self.arena.stamp(location).deleted).then(|| self.arena.key_value(location, true))
    }

    /// Begins to read a range piece by piece. The revision stays readable until the scan is
    /// dropped, whatever is compacted meanwhile.
    ///
    /// # Errors
    /// A revision that is compacted or not written yet.
    pub fn scan(&self, range: KeyRange, revision: Revision) -> Result<Scan, Error> {
        let revision = self.check_revision(revision)?;
        Ok(Scan { range, revision, done: false, _pin: self.pins.pin(revision) })
    }

    /// The next keys of a scan: `max` or so many that they hold `max_bytes`, at least one; none
    /// at its end.
    pub fn scan_next(&self, scan: &mut Scan, max: usize, max_bytes: usize) -> Vec<KeyValue> {
        let mut kvs: Vec<KeyValue> = Vec::new();
        if scan.done {
            return kvs;
        }
        scan.done = true;
        let mut bytes = 0;
        self.index.visit(&self.arena, &scan.range, scan.revision, |location| {
            if !kvs.is_empty() && (kvs.len() >= max || bytes >= max_bytes) {
                scan.done = false;
                return false;
            }
            let kv = self.arena.key_value(location, true);
            bytes += kv.key.len() + kv.value.len();
            kvs.push(kv);
            true
        });
        if let Some(last) = kvs.last().filter(|_| !scan.done) {
            // The first key after this one.
            let mut next = last.key.to_vec();
            next.push(0);
            scan.range.key = Bytes::from(next);
        }
        kvs
    }

    /// The revision that a request means, if it can be read.
    pub(crate) fn check_revision(&self, revision: Revision) -> Result<Revision, Error> {
        if revision > self.revision.newest {
            return Err(Error::FutureRevision);
        }
        let revision = if revision <= 0 { self.revision.newest } else { revision };
        if revision < self.revision.compacted {
            return Err(Error::Compacted { compact_revision: self.revision.compacted });
        }
        Ok(revision)
    }

    /// The first `wanted` keys of a range, and how many there are.
    fn find(&self, range: &KeyRange, revision: Revision, wanted: usize) -> (Vec<Location>, usize) {
        let mut locations = Vec::new();
        if range.is_single() {
            let location = self.index.at(&self.arena, &range.key, revision);
            locations.extend(location.filter(|each| !self.arena.stamp(*each).deleted));
            let count = locations.len();
            locations.truncate(wanted);
            return (locations, count);
        }
        let countable = revision == self.revision.newest;
        let mut count = 0;
        if !(countable && wanted == 0) {
            self.index.visit(&self.arena, range, revision, |location| {
                count += 1;
                if locations.len() < wanted {
                    locations.push(location);
                }
                !countable || locations.len() < wanted
            });
        }
        if countable && locations.len() == wanted {
            count = self.index.count_newest(&self.arena, range);
        }
        (locations, count)
    }

    /// Filters and sorts.
    fn arrange(&self, request: &RangeRequest, locations: &mut Vec<Location>) {
        if request.is_filtered() {
            locations.retain(|location| request.admits(&self.arena.record(*location).0));
        }
        let Some(target) = request.order() else { return };
        let number = |location: &Location| {
            let (record, _) = self.arena.record(*location);
            match target {
                SortTarget::Version => record.version,
                SortTarget::CreateRevision => record.create_revision,
                _ => record.stamp.revision,
            }
        };
        match target {
            SortTarget::Key => {}
            SortTarget::Value => locations.sort_by(|a, b| {
                let ((a, a_bytes), (b, b_bytes)) = (self.arena.record(*a), self.arena.record(*b));
                a_bytes[a.value].cmp(&b_bytes[b.value])
            }),
            _ => locations.sort_by_key(number),
        }
        if request.sort_order == SortOrder::Descending {
            locations.reverse();
        }
    }
}

impl RangeRequest {
    fn is_filtered(&self) -> bool {
        self.min_mod_revision != 0
            || self.max_mod_revision != 0
            || self.min_create_revision != 0
            || self.max_create_revision != 0
    }

    /// By what must be sorted; none where the order is that of the keys.
    fn order(&self) -> Option<SortTarget> {
        let as_stored =
            self.sort_target == SortTarget::Key && self.sort_order != SortOrder::Descending;
        (!as_stored).then_some(self.sort_target)
    }

    fn admits(&self, record: &Record) -> bool {
        let within = |value: Revision, min: Revision, max: Revision| {
            (min == 0 || value >= min) && (max == 0 || value <= max)
        };
        within(record.stamp.revision, self.min_mod_revision, self.max_mod_revision)
            && within(record.create_revision, self.min_create_revision, self.max_create_revision)
    }
}

/// A range that is read piece by piece: [`State::scan`].
#[derive(Debug)]
pub struct Scan {
    /// What is left.
    range: KeyRange,
    revision: Revision,
    done: bool,
    _pin: Pin,
}

impl Scan {
    /// The revision that is read.
    pub fn revision(&self) -> Revision {
        self.revision
    }
}
