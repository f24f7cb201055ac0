//! Removing containers.
//!
//! The record goes first; what a crash leaves after that has no record, and the next start of the
//! engine removes it.

use super::Container;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{Engine, RemoveContainer, Status};
use isopod_journal::Batch;
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;

impl Engine {
    /// Removes a container.
    pub async fn remove_container(
        self: &Arc<Self>,
        name: &str,
        options: RemoveContainer,
    ) -> Result<()> {
        let container = self.containers.find(name)?;
        let status = container.status();
        if status == Status::Removing {
            return Err(Error::conflict(format_args!(
                "removal of container {name} is already in progress"
            )));
        }
        if status.is_alive() || status == Status::Restarting {
            if !options.force {
                let advice = if status == Status::Paused {
                    "container is paused and must be unpaused first"
                } else {
                    "container is running: stop the container before removing or force remove"
                };
                return Err(Error::conflict(format_args!(
                    "cannot remove container {:?}: {advice}",
                    format!("/{}", container.name())
                )));
            }
            // A container that goes when it ends would be removed under our hands.
            container.change(|record| {
                record.host.auto_remove = false;
                record.state.stopped_by_user = true;
            });
            if !self.cancel_restart(&container).await? {
                match self.send_signal(&container, Signal::KILL.as_raw()).await {
                    Err(error) if container.status().is_alive() => return Err(error),
                    _ => self.await_end(&container, Duration::from_secs(30)).await?,
                }
            }
        }
        let _operation = container.operation.lock().await;
        if container.life.borrow().removed {
            return Ok(());
        }
        if container.status().is_alive() {
            return Err(Error::conflict(format_args!("container {name} was started again")));
        }
        self.discard(&container, options.volumes).await
    }

    /// Removes a container that does not run; the caller holds its operation.
    pub(crate) async fn discard(
        self: &Arc<Self>,
        container: &Arc<Container>,
        volumes: bool,
    ) -> Result<()> {
        let before = container.status();
        let record = container.change(|record| record.state.status = Status::Removing);
        let own = if volumes { self.own_volumes(&record) } else { Vec::new() };
        let gone = self.discard_volumes(own, Batch::new().delete(record.key())).await;
        if let Err(error) = gone {
            container.change(|record| record.state.status = before);
            return Err(error);
        }
        crate::failpoint::reach("remove.unrecorded");
        let (store, id) = (Arc::clone(&self.store), container.id.clone());
        let (data, exec) = (self.data_dir(&id), self.exec_dir(&id));
        blocking(move || {
            match store.snapshots().stat(&id) {
                Ok(None) => {}
                _ => {
                    if let Err(error) = store.snapshots().remove(&id) {
                        tracing::warn!(container = %id, error = %isopod_base::chain(&error), "its snapshot stays until the next start");
                    }
                }
            }
            crate::failpoint::reach("remove.snapshot");
            for directory in [data, exec] {
                match std::fs::remove_dir_all(&directory) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        tracing::warn!(path = %directory.display(), %error, "stays until the next start");
                    }
                    _ => {}
                }
                crate::failpoint::reach("remove.directory");
            }
            Ok(())
        })
        .await?;
        self.container_event(container, "destroy", &[]);
        self.containers.remove(container);
        self.execs.forget(&container.id);
        container.life.send_modify(|life| {
            life.alive = false;
            life.removed = true;
        });
        Ok(())
    }
}
