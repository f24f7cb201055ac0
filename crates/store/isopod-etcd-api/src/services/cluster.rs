//! The members of the cluster.

use isopod_etcd_client::proto::etcdserverpb::{
    Member, MemberAddRequest, MemberAddResponse, MemberListRequest, MemberListResponse,
    MemberPromoteRequest, MemberPromoteResponse, MemberRemoveRequest, MemberRemoveResponse,
    MemberUpdateRequest, MemberUpdateResponse,
};
use isopod_store::StoreError;

use crate::error::MEMBER_BAD_URLS;
use crate::grpc::{Code, Status};
use crate::method::Call;
use crate::settings::url::Url;

/// Clusters keep the members that they began with.
const NOT_YET: Status = Status::fixed(
    Code::Unimplemented,
    "etcdserver: adding, removing and promoting members is not supported yet",
);

pub(crate) async fn member_list(
    call: Call,
    request: MemberListRequest,
) -> Result<MemberListResponse, Status> {
    if request.linearizable {
        call.linearize().await?;
    }
    call.check_token()?;
    Ok(MemberListResponse { header: Some(head(&call)), members: members(&call) })
}

pub(crate) async fn member_add(
    call: Call,
    request: MemberAddRequest,
) -> Result<MemberAddResponse, Status> {
    peer_urls(request.peer_ur_ls)?;
    call.require_admin()?;
    Err(NOT_YET)
}

pub(crate) async fn member_remove(
    call: Call,
    request: MemberRemoveRequest,
) -> Result<MemberRemoveResponse, Status> {
    call.require_admin()?;
    known(&call, request.id)?;
    Err(NOT_YET)
}

pub(crate) async fn member_update(
    call: Call,
    request: MemberUpdateRequest,
) -> Result<MemberUpdateResponse, Status> {
    let urls = peer_urls(request.peer_ur_ls)?;
    call.require_admin()?;
    call.api.store.member_update(request.id, urls).await?;
    Ok(MemberUpdateResponse { header: Some(head(&call)), members: members(&call) })
}

pub(crate) async fn member_promote(
    call: Call,
    request: MemberPromoteRequest,
) -> Result<MemberPromoteResponse, Status> {
    call.require_admin()?;
    match known(&call, request.id)? {
        Member { is_learner: true, .. } => Err(NOT_YET),
        _ => Err(StoreError::MemberNotLearner.into()),
    }
}

/// Answers about members tell no revision, as etcd's do not.
fn head(call: &Call) -> isopod_etcd_client::proto::etcdserverpb::ResponseHeader {
    call.header(0)
}

fn known(call: &Call, id: u64) -> Result<Member, Status> {
    let found = members(call).into_iter().find(|member| member.id == id);
    found.ok_or_else(|| StoreError::MemberNotFound.into())
}

fn members(call: &Call) -> Vec<Member> {
    call.api.store.members().into_iter().map(message).collect()
}

fn message(member: isopod_store::Member) -> Member {
    Member {
        id: member.id,
        name: member.name,
        peer_ur_ls: member.peer_urls,
        client_ur_ls: member.client_urls,
        is_learner: member.learner,
    }
}

fn peer_urls(urls: Vec<String>) -> Result<Vec<String>, Status> {
    let valid = !urls.is_empty() && urls.iter().all(|url| Url::parse(url).is_ok());
    if valid { Ok(urls) } else { Err(MEMBER_BAD_URLS) }
}
