//! The methods of the protocol: under which paths they are called, and what carries them out.
//!
//! Every front (gRPC, the JSON gateway) finds its method here and hands it encoded messages, so
//! that a method is written once.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;
use tokio::sync::mpsc;

use crate::api::Api;
use crate::error::NOT_SUPPORTED_FOR_LEARNER;
use crate::grpc::{Requests, Status, decode, encode};
use crate::peer::Peer;
use crate::services;

/// Answers of a stream, framed, as they come; an error ends it.
pub(crate) type Replies = mpsc::Receiver<Result<Bytes, Status>>;

/// Work on a call.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send>>;

/// How a method is called, and what carries it out. Requests come without gRPC's prefix, answers
/// go with it.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// One message, one answer.
    Unary(fn(Call, Bytes) -> Work<Bytes>),
    /// One message, many answers.
    Stream(fn(Call, Bytes) -> Work<Replies>),
    /// Messages and answers as they come.
    Duplex(fn(Call, Requests) -> Work<Replies>),
}

/// A method of a service.
pub(crate) struct Method {
    /// `/PACKAGE.SERVICE/METHOD`.
    pub(crate) grpc_path: &'static str,
    /// The paths of the JSON gateway.
    pub(crate) http_paths: &'static [&'static str],
    pub(crate) handler: Handler,
}

impl Method {
    /// Refuses what a learner, which may be far behind, must not be asked.
    pub(crate) fn admit(&self, api: &Api) -> Result<(), Status> {
        let always = ["Range", "Status", "Snapshot", "Check", "ServerReflectionInfo"];
        match api.store.status().learner && !always.contains(&self.names().1) {
            true => Err(NOT_SUPPORTED_FOR_LEARNER),
            false => Ok(()),
        }
    }

    /// Service and method.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        self.grpc_path[1..].split_once('/').expect("paths have two parts")
    }
}

/// One call: the store, and who calls.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    /// The token that came with it.
    pub(crate) token: Option<String>,
    /// The name in the client's verified certificate.
    pub(crate) certificate_name: Option<Arc<str>>,
    /// How long its message is.
    pub(crate) request_bytes: usize,
    /// Whether the client would rather have an error than wait for a leader.
    pub(crate) requires_leader: bool,
}

impl Call {
    pub(crate) fn new(api: Arc<Api>, peer: &Peer, headers: &HeaderMap) -> Self {
        let token = headers.get("token").or_else(|| headers.get("authorization"));
        let requires_leader = headers.get("hasleader").is_some_and(|value| value == "true");
        Self {
            api,
            token: token.and_then(|value| value.to_str().ok()).map(str::to_owned),
            certificate_name: peer.certificate_name.clone(),
            request_bytes: 0,
            requires_leader,
        }
    }
}

fn unary<Q, R, F>(
    mut call: Call,
    request: Bytes,
    serve: impl FnOnce(Call, Q) -> F + Send + 'static,
) -> Work<Bytes>
where
    Q: Message + Default + 'static,
    R: Message,
    F: Future<Output = Result<R, Status>> + Send + 'static,
{
    call.request_bytes = request.len();
    Box::pin(async move { Ok(encode(&serve(call, decode(request)?).await?)) })
}

macro_rules! methods {
    ($($kind:ident $grpc:literal $(= $http:literal)* => $($serve:ident)::+;)*) => {
        &[$(Method {
            grpc_path: $grpc,
            http_paths: &[$($http),*],
            handler: methods!(@$kind services::$($serve)::+),
        }),*]
    };
    (@unary $serve:path) => { Handler::Unary(|call, request| unary(call, request, $serve)) };
    (@stream $serve:path) => {
        Handler::Stream(|call, request| Box::pin(async move { $serve(call, decode(request)?).await }))
    };
    (@duplex $serve:path) => { Handler::Duplex(|call, requests| Box::pin($serve(call, requests))) };
}

