//! Waiting for containers.

use super::{Container, Life};
use crate::error::Result;
use crate::{Engine, WaitCondition, WaitResult};
use tokio::sync::watch;

/// A wait that has begun: nothing that happens from now on is missed.
#[derive(Debug)]
pub struct ContainerWait {
    life: watch::Receiver<Life>,
    condition: WaitCondition,
    exits_before: u64,
}

impl ContainerWait {
    pub(crate) fn begin(container: &Container, condition: WaitCondition) -> Self {
        let life = container.life.subscribe();
        let exits_before = life.borrow().exits;
        Self { life, condition, exits_before }
    }

    /// Waits for what was asked for.
    pub async fn result(mut self) -> WaitResult {
        let before = self.exits_before;
        let condition = self.condition;
        let over = |life: &Life| {
            life.removed
                || life.remove_error.is_some()
                || match condition {
                    WaitCondition::NotRunning => !life.alive,
                    WaitCondition::NextExit => life.exits > before,
                    WaitCondition::Removed => false,
                }
        };
        match self.life.wait_for(over).await {
            Ok(life) => WaitResult {
                exit_code: life.exit_code,
                error: life.remove_error.clone().filter(|_| condition == WaitCondition::Removed),
            },
            Err(_) => WaitResult { exit_code: 0, error: Some("the engine is stopping".into()) },
        }
    }
}

impl Engine {
    /// Begins to wait; when this returns the wait is registered.
    pub async fn wait_container(
        &self,
        name: &str,
        condition: WaitCondition,
    ) -> Result<ContainerWait> {
        Ok(ContainerWait::begin(&*self.containers.find(name)?, condition))
    }
}
