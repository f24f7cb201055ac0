//! Elections by name.

use bytes::Bytes;
use isopod_etcd_client::proto::v3electionpb::{
    CampaignRequest, CampaignResponse, LeaderKey, LeaderRequest, LeaderResponse, ProclaimRequest,
    ProclaimResponse, ResignRequest, ResignResponse,
};
use isopod_mvcc::{
    DeleteRequest, KeyRange, KeyValue, Operation, PutRequest, Request, Response, Revision,
    TxnRequest, WatchRequest,
};
use isopod_store::WatchItem;
use tokio::sync::mpsc;

use super::queue::{Place, created_at, first, uncoded};
use crate::convert;
use crate::error::INTERNAL_MISMATCH;
use crate::grpc::{Code, Status, encode};
use crate::method::{Call, Replies};

const NOT_LEADER: Status = Status::fixed(Code::Unknown, "election: not leader");
const NO_LEADER: Status = Status::fixed(Code::Unknown, "election: no leader");
const NO_LEADER_KEY: Status = Status::fixed(Code::Unknown, "\"leader\" field must be provided");

/// Answers of an observer that may wait, and events that may be on their way to it.
const QUEUE: usize = 4;
const WINDOW: usize = 128;

/// Answers when the candidate leads.
pub(crate) async fn campaign(
    call: Call,
    request: CampaignRequest,
) -> Result<CampaignResponse, Status> {
    let value = request.value.clone();
    let place = Place::take(&call, &request.name, request.lease, value).await.map_err(uncoded)?;
    let leader = LeaderKey {
        name: request.name,
        key: place.key.clone(),
        rev: place.revision,
        lease: place.lease,
    };
    if place.existed {
        change(&call, &leader, proclamation(&leader, request.value)).await?;
    }
    place.wait().await.map_err(uncoded)?;
    place.keep();
    Ok(CampaignResponse { header: Some(call.header_now()), leader: Some(leader) })
}

pub(crate) async fn proclaim(
    call: Call,
    request: ProclaimRequest,
) -> Result<ProclaimResponse, Status> {
    let leader = request.leader.ok_or(NO_LEADER_KEY)?;
    let revision = change(&call, &leader, proclamation(&leader, request.value)).await?;
    Ok(ProclaimResponse { header: Some(call.header(revision)) })
}

fn proclamation(leader: &LeaderKey, value: Bytes) -> Operation {
    let (key, lease) = (leader.key.clone(), leader.lease);
    Operation::Put(PutRequest { key, value, lease, ..Default::default() })
}

/// Whoever does not lead any more has nothing to resign.
pub(crate) async fn resign(call: Call, request: ResignRequest) -> Result<ResignResponse, Status> {
    let leader = request.leader.ok_or(NO_LEADER_KEY)?;
    let range = KeyRange::single(leader.key.clone());
    let deletion = Operation::Delete(DeleteRequest { range, prev_kv: false });
    let revision = match change(&call, &leader, deletion).await {
        Err(status) if status == NOT_LEADER => {
            return Ok(ResignResponse { header: Some(call.header_now()) });
        }
        other => other?,
    };
    Ok(ResignResponse { header: Some(call.header(revision)) })
}

/// Does something as long as the leadership is the one that was won.
async fn change(call: &Call, leader: &LeaderKey, operation: Operation) -> Result<Revision, Status> {
    if leader.key.is_empty() {
        return Err(isopod_mvcc::Error::EmptyKey.into());
    }
    let txn = TxnRequest {
        compare: vec![created_at(&leader.key, leader.rev)],
        success: vec![operation],
        failure: Vec::new(),
    };
    let done = call.propose(Request::Txn(txn)).await.map_err(uncoded)?;
    match done.response {
        Response::Txn(response) if response.succeeded => Ok(done.revision),
        Response::Txn(_) => Err(NOT_LEADER),
        _ => Err(INTERNAL_MISMATCH),
    }
}

pub(crate) async fn leader(call: Call, request: LeaderRequest) -> Result<LeaderResponse, Status> {
    call.linearize().await?;
    let (leader, revision) = first(&call, &request.name).map_err(uncoded)?;
    Ok(answer(&call, leader.ok_or(NO_LEADER)?, revision))
}

fn answer(call: &Call, leader: KeyValue, revision: Revision) -> LeaderResponse {
    LeaderResponse { header: Some(call.header(revision)), kv: Some(convert::key_value(leader)) }
}

/// Tells who leads, and again whenever that or the leader's proclamation changes.
pub(crate) async fn observe(call: Call, request: LeaderRequest) -> Result<Replies, Status> {
    call.linearize().await?;
    let (replies, answers) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        tokio::select! {
            status = tell(&call, &request.name, &replies) => {
                if let Err(status) = status {
                    replies.send(Err(status)).await.ok();
                }
            }
            () = replies.closed() => {}
        }
    });
    Ok(answers)
}

async fn tell(
    call: &Call,
    name: &[u8],
    replies: &mpsc::Sender<Result<Bytes, Status>>,
) -> Result<(), Status> {
    let mut watcher = call.api.store.watcher(WINDOW);
    let prefix = Bytes::from([name, b"/"].concat());
    watcher.create(&WatchRequest::new(KeyRange::prefix(prefix)));
    let mut told = None;
    loop {
        let (leader, revision) = first(call, name).map_err(uncoded)?;
        if let Some(leader) = leader.filter(|leader| told != Some(leader.mod_revision)) {
            told = Some(leader.mod_revision);
            let frame = encode(&answer(call, leader, revision));
            if replies.send(Ok(frame)).await.is_err() {
                return Ok(());
            }
        }
        match watcher.next().await {
            WatchItem::Events { .. } | WatchItem::Progress { .. } => {}
            WatchItem::Compacted { compact_revision, .. } => {
                return Err(isopod_mvcc::Error::Compacted { compact_revision }.into());
            }
        }
    }
}
