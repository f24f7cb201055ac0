//! Settings of the engine that concern its networks.

use isopod_network::Subnet;
use isopod_network::pools::{Pool, default_pools};
use std::net::IpAddr;

/// What networks are like unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    /// Ranges that subnets are cut from.
    pub pools: Vec<Pool>,
    /// Whether there is a default network.
    pub default_bridge: bool,
    /// Interface of the default network's bridge, made by somebody else.
    pub bridge_name: Option<String>,
    /// Address and subnet of the default network's bridge.
    pub bridge_address: Option<Subnet>,
    /// Likewise in IPv6.
    pub bridge_address_v6: Option<Subnet>,
    /// The part of the default network's subnet that is given out.
    pub fixed_range: Option<Subnet>,
    /// Likewise in IPv6.
    pub fixed_range_v6: Option<Subnet>,
    /// Gateway of containers on the default network.
    pub default_gateway: Option<IpAddr>,
    /// Likewise in IPv6.
    pub default_gateway_v6: Option<IpAddr>,
    /// Whether the default network has IPv6.
    pub ipv6: bool,
    /// Largest packet on the default network.
    pub mtu: Option<u32>,
    /// Whether containers of the default network may speak with each other.
    pub icc: bool,
    /// Whether the default network's source addresses are changed to the host's.
    pub masquerade: bool,
    /// Where ports are published unless it is said.
    pub host_binding: Option<IpAddr>,
    /// Name servers of containers that name none.
    pub dns: Vec<String>,
    /// Likewise options of the resolver.
    pub dns_options: Vec<String>,
    /// Likewise search domains.
    pub dns_search: Vec<String>,
    /// What `host-gateway` stands for; the default network's gateway unless given.
    pub host_gateways: Vec<IpAddr>,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            pools: default_pools(),
            default_bridge: true,
            bridge_name: None,
            bridge_address: None,
            bridge_address_v6: None,
            fixed_range: None,
            fixed_range_v6: None,
            default_gateway: None,
            default_gateway_v6: None,
            ipv6: false,
            mtu: None,
            icc: true,
            masquerade: true,
            host_binding: None,
            dns: Vec::new(),
            dns_options: Vec::new(),
            dns_search: Vec::new(),
            host_gateways: Vec::new(),
        }
    }
}
