//! Answers about keys. Nested answers carry a revision alone in their headers, or nothing
//! there if they are transactions, as etcd's do.

use isopod_etcd_client::proto::etcdserverpb as pb;
use isopod_etcd_client::proto::etcdserverpb::response_op::Response;
use isopod_etcd_client::proto::mvccpb;
use isopod_mvcc as mvcc;

pub(crate) fn key_value(kv: mvcc::KeyValue) -> mvccpb::KeyValue {
    mvccpb::KeyValue {
        key: kv.key,
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        value: kv.value,
        lease: kv.lease,
    }
}

pub(crate) fn event(event: &mvcc::Event) -> mvccpb::Event {
    let kind = match event.kind {
        mvcc::EventKind::Put => mvccpb::event::EventType::Put,
        mvcc::EventKind::Delete => mvccpb::event::EventType::Delete,
    };
    mvccpb::Event {
        r#type: kind.into(),
        kv: Some(key_value(event.kv.clone())),
        prev_kv: event.previous.clone().map(key_value),
    }
}

pub(crate) fn range_response(
    header: pb::ResponseHeader,
    response: mvcc::RangeResponse,
) -> pb::RangeResponse {
    pb::RangeResponse {
        header: Some(header),
        kvs: response.kvs.into_iter().map(key_value).collect(),
        more: response.more,
        count: response.count,
    }
}

pub(crate) fn put_response(
    header: pb::ResponseHeader,
    response: mvcc::PutResponse,
) -> pb::PutResponse {
    pb::PutResponse { header: Some(header), prev_kv: response.previous.map(key_value) }
}

pub(crate) fn delete_response(
    header: pb::ResponseHeader,
    response: mvcc::DeleteResponse,
) -> pb::DeleteRangeResponse {
    pb::DeleteRangeResponse {
        header: Some(header),
        deleted: response.deleted,
        prev_kvs: response.previous.into_iter().map(key_value).collect(),
    }
}

pub(crate) fn txn_response(
    header: pb::ResponseHeader,
    response: mvcc::TxnResponse,
) -> pb::TxnResponse {
    pb::TxnResponse {
        header: Some(header),
        succeeded: response.succeeded,
        responses: response.responses.into_iter().map(operation).collect(),
    }
}

fn operation(response: mvcc::OperationResponse) -> pb::ResponseOp {
    let header = |revision| pb::ResponseHeader { revision, ..Default::default() };
    let response = match response {
        mvcc::OperationResponse::Range(range) => {
            Response::ResponseRange(range_response(header(range.revision), range))
        }
        mvcc::OperationResponse::Put(put) => {
            Response::ResponsePut(put_response(header(put.revision), put))
        }
        mvcc::OperationResponse::Delete(delete) => {
            Response::ResponseDeleteRange(delete_response(header(delete.revision), delete))
        }
        mvcc::OperationResponse::Txn(txn) => {
            Response::ResponseTxn(txn_response(Default::default(), txn))
        }
    };
    pb::ResponseOp { response: Some(response) }
}
