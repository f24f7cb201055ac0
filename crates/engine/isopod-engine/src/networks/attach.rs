//! A container's networks from its start to its end.
//!
//! Order: addresses and ports are taken in memory and recorded with the container, then
//! interfaces and rules are made, then the container starts. A crash in between leaves a record of
//! something that a container which does not run has; the next engine clears it.

use super::{Entry, Networks, bridge_of};
use crate::containers::{Container, Record};
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{
    ActiveEndpoint, ContainerNetworks, Endpoint, Engine, Network, NetworkDriver, NetworkMode,
};
use isopod_journal::Batch;
use isopod_network::{
    Attachment, BridgeOptions, Mac, MacvlanOptions, Namespace, Publication, Subnet,
};
use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long the kernel has for removing the interfaces of a container that ended, before they
/// are removed by name: most often they are gone with its namespace by then.
const LINGER: Duration = Duration::from_millis(300);
/// Characters of an endpoint's id in the name of the host's interface.
const ID_IN_NAME: usize = 10;
/// Namespaces kept ready.
const POOL: usize = 4;

/// An endpoint with its network.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) network: Network,
    pub(super) endpoint: ActiveEndpoint,
}

impl Engine {
    /// Takes addresses, ports and a namespace for a container that is about to start. `false` if
    /// it has no network of its own.
    pub(crate) async fn prepare_network(
        self: &Arc<Self>,
        container: &Arc<Container>,
    ) -> Result<bool> {
        let record = container.record();
        if !matches!(record.host.network_mode, NetworkMode::Named(_)) {
            return Ok(false);
        }
        let networks = self.take_endpoints(&record)?;
        let mut batch = Batch::new();
        for endpoint in networks.endpoints.values() {
            batch = self.networks.record(&endpoint.network_id, batch);
        }
        let record = container.change(|record| record.networks = networks);
        self.commit(batch.put(record.key(), record.to_bytes())).await?;
        crate::failpoint::reach("network.taken");
        let engine = Arc::clone(self);
        let namespace = blocking(move || Ok(engine.networks.fabric.pool.take()?)).await?;
        self.networks.sandboxes().insert(container.id.clone(), Arc::new(namespace));
        let engine = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = engine.networks.fabric.pool.fill(POOL) {
                tracing::debug!(error = %isopod_base::chain(&error), "no namespace made ahead");
            }
        });
        Ok(true)
    }

    /// Makes the interfaces and rules of a prepared container.
    pub(crate) async fn plumb(self: &Arc<Self>, container: &Arc<Container>) -> Result<()> {
        let Some(namespace) = self.networks.sandbox(&container.id) else {
            return Ok(());
        };
        let (engine, record) = (Arc::clone(self), container.record());
        let sockets = blocking(move || {
            for joined in engine.joined(&record.networks)? {
                engine.make_interface(&namespace, &joined)?;
            }
            engine.networks.fabric.publish(&record.networks.published)?;
            engine.open_resolver(&record, &namespace)
        });
        match sockets.await? {
            Some(sockets) => self.serve_names(&container.id, sockets),
            None => Ok(()),
        }
    }

    /// Gives back what a container that has ended, or did not start, had. Its record is changed in
    /// memory; the caller commits it. Returns what it had.
    pub(crate) async fn release_network(
        self: &Arc<Self>,
        container: &Arc<Container>,
    ) -> ContainerNetworks {
        self.networks.forget_sandbox(&container.id);
        drop(self.networks.resolvers().remove(&container.id));
        let before = container.record().networks;
        if before.published.is_empty() && before.endpoints.values().all(|e| e.active.is_none()) {
            return before;
        }
        container.change(|record| {
            record.networks.published.clear();
            record.networks.endpoints.values_mut().for_each(|endpoint| endpoint.active = None);
        });
        let interfaces = self.release_endpoints(&before);
        let published = before.published.clone();
        let engine = Arc::clone(self);
        let withdrawn = blocking(move || {
            engine.networks.fabric.withdraw(&published)?;
            engine.networks.fabric.ports.release(&published);
            Ok(())
        })
        .await;
        if let Err(error) = withdrawn {
            tracing::error!(container = %container.id, error = %error.full_message(), "its ports stay published until the next start");
        }
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            let _ = blocking(move || {
                interfaces.iter().try_for_each(|name| engine.networks.fabric.detach(name))?;
                Ok(())
            })
            .await;
        });
        before
    }

    /// Tells that a container has joined its networks.
    pub(crate) fn connected(&self, container: &Container) {
        self.tell_networks(container, &container.record().networks, "connect");
    }

    /// Tells that a container has left its networks.
    pub(crate) fn disconnected(&self, container: &Container, networks: &ContainerNetworks) {
        self.tell_networks(container, networks, "disconnect");
    }

    fn tell_networks(&self, container: &Container, networks: &ContainerNetworks, action: &str) {
        let active = networks.endpoints.values().filter(|endpoint| endpoint.active.is_some());
        let mut names: Vec<&str> = active.map(|endpoint| endpoint.network_id.as_str()).collect();
        // These two have no endpoints of ours.
        match container.record().host.network_mode {
            NetworkMode::None => names.push("none"),
            NetworkMode::Host => names.push("host"),
            _ => {}
        }
        for network in names.into_iter().filter_map(|name| self.networks.find(name).ok()) {
            self.network_event(&network, action, &[("container", container.id.clone())]);
        }
    }

    /// Gives the addresses of endpoints back; returns the names of their interfaces on the host.
    pub(super) fn release_endpoints(&self, networks: &ContainerNetworks) -> Vec<String> {
        let mut index = self.networks.lock();
        let mut interfaces = Vec::new();
        for endpoint in networks.endpoints.values() {
            let Some(active) = &endpoint.active else { continue };
            if let Some(entry) = index.by_id.get_mut(&endpoint.network_id) {
                active.addresses.iter().for_each(|address| entry.release(address.address()));
            }
            if !active.host_interface.is_empty() {
                interfaces.push(active.host_interface.clone());
            }
        }
        interfaces
    }

    /// Takes addresses in every network of a container, and its ports.
    pub(super) fn take_endpoints(&self, record: &Record) -> Result<ContainerNetworks> {
        let mut networks = record.networks.clone();
        networks.published.clear();
        let mut order = Vec::new();
        for (name, endpoint) in &mut networks.endpoints {
            endpoint.active = None;
            // A network that was made anew under its name takes the old one's place.
            let network =
                self.networks.find(&endpoint.network_id).or_else(|_| self.networks.find(name))?;
            endpoint.network_id.clone_from(&network.id);
            order.push((
                Reverse(endpoint.settings.gateway_priority),
                network.internal,
                !network.ipv4,
                name.clone(),
            ));
        }
        order.sort();
        let outcome = self.take_in_order(record, &mut networks, order.into_iter().map(|o| o.3));
        if let Err(error) = outcome {
            self.release_endpoints(&networks);
            return Err(error);
        }
        Ok(networks)
    }

    fn take_in_order(
        &self,
        record: &Record,
        networks: &mut ContainerNetworks,
        order: impl Iterator<Item = String>,
    ) -> Result<()> {
        let mut numbers = Numbers::default();
        let mut has_default = false;
        for name in order {
            let endpoint = networks.endpoints.get_mut(&name).expect("a name of this map");
            let network = self.networks.find(&endpoint.network_id)?;
            let mut active = self.networks.take(&network, endpoint)?;
            active.interface = numbers.next(&interface_prefix(&network)?);
            if !has_default && !network.internal {
                active.is_default = true;
                has_default = true;
            }
            endpoint.active = Some(active);
        }
        networks.published = self.take_ports(record, networks)?;
        Ok(())
    }

    /// The endpoints of a running container with their networks.
    pub(super) fn joined(&self, networks: &ContainerNetworks) -> Result<Vec<Joined>> {
        let active = networks.endpoints.values().filter_map(|endpoint| {
            let active = endpoint.active.clone()?;
            Some((endpoint.network_id.clone(), active))
        });
        active
            .map(|(id, endpoint)| Ok(Joined { network: self.networks.find(&id)?, endpoint }))
            .collect()
    }

    /// Makes the interface of an endpoint in a namespace.
    pub(super) fn make_interface(&self, namespace: &Namespace, joined: &Joined) -> Result<()> {
        let Joined { network, endpoint } = joined;
        let attachment = Attachment {
            host_name: endpoint.host_interface.clone(),
            name: endpoint.interface.clone(),
            mac: endpoint.mac,
            addresses: endpoint.addresses.clone(),
            gateways: default_gateways(network, endpoint),
        };
        let fabric = &self.networks.fabric;
        match network.driver {
            NetworkDriver::Bridge => fabric.attach(namespace, &bridge_of(network)?, &attachment)?,
            NetworkDriver::Macvlan => {
                let options = MacvlanOptions::parse(&network.options)?;
                let parent = options.parent.unwrap_or_default();
                fabric.attach_macvlan(namespace, &parent, options.mode, &attachment)?;
            }
            NetworkDriver::Host | NetworkDriver::Null => {}
        }
        Ok(())
    }
}

