//! Starting containers.
//!
//! Order: run-time directory with the configuration, supervisor, container, record. A crash in
//! between leaves a supervisor that has not started anything (it is ended) or one whose container
//! runs (it is taken up as running).

use super::{Container, Record};
use crate::engine::{blocking, make_directory};
use crate::error::{Error, ErrorKind, Result};
use crate::supervision::{Control, Launched, Link};
use crate::{Engine, Status, spec};
use isopod_base::times::Timestamp;
use isopod_supervisor::protocol::{Reply, Request, Running};
use isopod_supervisor::{Mode, file};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// A container whose process runs.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) link: Arc<Link>,
    pub(crate) control: Control,
    pub(crate) launched: Launched,
    pub(crate) running: Running,
}

impl Engine {
    /// Starts a container. `NotModified` when it runs already.
    pub async fn start_container(self: &Arc<Self>, name: &str) -> Result<()> {
        let container = self.containers.find(name)?;
        self.start(&container, true).await
    }

    /// Starts a container, by its user or by its policy.
    pub(crate) async fn start(
        self: &Arc<Self>,
        container: &Arc<Container>,
        by_user: bool,
    ) -> Result<()> {
        let _operation = container.operation.lock().await;
        match container.status() {
            Status::Running => {
                return Err(Error::new(
                    ErrorKind::NotModified,
                    format_args!("container {} is already running", container.id),
                ));
            }
            Status::Paused => {
                return Err(Error::conflict(
                    "cannot start a paused container, try unpause instead",
                ));
            }
            Status::Removing | Status::Dead => {
                return Err(Error::conflict(
                    "container is marked for removal and cannot be started",
                ));
            }
            Status::Restarting if by_user => self.forget_restart(container),
            Status::Restarting | Status::Created | Status::Exited => {}
        }
        match self.launch(container).await {
            Ok(started) => self.note_start(container, started, by_user).await,
            Err(error) => {
                self.release_network(container).await;
                self.note_failed_start(container, &error).await;
                Err(error)
            }
        }
    }

    async fn note_start(
        self: &Arc<Self>,
        container: &Arc<Container>,
        started: Started,
        by_user: bool,
    ) -> Result<()> {
        let record = container.change(|record| {
            let state = &mut record.state;
            state.status = Status::Running;
            state.pid = started.running.pid;
            state.exit_code = 0;
            state.error.clear();
            state.oom_killed = false;
            state.started_at = Some(Timestamp::from_nanos(started.running.started_at_ns.into()));
            if by_user {
                state.restart_count = 0;
            }
            state.stopped_by_user = false;
        });
        container.set_link(Some(Arc::clone(&started.link)));
        container.set_alive(true);
        let committed = self.commit_record(&record).await;
        crate::failpoint::reach("start.recorded");
        self.networks.forget_sandbox(&container.id);
        self.connected(container);
        self.mount_events(&record, true);
        self.container_event(container, "start", &[]);
        self.begin_health(container);
        tokio::spawn(Arc::clone(self).monitor(
            Arc::clone(container),
            started.link,
            started.control,
            Some(started.launched),
        ));
        // It runs even so: the next engine learns it from the supervisor.
        committed
    }

    async fn note_failed_start(self: &Arc<Self>, container: &Arc<Container>, error: &Error) {
        let exit_code = match error.kind() {
            ErrorKind::CommandNotFound => 127,
            ErrorKind::CommandNotExecutable => 126,
            _ => 128,
        };
        container.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let record = container.change(|record| {
            if record.state.status == Status::Restarting {
                record.state.status = Status::Exited;
            }
            record.state.exit_code = exit_code;
            record.state.error = error.full_message();
            record.state.pid = 0;
        });
        container.life.send_modify(|life| {
            life.alive = false;
            life.exits += 1;
            life.exit_code = exit_code;
        });
        let directory = self.exec_dir(&container.id);
        let _ = blocking(move || {
            let _ = std::fs::remove_dir_all(directory);
            Ok(())
        })
        .await;
        if record.host.auto_remove {
            if let Err(error) = self.discard(container, true).await {
                tracing::warn!(container = %container.id, error = %error.full_message(), "not removed after its start failed");
            }
        } else if let Err(error) = self.commit_record(&record).await {
            tracing::warn!(container = %container.id, error = %error.full_message(), "failed start not recorded");
        }
    }

