//! Watches: whatever is slow, late, filtered or compacted, each is told all of its part, once, in
//! order, and whole revisions at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use isopod_mvcc::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Put(u8),
    /// Two keys in one revision.
    PutTwo(u8, u8),
    Delete(u8, u8),
    Compact(i64),
    CleanUp,
    Watch(WatchRequest, usize),
    Cancel(usize),
    /// The oldest change that is not published yet.
    Publish,
    CatchUp(usize),
    /// A reader sends some of what it was given.
    Read(usize),
    Restore,
}

fn key() -> impl Strategy<Value = u8> {
    0..6_u8
}

fn name(key: u8) -> Vec<u8> {
    vec![b'a' + key]
}

fn watch() -> impl Strategy<Value = Step> {
    let range = prop_oneof![
        key().prop_map(|key| KeyRange::single(name(key))),
        (key(), key()).prop_map(|(key, end)| KeyRange::new(name(key), name(end))),
        Just(KeyRange::new(vec![0], vec![0])),
    ];
    let start = prop_oneof![Just(0), 1..40_i64];
    (range, start, any::<(bool, bool, bool)>(), 1..6_usize).prop_map(
        |(range, start_revision, (no_put, no_delete, prev_kv), window)| {
            let request = WatchRequest { range, start_revision, no_put, no_delete, prev_kv };
            Step::Watch(request, window)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => key().prop_map(Step::Put),
        2 => (key(), key()).prop_map(|(one, two)| Step::PutTwo(one, two)),
        2 => (key(), key()).prop_map(|(from, to)| Step::Delete(from, to)),
        1 => (1..30_i64).prop_map(Step::Compact),
        1 => Just(Step::CleanUp),
        4 => watch(),
        1 => any::<usize>().prop_map(Step::Cancel),
        6 => Just(Step::Publish),
        4 => (0..5_usize).prop_map(Step::CatchUp),
        6 => any::<usize>().prop_map(Step::Read),
        1 => Just(Step::Restore),
    ]
}

struct Reader {
    request: WatchRequest,
    window: Arc<Window>,
    /// The first revision that it wants.
    from: Revision,
    got: Vec<Arc<EventBatch>>,
    unread: usize,
    compacted: Option<Revision>,
    cancelled: bool,
}

struct World {
    state: State,
    hub: WatchHub,
    index: u64,
    /// All changes since the beginning.
    history: Vec<Arc<EventBatch>>,
    published: usize,
    readers: BTreeMap<WatchId, Reader>,
}

impl World {
    fn new() -> Self {
        let state = State::new();
        let hub = WatchHub::new(&state);
        let (history, readers) = (vec![], BTreeMap::new());
        Self { state, hub, index: 0, history, published: 0, readers }
    }

    fn apply(&mut self, request: Request) {
        self.index += 1;
        let outcome = self.state.apply(self.index, 1, &Command::internal(request));
        self.history.extend(outcome.events);
    }

    fn publish(&mut self) {
        if let Some(batch) = self.history.get(self.published) {
            self.published += 1;
            let deliveries = self.hub.publish(batch);
            self.deliver(deliveries);
        }
    }

    fn catch_up(&mut self, budget: usize) -> bool {
        let (deliveries, more) = self.hub.step(&self.state, budget);
        self.deliver(deliveries);
        more
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Events { batch, watches } => {
                    for id in watches {
                        let reader = self.readers.get_mut(&id).expect("a watch that was made");
                        assert!(!reader.cancelled && reader.compacted.is_none());
                        reader.unread += batch.events.len();
                        reader.got.push(batch.clone());
                    }
                }
                Delivery::Compacted { watch, compact_revision } => {
                    let reader = self.readers.get_mut(&watch).expect("a watch that was made");
                    assert!(reader.compacted.replace(compact_revision).is_none());
                }
            }
        }
        self.check_progress();
    }

    /// What a progress notification would say is true.
    fn check_progress(&self) {
        for (id, reader) in &self.readers {
            let Some(revision) = self.hub.progress(*id) else { continue };
            let due = self.expected(reader).into_iter().filter(|batch| batch.revision <= revision);
            assert_eq!(reader.got.len(), due.count(), "watch {id} at {revision}");
        }
    }

    fn watch(&mut self, request: WatchRequest, limit: usize) {
        let window = Arc::new(Window::new(limit));
        let id = self.hub.watch(&self.state, &request, window.clone());
        let from = match request.start_revision {
            0 => self.state.revision() + 1,
            start => start,
        };
        let (got, unread) = (vec![], 0);
        let reader =
            Reader { request, window, from, got, unread, compacted: None, cancelled: false };
        self.readers.insert(id, reader);
    }

    fn pick(&mut self, number: usize) -> Option<(WatchId, &mut Reader)> {
        let count = self.readers.len();
        let (id, reader) = self.readers.iter_mut().nth(number.checked_rem(count)?)?;
        Some((*id, reader))
    }

    fn step(&mut self, step: Step) {
        let put = |key| {
            let put = PutRequest { key: name(key).into(), value: "v".into(), ..Default::default() };
            Operation::Put(put)
        };
        match step {
            Step::Put(key) => {
                let success = vec![put(key)];
                self.apply(Request::Txn(TxnRequest { success, ..TxnRequest::default() }));
            }
            Step::PutTwo(one, two) if one != two => {
                let success = vec![put(one), put(two)];
                self.apply(Request::Txn(TxnRequest { success, ..TxnRequest::default() }));
            }
            Step::PutTwo(..) => {}
            Step::Delete(from, to) => {
                let range = KeyRange::new(name(from), name(to));
                self.apply(Request::Delete(DeleteRequest { range, prev_kv: false }));
            }
            Step::Compact(revision) => self.apply(Request::Compact(revision)),
            Step::CleanUp => {
                self.state.compact_step(20);
            }
            Step::Watch(request, window) => self.watch(request, window),
            Step::Cancel(number) => {
                let picked = self.pick(number).map(|(id, reader)| {
                    reader.cancelled = true;
                    id
                });
                picked.into_iter().for_each(|id| self.hub.cancel(id));
            }
            Step::Publish => self.publish(),
            Step::CatchUp(budget) => {
                self.catch_up(budget);
            }
            Step::Read(number) => {
                if let Some((_, reader)) = self.pick(number) {
                    let unread = std::mem::take(&mut reader.unread);
                    reader.window.release(unread);
                }
            }
            Step::Restore => {
                let mut restore = Restore::new();
                self.state.snapshot().chunks().for_each(|chunk| {
                    restore.push(chunk).expect("a chunk of a snapshot");
                });
                self.state = restore.finish().expect("a whole snapshot");
                self.published = self.history.len();
                self.hub.replace_state(&self.state);
            }
        }
    }

    /// Goes on until nothing is left to be given.
    fn settle(&mut self) {
        while self.published < self.history.len() {
            self.publish();
        }
        loop {
            let mut woken = false;
            for reader in self.readers.values_mut() {
                woken |= reader.window.release(std::mem::take(&mut reader.unread));
            }
            let more = self.catch_up(3);
            if !more && !woken && self.readers.values().all(|reader| reader.unread == 0) {
                break;
            }
        }
    }

    fn expected(&self, reader: &Reader) -> Vec<EventBatch> {
        let request = &reader.request;
        let wanted = |event: &&Event| {
            let filtered = match event.kind {
                EventKind::Put => request.no_put,
                EventKind::Delete => request.no_delete,
            };
            request.range.contains(&event.kv.key) && !filtered
        };
        let batches = self.history.iter().filter(|batch| batch.revision >= reader.from);
        let parts = batches.map(|batch| EventBatch {
            revision: batch.revision,
            events: batch.events.iter().filter(wanted).cloned().collect(),
        });
        parts.filter(|batch| !batch.events.is_empty()).collect()
    }

    fn check(&self) {
        for (id, reader) in &self.readers {
            let expected = self.expected(reader);
            if reader.cancelled || reader.compacted.is_some() {
                assert!(reader.got.len() <= expected.len());
            } else {
                assert_eq!(reader.got.len(), expected.len(), "watch {id}: {:?}", reader.request);
            }
            for (got, expected) in reader.got.iter().zip(&expected) {
                same(got, expected, reader.request.prev_kv);
            }
            if let Some(revision) = reader.compacted {
                let next = reader.got.last().map_or(reader.from, |last| last.revision + 1);
                assert!(next < self.state.revision() && revision <= self.state.compact_revision());
            }
        }
        let behind = self.hub.counts().1;
        assert_eq!(behind, 0, "all that live are synced");
    }
}

