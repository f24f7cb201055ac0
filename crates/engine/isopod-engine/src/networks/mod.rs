//! Networks: what is known of each, and how they are found.
//!
//! Durable are a network's record and, in a container's record, the addresses and ports that it
//! has: which ones are free is worked out from those at the start. So nothing can leak, and what a
//! crash interrupts is made good by comparing ([`crate::Engine::reconcile_networks`]).

mod attach;
mod connect;
mod create;
mod list;
mod names;
mod options;
mod publish;
mod recover;
mod remove;
mod resolve;
mod step;

pub(crate) use connect::no_image_missing;
pub use create::predefined_id as predefined_network_id;
pub(crate) use names::split_link;
pub use options::NetworkOptions;
pub(crate) use publish::wanted as wanted_ports;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::{Network, NetworkDriver};
use isopod_journal::{Batch, Journal};
use isopod_network::dns::Resolver;
use isopod_network::{Addresses, Bridge, BridgeOptions, Fabric, Namespace, Zone};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const PREFIX: &str = "network/";
/// Name of the default network's bridge, unless it is taken.
const DEFAULT_BRIDGE: &str = "isopod0";
/// Characters of a network's id in its bridge's name.
const ID_IN_NAME: usize = 12;

/// The networks of an engine.
#[derive(Debug)]
pub(crate) struct Networks {
    index: Mutex<Index>,
    pub(crate) fabric: Fabric,
    /// Namespaces of containers that are being started.
    sandboxes: Mutex<HashMap<String, Arc<Namespace>>>,
    /// Name services of running containers.
    resolvers: Mutex<HashMap<String, Resolver>>,
    pub(crate) options: NetworkOptions,
    /// Seed of the engine's own range of IPv6 addresses.
    seed: [u8; 5],
}

#[derive(Debug, Default)]
struct Index {
    by_id: BTreeMap<String, Entry>,
}

/// A network in memory.
#[derive(Clone, Debug)]
struct Entry {
    network: Network,
    /// Which addresses are taken, one for each subnet.
    addresses: Vec<Addresses>,
    /// Whether there is a record of it in the journal.
    recorded: bool,
}

impl Entry {
    fn new(network: Network, recorded: bool) -> Self {
        let addresses = network
            .subnets
            .iter()
            .map(|subnet| {
                let mut addresses = Addresses::new(subnet.subnet, subnet.range);
                for address in subnet.gateway.iter().chain(subnet.auxiliary.values()) {
                    // One that is outside of its subnet takes nothing from anybody.
                    let _ = addresses.take(*address);
                }
                addresses
            })
            .collect();
        Self { network, addresses, recorded }
    }

    fn release(&mut self, address: IpAddr) {
        for pool in &mut self.addresses {
            pool.release(address);
        }
    }
}

pub(crate) fn key(network: &Network) -> String {
    format!("{PREFIX}{}", network.id)
}

