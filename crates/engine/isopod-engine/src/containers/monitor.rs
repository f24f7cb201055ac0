//! Watching supervisors: ends of containers, ends of supervisors.

use super::Container;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::readiness::register;
use crate::supervision::{Control, Launched, Link, end_supervisor, reap_orphans};
use crate::{Engine, Status};
use isopod_base::times::Timestamp;
use isopod_supervisor::protocol::{Event, Exited, Message, Reply, Request, State};
use isopod_supervisor::{Mode, file};
use std::sync::Arc;
use std::time::Duration;

/// How often a supervisor that dies is replaced before its container is given up.
const REPLACEMENTS: u32 = 5;

impl Engine {
    /// Follows a container until it has ended. When its supervisor dies first, another one is
    /// started, which takes the container over.
    pub(crate) async fn monitor(
        self: Arc<Self>,
        container: Arc<Container>,
        link: Arc<Link>,
        mut control: Control,
        launched: Option<Launched>,
    ) {
        let mut orphans = Vec::new();
        if let Some(launched) = launched {
            tokio::spawn(reap(launched));
        }
        let mut failures = 0;
        let exited = loop {
            if let Some(exited) = self.follow(&link, &mut control).await {
                break exited;
            }
            orphans.push(container.record().state.pid);
            orphans.extend(self.execs.pids_of(&container.id));
            match self.replace_supervisor(&container, &link).await {
                Ok(Replaced::Running(next)) => {
                    control = next;
                    failures = 0;
                }
                Ok(Replaced::Ended(exited)) => break exited,
                Err(error) => {
                    failures += 1;
                    tracing::error!(container = %container.id, error = %error.full_message(), "its supervisor could not be replaced");
                    if failures >= REPLACEMENTS {
                        break self.give_up(&container).await;
                    }
                    tokio::time::sleep(Duration::from_millis(100) * failures).await;
                }
            }
        };
        self.ended(&container, exited).await;
        reap_orphans(&orphans);
    }

