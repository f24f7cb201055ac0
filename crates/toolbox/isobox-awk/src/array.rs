//! Associative arrays: a hash table that keeps the order of insertion, so that `for (k in a)` goes
//! through the elements as they were made. While the subscripts are whole numbers that follow each
//! other (`a[n++]`, `split`), the order alone tells where an element is, and there is no table.

use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::sync::LazyLock;

use crate::number::append_integer;
use crate::value::Value;

/// A subscript as it is kept. Whole numbers in their usual form are kept as numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    /// The element was deleted.
    Gone,
    Integer(i64),
    Text(Box<[u8]>),
}

/// A subscript to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subscript<'a> {
    Integer(i64),
    Text(&'a [u8]),
}

impl<'a> Subscript<'a> {
    /// The text `12` is the same subscript as the number.
    #[inline]
    pub(crate) fn of(text: &'a [u8]) -> Self {
        match text.first() {
            Some(b'-' | b'0'..=b'9') => Self::number(text),
            _ => Self::Text(text),
        }
    }

    fn number(text: &'a [u8]) -> Self {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let usual = match digits {
            [b'0'] => text.len() == 1,
            [b'1'..=b'9', rest @ ..] => rest.len() < 18 && rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if !usual {
            return Self::Text(text);
        }
        let magnitude = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Self::Integer(if text.len() == digits.len() { magnitude } else { -magnitude })
    }

    #[inline]
    fn hash(self) -> u32 {
        let hash = match self {
            Self::Integer(integer) => mix(integer as u64 ^ *SEED, 0x9e37_79b9_7f4a_7c15),
            Self::Text(text) => hash_bytes(text),
        };
        u32::try_from(hash >> 32).expect("32 bits")
    }

    #[inline]
    fn is(self, key: &Key) -> bool {
        match (self, key) {
            (Self::Integer(a), Key::Integer(b)) => a == *b,
            (Self::Text(a), Key::Text(b)) => *a == **b,
            _ => false,
        }
    }
}

/// Secret, so that nobody can choose input whose subscripts collide.
static SEED: LazyLock<u64> =
    LazyLock::new(|| std::hash::RandomState::new().build_hasher().finish());

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    u64::try_from(product & u128::from(u64::MAX)).expect("the low half")
        ^ u64::try_from(product >> 64).expect("the high half")
}

#[inline]
fn hash_bytes(text: &[u8]) -> u64 {
    const ODD: u64 = 0xd6e8_feb8_6659_fd93;
    let mut hash = *SEED ^ text.len() as u64;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        hash = mix(hash ^ word, ODD);
    }
    let word = chunks.remainder().iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(hash ^ word, 0x9e37_79b9_7f4a_7c15 ^ ODD)
}

#[derive(Debug)]
struct Entry {
    hash: u32,
    key: Key,
    value: Value,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Array {
    entries: Vec<Entry>,
    /// A power of two of places: 0 for none, otherwise the number of an entry and one. Empty while
    /// the entries' keys follow each other.
    places: Vec<u32>,
    live: usize,
}

impl Array {
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first key, if the others follow it one by one.
    fn first(&self) -> Option<i64> {
        match self.entries.first() {
            Some(Entry { key: Key::Integer(first), .. }) if self.places.is_empty() => Some(*first),
            _ => None,
        }
    }

    #[inline]
    fn find(&self, subscript: Subscript<'_>) -> Option<usize> {
        if self.places.is_empty() {
            let (Subscript::Integer(integer), Some(first)) = (subscript, self.first()) else {
                return None;
            };
            let index = usize::try_from(integer.wrapping_sub(first)).ok()?;
            return (index < self.entries.len()).then_some(index);
        }
        let hash = subscript.hash();
        let mask = self.places.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        loop {
            let entry = (*self.places.get(place)? as usize).checked_sub(1)?;
            let found = &self.entries[entry];
            if found.hash == hash && subscript.is(&found.key) {
                return Some(entry);
            }
            place = (place + 1) & mask;
        }
    }

    pub(crate) fn contains(&self, subscript: Subscript<'_>) -> bool {
        self.find(subscript).is_some()
    }

    pub(crate) fn get(&self, subscript: Subscript<'_>) -> Option<&Value> {
        self.find(subscript).map(|entry| &self.entries[entry].value)
    }

    /// The element, which is made if there is none.
    #[inline]
    pub(crate) fn entry(&mut self, subscript: Subscript<'_>) -> &mut Value {
        let entry = match self.find(subscript) {
            Some(entry) => entry,
            None => self.insert(subscript),
        };
        &mut self.entries[entry].value
    }

