//! Histories with enough keys and bytes for many blocks and segments.

use std::collections::BTreeMap;

use isopod_mvcc::*;

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("/registry/pods/{:05}", number * 7919 % 100_000).into_bytes()
}

fn put(key: Vec<u8>, value: Vec<u8>) -> Command {
    let put = PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() };
    Command::internal(Request::Put(put))
}

fn delete(range: KeyRange) -> Command {
    Command::internal(Request::Delete(DeleteRequest { range, prev_kv: false }))
}

type Keys = BTreeMap<Vec<u8>, (Revision, Vec<u8>)>;

/// The keys of a revision, in pages as a client would read them.
fn read(state: &State, revision: Revision) -> Keys {
    let mut keys = Keys::new();
    let mut from = vec![0];
    loop {
        let page = RangeRequest {
            limit: 500,
            revision,
            ..RangeRequest::new(KeyRange::new(from, vec![0]))
        };
        let page = state.range(&page).expect("the revision is readable");
        for kv in &page.kvs {
            keys.insert(kv.key.to_vec(), (kv.mod_revision, kv.value.to_vec()));
        }
        match page.kvs.last() {
            Some(last) if page.more => from = [&last.key[..], b"\0"].concat(),
            _ => return keys,
        }
    }
}

fn count(state: &State, range: KeyRange) -> i64 {
    let request = RangeRequest { count_only: true, ..RangeRequest::new(range) };
    state.range(&request).expect("the newest is readable").count
}

#[test]
fn a_large_state_survives_churn_compaction_and_snapshots() {
    let (mut state, mut numbers, mut keys) = (State::new(), Numbers(1), Keys::new());
    let mut kept: Option<(Revision, Keys)> = None;
    for step in 1..=40_000 {
        let key = key(numbers.below(3_000));
        let outcome = if numbers.below(4) == 0 {
            let outcome = state.apply(step, 1, &delete(KeyRange::single(key.clone())));
            keys.remove(&key);
            outcome
        } else {
            let value = vec![step as u8; numbers.below(400) as usize];
            let outcome = state.apply(step, 1, &put(key.clone(), value.clone()));
            keys.insert(key, (outcome.revision, value));
            outcome
        };
        state.compact_step(2);
        if step % 5_000 == 2_500 {
            kept = Some((outcome.revision, keys.clone()));
        }
        if step % 5_000 == 0 {
            let (revision, before) = kept.take().unwrap();
            assert_eq!(read(&state, revision), before);
            assert_eq!(read(&state, 0), keys);
            let compact = Command::internal(Request::Compact(revision));
            state.apply(step, 1, &compact).result.unwrap();
            assert_eq!(read(&state, revision), before);
        }
        if step % 10_000 == 1_234 {
            let mut restore = Restore::new();
            state.snapshot().chunks().for_each(|chunk| restore.push(chunk).unwrap());
            state = restore.finish().unwrap();
            assert_eq!(read(&state, 0), keys);
        }
    }
    let prefix = KeyRange::prefix("/registry/pods/0");
    let counted = keys.keys().filter(|key| prefix.contains(key)).count();
    assert_eq!(count(&state, prefix), counted as i64);
    assert_eq!(count(&state, KeyRange::all()), keys.len() as i64);
}

#[test]
fn compaction_gives_memory_back() {
    let mut state = State::new();
    for step in 0..20_000 {
        state.apply(step, 1, &put(key(step % 2_000), vec![1; 256]));
    }
    let (full, _) = state.size_bytes();
    let compact = Command::internal(Request::Compact(state.revision()));
    state.apply(20_000, 1, &compact).result.unwrap();
    while !state.compact_step(100) {}
    let (held, in_use) = state.size_bytes();
    assert!(full > 5_000_000 && held < 1_300_000, "{full} before, {held} held, {in_use} in use");
    assert!(in_use <= held);
    state.apply(20_001, 1, &delete(KeyRange::all()));
    for step in 20_002..20_004 {
        state.apply(step, 1, &put(b"last".to_vec(), vec![1]));
    }
    let compact = Command::internal(Request::Compact(state.revision()));
    state.apply(20_004, 1, &compact).result.unwrap();
    while !state.compact_step(100) {}
    assert_eq!(state.key_count(), 1);
    let (held, in_use) = state.size_bytes();
    assert!(held < 600_000 && in_use < 200, "{held} held, {in_use} in use");
}

#[test]
fn a_scan_keeps_its_revision_while_all_else_goes_on() {
    let mut state = State::new();
    for step in 0..3_000 {
        state.apply(step, 1, &put(key(step), b"old".to_vec()));
    }
    let mut scan = state.scan(KeyRange::all(), 0).unwrap();
    let mut seen = state.scan_next(&mut scan, 100, usize::MAX);
    state.apply(3_000, 1, &delete(KeyRange::all()));
    state.apply(3_001, 1, &put(key(1), b"new".to_vec()));
    let compact = Command::internal(Request::Compact(state.revision()));
    state.apply(3_002, 1, &compact).result.unwrap();
    while !state.compact_step(100) {}
    loop {
        let page = state.scan_next(&mut scan, usize::MAX, 1_000);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 3_000);
    assert!(seen.iter().all(|kv| kv.value == "old"));
    assert!(seen.windows(2).all(|pair| pair[0].key < pair[1].key));
    drop(scan);
    while !state.compact_step(100) {}
    assert_eq!(state.key_count(), 1);
}
