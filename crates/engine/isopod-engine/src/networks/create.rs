//! Making networks, and those that are always there.

use super::{DEFAULT_BRIDGE, Entry, Networks, bridge_name, bridge_of, key};
use crate::config::Config;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{
    CreateNetwork, Engine, EventType, Network, NetworkDriver, NetworkSubnet, SubnetRequest,
};
use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use isopod_network::{BridgeOptions, Fabric, MacvlanOptions, Subnet, pools};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// The id of a network that is always there: it stays the same everywhere.
#[must_use]
pub fn predefined_id(name: &str) -> String {
    Digest::sha256(format!("isopod network {name}").as_bytes()).hex().to_owned()
}

impl Networks {
    pub(super) fn add_predefined(&self, config: &Config) -> Result<()> {
        for (name, driver) in [("host", NetworkDriver::Host), ("none", NetworkDriver::Null)] {
            let network = Network {
                id: predefined_id(name),
                name: name.into(),
                driver,
                created: Some(Timestamp::now()),
                ipv4: true,
                ..Network::default()
            };
            self.lock().by_id.insert(network.id.clone(), Entry::new(network, false));
        }
        let id = predefined_id("bridge");
        if !self.options.default_bridge || config.rootless {
            self.lock().by_id.remove(&id);
            return Ok(());
        }
        let recorded = self.lock().by_id.get(&id).map(|entry| entry.network.clone());
        let network = self.default_network(id, recorded)?;
        let known = self.lock().by_id.get(&network.id).is_some_and(|e| e.network == network);
        if !known {
            self.lock().by_id.insert(network.id.clone(), Entry::new(network, false));
        }
        Ok(())
    }