#[rustfmt::skip]
pub(crate) static METHODS: &[Method] = methods! {
    unary "/etcdserverpb.KV/Range" = "/v3/kv/range" => kv::range;
    unary "/etcdserverpb.KV/Put" = "/v3/kv/put" => kv::put;
    unary "/etcdserverpb.KV/Txn" = "/v3/kv/txn" => kv::txn;
    unary "/etcdserverpb.KV/DeleteRange" = "/v3/kv/deleterange" => kv::delete_range;
    unary "/etcdserverpb.KV/Compact" = "/v3/kv/compaction" => kv::compact;
    stream "/etcdserverpb.KV/RangeStream" => range_stream::range_stream;
    duplex "/etcdserverpb.Watch/Watch" = "/v3/watch" => watch::watch;
    unary "/etcdserverpb.Lease/LeaseGrant" = "/v3/lease/grant" => lease::grant;
    unary "/etcdserverpb.Lease/LeaseRevoke" = "/v3/lease/revoke" = "/v3/kv/lease/revoke" => lease::revoke;
    duplex "/etcdserverpb.Lease/LeaseKeepAlive" = "/v3/lease/keepalive" => lease::keep_alive;
    unary "/etcdserverpb.Lease/LeaseTimeToLive" = "/v3/lease/timetolive" = "/v3/kv/lease/timetolive" => lease::time_to_live;
    unary "/etcdserverpb.Lease/LeaseLeases" = "/v3/lease/leases" = "/v3/kv/lease/leases" => lease::leases;
    unary "/etcdserverpb.Cluster/MemberAdd" = "/v3/cluster/member/add" => cluster::member_add;
    unary "/etcdserverpb.Cluster/MemberRemove" = "/v3/cluster/member/remove" => cluster::member_remove;
    unary "/etcdserverpb.Cluster/MemberUpdate" = "/v3/cluster/member/update" => cluster::member_update;
    unary "/etcdserverpb.Cluster/MemberList" = "/v3/cluster/member/list" => cluster::member_list;
    unary "/etcdserverpb.Cluster/MemberPromote" = "/v3/cluster/member/promote" => cluster::member_promote;
    unary "/etcdserverpb.Maintenance/Alarm" = "/v3/maintenance/alarm" => maintenance::alarm;
    unary "/etcdserverpb.Maintenance/Status" = "/v3/maintenance/status" => maintenance::status;
    unary "/etcdserverpb.Maintenance/Defragment" = "/v3/maintenance/defragment" => maintenance::defragment;
    unary "/etcdserverpb.Maintenance/Hash" = "/v3/maintenance/hash" => maintenance::hash;
    unary "/etcdserverpb.Maintenance/HashKV" = "/v3/maintenance/hashkv" => maintenance::hash_kv;
    stream "/etcdserverpb.Maintenance/Snapshot" = "/v3/maintenance/snapshot" => snapshot::snapshot;
    unary "/etcdserverpb.Maintenance/MoveLeader" = "/v3/maintenance/transfer-leadership" => maintenance::move_leader;
    unary "/etcdserverpb.Maintenance/Downgrade" = "/v3/maintenance/downgrade" => maintenance::downgrade;
    unary "/etcdserverpb.Auth/AuthEnable" = "/v3/auth/enable" => auth::enable;
    unary "/etcdserverpb.Auth/AuthDisable" = "/v3/auth/disable" => auth::disable;
    unary "/etcdserverpb.Auth/AuthStatus" = "/v3/auth/status" => auth::status;
    unary "/etcdserverpb.Auth/Authenticate" = "/v3/auth/authenticate" => auth::authenticate;
    unary "/etcdserverpb.Auth/UserAdd" = "/v3/auth/user/add" => users::add;
    unary "/etcdserverpb.Auth/UserGet" = "/v3/auth/user/get" => users::get;
    unary "/etcdserverpb.Auth/UserList" = "/v3/auth/user/list" => users::list;
    unary "/etcdserverpb.Auth/UserDelete" = "/v3/auth/user/delete" => users::delete;
    unary "/etcdserverpb.Auth/UserChangePassword" = "/v3/auth/user/changepw" => users::change_password;
    unary "/etcdserverpb.Auth/UserGrantRole" = "/v3/auth/user/grant" => users::grant_role;
    unary "/etcdserverpb.Auth/UserRevokeRole" = "/v3/auth/user/revoke" => users::revoke_role;
    unary "/etcdserverpb.Auth/RoleAdd" = "/v3/auth/role/add" => roles::add;
    unary "/etcdserverpb.Auth/RoleGet" = "/v3/auth/role/get" => roles::get;
    unary "/etcdserverpb.Auth/RoleList" = "/v3/auth/role/list" => roles::list;
    unary "/etcdserverpb.Auth/RoleDelete" = "/v3/auth/role/delete" => roles::delete;
    unary "/etcdserverpb.Auth/RoleGrantPermission" = "/v3/auth/role/grant" => roles::grant_permission;
    unary "/etcdserverpb.Auth/RoleRevokePermission" = "/v3/auth/role/revoke" => roles::revoke_permission;
    unary "/v3lockpb.Lock/Lock" = "/v3/lock/lock" => lock::lock;
    unary "/v3lockpb.Lock/Unlock" = "/v3/lock/unlock" => lock::unlock;
    unary "/v3electionpb.Election/Campaign" = "/v3/election/campaign" => election::campaign;
    unary "/v3electionpb.Election/Proclaim" = "/v3/election/proclaim" => election::proclaim;
    unary "/v3electionpb.Election/Leader" = "/v3/election/leader" => election::leader;
    stream "/v3electionpb.Election/Observe" = "/v3/election/observe" => election::observe;
    unary "/v3electionpb.Election/Resign" = "/v3/election/resign" => election::resign;
    unary "/grpc.health.v1.Health/Check" => health::check;
    stream "/grpc.health.v1.Health/Watch" => health::watch;
    duplex "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" => reflection::info;
    duplex "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" => reflection::info;
};

/// The method that gRPC calls by `path`.
pub(crate) fn by_grpc_path(path: &str) -> Option<&'static Method> {
    static INDEX: OnceLock<HashMap<&'static str, &'static Method>> = OnceLock::new();
    let index = INDEX.get_or_init(|| METHODS.iter().map(|it| (it.grpc_path, it)).collect());
    index.get(path).copied()
}

/// The method that the JSON gateway calls by `path`; `/v3beta` and `/v3alpha` are older names of
/// `/v3`.
pub(crate) fn by_http_path(path: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.http_paths.contains(&path))
}

/// Whether there is a service of this name.
pub(crate) fn has_service(name: &str) -> bool {
    METHODS.iter().any(|method| method.names().0 == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The protocol's methods as its files have them.
    #[test]
    fn every_method_of_the_protocol_is_served() {
        let pool = crate::descriptors::pool();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                assert!(by_grpc_path(&path).is_some(), "{path}");
            }
        }
        let mut paths = HashSet::new();
        for method in METHODS {
            assert!(pool.get_service_by_name(method.names().0).is_some(), "{}", method.grpc_path);
            assert!(
                method.http_paths.iter().all(|path| paths.insert(path)),
                "{}",
                method.grpc_path
            );
        }
        // Three of lease's methods have an older path besides.
        assert_eq!(paths.len(), 48 + 3);
    }
}
