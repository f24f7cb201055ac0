//! The hub: all watches, and what to send when something changes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::groups::{Groups, Member};
use super::{Delivery, WatchId, WatchRequest, Window};
use crate::state::State;
use crate::{Event, EventBatch, Revision};

/// All watches of a member.
#[derive(Debug, Default)]
pub struct WatchHub {
    /// The last revision that was published.
    revision: Revision,
    next_id: WatchId,
    pub(super) watches: HashMap<WatchId, Watch>,
    pub(super) groups: Groups,
    /// Watches that are behind, in the order of their turns. Those that ended are passed over.
    pub(super) behind: VecDeque<WatchId>,
}

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) group: usize,
    /// The first revision that it was not yet given.
    pub(super) next: Revision,
    pub(super) window: Arc<Window>,
    /// If it is synced: the state's revision when it became so.
    pub(super) synced_at: Option<Revision>,
}

/// Which events of a batch a group gets.
#[derive(Default)]
struct Matches {
    events: Vec<usize>,
}

impl WatchHub {
    /// A hub for a state from which nothing was published yet.
    pub fn new(state: &State) -> Self {
        Self { revision: state.revision(), ..Self::default() }
    }

    /// Begins a watch. It counts from the state's revision now; changes up to that which are
    /// still to be published are not new to it.
    pub fn watch(&mut self, state: &State, request: &WatchRequest, window: Arc<Window>) -> WatchId {
        let id = self.next_id;
        self.next_id += 1;
        let now = state.revision();
        let next = if request.start_revision > 0 { request.start_revision } else { now + 1 };
        let group = self.groups.join(request);
        let watch = Watch { group, next, window, synced_at: None };
        self.watches.insert(id, watch);
        if next > now {
            self.mark_synced(id, now);
        } else {
            self.behind.push_back(id);
        }
        id
    }

    /// Ends a watch; nothing is given to it any more.
    pub fn cancel(&mut self, id: WatchId) {
        if let Some(watch) = self.watches.remove(&id) {
            self.groups.leave(watch.group, id);
        }
    }

    /// How many watches there are, and how many of them are behind.
    pub fn counts(&self) -> (usize, usize) {
        let behind = self.watches.values().filter(|watch| watch.synced_at.is_none()).count();
        (self.watches.len(), behind)
    }

    /// Up to which revision the watch was given everything: none while it is behind. A progress
    /// notification that is sent after all deliveries so far overtakes none.
    pub fn progress(&self, id: WatchId) -> Option<Revision> {
        let synced_at = self.watches.get(&id)?.synced_at?;
        Some(self.revision.max(synced_at))
    }

    /// Whether nothing is to be caught up by anyone.
    pub fn is_idle(&self) -> bool {
        self.behind.is_empty()
    }

    /// The changes of the next revision: what to send. Every revision must be published, in order.
    pub fn publish(&mut self, batch: &Arc<EventBatch>) -> Vec<Delivery> {
        self.revision = batch.revision;
        let mut matches: BTreeMap<usize, Matches> = BTreeMap::new();
        for (at, event) in batch.events.iter().enumerate() {
            self.groups.visit(&event.kv.key, |group| {
                if self.groups.get(group).request.admits(event.kind) {
                    matches.entry(group).or_default().events.push(at);
                }
            });
        }
        // Most groups get the whole batch, with previous keys or without: one delivery for each.
        let (mut whole, mut bare, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
        for (group, Matches { events }) in matches {
            let request = &self.groups.get(group).request;
            let (count, prev_kv) = (events.len(), request.prev_kv);
            if count == batch.events.len() {
                let list = if prev_kv { &mut whole } else { &mut bare };
                self.admit(group, batch.revision, count, list);
                continue;
            }
            let part = events.into_iter().map(|at| request.shape(&batch.events[at])).collect();
            let part = Arc::new(EventBatch { revision: batch.revision, events: part });
            let mut list = Vec::new();
            self.admit(group, batch.revision, count, &mut list);
            deliveries.extend(delivery(part, list));
        }
        deliveries.extend(delivery(batch.clone(), whole));
        if !bare.is_empty() {
            let strip =
                |event: &Event| Event { kind: event.kind, kv: event.kv.clone(), previous: None };
            let events = batch.events.iter().map(strip).collect();
            let batch = Arc::new(EventBatch { revision: batch.revision, events });
            deliveries.extend(delivery(batch, bare));
        }
        deliveries
    }

    /// The state was replaced by a newer one: every watch catches up from it.
    pub fn replace_state(&mut self, state: &State) {
        let mut behind: Vec<WatchId> = Vec::new();
        for (id, watch) in &mut self.watches {
            if watch.synced_at.take().is_some() {
                watch.next = watch.next.max(self.revision + 1);
                behind.push(*id);
            }
        }
        behind.sort_unstable();
        for id in behind {
            let group = self.watches[&id].group;
            self.groups.get_mut(group).synced.clear();
            self.behind.push_back(id);
        }
        self.revision = state.revision();
    }

    /// Lists the group's synced watches that get `events` changes of a revision. One whose window
    /// is full gets them later, from the history.
    fn admit(&mut self, group: usize, revision: Revision, events: usize, list: &mut Vec<WatchId>) {
        let (watches, behind) = (&mut self.watches, &mut self.behind);
        self.groups.get_mut(group).synced.retain(|member| {
            if member.next > revision {
                return true;
            }
            if member.window.has_room() {
                member.window.take(events);
                list.push(member.id);
                return true;
            }
            let watch = watches.get_mut(&member.id).expect("groups hold watches that exist");
            watch.next = revision;
            watch.synced_at = None;
            behind.push_back(member.id);
            false
        });
    }

    pub(super) fn mark_synced(&mut self, id: WatchId, revision: Revision) {
        let watch = self.watches.get_mut(&id).expect("only a watch becomes synced");
        watch.synced_at = Some(revision);
        let member = Member { id, next: watch.next, window: watch.window.clone() };
        self.groups.get_mut(watch.group).synced.push(member);
    }
}

fn delivery(batch: Arc<EventBatch>, watches: Vec<WatchId>) -> Option<Delivery> {
    (!watches.is_empty()).then_some(Delivery::Events { batch, watches })
}
