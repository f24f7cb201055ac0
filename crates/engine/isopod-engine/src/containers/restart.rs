//! Restart policies.

use super::Container;
use crate::error::Result;
use crate::{Engine, RestartPolicy, Status};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A container that ran so long begins anew with the shortest wait.
const GOOD_RUN: Duration = Duration::from_secs(10);

/// How the restarts of a container go on.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    last_wait: Option<Duration>,
    timer: Option<AbortHandle>,
}

impl Restarts {
    fn next_wait(&mut self, lived: Duration) -> Duration {
        let wait = match self.last_wait {
            Some(last) if lived < GOOD_RUN => (last * 2).min(LONGEST_WAIT),
            _ => FIRST_WAIT,
        };
        self.last_wait = Some(wait);
        wait
    }
}

/// Whether the policy wants a container to go on.
pub(crate) fn wants_restart(
    policy: RestartPolicy,
    exit_code: i32,
    stopped_by_user: bool,
    restarts: u32,
) -> bool {
    if stopped_by_user {
        return false;
    }
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure { max_retries } => {
            exit_code != 0 && (max_retries == 0 || restarts < max_retries)
        }
    }
}

impl Engine {
    /// How long to wait before a restart, if there is to be one.
    pub(crate) fn plan_restart(
        &self,
        container: &Container,
        exit_code: i32,
        lived: Duration,
    ) -> Option<Duration> {
        let record = container.record();
        let state = &record.state;
        let mut restarts = container.restart.lock().unwrap_or_else(PoisonError::into_inner);
        if wants_restart(
            record.host.restart_policy,
            exit_code,
            state.stopped_by_user,
            state.restart_count,
        ) {
            Some(restarts.next_wait(lived))
        } else {
            restarts.last_wait = None;
            None
        }
    }

    pub(crate) fn schedule_restart(self: &Arc<Self>, container: &Arc<Container>, wait: Duration) {
        let (engine, target) = (Arc::clone(self), Arc::clone(container));
        let task = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            if target.status() != Status::Restarting {
                return;
            }
            // From here on it is a start like any other and is not to be aborted half-way.
            target.restart.lock().unwrap_or_else(PoisonError::into_inner).timer = None;
            if let Err(error) = engine.start(&target, false).await {
                tracing::warn!(container = %target.id, error = %error.full_message(), "restart failed");
            }
        });
        container.restart.lock().unwrap_or_else(PoisonError::into_inner).timer =
            Some(task.abort_handle());
    }

    /// Ends a wait for a restart without changing the state.
    pub(crate) fn forget_restart(&self, container: &Container) {
        let mut restarts = container.restart.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timer) = restarts.timer.take() {
            timer.abort();
        }
        restarts.last_wait = None;
    }

    /// Ends a wait for a restart by the user's wish; `false` when there was none.
    pub(crate) async fn cancel_restart(&self, container: &Container) -> Result<bool> {
        if container.status() != Status::Restarting {
            return Ok(false);
        }
        let _operation = container.operation.lock().await;
        if container.status() != Status::Restarting {
            return Ok(false);
        }
        self.forget_restart(container);
        let record = container.change(|record| {
            record.state.status = Status::Exited;
            record.state.stopped_by_user = true;
        });
        self.commit_record(&record).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_decide() {
        let on_failure = |max_retries| RestartPolicy::OnFailure { max_retries };
        for (policy, exit_code, stopped, restarts, expected) in [
            (RestartPolicy::No, 1, false, 0, false),
            (RestartPolicy::Always, 0, false, 99, true),
            (RestartPolicy::Always, 0, true, 0, false),
            (RestartPolicy::UnlessStopped, 3, false, 0, true),
            (on_failure(0), 0, false, 0, false),
            (on_failure(0), 1, false, 1000, true),
            (on_failure(2), 1, false, 1, true),
            (on_failure(2), 1, false, 2, false),
        ] {
            assert_eq!(wants_restart(policy, exit_code, stopped, restarts), expected, "{policy:?}");
        }
    }

    #[test]
    fn waits_double_until_a_run_was_good() {
        let mut restarts = Restarts::default();
        let short = Duration::from_secs(1);
        let waits: Vec<_> = (0..3).map(|_| restarts.next_wait(short).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400]);
        assert_eq!(restarts.next_wait(GOOD_RUN), FIRST_WAIT);
    }
}
