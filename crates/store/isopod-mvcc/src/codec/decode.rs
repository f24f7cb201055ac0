//! Reading commands.

use bytes::Bytes;

use super::reader::Reader;
use super::{DecodeError, VERSION, auth_kind, kind};
use crate::{
    Actor, AlarmKind, AlarmMember, AlarmRequest, AuthCommand, Command, Compare, CompareResult,
    CompareTarget, DeleteRequest, KeyRange, LeaseCheckpoint, LeaseGrant, MAX_TXN_DEPTH, Operation,
    Permission, PermissionKind, PutRequest, RangeEnd, RangeRequest, Request, SortOrder, SortTarget,
    TxnRequest,
};

type Result<T> = std::result::Result<T, DecodeError>;

pub(super) fn command(bytes: &Bytes) -> Result<Command> {
    let mut reader = Reader::new(bytes);
    let version = reader.byte("version")?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let tag = reader.byte("kind")?;
    let actor = if tag & kind::WITH_ACTOR != 0 {
        Some(Actor { user: reader.string("user")?, auth_revision: reader.number("auth revision")? })
    } else {
        None
    };
    let request = request(&mut reader, tag & !kind::WITH_ACTOR)?;
    reader.finish()?;
    Ok(Command { actor, request })
}

fn request(reader: &mut Reader<'_>, tag: u8) -> Result<Request> {
    Ok(match tag {
        kind::PUT => Request::Put(put(reader)?),
        kind::DELETE => Request::Delete(delete(reader)?),
        kind::TXN => Request::Txn(txn(reader, 1)?),
        kind::COMPACT => Request::Compact(reader.signed("revision")?),
        kind::LEASE_GRANT => Request::LeaseGrant(LeaseGrant {
            id: reader.signed("lease")?,
            ttl: reader.signed("ttl")?,
        }),
        kind::LEASE_REVOKE => Request::LeaseRevoke(reader.signed("lease")?),
        kind::LEASE_CHECKPOINT => {
            Request::LeaseCheckpoint(reader.list("checkpoints", |reader| {
                Ok(LeaseCheckpoint {
                    id: reader.signed("lease")?,
                    remaining_ttl: reader.signed("remaining ttl")?,
                })
            })?)
        }
        kind::ALARM => Request::Alarm(alarm(reader)?),
        kind::AUTH => Request::Auth(auth(reader)?),
        kind::NOTHING => Request::Nothing,
        _ => return Err(reader.unknown("kind", tag)),
    })
}

fn put(reader: &mut Reader<'_>) -> Result<PutRequest> {
    let flags = reader.flags("flags of a put", 3)?;
    Ok(PutRequest {
        key: reader.bytes("key")?,
        value: reader.bytes("value")?,
        lease: reader.signed("lease")?,
        prev_kv: flags & 1 != 0,
        ignore_value: flags & 2 != 0,
        ignore_lease: flags & 4 != 0,
    })
}

fn delete(reader: &mut Reader<'_>) -> Result<DeleteRequest> {
    let flags = reader.flags("flags of a deletion", 1)?;
    Ok(DeleteRequest { range: key_range(reader)?, prev_kv: flags & 1 != 0 })
}

fn txn(reader: &mut Reader<'_>, depth: usize) -> Result<TxnRequest> {
    if depth > MAX_TXN_DEPTH {
        return Err(DecodeError::TooDeep { offset: reader.offset() });
    }
    Ok(TxnRequest {
        compare: reader.list("comparisons", compare)?,
        success: reader.list("operations", |reader| operation(reader, depth))?,
        failure: reader.list("operations", |reader| operation(reader, depth))?,
    })
}

fn operation(reader: &mut Reader<'_>, depth: usize) -> Result<Operation> {
    Ok(match reader.byte("operation")? {
        kind::RANGE => Operation::Range(range(reader)?),
        kind::PUT => Operation::Put(put(reader)?),
        kind::DELETE => Operation::Delete(delete(reader)?),
        kind::TXN => Operation::Txn(txn(reader, depth + 1)?),
        tag => return Err(reader.unknown("operation", tag)),
    })
}

fn range(reader: &mut Reader<'_>) -> Result<RangeRequest> {
    let flags = reader.flags("flags of a range", 2)?;
    let sort = reader.byte("order of a range")?;
    let sort_order = match sort & 0xf {
        0 => SortOrder::None,
        1 => SortOrder::Ascending,
        2 => SortOrder::Descending,
        _ => return Err(reader.unknown("order of a range", sort)),
    };
    let sort_target = match sort >> 4 {
        0 => SortTarget::Key,
        1 => SortTarget::Version,
        2 => SortTarget::CreateRevision,
        3 => SortTarget::ModRevision,
        4 => SortTarget::Value,
        _ => return Err(reader.unknown("order of a range", sort)),
    };
    Ok(RangeRequest {
        range: key_range(reader)?,
        limit: reader.signed("limit")?,
        revision: reader.signed("revision")?,
        sort_order,
        sort_target,
        keys_only: flags & 1 != 0,
        count_only: flags & 2 != 0,
        min_mod_revision: reader.signed("least mod revision")?,
        max_mod_revision: reader.signed("greatest mod revision")?,
        min_create_revision: reader.signed("least create revision")?,
        max_create_revision: reader.signed("greatest create revision")?,
    })
}

