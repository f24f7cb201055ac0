//! Writing transactions: every change of keys goes through one, with one revision for all of it.

use std::cmp::Ordering;

use crate::arena::Location;
use crate::record::{self, Written};
use crate::state::State;
use crate::{
    Compare, CompareResult, CompareTarget, DeleteRequest, DeleteResponse, Error, Event, EventKind,
    KeyValue, Operation, OperationResponse, PutRequest, PutResponse, Revision, TxnRequest,
    TxnResponse,
};

/// A writing transaction. Its revision is taken with the first change.
pub(crate) struct Write<'a> {
    state: &'a mut State,
    /// The revision that its changes have.
    revision: Revision,
    events: &'a mut Vec<Event>,
}

impl<'a> Write<'a> {
    pub(crate) fn new(state: &'a mut State, events: &'a mut Vec<Event>) -> Self {
        let revision = state.revision.newest + 1;
        Self { state, revision, events }
    }

    /// Writes a key, after [`State::check_put`]. It cannot fail half way through a transaction: in
    /// one that writes a key twice, which is refused before it is proposed, a put that keeps the
    /// value of a key deleted just before keeps nothing.
    pub(crate) fn put(&mut self, put: &PutRequest) -> PutResponse {
        let previous = self.state.newest_value(&put.key);
        let old = previous.as_ref();
        let old_lease = old.map_or(0, |kv| kv.lease);
        let kv = KeyValue {
            key: put.key.clone(),
            value: match old {
                Some(kv) if put.ignore_value => kv.value.clone(),
                _ => put.value.clone(),
            },
            create_revision: old.map_or(self.revision, |kv| kv.create_revision),
            mod_revision: self.revision,
            version: old.map_or(1, |kv| kv.version + 1),
            lease: if put.ignore_lease { old_lease } else { put.lease },
        };
        self.append(&kv);
        if old_lease != kv.lease {
            self.state.leases.detach(old_lease, &put.key);
            self.state.leases.attach(kv.lease, &put.key);
        }
        let answer = if put.prev_kv { previous.clone() } else { None };
        self.events.push(Event { kind: EventKind::Put, kv, previous });
        PutResponse { revision: self.revision, previous: answer }
    }

    /// Deletes keys.
    pub(crate) fn delete(&mut self, delete: &DeleteRequest) -> DeleteResponse {
        let mut locations = Vec::new();
        self.state.index.visit(&self.state.arena, &delete.range, self.revision, |location| {
            locations.push(location);
            true
        });
        let mut answer = DeleteResponse { deleted: locations.len() as i64, ..Default::default() };
        for location in locations {
            let previous = self.state.arena.key_value(location, true);
            if delete.prev_kv {
                answer.previous.push(previous.clone());
            }
            self.delete_existing(previous);
        }
        answer.revision = self.state.revision.newest;
        answer
    }

    /// Deletes a key if it exists.
    pub(crate) fn delete_key(&mut self, key: &[u8]) {
        if let Some(previous) = self.state.newest_value(key) {
            self.delete_existing(previous);
        }
    }

    /// Carries out a transaction. Whatever could fail is found before the first change.
    pub(crate) fn txn(&mut self, txn: &TxnRequest) -> Result<TxnResponse, Error> {
        let mut path = Vec::new();
        self.state.choose(txn, &mut path)?;
        Ok(self.follow(txn, &mut path.into_iter()))
    }

    fn follow(&mut self, txn: &TxnRequest, path: &mut dyn Iterator<Item = bool>) -> TxnResponse {
        let succeeded = path.next().expect("every transaction on the path was chosen");
        let operations = if succeeded { &txn.success } else { &txn.failure };
        let mut responses = Vec::with_capacity(operations.len());
        for operation in operations {
            responses.push(match operation {
                Operation::Range(range) => OperationResponse::Range(
                    self.state.range(range).expect("the revision was checked before"),
                ),
                Operation::Put(put) => OperationResponse::Put(self.put(put)),
                Operation::Delete(delete) => OperationResponse::Delete(self.delete(delete)),
                Operation::Txn(txn) => OperationResponse::Txn(self.follow(txn, path)),
            });
        }
        TxnResponse { revision: self.state.revision.newest, succeeded, responses }
    }

    fn delete_existing(&mut self, previous: KeyValue) {
        let key = previous.key.clone();
        let (revision, sub) = (self.revision, self.events.len() as u64);
        self.state.index.add(&mut self.state.arena, &key, |arena, _| {
            let bound = record::size_bound(&key, &[]);
            arena.append(revision, bound, |buffer| {
                record::put_deleted(buffer, revision, sub, &key);
            })
        });
        self.state.revision.newest = revision;
        self.state.leases.detach(previous.lease, &key);
        let kv = KeyValue { key, mod_revision: revision, ..KeyValue::default() };
        self.events.push(Event { kind: EventKind::Delete, kv, previous: Some(previous) });
    }

