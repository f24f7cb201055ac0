//! Every command comes back from its bytes, and nothing else does.

use bytes::Bytes;

use super::*;
use crate::*;

fn bytes_of(command: &Command) -> Bytes {
    let mut buffer = Vec::new();
    command.encode(&mut buffer);
    buffer.into()
}

/// Commands that together use every kind, flag and field.
fn samples() -> Vec<Command> {
    let put = PutRequest {
        key: "k".into(),
        value: "v".into(),
        lease: 7,
        prev_kv: true,
        ignore_value: false,
        ignore_lease: true,
    };
    let range = RangeRequest {
        limit: 3,
        revision: 4,
        sort_order: SortOrder::Descending,
        sort_target: SortTarget::Value,
        keys_only: true,
        count_only: false,
        min_mod_revision: 5,
        max_mod_revision: 6,
        min_create_revision: 7,
        max_create_revision: 8,
        range: KeyRange::new("a", "b"),
    };
    let targets = [
        CompareTarget::Version(1),
        CompareTarget::CreateRevision(2),
        CompareTarget::ModRevision(-3),
        CompareTarget::Value("v".into()),
        CompareTarget::Lease(i64::MAX),
    ];
    let results = [
        CompareResult::Equal,
        CompareResult::Greater,
        CompareResult::Less,
        CompareResult::NotEqual,
    ];
    let compare = targets.into_iter().zip(results.into_iter().cycle());
    let inner = TxnRequest {
        compare: compare
            .map(|(target, result)| Compare { range: KeyRange::all(), result, target })
            .collect(),
        success: vec![Operation::Put(put.clone()), Operation::Range(range)],
        failure: vec![],
    };
    let delete = DeleteRequest { range: KeyRange::prefix("x"), prev_kv: true };
    let outer = TxnRequest {
        compare: vec![],
        success: vec![Operation::Txn(inner)],
        failure: vec![Operation::Delete(delete.clone())],
    };
    let alarm = AlarmMember { kind: AlarmKind::Corrupt, member: u64::MAX };
    let (name, user, role) = ("n".to_owned(), "u".to_owned(), "r".to_owned());
    let permission =
        Permission { kind: PermissionKind::ReadWrite, range: KeyRange::new("p", "\0") };
    let password = PasswordHash::from_static(b"hash");
    let auth = [
        AuthCommand::Enable,
        AuthCommand::Disable,
        AuthCommand::UserAdd { name: name.clone(), password: password.clone() },
        AuthCommand::UserDelete(name.clone()),
        AuthCommand::UserChangePassword { name: name.clone(), password },
        AuthCommand::UserGrantRole { user: user.clone(), role: role.clone() },
        AuthCommand::UserRevokeRole { user, role: role.clone() },
        AuthCommand::RoleAdd(name.clone()),
        AuthCommand::RoleDelete(name),
        AuthCommand::RoleGrantPermission { role: role.clone(), permission },
        AuthCommand::RoleRevokePermission { role, range: KeyRange::single("s") },
    ];
    let mut requests = vec![
        Request::Put(put),
        Request::Delete(delete),
        Request::Txn(outer),
        Request::Compact(5),
        Request::LeaseGrant(LeaseGrant { id: 1, ttl: 60 }),
        Request::LeaseRevoke(-1),
        Request::LeaseCheckpoint(vec![LeaseCheckpoint { id: 1, remaining_ttl: 3 }]),
        Request::Alarm(AlarmRequest::Activate(alarm)),
        Request::Alarm(AlarmRequest::Deactivate(alarm)),
        Request::Nothing,
    ];
    requests.extend(auth.map(Request::Auth));
    let actor = Some(Actor { user: "root".into(), auth_revision: 12 });
    let with_actor = Command { actor, request: Request::Nothing };
    requests.into_iter().map(Command::internal).chain([with_actor]).collect()
}

#[test]
fn every_command_comes_back() {
    for command in samples() {
        assert_eq!(Command::decode(&bytes_of(&command)).unwrap(), command);
    }
}

#[test]
fn no_part_of_a_command_is_one() {
    for command in samples() {
        let bytes = bytes_of(&command);
        for length in 0..bytes.len() {
            assert!(
                Command::decode(&bytes.slice(..length)).is_err(),
                "{command:?} cut at {length}"
            );
        }
        let longer = [&bytes[..], b"\0"].concat().into();
        assert_eq!(Command::decode(&longer), Err(DecodeError::Trailing(1)));
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let check = |bytes: &'static [u8], error: &str| {
        let decoded = Command::decode(&Bytes::from_static(bytes));
        assert_eq!(decoded.unwrap_err().to_string(), error);
    };
    check(b"\x02\x01", "format version 2 is not known (expected 1)");
    check(b"\x01\x63", "kind has the unknown value 99 at offset 1");
    check(b"\x01\x01\x08", "flags of a put has the unknown value 8 at offset 2");
    check(b"\x01\x01\x00\x05ab", "bytes end within key at offset 4");
    check(b"\x01\x8a\x01\xff\x00", "user is malformed at offset 2");
    check(b"\x01\x03\xff\xff\xff\xff\x0f", "bytes end within comparisons at offset 7");
}

#[test]
fn nesting_has_a_bound() {
    let mut txn = TxnRequest::default();
    for _ in 1..MAX_TXN_DEPTH {
        txn = TxnRequest { success: vec![Operation::Txn(txn)], ..TxnRequest::default() };
    }
    let command = Command::internal(Request::Txn(txn.clone()));
    assert_eq!(Command::decode(&bytes_of(&command)).unwrap(), command);
    txn = TxnRequest { success: vec![Operation::Txn(txn)], ..TxnRequest::default() };
    assert_eq!(txn.validate(128), Err(Error::TooDeep));
    let bytes = bytes_of(&Command::internal(Request::Txn(txn)));
    assert!(matches!(Command::decode(&bytes), Err(DecodeError::TooDeep { .. })));
}
