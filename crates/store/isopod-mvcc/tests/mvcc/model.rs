//! A store as simple as can be: a whole map for every revision.

use std::collections::BTreeMap;

use isopod_mvcc::*;

type Keys = BTreeMap<Vec<u8>, KeyValue>;

#[derive(Debug, Clone)]
pub(crate) struct Model {
    revisions: BTreeMap<Revision, Keys>,
    pub(crate) newest: Revision,
    pub(crate) compacted: Revision,
    leases: BTreeMap<LeaseId, i64>,
}

/// A transaction that is going on.
struct Work {
    keys: Keys,
    revision: Revision,
    events: Vec<Event>,
}

impl Model {
    pub(crate) fn new() -> Self {
        let revisions = BTreeMap::from([(1, Keys::new())]);
        Self { revisions, newest: 1, compacted: -1, leases: BTreeMap::new() }
    }

    pub(crate) fn apply(&mut self, request: &Request) -> (Result<Response, Error>, Vec<Event>) {
        let mut work = Work {
            keys: self.revisions[&self.newest].clone(),
            revision: self.newest + 1,
            events: vec![],
        };
        let result = self.carry_out(request, &mut work);
        let events = if result.is_ok() { work.events } else { vec![] };
        if !events.is_empty() {
            self.newest += 1;
            self.revisions.insert(self.newest, work.keys);
        }
        (result, events)
    }

    fn carry_out(&mut self, request: &Request, work: &mut Work) -> Result<Response, Error> {
        Ok(match request {
            Request::Put(put) => {
                self.check(&Operation::Put(put.clone()), &work.keys)?;
                Response::Put(work.put(put))
            }
            Request::Delete(delete) => Response::Delete(work.delete(delete)),
            Request::Txn(txn) => {
                let before = work.keys.clone();
                self.check_path(txn, &before)?;
                Response::Txn(self.txn(txn, &before, work)?)
            }
            Request::Compact(revision) => {
                if *revision <= self.compacted {
                    return Err(Error::Compacted { compact_revision: self.compacted });
                }
                if *revision > self.newest {
                    return Err(Error::FutureRevision);
                }
                self.compacted = *revision;
                Response::Compact
            }
            Request::LeaseGrant(grant) => {
                if self.leases.contains_key(&grant.id) {
                    return Err(Error::LeaseExists(grant.id));
                }
                self.leases.insert(grant.id, grant.ttl);
                Response::LeaseGrant(*grant)
            }
            Request::LeaseRevoke(id) => {
                self.leases.remove(id).ok_or(Error::LeaseNotFound(*id))?;
                let keys = work.keys.values().filter(|kv| kv.lease == *id);
                let keys: Vec<_> = keys.map(|kv| kv.key.clone()).collect();
                keys.into_iter().for_each(|key| work.delete_key(&key));
                Response::LeaseRevoke
            }
            other => panic!("the model does not know {other:?}"),
        })
    }

    fn check(&self, operation: &Operation, keys: &Keys) -> Result<(), Error> {
        match operation {
            Operation::Put(put) => {
                put.validate()?;
                if put.lease != 0 && !self.leases.contains_key(&put.lease) {
                    return Err(Error::LeaseNotFound(put.lease));
                }
                let keeps = put.ignore_lease || put.ignore_value;
                if keeps && !keys.contains_key(&put.key[..]) {
                    return Err(Error::KeyNotFound);
                }
                Ok(())
            }
            Operation::Range(range) => self.check_revision(range.revision),
            Operation::Delete(_) => Ok(()),
            Operation::Txn(txn) => self.check_path(txn, keys),
        }
    }

    fn check_revision(&self, revision: Revision) -> Result<(), Error> {
        if revision > self.newest {
            Err(Error::FutureRevision)
        } else if revision > 0 && revision < self.compacted {
            Err(Error::Compacted { compact_revision: self.compacted })
        } else {
            Ok(())
        }
    }

    fn check_path(&self, txn: &TxnRequest, keys: &Keys) -> Result<(), Error> {
        let branch = if succeeds(txn, keys) { &txn.success } else { &txn.failure };
        branch.iter().try_for_each(|operation| self.check(operation, keys))
    }

    fn txn(&self, txn: &TxnRequest, before: &Keys, work: &mut Work) -> Result<TxnResponse, Error> {
        let succeeded = succeeds(txn, before);
        let mut responses = vec![];
        for operation in if succeeded { &txn.success } else { &txn.failure } {
            responses.push(match operation {
                Operation::Put(put) => OperationResponse::Put(work.put(put)),
                Operation::Delete(delete) => OperationResponse::Delete(work.delete(delete)),
                Operation::Txn(txn) => OperationResponse::Txn(self.txn(txn, before, work)?),
                Operation::Range(range) => {
                    let keys = match range.revision {
                        ..=0 => &work.keys,
                        revision => &self.revisions[&revision],
                    };
                    OperationResponse::Range(range_of(keys, range, work.header()))
                }
            });
        }
        Ok(TxnResponse { revision: work.header(), succeeded, responses })
    }

