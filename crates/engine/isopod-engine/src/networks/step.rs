//! The network of a build's step: like that of a container, but nothing of it is recorded.

use crate::Engine;
use crate::containers::{Container, Record};
use crate::engine::blocking;
use crate::error::Result;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Gives a step that is about to run the network that its record names. What is returned is
    /// to be handed to [`Engine::leave_step`], whatever happens.
    pub(crate) async fn join_step(self: &Arc<Self>, record: &mut Record) -> Result<Arc<Container>> {
        record.networks = self.plan_endpoints(&record.host.network_mode, BTreeMap::new(), &[])?;
        if !record.networks.endpoints.is_empty() {
            record.networks = self.take_endpoints(record)?;
        }
        let container = Container::new(record.clone());
        if record.networks.endpoints.is_empty() {
            return Ok(container);
        }
        let outcome = async {
            let engine = Arc::clone(self);
            let namespace = blocking(move || Ok(engine.networks.fabric.pool.take()?)).await?;
            self.networks.sandboxes().insert(record.id.clone(), Arc::new(namespace));
            self.plumb(&container).await
        };
        match outcome.await {
            Ok(()) => Ok(container),
            Err(error) => {
                self.leave_step(&container).await;
                Err(error)
            }
        }
    }

    /// Gives back what a step had.
    pub(crate) async fn leave_step(self: &Arc<Self>, container: &Arc<Container>) {
        self.release_network(container).await;
    }
}