    /// Handles events until the container ends (and tells how) or the supervisor does.
    async fn follow(&self, link: &Link, control: &mut Control) -> Option<Exited> {
        loop {
            match control.next().await {
                Ok(Some(Message::Event(Event::Exited(exited)))) => return Some(exited),
                Ok(Some(Message::Event(Event::ExecExited { id, exit_code }))) => {
                    self.exec_ended(&id, exit_code)
                }
                Ok(Some(Message::Event(Event::StdinClosed))) => link.keep_stdin(false),
                Ok(Some(Message::Reply(_))) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }

    async fn replace_supervisor(
        self: &Arc<Self>,
        container: &Container,
        link: &Arc<Link>,
    ) -> Result<Replaced> {
        if let Some(exited) = recorded_exit(link) {
            return Ok(Replaced::Ended(exited));
        }
        tracing::warn!(container = %container.id, "its supervisor died: starting another");
        let terminal = link.terminal();
        let mode = if terminal.is_some() { Mode::AdoptTerminal } else { Mode::Adopt };
        let (engine, path) = (Arc::clone(self), link.path().to_path_buf());
        let launched = blocking(move || {
            end_supervisor(&path);
            engine.launcher.launch(&path, mode, terminal)
        })
        .await?;
        tokio::spawn(reap(launched));
        let (control, state) = subscribe(link).await?;
        match state.exited.clone() {
            Some(exited) => Ok(Replaced::Ended(exited)),
            None => Ok(Replaced::Running(control)),
        }
    }

    /// Ends a container that no supervisor can be had for.
    async fn give_up(&self, container: &Container) -> Exited {
        let _ = self
            .with_runtime(container, |running| running.kill(rustix::process::Signal::KILL, true))
            .await;
        Exited {
            exit_code: 255,
            finished_at_ns: i64::try_from(Timestamp::now().nanos()).unwrap_or(i64::MAX),
            oom_killed: false,
            unknown: true,
        }
    }

    /// Records how a container ended, tells it, and does what its policy says.
    pub(crate) async fn ended(self: &Arc<Self>, container: &Arc<Container>, exited: Exited) {
        crate::failpoint::reach("exit.told");
        let operation = container.operation.lock().await;
        container.set_link(None);
        self.end_health(container);
        let lived = container.record().state.started_at.map_or(Duration::ZERO, |started| {
            started.elapsed_at(Timestamp::from_nanos(exited.finished_at_ns.into()))
        });
        let left = self.release_network(container).await;
        let restart = self.plan_restart(container, exited.exit_code, lived);
        let record = container.change(|record| {
            let state = &mut record.state;
            state.status = if restart.is_some() { Status::Restarting } else { Status::Exited };
            state.pid = 0;
            state.exit_code = exited.exit_code;
            state.oom_killed = exited.oom_killed;
            state.finished_at = Some(Timestamp::from_nanos(exited.finished_at_ns.into()));
            if exited.unknown {
                state.error =
                    "the exit code is not known: the container ended while nothing watched it"
                        .into();
            }
            if restart.is_some() {
                state.restart_count += 1;
            }
        });
        self.execs.end_all(&container.id);
        let remove = record.host.auto_remove && restart.is_none();
        if !remove && let Err(error) = self.commit_record(&record).await {
            tracing::error!(container = %container.id, error = %error.full_message(), "its end could not be recorded");
        }
        crate::failpoint::reach("exit.recorded");
        if exited.oom_killed {
            self.container_event(container, "oom", &[]);
        }
        let seconds = lived.as_secs().to_string();
        self.container_event(
            container,
            "die",
            &[("exitCode", exited.exit_code.to_string()), ("execDuration", seconds)],
        );
        self.disconnected(container, &left);
        self.mount_events(&record, false);
        container.life.send_modify(|life| {
            life.alive = false;
            life.exits += 1;
            life.exit_code = exited.exit_code;
        });
        if remove {
            if let Err(error) = self.discard(container, true).await {
                tracing::error!(container = %container.id, error = %error.full_message(), "not removed after its end");
                container.life.send_modify(|life| life.remove_error = Some(error.full_message()));
            }
            return;
        }
        let directory = self.exec_dir(&container.id);
        let _ = blocking(move || {
            let _ = std::fs::remove_dir_all(directory);
            Ok(())
        })
        .await;
        drop(operation);
        if let Some(wait) = restart {
            self.schedule_restart(container, wait);
        }
    }
}

enum Replaced {
    Running(Control),
    Ended(Exited),
}

/// The end that a supervisor recorded before it went.
pub(crate) fn recorded_exit(link: &Link) -> Option<Exited> {
    let bytes = std::fs::read(link.path().join(file::EXITED)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Connects for events, and takes over what the engine keeps for a supervisor.
pub(crate) async fn subscribe(link: &Link) -> Result<(Control, State)> {
    let asked = async {
        let (mut control, reply) = link.request(&Request::Subscribe).await?;
        match reply {
            Reply::State(state) => {
                let terminal = control.take_fd();
                if state.stdin_open && terminal.is_none() {
                    link.keep_stdin(true);
                }
                if terminal.is_some() {
                    link.keep_terminal(terminal);
                }
                Ok((control, state))
            }
            _ => Err(Error::internal("the supervisor answered something else")),
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap_or_else(|_| {
        Err(Error::new(crate::ErrorKind::Unavailable, "the supervisor does not answer"))
    })
}

/// Reaps a supervisor when it ends.
async fn reap(mut launched: Launched) {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let pid = i32::try_from(launched.child.id()).ok().and_then(Pid::from_raw);
    let ended = async {
        let pidfd = register(pidfd_open(pid?, PidfdFlags::NONBLOCK).ok()?).ok()?;
        pidfd.readable().await.ok()?.retain_ready();
        Some(())
    };
    ended.await;
    // It has ended, so this does not block.
    let _ = launched.child.wait();
}
