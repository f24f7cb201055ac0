//! Exec sessions.

use crate::engine::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::streams::Attached;
use crate::{CreateExec, Engine, ExecDetails, StartExec, Status, spec};
use isopod_supervisor::protocol::{Exec as ExecRequest, Reply, Request};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How many ended sessions of a container are remembered.
const REMEMBERED: usize = 256;

/// The exec sessions of an engine. They end with their container and are not durable.
#[derive(Debug, Default)]
pub(crate) struct Execs {
    by_id: Mutex<HashMap<String, Arc<Session>>>,
}

/// An exec session.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    container_id: String,
    request: CreateExec,
    state: Mutex<SessionState>,
    ended: watch::Sender<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
struct SessionState {
    started: bool,
    running: bool,
    pid: i32,
    exit_code: Option<i32>,
}

impl Session {
    fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, exit_code: i32) {
        {
            let mut state = self.state();
            if state.exit_code.is_some() {
                return;
            }
            state.running = false;
            state.exit_code = Some(exit_code);
        }
        self.ended.send_replace(true);
    }
}

impl Execs {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &str) -> Result<Arc<Session>> {
        self.lock()
            .get(id)
            .cloned()
            .ok_or_else(|| Error::not_found(format_args!("No such exec instance: {id}")))
    }

    fn of(&self, container_id: &str) -> Vec<Arc<Session>> {
        let sessions = self.lock();
        sessions.values().filter(|session| session.container_id == container_id).cloned().collect()
    }

    /// Ids of the sessions of a container that run.
    pub(crate) fn running_in(&self, container_id: &str) -> Vec<String> {
        let mut ids: Vec<_> = self
            .of(container_id)
            .iter()
            .filter(|session| session.state().running)
            .map(|session| session.id.clone())
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn pids_of(&self, container_id: &str) -> Vec<i32> {
        self.of(container_id)
            .iter()
            .map(|session| session.state().pid)
            .filter(|&pid| pid != 0)
            .collect()
    }

    /// Sessions die with their container.
    pub(crate) fn end_all(&self, container_id: &str) {
        for session in self.of(container_id) {
            if session.state().running {
                session.end(137);
            }
        }
    }

    pub(crate) fn forget(&self, container_id: &str) {
        self.lock().retain(|_, session| session.container_id != container_id);
    }

    /// Forgets the ended sessions of a container when there are very many.
    fn trim(&self, container_id: &str) {
        if self.of(container_id).len() > REMEMBERED {
            self.lock().retain(|_, session| {
                session.container_id != container_id || session.state().exit_code.is_none()
            });
        }
    }
}

impl Engine {
    /// Prepares a further process in a container; returns the session's id.
    pub async fn create_exec(&self, container: &str, request: CreateExec) -> Result<String> {
        let container = self.containers.find(container)?;
        match container.status() {
            Status::Running => {}
            Status::Paused => {
                return Err(Error::conflict(format_args!(
                    "container {} is paused, unpause the container before exec",
                    container.id
                )));
            }
            Status::Restarting => {
                return Err(Error::conflict(format_args!(
                    "container {} is restarting, wait until the container is running",
                    container.id
                )));
            }
            _ => return Err(Error::not_running(&container.id)),
        }
        if request.cmd.is_empty() {
            return Err(Error::invalid("No exec command specified"));
        }
        self.execs.trim(&container.id);
        let id = isopod_base::id::full();
        let words = request.cmd.join(" ");
        let session = Arc::new(Session {
            id: id.clone(),
            container_id: container.id.clone(),
            request,
            state: Mutex::default(),
            ended: watch::channel(false).0,
        });
        self.execs.lock().insert(id.clone(), session);
        self.container_event(
            &container,
            format!("exec_create: {words}"),
            &[("execID", id.clone())],
        );
        Ok(id)
    }