    /// The default network. The engine's settings win over what is recorded; what they leave open
    /// stays as it was, so that a restart changes no address.
    fn default_network(&self, id: String, recorded: Option<Network>) -> Result<Network> {
        let options = &self.options;
        let old = |v6: bool| {
            let subnets = recorded.iter().flat_map(|network| &network.subnets);
            subnets.map(|s| s.subnet).find(|subnet| subnet.is_v6() == v6)
        };
        let mut subnets = Vec::new();
        let mut taken = self.taken()?;
        for (v6, address, range, gateway) in [
            (false, options.bridge_address, options.fixed_range, options.default_gateway),
            (true, options.bridge_address_v6, options.fixed_range_v6, options.default_gateway_v6),
        ] {
            if v6 && !options.ipv6 {
                continue;
            }
            let subnet = match (address, range, old(v6)) {
                (Some(address), ..) => address.network(),
                (None, _, Some(old)) => old,
                (None, Some(range), None) => range.network(),
                (None, None, None) => self.choose(v6, &taken)?,
            };
            taken.push(subnet);
            let gateway = gateway
                .or(address.map(|address| address.address()))
                .or_else(|| Some(first_address(subnet)));
            subnets.push(NetworkSubnet { subnet, range, gateway, auxiliary: BTreeMap::new() });
        }
        let name = match (&options.bridge_name, &recorded) {
            (Some(name), _) => name.clone(),
            (None, Some(recorded)) => {
                recorded.options.get(BRIDGE_NAME).cloned().unwrap_or_else(|| DEFAULT_BRIDGE.into())
            }
            (None, None) => free_bridge_name()?,
        };
        let binding = options.host_binding.unwrap_or_else(|| IpAddr::from([0; 4]));
        let text = |on: bool| on.to_string();
        let options = BTreeMap::from(
            [
                ("com.docker.network.bridge.default_bridge", text(true)),
                ("com.docker.network.bridge.enable_icc", text(options.icc)),
                ("com.docker.network.bridge.enable_ip_masquerade", text(options.masquerade)),
                ("com.docker.network.bridge.host_binding_ipv4", binding.to_string()),
                (BRIDGE_NAME, name),
                ("com.docker.network.driver.mtu", options.mtu.unwrap_or(1500).to_string()),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        );
        Ok(Network {
            id,
            name: "bridge".into(),
            driver: NetworkDriver::Bridge,
            created: recorded.and_then(|network| network.created).or(Some(Timestamp::now())),
            ipv4: true,
            ipv6: self.options.ipv6,
            subnets,
            options,
            ..Network::default()
        })
    }

    /// What a new network must not overlap: the host's routes and other networks.
    fn taken(&self) -> Result<Vec<Subnet>> {
        let mut taken = Fabric::host_routes()?;
        taken.extend(self.own_subnets());
        Ok(taken)
    }

    fn own_subnets(&self) -> Vec<Subnet> {
        let index = self.lock();
        index.by_id.values().flat_map(|e| &e.network.subnets).map(|s| s.subnet).collect()
    }

    fn choose(&self, v6: bool, taken: &[Subnet]) -> Result<Subnet> {
        let mut pools = self.options.pools.clone();
        if v6 {
            pools.push(pools::local_pool(self.seed));
        }
        Ok(pools::choose(&pools, v6, taken)?)
    }

    /// Checks a request and chooses what it leaves open.
    fn plan(&self, request: CreateNetwork) -> Result<Network> {
        let driver = match request.driver.as_str() {
            "" | "default" | "bridge" => NetworkDriver::Bridge,
            "macvlan" => NetworkDriver::Macvlan,
            "host" | "null" => {
                return Err(Error::new(
                    crate::ErrorKind::Forbidden,
                    format_args!("only one instance of \"{}\" network is allowed", request.driver),
                ));
            }
            other => {
                return Err(Error::not_found(format_args!(
                    "could not find plugin {other} in v1 plugin registry: plugin \"{other}\" not found (drivers: bridge, macvlan)"
                )));
            }
        };
        check_name(&request.name)?;
        if !matches!(request.ipam_driver.as_str(), "" | "default") {
            return Err(Error::not_found(format_args!(
                "could not find plugin {0} in v1 plugin registry: plugin \"{0}\" not found",
                request.ipam_driver
            )));
        }
        if let Some(key) = request.ipam_options.keys().next() {
            return Err(Error::invalid(format_args!(
                "the address management \"default\" has no option \"{key}\""
            )));
        }
        let mut network = Network {
            id: isopod_base::id::full(),
            name: request.name,
            driver,
            created: Some(Timestamp::now()),
            ipv4: request.ipv4.unwrap_or(true),
            ipv6: request.ipv6.unwrap_or(false),
            internal: request.internal,
            attachable: request.attachable,
            subnets: Vec::new(),
            ipam_options: request.ipam_options,
            options: request.options,
            labels: request.labels,
        };
        if !network.ipv4 && !network.ipv6 {
            return Err(Error::invalid("IPv4 or IPv6 must be enabled"));
        }
        self.check_driver(&network)?;
        network.subnets = self.plan_subnets(&network, &request.subnets)?;
        Ok(network)
    }

    fn check_driver(&self, network: &Network) -> Result<()> {
        match network.driver {
            NetworkDriver::Bridge => {
                let options = BridgeOptions::parse(&network.options)?;
                let name = bridge_name(network, &options);
                let index = self.lock();
                let twin = index.by_id.values().find(|entry| {
                    entry.network.driver == NetworkDriver::Bridge
                        && BridgeOptions::parse(&entry.network.options)
                            .is_ok_and(|other| bridge_name(&entry.network, &other) == name)
                });
                match twin {
                    Some(twin) => Err(Error::new(
                        crate::ErrorKind::Forbidden,
                        format_args!(
                            "cannot create network {} ({name}): conflicts with network {} ({name}): networks have same bridge name",
                            network.id, twin.network.id
                        ),
                    )),
                    None => Ok(()),
                }
            }
            NetworkDriver::Macvlan => {
                let options = MacvlanOptions::parse(&network.options)?;
                let parent = options.parent.ok_or_else(|| {
                    Error::invalid(
                        "a macvlan network needs the host's interface: --opt parent=INTERFACE",
                    )
                })?;
                if Fabric::has_interface(&parent)? {
                    Ok(())
                } else {
                    Err(Error::invalid(format_args!(
                        "invalid subinterface vlan name {parent}: there is no such interface on the host"
                    )))
                }
            }
            NetworkDriver::Host | NetworkDriver::Null => Ok(()),
        }
    }

    fn plan_subnets(
        &self,
        network: &Network,
        requests: &[SubnetRequest],
    ) -> Result<Vec<NetworkSubnet>> {
        let mut subnets: Vec<NetworkSubnet> = Vec::new();
        let own = self.own_subnets();
        let mut open = Vec::new();
        for request in requests {
            match &request.subnet {
                Some(text) => {
                    let subnet: Subnet = text.parse().map_err(Error::invalid)?;
                    if subnet.network() != subnet {
                        return Err(Error::invalid(format_args!(
                            "invalid subnet {subnet}: it should be {}",
                            subnet.network()
                        )));
                    }
                    let enabled = if subnet.is_v6() { network.ipv6 } else { network.ipv4 };
                    if !enabled {
                        let family = if subnet.is_v6() { "IPv6" } else { "IPv4" };
                        return Err(Error::invalid(format_args!(
                            "invalid subnet {subnet}: the network has no {family} (--{}=true enables it)",
                            family.to_lowercase()
                        )));
                    }
                    let others = own.iter().chain(subnets.iter().map(|other| &other.subnet));
                    for other in others {
                        if other.overlaps(&subnet) {
                            return Err(Error::new(
                                crate::ErrorKind::Forbidden,
                                format_args!(
                                    "invalid pool request: Pool overlaps with other one on this address space: {subnet} with {other}"
                                ),
                            ));
                        }
                    }
                    subnets.push(fill(subnet, request)?);
                }
                None => open.push(request),
            }
        }
        for v6 in [false, true] {
            let enabled = if v6 { network.ipv6 } else { network.ipv4 };
            if !enabled || subnets.iter().any(|subnet| subnet.subnet.is_v6() == v6) {
                continue;
            }
            let mut taken = self.taken()?;
            taken.extend(subnets.iter().map(|subnet| subnet.subnet));
            let subnet = self.choose(v6, &taken)?;
            let default = SubnetRequest::default();
            // Only a gateway or a range without a subnet: nothing to be in.
            let request = open.iter().find(|r| ***r != default).filter(|_| !v6);
            if let Some(request) = request
                && (request.gateway.is_some() || request.range.is_some())
            {
                return Err(Error::invalid(
                    "a gateway or an ip-range needs the subnet that it is in: give --subnet",
                ));
            }
            subnets.push(fill(subnet, &default)?);
        }
        Ok(subnets)
    }
}

/// A subnet with its gateway and the rest of what is asked for, checked.
fn fill(subnet: Subnet, request: &SubnetRequest) -> Result<NetworkSubnet> {
    let inside = |what: &str, text: &str| -> Result<IpAddr> {
        let address: IpAddr = text.parse().map_err(|_| {
            Error::invalid(format_args!("invalid {what} address {text}: not an IP address"))
        })?;
        if subnet.contains(address) {
            Ok(address)
        } else {
            Err(Error::invalid(format_args!(
                "invalid {what} address {address}: it is not in the subnet {subnet}"
            )))
        }
    };
    let range = match &request.range {
        Some(text) => {
            let range: Subnet = text.parse().map_err(Error::invalid)?;
            if !subnet.covers(&range) {
                return Err(Error::invalid(format_args!(
                    "invalid ip-range {range}: it is not in the subnet {subnet}"
                )));
            }
            Some(range)
        }
        None => None,
    };
    let mut auxiliary = BTreeMap::new();
    for (name, text) in &request.auxiliary {
        auxiliary.insert(name.clone(), inside("auxiliary", text)?);
    }
    let gateway = match &request.gateway {
        Some(text) => Some(inside("gateway", text)?),
        None => {
            let free = |address: &IpAddr| !auxiliary.values().any(|taken| taken == address);
            let first = first_address(range.unwrap_or(subnet));
            Some(first).filter(free).or_else(|| Some(first_address(subnet)).filter(free))
        }
    };
    Ok(NetworkSubnet { subnet, range, gateway, auxiliary })
}

/// The first address that a host can have.
fn first_address(subnet: Subnet) -> IpAddr {
    let wide = if subnet.is_v6() { subnet.prefix() < 127 } else { subnet.prefix() < 31 };
    let network = subnet.network().address();
    match network {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() + u32::from(wide)).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() + u128::from(wide)).into()),
    }
}

