//! Watches that want the same are a group: what it gets is worked out once.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::ranges::Ranges;
use super::{WatchId, WatchRequest, Window};
use crate::{Event, EventKind, Revision};

/// Watches with the same request, their beginnings aside.
#[derive(Debug)]
pub(super) struct Group {
    /// `start_revision` is 0.
    pub(super) request: WatchRequest,
    /// Those of them that are synced.
    pub(super) synced: Vec<Member>,
    /// How many watches it has.
    watches: usize,
}

/// A synced watch of a group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: WatchId,
    /// The first revision that it wants: that of one that begins in the future.
    pub(super) next: Revision,
    pub(super) window: Arc<Window>,
}

/// All groups, and which keys they are interested in.
#[derive(Debug, Default)]
pub(super) struct Groups {
    slots: Vec<Option<Group>>,
    free: Vec<usize>,
    by_request: HashMap<WatchRequest, usize>,
    keys: HashMap<Bytes, Vec<usize>>,
    ranges: Ranges,
}

impl Groups {
    /// The group for a request; it counts another watch.
    pub(super) fn join(&mut self, request: &WatchRequest) -> usize {
        let mut request = WatchRequest { start_revision: 0, ..request.clone() };
        if let Some(number) = self.by_request.get(&request).copied() {
            self.get_mut(number).watches += 1;
            return number;
        }
        // The caller's bytes may share a buffer that need not live as long as the watch.
        request.range = request.range.detached();
        let group = Group { request: request.clone(), synced: Vec::new(), watches: 1 };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number] = Some(group);
                number
            }
            None => {
                self.slots.push(Some(group));
                self.slots.len() - 1
            }
        };
        if request.range.is_single() {
            self.keys.entry(request.range.key.clone()).or_default().push(number);
        } else {
            self.ranges.insert(&request.range, number);
        }
        self.by_request.insert(request, number);
        number
    }

    /// A watch leaves its group; the last takes the group along.
    pub(super) fn leave(&mut self, number: usize, watch: WatchId) {
        let group = self.get_mut(number);
        group.synced.retain(|member| member.id != watch);
        group.watches -= 1;
        if group.watches > 0 {
            return;
        }
        let group = self.slots[number].take().expect("a group that is left exists");
        let range = &group.request.range;
        if !range.is_single() {
            self.ranges.remove(range, number);
        } else if let Some(numbers) = self.keys.get_mut(&range.key) {
            numbers.retain(|each| *each != number);
            if numbers.is_empty() {
                self.keys.remove(&range.key);
            }
        }
        self.by_request.remove(&group.request);
        self.free.push(number);
    }

    /// Gives all groups that are interested in a key.
    pub(super) fn visit(&self, key: &[u8], mut visit: impl FnMut(usize)) {
        self.keys.get(key).into_iter().flatten().for_each(|number| visit(*number));
        self.ranges.visit(key, visit);
    }

    pub(super) fn get(&self, number: usize) -> &Group {
        self.slots[number].as_ref().expect("watches are in groups that exist")
    }

    pub(super) fn get_mut(&mut self, number: usize) -> &mut Group {
        self.slots[number].as_mut().expect("watches are in groups that exist")
    }
}

impl WatchRequest {
    /// Whether an event of a key in the range is wanted.
    pub(super) fn admits(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Put => !self.no_put,
            EventKind::Delete => !self.no_delete,
        }
    }

    /// An event as it is wanted.
    pub(super) fn shape(&self, event: &Event) -> Event {
        if self.prev_kv {
            return event.clone();
        }
        Event { kind: event.kind, kv: event.kv.clone(), previous: None }
    }
}