    /// Starts the process of a session; its streams, unless detached.
    pub async fn start_exec(
        self: &Arc<Self>,
        id: &str,
        options: StartExec,
    ) -> Result<Option<Attached>> {
        let session = self.execs.find(id)?;
        let container = self.containers.find(&session.container_id)?;
        let link = container.running_link()?;
        if container.status() == Status::Paused {
            return Err(Error::conflict(format_args!(
                "container {} is paused, unpause the container before exec",
                container.id
            )));
        }
        {
            let mut state = session.state();
            if state.exit_code.is_some() {
                return Err(Error::conflict(format_args!("exec session {id} has ended")));
            }
            if state.started {
                return Err(Error::conflict(format_args!("exec session {id} has already run")));
            }
            state.started = true;
        }
        let request = &session.request;
        let words = request.cmd.join(" ");
        let outcome = self.run_exec(&session, &container.record(), &link, options).await;
        match outcome {
            Ok(attached) => {
                self.container_event(
                    &container,
                    format!("exec_start: {words}"),
                    &[("execID", id.to_owned())],
                );
                Ok(attached)
            }
            Err(error) => {
                let exit_code = match error.kind() {
                    ErrorKind::CommandNotFound => 127,
                    _ => 126,
                };
                session.end(exit_code);
                Err(error)
            }
        }
    }

    async fn run_exec(
        self: &Arc<Self>,
        session: &Arc<Session>,
        record: &crate::containers::Record,
        link: &crate::supervision::Link,
        options: StartExec,
    ) -> Result<Option<Attached>> {
        let (engine, record, create) = (Arc::clone(self), record.clone(), session.request.clone());
        let console = options.console_size;
        let process = blocking(move || {
            let root = crate::containers::running_root(&record)?;
            use std::os::fd::AsFd;
            spec::exec_process(&engine, &record, root.as_fd(), &create, console)
        })
        .await?;
        let request = &session.request;
        let attach = !options.detach;
        let exec = ExecRequest {
            id: session.id.clone(),
            process,
            stdin: attach && request.attach_stdin,
            stdout: attach && (request.attach_stdout || request.tty),
            stderr: attach && request.attach_stderr && !request.tty,
            detach: options.detach,
        };
        let with_input = exec.stdin;
        let (control, reply) =
            link.request(&Request::Exec(Box::new(exec))).await.map_err(|error| {
                Error::new(
                    error.kind(),
                    format_args!("OCI runtime exec failed: {}", error.full_message()),
                )
            })?;
        let Reply::ExecStarted { pid } = reply else {
            return Err(Error::internal("the supervisor answered something else"));
        };
        {
            let mut state = session.state();
            state.pid = pid;
            // A very short one may have been told as ended already.
            state.running = state.exit_code.is_none();
        }
        if options.detach {
            return Ok(None);
        }
        let mut attached = Attached::over(control, request.tty, with_input, true);
        attached.output = attached.output.until(session.ended.subscribe());
        Ok(Some(attached))
    }

    /// A session.
    pub async fn exec(&self, id: &str) -> Result<ExecDetails> {
        let session = self.execs.find(id)?;
        let state = *session.state();
        Ok(ExecDetails {
            id: session.id.clone(),
            container_id: session.container_id.clone(),
            request: session.request.clone(),
            running: state.running,
            exit_code: state.exit_code,
            pid: state.pid,
        })
    }

    /// Sets the size of a session's terminal.
    pub async fn resize_exec(&self, id: &str, height: u16, width: u16) -> Result<()> {
        let session = self.execs.find(id)?;
        let container = self.containers.find(&session.container_id)?;
        if !session.state().running {
            return Err(Error::conflict(format_args!("exec process {id} is not running")));
        }
        let link = container.running_link()?;
        let exec = Some(id.to_owned());
        link.request(&Request::Resize { exec, height, width }).await.map(|_| ())
    }

    /// Kills the process of a session, if it runs.
    pub(crate) fn kill_exec(&self, id: &str) {
        let Ok(session) = self.execs.find(id) else {
            return;
        };
        let state = *session.state();
        if let Some(pid) = rustix::process::Pid::from_raw(state.pid).filter(|_| state.running) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    /// A supervisor tells that a session has ended.
    pub(crate) fn exec_ended(&self, id: &str, exit_code: i32) {
        let Ok(session) = self.execs.find(id) else {
            return;
        };
        session.end(exit_code);
        if let Ok(container) = self.containers.find(&session.container_id) {
            let attributes = [("execID", id.to_owned()), ("exitCode", exit_code.to_string())];
            self.container_event(&container, "exec_die", &attributes);
        }
    }
}
