//! The leader's clock for leases, kept by the thread that applies and asked by everyone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use isopod_mvcc::{
    Command, LeaseClock, LeaseGrant, LeaseId, Leases, Outcome, Renewal, Request, Response,
};

/// How long a lease lives, and how much of that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Its time to live in seconds, as granted.
    pub granted: i64,
    /// Seconds left; less than 0 once it has run out.
    pub remaining: i64,
}

/// Leases that are ended, or noted, in one go.
const AT_ONCE: usize = 500;
/// What is left of long leases is noted this often.
const CHECKPOINTS: Duration = Duration::from_secs(300);

/// Runs while this member leads.
#[derive(Debug)]
pub(crate) struct LeaseTimer {
    origin: Instant,
    clock: Mutex<Option<LeaseClock>>,
}

impl Default for LeaseTimer {
    fn default() -> Self {
        Self { origin: Instant::now(), clock: Mutex::new(None) }
    }
}

impl LeaseTimer {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Option<LeaseClock>> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This member leads from now on. Nobody could keep a lease alive for `extend`.
    pub(crate) fn promote(&self, leases: &Leases, extend: Duration) {
        let clock = LeaseClock::promote(leases, self.now(), extend, Some(CHECKPOINTS));
        *self.lock() = Some(clock);
    }

    /// Another member leads.
    pub(crate) fn demote(&self) {
        *self.lock() = None;
    }

    /// Whether this member's clock counts.
    pub(crate) fn is_running(&self) -> bool {
        self.lock().is_some()
    }

    /// A command was applied.
    pub(crate) fn applied(&self, command: &Command, outcome: &Outcome) {
        match (&command.request, &outcome.result) {
            (Request::LeaseGrant(LeaseGrant { id, ttl }), Ok(Response::LeaseGrant(_))) => {
                if let Some(clock) = self.lock().as_mut() {
                    clock.granted(*id, *ttl, self.now());
                }
            }
            // One that is not there any more is gone for the clock as well.
            (Request::LeaseRevoke(id), _) => {
                if let Some(clock) = self.lock().as_mut() {
                    clock.revoked(*id);
                }
            }
            _ => {}
        }
    }

    /// Keeps a lease alive. None if this member does not lead.
    pub(crate) fn renew(
        &self,
        leases: &Leases,
        id: LeaseId,
    ) -> Option<Result<Renewal, isopod_mvcc::Error>> {
        Some(self.lock().as_mut()?.renew(leases, id, self.now()))
    }

    /// How long a lease has left. None if this member does not lead.
    pub(crate) fn times(
        &self,
        leases: &Leases,
        id: LeaseId,
    ) -> Option<Result<LeaseTimes, isopod_mvcc::Error>> {
        let clock = self.lock();
        let clock = clock.as_ref()?;
        let times = leases.get(id).map(|lease| LeaseTimes {
            granted: lease.ttl,
            remaining: clock.remaining_ttl(id, self.now()).unwrap_or(lease.ttl),
        });
        Some(times.ok_or(isopod_mvcc::Error::LeaseNotFound(id)))
    }

    /// How long until something is due; none while nothing is.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let due = self.lock().as_ref()?.next_due()?;
        Some(due.saturating_sub(self.now()))
    }

    /// What is to be proposed now.
    pub(crate) fn due(&self) -> Vec<Request> {
        let now = self.now();
        let mut clock = self.lock();
        let Some(clock) = clock.as_mut() else { return Vec::new() };
        let expired = clock.expired(now, AT_ONCE).into_iter().map(Request::LeaseRevoke);
        let mut due: Vec<Request> = expired.collect();
        let notes = clock.checkpoints(now, AT_ONCE);
        due.extend((!notes.is_empty()).then_some(Request::LeaseCheckpoint(notes)));
        due
    }
}
