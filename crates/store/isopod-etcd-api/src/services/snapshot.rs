//! The whole store as a file of etcd's own format.

use isopod_etcd_client::proto::etcdserverpb::SnapshotRequest;

use crate::grpc::{Code, Status};
use crate::method::{Call, Replies};

/// Not to be had yet.
pub(crate) async fn snapshot(call: Call, _: SnapshotRequest) -> Result<Replies, Status> {
    call.require_admin()?;
    Err(Status::fixed(Code::Unimplemented, "etcdserver: snapshots are not supported yet"))
}