    async fn launch(self: &Arc<Self>, container: &Arc<Container>) -> Result<Started> {
        self.prepare_network(container).await?;
        let record = &container.record();
        let engine = Arc::clone(self);
        let prepared = record.clone();
        // The interfaces are made while the supervisor starts, which waits for us to go on.
        let (launched, plumbed) = tokio::join!(
            blocking(move || engine.launch_supervisor(&prepared)),
            self.plumb(container)
        );
        let mut launched = launched?;
        if let Err(error) = plumbed {
            let _ = launched.child.kill();
            let _ = blocking(move || Ok(launched.child.wait())).await;
            return Err(error);
        }
        crate::failpoint::reach("start.spawned");
        let child = launched.child.id();
        match self.start_process(container, record, launched).await {
            Ok(started) => {
                crate::failpoint::reach("start.started");
                Ok(started)
            }
            Err(error) => {
                tracing::debug!(container = %container.id, supervisor = child, "start failed");
                Err(error)
            }
        }
    }

    /// Everything until the supervisor runs; blocks.
    fn launch_supervisor(&self, record: &Record) -> Result<Launched> {
        let directory = self.exec_dir(&record.id);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(format_args!("clear {}", directory.display()))(error));
            }
            _ => {}
        }
        make_directory(&directory, 0o700)?;
        crate::failpoint::reach("start.directory");
        self.write_files(record)?;
        let root = self
            .store
            .snapshots()
            .mounts(&record.id)
            .and_then(|mounts| mounts.open(&isopod_images::MountOptions::default()))
            .map_err(|source| {
                Error::internal(format_args!("mount the root file system of {}", record.id))
                    .because(source)
            })?;
        let (spec, prepared) = spec::build(self, record, root.as_fd())?;
        let (destinations, mounts): (Vec<_>, Vec<_>) = prepared.into_iter().unzip();
        let mut config = self.supervisor_config(record)?;
        config.mounts = destinations;
        write(&directory.join(file::SPEC), &serde_json::to_vec(&spec).expect("plain data"))?;
        write(&directory.join(file::CONFIG), &serde_json::to_vec(&config).expect("plain data"))?;
        self.launcher.launch_with_mounts(&directory, Mode::StartOnMount, Some(root), &mounts)
    }

    fn supervisor_config(&self, record: &Record) -> Result<isopod_supervisor::Config> {
        Ok(isopod_supervisor::Config {
            id: record.id.clone(),
            runtime_root: self.runtime.root().to_path_buf(),
            systemd_cgroup: self.config.systemd_cgroups,
            open_stdin: record.config.open_stdin,
            removed_at_end: record.host.auto_remove,
            mounts: Vec::new(),
            log: self.log_plan(record)?,
        })
    }

    /// Connects those who wait, and starts the container's process.
    async fn start_process(
        &self,
        container: &Container,
        record: &Record,
        mut launched: Launched,
    ) -> Result<Started> {
        let link = Arc::new(Link::open(&self.exec_dir(&container.id))?);
        let outcome = async {
            let waiting = std::mem::take(
                &mut *container.waiting.lock().unwrap_or_else(PoisonError::into_inner),
            );
            for pending in waiting.into_iter().filter(|pending| !pending.is_gone()) {
                let (control, _) = link.request(&Request::Attach(pending.attach.clone())).await?;
                pending.connect(control);
            }
            link.request(&Request::Start).await
        }
        .await;
        match outcome {
            Ok((mut control, Reply::Started(running))) => {
                link.keep_terminal(control.take_fd());
                link.keep_stdin(record.config.open_stdin && !record.config.tty);
                Ok(Started { link, control, launched, running })
            }
            outcome => {
                let _ = launched.child.kill();
                let note = std::fs::read_to_string(link.path().join("supervisor.log")).ok();
                let _ = blocking(move || {
                    let _ = launched.child.wait();
                    Ok(())
                })
                .await;
                let error = match outcome {
                    Err(error) => error,
                    Ok(_) => Error::internal("the supervisor answered something else"),
                };
                Err(Error::new(
                    error.kind(),
                    format_args!(
                        "failed to create task for container: {}{}",
                        error.full_message(),
                        note.map(|note| format!(" ({})", note.trim())).unwrap_or_default()
                    ),
                ))
            }
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(Error::io(format_args!("write {}", path.display())))
}
