//! What is wrong with a request whatever the state: to be asked before it is proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;

use crate::{
    DeleteRequest, Error, KeyRange, MAX_TXN_DEPTH, Operation, PutRequest, RangeEnd, RangeRequest,
    TxnRequest,
};

impl RangeRequest {
    /// # Errors
    /// An empty key.
    pub fn validate(&self) -> Result<(), Error> {
        not_empty(&self.range.key)
    }
}

impl PutRequest {
    /// # Errors
    /// An empty key; a value or lease beside the wish to keep the key's own.
    pub fn validate(&self) -> Result<(), Error> {
        not_empty(&self.key)?;
        if self.ignore_value && !self.value.is_empty() {
            return Err(Error::ValueProvided);
        }
        if self.ignore_lease && self.lease != 0 {
            return Err(Error::LeaseProvided);
        }
        Ok(())
    }
}

impl DeleteRequest {
    /// # Errors
    /// An empty key.
    pub fn validate(&self) -> Result<(), Error> {
        not_empty(&self.range.key)
    }
}

impl TxnRequest {
    /// # Errors
    /// More comparisons or operations than `max_ops` (of a transaction its longest list counts,
    /// and what it leaves is for those within), deeper nesting than [`MAX_TXN_DEPTH`], an empty
    /// key, or a key that a branch writes twice.
    pub fn validate(&self, max_ops: usize) -> Result<(), Error> {
        self.validate_parts(max_ops, 1)?;
        for branch in [&self.success, &self.failure] {
            Writes::of(branch)?;
        }
        Ok(())
    }

    fn validate_parts(&self, max_ops: usize, depth: usize) -> Result<(), Error> {
        if depth > MAX_TXN_DEPTH {
            return Err(Error::TooDeep);
        }
        let longest = self.compare.len().max(self.success.len()).max(self.failure.len());
        if longest > max_ops {
            return Err(Error::TooManyOps);
        }
        self.compare.iter().try_for_each(|compare| not_empty(&compare.range.key))?;
        for operation in self.success.iter().chain(&self.failure) {
            match operation {
                Operation::Range(range) => range.validate()?,
                Operation::Put(put) => put.validate()?,
                Operation::Delete(delete) => delete.validate()?,
                Operation::Txn(txn) => txn.validate_parts(max_ops - longest, depth + 1)?,
            }
        }
        Ok(())
    }
}

/// What a branch writes.
#[derive(Default)]
struct Writes<'a> {
    puts: BTreeSet<&'a Bytes>,
    deletes: BTreeMap<&'a Bytes, &'a KeyRange>,
}

impl<'a> Writes<'a> {
    /// Gathers a branch's writes: no key may be put twice, or put and deleted.
    fn of(branch: &'a [Operation]) -> Result<Self, Error> {
        let mut writes = Self::default();
        for operation in branch {
            if let Operation::Delete(delete) = operation {
                writes.add_delete(&delete.range);
            }
        }
        for operation in branch {
            if let Operation::Put(put) = operation
                && (!writes.puts.insert(&put.key) || writes.deletes_key(&put.key))
            {
                return Err(Error::DuplicateKey);
            }
        }
        for operation in branch {
            let Operation::Txn(txn) = operation else { continue };
            let mut inner = Self::of(&txn.success)?;
            inner.absorb(Self::of(&txn.failure)?);
            let clash = inner.puts.iter().any(|key| writes.puts.contains(key))
                || inner.puts.iter().any(|key| writes.deletes_key(key))
                || writes.puts.iter().any(|key| inner.deletes_key(key));
            if clash {
                return Err(Error::DuplicateKey);
            }
            writes.absorb(inner);
        }
        Ok(writes)
    }

    /// Of branches of which only one will be done.
    fn absorb(&mut self, other: Self) {
        self.puts.extend(other.puts);
        other.deletes.into_values().for_each(|range| self.add_delete(range));
    }

    /// Ranges that overlap may both be deleted; of those that begin alike the longest counts.
    fn add_delete(&mut self, range: &'a KeyRange) {
        let longest = self.deletes.entry(&range.key).or_insert(range);
        if reaches_further(range, longest) {
            *longest = range;
        }
    }

    fn deletes_key(&self, key: &Bytes) -> bool {
        let before = self.deletes.range::<Bytes, _>((Bound::Unbounded, Bound::Included(key)));
        before.rev().any(|(_, range)| range.contains(key))
    }
}

fn reaches_further(one: &KeyRange, other: &KeyRange) -> bool {
    match (&one.end, &other.end) {
        (RangeEnd::Single, _) | (_, RangeEnd::Unbounded) => false,
        (_, RangeEnd::Single) | (RangeEnd::Unbounded, _) => true,
        (RangeEnd::Before(one), RangeEnd::Before(other)) => one > other,
    }
}

fn not_empty(key: &Bytes) -> Result<(), Error> {
    if key.is_empty() { Err(Error::EmptyKey) } else { Ok(()) }
}
