//! Networks, and containers' places in them.

use crate::convert::time;
use crate::error::{ApiError, ApiResult};
use crate::version::ApiVersion;
use isopod_docker_types as wire;
use isopod_engine as domain;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A network; with its containers when `full`.
pub(crate) fn network(details: domain::NetworkDetails, full: bool) -> wire::NetworkInspect {
    let domain::NetworkDetails { network, members } = details;
    let members = if full { members } else { Vec::new() };
    wire::NetworkInspect {
        name: network.name,
        id: network.id,
        created: time(network.created),
        scope: "local".into(),
        driver: network.driver.as_str().into(),
        enable_ipv4: network.ipv4,
        enable_ipv6: network.ipv6,
        ipam: wire::Ipam {
            driver: "default".into(),
            options: network.ipam_options,
            config: network.subnets.into_iter().map(subnet).collect(),
        },
        internal: network.internal,
        attachable: network.attachable,
        containers: members.into_iter().map(member).collect(),
        options: network.options,
        labels: network.labels,
        ..wire::NetworkInspect::default()
    }
}

fn subnet(subnet: domain::NetworkSubnet) -> wire::IpamConfig {
    wire::IpamConfig {
        subnet: subnet.subnet.to_string(),
        ip_range: subnet.range.map(|range| range.to_string()).unwrap_or_default(),
        gateway: subnet.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
        auxiliary_addresses: subnet
            .auxiliary
            .into_iter()
            .map(|(name, address)| (name, address.to_string()))
            .collect(),
    }
}

fn member(member: domain::NetworkMember) -> (String, wire::EndpointResource) {
    let endpoint = member.endpoint.as_ref();
    let address = |v6: bool| {
        let found = endpoint.and_then(|endpoint| endpoint.address(v6));
        found.map(|address| address.to_string()).unwrap_or_default()
    };
    let resource = wire::EndpointResource {
        name: member.name,
        endpoint_id: endpoint.map(|endpoint| endpoint.id.clone()).unwrap_or_default(),
        mac_address: endpoint.map(|endpoint| endpoint.mac.to_string()).unwrap_or_default(),
        ipv4_address: address(false),
        ipv6_address: address(true),
    };
    (member.container_id, resource)
}

/// A request to make a network.
pub(crate) fn create(request: wire::NetworkCreateRequest) -> ApiResult<domain::CreateNetwork> {
    if request.name.trim().is_empty() {
        return Err(ApiError::bad_request("network name cannot be empty"));
    }
    if request.ingress || matches!(request.scope.as_str(), "swarm" | "global") {
        return Err(ApiError::forbidden(
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
        ));
    }
    let from = request.config_from.is_some_and(|from| !from.network.is_empty());
    if request.config_only || from {
        return Err(ApiError::not_implemented(
            "networks that hold or take another network's configuration (--config-only, --config-from) are not supported",
        ));
    }
    let ipam = request.ipam.unwrap_or_default();
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(domain::CreateNetwork {
        name: request.name,
        driver: request.driver,
        ipv4: request.enable_ipv4,
        ipv6: request.enable_ipv6,
        internal: request.internal,
        attachable: request.attachable,
        ipam_driver: ipam.driver,
        ipam_options: ipam.options,
        subnets: ipam
            .config
            .into_iter()
            .map(|config| domain::SubnetRequest {
                subnet: text(config.subnet),
                range: text(config.ip_range),
                gateway: text(config.gateway),
                auxiliary: config.auxiliary_addresses,
            })
            .collect(),
        options: request.options,
        labels: request.labels,
    })
}

/// What is asked for a container in a network.
pub(crate) fn settings(settings: wire::EndpointSettings) -> ApiResult<domain::EndpointSettings> {
    let ipam = settings.ipam_config.unwrap_or_default();
    fn parse<T: std::str::FromStr>(text: &str, what: &str) -> ApiResult<Option<T>> {
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.parse().map(Some);
        parsed.map_err(|_| ApiError::bad_request(format!("invalid {what}: {text}")))
    }
    Ok(domain::EndpointSettings {
        aliases: settings.aliases,
        links: settings.links,
        ipv4: parse(&ipam.ipv4_address, "IPv4 address")?,
        ipv6: parse(&ipam.ipv6_address, "IPv6 address")?,
        link_local: ipam
            .link_local_ips
            .iter()
            .filter_map(|text| parse(text, "link-local IP address").transpose())
            .collect::<ApiResult<_>>()?,
        mac: parse(&settings.mac_address, "MAC address")?,
        driver_options: settings.driver_opts,
        gateway_priority: settings.gw_priority,
    })
}

/// The networks that a new container joins.
pub(crate) fn endpoints(
    config: wire::NetworkingConfig,
) -> ApiResult<BTreeMap<String, domain::EndpointSettings>> {
    let convert = |(name, asked): (String, Option<wire::EndpointSettings>)| {
        Ok((name, settings(asked.unwrap_or_default())?))
    };
    config.endpoints_config.into_iter().map(convert).collect()
}

