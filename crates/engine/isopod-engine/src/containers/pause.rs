//! Freezing and thawing containers.

use super::Container;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{Engine, Status};
use std::sync::Arc;

impl Engine {
    /// Freezes all processes of a container.
    pub async fn pause_container(&self, name: &str) -> Result<()> {
        let container = self.containers.find(name)?;
        let _operation = container.operation.lock().await;
        match container.status() {
            Status::Running => {}
            Status::Paused => {
                return Err(Error::conflict(format_args!("Container {name} is already paused")));
            }
            Status::Restarting => {
                return Err(Error::conflict(format_args!(
                    "Container {name} is restarting, wait until the container is running"
                )));
            }
            _ => {
                return Err(Error::conflict(format_args!(
                    "Container {} is not running",
                    container.id
                )));
            }
        }
        self.with_runtime(&container, isopod_runtime::Container::pause).await?;
        let record = container.change(|record| record.state.status = Status::Paused);
        self.commit_record(&record).await?;
        self.container_event(&container, "pause", &[]);
        Ok(())
    }

    /// Thaws them.
    pub async fn unpause_container(&self, name: &str) -> Result<()> {
        let container = self.containers.find(name)?;
        let _operation = container.operation.lock().await;
        if container.status() != Status::Paused {
            return Err(Error::conflict(format_args!("Container {name} is not paused")));
        }
        self.resume(&container).await
    }

    pub(crate) async fn resume(&self, container: &Arc<Container>) -> Result<()> {
        self.with_runtime(container, isopod_runtime::Container::resume).await?;
        let record = container.change(|record| record.state.status = Status::Running);
        self.commit_record(&record).await?;
        self.container_event(container, "unpause", &[]);
        Ok(())
    }

    /// Does something with a container through the runtime, on a thread that may block.
    pub(crate) async fn with_runtime<T: Send + 'static>(
        &self,
        container: &Container,
        work: impl FnOnce(&isopod_runtime::Container) -> isopod_runtime::Result<T> + Send + 'static,
    ) -> Result<T> {
        let runtime = self.runtime.clone();
        let id = container.id.clone();
        blocking(move || {
            runtime
                .load(&id)
                .and_then(|loaded| work(&loaded))
                .map_err(|error| runtime_error(&id, error))
        })
        .await
    }
}

/// What the runtime says, as the engine says it.
pub(crate) fn runtime_error(id: &str, error: isopod_runtime::Error) -> Error {
    use isopod_runtime::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NotRunning => Error::not_running(id),
        Kind::Invalid => Error::invalid(format_args!("container {id}")).because(error),
        _ => Error::internal(format_args!("container {id}")).because(error),
    }
}
