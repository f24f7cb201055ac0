//! Locks by name.

use bytes::Bytes;
use isopod_etcd_client::proto::v3lockpb::{
    LockRequest, LockResponse, UnlockRequest, UnlockResponse,
};

use super::queue::{Place, delete, uncoded};
use crate::grpc::Status;
use crate::method::Call;

/// Answers when the lock is held. A client that goes away before leaves the line.
pub(crate) async fn lock(call: Call, request: LockRequest) -> Result<LockResponse, Status> {
    let place =
        Place::take(&call, &request.name, request.lease, Bytes::new()).await.map_err(uncoded)?;
    place.wait().await.map_err(uncoded)?;
    let key = place.key.clone();
    place.keep();
    Ok(LockResponse { header: Some(call.header_now()), key })
}

pub(crate) async fn unlock(call: Call, request: UnlockRequest) -> Result<UnlockResponse, Status> {
    if request.key.is_empty() {
        return Err(isopod_mvcc::Error::EmptyKey.into());
    }
    let revision = delete(&call, request.key).await.map_err(uncoded)?;
    Ok(UnlockResponse { header: Some(call.header(revision)) })
}
