//! Writing commands.

use super::{VERSION, auth_kind, kind};
use crate::varint::{put, put_bytes, put_signed};
use crate::{
    AlarmKind, AlarmMember, AlarmRequest, AuthCommand, Command, Compare, CompareResult,
    CompareTarget, DeleteRequest, KeyRange, LeaseCheckpoint, Operation, Permission, PermissionKind,
    PutRequest, RangeEnd, RangeRequest, Request, SortOrder, SortTarget, TxnRequest,
};

type Buffer = Vec<u8>;

pub(super) fn command(buffer: &mut Buffer, command: &Command) {
    buffer.reserve(size_hint(&command.request));
    buffer.push(VERSION);
    let actor_flag = if command.actor.is_some() { kind::WITH_ACTOR } else { 0 };
    buffer.push(kind_of(&command.request) | actor_flag);
    if let Some(actor) = &command.actor {
        put_bytes(buffer, actor.user.as_bytes());
        put(buffer, actor.auth_revision);
    }
    request(buffer, &command.request);
}

/// Room for the usual command without growing.
fn size_hint(request: &Request) -> usize {
    let payload = match request {
        Request::Put(put) => put.key.len() + put.value.len(),
        Request::Txn(_) => 512,
        _ => 64,
    };
    payload + 64
}

fn kind_of(request: &Request) -> u8 {
    match request {
        Request::Put(_) => kind::PUT,
        Request::Delete(_) => kind::DELETE,
        Request::Txn(_) => kind::TXN,
        Request::Compact(_) => kind::COMPACT,
        Request::LeaseGrant(_) => kind::LEASE_GRANT,
        Request::LeaseRevoke(_) => kind::LEASE_REVOKE,
        Request::LeaseCheckpoint(_) => kind::LEASE_CHECKPOINT,
        Request::Alarm(_) => kind::ALARM,
        Request::Auth(_) => kind::AUTH,
        Request::Nothing => kind::NOTHING,
    }
}

fn request(buffer: &mut Buffer, request: &Request) {
    match request {
        Request::Put(request) => put_request(buffer, request),
        Request::Delete(request) => delete(buffer, request),
        Request::Txn(request) => txn(buffer, request),
        Request::Compact(revision) => put_signed(buffer, *revision),
        Request::LeaseGrant(grant) => {
            put_signed(buffer, grant.id);
            put_signed(buffer, grant.ttl);
        }
        Request::LeaseRevoke(id) => put_signed(buffer, *id),
        Request::LeaseCheckpoint(checkpoints) => {
            put(buffer, checkpoints.len() as u64);
            for LeaseCheckpoint { id, remaining_ttl } in checkpoints {
                put_signed(buffer, *id);
                put_signed(buffer, *remaining_ttl);
            }
        }
        Request::Alarm(request) => alarm(buffer, request),
        Request::Auth(change) => auth(buffer, change),
        Request::Nothing => {}
    }
}

fn put_request(buffer: &mut Buffer, request: &PutRequest) {
    let flags = u8::from(request.prev_kv)
        | u8::from(request.ignore_value) << 1
        | u8::from(request.ignore_lease) << 2;
    buffer.push(flags);
    put_bytes(buffer, &request.key);
    put_bytes(buffer, &request.value);
    put_signed(buffer, request.lease);
}

fn delete(buffer: &mut Buffer, request: &DeleteRequest) {
    buffer.push(u8::from(request.prev_kv));
    key_range(buffer, &request.range);
}

fn txn(buffer: &mut Buffer, request: &TxnRequest) {
    put(buffer, request.compare.len() as u64);
    request.compare.iter().for_each(|item| compare(buffer, item));
    for branch in [&request.success, &request.failure] {
        put(buffer, branch.len() as u64);
        branch.iter().for_each(|item| operation(buffer, item));
    }
}

fn operation(buffer: &mut Buffer, operation: &Operation) {
    match operation {
        Operation::Range(request) => {
            buffer.push(kind::RANGE);
            range(buffer, request);
        }
        Operation::Put(request) => {
            buffer.push(kind::PUT);
            put_request(buffer, request);
        }
        Operation::Delete(request) => {
            buffer.push(kind::DELETE);
            delete(buffer, request);
        }
        Operation::Txn(request) => {
            buffer.push(kind::TXN);
            txn(buffer, request);
        }
    }
}

