//! Health checks: commands run in a container from time to time.

use super::Container;
use crate::{CreateExec, Engine, Health, HealthResult, HealthStatus, Healthcheck, StartExec};
use isopod_base::times::Timestamp;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: i64 = 3;
/// How many results are kept, and how much of each.
const RESULTS: usize = 5;
const OUTPUT_BYTES: usize = 4096;

/// The health of a running container, and the task that finds it out.
#[derive(Debug)]
pub(crate) struct Monitor {
    health: Health,
    task: Option<AbortHandle>,
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Container {
    pub(crate) fn health_now(&self) -> Option<Health> {
        let monitor = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        monitor.as_ref().map(|monitor| monitor.health.clone())
    }
}

/// The command of a check, if there is one.
fn command(check: &Healthcheck, shell: &[String]) -> Option<Vec<String>> {
    let (kind, rest) = check.test.split_first()?;
    match kind.as_str() {
        "CMD" => Some(rest.to_vec()),
        "CMD-SHELL" => {
            let mut words = shell.to_vec();
            if words.is_empty() {
                words = vec!["/bin/sh".into(), "-c".into()];
            }
            words.extend(rest.first().cloned());
            Some(words)
        }
        _ => None,
    }
}

fn duration(nanos: i64, usual: Duration) -> Duration {
    match u64::try_from(nanos) {
        Ok(0) | Err(_) => usual,
        Ok(nanos) => Duration::from_nanos(nanos),
    }
}

impl Engine {
    /// Begins to check a container that was started.
    pub(crate) fn begin_health(self: &Arc<Self>, container: &Arc<Container>) {
        let config = container.record().config;
        let Some(check) = config.healthcheck else {
            return;
        };
        let Some(words) = command(&check, &config.shell) else {
            return;
        };
        let health = Health { status: HealthStatus::Starting, failing_streak: 0, log: Vec::new() };
        let mut monitor = container.health.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tokio::spawn(Arc::clone(self).check_health(Arc::clone(container), check, words));
        *monitor = Some(Monitor { health, task: Some(task.abort_handle()) });
    }

    /// Ends the checks; the last verdict stays to be seen.
    pub(crate) fn end_health(&self, container: &Container) {
        let mut monitor = container.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = monitor.as_mut().and_then(|monitor| monitor.task.take()) {
            task.abort();
        }
    }

    async fn check_health(
        self: Arc<Self>,
        container: Arc<Container>,
        check: Healthcheck,
        words: Vec<String>,
    ) {
        let began = Instant::now();
        let start_period = duration(check.start_period_ns, Duration::ZERO);
        loop {
            let starting = began.elapsed() < start_period
                && container
                    .health_now()
                    .is_some_and(|health| health.status == HealthStatus::Starting);
            let wait = if starting {
                duration(check.start_interval_ns, START_INTERVAL)
            } else {
                duration(check.interval_ns, INTERVAL)
            };
            tokio::time::sleep(wait).await;
            let result = self.run_check(&container, &check, &words).await;
            let in_start_period = began.elapsed() < start_period;
            self.note_health(&container, &check, result, in_start_period);
        }
    }

    async fn run_check(
        self: &Arc<Self>,
        container: &Container,
        check: &Healthcheck,
        words: &[String],
    ) -> HealthResult {
        let start = Timestamp::now();
        let limit = duration(check.timeout_ns, TIMEOUT);
        let (exit_code, output) =
            match tokio::time::timeout(limit, self.run_probe(container, words)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => (-1, error.full_message()),
                Err(_) => (-1, format!("Health check exceeded timeout ({}s)", limit.as_secs_f32())),
            };
        HealthResult { start, end: Timestamp::now(), exit_code, output }
    }

    async fn run_probe(
        self: &Arc<Self>,
        container: &Container,
        words: &[String],
    ) -> crate::Result<(i32, String)> {
        let request = CreateExec {
            cmd: words.to_vec(),
            attach_stdout: true,
            attach_stderr: true,
            ..CreateExec::default()
        };
        let id = self.create_exec(&container.id, request).await?;
        let guard = Probe { engine: self, id: &id };
        let mut output = Vec::new();
        if let Some(mut attached) = self.start_exec(&id, StartExec::default()).await? {
            while let Some(Ok(frame)) = attached.output.next().await {
                let room = OUTPUT_BYTES - output.len();
                output.extend_from_slice(&frame.data[..frame.data.len().min(room)]);
            }
        }
        let exit_code = self.exec(&id).await?.exit_code.unwrap_or(-1);
        std::mem::forget(guard);
        Ok((exit_code, String::from_utf8_lossy(&output).into_owned()))
    }

    fn note_health(
        &self,
        container: &Container,
        check: &Healthcheck,
        result: HealthResult,
        in_start_period: bool,
    ) {
        let retries = if check.retries > 0 { check.retries } else { RETRIES };
        let changed = {
            let mut monitor = container.health.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(monitor) = monitor.as_mut() else {
                return;
            };
            let health = &mut monitor.health;
            let before = health.status;
            judge(health, result, in_start_period, u32::try_from(retries).unwrap_or(u32::MAX));
            (before != health.status).then_some(health.status)
        };
        if let Some(status) = changed {
            self.container_event(container, format!("health_status: {}", status.as_str()), &[]);
        }
    }
}

/// Kills the process of a check that took too long.
struct Probe<'a> {
    engine: &'a Arc<Engine>,
    id: &'a str,
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.engine.kill_exec(self.id);
    }
}

/// Takes a result into account. During the start period failures do not count.
fn judge(health: &mut Health, result: HealthResult, in_start_period: bool, retries: u32) {
    if result.exit_code == 0 {
        health.failing_streak = 0;
        health.status = HealthStatus::Healthy;
    } else {
        let counts = !(in_start_period && health.status == HealthStatus::Starting);
        if counts {
            health.failing_streak += 1;
        }
        if health.failing_streak >= retries {
            health.status = HealthStatus::Unhealthy;
        }
    }
    if health.log.len() == RESULTS {
        health.log.remove(0);
    }
    health.log.push(result);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_the_results() {
        let mut health =
            Health { status: HealthStatus::Starting, failing_streak: 0, log: Vec::new() };
        let result = |exit_code| HealthResult {
            start: Timestamp::default(),
            end: Timestamp::default(),
            exit_code,
            output: String::new(),
        };
        let mut seen = Vec::new();
        for (exit_code, in_start_period) in
            [(1, true), (1, true), (1, false), (1, false), (0, false), (1, false)]
        {
            judge(&mut health, result(exit_code), in_start_period, 2);
            seen.push(health.status.as_str());
        }
        assert_eq!(seen, ["starting", "starting", "starting", "unhealthy", "healthy", "healthy"]);
        assert_eq!(health.log.len(), RESULTS);
    }
}
