//! Removing networks.

use super::{bridge_of, key};
use crate::engine::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::volumes::{check_filters, has_label};
use crate::{Engine, Filters, Network, NetworkDriver};
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use std::sync::Arc;

impl Engine {
    /// Removes a network that no running container is in.
    pub async fn remove_network(self: &Arc<Self>, name: &str) -> Result<()> {
        let network = self.networks.find(name)?;
        if network.is_predefined() {
            return Err(Error::new(
                ErrorKind::Forbidden,
                format_args!("{} is a pre-defined network and cannot be removed", network.name),
            ));
        }
        let (engine, target) = (Arc::clone(self), network.clone());
        blocking(move || engine.unmake_network(&target)).await?;
        self.network_event(&network, "destroy", &[]);
        Ok(())
    }

    fn unmake_network(&self, network: &Network) -> Result<()> {
        let _turn = self.network_turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let active = self.network(&network.id)?.members.into_iter().filter_map(|member| {
            Some(format!("name:\"{}\" id:\"{}\"", member.name, &member.endpoint?.id[..12]))
        });
        let active: Vec<_> = active.collect();
        if !active.is_empty() {
            return Err(Error::new(
                ErrorKind::Forbidden,
                format_args!(
                    "error while removing network: network {} has active endpoints ({})",
                    network.name,
                    active.join(", ")
                ),
            ));
        }
        // From here on nobody can join it.
        let entry = self.networks.lock().by_id.remove(&network.id);
        let outcome = (|| {
            self.journal.commit(Batch::new().delete(key(network)))?;
            crate::failpoint::reach("network.unrecorded");
            if network.driver == NetworkDriver::Bridge {
                self.networks.fabric.remove(&bridge_of(network)?)?;
            }
            Ok(())
        })();
        if let (Err(_), Some(entry)) = (&outcome, entry)
            && self.journal.get(&key(network)).is_some()
        {
            self.networks.lock().by_id.insert(network.id.clone(), entry);
        }
        outcome
    }

    /// Removes networks that no container names, by the filters `label label! until`; returns
    /// their names.
    pub async fn prune_networks(self: &Arc<Self>, filters: &Filters) -> Result<Vec<String>> {
        check_filters(filters, &["label", "label!", "until"])?;
        let until = crate::times::until(filters)?;
        let mut removed = Vec::new();
        for network in self.networks.all() {
            let labelled = |key: &str| {
                filters.get(key).map(|values| values.iter().any(|v| has_label(&network.labels, v)))
            };
            let old =
                until.is_none_or(|until| network.created.unwrap_or_else(Timestamp::now) < until);
            if network.is_predefined()
                || !old
                || !labelled("label").unwrap_or(true)
                || labelled("label!").unwrap_or(false)
                || !self.network_users(&network).is_empty()
            {
                continue;
            }
            if self.remove_network(&network.id).await.is_ok() {
                removed.push(network.name);
            }
        }
        let attributes =
            std::collections::BTreeMap::from([("reclaimed".to_owned(), "0".to_owned())]);
        self.emit(crate::EventType::Network, "prune", "", attributes);
        Ok(removed)
    }
}