fn free_bridge_name() -> Result<String> {
    for number in 0..100 {
        let name = format!("isopod{number}");
        if !Fabric::has_interface(&name)? {
            return Ok(name);
        }
    }
    Ok(DEFAULT_BRIDGE.into())
}

fn check_name(name: &str) -> Result<()> {
    let mut characters = name.chars();
    let valid = characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !valid {
        return Err(Error::invalid(format_args!(
            "{name} includes invalid characters for a network name, only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )));
    }
    if matches!(name, "bridge" | "host" | "none" | "default") {
        return Err(Error::new(
            crate::ErrorKind::Forbidden,
            format_args!("operation is not permitted on predefined {name} network"),
        ));
    }
    Ok(())
}

impl Engine {
    /// Makes a network and its bridge.
    pub async fn create_network(self: &Arc<Self>, request: CreateNetwork) -> Result<Network> {
        if self.config.rootless {
            return Err(Error::new(
                crate::ErrorKind::NotImplemented,
                "networks need root's rights: without them an engine has the networks host and none",
            ));
        }
        let engine = Arc::clone(self);
        let network = blocking(move || engine.make_network(request)).await?;
        self.network_event(&network, "create", &[]);
        Ok(network)
    }

    fn make_network(&self, request: CreateNetwork) -> Result<Network> {
        // One at a time, so that two do not choose the same subnet.
        let _turn = self.network_turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.networks.lock().by_id.values().any(|e| e.network.name == request.name) {
            return Err(Error::conflict(format_args!(
                "network with name {} already exists",
                request.name
            )));
        }
        let network = self.networks.plan(request)?;
        let bytes = serde_json::to_vec(&network).expect("plain data");
        self.journal.commit(Batch::new().put(key(&network), bytes))?;
        crate::failpoint::reach("network.recorded");
        let made = match network.driver {
            NetworkDriver::Bridge => {
                bridge_of(&network).and_then(|bridge| Ok(self.networks.fabric.ensure(&bridge)?))
            }
            _ => Ok(()),
        };
        if let Err(error) = made {
            if let Ok(bridge) = bridge_of(&network) {
                let _ = self.networks.fabric.remove(&bridge);
            }
            self.journal.commit(Batch::new().delete(key(&network)))?;
            return Err(error);
        }
        let entry = Entry::new(network.clone(), true);
        self.networks.lock().by_id.insert(network.id.clone(), entry);
        Ok(network)
    }

    /// Tells of something that happened to a network.
    pub(crate) fn network_event(&self, network: &Network, action: &str, more: &[(&str, String)]) {
        let mut attributes = BTreeMap::from([
            ("name".to_owned(), network.name.clone()),
            ("type".to_owned(), network.driver.as_str().to_owned()),
        ]);
        attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.emit(EventType::Network, action, &network.id, attributes);
    }
}
