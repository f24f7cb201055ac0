//! One stream of watches.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use isopod_etcd_client::proto::etcdserverpb::watch_create_request::FilterType;
use isopod_etcd_client::proto::etcdserverpb::watch_request::RequestUnion;
use isopod_etcd_client::proto::etcdserverpb::{WatchCreateRequest, WatchRequest, WatchResponse};
use isopod_mvcc::{self as mvcc, EventBatch, KeyRange, RangeEnd, Revision, WatchId};
use isopod_store::{WatchItem, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::{NO_WATCH, WINDOW, frame};
use crate::convert;
use crate::error::NO_LEADER;
use crate::grpc::{Requests, Status, decode, encode};
use crate::method::Call;

/// How often a client that wants a leader is told that there is none.
const LEADER_INTERVAL: Duration = Duration::from_millis(500);
/// Events that are put together into responses; what comes after goes into others.
const MERGED_BYTES: usize = 256 << 10;

/// A watch, as its client sees it.
struct Watch {
    store_id: WatchId,
    progress_notify: bool,
    /// Whether events came since progress was last told.
    told: bool,
    fragment: bool,
}

pub(super) struct Stream {
    call: Call,
    replies: mpsc::Sender<Result<Bytes, Status>>,
    watcher: Watcher,
    watches: HashMap<i64, Watch>,
    by_store_id: HashMap<WatchId, i64>,
    next_id: i64,
    progress: Interval,
}

impl Stream {
    pub(super) fn new(call: Call, replies: mpsc::Sender<Result<Bytes, Status>>) -> Self {
        let watcher = call.api.store.watcher(WINDOW);
        let every = call.api.limits.progress_interval;
        // Not all streams at the same moment.
        let jitter = u64::from_le_bytes(isopod_base::id::random_bytes()) % 100;
        let every = every + every * u32::try_from(jitter).unwrap_or_default() / 1000;
        let mut progress = tokio::time::interval_at(Instant::now() + every, every);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        call.api.metrics.watch_streams.add(1);
        Self {
            call,
            replies,
            watcher,
            watches: HashMap::new(),
            by_store_id: HashMap::new(),
            next_id: 0,
            progress,
        }
    }

    /// Serves until the client goes away or an error ends the stream. A client that has nothing
    /// more to ask still hears of events.
    pub(super) async fn serve(&mut self, mut requests: Requests) -> Result<(), Status> {
        let mut leader = tokio::time::interval(LEADER_INTERVAL);
        let mut asks = true;
        loop {
            tokio::select! {
                request = requests.next(), if asks => match request? {
                    Some(request) => self.request(decode(request)?).await?,
                    None => asks = false,
                },
                item = self.watcher.next() => self.deliver(item).await?,
                _ = self.progress.tick() => self.tell_progress(),
                _ = leader.tick(), if self.call.requires_leader => {
                    if self.call.api.store.status().leader == 0 {
                        return Err(NO_LEADER);
                    }
                }
            }
        }
    }

    async fn request(&mut self, request: WatchRequest) -> Result<(), Status> {
        match request.request_union {
            Some(RequestUnion::CreateRequest(create)) => self.create(create).await,
            Some(RequestUnion::CancelRequest(cancel)) => self.cancel(cancel.watch_id).await,
            Some(RequestUnion::ProgressRequest(_)) => {
                self.watcher.request_progress(None);
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn create(&mut self, create: WatchCreateRequest) -> Result<(), Status> {
        let refused = |reason: String| WatchResponse {
            watch_id: NO_WATCH,
            created: true,
            canceled: true,
            cancel_reason: reason,
            ..Default::default()
        };
        if create.start_revision < 0 {
            let compacted = Status::from(mvcc::Error::Compacted { compact_revision: 0 });
            return self.control(refused(compacted.message.into_owned())).await;
        }
        let request = watch_request(&create);
        if let Err(status) = self.call.read(|state, actor| state.check_range(actor, &request.range))
        {
            // etcd gives the reason as a Go client prints the error.
            let reason =
                format!("rpc error: code = {} desc = {}", status.code.name(), status.message);
            return self.control(refused(reason)).await;
        }
        if is_empty(&request.range) {
            return self.control(refused("mvcc: watcher range is empty".to_owned())).await;
        }
        let id = match create.watch_id {
            0 => self.free_id(),
            id if self.watches.contains_key(&id) => {
                let reason = "mvcc: duplicate watch ID provided on the WatchStream";
                return self.control(refused(reason.to_owned())).await;
            }
            id => id,
        };
        let created = self.watcher.create(&request);
        let watch = Watch {
            store_id: created.id,
            progress_notify: create.progress_notify,
            told: false,
            fragment: create.fragment,
        };
        self.watches.insert(id, watch);
        self.by_store_id.insert(created.id, id);
        self.call.api.metrics.watchers.add(1);
        let header = Some(self.call.header(created.revision));
        let response = WatchResponse { header, watch_id: id, created: true, ..Default::default() };
        self.send(encode(&response)).await
    }

    fn free_id(&mut self) -> i64 {
        while self.watches.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    async fn cancel(&mut self, id: i64) -> Result<(), Status> {
        if !self.forget(id) {
            return Ok(());
        }
        let response = WatchResponse { watch_id: id, canceled: true, ..Default::default() };
        self.control(response).await
    }

    fn forget(&mut self, id: i64) -> bool {
        let Some(watch) = self.watches.remove(&id) else { return false };
        self.by_store_id.remove(&watch.store_id);
        self.watcher.cancel(watch.store_id);
        self.call.api.metrics.watchers.add(-1);
        true
    }

    async fn control(&mut self, mut response: WatchResponse) -> Result<(), Status> {
        response.header = Some(self.call.header_now());
        self.send(encode(&response)).await
    }

    async fn send(&self, frame: Bytes) -> Result<(), Status> {
        // Without a reader the stream ends elsewhere.
        self.replies.send(Ok(frame)).await.ok();
        Ok(())
    }

    /// Sends a delivery, and what waits behind it: changes of the same watch in one response.
    async fn deliver(&mut self, item: WatchItem) -> Result<(), Status> {
        let mut item = Some(item);
        let mut waiting = Waiting::default();
        let mut yielded = false;
        while let Some(taken) = item {
            match taken {
                WatchItem::Events { batch, encoded, watches } => {
                    let events = encoded.get_or_init(|| encode_events(&batch));
                    for id in watches.iter().filter_map(|id| self.by_store_id.get(id)) {
                        waiting.add(*id, batch.revision, events.clone());
                    }
                }
                other => {
                    self.flush(&mut waiting).await?;
                    self.announce(other).await?;
                }
            }
            if waiting.bytes >= MERGED_BYTES {
                break;
            }
            item = match self.watcher.try_next() {
                None if !yielded => {
                    // Whoever delivers is often about to deliver more.
                    yielded = true;
                    tokio::task::yield_now().await;
                    self.watcher.try_next()
                }
                other => other,
            };
        }
        self.flush(&mut waiting).await
    }

    async fn flush(&mut self, waiting: &mut Waiting) -> Result<(), Status> {
        for (id, changes) in std::mem::take(waiting).by_watch {
            let Some(watch) = self.watches.get_mut(&id) else { continue };
            watch.told = true;
            let limit = match watch.fragment {
                true => self.call.api.limits.message_bytes(),
                false => usize::MAX,
            };
            let header = self.call.header(changes.revision);
            for frame in frame::frames(header, id, &changes.events, limit) {
                self.send(frame).await?;
            }
        }
        Ok(())
    }

    async fn announce(&mut self, item: WatchItem) -> Result<(), Status> {
        let (store_id, mut response) = match item {
            WatchItem::Compacted { watch, compact_revision } => {
                // Like etcd's, this header tells no revision.
                let header = Some(self.call.header(0));
                let response = WatchResponse {
                    header,
                    canceled: true,
                    compact_revision,
                    ..Default::default()
                };
                (Some(watch), response)
            }
            WatchItem::Progress { watch, revision } => {
                let header = Some(self.call.header(revision));
                (watch, WatchResponse { header, ..Default::default() })
            }
            WatchItem::Events { .. } => return Ok(()),
        };
        response.watch_id = match store_id.map(|id| self.by_store_id.get(&id)) {
            None => NO_WATCH,
            Some(Some(id)) => *id,
            // Cancelled meanwhile.
            Some(None) => return Ok(()),
        };
        if response.canceled {
            self.forget(response.watch_id);
        }
        self.send(encode(&response)).await
    }

    /// Watches that heard nothing for a while hear how far they have come.
    fn tell_progress(&mut self) {
        for watch in self.watches.values_mut().filter(|watch| watch.progress_notify) {
            if !std::mem::take(&mut watch.told) {
                self.watcher.request_progress(Some(watch.store_id));
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let metrics = &self.call.api.metrics;
        metrics.watch_streams.add(-1);
        metrics.watchers.add(-i64::try_from(self.watches.len()).unwrap_or_default());
    }
}

/// Changes that go out together.
#[derive(Default)]
struct Waiting {
    by_watch: BTreeMap<i64, Changes>,
    bytes: usize,
}

#[derive(Default)]
struct Changes {
    revision: Revision,
    events: Vec<Bytes>,
}

impl Waiting {
    fn add(&mut self, id: i64, revision: Revision, events: Bytes) {
        self.bytes += events.len();
        let changes = self.by_watch.entry(id).or_default();
        changes.revision = revision;
        changes.events.push(events);
    }
}

/// An empty key is the first one, an empty end the key alone.
fn watch_request(create: &WatchCreateRequest) -> mvcc::WatchRequest {
    let key = match create.key.is_empty() {
        true => Bytes::from_static(&[0]),
        false => create.key.clone(),
    };
    mvcc::WatchRequest {
        range: KeyRange::new(key, create.range_end.clone()),
        start_revision: create.start_revision,
        no_put: create.filters().any(|filter| filter == FilterType::Noput),
        no_delete: create.filters().any(|filter| filter == FilterType::Nodelete),
        prev_kv: create.prev_kv,
    }
}

fn is_empty(range: &KeyRange) -> bool {
    matches!(&range.end, RangeEnd::Before(end) if *end <= range.key)
}

/// The events of a revision as they stand in a response.
fn encode_events(batch: &EventBatch) -> Bytes {
    frame::encode_events(batch.events.iter().map(convert::event))
}
