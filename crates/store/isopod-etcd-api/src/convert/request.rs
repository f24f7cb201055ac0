//! Requests for keys.

use isopod_etcd_client::proto::etcdserverpb::range_request::{SortOrder, SortTarget};
use isopod_etcd_client::proto::etcdserverpb::{DeleteRangeRequest, PutRequest, RangeRequest};
use isopod_mvcc as mvcc;
use isopod_mvcc::KeyRange;

use crate::error::INVALID_SORT_OPTION;
use crate::grpc::Status;

pub(crate) fn range_request(request: RangeRequest) -> Result<mvcc::RangeRequest, Status> {
    if request.key.is_empty() {
        return Err(mvcc::Error::EmptyKey.into());
    }
    let sort_order = match SortOrder::try_from(request.sort_order) {
        Ok(SortOrder::None) => mvcc::SortOrder::None,
        Ok(SortOrder::Ascend) => mvcc::SortOrder::Ascending,
        Ok(SortOrder::Descend) => mvcc::SortOrder::Descending,
        Err(_) => return Err(INVALID_SORT_OPTION),
    };
    let sort_target = match SortTarget::try_from(request.sort_target) {
        Ok(SortTarget::Key) => mvcc::SortTarget::Key,
        Ok(SortTarget::Version) => mvcc::SortTarget::Version,
        Ok(SortTarget::Create) => mvcc::SortTarget::CreateRevision,
        Ok(SortTarget::Mod) => mvcc::SortTarget::ModRevision,
        Ok(SortTarget::Value) => mvcc::SortTarget::Value,
        Err(_) => return Err(INVALID_SORT_OPTION),
    };
    Ok(mvcc::RangeRequest {
        range: KeyRange::new(request.key, request.range_end),
        limit: request.limit,
        revision: request.revision,
        sort_order,
        sort_target,
        keys_only: request.keys_only,
        count_only: request.count_only,
        min_mod_revision: request.min_mod_revision,
        max_mod_revision: request.max_mod_revision,
        min_create_revision: request.min_create_revision,
        max_create_revision: request.max_create_revision,
    })
}

pub(crate) fn put_request(request: PutRequest) -> Result<mvcc::PutRequest, Status> {
    let request = mvcc::PutRequest {
        key: request.key,
        value: request.value,
        lease: request.lease,
        prev_kv: request.prev_kv,
        ignore_value: request.ignore_value,
        ignore_lease: request.ignore_lease,
    };
    request.validate()?;
    Ok(request)
}

pub(crate) fn delete_request(request: DeleteRangeRequest) -> Result<mvcc::DeleteRequest, Status> {
    if request.key.is_empty() {
        return Err(mvcc::Error::EmptyKey.into());
    }
    Ok(mvcc::DeleteRequest {
        range: KeyRange::new(request.key, request.range_end),
        prev_kv: request.prev_kv,
    })
}
