//! Leases.

use bytes::Bytes;
use isopod_etcd_client::proto::etcdserverpb::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse,
    LeaseLeasesRequest, LeaseLeasesResponse, LeaseRevokeRequest, LeaseRevokeResponse, LeaseStatus,
    LeaseTimeToLiveRequest, LeaseTimeToLiveResponse,
};
use isopod_mvcc::{Lease, LeaseGrant, Request, Response};
use isopod_store::StoreError;
use tokio::sync::mpsc;

use crate::error::INTERNAL_MISMATCH;
use crate::grpc::{Requests, Status, decode, encode};
use crate::method::{Call, Replies};

/// Answers that may wait for a slow client.
const QUEUE: usize = 16;

pub(crate) async fn grant(
    call: Call,
    request: LeaseGrantRequest,
) -> Result<LeaseGrantResponse, Status> {
    let id = match request.id {
        0 => call.api.lease_ids.next(),
        id => id,
    };
    let ttl = request.ttl.max(call.api.limits.min_lease_ttl);
    let done = call.propose(Request::LeaseGrant(LeaseGrant { id, ttl })).await?;
    let Response::LeaseGrant(lease) = done.response else { return Err(INTERNAL_MISMATCH) };
    Ok(LeaseGrantResponse {
        header: Some(call.header(done.revision)),
        id: lease.id,
        ttl: lease.ttl,
        error: String::new(),
    })
}

pub(crate) async fn revoke(
    call: Call,
    request: LeaseRevokeRequest,
) -> Result<LeaseRevokeResponse, Status> {
    let done = call.propose(Request::LeaseRevoke(request.id)).await?;
    Ok(LeaseRevokeResponse { header: Some(call.header(done.revision)) })
}

/// Each request keeps its lease for another time to live; the answer for one that is gone says 0.
pub(crate) async fn keep_alive(call: Call, mut requests: Requests) -> Result<Replies, Status> {
    let (replies, answers) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        loop {
            let answer = match requests.next().await {
                Ok(None) => return,
                Ok(Some(request)) => keep_once(&call, request).await,
                Err(status) => Err(status),
            };
            let failed = answer.is_err();
            let sent = replies.send(answer.map(|it| encode(&it))).await;
            if failed || sent.is_err() {
                return;
            }
        }
    });
    Ok(answers)
}

async fn keep_once(call: &Call, request: Bytes) -> Result<LeaseKeepAliveResponse, Status> {
    let request: LeaseKeepAliveRequest = decode(request)?;
    call.check_token()?;
    // Taken before the renewal, so that it is not newer than what the renewal saw.
    let header = call.header_now();
    let ttl = match call.api.store.lease_keep_alive(request.id).await {
        Ok(ttl) => ttl,
        Err(StoreError::State(isopod_mvcc::Error::LeaseNotFound(_))) => 0,
        Err(error) => return Err(error.into()),
    };
    Ok(LeaseKeepAliveResponse { header: Some(header), id: request.id, ttl })
}

pub(crate) async fn time_to_live(
    call: Call,
    request: LeaseTimeToLiveRequest,
) -> Result<LeaseTimeToLiveResponse, Status> {
    let mut response = LeaseTimeToLiveResponse { id: request.id, ttl: -1, ..Default::default() };
    match call.api.store.lease_time_to_live(request.id).await {
        Ok(times) => {
            response.ttl = times.remaining;
            response.granted_ttl = times.granted;
        }
        Err(StoreError::State(isopod_mvcc::Error::LeaseNotFound(_))) => {}
        Err(error) => return Err(error.into()),
    }
    if request.keys {
        response.keys = call.read(|state, actor| {
            state.check_lease_keys(actor, request.id)?;
            let lease = state.leases().get(request.id);
            let keys = lease.into_iter().flat_map(Lease::keys);
            Ok(keys.map(Bytes::copy_from_slice).collect())
        })?;
    }
    response.header = Some(call.header_now());
    Ok(response)
}

pub(crate) async fn leases(
    call: Call,
    _: LeaseLeasesRequest,
) -> Result<LeaseLeasesResponse, Status> {
    call.check_token()?;
    call.linearize().await?;
    let leases = call
        .read(|state, _| Ok(state.leases().iter().map(|(id, _)| LeaseStatus { id }).collect()))?;
    Ok(LeaseLeasesResponse { header: Some(call.header_now()), leases })
}
