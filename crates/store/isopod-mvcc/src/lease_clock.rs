//! When leases end. Only the leader has a clock for them; it proposes the end of each that runs
//! out. Time is what the caller says it is, counted from any moment that stays the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::lease::Leases;
use crate::{Error, LeaseCheckpoint, LeaseId};

/// After so long a lease that ran out is reported again, should its end have been lost.
const RETRY: Duration = Duration::from_secs(3);
/// A new leader lets no more leases than this run out in the same second.
const EXPIRIES_PER_SECOND: usize = 750;

/// The leader's clock for leases.
#[derive(Debug, Default)]
pub struct LeaseClock {
    timers: HashMap<LeaseId, Timer>,
    /// When each lease is to be reported as run out.
    expiries: BTreeSet<(Duration, LeaseId)>,
    /// When what is left of each long lease is to be noted.
    checkpoints: BTreeSet<(Duration, LeaseId)>,
    checkpoint_interval: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Timer {
    /// When it runs out.
    end: Duration,
    /// When it is reported: at its end, and later again.
    report: Duration,
    checkpoint: Option<Duration>,
}

/// A lease that was kept alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// Its time to live, all of it again.
    pub ttl: i64,
    /// To be proposed if a checkpoint said that less was left.
    pub checkpoint: Option<LeaseCheckpoint>,
}

impl LeaseClock {
    /// The clock of a new leader. Every lease gets what its last checkpoint left of it, and
    /// `extend` on top, the time in which nobody could keep it alive. Many that would run out
    /// together are spread. What is left of a lease is noted every `checkpoint_interval`.
    pub fn promote(
        leases: &Leases,
        now: Duration,
        extend: Duration,
        checkpoint_interval: Option<Duration>,
    ) -> Self {
        let mut clock = Self { checkpoint_interval, ..Self::default() };
        let mut ends: Vec<(Duration, LeaseId)> = leases
            .iter()
            .map(|(id, lease)| (now.saturating_add(seconds(lease.time_left())), id))
            .collect();
        ends.sort_unstable();
        let mut per_second: BTreeMap<u64, usize> = BTreeMap::new();
        let mut earliest = 0;
        for (end, id) in ends {
            let end = end.saturating_add(extend);
            let mut second = end.as_secs().max(earliest);
            while per_second.get(&second).is_some_and(|count| *count >= EXPIRIES_PER_SECOND) {
                second += 1;
                earliest = second;
            }
            *per_second.entry(second).or_default() += 1;
            let delay = Duration::from_secs(second - end.as_secs());
            clock.set(id, end.saturating_add(delay), now);
        }
        clock
    }

    /// A lease was granted, or known anew.
    pub fn granted(&mut self, id: LeaseId, ttl: i64, now: Duration) {
        self.set(id, now.saturating_add(seconds(ttl)), now);
    }

    /// A lease is gone.
    pub fn revoked(&mut self, id: LeaseId) {
        if let Some(timer) = self.timers.remove(&id) {
            self.expiries.remove(&(timer.report, id));
            if let Some(due) = timer.checkpoint {
                self.checkpoints.remove(&(due, id));
            }
        }
    }

    /// Keeps a lease alive.
    ///
    /// # Errors
    /// There is no such lease, or it has run out: its end may be under way.
    pub fn renew(&mut self, leases: &Leases, id: LeaseId, now: Duration) -> Result<Renewal, Error> {
        let lease = leases.get(id).ok_or(Error::LeaseNotFound(id))?;
        if self.timers.get(&id).is_some_and(|timer| timer.end <= now) {
            return Err(Error::LeaseNotFound(id));
        }
        self.granted(id, lease.ttl, now);
        let reset = lease.remaining_ttl > 0;
        let checkpoint = reset.then_some(LeaseCheckpoint { id, remaining_ttl: 0 });
        Ok(Renewal { ttl: lease.ttl, checkpoint })
    }

    /// Whole seconds until a lease runs out; none or less once it has.
    pub fn remaining_ttl(&self, id: LeaseId, now: Duration) -> Option<i64> {
        let end = self.timers.get(&id)?.end;
        let left = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Some(if end >= now { left(end - now) } else { -left(now - end) })
    }

