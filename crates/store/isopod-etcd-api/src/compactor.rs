//! Forgets old revisions without being asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use isopod_mvcc::{Command, Request, Revision, State};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::Api;
use crate::server::stopped;
use crate::settings::AutoCompaction;

/// How often the revision is looked at when revisions count.
const REVISION_INTERVAL: Duration = Duration::from_secs(300);
/// A period is divided in so many, but at most into hours.
const PARTS: u32 = 10;
const LONGEST_PART: Duration = Duration::from_secs(360);

/// Compacts by the rule until `stop` says so. Only the leader does it, so that it is done once.
pub(crate) async fn run(api: Arc<Api>, rule: AutoCompaction, mut stop: watch::Receiver<bool>) {
    let interval = match rule {
        AutoCompaction::Revisions(_) => REVISION_INTERVAL,
        AutoCompaction::Periodic(period) => {
            (period / PARTS).min(LONGEST_PART).max(Duration::from_secs(1).min(period))
        }
    };
    let mut history = History::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = stopped(&mut stop) => return,
        }
        let (revision, compacted) =
            api.store.with_state(|state: &State| (state.revision(), state.compact_revision()));
        let target = match rule {
            AutoCompaction::Revisions(keep) => Some(revision - keep),
            AutoCompaction::Periodic(period) => history.past(Instant::now(), revision, period),
        };
        let status = api.store.status();
        let Some(target) = target.filter(|it| *it > compacted && status.leader == status.member_id)
        else {
            continue;
        };
        match api.store.propose(Command::internal(Request::Compact(target))).await {
            Ok(_) => tracing::info!(revision = target, "completed auto compaction"),
            Err(error) => {
                tracing::warn!(revision = target, error = %error, "failed auto compaction");
            }
        }
    }
}

/// Which revision was current when.
#[derive(Default)]
struct History(VecDeque<(Instant, Revision)>);

impl History {
    /// Notes `revision`, and tells which one was current `period` ago.
    fn past(&mut self, now: Instant, revision: Revision, period: Duration) -> Option<Revision> {
        self.0.push_back((now, revision));
        let mut found = None;
        while self.0.front().is_some_and(|(at, _)| now - *at >= period) {
            found = self.0.pop_front().map(|(_, revision)| revision);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_a_period_away() {
        let start = Instant::now();
        let minute = Duration::from_secs(60);
        let mut history = History::default();
        assert_eq!(history.past(start, 5, minute * 2), None);
        assert_eq!(history.past(start + minute, 9, minute * 2), None);
        assert_eq!(history.past(start + minute * 2, 12, minute * 2), Some(5));
        assert_eq!(history.past(start + minute * 9, 20, minute * 2), Some(12));
    }
}
