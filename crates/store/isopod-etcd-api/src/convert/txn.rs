//! Transactions.

use isopod_etcd_client::proto::etcdserverpb as pb;
use isopod_etcd_client::proto::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use isopod_etcd_client::proto::etcdserverpb::request_op::Request;
use isopod_mvcc as mvcc;
use isopod_mvcc::KeyRange;

use super::request::{delete_request, put_request, range_request};
use crate::grpc::{Code, Status};

pub(crate) fn txn_request(request: pb::TxnRequest) -> Result<mvcc::TxnRequest, Status> {
    let operations =
        |list: Vec<pb::RequestOp>| list.into_iter().map(operation).collect::<Result<_, _>>();
    Ok(mvcc::TxnRequest {
        compare: request.compare.into_iter().map(compare).collect::<Result<_, _>>()?,
        success: operations(request.success)?,
        failure: operations(request.failure)?,
    })
}

fn operation(operation: pb::RequestOp) -> Result<mvcc::Operation, Status> {
    Ok(match operation.request {
        Some(Request::RequestRange(range)) => mvcc::Operation::Range(range_request(range)?),
        Some(Request::RequestPut(put)) => mvcc::Operation::Put(put_request(put)?),
        Some(Request::RequestDeleteRange(delete)) => {
            mvcc::Operation::Delete(delete_request(delete)?)
        }
        Some(Request::RequestTxn(txn)) => mvcc::Operation::Txn(txn_request(txn)?),
        None => return Err(mvcc::Error::KeyNotFound.into()),
    })
}

/// A target without its value compares with zero or with nothing.
fn compare(compare: pb::Compare) -> Result<mvcc::Compare, Status> {
    if compare.key.is_empty() {
        return Err(mvcc::Error::EmptyKey.into());
    }
    let result = match compare.result() {
        CompareResult::Equal => mvcc::CompareResult::Equal,
        CompareResult::Greater => mvcc::CompareResult::Greater,
        CompareResult::Less => mvcc::CompareResult::Less,
        CompareResult::NotEqual => mvcc::CompareResult::NotEqual,
    };
    if CompareResult::try_from(compare.result).is_err() {
        return Err(unknown("result", compare.result));
    }
    let Ok(target) = CompareTarget::try_from(compare.target) else {
        return Err(unknown("target", compare.target));
    };
    let number = |value: Option<i64>| value.unwrap_or_default();
    let given = compare.target_union;
    let target = match target {
        CompareTarget::Version => mvcc::CompareTarget::Version(number(match given {
            Some(TargetUnion::Version(version)) => Some(version),
            _ => None,
        })),
        CompareTarget::Create => mvcc::CompareTarget::CreateRevision(number(match given {
            Some(TargetUnion::CreateRevision(revision)) => Some(revision),
            _ => None,
        })),
        CompareTarget::Mod => mvcc::CompareTarget::ModRevision(number(match given {
            Some(TargetUnion::ModRevision(revision)) => Some(revision),
            _ => None,
        })),
        CompareTarget::Lease => mvcc::CompareTarget::Lease(number(match given {
            Some(TargetUnion::Lease(lease)) => Some(lease),
            _ => None,
        })),
        CompareTarget::Value => mvcc::CompareTarget::Value(match given {
            Some(TargetUnion::Value(value)) => value,
            _ => Default::default(),
        }),
    };
    Ok(mvcc::Compare { range: KeyRange::new(compare.key, compare.range_end), result, target })
}

fn unknown(field: &str, value: i32) -> Status {
    Status::new(Code::InvalidArgument, format!("etcdserver: unknown compare {field} {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &'static str) -> pb::RequestOp {
        let put = pb::PutRequest { key: key.into(), ..Default::default() };
        pb::RequestOp { request: Some(Request::RequestPut(put)) }
    }

    fn refusal(success: Vec<pb::RequestOp>) -> Option<String> {
        let txn = pb::TxnRequest { success, ..Default::default() };
        txn_request(txn).err().map(|status| status.message.into_owned())
    }

    #[test]
    fn what_an_operation_lacks_is_said() {
        assert_eq!(refusal(vec![put("a")]), None);
        let empty_key = Some("etcdserver: key is not provided".to_owned());
        assert_eq!(refusal(vec![put("")]), empty_key);
        let nothing = Some("etcdserver: key not found".to_owned());
        assert_eq!(refusal(vec![pb::RequestOp { request: None }]), nothing);
    }

    #[test]
    fn a_target_without_its_value_is_zero() {
        let given = pb::Compare { key: "a".into(), ..Default::default() };
        assert_eq!(compare(given).unwrap().target, mvcc::CompareTarget::Version(0));
        let unknown = pb::Compare { key: "a".into(), target: 9, ..Default::default() };
        assert_eq!(compare(unknown).unwrap_err().message, "etcdserver: unknown compare target 9");
    }
}
