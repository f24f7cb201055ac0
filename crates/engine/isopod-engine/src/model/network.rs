//! Networks, and a container's place in them.

use isopod_base::times::Timestamp;
use isopod_network::{Mac, Publication, Subnet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a network is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkDriver {
    /// A bridge on the host.
    #[default]
    Bridge,
    /// Further faces of one of the host's interfaces.
    Macvlan,
    /// The host's own network.
    Host,
    /// Nothing but loopback.
    Null,
}

impl NetworkDriver {
    /// Docker's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Macvlan => "macvlan",
            Self::Host => "host",
            Self::Null => "null",
        }
    }
}

/// A range of addresses of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSubnet {
    /// The whole of it.
    pub subnet: Subnet,
    /// The part that is given out.
    pub range: Option<Subnet>,
    /// The gateway.
    pub gateway: Option<IpAddr>,
    /// Addresses that are never given out, by name.
    pub auxiliary: BTreeMap<String, IpAddr>,
}

/// A network: a record of the journal under `network/ID`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Full id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it is made of.
    pub driver: NetworkDriver,
    /// When it was made.
    #[serde(with = "super::nanos")]
    pub created: Option<Timestamp>,
    /// Whether its containers have IPv4 addresses.
    pub ipv4: bool,
    /// Whether its containers have IPv6 addresses.
    pub ipv6: bool,
    /// Whether nothing leaves it and nothing comes in.
    pub internal: bool,
    /// Accepted as docker has it: it matters in a swarm only.
    pub attachable: bool,
    /// Its addresses.
    pub subnets: Vec<NetworkSubnet>,
    /// Options of the address management.
    pub ipam_options: BTreeMap<String, String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl Network {
    /// Whether it is one of those that are always there.
    #[must_use]
    pub fn is_predefined(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }
}

/// A range of addresses as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubnetRequest {
    /// The whole of it; `None` lets the engine choose.
    pub subnet: Option<String>,
    /// The part that is given out.
    pub range: Option<String>,
    /// The gateway; `None` takes the first address.
    pub gateway: Option<String>,
    /// Addresses that are never given out, by name.
    pub auxiliary: BTreeMap<String, String>,
}

/// A request to make a network.
#[derive(Clone, Debug, Default)]
pub struct CreateNetwork {
    /// Name.
    pub name: String,
    /// Driver; empty means `bridge`.
    pub driver: String,
    /// Whether containers get IPv4 addresses; `None` means yes.
    pub ipv4: Option<bool>,
    /// Whether containers get IPv6 addresses; `None` means no.
    pub ipv6: Option<bool>,
    /// Nothing leaves it, nothing comes in.
    pub internal: bool,
    /// Accepted as docker has it.
    pub attachable: bool,
    /// Driver of the address management; empty means `default`, the only one.
    pub ipam_driver: String,
    /// Its options.
    pub ipam_options: BTreeMap<String, String>,
    /// Addresses.
    pub subnets: Vec<SubnetRequest>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// What is asked for a container in a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointSettings {
    /// Further names in this network.
    pub aliases: Vec<String>,
    /// `container[:alias]`: other containers under names of one's own.
    pub links: Vec<String>,
    /// A fixed address.
    pub ipv4: Option<Ipv4Addr>,
    /// A fixed address.
    pub ipv6: Option<Ipv6Addr>,
    /// Addresses of the link besides.
    pub link_local: Vec<IpAddr>,
    /// A fixed MAC address.
    pub mac: Option<Mac>,
    /// Options of the driver.
    pub driver_options: BTreeMap<String, String>,
    /// The network of the highest one has the default gateway.
    pub gateway_priority: i64,
}

/// A container's place in a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// The network.
    pub network_id: String,
    /// What was asked for.
    pub settings: EndpointSettings,
    /// What there is while the container runs.
    pub active: Option<ActiveEndpoint>,
}

/// A running container's interface in a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveEndpoint {
    /// Its id.
    pub id: String,
    /// Name in the container.
    pub interface: String,
    /// Name on the host; empty where there is none.
    pub host_interface: String,
    /// Its MAC address.
    pub mac: Mac,
    /// Its addresses: at most one of each family.
    pub addresses: Vec<Subnet>,
    /// The network's gateways.
    pub gateways: Vec<IpAddr>,
    /// Whether the container's default routes go by them.
    pub is_default: bool,
}

impl ActiveEndpoint {
    /// The address of a family.
    #[must_use]
    pub fn address(&self, v6: bool) -> Option<Subnet> {
        self.addresses.iter().copied().find(|address| address.is_v6() == v6)
    }

    /// The gateway of a family.
    #[must_use]
    pub fn gateway(&self, v6: bool) -> Option<IpAddr> {
        self.gateways.iter().copied().find(|gateway| gateway.is_ipv6() == v6)
    }
}

/// A container's networks and what it publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerNetworks {
    /// By the network's name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Ports that are published now.
    pub published: Vec<Publication>,
}

/// A container in a network, for the network's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkMember {
    /// Container id.
    pub container_id: String,
    /// Container name.
    pub name: String,
    /// Its interface; `None` in networks without addresses.
    pub endpoint: Option<ActiveEndpoint>,
}

/// A network with its running containers.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkDetails {
    /// The network.
    pub network: Network,
    /// Its running containers.
    pub members: Vec<NetworkMember>,
}