fn compare(reader: &mut Reader<'_>) -> Result<Compare> {
    let tag = reader.byte("comparison")?;
    let result = match tag & 0xf {
        0 => CompareResult::Equal,
        1 => CompareResult::Greater,
        2 => CompareResult::Less,
        3 => CompareResult::NotEqual,
        _ => return Err(reader.unknown("comparison", tag)),
    };
    if tag >> 4 > 4 {
        return Err(reader.unknown("comparison", tag));
    }
    let range = key_range(reader)?;
    let target = match tag >> 4 {
        0 => CompareTarget::Version(reader.signed("version")?),
        1 => CompareTarget::CreateRevision(reader.signed("create revision")?),
        2 => CompareTarget::ModRevision(reader.signed("mod revision")?),
        3 => CompareTarget::Value(reader.bytes("value")?),
        _ => CompareTarget::Lease(reader.signed("lease")?),
    };
    Ok(Compare { range, result, target })
}

pub(crate) fn key_range(reader: &mut Reader<'_>) -> Result<KeyRange> {
    let tag = reader.byte("range")?;
    if tag > 2 {
        return Err(reader.unknown("range", tag));
    }
    let key = reader.bytes("key")?;
    let end = match tag {
        0 => RangeEnd::Single,
        1 => RangeEnd::Before(reader.bytes("end of a range")?),
        _ => RangeEnd::Unbounded,
    };
    Ok(KeyRange { key, end })
}

pub(crate) fn alarm(reader: &mut Reader<'_>) -> Result<AlarmRequest> {
    let tag = reader.byte("alarm")?;
    let kind = match tag >> 4 {
        1 => AlarmKind::NoSpace,
        2 => AlarmKind::Corrupt,
        _ => return Err(reader.unknown("alarm", tag)),
    };
    let raise = match tag & 0xf {
        0 => false,
        1 => true,
        _ => return Err(reader.unknown("alarm", tag)),
    };
    let alarm = AlarmMember { kind, member: reader.number("member")? };
    Ok(if raise { AlarmRequest::Activate(alarm) } else { AlarmRequest::Deactivate(alarm) })
}

fn auth(reader: &mut Reader<'_>) -> Result<AuthCommand> {
    let tag = reader.byte("change of users")?;
    Ok(match tag {
        auth_kind::ENABLE => AuthCommand::Enable,
        auth_kind::DISABLE => AuthCommand::Disable,
        auth_kind::USER_ADD => AuthCommand::UserAdd {
            name: reader.string("user")?,
            password: reader.bytes("password")?,
        },
        auth_kind::USER_DELETE => AuthCommand::UserDelete(reader.string("user")?),
        auth_kind::USER_CHANGE_PASSWORD => AuthCommand::UserChangePassword {
            name: reader.string("user")?,
            password: reader.bytes("password")?,
        },
        auth_kind::USER_GRANT_ROLE => AuthCommand::UserGrantRole {
            user: reader.string("user")?,
            role: reader.string("role")?,
        },
        auth_kind::USER_REVOKE_ROLE => AuthCommand::UserRevokeRole {
            user: reader.string("user")?,
            role: reader.string("role")?,
        },
        auth_kind::ROLE_ADD => AuthCommand::RoleAdd(reader.string("role")?),
        auth_kind::ROLE_DELETE => AuthCommand::RoleDelete(reader.string("role")?),
        auth_kind::ROLE_GRANT_PERMISSION => AuthCommand::RoleGrantPermission {
            role: reader.string("role")?,
            permission: permission(reader)?,
        },
        auth_kind::ROLE_REVOKE_PERMISSION => AuthCommand::RoleRevokePermission {
            role: reader.string("role")?,
            range: key_range(reader)?,
        },
        _ => return Err(reader.unknown("change of users", tag)),
    })
}

pub(crate) fn permission(reader: &mut Reader<'_>) -> Result<Permission> {
    let kind = match reader.byte("permission")? {
        0 => PermissionKind::Read,
        1 => PermissionKind::Write,
        2 => PermissionKind::ReadWrite,
        tag => return Err(reader.unknown("permission", tag)),
    };
    Ok(Permission { kind, range: key_range(reader)? })
}
