//! Every method of the protocol, as a method of the client.

use tonic::{IntoStreamingRequest, Streaming};

use crate::client::{Client, Repeat};
use crate::error::Error;
use crate::proto::etcdserverpb::{
    self as pb, auth_client::AuthClient, cluster_client::ClusterClient, kv_client::KvClient,
    lease_client::LeaseClient, maintenance_client::MaintenanceClient, watch_client::WatchClient,
};
use crate::proto::v3electionpb::{self as election, election_client::ElectionClient};
use crate::proto::v3lockpb::{self as lock, lock_client::LockClient};

macro_rules! calls {
    ($($stub:ident { $($name:ident: $request:path => $response:path, $repeat:ident;)* })*) => {
        impl Client {
            $($(
                #[doc = concat!("Calls `", stringify!($name), "`.")]
                pub async fn $name(&self, request: $request) -> Result<$response, Error> {
                    self.call(Repeat::$repeat, |session| {
                        let request = request.clone();
                        let mut stub = $stub::new(session).max_decoding_message_size(usize::MAX);
                        async move { stub.$name(request).await }
                    })
                    .await
                }
            )*)*
        }
    };
}

calls! {
    KvClient {
        range: pb::RangeRequest => pb::RangeResponse, Safe;
        range_stream: pb::RangeRequest => Streaming<pb::RangeStreamResponse>, Safe;
        put: pb::PutRequest => pb::PutResponse, Unsent;
        delete_range: pb::DeleteRangeRequest => pb::DeleteRangeResponse, Unsent;
        txn: pb::TxnRequest => pb::TxnResponse, Unsent;
        compact: pb::CompactionRequest => pb::CompactionResponse, Unsent;
    }
    LeaseClient {
        lease_grant: pb::LeaseGrantRequest => pb::LeaseGrantResponse, Unsent;
        lease_revoke: pb::LeaseRevokeRequest => pb::LeaseRevokeResponse, Unsent;
        lease_time_to_live: pb::LeaseTimeToLiveRequest => pb::LeaseTimeToLiveResponse, Safe;
        lease_leases: pb::LeaseLeasesRequest => pb::LeaseLeasesResponse, Safe;
    }
    ClusterClient {
        member_add: pb::MemberAddRequest => pb::MemberAddResponse, Unsent;
        member_remove: pb::MemberRemoveRequest => pb::MemberRemoveResponse, Unsent;
        member_update: pb::MemberUpdateRequest => pb::MemberUpdateResponse, Unsent;
        member_list: pb::MemberListRequest => pb::MemberListResponse, Safe;
        member_promote: pb::MemberPromoteRequest => pb::MemberPromoteResponse, Unsent;
    }
    MaintenanceClient {
        alarm: pb::AlarmRequest => pb::AlarmResponse, Unsent;
        status: pb::StatusRequest => pb::StatusResponse, Safe;
        defragment: pb::DefragmentRequest => pb::DefragmentResponse, Unsent;
        hash: pb::HashRequest => pb::HashResponse, Safe;
        hash_kv: pb::HashKvRequest => pb::HashKvResponse, Safe;
        snapshot: pb::SnapshotRequest => Streaming<pb::SnapshotResponse>, Safe;
        move_leader: pb::MoveLeaderRequest => pb::MoveLeaderResponse, Unsent;
        downgrade: pb::DowngradeRequest => pb::DowngradeResponse, Unsent;
    }
    AuthClient {
        auth_enable: pb::AuthEnableRequest => pb::AuthEnableResponse, Unsent;
        auth_disable: pb::AuthDisableRequest => pb::AuthDisableResponse, Unsent;
        auth_status: pb::AuthStatusRequest => pb::AuthStatusResponse, Safe;
        authenticate: pb::AuthenticateRequest => pb::AuthenticateResponse, Safe;
        user_add: pb::AuthUserAddRequest => pb::AuthUserAddResponse, Unsent;
        user_get: pb::AuthUserGetRequest => pb::AuthUserGetResponse, Safe;
        user_list: pb::AuthUserListRequest => pb::AuthUserListResponse, Safe;
        user_delete: pb::AuthUserDeleteRequest => pb::AuthUserDeleteResponse, Unsent;
        user_change_password: pb::AuthUserChangePasswordRequest => pb::AuthUserChangePasswordResponse, Unsent;
        user_grant_role: pb::AuthUserGrantRoleRequest => pb::AuthUserGrantRoleResponse, Unsent;
        user_revoke_role: pb::AuthUserRevokeRoleRequest => pb::AuthUserRevokeRoleResponse, Unsent;
        role_add: pb::AuthRoleAddRequest => pb::AuthRoleAddResponse, Unsent;
        role_get: pb::AuthRoleGetRequest => pb::AuthRoleGetResponse, Safe;
        role_list: pb::AuthRoleListRequest => pb::AuthRoleListResponse, Safe;
        role_delete: pb::AuthRoleDeleteRequest => pb::AuthRoleDeleteResponse, Unsent;
        role_grant_permission: pb::AuthRoleGrantPermissionRequest => pb::AuthRoleGrantPermissionResponse, Unsent;
        role_revoke_permission: pb::AuthRoleRevokePermissionRequest => pb::AuthRoleRevokePermissionResponse, Unsent;
    }
    LockClient {
        lock: lock::LockRequest => lock::LockResponse, Unsent;
        unlock: lock::UnlockRequest => lock::UnlockResponse, Unsent;
    }
    ElectionClient {
        campaign: election::CampaignRequest => election::CampaignResponse, Unsent;
        proclaim: election::ProclaimRequest => election::ProclaimResponse, Unsent;
        leader: election::LeaderRequest => election::LeaderResponse, Safe;
        observe: election::LeaderRequest => Streaming<election::LeaderResponse>, Safe;
        resign: election::ResignRequest => election::ResignResponse, Unsent;
    }
}

impl Client {
    /// Calls `Watch`: requests go out, watches' events come in, until either end stops.
    pub async fn watch(
        &self,
        requests: impl IntoStreamingRequest<Message = pb::WatchRequest>,
    ) -> Result<Streaming<pb::WatchResponse>, Error> {
        let mut stub = WatchClient::new(self.session()).max_decoding_message_size(usize::MAX);
        Ok(stub.watch(requests).await?.into_inner())
    }

    /// Calls `LeaseKeepAlive`: each request keeps a lease for its time to live once more.
    pub async fn lease_keep_alive(
        &self,
        requests: impl IntoStreamingRequest<Message = pb::LeaseKeepAliveRequest>,
    ) -> Result<Streaming<pb::LeaseKeepAliveResponse>, Error> {
        Ok(LeaseClient::new(self.session()).lease_keep_alive(requests).await?.into_inner())
    }
}