/// The networks that a container is in, by name.
pub(crate) fn of_container(
    details: &domain::ContainerDetails,
) -> BTreeMap<String, wire::EndpointSettings> {
    use domain::NetworkMode;

    match &details.host.network_mode {
        NetworkMode::Container(_) => BTreeMap::new(),
        NetworkMode::Named(_) => {
            let endpoints = details.networks.endpoints.iter();
            endpoints.map(|(name, one)| (name.clone(), endpoint(details, name, one))).collect()
        }
        mode => {
            let name = if *mode == NetworkMode::Host { "host" } else { "none" };
            let endpoint = wire::EndpointSettings {
                network_id: domain::predefined_network_id(name),
                ..wire::EndpointSettings::default()
            };
            BTreeMap::from([(name.to_owned(), endpoint)])
        }
    }
}

fn endpoint(
    details: &domain::ContainerDetails,
    network: &str,
    endpoint: &domain::Endpoint,
) -> wire::EndpointSettings {
    let asked = &endpoint.settings;
    let text = |address: Option<IpAddr>| address.map(|a| a.to_string()).unwrap_or_default();
    let fixed = wire::EndpointIpamConfig {
        ipv4_address: text(asked.ipv4.map(Into::into)),
        ipv6_address: text(asked.ipv6.map(Into::into)),
        link_local_ips: Vec::new(),
    };
    let mut names = Vec::new();
    if network != "bridge" {
        let own = [details.name.clone(), details.id[..12].to_owned()];
        for name in own.into_iter().chain(asked.aliases.iter().cloned()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut settings = wire::EndpointSettings {
        ipam_config: Some(fixed).filter(|fixed| *fixed != wire::EndpointIpamConfig::default()),
        links: asked.links.clone(),
        aliases: asked.aliases.clone(),
        mac_address: asked.mac.map(|mac| mac.to_string()).unwrap_or_default(),
        driver_opts: asked.driver_options.clone(),
        gw_priority: asked.gateway_priority,
        network_id: endpoint.network_id.clone(),
        dns_names: names,
        ..wire::EndpointSettings::default()
    };
    if let Some(active) = &endpoint.active {
        let prefix = |v6| active.address(v6).map_or(0, |address| address.prefix().into());
        let address = |v6| text(active.address(v6).map(|address| address.address()));
        settings.endpoint_id.clone_from(&active.id);
        settings.mac_address = active.mac.to_string();
        settings.gateway = text(active.gateway(false));
        settings.ip_address = address(false);
        settings.ip_prefix_len = prefix(false);
        settings.ipv6_gateway = text(active.gateway(true));
        settings.global_ipv6_address = address(true);
        settings.global_ipv6_prefix_len = prefix(true);
    }
    settings
}

/// `NetworkSettings` of a container's inspect.
pub(crate) fn network_settings(
    details: &domain::ContainerDetails,
    _version: ApiVersion,
) -> wire::NetworkSettings {
    let networks = of_container(details);
    let sandbox_key = match details.state.pid {
        0 => String::new(),
        pid => format!("/proc/{pid}/ns/net"),
    };
    // What of the default network stands a second time at the top.
    let default = networks.get("bridge").cloned().unwrap_or_default();
    wire::NetworkSettings {
        sandbox_id: if details.state.pid == 0 { String::new() } else { details.id.clone() },
        sandbox_key,
        ports: ports(details),
        endpoint_id: default.endpoint_id,
        gateway: default.gateway,
        global_ipv6_address: default.global_ipv6_address,
        global_ipv6_prefix_len: default.global_ipv6_prefix_len,
        ip_address: default.ip_address,
        ip_prefix_len: default.ip_prefix_len,
        ipv6_gateway: default.ipv6_gateway,
        mac_address: default.mac_address,
        networks,
        ..wire::NetworkSettings::default()
    }
}

/// Exposed ports of a running container, with where they are published.
fn ports(details: &domain::ContainerDetails) -> wire::PortMap {
    let mut ports = wire::PortMap::new();
    let has_ports = matches!(details.host.network_mode, domain::NetworkMode::Named(_));
    if !details.state.status.is_alive() || !has_ports {
        return ports;
    }
    for port in details.config.exposed_ports.iter().chain(details.host.port_bindings.keys()) {
        let port = if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
        ports.entry(port).or_default();
    }
    for one in &details.networks.published {
        let port = format!("{}/{}", one.container_port, one.protocol);
        ports.entry(port).or_default().get_or_insert_default().push(wire::PortBinding {
            host_ip: one.host.to_string(),
            host_port: one.host_port.to_string(),
        });
    }
    ports
}

/// The ports of a container in the list.
pub(crate) fn listed_ports(details: &domain::ContainerDetails) -> Vec<wire::Port> {
    let number = |port: &str| {
        let (number, kind) = port.split_once('/').unwrap_or((port, "tcp"));
        number.parse().ok().map(|number: u16| (number, kind.to_owned()))
    };
    let mut listed = Vec::new();
    for (port, bindings) in ports(details) {
        let Some((private_port, kind)) = number(&port) else { continue };
        let plain = wire::Port { private_port, kind, ..wire::Port::default() };
        match bindings {
            None => listed.push(plain),
            Some(bindings) => listed.extend(bindings.into_iter().map(|binding| wire::Port {
                ip: binding.host_ip,
                public_port: binding.host_port.parse().unwrap_or(0),
                ..plain.clone()
            })),
        }
    }
    listed
}
