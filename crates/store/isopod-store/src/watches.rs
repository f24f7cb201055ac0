//! Watches: a thread that tells them what changed, and the streams from which they are read.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use isopod_mvcc::{Delivery, EventBatch, Revision, State, WatchHub, WatchId, WatchRequest, Window};
use tokio::sync::Notify;

use crate::shared::Shared;

/// Records of the history that are read in one step of catching up.
const STEP: usize = 1000;

/// Something for a reader of watches.
#[derive(Debug, Clone)]
pub enum WatchItem {
    /// Changes of one revision.
    Events {
        /// The changes, filtered and with previous keys as the watches want them.
        batch: Arc<EventBatch>,
        /// Where the first reader may leave the changes encoded, for all others that get them.
        encoded: Arc<OnceLock<Bytes>>,
        /// For which of the reader's watches.
        watches: Vec<WatchId>,
    },
    /// The watch wants what is forgotten. It has ended.
    Compacted {
        /// Which.
        watch: WatchId,
        /// The oldest revision that there is.
        compact_revision: Revision,
    },
    /// All changes up to a revision were given.
    Progress {
        /// To this watch; to all of the reader's without one.
        watch: Option<WatchId>,
        /// The revision.
        revision: Revision,
    },
}

/// A watch that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// Its id, never used again.
    pub id: WatchId,
    /// The store's revision when it began.
    pub revision: Revision,
}

/// News for the thread of watches.
#[derive(Debug)]
pub(crate) enum News {
    /// Changes, one revision each.
    Changes(Vec<Arc<EventBatch>>),
    /// Somebody may go on who was behind.
    Room,
    /// The store stops.
    Stop,
}

/// All watches of a member.
#[derive(Debug)]
pub(crate) struct Watches {
    hub: Mutex<Routed>,
    news: SyncSender<News>,
    /// How many watches there are.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Routed {
    hub: WatchHub,
    streams: HashMap<WatchId, Arc<Stream>>,
}

/// What waits for a reader. The window bounds the events in it.
#[derive(Debug)]
struct Stream {
    window: Arc<Window>,
    items: Mutex<VecDeque<WatchItem>>,
    arrived: Notify,
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, VecDeque<WatchItem>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: WatchItem) {
        self.lock().push_back(item);
        self.arrived.notify_one();
    }

    fn push_events(&self, id: WatchId, batch: &Arc<EventBatch>, encoded: &Arc<OnceLock<Bytes>>) {
        let mut items = self.lock();
        if let Some(WatchItem::Events { encoded: last, watches, .. }) = items.back_mut()
            && Arc::ptr_eq(last, encoded)
        {
            watches.push(id);
            return;
        }
        items.push_back(WatchItem::Events {
            batch: Arc::clone(batch),
            encoded: Arc::clone(encoded),
            watches: vec![id],
        });
        drop(items);
        self.arrived.notify_one();
    }
}

impl Routed {
    fn route(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Events { batch, watches } => {
                    let encoded = Arc::new(OnceLock::new());
                    for id in watches {
                        if let Some(stream) = self.streams.get(&id) {
                            stream.push_events(id, &batch, &encoded);
                        }
                    }
                }
                Delivery::Compacted { watch, compact_revision } => {
                    if let Some(stream) = self.streams.remove(&watch) {
                        stream.push(WatchItem::Compacted { watch, compact_revision });
                    }
                }
            }
        }
    }
}

impl Watches {
    pub(crate) fn new(state: &State, news: SyncSender<News>) -> Self {
        let routed = Routed { hub: WatchHub::new(state), streams: HashMap::new() };
        Self { hub: Mutex::new(routed), news, count: AtomicUsize::new(0) }
    }

    /// Where a lock of the state is wanted too, it is taken first.
    fn lock(&self) -> MutexGuard<'_, Routed> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the number of watches changed.
    fn count(&self, routed: &Routed) {
        self.count.store(routed.streams.len(), Ordering::SeqCst);
    }

    /// The thread of watches: works until the store stops.
    pub(crate) fn run(shared: &Shared, news: &Receiver<News>) {
        let watches = &shared.watches;
        let mut more = false;
        loop {
            let next = match news.try_recv() {
                Err(TryRecvError::Empty) if more => None,
                Err(TryRecvError::Empty) => match news.recv() {
                    Ok(next) => Some(next),
                    Err(_) => return,
                },
                Err(TryRecvError::Disconnected) => return,
                Ok(next) => Some(next),
            };
            match next {
                Some(News::Changes(batches)) => {
                    let mut routed = watches.lock();
                    for batch in &batches {
                        let deliveries = routed.hub.publish(batch);
                        routed.route(deliveries);
                    }
                    // Somebody who could not be given them has come to be behind.
                    more |= !routed.hub.is_idle();
                }
                Some(News::Room) => more = true,
                Some(News::Stop) => return,
                None => {
                    let state = shared.read();
                    let mut routed = watches.lock();
                    let (deliveries, unfinished) = routed.hub.step(&state, STEP);
                    drop(state);
                    routed.route(deliveries);
                    more = unfinished;
                }
            }
        }
    }