impl Networks {
    pub(crate) fn load(journal: &Journal, config: &Config, engine_id: &str) -> Result<Self> {
        let plain: String = engine_id.chars().filter(|c| *c != '-').take(8).collect();
        let usual = config.data_root.as_path() == std::path::Path::new("/var/lib/isopod");
        let table = if usual { "isopod".to_owned() } else { format!("isopod-{plain}") };
        let mut seed = [0; 5];
        for (byte, text) in seed.iter_mut().zip(engine_id.bytes().rev()) {
            *byte = text;
        }
        let mut index = Index::default();
        for (key, bytes) in journal.scan(PREFIX) {
            let network: Network = serde_json::from_slice(&bytes).map_err(|source| {
                Error::internal(format_args!("the journal's record {key} is damaged"))
                    .because(source)
            })?;
            index.by_id.insert(network.id.clone(), Entry::new(network, true));
        }
        let networks = Self {
            index: Mutex::new(index),
            fabric: Fabric::new(&plain, &table, config.exec_root.join("network")),
            sandboxes: Mutex::default(),
            resolvers: Mutex::default(),
            options: config.network.clone(),
            seed,
        };
        networks.add_predefined(config)?;
        Ok(networks)
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network of this name, id, or beginning of an id.
    pub(crate) fn find(&self, name: &str) -> Result<Network> {
        let index = self.lock();
        index.find(name).map(|entry| entry.network.clone())
    }

    fn all(&self) -> Vec<Network> {
        self.lock().by_id.values().map(|entry| entry.network.clone()).collect()
    }

    /// The namespace of a container that is being started.
    pub(crate) fn sandbox(&self, container_id: &str) -> Option<Arc<Namespace>> {
        self.sandboxes().get(container_id).cloned()
    }

    fn sandboxes(&self) -> MutexGuard<'_, HashMap<String, Arc<Namespace>>> {
        self.sandboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolvers(&self) -> MutexGuard<'_, HashMap<String, Resolver>> {
        self.resolvers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a namespace: its container's process holds it from now on, or nobody.
    pub(crate) fn forget_sandbox(&self, container_id: &str) {
        self.sandboxes().remove(container_id);
    }

    /// Adds the record of a network that has none yet, which a container is about to join.
    fn record(&self, network_id: &str, batch: Batch) -> Batch {
        let mut index = self.lock();
        match index.by_id.get_mut(network_id) {
            Some(entry) if !entry.recorded && entry.network.driver == NetworkDriver::Bridge => {
                entry.recorded = true;
                let bytes = serde_json::to_vec(&entry.network).expect("plain data");
                batch.put(key(&entry.network), bytes)
            }
            _ => batch,
        }
    }
}

impl Index {
    fn find(&self, name: &str) -> Result<&Entry> {
        if let Some(entry) = self.by_id.get(name) {
            return Ok(entry);
        }
        if let Some(entry) = self.by_id.values().find(|entry| entry.network.name == name) {
            return Ok(entry);
        }
        let mut matches =
            self.by_id.range(name.to_owned()..).take_while(|(id, _)| id.starts_with(name));
        match (matches.next(), matches.next()) {
            (Some((_, entry)), None) if !name.is_empty() => Ok(entry),
            (Some(_), Some(_)) if !name.is_empty() => Err(Error::invalid(format_args!(
                "network {name} is ambiguous: more than one network's id begins with it"
            ))),
            _ => Err(Error::not_found(format_args!("network {name} not found"))),
        }
    }
}

/// The name of a network's bridge.
pub(crate) fn bridge_name(network: &Network, options: &BridgeOptions) -> String {
    options.name.clone().unwrap_or_else(|| format!("br-{}", &network.id[..ID_IN_NAME]))
}

/// A network's bridge as it shall be.
pub(crate) fn bridge_of(network: &Network) -> Result<Bridge> {
    let options = BridgeOptions::parse(&network.options)?;
    let gateways = network.subnets.iter().filter_map(|subnet| {
        let gateway = subnet.gateway?;
        let hidden = options.inhibit_ipv4 && gateway.is_ipv4();
        (!hidden).then(|| subnet.subnet.with_address(gateway))
    });
    Ok(Bridge {
        network_id: network.id.clone(),
        addresses: gateways.collect(),
        mtu: options.mtu,
        icc: options.icc,
        zone: Zone {
            bridge: bridge_name(network, &options),
            subnets: network.subnets.iter().map(|subnet| subnet.subnet).collect(),
            internal: network.internal,
            masquerade: options.masquerade,
            source_v4: options.host_ipv4.map(IpAddr::from),
            source_v6: options.host_ipv6.map(IpAddr::from),
            gateway_v4: options.gateway_mode_ipv4,
            gateway_v6: options.gateway_mode_ipv6,
        },
    })
}

impl From<isopod_network::Error> for Error {
    fn from(error: isopod_network::Error) -> Self {
        use isopod_network::Error as Network;
        let kind = match &error {
            Network::Invalid(_) => ErrorKind::InvalidParameter,
            Network::Forbidden(_) => ErrorKind::Forbidden,
            Network::NotFound(_) => ErrorKind::NotFound,
            // As docker has it: what is taken or used up is no fault of the request's form.
            Network::System { .. } | Network::Conflict(_) | Network::Exhausted(_) => {
                ErrorKind::Internal
            }
        };
        let message = error.to_string();
        let error_out = Self::new(kind, message);
        match error {
            Network::System { source, .. } => error_out.because(source),
            _ => error_out,
        }
    }
}
