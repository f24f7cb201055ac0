//! Watches and leases of a store of one member.

use std::time::Duration;

use bytes::Bytes;
use isopod_mvcc::{
    Command, EventKind, KeyRange, LeaseGrant, PutRequest, Request, Revision, WatchRequest,
};
use isopod_store::{Store, StoreConfig, StoreError, WatchItem, Watcher};
use tempfile::TempDir;

use crate::single::{put, run};

async fn open(dir: &TempDir) -> Store {
    let store = Store::open(StoreConfig {
        heartbeat: Duration::from_millis(10),
        election: Duration::from_millis(100),
        ..StoreConfig::new(dir.path())
    });
    let store = store.unwrap();
    store.wait_ready().await.unwrap();
    store
}

/// The revisions of the next `count` batches.
async fn revisions(watcher: &mut Watcher, count: usize) -> Vec<Revision> {
    let mut revisions = Vec::new();
    while revisions.len() < count {
        match watcher.next().await {
            WatchItem::Events { batch, .. } => revisions.push(batch.revision),
            other => panic!("{other:?}"),
        }
    }
    revisions
}

#[test]
fn a_slow_watcher_loses_nothing_and_holds_up_nobody() {
    let dir = TempDir::new().unwrap();
    run(async {
        let store = open(&dir).await;
        store.propose(put("old", "1")).await.unwrap();
        let mut slow = store.watcher(4);
        let mut past = store.watcher(1000);
        slow.create(&WatchRequest::new(KeyRange::all()));
        past.create(&WatchRequest { start_revision: 1, ..WatchRequest::new(KeyRange::all()) });
        for number in 0..200 {
            store.propose(put(&format!("key {number}"), "v")).await.unwrap();
        }
        assert_eq!(revisions(&mut past, 201).await, (2..=202).collect::<Vec<_>>());
        assert_eq!(revisions(&mut slow, 200).await, (3..=202).collect::<Vec<_>>());
        assert!(slow.try_next().is_none());
    });
}

#[test]
fn progress_overtakes_no_event() {
    let dir = TempDir::new().unwrap();
    run(async {
        let store = open(&dir).await;
        let mut watcher = store.watcher(100);
        let created = watcher.create(&WatchRequest::new(KeyRange::all()));
        assert_eq!(created.revision, 1);
        store.propose(put("a", "1")).await.unwrap();
        assert_eq!(revisions(&mut watcher, 1).await, [2]);
        watcher.request_progress(Some(created.id));
        let item = watcher.next().await;
        assert!(matches!(item, WatchItem::Progress { revision: 2, .. }), "{item:?}");
        watcher.cancel(created.id);
        store.propose(put("a", "2")).await.unwrap();
        assert!(watcher.try_next().is_none());
    });
}

#[test]
fn what_is_compacted_ends_a_watch() {
    let dir = TempDir::new().unwrap();
    run(async {
        let store = open(&dir).await;
        for _ in 0..5 {
            store.propose(put("a", "1")).await.unwrap();
        }
        store.propose(Command::internal(Request::Compact(5))).await.unwrap();
        let mut watcher = store.watcher(100);
        let request = WatchRequest { start_revision: 2, ..WatchRequest::new(KeyRange::all()) };
        let created = watcher.create(&request);
        match watcher.next().await {
            WatchItem::Compacted { watch, compact_revision: 5 } => assert_eq!(watch, created.id),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_lease_that_runs_out_takes_its_keys_along() {
    let dir = TempDir::new().unwrap();
    run(async {
        let store = open(&dir).await;
        let mut watcher = store.watcher(100);
        watcher.create(&WatchRequest::new(KeyRange::all()));
        for (id, ttl) in [(7, 1), (8, 1000)] {
            let grant = Request::LeaseGrant(LeaseGrant { id, ttl });
            store.propose(Command::internal(grant)).await.unwrap();
        }
        let key = Bytes::from_static(b"leased");
        let attached = PutRequest { key, lease: 7, ..PutRequest::default() };
        store.propose(Command::internal(Request::Put(attached))).await.unwrap();
        assert_eq!(store.lease_keep_alive(7).await.unwrap(), 1);
        let times = store.lease_time_to_live(8).await.unwrap();
        assert!(times.granted == 1000 && times.remaining > 900, "{times:?}");
        assert_eq!(revisions(&mut watcher, 1).await, [2]);
        match watcher.next().await {
            WatchItem::Events { batch, .. } => {
                assert_eq!(batch.events[0].kind, EventKind::Delete);
            }
            other => panic!("{other:?}"),
        }
        let gone = store.lease_keep_alive(7).await.unwrap_err();
        assert_eq!(gone, StoreError::State(isopod_mvcc::Error::LeaseNotFound(7)));
    });
}