    /// Tells the thread of watches what changed, and waits for it if it lags. It is gone only when
    /// the store stops.
    pub(crate) fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// Tells that somebody may go on. Where other news wait, that is looked at with them.
    fn room(&self) {
        let _ = self.news.try_send(News::Room);
    }

    /// Whether nobody watches. A watch begins under a lock of the state: what is applied after a
    /// watch began finds it counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }
}

/// Watches that are read together: those of one connection, for example. Dropping it ends them.
pub struct Watcher {
    shared: Arc<Shared>,
    stream: Arc<Stream>,
    watches: Mutex<Vec<WatchId>>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("watches", &self.watches).finish_non_exhaustive()
    }
}

impl Watcher {
    /// At most about `window` events wait for the reader; what comes then is read again from the
    /// history when it has caught up.
    pub(crate) fn new(shared: Arc<Shared>, window: usize) -> Self {
        let stream = Stream {
            window: Arc::new(Window::new(window.max(1))),
            items: Mutex::default(),
            arrived: Notify::new(),
        };
        Self { shared, stream: Arc::new(stream), watches: Mutex::default() }
    }

    fn own(&self) -> MutexGuard<'_, Vec<WatchId>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a watch.
    pub fn create(&self, request: &WatchRequest) -> Created {
        let state = self.shared.read();
        let mut routed = self.shared.watches.lock();
        let id = routed.hub.watch(&state, request, Arc::clone(&self.stream.window));
        routed.streams.insert(id, Arc::clone(&self.stream));
        self.shared.watches.count(&routed);
        let behind = !routed.hub.is_idle();
        let revision = state.revision();
        drop(routed);
        drop(state);
        self.own().push(id);
        if behind {
            self.shared.watches.room();
        }
        Created { id, revision }
    }

    /// Ends a watch. What was given to it before may still come.
    pub fn cancel(&self, id: WatchId) {
        self.own().retain(|own| *own != id);
        let mut routed = self.shared.watches.lock();
        routed.hub.cancel(id);
        routed.streams.remove(&id);
        self.shared.watches.count(&routed);
    }

    /// Puts a [`WatchItem::Progress`] behind all that was given so far, if the watch, or without
    /// one all of this reader's, are not behind.
    pub fn request_progress(&self, watch: Option<WatchId>) {
        let own = watch.map_or_else(|| self.own().clone(), |id| vec![id]);
        let routed = self.shared.watches.lock();
        // A watch that has ended by itself says nothing about the others.
        let living = own.iter().filter(|id| routed.streams.contains_key(id));
        let reached: Option<Vec<Revision>> = living.map(|id| routed.hub.progress(*id)).collect();
        let Some(revision) = reached.and_then(|all| all.into_iter().min()) else { return };
        let mut items = self.stream.lock();
        let same = |item: &WatchItem| {
            matches!(item, WatchItem::Progress { watch: of, revision: at }
                if *of == watch && *at == revision)
        };
        if !items.back().is_some_and(same) {
            items.push_back(WatchItem::Progress { watch, revision });
            drop(items);
            self.stream.arrived.notify_one();
        }
    }

    /// What comes next; pends while there is nothing. Nothing is lost if it is dropped before.
    pub async fn next(&mut self) -> WatchItem {
        loop {
            if let Some(item) = self.try_next() {
                return item;
            }
            self.stream.arrived.notified().await;
        }
    }

    /// What comes next, if there is something.
    pub fn try_next(&mut self) -> Option<WatchItem> {
        let item = self.stream.lock().pop_front()?;
        if let WatchItem::Events { batch, watches, .. } = &item
            && self.stream.window.release(batch.events.len() * watches.len())
        {
            self.shared.watches.room();
        }
        Some(item)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let own = std::mem::take(&mut *self.own());
        let mut routed = self.shared.watches.lock();
        for id in own {
            routed.hub.cancel(id);
            routed.streams.remove(&id);
        }
        self.shared.watches.count(&routed);
    }
}