/// Previous keys may be missing where they were compacted by the time.
fn same(got: &EventBatch, expected: &EventBatch, prev_kv: bool) {
    assert_eq!(got.revision, expected.revision);
    assert_eq!(got.events.len(), expected.events.len());
    for (got, expected) in got.events.iter().zip(&expected.events) {
        assert_eq!((got.kind, &got.kv), (expected.kind, &expected.kv));
        if got.previous.is_some() {
            assert!(prev_kv);
            assert_eq!(got.previous, expected.previous);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_watch_is_told_its_part(steps in vec(step(), 1..80)) {
        let mut world = World::new();
        for each in steps {
            world.step(each);
        }
        world.settle();
        world.check();
    }
}

fn put(state: &mut State, key: &str) -> Arc<EventBatch> {
    let put = PutRequest { key: key.to_owned().into(), ..PutRequest::default() };
    let index = state.applied().0 + 1;
    let outcome = state.apply(index, 1, &Command::internal(Request::Put(put)));
    outcome.events.expect("a put changes something")
}

#[test]
fn one_batch_serves_all_watches_that_want_the_same() {
    let mut state = State::new();
    let mut hub = WatchHub::new(&state);
    let window = Arc::new(Window::new(100));
    let plain = WatchRequest::new(KeyRange::prefix("/pods/"));
    let wide = WatchRequest::new(KeyRange::prefix("/"));
    let with_previous = WatchRequest { prev_kv: true, ..plain.clone() };
    for request in [&plain, &plain, &wide, &with_previous] {
        hub.watch(&state, request, window.clone());
    }
    let batch = put(&mut state, "/pods/a");
    let deliveries = hub.publish(&batch);
    let mut told: Vec<Vec<WatchId>> = deliveries
        .into_iter()
        .map(|delivery| match delivery {
            Delivery::Events { watches, .. } => watches,
            other => panic!("{other:?}"),
        })
        .collect();
    told.sort();
    assert_eq!(told, [vec![0, 1, 2], vec![3]]);
}

#[test]
fn a_slow_reader_waits_for_itself_alone_and_loses_nothing() {
    let mut state = State::new();
    let mut hub = WatchHub::new(&state);
    let (slow, quick) = (Arc::new(Window::new(2)), Arc::new(Window::new(1_000)));
    let request = WatchRequest::new(KeyRange::all());
    let slow_id = hub.watch(&state, &request, slow.clone());
    let quick_id = hub.watch(&state, &request, quick);
    let mut told = BTreeMap::from([(slow_id, 0), (quick_id, 0)]);
    let mut count = |deliveries: Vec<Delivery>| {
        for delivery in deliveries {
            let Delivery::Events { batch, watches } = delivery else { panic!("{delivery:?}") };
            watches.iter().for_each(|id| *told.entry(*id).or_default() += batch.events.len());
        }
        (told[&slow_id], told[&quick_id])
    };
    for number in 1..=10 {
        let batch = put(&mut state, "key");
        assert_eq!(count(hub.publish(&batch)), (number.min(2), number));
        assert!(hub.step(&state, 100).0.is_empty());
    }
    assert_eq!((hub.progress(slow_id), hub.progress(quick_id)), (None, Some(11)));
    let mut expected = 2;
    while expected < 10 {
        assert!(slow.release(2));
        expected += 2;
        let (deliveries, _) = hub.step(&state, 100);
        assert_eq!(count(deliveries), (expected, 10));
        while hub.step(&state, 100).1 {}
    }
    slow.release(2);
    while hub.step(&state, 100).1 {}
    assert_eq!(hub.progress(slow_id), Some(11));
}
