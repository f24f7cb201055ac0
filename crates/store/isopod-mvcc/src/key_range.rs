//! Ranges of keys, by etcd's rules.

use bytes::Bytes;

/// One key, or all keys from one on up to an end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyRange {
    /// The key, or the first one of the range.
    pub key: Bytes,
    /// Where the range ends.
    pub end: RangeEnd,
}

/// Where a [`KeyRange`] ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RangeEnd {
    /// The range is its key alone.
    Single,
    /// All keys before this one. At or below the first key it makes a range without keys.
    Before(Bytes),
    /// All keys to the last.
    Unbounded,
}

impl KeyRange {
    /// The range that etcd means by a key and a `range_end`: an empty end is the key alone, an
    /// end of one zero byte is no end.
    pub fn new(key: impl Into<Bytes>, range_end: impl Into<Bytes>) -> Self {
        let range_end = range_end.into();
        let end = match &range_end[..] {
            [] => RangeEnd::Single,
            [0] => RangeEnd::Unbounded,
            _ => RangeEnd::Before(range_end),
        };
        Self { key: key.into(), end }
    }

    /// One key.
    pub fn single(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), end: RangeEnd::Single }
    }

    /// Every key.
    pub fn all() -> Self {
        Self { key: Bytes::new(), end: RangeEnd::Unbounded }
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let key = prefix.into();
        let end = match key.iter().rposition(|byte| *byte != 0xff) {
            None => RangeEnd::Unbounded,
            Some(last) => {
                let mut end = key[..=last].to_vec();
                end[last] += 1;
                RangeEnd::Before(end.into())
            }
        };
        Self { key, end }
    }

    /// etcd's `range_end` for this range.
    pub fn range_end(&self) -> Bytes {
        match &self.end {
            RangeEnd::Single => Bytes::new(),
            RangeEnd::Before(end) => end.clone(),
            RangeEnd::Unbounded => Bytes::from_static(&[0]),
        }
    }

    /// Whether the range is one key.
    pub fn is_single(&self) -> bool {
        self.end == RangeEnd::Single
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        match &self.end {
            RangeEnd::Single => key == &self.key[..],
            _ => key >= &self.key[..] && self.is_before_end(key),
        }
    }

    /// Whether every key of `other` lies in the range.
    pub fn covers(&self, other: &KeyRange) -> bool {
        match (&self.end, &other.end) {
            (_, RangeEnd::Single) => self.contains(&other.key),
            (RangeEnd::Single, _) => false,
            (RangeEnd::Unbounded, _) => self.key <= other.key,
            (RangeEnd::Before(_), RangeEnd::Unbounded) => false,
            (RangeEnd::Before(end), RangeEnd::Before(other_end)) => {
                self.key <= other.key && other_end <= end
            }
        }
    }

    /// The same range in memory of its own.
    pub(crate) fn detached(&self) -> Self {
        let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        let end = match &self.end {
            RangeEnd::Before(end) => RangeEnd::Before(copy(end)),
            other => other.clone(),
        };
        Self { key: copy(&self.key), end }
    }

    /// Whether `key`, known not to lie before the range, lies before its end.
    pub(crate) fn is_before_end(&self, key: &[u8]) -> bool {
        match &self.end {
            RangeEnd::Single => key == &self.key[..],
            RangeEnd::Before(end) => key < &end[..],
            RangeEnd::Unbounded => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcds_forms_mean_what_they_mean() {
        assert!(KeyRange::new("a", "").is_single());
        assert!(KeyRange::new("a", "\0").contains(b"zzz"));
        assert!(!KeyRange::new("b", "\0").contains(b"a"));
        let range = KeyRange::new("a", "c");
        assert!(range.contains(b"a") && range.contains(b"bzz") && !range.contains(b"c"));
        assert!(!KeyRange::new("c", "a").contains(b"b"));
    }

    #[test]
    fn a_prefix_ends_where_its_last_byte_can_be_raised() {
        assert_eq!(KeyRange::prefix("ab").range_end(), "ac");
        assert_eq!(KeyRange::prefix(&b"a\xff"[..]).range_end(), "b");
        assert_eq!(KeyRange::prefix(&b"\xff"[..]).end, RangeEnd::Unbounded);
        assert_eq!(KeyRange::prefix("").end, RangeEnd::Unbounded);
    }

    #[test]
    fn covering_is_by_both_ends() {
        let range = KeyRange::new("b", "d");
        assert!(range.covers(&KeyRange::single("c")));
        assert!(range.covers(&KeyRange::new("b", "d")));
        assert!(!range.covers(&KeyRange::new("b", "\0")));
        assert!(!range.covers(&KeyRange::new("a", "c")));
        assert!(!KeyRange::single("b").covers(&range));
        assert!(KeyRange::all().covers(&range));
    }
}