    fn append(&mut self, kv: &KeyValue) {
        let (revision, sub) = (self.revision, self.events.len() as u64);
        let written =
            Written { create_revision: kv.create_revision, version: kv.version, lease: kv.lease };
        self.state.index.add(&mut self.state.arena, &kv.key, |arena, _| {
            let bound = record::size_bound(&kv.key, &kv.value);
            arena.append(revision, bound, |buffer| {
                record::put_written(buffer, revision, sub, &kv.key, &kv.value, written);
            })
        });
        self.state.revision.newest = revision;
    }
}

impl State {
    /// Answers a transaction that only reads, which needs no entry of the log. None if it writes.
    pub fn read_txn(&self, txn: &TxnRequest) -> Option<Result<TxnResponse, Error>> {
        if txn.writes() {
            return None;
        }
        let mut path = Vec::new();
        let chosen = self.choose(txn, &mut path);
        Some(chosen.map(|()| self.follow_reading(txn, &mut path.into_iter())))
    }

    fn follow_reading(
        &self,
        txn: &TxnRequest,
        path: &mut dyn Iterator<Item = bool>,
    ) -> TxnResponse {
        let succeeded = path.next().expect("every transaction on the path was chosen");
        let mut responses = Vec::new();
        for operation in if succeeded { &txn.success } else { &txn.failure } {
            match operation {
                Operation::Range(range) => responses.push(OperationResponse::Range(
                    self.range(range).expect("the revision was checked before"),
                )),
                Operation::Txn(txn) => {
                    responses.push(OperationResponse::Txn(self.follow_reading(txn, path)));
                }
                Operation::Put(_) | Operation::Delete(_) => unreachable!("it only reads"),
            }
        }
        TxnResponse { revision: self.revision.newest, succeeded, responses }
    }

    /// A key as it is now.
    pub(crate) fn newest_value(&self, key: &[u8]) -> Option<KeyValue> {
        let location = self.index.newest(&self.arena, key)?;
        self.alive(location)
    }

    fn alive(&self, location: Location) -> Option<KeyValue> {
        (!self.arena.stamp(location).deleted).then(|| self.arena.key_value(location, true))
    }

    /// Refuses a put that cannot be done.
    pub(crate) fn check_put(&self, put: &PutRequest) -> Result<(), Error> {
        put.validate()?;
        if put.lease != 0 && self.leases.get(put.lease).is_none() {
            return Err(Error::LeaseNotFound(put.lease));
        }
        let needs_key = put.ignore_value || put.ignore_lease;
        if needs_key && self.newest_value(&put.key).is_none() {
            return Err(Error::KeyNotFound);
        }
        Ok(())
    }

    /// Chooses the branch of a transaction and of those within the chosen branch, all by the state
    /// before it, and refuses what cannot be done on that path.
    fn choose(&self, txn: &TxnRequest, path: &mut Vec<bool>) -> Result<(), Error> {
        let succeeded = txn.compare.iter().all(|compare| self.holds(compare));
        path.push(succeeded);
        for operation in if succeeded { &txn.success } else { &txn.failure } {
            match operation {
                Operation::Range(range) => self.check_revision(range.revision).map(|_| ())?,
                Operation::Put(put) => self.check_put(put)?,
                Operation::Delete(_) => {}
                Operation::Txn(txn) => self.choose(txn, path)?,
            }
        }
        Ok(())
    }

    fn holds(&self, compare: &Compare) -> bool {
        let mut found = false;
        let mut all = true;
        self.index.visit(&self.arena, &compare.range, self.revision.newest, |location| {
            let with_value = matches!(compare.target, CompareTarget::Value(_));
            found = true;
            all = relates(compare, &self.arena.key_value(location, with_value));
            all
        });
        match &compare.target {
            _ if found => all,
            CompareTarget::Value(_) => false,
            _ => relates(compare, &KeyValue::default()),
        }
    }
}

fn relates(compare: &Compare, kv: &KeyValue) -> bool {
    let order = match &compare.target {
        CompareTarget::Version(version) => kv.version.cmp(version),
        CompareTarget::CreateRevision(revision) => kv.create_revision.cmp(revision),
        CompareTarget::ModRevision(revision) => kv.mod_revision.cmp(revision),
        CompareTarget::Value(value) => kv.value.cmp(value),
        CompareTarget::Lease(lease) => kv.lease.cmp(lease),
    };
    match compare.result {
        CompareResult::Equal => order == Ordering::Equal,
        CompareResult::Greater => order == Ordering::Greater,
        CompareResult::Less => order == Ordering::Less,
        CompareResult::NotEqual => order != Ordering::Equal,
    }
}

impl TxnRequest {
    /// Whether a branch puts or deletes keys, be it without any effect.
    pub fn writes(&self) -> bool {
        self.success.iter().chain(&self.failure).any(|operation| match operation {
            Operation::Put(_) | Operation::Delete(_) => true,
            Operation::Txn(txn) => txn.writes(),
            Operation::Range(_) => false,
        })
    }

    /// Whether a branch puts keys.
    pub(crate) fn has_puts(&self) -> bool {
        self.success.iter().chain(&self.failure).any(|operation| match operation {
            Operation::Put(_) => true,
            Operation::Txn(txn) => txn.has_puts(),
            Operation::Range(_) | Operation::Delete(_) => false,
        })
    }
}