fn range(buffer: &mut Buffer, request: &RangeRequest) {
    let order = match request.sort_order {
        SortOrder::None => 0,
        SortOrder::Ascending => 1,
        SortOrder::Descending => 2,
    };
    let target = match request.sort_target {
        SortTarget::Key => 0,
        SortTarget::Version => 1,
        SortTarget::CreateRevision => 2,
        SortTarget::ModRevision => 3,
        SortTarget::Value => 4,
    };
    buffer.push(u8::from(request.keys_only) | u8::from(request.count_only) << 1);
    buffer.push(order | target << 4);
    key_range(buffer, &request.range);
    for number in [
        request.limit,
        request.revision,
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
    ] {
        put_signed(buffer, number);
    }
}

fn compare(buffer: &mut Buffer, compare: &Compare) {
    let result = match compare.result {
        CompareResult::Equal => 0,
        CompareResult::Greater => 1,
        CompareResult::Less => 2,
        CompareResult::NotEqual => 3,
    };
    let (target, number) = match &compare.target {
        CompareTarget::Version(number) => (0, *number),
        CompareTarget::CreateRevision(number) => (1, *number),
        CompareTarget::ModRevision(number) => (2, *number),
        CompareTarget::Value(_) => (3, 0),
        CompareTarget::Lease(number) => (4, *number),
    };
    buffer.push(result | target << 4);
    key_range(buffer, &compare.range);
    match &compare.target {
        CompareTarget::Value(value) => put_bytes(buffer, value),
        _ => put_signed(buffer, number),
    }
}

pub(crate) fn key_range(buffer: &mut Buffer, range: &KeyRange) {
    let end = match &range.end {
        RangeEnd::Single => 0,
        RangeEnd::Before(_) => 1,
        RangeEnd::Unbounded => 2,
    };
    buffer.push(end);
    put_bytes(buffer, &range.key);
    if let RangeEnd::Before(end) = &range.end {
        put_bytes(buffer, end);
    }
}

pub(crate) fn alarm(buffer: &mut Buffer, request: &AlarmRequest) {
    let (raise, AlarmMember { kind, member }) = match request {
        AlarmRequest::Activate(alarm) => (1, alarm),
        AlarmRequest::Deactivate(alarm) => (0, alarm),
    };
    let kind = match kind {
        AlarmKind::NoSpace => 1,
        AlarmKind::Corrupt => 2,
    };
    buffer.push(raise | kind << 4);
    put(buffer, *member);
}

fn auth(buffer: &mut Buffer, change: &AuthCommand) {
    let mut tagged = |tag: u8, strings: &[&[u8]]| {
        buffer.push(tag);
        strings.iter().for_each(|string| put_bytes(buffer, string));
    };
    match change {
        AuthCommand::Enable => tagged(auth_kind::ENABLE, &[]),
        AuthCommand::Disable => tagged(auth_kind::DISABLE, &[]),
        AuthCommand::UserAdd { name, password } => {
            tagged(auth_kind::USER_ADD, &[name.as_bytes(), password]);
        }
        AuthCommand::UserDelete(name) => tagged(auth_kind::USER_DELETE, &[name.as_bytes()]),
        AuthCommand::UserChangePassword { name, password } => {
            tagged(auth_kind::USER_CHANGE_PASSWORD, &[name.as_bytes(), password]);
        }
        AuthCommand::UserGrantRole { user, role } => {
            tagged(auth_kind::USER_GRANT_ROLE, &[user.as_bytes(), role.as_bytes()]);
        }
        AuthCommand::UserRevokeRole { user, role } => {
            tagged(auth_kind::USER_REVOKE_ROLE, &[user.as_bytes(), role.as_bytes()]);
        }
        AuthCommand::RoleAdd(name) => tagged(auth_kind::ROLE_ADD, &[name.as_bytes()]),
        AuthCommand::RoleDelete(name) => tagged(auth_kind::ROLE_DELETE, &[name.as_bytes()]),
        AuthCommand::RoleGrantPermission { role, permission } => {
            tagged(auth_kind::ROLE_GRANT_PERMISSION, &[role.as_bytes()]);
            self::permission(buffer, permission);
        }
        AuthCommand::RoleRevokePermission { role, range } => {
            tagged(auth_kind::ROLE_REVOKE_PERMISSION, &[role.as_bytes()]);
            key_range(buffer, range);
        }
    }
}

pub(crate) fn permission(buffer: &mut Buffer, permission: &Permission) {
    buffer.push(match permission.kind {
        PermissionKind::Read => 0,
        PermissionKind::Write => 1,
        PermissionKind::ReadWrite => 2,
    });
    key_range(buffer, &permission.range);
}