    /// Leases that have run out, at most `max`. Each is given again after three seconds until it
    /// is [`Self::revoked`].
    pub fn expired(&mut self, now: Duration, max: usize) -> Vec<LeaseId> {
        let due: Vec<(Duration, LeaseId)> =
            self.expiries.iter().take_while(|(at, _)| *at <= now).take(max).copied().collect();
        for (at, id) in &due {
            self.expiries.remove(&(*at, *id));
            let report = now + RETRY;
            self.expiries.insert((report, *id));
            if let Some(timer) = self.timers.get_mut(id) {
                timer.report = report;
            }
        }
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// What is left of leases whose checkpoint is due, at most `max`.
    pub fn checkpoints(&mut self, now: Duration, max: usize) -> Vec<LeaseCheckpoint> {
        let due: Vec<(Duration, LeaseId)> =
            self.checkpoints.iter().take_while(|(at, _)| *at <= now).take(max).copied().collect();
        let mut notes = Vec::with_capacity(due.len());
        for (at, id) in due {
            self.checkpoints.remove(&(at, id));
            let Some(timer) = self.timers.get_mut(&id) else { continue };
            timer.checkpoint = checkpoint_due(self.checkpoint_interval, timer.end, now);
            self.checkpoints.extend(timer.checkpoint.map(|due| (due, id)));
            let left = timer.end.saturating_sub(now).as_secs();
            if left > 0 {
                let remaining_ttl = i64::try_from(left).unwrap_or(i64::MAX);
                notes.push(LeaseCheckpoint { id, remaining_ttl });
            }
        }
        notes
    }

    /// When there is something to do next.
    pub fn next_due(&self) -> Option<Duration> {
        let firsts = [self.expiries.first(), self.checkpoints.first()];
        firsts.into_iter().flatten().map(|(at, _)| *at).min()
    }

    fn set(&mut self, id: LeaseId, end: Duration, now: Duration) {
        self.revoked(id);
        let checkpoint = checkpoint_due(self.checkpoint_interval, end, now);
        self.timers.insert(id, Timer { end, report: end, checkpoint });
        self.expiries.insert((end, id));
        self.checkpoints.extend(checkpoint.map(|due| (due, id)));
    }
}

/// Leases that run out before the next checkpoint have none.
fn checkpoint_due(interval: Option<Duration>, end: Duration, now: Duration) -> Option<Duration> {
    interval.map(|interval| now.saturating_add(interval)).filter(|due| *due < end)
}

fn seconds(ttl: i64) -> Duration {
    Duration::from_secs(u64::try_from(ttl).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn leases(ttls: &[(LeaseId, i64)]) -> Leases {
        let mut leases = Leases::default();
        ttls.iter().for_each(|(id, ttl)| leases.grant(*id, *ttl).unwrap());
        leases
    }

    #[test]
    fn a_lease_runs_out_unless_it_is_kept_alive() {
        let leases = leases(&[(1, 10), (2, 20)]);
        let mut clock = LeaseClock::promote(&leases, at(100), at(1), None);
        assert_eq!(clock.next_due(), Some(at(111)));
        assert_eq!(clock.remaining_ttl(1, at(105)), Some(6));
        assert_eq!(clock.renew(&leases, 1, at(110)), Ok(Renewal { ttl: 10, checkpoint: None }));
        assert!(clock.expired(at(119), 10).is_empty());
        assert_eq!(clock.expired(at(121), 10), [1, 2]);
        assert_eq!(clock.renew(&leases, 1, at(121)), Err(Error::LeaseNotFound(1)));
        assert_eq!(clock.renew(&leases, 3, at(121)), Err(Error::LeaseNotFound(3)));
    }

    #[test]
    fn the_end_of_a_lease_is_asked_for_again_until_it_came() {
        let leases = leases(&[(1, 10), (2, 10)]);
        let mut clock = LeaseClock::promote(&leases, at(0), at(0), None);
        assert_eq!(clock.expired(at(10), 1), [1]);
        assert_eq!(clock.expired(at(10), 5), [2]);
        assert!(clock.expired(at(12), 5).is_empty());
        clock.revoked(2);
        assert_eq!(clock.expired(at(13), 5), [1]);
        assert_eq!(clock.remaining_ttl(1, at(13)), Some(-3));
        clock.revoked(1);
        assert_eq!((clock.next_due(), clock.remaining_ttl(1, at(13))), (None, None));
    }

    #[test]
    fn a_new_leader_goes_on_from_the_last_checkpoint() {
        let mut leases = leases(&[(1, 3600)]);
        let mut clock = LeaseClock::promote(&leases, at(0), at(0), Some(at(300)));
        assert!(clock.checkpoints(at(299), 10).is_empty());
        let notes = clock.checkpoints(at(300), 10);
        assert_eq!(notes, [LeaseCheckpoint { id: 1, remaining_ttl: 3300 }]);
        leases.checkpoint(notes[0]);
        let mut next = LeaseClock::promote(&leases, at(1000), at(0), Some(at(300)));
        assert_eq!(next.remaining_ttl(1, at(1000)), Some(3300));
        let renewal = next.renew(&leases, 1, at(1001)).unwrap();
        assert_eq!(renewal.checkpoint, Some(LeaseCheckpoint { id: 1, remaining_ttl: 0 }));
    }

    #[test]
    fn leases_that_end_together_are_spread_for_a_new_leader() {
        let ttls: Vec<(LeaseId, i64)> = (1..=2000).map(|id| (id, 10)).collect();
        let mut clock = LeaseClock::promote(&leases(&ttls), at(0), at(0), None);
        let counts = [10, 11, 12].map(|second| clock.expired(at(second), 10_000).len());
        assert_eq!(counts, [750, 750, 500]);
    }
}
