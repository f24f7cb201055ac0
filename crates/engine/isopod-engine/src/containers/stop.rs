//! Ending containers: stop, kill, restart.

use super::{Container, ContainerWait};
use crate::error::{Error, ErrorKind, Result};
use crate::{Engine, Status, WaitCondition, signal};
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;

/// Seconds between the stop signal and the kill, unless somebody says otherwise.
const STOP_TIMEOUT_SECS: i64 = 10;

/// How long a killed container may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(30);

impl Engine {
    /// Asks a container to end, and kills it when it has not after `timeout_secs` (negative:
    /// never). `None` takes what the container says. `NotModified` when it does not run.
    pub async fn stop_container(
        self: &Arc<Self>,
        name: &str,
        signal: Option<&str>,
        timeout_secs: Option<i64>,
    ) -> Result<()> {
        let container = self.containers.find(name)?;
        let signal = signal.map(signal::parse).transpose()?;
        if !self.stop(&container, signal, timeout_secs).await? {
            return Err(Error::new(
                ErrorKind::NotModified,
                format_args!("Container {name} is already stopped"),
            ));
        }
        Ok(())
    }

    /// Stops and starts a container.
    pub async fn restart_container(
        self: &Arc<Self>,
        name: &str,
        signal: Option<&str>,
        timeout_secs: Option<i64>,
    ) -> Result<()> {
        let container = self.containers.find(name)?;
        let signal = signal.map(signal::parse).transpose()?;
        let auto_remove = container.record().host.auto_remove;
        // A container that goes when it ends is not to go between the two.
        container.change(|record| record.host.auto_remove = false);
        let outcome = async {
            self.stop(&container, signal, timeout_secs).await?;
            self.start(&container, true).await
        }
        .await;
        container.change(|record| record.host.auto_remove = auto_remove);
        outcome?;
        self.container_event(&container, "restart", &[]);
        Ok(())
    }

    /// Sends a signal to a container's process; `KILL` and the container's stop signal count as
    /// the user's wish that it stay ended.
    pub async fn kill_container(self: &Arc<Self>, name: &str, signal: Option<&str>) -> Result<()> {
        let container = self.containers.find(name)?;
        let number = match signal {
            Some(signal) if !signal.is_empty() => signal::parse(signal)?,
            _ => Signal::KILL.as_raw(),
        };
        if !container.status().is_alive() {
            return Err(cannot_kill(name, &Error::not_running(&container.id)));
        }
        let stops = number == Signal::KILL.as_raw()
            || container.record().stop_signal().is_ok_and(|stop| stop == number);
        if stops {
            self.note_stop(&container).await?;
        }
        if container.status() == Status::Paused && number != Signal::KILL.as_raw() {
            return Err(Error::conflict(format_args!(
                "cannot kill container: {name}: Container {} is paused. Unpause the container before stopping or killing",
                container.id
            )));
        }
        self.send_signal(&container, number).await.map_err(|error| cannot_kill(name, &error))?;
        if number == Signal::KILL.as_raw() {
            self.await_end(&container, KILL_LIMIT).await?;
        }
        Ok(())
    }

    /// Stops a container; `false` when there was nothing to stop.
    pub(crate) async fn stop(
        self: &Arc<Self>,
        container: &Arc<Container>,
        signal: Option<i32>,
        timeout_secs: Option<i64>,
    ) -> Result<bool> {
        if self.cancel_restart(container).await? {
            return Ok(true);
        }
        if !container.status().is_alive() {
            return Ok(false);
        }
        let record = container.record();
        let signal = match signal {
            Some(signal) => signal,
            None => record.stop_signal().unwrap_or(Signal::TERM.as_raw()),
        };
        let timeout = timeout_secs.or(record.config.stop_timeout).unwrap_or(STOP_TIMEOUT_SECS);
        self.note_stop(container).await?;
        if container.status() == Status::Paused {
            let _operation = container.operation.lock().await;
            self.resume(container).await?;
        }
        match self.send_signal(container, signal).await {
            Err(_) if !container.status().is_alive() => {}
            Err(error) => return Err(error),
            Ok(()) => {
                let patience = u64::try_from(timeout).map_or(Duration::MAX, Duration::from_secs);
                if self.await_end(container, patience).await.is_err() {
                    match self.send_signal(container, Signal::KILL.as_raw()).await {
                        Err(error) if container.status().is_alive() => return Err(error),
                        _ => self.await_end(container, KILL_LIMIT).await?,
                    }
                }
            }
        }
        self.container_event(container, "stop", &[]);
        Ok(true)
    }

    /// The user wants it to end: no policy starts it again.
    async fn note_stop(&self, container: &Container) -> Result<()> {
        if container.record().state.stopped_by_user {
            return Ok(());
        }
        let record = container.change(|record| record.state.stopped_by_user = true);
        self.commit_record(&record).await
    }

    /// Sends a signal to the container's first process.
    pub(crate) async fn send_signal(&self, container: &Container, number: i32) -> Result<()> {
        let signal = isopod_sys::signal_fd::from_number(number)
            .ok_or_else(|| Error::invalid(format_args!("invalid signal: {number}")))?;
        self.with_runtime(container, move |running| running.kill(signal, false)).await?;
        self.container_event(container, "kill", &[("signal", number.to_string())]);
        Ok(())
    }

    /// Waits until the container has ended and that is recorded.
    pub(crate) async fn await_end(&self, container: &Container, limit: Duration) -> Result<()> {
        let wait = ContainerWait::begin(container, WaitCondition::NotRunning);
        let ended = async { wait.result().await };
        match tokio::time::timeout(limit.min(Duration::from_secs(86_400 * 365)), ended).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::internal(format_args!(
                "tried to kill container {}, but did not receive an exit event",
                container.id
            ))),
        }
    }
}

fn cannot_kill(name: &str, error: &Error) -> Error {
    Error::new(
        error.kind(),
        format_args!("cannot kill container: {name}: {}", error.full_message()),
    )
}
