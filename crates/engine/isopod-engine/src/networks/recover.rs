//! Bringing the host in line with the records: when an engine starts.

use super::{bridge_name, bridge_of};
use crate::Engine;
use crate::engine::blocking;
use crate::error::Result;
use crate::{Network, NetworkDriver};
use isopod_network::{BridgeOptions, Fabric, Watch};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Compares bridges, interfaces and rules with the records of networks and running containers,
    /// repairs what differs and removes what is left over.
    pub(crate) async fn reconcile_networks(self: &Arc<Self>) -> Result<()> {
        if self.config.rootless {
            return Ok(());
        }
        let engine = Arc::clone(self);
        blocking(move || engine.reconcile_now()).await?;
        self.resume_names().await;
        Ok(())
    }

    /// Brings our rules back when somebody removes all rules of the machine, as reloading a
    /// firewall often does.
    pub(crate) fn watch_rules(self: &Arc<Self>) {
        if self.config.rootless {
            return;
        }
        let engine = Arc::downgrade(self);
        let watching = std::thread::Builder::new().name("rules".into()).spawn(move || {
            let watch = Watch::open()?;
            while engine.strong_count() > 0 {
                if !watch.wait()? {
                    continue;
                }
                let Some(engine) = engine.upgrade() else { break };
                match engine.networks.fabric.repair() {
                    Ok(true) => tracing::warn!("the rules of containers' networks were removed by somebody: made anew"),
                    Ok(false) => {}
                    Err(error) => tracing::error!(error = %isopod_base::chain(&error), "the rules of containers' networks cannot be made anew"),
                }
            }
            Ok::<(), isopod_network::Error>(())
        });
        if let Err(error) = watching {
            tracing::warn!(%error, "the rules of containers' networks are not watched");
        }
    }

    fn reconcile_now(&self) -> Result<()> {
        let mut ports = BTreeMap::new();
        let mut published = Vec::new();
        let mut in_use = std::collections::BTreeSet::new();
        for container in self.containers.all() {
            let record = container.record();
            if !record.state.status.is_alive() {
                continue;
            }
            self.networks.retake(&record.networks);
            published.extend(record.networks.published.iter().copied());
            for endpoint in record.networks.endpoints.values() {
                let Some(active) = &endpoint.active else { continue };
                in_use.insert(endpoint.network_id.clone());
                let bridge = self.bridge_interface(&endpoint.network_id);
                if let (Some(bridge), false) = (bridge, active.host_interface.is_empty()) {
                    ports.insert(active.host_interface.clone(), bridge);
                }
            }
        }
        let mut known = Vec::new();
        let mut wanted = Vec::new();
        for network in self.networks.all() {
            if network.driver != NetworkDriver::Bridge {
                continue;
            }
            let bridge = bridge_of(&network)?;
            if self.is_wanted(&network, in_use.contains(&network.id), &bridge.zone.bridge) {
                wanted.push(bridge.clone());
            }
            known.push(bridge);
        }
        Ok(self.networks.fabric.reconcile(&wanted, &known, &ports, &published)?)
    }

    /// The default network's bridge is made when its first container starts; the others were made
    /// with their networks.
    fn is_wanted(&self, network: &Network, in_use: bool, bridge: &str) -> bool {
        in_use || !network.is_predefined() || {
            let recorded = self.networks.lock().by_id.get(&network.id).is_some_and(|e| e.recorded);
            recorded && Fabric::has_interface(bridge).unwrap_or(false)
        }
    }

    fn bridge_interface(&self, network_id: &str) -> Option<String> {
        let network = self.networks.find(network_id).ok()?;
        let options = BridgeOptions::parse(&network.options).ok()?;
        Some(bridge_name(&network, &options))
    }
}