    pub(crate) fn range(&self, range: &RangeRequest) -> Result<RangeResponse, Error> {
        self.check_revision(range.revision)?;
        let revision = if range.revision <= 0 { self.newest } else { range.revision };
        Ok(range_of(&self.revisions[&revision], range, self.newest))
    }
}

impl Work {
    fn header(&self) -> Revision {
        if self.events.is_empty() { self.revision - 1 } else { self.revision }
    }

    fn put(&mut self, put: &PutRequest) -> PutResponse {
        let previous = self.keys.get(&put.key[..]).cloned();
        let old = previous.clone().unwrap_or_default();
        let kv = KeyValue {
            key: put.key.clone(),
            value: if put.ignore_value { old.value } else { put.value.clone() },
            create_revision: if old.version == 0 { self.revision } else { old.create_revision },
            mod_revision: self.revision,
            version: old.version + 1,
            lease: if put.ignore_lease { old.lease } else { put.lease },
        };
        self.keys.insert(put.key.to_vec(), kv.clone());
        self.events.push(Event { kind: EventKind::Put, kv, previous: previous.clone() });
        PutResponse { revision: self.revision, previous: previous.filter(|_| put.prev_kv) }
    }

    fn delete(&mut self, delete: &DeleteRequest) -> DeleteResponse {
        let gone = self.keys.values().filter(|kv| delete.range.contains(&kv.key));
        let gone: Vec<KeyValue> = gone.cloned().collect();
        gone.iter().for_each(|kv| self.delete_key(&kv.key));
        DeleteResponse {
            revision: self.header(),
            deleted: gone.len() as i64,
            previous: if delete.prev_kv { gone } else { vec![] },
        }
    }

    fn delete_key(&mut self, key: &[u8]) {
        let previous = self.keys.remove(key).expect("only what exists is deleted");
        let kv = KeyValue {
            key: previous.key.clone(),
            mod_revision: self.revision,
            ..KeyValue::default()
        };
        self.events.push(Event { kind: EventKind::Delete, kv, previous: Some(previous) });
    }
}

fn range_of(keys: &Keys, range: &RangeRequest, header: Revision) -> RangeResponse {
    let mut kvs: Vec<KeyValue> =
        keys.values().filter(|kv| range.range.contains(&kv.key)).cloned().collect();
    let count = kvs.len() as i64;
    if range.count_only {
        return RangeResponse { revision: header, count, ..RangeResponse::default() };
    }
    kvs.retain(|kv| range.min_mod_revision == 0 || kv.mod_revision >= range.min_mod_revision);
    kvs.retain(|kv| range.max_mod_revision == 0 || kv.mod_revision <= range.max_mod_revision);
    kvs.retain(|kv| {
        range.min_create_revision == 0 || kv.create_revision >= range.min_create_revision
    });
    kvs.retain(|kv| {
        range.max_create_revision == 0 || kv.create_revision <= range.max_create_revision
    });
    match range.sort_target {
        SortTarget::Key => {}
        SortTarget::Version => kvs.sort_by_key(|kv| kv.version),
        SortTarget::CreateRevision => kvs.sort_by_key(|kv| kv.create_revision),
        SortTarget::ModRevision => kvs.sort_by_key(|kv| kv.mod_revision),
        SortTarget::Value => kvs.sort_by(|a, b| a.value.cmp(&b.value)),
    }
    if range.sort_order == SortOrder::Descending {
        kvs.reverse();
    }
    let more = range.limit > 0 && kvs.len() > range.limit as usize;
    if more {
        kvs.truncate(range.limit as usize);
    }
    if range.keys_only {
        kvs.iter_mut().for_each(|kv| kv.value.clear());
    }
    RangeResponse { revision: header, kvs, more, count }
}

fn succeeds(txn: &TxnRequest, keys: &Keys) -> bool {
    txn.compare.iter().all(|compare| {
        let found: Vec<&KeyValue> =
            keys.values().filter(|kv| compare.range.contains(&kv.key)).collect();
        if found.is_empty() {
            let against_value = matches!(compare.target, CompareTarget::Value(_));
            return !against_value && relates(compare, &KeyValue::default());
        }
        found.into_iter().all(|kv| relates(compare, kv))
    })
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
        CompareResult::Equal => order.is_eq(),
        CompareResult::Greater => order.is_gt(),
        CompareResult::Less => order.is_lt(),
        CompareResult::NotEqual => order.is_ne(),
    }
}
