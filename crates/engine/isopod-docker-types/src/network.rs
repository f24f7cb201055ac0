//! Networks and a container's place in them.

use crate::go::{is_empty, null_if_empty};
use std::collections::BTreeMap;

/// Ports such as `80/tcp` to where they are published; `None` is written as `null`.
pub type PortMap = BTreeMap<String, Option<Vec<PortBinding>>>;

document! {
    /// An address of the host that a port is published on.
    pub struct PortBinding {
        /// Address; empty means all.
        pub host_ip: String,
        /// Port or range; empty means any free one.
        pub host_port: String,
    }

    /// A port in the container list.
    pub struct Port {
        /// Address on the host.
        #[serde(rename = "IP", skip_serializing_if = "is_empty")]
        pub ip: String,
        /// Port in the container.
        pub private_port: u16,
        /// Port on the host.
        #[serde(skip_serializing_if = "is_empty")]
        pub public_port: u16,
        /// `tcp`, `udp`, `sctp`.
        #[serde(rename = "Type")]
        pub kind: String,
    }

    /// The networks that a new container joins.
    pub struct NetworkingConfig {
        /// By network name.
        pub endpoints_config: BTreeMap<String, Option<EndpointSettings>>,
    }

    /// A container's endpoint in a network.
    pub struct EndpointSettings {
        /// Fixed addresses.
        #[serde(rename = "IPAMConfig")]
        pub ipam_config: Option<EndpointIpamConfig>,
        /// Legacy links.
        #[serde(serialize_with = "null_if_empty")]
        pub links: Vec<String>,
        /// Further names in this network.
        #[serde(serialize_with = "null_if_empty")]
        pub aliases: Vec<String>,
        /// MAC address.
        pub mac_address: String,
        /// Driver options.
        #[serde(serialize_with = "null_if_empty")]
        pub driver_opts: BTreeMap<String, String>,
        /// The highest one provides the default gateway.
        pub gw_priority: i64,
        /// Id of the network.
        #[serde(rename = "NetworkID")]
        pub network_id: String,
        /// Id of the endpoint.
        #[serde(rename = "EndpointID")]
        pub endpoint_id: String,
        /// IPv4 gateway.
        pub gateway: String,
        /// IPv4 address.
        #[serde(rename = "IPAddress")]
        pub ip_address: String,
        /// Length of the IPv4 prefix.
        #[serde(rename = "IPPrefixLen")]
        pub ip_prefix_len: i64,
        /// IPv6 gateway.
        #[serde(rename = "IPv6Gateway")]
        pub ipv6_gateway: String,
        /// IPv6 address.
        #[serde(rename = "GlobalIPv6Address")]
        pub global_ipv6_address: String,
        /// Length of the IPv6 prefix.
        #[serde(rename = "GlobalIPv6PrefixLen")]
        pub global_ipv6_prefix_len: i64,
        /// Names that resolve to the container.
        #[serde(rename = "DNSNames", serialize_with = "null_if_empty")]
        pub dns_names: Vec<String>,
    }

    /// Fixed addresses of an endpoint.
    pub struct EndpointIpamConfig {
        /// IPv4.
        #[serde(rename = "IPv4Address", skip_serializing_if = "is_empty")]
        pub ipv4_address: String,
        /// IPv6.
        #[serde(rename = "IPv6Address", skip_serializing_if = "is_empty")]
        pub ipv6_address: String,
        /// Link-local ones.
        #[serde(rename = "LinkLocalIPs", skip_serializing_if = "is_empty")]
        pub link_local_ips: Vec<String>,
    }

    /// `NetworkSettings` of a container's inspect.
    pub struct NetworkSettings {
        /// Legacy.
        pub bridge: String,
        /// Id of the network sandbox.
        #[serde(rename = "SandboxID")]
        pub sandbox_id: String,
        /// Path of the network namespace.
        pub sandbox_key: String,
        /// Published ports.
        pub ports: PortMap,
        /// Legacy.
        pub hairpin_mode: bool,
        /// Legacy.
        #[serde(rename = "LinkLocalIPv6Address")]
        pub link_local_ipv6_address: String,
        /// Legacy.
        #[serde(rename = "LinkLocalIPv6PrefixLen")]
        pub link_local_ipv6_prefix_len: i64,
        /// Legacy.
        #[serde(rename = "SecondaryIPAddresses", serialize_with = "null_if_empty")]
        pub secondary_ip_addresses: Vec<NetworkAddress>,
        /// Legacy.
        #[serde(rename = "SecondaryIPv6Addresses", serialize_with = "null_if_empty")]
        pub secondary_ipv6_addresses: Vec<NetworkAddress>,
        /// Of the default bridge, as the ones that follow.
        #[serde(rename = "EndpointID")]
        pub endpoint_id: String,
        /// IPv4 gateway.
        pub gateway: String,
        /// IPv6 address.
        #[serde(rename = "GlobalIPv6Address")]
        pub global_ipv6_address: String,
        /// Length of the IPv6 prefix.
        #[serde(rename = "GlobalIPv6PrefixLen")]
        pub global_ipv6_prefix_len: i64,
        /// IPv4 address.
        #[serde(rename = "IPAddress")]
        pub ip_address: String,
        /// Length of the IPv4 prefix.
        #[serde(rename = "IPPrefixLen")]
        pub ip_prefix_len: i64,
        /// IPv6 gateway.
        #[serde(rename = "IPv6Gateway")]
        pub ipv6_gateway: String,
        /// MAC address.
        pub mac_address: String,
        /// Endpoints by network.
        pub networks: BTreeMap<String, EndpointSettings>,
    }

    /// An address with its prefix.
    pub struct NetworkAddress {
        /// Address.
        pub addr: String,
        /// Length of the prefix.
        pub prefix_len: i64,
    }

    /// A network.
    pub struct NetworkInspect {
        /// Name.
        pub name: String,
        /// Id.
        pub id: String,
        /// RFC 3339 time.
        pub created: String,
        /// `local` or `swarm`.
        pub scope: String,
        /// `bridge`, `host`, `null`, ...
        pub driver: String,
        /// Whether it has IPv4.
        #[serde(rename = "EnableIPv4")]
        pub enable_ipv4: bool,
        /// Whether it has IPv6.
        #[serde(rename = "EnableIPv6")]
        pub enable_ipv6: bool,
        /// Address management.
        #[serde(rename = "IPAM")]
        pub ipam: Ipam,
        /// Without access to the outside.
        pub internal: bool,
        /// Whether containers outside a service can join.
        pub attachable: bool,
        /// Swarm's ingress network.
        pub ingress: bool,
        /// Where its configuration comes from.
        pub config_from: ConfigReference,
        /// Whether it only holds a configuration.
        pub config_only: bool,
        /// Endpoints by container id.
        pub containers: BTreeMap<String, EndpointResource>,
        /// Driver options.
        pub options: BTreeMap<String, String>,
        /// Labels.
        pub labels: BTreeMap<String, String>,
    }

    /// Address management of a network.
    pub struct Ipam {
        /// Driver.
        pub driver: String,
        /// Driver options.
        #[serde(serialize_with = "null_if_empty")]
        pub options: BTreeMap<String, String>,
        /// Address ranges.
        #[serde(serialize_with = "null_if_empty")]
        pub config: Vec<IpamConfig>,
    }

    /// An address range.
    pub struct IpamConfig {
        /// `10.0.0.0/24`.
        #[serde(skip_serializing_if = "is_empty")]
        pub subnet: String,
        /// The part of it to give out.
        #[serde(rename = "IPRange", skip_serializing_if = "is_empty")]
        pub ip_range: String,
        /// Gateway.
        #[serde(skip_serializing_if = "is_empty")]
        pub gateway: String,
        /// Reserved addresses by name.
        #[serde(rename = "AuxiliaryAddresses", skip_serializing_if = "is_empty")]
        pub auxiliary_addresses: BTreeMap<String, String>,
    }

    /// A reference to another network's configuration.
    pub struct ConfigReference {
        /// Its name.
        pub network: String,
    }

    /// A container in a network's inspect.
    pub struct EndpointResource {
        /// Name of the container.
        pub name: String,
        /// Id of the endpoint.
        #[serde(rename = "EndpointID")]
        pub endpoint_id: String,
        /// MAC address.
        pub mac_address: String,
        /// IPv4 address with prefix.
        #[serde(rename = "IPv4Address")]
        pub ipv4_address: String,
        /// IPv6 address with prefix.
        #[serde(rename = "IPv6Address")]
        pub ipv6_address: String,
    }

    /// `POST /networks/create`.
    pub struct NetworkCreateRequest {
        /// Name.
        pub name: String,
        /// Driver.
        pub driver: String,
        /// `local` or `swarm`.
        pub scope: String,
        /// Whether it has IPv4.
        #[serde(rename = "EnableIPv4", skip_serializing_if = "is_empty")]
        pub enable_ipv4: Option<bool>,
        /// Whether it has IPv6.
        #[serde(rename = "EnableIPv6", skip_serializing_if = "is_empty")]
        pub enable_ipv6: Option<bool>,
        /// Address management.
        #[serde(rename = "IPAM")]
        pub ipam: Option<Ipam>,
        /// Without access to the outside.
        pub internal: bool,
        /// Whether containers outside a service can join.
        pub attachable: bool,
        /// Swarm's ingress network.
        pub ingress: bool,
        /// Whether it only holds a configuration.
        pub config_only: bool,
        /// Where its configuration comes from.
        pub config_from: Option<ConfigReference>,
        /// Driver options.
        #[serde(serialize_with = "null_if_empty")]
        pub options: BTreeMap<String, String>,
        /// Labels.
        #[serde(serialize_with = "null_if_empty")]
        pub labels: BTreeMap<String, String>,
    }

    /// The answer to it.
    pub struct NetworkCreateResponse {
        /// Id of the network.
        pub id: String,
        /// What the user should know.
        pub warning: String,
    }

    /// `POST /networks/{id}/connect`.
    pub struct NetworkConnectRequest {
        /// Name or id of the container.
        pub container: String,
        /// What is asked for in the network.
        pub endpoint_config: Option<EndpointSettings>,
    }

    /// `POST /networks/{id}/disconnect`.
    pub struct NetworkDisconnectRequest {
        /// Name or id of the container.
        pub container: String,
        /// Whether a container that does not exist is fine.
        pub force: bool,
    }

    /// `POST /networks/prune`.
    pub struct NetworksPruneReport {
        /// Names.
        #[serde(serialize_with = "null_if_empty")]
        pub networks_deleted: Vec<String>,
    }
}