    fn insert(&mut self, subscript: Subscript<'_>) -> usize {
        self.live += 1;
        let key = match subscript {
            Subscript::Integer(integer) => Key::Integer(integer),
            Subscript::Text(text) => Key::Text(text.into()),
        };
        if self.places.is_empty() {
            let next = match (subscript, self.first()) {
                (Subscript::Integer(integer), Some(first)) => {
                    usize::try_from(integer.wrapping_sub(first)) == Ok(self.entries.len())
                }
                (Subscript::Integer(_), None) => true,
                (Subscript::Text(_), _) => false,
            };
            if next {
                self.entries.push(Entry { hash: 0, key, value: Value::Unset });
                return self.entries.len() - 1;
            }
        }
        if (self.entries.len() + 1) * 4 > self.places.len() * 3 {
            self.make_room();
        }
        let hash = subscript.hash();
        self.entries.push(Entry { hash, key, value: Value::Unset });
        Self::put(&mut self.places, hash, self.entries.len());
        self.entries.len() - 1
    }

    fn put(places: &mut [u32], hash: u32, number: usize) {
        let mask = places.len() - 1;
        let mut place = hash as usize & mask;
        while places[place] != 0 {
            place = (place + 1) & mask;
        }
        places[place] = u32::try_from(number).expect("memory ends before four thousand millions");
    }

    /// Drops what was deleted; makes the table, or doubles it if that is not enough.
    fn make_room(&mut self) {
        if self.places.is_empty() {
            for entry in &mut self.entries {
                if let Key::Integer(integer) = entry.key {
                    entry.hash = Subscript::Integer(integer).hash();
                }
            }
        }
        self.entries.retain(|entry| entry.key != Key::Gone);
        let wanted = (self.live * 2 + 2).next_power_of_two().max(8);
        self.places.clear();
        self.places.resize(wanted, 0);
        for (entry, number) in self.entries.iter().zip(1..) {
            Self::put(&mut self.places, entry.hash, number);
        }
    }

    pub(crate) fn remove(&mut self, subscript: Subscript<'_>) {
        let Some(entry) = self.find(subscript) else { return };
        self.live -= 1;
        if self.live == 0 {
            self.clear();
        } else if self.places.is_empty() && entry + 1 == self.entries.len() {
            self.entries.pop();
        } else {
            if self.places.is_empty() {
                self.make_room();
            }
            // The place stays in use, for those behind it.
            self.entries[entry].key = Key::Gone;
            self.entries[entry].value = Value::Unset;
        }
    }

    /// The subscripts of now; a loop goes through them whatever it does to the array.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let live = self.entries.iter().filter(|entry| entry.key != Key::Gone);
        live.map(|entry| entry.key.clone()).collect()
    }
}

impl Key {
    /// What the variable of `for (k in a)` becomes: a string, as POSIX has it.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Gone => Value::Unset,
            Self::Integer(integer) => {
                let mut text = Vec::new();
                append_integer(*integer, &mut text);
                Value::Text(Rc::new(text))
            }
            Self::Text(text) => Value::text(text.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_order_over_growth_and_deletion() {
        let mut array = Array::default();
        for number in 0..1000 {
            *array.entry(Subscript::Integer(number)) = Value::Number(1.0);
        }
        for number in (0..1000).filter(|number| number % 10 != 0) {
            array.remove(Subscript::of(number.to_string().as_bytes()));
        }
        array.entry(Subscript::Text(b"x"));
        let expected: Vec<Key> =
            (0..100).map(|n| Key::Integer(n * 10)).chain([Key::Text(b"x"[..].into())]).collect();
        assert_eq!(array.keys(), expected);
        assert_eq!(array.len(), 101);
        for number in 1000..5000 {
            array.entry(Subscript::Integer(number));
        }
        assert!(array.contains(Subscript::of(b"990")) && !array.contains(Subscript::of(b"991")));
    }

    #[test]
    fn only_whole_numbers_in_their_usual_form_are_numbers() {
        let number = |text: &'static str| match Subscript::of(text.as_bytes()) {
            Subscript::Integer(integer) => Some(integer),
            Subscript::Text(_) => None,
        };
        assert_eq!(number("12"), Some(12));
        assert_eq!(number("-7"), Some(-7));
        assert_eq!(number("0"), Some(0));
        for text in ["", "-0", "01", "1.0", "+1", " 1", "1234567890123456789012", "-"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
