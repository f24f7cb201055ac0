//! What an operator asks of one member.

use isopod_etcd_client::proto::etcdserverpb::alarm_request::AlarmAction;
use isopod_etcd_client::proto::etcdserverpb::downgrade_request::DowngradeAction;
use isopod_etcd_client::proto::etcdserverpb::{
    self as pb, AlarmRequest, AlarmResponse, AlarmType, DefragmentRequest, DefragmentResponse,
    DowngradeInfo, DowngradeRequest, DowngradeResponse, HashKvRequest, HashKvResponse, HashRequest,
    HashResponse, MoveLeaderRequest, MoveLeaderResponse, StatusRequest, StatusResponse,
};
use isopod_mvcc::{self as mvcc, AlarmKind, AlarmMember, Hash, Request, Response, Revision};
use isopod_store::StoreError;

use crate::error::{INTERNAL_MISMATCH, NO_INFLIGHT_DOWNGRADE, NOT_LEADER};
use crate::error::{INVALID_DOWNGRADE_TARGET, WRONG_DOWNGRADE_VERSION};
use crate::grpc::Status;
use crate::method::Call;
use crate::version::{SERVER_VERSION, STORAGE_VERSION};

/// Keys that are hashed at once.
const HASHED_KEYS: usize = 10_000;

pub(crate) async fn status(call: Call, _: StatusRequest) -> Result<StatusResponse, Status> {
    call.require_user()?;
    let status = call.api.store.status();
    let (size, size_in_use, alarms) = call.api.store.with_state(|state| {
        let (size, in_use) = state.size_bytes();
        (size as u64, in_use as u64, state.alarms().collect::<Vec<_>>())
    });
    let mut errors: Vec<String> = alarms
        .iter()
        .map(|alarm| format!("memberID:{} alarm:{} ", alarm.member, kind(alarm.kind).as_str_name()))
        .collect();
    if status.leader == 0 {
        errors.push("etcdserver: no leader".to_owned());
    }
    if status.disk_full {
        errors.push(format!("etcdserver: {}", StoreError::DiskFull));
    }
    Ok(StatusResponse {
        header: Some(call.header_now()),
        version: SERVER_VERSION.to_owned(),
        db_size: (size + status.log_bytes).cast_signed(),
        leader: status.leader,
        raft_index: status.committed,
        raft_term: status.term,
        raft_applied_index: status.applied,
        errors,
        db_size_in_use: (size_in_use + status.log_bytes).cast_signed(),
        is_learner: status.learner,
        storage_version: STORAGE_VERSION.to_owned(),
        db_size_quota: call.api.quota_bytes.cast_signed(),
        downgrade_info: Some(DowngradeInfo::default()),
    })
}

pub(crate) async fn alarm(call: Call, request: AlarmRequest) -> Result<AlarmResponse, Status> {
    if request.action() == AlarmAction::Get {
        call.require_user()?;
    } else {
        call.require_admin()?;
    }
    let wanted = match request.alarm() {
        AlarmType::None => None,
        AlarmType::Nospace => Some(AlarmKind::NoSpace),
        AlarmType::Corrupt => Some(AlarmKind::Corrupt),
    };
    let member = AlarmMember { kind: AlarmKind::NoSpace, member: request.member_id };
    let change = match (request.action(), wanted) {
        (AlarmAction::Activate, Some(kind)) => {
            mvcc::AlarmRequest::Activate(AlarmMember { kind, ..member })
        }
        (AlarmAction::Deactivate, Some(kind)) => {
            mvcc::AlarmRequest::Deactivate(AlarmMember { kind, ..member })
        }
        _ => {
            call.linearize().await?;
            let alarms = call.read(|state, _| Ok(state.alarms().collect::<Vec<_>>()))?;
            let alarms = alarms.into_iter().filter(|it| wanted.is_none_or(|kind| kind == it.kind));
            let alarms = alarms.map(alarm_message).collect();
            return Ok(AlarmResponse { header: Some(call.header_now()), alarms });
        }
    };
    let done = call.propose(Request::Alarm(change)).await?;
    let Response::Alarm(alarms) = done.response else { return Err(INTERNAL_MISMATCH) };
    let alarms = alarms.into_iter().map(alarm_message).collect();
    Ok(AlarmResponse { header: Some(call.header(done.revision)), alarms })
}

fn alarm_message(alarm: AlarmMember) -> pb::AlarmMember {
    pb::AlarmMember { member_id: alarm.member, alarm: kind(alarm.kind).into() }
}

fn kind(kind: AlarmKind) -> AlarmType {
    match kind {
        AlarmKind::NoSpace => AlarmType::Nospace,
        AlarmKind::Corrupt => AlarmType::Corrupt,
    }
}

/// There is nothing to do: space is given back as it becomes free.
pub(crate) async fn defragment(
    call: Call,
    _: DefragmentRequest,
) -> Result<DefragmentResponse, Status> {
    call.require_admin()?;
    Ok(DefragmentResponse { header: None })
}

pub(crate) async fn hash(call: Call, _: HashRequest) -> Result<HashResponse, Status> {
    call.require_admin()?;
    let found = history_hash(&call, 0).await?;
    Ok(HashResponse { header: Some(call.header(found.revision)), hash: found.hash })
}

pub(crate) async fn hash_kv(call: Call, request: HashKvRequest) -> Result<HashKvResponse, Status> {
    call.require_admin()?;
    let found = history_hash(&call, request.revision).await?;
    Ok(HashKvResponse {
        header: Some(call.header_now()),
        hash: found.hash,
        compact_revision: found.compact_revision,
        hash_revision: found.revision,
    })
}

/// Works the hash out in parts, between which others get their turn.
async fn history_hash(call: &Call, revision: Revision) -> Result<Hash, Status> {
    let mut scan = call.read(|state, _| state.hash_scan(revision))?;
    loop {
        let part = call.api.store.with_state(|state| state.hash_next(&mut scan, HASHED_KEYS));
        match part {
            Some(hash) => return Ok(hash),
            None => tokio::task::yield_now().await,
        }
    }
}

pub(crate) async fn move_leader(
    call: Call,
    request: MoveLeaderRequest,
) -> Result<MoveLeaderResponse, Status> {
    call.require_admin()?;
    let status = call.api.store.status();
    if status.leader != status.member_id {
        return Err(NOT_LEADER);
    }
    call.api.store.move_leader(request.target_id).await?;
    Ok(MoveLeaderResponse { header: None })
}

/// There is one version so far, and nothing to go back to.
pub(crate) async fn downgrade(
    call: Call,
    request: DowngradeRequest,
) -> Result<DowngradeResponse, Status> {
    call.require_admin()?;
    if request.action() == DowngradeAction::Cancel {
        return Err(NO_INFLIGHT_DOWNGRADE);
    }
    let parts: Vec<_> = request.version.split('.').map(str::parse::<u64>).collect();
    match parts.len() {
        2 | 3 if parts.iter().all(Result::is_ok) => Err(INVALID_DOWNGRADE_TARGET),
        _ => Err(WRONG_DOWNGRADE_VERSION),
    }
}
