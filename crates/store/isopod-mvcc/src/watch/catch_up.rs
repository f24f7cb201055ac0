//! Catching up from the history.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hub::WatchHub;
use super::{Delivery, WatchId};
use crate::arena::Location;
use crate::state::State;
use crate::{Event, EventBatch, EventKind, Revision};

/// At most so many watches are caught up in one step.
const WATCHES_PER_STEP: usize = 64;

/// A step of catching up: some watches, and the changes that they are given of one revision.
struct Pass<'a> {
    state: &'a State,
    /// Watches by their groups.
    members: BTreeMap<usize, Vec<WatchId>>,
    /// The groups' changes of `revision`.
    pending: BTreeMap<usize, Vec<Event>>,
    revision: Revision,
    /// Watches whose windows are full.
    full: Vec<WatchId>,
    deliveries: Vec<Delivery>,
}

impl WatchHub {
    /// Lets watches that are behind catch up: the one whose turn it is, and others on its way.
    /// Reads `budget` records of the history at most, but always whole revisions. Gives what to
    /// send; a watch that waits for its reader is left out until [`super::Window::release`] tells
    /// of room. True if there is more to do now.
    pub fn step(&mut self, state: &State, budget: usize) -> (Vec<Delivery>, bool) {
        let mut deliveries = Vec::new();
        let (from, watches) = self.choose(state, &mut deliveries);
        if watches.is_empty() {
            return (deliveries, false);
        }
        let mut members: BTreeMap<usize, Vec<WatchId>> = BTreeMap::new();
        for id in &watches {
            members.entry(self.watches[id].group).or_default().push(*id);
        }
        let mut pass = Pass {
            state,
            members,
            pending: BTreeMap::new(),
            revision: from,
            full: Vec::new(),
            deliveries,
        };
        let reached = self.walk(&mut pass, from, budget);
        for id in watches {
            if pass.full.contains(&id) {
                self.behind.push_back(id);
                continue;
            }
            let watch = self.watches.get_mut(&id).expect("nobody ended a watch meanwhile");
            watch.next = watch.next.max(reached + 1);
            if reached == state.revision() {
                self.mark_synced(id, reached);
            } else {
                self.behind.push_back(id);
            }
        }
        let more = !pass.deliveries.is_empty() || reached < state.revision() || self.anyone_ready();
        (pass.deliveries, more)
    }

    /// Takes watches whose turn it is out of the queue: the first that can go on, and others that
    /// are not before it. Also from where to read.
    fn choose(
        &mut self,
        state: &State,
        deliveries: &mut Vec<Delivery>,
    ) -> (Revision, Vec<WatchId>) {
        let compact_revision = state.compact_revision();
        let (mut from, mut chosen) = (0, Vec::new());
        for _ in 0..self.behind.len() {
            let Some(id) = self.behind.pop_front() else { break };
            let Some(watch) = self.watches.get(&id) else { continue };
            if watch.next < compact_revision {
                deliveries.push(Delivery::Compacted { watch: id, compact_revision });
                self.cancel(id);
                continue;
            }
            let is_ready = watch.window.has_room() || !watch.window.wait_for_room();
            let on_the_way = chosen.is_empty() || watch.next >= from;
            if !is_ready || !on_the_way {
                self.behind.push_back(id);
                continue;
            }
            if chosen.is_empty() {
                from = watch.next;
            }
            chosen.push(id);
            if chosen.len() == WATCHES_PER_STEP {
                break;
            }
        }
        (from, chosen)
    }

    fn anyone_ready(&self) -> bool {
        let watches = self.behind.iter().filter_map(|id| self.watches.get(id));
        let mut waiting = watches.filter(|watch| watch.window.has_room());
        waiting.next().is_some()
    }

    /// Reads the history; up to which revision.
    fn walk(&mut self, pass: &mut Pass<'_>, from: Revision, budget: usize) -> Revision {
        let state = pass.state;
        let (mut read, mut reached) = (0, state.revision());
        state.arena.walk_history(from, |stamp, key, location| {
            if stamp.revision != pass.revision {
                self.flush(pass);
                if read >= budget.max(1) || pass.members.is_empty() {
                    reached = stamp.revision - 1;
                    return false;
                }
                pass.revision = stamp.revision;
            }
            read += 1;
            let kind = if stamp.deleted { EventKind::Delete } else { EventKind::Put };
            for group in pass.members.keys() {
                let request = &self.groups.get(*group).request;
                if request.range.contains(key) && request.admits(kind) {
                    let event = event(state, kind, location, request.prev_kv);
                    pass.pending.entry(*group).or_default().push(event);
                }
            }
            true
        });
        self.flush(pass);
        reached
    }

    /// Gives the changes of the revision that was read.
    fn flush(&mut self, pass: &mut Pass<'_>) {
        for (group, events) in std::mem::take(&mut pass.pending) {
            let batch = Arc::new(EventBatch { revision: pass.revision, events });
            let mut given = Vec::new();
            let Some(members) = pass.members.get_mut(&group) else { continue };
            members.retain(|id| {
                let watch = self.watches.get_mut(id).expect("nobody ended a watch meanwhile");
                if watch.next > batch.revision {
                    return true;
                }
                if !watch.window.has_room() {
                    watch.next = batch.revision;
                    pass.full.push(*id);
                    return false;
                }
                watch.window.take(batch.events.len());
                given.push(*id);
                true
            });
            if members.is_empty() {
                pass.members.remove(&group);
            }
            if !given.is_empty() {
                pass.deliveries.push(Delivery::Events { batch, watches: given });
            }
        }
    }
}

fn event(state: &State, kind: EventKind, location: Location, prev_kv: bool) -> Event {
    let kv = state.arena.key_value(location, true);
    let previous = if prev_kv { state.before(&kv.key, kv.mod_revision) } else { None };
    Event { kind, kv, previous }
}