/// The gateways that a container's default routes go by, for this endpoint.
pub(super) fn default_gateways(network: &Network, endpoint: &ActiveEndpoint) -> Vec<IpAddr> {
    if network.internal || !endpoint.is_default { Vec::new() } else { endpoint.gateways.clone() }
}

pub(super) fn interface_prefix(network: &Network) -> Result<String> {
    Ok(match network.driver {
        NetworkDriver::Macvlan => MacvlanOptions::parse(&network.options)?.interface_prefix,
        _ => BridgeOptions::parse(&network.options)?.interface_prefix,
    })
}

/// Numbers for interfaces, counted for each first part of the name.
#[derive(Debug, Default)]
struct Numbers(std::collections::HashMap<String, u32>);

impl Numbers {
    fn next(&mut self, prefix: &str) -> String {
        let number = self.0.entry(prefix.to_owned()).or_default();
        let name = format!("{prefix}{number}");
        *number += 1;
        name
    }
}

impl Networks {
    /// Takes addresses for an endpoint. Its interface is not named yet.
    pub(super) fn take(&self, network: &Network, endpoint: &Endpoint) -> Result<ActiveEndpoint> {
        if network.driver == NetworkDriver::Host || network.driver == NetworkDriver::Null {
            return Err(Error::invalid(format_args!(
                "container cannot be connected to {} network together with others",
                network.name
            )));
        }
        let mut index = self.lock();
        let entry = index
            .by_id
            .get_mut(&network.id)
            .ok_or_else(|| Error::not_found(format_args!("network {} not found", network.id)))?;
        let mut taken: Vec<Subnet> = Vec::new();
        for v6 in [false, true] {
            let wanted = if v6 {
                endpoint.settings.ipv6.map(IpAddr::from)
            } else {
                endpoint.settings.ipv4.map(IpAddr::from)
            };
            match take_address(entry, v6, wanted) {
                Ok(address) => taken.extend(address),
                Err(error) => {
                    taken.iter().for_each(|address| entry.release(address.address()));
                    return Err(error);
                }
            }
        }
        let v4 = taken.iter().find_map(|subnet| match subnet.address() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        let mac = endpoint.settings.mac.or(v4.map(Mac::of_address));
        let id = isopod_base::id::full();
        let gateways = network
            .subnets
            .iter()
            .filter(|subnet| taken.iter().any(|address| subnet.subnet.contains(address.address())));
        let gateways = gateways.filter_map(|subnet| subnet.gateway).collect();
        let host_interface = match network.driver {
            NetworkDriver::Bridge => format!("veth{}", &id[..ID_IN_NAME]),
            _ => String::new(),
        };
        Ok(ActiveEndpoint {
            id,
            interface: String::new(),
            host_interface,
            mac: mac.unwrap_or_else(|| Mac::local(isopod_base::id::random_bytes())),
            addresses: taken,
            gateways: if network.internal && network.driver == NetworkDriver::Bridge {
                Vec::new()
            } else {
                gateways
            },
            is_default: false,
        })
    }

    /// Marks the addresses of running containers as taken.
    pub(super) fn retake(&self, networks: &ContainerNetworks) {
        let mut index = self.lock();
        for endpoint in networks.endpoints.values() {
            let Some(entry) = index.by_id.get_mut(&endpoint.network_id) else { continue };
            for address in endpoint.active.iter().flat_map(|active| &active.addresses) {
                for pool in &mut entry.addresses {
                    let _ = pool.take(address.address());
                }
            }
        }
        let published: &[Publication] = &networks.published;
        self.fabric.ports.retake(published);
    }
}

/// Takes an address of a family; `None` if the network has no subnet of it.
fn take_address(entry: &mut Entry, v6: bool, wanted: Option<IpAddr>) -> Result<Option<Subnet>> {
    let mut pools: Vec<_> =
        entry.addresses.iter_mut().filter(|pool| pool.subnet().is_v6() == v6).collect();
    if let Some(wanted) = wanted {
        let Some(pool) = pools.iter_mut().find(|pool| pool.subnet().contains(wanted)) else {
            return Err(Error::invalid(format_args!(
                "no configured subnet or ip-range contain the IP address {wanted}"
            )));
        };
        pool.take(wanted)?;
        return Ok(Some(pool.subnet().with_address(wanted)));
    }
    let mut failure = None;
    for pool in pools {
        match pool.take_any() {
            Ok(address) => return Ok(Some(pool.subnet().with_address(address))),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(None), |error| Err(error.into()))
}
