//! Which ports of a container are published where.

use crate::containers::Record;
use crate::error::{Error, Result};
use crate::{ActiveEndpoint, ContainerNetworks, Engine, NetworkDriver};
use isopod_network::ports::host_ports;
use isopod_network::{BridgeOptions, ContainerPort, Publication, PublishRequest};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Where a port is to be published: an address of the host, and the ports to choose from.
type Wanted = (Option<IpAddr>, Option<RangeInclusive<u16>>);

/// Checks what a container wants published; what is wrong is told before anything is made.
pub(crate) fn wanted(record: &Record) -> Result<BTreeMap<ContainerPort, Vec<Wanted>>> {
    let mut ports: BTreeMap<ContainerPort, Vec<Wanted>> = BTreeMap::new();
    for (text, bindings) in &record.host.port_bindings {
        let port: ContainerPort = text.parse()?;
        let wanted = ports.entry(port).or_default();
        for binding in bindings {
            let address = match binding.host_ip.as_str() {
                "" => None,
                text => Some(text.parse().map_err(|_| {
                    Error::invalid(format_args!("invalid IP address \"{text}\" for port {port}"))
                })?),
            };
            let pair = (address, host_ports(&binding.host_port)?);
            if !wanted.contains(&pair) || pair.1.is_none() {
                wanted.push(pair);
            }
        }
    }
    if record.host.publish_all_ports {
        for text in &record.config.exposed_ports {
            let wanted = ports.entry(text.parse()?).or_default();
            if wanted.is_empty() {
                wanted.push((None, None));
            }
        }
    }
    ports.retain(|_, wanted| !wanted.is_empty());
    Ok(ports)
}

impl Engine {
    /// Takes the ports that a container publishes, on the endpoint with its default gateway.
    pub(super) fn take_ports(
        &self,
        record: &Record,
        networks: &ContainerNetworks,
    ) -> Result<Vec<Publication>> {
        let wanted = wanted(record)?;
        let gateway = networks.endpoints.values().find_map(|endpoint| {
            let active = endpoint.active.as_ref().filter(|active| active.is_default)?;
            Some((&endpoint.network_id, active))
        });
        let Some((network_id, active)) = gateway else {
            return Ok(Vec::new());
        };
        let network = self.networks.find(network_id)?;
        if wanted.is_empty() || network.driver != NetworkDriver::Bridge {
            return Ok(Vec::new());
        }
        let default = BridgeOptions::parse(&network.options)?
            .host_binding
            .or(self.networks.options.host_binding)
            .filter(|address| !address.is_unspecified());
        let mut requests = Vec::new();
        for (port, bindings) in wanted {
            for (address, host_ports) in bindings {
                let addresses = addresses(active, address.or(default));
                if address.is_some_and(|address| address.is_ipv6() && address.is_loopback()) {
                    return Err(Error::invalid(format_args!(
                        "cannot publish port {port} on ::1: the kernel does not route from IPv6's loopback address; publish it on 127.0.0.1"
                    )));
                }
                if addresses.is_empty() {
                    return Err(Error::invalid(format_args!(
                        "cannot publish port {port} on {}: the container has no address of that family in network {}",
                        address.or(default).map_or("all addresses".into(), |a| a.to_string()),
                        network.name
                    )));
                }
                requests.push(PublishRequest { addresses, host_ports, port });
            }
        }
        self.networks.fabric.ports.take(&requests).map_err(|error| {
            Error::internal(format_args!(
                "failed to set up container networking: driver failed programming external connectivity on endpoint {} ({}): {}",
                record.name, active.id, isopod_base::chain(&error)
            ))
        })
    }
}

/// Addresses of the host, each with the container's of the same family.
fn addresses(endpoint: &ActiveEndpoint, host: Option<IpAddr>) -> Vec<(IpAddr, IpAddr)> {
    let pair = |host: IpAddr| {
        endpoint.address(host.is_ipv6()).map(|container| (host, container.address()))
    };
    match host {
        Some(host) => pair(host).into_iter().collect(),
        None => {
            let all = [IpAddr::from([0; 4]), IpAddr::from([0; 16])];
            all.into_iter().filter_map(pair).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PortBinding;

    #[test]
    fn bindings_are_read() {
        let binding =
            |ip: &str, port: &str| PortBinding { host_ip: ip.into(), host_port: port.into() };
        let check = |port: &str, bindings: Vec<PortBinding>| {
            let mut record = Record::default();
            record.host.port_bindings.insert(port.into(), bindings);
            wanted(&record).map(|wanted| wanted.values().map(Vec::len).sum::<usize>())
        };
        assert_eq!(
            check("80/tcp", vec![binding("", "8080"), binding("", "8081")]).expect("two"),
            2
        );
        assert_eq!(check("80", vec![binding("", "8080"), binding("", "8080")]).expect("twice"), 1);
        assert_eq!(check("80", vec![]).expect("none"), 0);
        for (port, ip, host) in
            [("x", "", "1"), ("80", "1.2", "1"), ("80", "", "x"), ("80", "", "9-8")]
        {
            assert!(check(port, vec![binding(ip, host)]).is_err(), "{port} {ip} {host}");
        }
    }
}
