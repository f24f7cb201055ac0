//! Reading, writing, transactions, compaction.

use isopod_etcd_client::proto::etcdserverpb::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest,
    PutResponse, RangeRequest, RangeResponse, TxnRequest, TxnResponse,
};
use isopod_mvcc as mvcc;
use isopod_mvcc::{Command, Operation, Request, Response};

use crate::convert;
use crate::error::{INTERNAL_MISMATCH, NOT_SUPPORTED_FOR_LEARNER};
use crate::grpc::Status;
use crate::method::Call;

pub(crate) async fn range(call: Call, request: RangeRequest) -> Result<RangeResponse, Status> {
    let serializable = request.serializable;
    let request = convert::range_request(request)?;
    if !serializable {
        if call.api.store.status().learner {
            return Err(NOT_SUPPORTED_FOR_LEARNER);
        }
        call.linearize().await?;
    }
    let response = call.read(|state, actor| {
        state.check_range(actor, &request.range)?;
        state.range(&request)
    })?;
    Ok(convert::range_response(call.header(response.revision), response))
}

pub(crate) async fn put(call: Call, request: PutRequest) -> Result<PutResponse, Status> {
    let request = convert::put_request(request)?;
    match call.propose(Request::Put(request)).await?.response {
        Response::Put(response) => {
            Ok(convert::put_response(call.header(response.revision), response))
        }
        _ => Err(INTERNAL_MISMATCH),
    }
}

pub(crate) async fn delete_range(
    call: Call,
    request: DeleteRangeRequest,
) -> Result<DeleteRangeResponse, Status> {
    let request = convert::delete_request(request)?;
    match call.propose(Request::Delete(request)).await?.response {
        Response::Delete(response) => {
            Ok(convert::delete_response(call.header(response.revision), response))
        }
        _ => Err(INTERNAL_MISMATCH),
    }
}

pub(crate) async fn txn(call: Call, request: TxnRequest) -> Result<TxnResponse, Status> {
    let request = convert::txn_request(request)?;
    request.validate(call.api.limits.max_txn_ops)?;
    let response = if only_reads(&request) {
        call.linearize().await?;
        call.read(|state, actor| {
            let command = Command { actor: actor.cloned(), request: Request::Txn(request) };
            state.check_command(&command)?;
            let Request::Txn(request) = &command.request else { return Ok(None) };
            state.read_txn(request).transpose()
        })?
        .ok_or(INTERNAL_MISMATCH)?
    } else {
        match call.propose(Request::Txn(request)).await?.response {
            Response::Txn(response) => response,
            _ => return Err(INTERNAL_MISMATCH),
        }
    };
    Ok(convert::txn_response(call.header(response.revision), response))
}

/// Whether a transaction needs no entry in the log.
fn only_reads(txn: &mvcc::TxnRequest) -> bool {
    txn.success.iter().chain(&txn.failure).all(|operation| match operation {
        Operation::Range(_) => true,
        Operation::Txn(txn) => only_reads(txn),
        Operation::Put(_) | Operation::Delete(_) => false,
    })
}

pub(crate) async fn compact(
    call: Call,
    request: CompactionRequest,
) -> Result<CompactionResponse, Status> {
    call.require_admin()?;
    let done = call.propose(Request::Compact(request.revision)).await?;
    Ok(CompactionResponse { header: Some(call.header(done.revision)) })
}
