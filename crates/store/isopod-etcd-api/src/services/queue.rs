//! Waiting in line: locks and elections are keys under a prefix, and whose key is the oldest has
//! what everyone wants.

use bytes::Bytes;
use isopod_mvcc::{
    Compare, CompareResult, CompareTarget, DeleteRequest, KeyRange, KeyValue, LeaseGrant, LeaseId,
    Operation, OperationResponse, PutRequest, RangeRequest, Request, Response, Revision, SortOrder,
    SortTarget, TxnRequest, WatchRequest,
};
use isopod_store::WatchItem;

use crate::error::INTERNAL_MISMATCH;
use crate::grpc::{Code, Status};
use crate::method::Call;

/// The life of a lease for a client that brings none, in seconds.
const DEFAULT_TTL: i64 = 60;
/// Only one event is waited for.
const WINDOW: usize = 8;

/// etcd's locks and elections are clients of it, and their errors arrive without a code.
pub(super) fn uncoded(status: Status) -> Status {
    Status { code: Code::Unknown, ..status }
}

/// A key in line. Dropped before its turn came, it leaves the line: its client went away.
pub(super) struct Place {
    call: Call,
    prefix: Bytes,
    pub(super) key: Bytes,
    /// The revision that created it: its place.
    pub(super) revision: Revision,
    pub(super) lease: LeaseId,
    /// Whether the key was there before.
    pub(super) existed: bool,
    keep: bool,
}

impl Place {
    /// Stands in line for `name` with a lease, or finds the place that the lease has already.
    pub(super) async fn take(
        call: &Call,
        name: &[u8],
        lease: LeaseId,
        value: Bytes,
    ) -> Result<Self, Status> {
        let lease = match lease {
            0 => grant(call).await?,
            lease => lease,
        };
        let prefix = Bytes::from([name, b"/"].concat());
        let key = Bytes::from([&prefix[..], format!("{lease:x}").as_bytes()].concat());
        let put = PutRequest { key: key.clone(), value, lease, ..Default::default() };
        let txn = TxnRequest {
            compare: vec![created_at(&key, 0)],
            success: vec![Operation::Put(put)],
            failure: vec![Operation::Range(RangeRequest::new(KeyRange::single(key.clone())))],
        };
        let Response::Txn(response) = call.propose(Request::Txn(txn)).await?.response else {
            return Err(INTERNAL_MISMATCH);
        };
        let revision = match response.responses.first() {
            Some(OperationResponse::Range(range)) => {
                range.kvs.first().map_or(response.revision, |kv| kv.create_revision)
            }
            _ => response.revision,
        };
        let existed = !response.succeeded;
        Ok(Self { call: call.clone(), prefix, key, revision, lease, existed, keep: false })
    }

    /// Waits until everyone who came before has gone.
    pub(super) async fn wait(&self) -> Result<(), Status> {
        let mut newest_before = RangeRequest::new(KeyRange::prefix(self.prefix.clone()));
        newest_before.max_create_revision = self.revision - 1;
        newest_before.sort_order = SortOrder::Descending;
        newest_before.sort_target = SortTarget::CreateRevision;
        newest_before.limit = 1;
        loop {
            self.call.linearize().await?;
            let before = read(&self.call, &newest_before)?;
            let Some(other) = before.kvs.into_iter().next() else { break };
            deletion(&self.call, other.key, before.revision + 1).await?;
        }
        // The lease may have run out while the key waited.
        let own = read(&self.call, &RangeRequest::new(KeyRange::single(self.key.clone())))?;
        match own.kvs.is_empty() {
            true => Err(Status::fixed(Code::Unknown, "mutex: session is expired")),
            false => Ok(()),
        }
    }

    /// The turn came: the key stays when this is gone.
    pub(super) fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A key that was there before belongs to an earlier call.
        if self.keep || self.existed {
            return;
        }
        let (call, key) = (self.call.clone(), self.key.clone());
        tokio::spawn(async move { delete(&call, key).await });
    }
}

async fn grant(call: &Call) -> Result<LeaseId, Status> {
    let grant = LeaseGrant { id: call.api.lease_ids.next(), ttl: DEFAULT_TTL };
    call.propose(Request::LeaseGrant(grant)).await?;
    Ok(grant.id)
}

pub(super) fn read(
    call: &Call,
    request: &RangeRequest,
) -> Result<isopod_mvcc::RangeResponse, Status> {
    call.read(|state, actor| {
        state.check_range(actor, &request.range)?;
        state.range(request)
    })
}

pub(super) async fn delete(call: &Call, key: Bytes) -> Result<Revision, Status> {
    let delete = DeleteRequest { range: KeyRange::single(key), prev_kv: false };
    Ok(call.propose(Request::Delete(delete)).await?.revision)
}

/// Waits until `key` is deleted at `from` or later.
async fn deletion(call: &Call, key: Bytes, from: Revision) -> Result<(), Status> {
    let mut watcher = call.api.store.watcher(WINDOW);
    let mut request = WatchRequest::new(KeyRange::single(key));
    request.start_revision = from;
    request.no_put = true;
    watcher.create(&request);
    match watcher.next().await {
        // What happened is forgotten: the caller looks again.
        WatchItem::Events { .. } | WatchItem::Compacted { .. } | WatchItem::Progress { .. } => {
            Ok(())
        }
    }
}

/// The key was created at `revision`; 0 is a key that does not exist.
pub(super) fn created_at(key: &Bytes, revision: Revision) -> Compare {
    Compare {
        range: KeyRange::single(key.clone()),
        result: CompareResult::Equal,
        target: CompareTarget::CreateRevision(revision),
    }
}

/// The key under `name` that was created first.
pub(super) fn oldest(name: &[u8]) -> RangeRequest {
    let mut request = RangeRequest::new(KeyRange::prefix(Bytes::from([name, b"/"].concat())));
    request.sort_order = SortOrder::Ascending;
    request.sort_target = SortTarget::CreateRevision;
    request.limit = 1;
    request
}

/// Whoever is first in line for `name`, and the store's revision.
pub(super) fn first(call: &Call, name: &[u8]) -> Result<(Option<KeyValue>, Revision), Status> {
    let response = read(call, &oldest(name))?;
    Ok((response.kvs.into_iter().next(), response.revision))
}
