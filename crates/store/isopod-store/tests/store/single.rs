//! A store of one member: durable, quick to restart, patient with a full disk.

use std::sync::Arc;

use bytes::Bytes;
use isopod_mvcc::{
    AlarmKind, AlarmMember, AlarmRequest, Command, KeyRange, PutRequest, RangeRequest, Request,
    Response,
};
use isopod_store::log::LogOptions;
use isopod_store::{OpenError, Store, StoreConfig, StoreError};
use tempfile::TempDir;

use crate::faulty_disk::FaultyDisk;
use crate::random::Random;

fn small(dir: &TempDir) -> StoreConfig {
    StoreConfig {
        max_request_bytes: 64 << 10,
        checkpoint_bytes: 1 << 20,
        log: LogOptions { segment_bytes: 1 << 20, first_segment_bytes: 1 << 20 },
        ..StoreConfig::new(dir.path())
    }
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

pub(crate) fn put(key: &str, value: &str) -> Command {
    Command::internal(Request::Put(PutRequest {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Bytes::copy_from_slice(value.as_bytes()),
        ..PutRequest::default()
    }))
}

async fn get(store: &Store, key: &str) -> Option<String> {
    store.barrier().await.unwrap();
    let range = KeyRange::single(Bytes::copy_from_slice(key.as_bytes()));
    let found = store.with_state(|state| state.range(&RangeRequest::new(range)).unwrap());
    found.kvs.first().map(|kv| String::from_utf8(kv.value.to_vec()).unwrap())
}

#[test]
fn what_was_put_is_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    run(async {
        let store = Store::open(small(&dir)).unwrap();
        store.wait_ready().await.unwrap();
        for number in 0..100 {
            let key = format!("key {}", number % 10);
            let applied = store.propose(put(&key, &number.to_string())).await.unwrap();
            assert!(matches!(applied.outcome.result, Ok(Response::Put(_))));
            assert_eq!(applied.outcome.revision, 2 + number);
        }
        assert_eq!(get(&store, "key 7").await.as_deref(), Some("97"));
    });
    run(async {
        let store = Store::open(small(&dir)).unwrap();
        store.wait_ready().await.unwrap();
        assert_eq!(get(&store, "key 7").await.as_deref(), Some("97"));
        assert_eq!(store.with_state(|state| state.revision()), 101);
    });
}

#[test]
fn checkpoints_cut_the_log_under_writes() {
    let dir = TempDir::new().unwrap();
    let value = "v".repeat(4000);
    run(async {
        let store = Store::open(small(&dir)).unwrap();
        for number in 0..3000 {
            store.propose(put(&format!("key {}", number % 50), &value)).await.unwrap();
        }
        assert!(store.status().log_bytes < 8 << 20, "{:?}", store.status());
    });
    let size: u64 = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with("log-"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert!(size < 8 << 20, "{size}");
    run(async {
        let store = Store::open(small(&dir)).unwrap();
        store.wait_ready().await.unwrap();
        assert_eq!(store.with_state(|state| state.revision()), 3001);
    });
}

#[test]
fn a_folder_is_used_by_one_at_a_time() {
    let dir = TempDir::new().unwrap();
    let first = Store::open(small(&dir)).unwrap();
    assert!(matches!(Store::open(small(&dir)), Err(OpenError::InUse { .. })));
    first.shutdown();
    assert_eq!(run(first.propose(put("a", "b"))).unwrap_err(), StoreError::Stopped);
    drop(first);
    Store::open(small(&dir)).unwrap();
}

#[test]
fn a_full_disk_refuses_writes_serves_reads_and_recovers() {
    let dir = TempDir::new().unwrap();
    let disk = FaultyDisk::default();
    let config = StoreConfig { disk: Arc::new(disk.clone()), ..small(&dir) };
    run(async {
        let store = Store::open(config).unwrap();
        store.propose(put("first", "1")).await.unwrap();
        disk.set_capacity(Some(3 << 20));
        let value = "v".repeat(8000);
        let mut written = 0;
        let refused = loop {
            match store.propose(put(&format!("key {written}"), &value)).await {
                Ok(_) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, StoreError::DiskFull);
        assert!(written > 10, "{written}");
        assert_eq!(get(&store, "first").await.as_deref(), Some("1"));
        disk.set_capacity(None);
        while store.propose(put("last", "2")).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(get(&store, "last").await.as_deref(), Some("2"));
    });
}

#[test]
fn power_cuts_lose_nothing_acknowledged() {
    let mut random = Random::new(3);
    for seed in 0..40 {
        let dir = TempDir::new().unwrap();
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            disk: Arc::new(disk.clone()),
            max_request_bytes: 4 << 10,
            checkpoint_bytes: 64 << 10,
            log: LogOptions { segment_bytes: 64 << 10, first_segment_bytes: 16 << 10 },
            ..StoreConfig::new(dir.path())
        };
        let mut acknowledged = 0;
        for _ in 0..4 {
            disk.fail_after(random.below(400));
            run(async {
                let Ok(store) = Store::open(config.clone()) else { return };
                loop {
                    let text = format!("{}", acknowledged + 1);
                    match store.propose(put("counter", &text)).await {
                        Ok(_) => acknowledged += 1,
                        Err(_) => return,
                    }
                }
            });
            disk.crash(&mut random);
        }
        let store = Store::open(config).unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        run(async {
            store.wait_ready().await.unwrap();
            let found = get(&store, "counter").await.map_or(0, |text| text.parse().unwrap());
            assert!(found >= acknowledged, "seed {seed}: {found} of {acknowledged}");
        });
    }
}

#[test]
fn a_changed_address_is_known_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let urls = vec!["http://elsewhere:2380".to_owned()];
    run(async {
        let store = Store::open(small(&dir)).unwrap();
        store.wait_ready().await.unwrap();
        let missing = store.member_update(1, urls.clone()).await.unwrap_err();
        assert_eq!(missing, StoreError::MemberNotFound);
        store.member_update(store.member_id(), urls.clone()).await.unwrap();
        assert_eq!(store.members()[0].peer_urls, urls);
    });
    run(async {
        let store = Store::open(small(&dir)).unwrap();
        store.wait_ready().await.unwrap();
        assert_eq!(store.members()[0].peer_urls, urls);
        assert_eq!(store.members()[0].name, "default");
    });
}

#[test]
fn a_full_quota_refuses_puts_until_the_alarm_is_lowered() {
    let dir = TempDir::new().unwrap();
    let value = "v".repeat(4000);
    run(async {
        let store = Store::open(StoreConfig { quota_bytes: 1 << 20, ..small(&dir) }).unwrap();
        let no_space = StoreError::State(isopod_mvcc::Error::NoSpace);
        let refused = loop {
            if let Err(error) = store.propose(put("key", &value)).await {
                break error;
            }
        };
        assert_eq!(refused, no_space);
        let alarms: Vec<AlarmMember> = store.with_state(|state| state.alarms().collect());
        let alarm = AlarmMember { kind: AlarmKind::NoSpace, member: store.member_id() };
        assert_eq!(alarms, [alarm]);
        let newest = store.with_state(|state| state.revision());
        store.propose(Command::internal(Request::Compact(newest))).await.unwrap();
        while store.status().state_bytes > 1 << 19 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let lower = Request::Alarm(AlarmRequest::Deactivate(alarm));
        store.propose(Command::internal(lower)).await.unwrap();
        store.propose(put("key", &value)).await.unwrap();
    });
}
