//! Random histories: the state answers as the model does, before and after compaction, and after
//! a snapshot.

use isopod_mvcc::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::model::Model;

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-e]{1,2}".prop_map(String::into_bytes),
        1 => Just(vec![0]),
        1 => Just(vec![0xff]),
    ]
}

fn key_range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        2 => key().prop_map(KeyRange::single),
        2 => (key(), key()).prop_map(|(key, end)| KeyRange::new(key, end)),
        1 => key().prop_map(|key| KeyRange::new(key, vec![0])),
        1 => key().prop_map(KeyRange::prefix),
        1 => Just(KeyRange::new(vec![0], vec![0])),
    ]
}

fn put() -> impl Strategy<Value = PutRequest> {
    let lease = prop_oneof![2 => Just(0), 1 => 1..4_i64];
    (key(), "[x-z]{0,2}", lease, any::<(bool, bool, bool)>()).prop_map(
        |(key, value, lease, (prev_kv, ignore_value, ignore_lease))| PutRequest {
            key: key.into(),
            value: if ignore_value { "".into() } else { value.into() },
            lease: if ignore_lease { 0 } else { lease },
            prev_kv,
            ignore_value,
            ignore_lease,
        },
    )
}

fn delete() -> impl Strategy<Value = DeleteRequest> {
    (key_range(), any::<bool>()).prop_map(|(range, prev_kv)| DeleteRequest { range, prev_kv })
}

fn range() -> impl Strategy<Value = RangeRequest> {
    let orders = [SortOrder::None, SortOrder::Ascending, SortOrder::Descending];
    let targets = [
        SortTarget::Key,
        SortTarget::Version,
        SortTarget::CreateRevision,
        SortTarget::ModRevision,
        SortTarget::Value,
    ];
    let bound = || prop_oneof![3 => Just(0), 1 => 1..40_i64];
    let order =
        (proptest::sample::select(orders.to_vec()), proptest::sample::select(targets.to_vec()));
    (
        key_range(),
        -1..4_i64,
        prop_oneof![Just(0), -1..60_i64],
        order,
        any::<(bool, bool)>(),
        (bound(), bound(), bound(), bound()),
    )
        .prop_map(|(range, limit, revision, order, (keys_only, count_only), bounds)| {
            RangeRequest {
                range,
                limit,
                revision,
                sort_order: order.0,
                sort_target: order.1,
                keys_only,
                count_only,
                min_mod_revision: bounds.0,
                max_mod_revision: bounds.1,
                min_create_revision: bounds.2,
                max_create_revision: bounds.3,
            }
        })
}

fn compare() -> impl Strategy<Value = Compare> {
    let results = [
        CompareResult::Equal,
        CompareResult::Greater,
        CompareResult::Less,
        CompareResult::NotEqual,
    ];
    let target = prop_oneof![
        (0..3_i64).prop_map(CompareTarget::Version),
        (0..30_i64).prop_map(CompareTarget::CreateRevision),
        (0..30_i64).prop_map(CompareTarget::ModRevision),
        "[x-z]{0,2}".prop_map(|value| CompareTarget::Value(value.into())),
        (0..3_i64).prop_map(CompareTarget::Lease),
    ];
    (key_range(), proptest::sample::select(results.to_vec()), target)
        .prop_map(|(range, result, target)| Compare { range, result, target })
}

fn txn() -> impl Strategy<Value = TxnRequest> {
    let operation = prop_oneof![
        put().prop_map(Operation::Put),
        delete().prop_map(Operation::Delete),
        range().prop_map(Operation::Range),
    ];
    let operation = operation.prop_recursive(2, 6, 3, |inner| {
        (vec(compare(), 0..2), vec(inner.clone(), 0..3), vec(inner, 0..3)).prop_map(
            |(compare, success, failure)| Operation::Txn(TxnRequest { compare, success, failure }),
        )
    });
    (vec(compare(), 0..3), vec(operation.clone(), 0..4), vec(operation, 0..4))
        .prop_map(|(compare, success, failure)| TxnRequest { compare, success, failure })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        6 => put().prop_map(Request::Put),
        2 => delete().prop_map(Request::Delete),
        3 => txn().prop_map(Request::Txn),
        1 => (-1..40_i64).prop_map(Request::Compact),
        1 => (1..4_i64).prop_map(|id| Request::LeaseGrant(LeaseGrant { id, ttl: 10 })),
        1 => (1..4_i64).prop_map(Request::LeaseRevoke),
    ]
}

fn snapshot_and_back(state: &State) -> State {
    let mut restore = Restore::new();
    for chunk in state.snapshot().chunks() {
        restore.push(chunk).expect("a chunk of a snapshot");
    }
    restore.finish().expect("a whole snapshot")
}

fn hash(state: &State, revision: Revision) -> Hash {
    let mut scan = state.hash_scan(revision).expect("the revision is readable");
    loop {
        if let Some(hash) = state.hash_next(&mut scan, 3) {
            return hash;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_state_answers_as_the_model(
        steps in vec((request(), 0..6_usize, any::<bool>(), range()), 1..50),
    ) {
        let (mut state, mut model) = (State::new(), Model::new());
        // One that never cleans up.
        let mut twin = State::new();
        for (index, (request, budget, restored, range)) in steps.into_iter().enumerate() {
            if let Request::Txn(txn) = &request {
                // What the state is never given.
                if txn.validate(128).is_err() {
                    continue;
                }
                if let Some(answer) = state.read_txn(txn) {
                    prop_assert_eq!(answer.map(Response::Txn), model.apply(&request).0);
                }
            }
            let outcome = state.apply(index as u64 + 1, 1, &Command::internal(request.clone()));
            let (expected, events) = model.apply(&request);
            prop_assert_eq!(&outcome.result, &expected, "{:?}", request);
            let batch = outcome.events.map(|batch| batch.events.clone()).unwrap_or_default();
            prop_assert_eq!(batch, events);
            prop_assert_eq!(outcome.revision, model.newest);
            state.compact_step(budget);
            twin.apply(index as u64 + 1, 1, &Command::internal(request.clone()));
            prop_assert_eq!(state.range(&range), model.range(&range), "{:?}", range);
            if restored && index % 8 == 0 {
                state = snapshot_and_back(&state);
                prop_assert_eq!(state.applied(), (index as u64 + 1, 1));
            }
        }
        while !state.compact_step(3) {}
        for revision in model.compacted.max(1)..=model.newest {
            let all = RangeRequest { revision, ..RangeRequest::new(KeyRange::all()) };
            prop_assert_eq!(state.range(&all), model.range(&all));
            prop_assert_eq!(hash(&state, revision), hash(&twin, revision));
        }
    }
}

#[test]
fn a_difference_changes_the_hash() {
    let with = |value: &str| {
        let mut state = State::new();
        for key in ["a", "b"] {
            let (key, value) = (key.into(), value.to_owned().into());
            let put = PutRequest { key, value, ..PutRequest::default() };
            state.apply(1, 1, &Command::internal(Request::Put(put)));
        }
        hash(&state, 0).hash
    };
    assert_eq!(with("x"), with("x"));
    assert_ne!(with("x"), with("y"));
}
