//! Options of the drivers, under the names that docker gives them.

use crate::error::{Error, Result};
use crate::fabric::MacvlanMode;
use crate::firewall::GatewayMode;
use crate::links::NAME_LIMIT;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const MTU: &str = "com.docker.network.driver.mtu";
const INTERFACE_PREFIX: &str = "com.docker.network.container_iface_prefix";

/// Of the driver `bridge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeOptions {
    /// Name of the bridge's interface.
    pub name: Option<String>,
    /// Whether its containers may speak with each other.
    pub icc: bool,
    /// Whether the source of what leaves is changed to the host's.
    pub masquerade: bool,
    /// Where ports are published unless it is said.
    pub host_binding: Option<IpAddr>,
    /// Largest packet in bytes; the usual one if it is not given.
    pub mtu: Option<u32>,
    /// Source of what leaves.
    pub host_ipv4: Option<Ipv4Addr>,
    /// Likewise in IPv6.
    pub host_ipv6: Option<Ipv6Addr>,
    /// How containers are reached from outside.
    pub gateway_mode_ipv4: GatewayMode,
    /// Likewise in IPv6.
    pub gateway_mode_ipv6: GatewayMode,
    /// The bridge gets no IPv4 address.
    pub inhibit_ipv4: bool,
    /// First part of the interfaces' names in containers.
    pub interface_prefix: String,
}

impl BridgeOptions {
    /// Reads them; one that does not exist is an error.
    pub fn parse(options: &BTreeMap<String, String>) -> Result<Self> {
        let mut parsed = Self {
            name: None,
            icc: true,
            masquerade: true,
            host_binding: None,
            mtu: None,
            host_ipv4: None,
            host_ipv6: None,
            gateway_mode_ipv4: GatewayMode::Nat,
            gateway_mode_ipv6: GatewayMode::Nat,
            inhibit_ipv4: false,
            interface_prefix: "eth".into(),
        };
        for (key, value) in options {
            match key.as_str() {
                "com.docker.network.bridge.name" => parsed.name = Some(interface_name(key, value)?),
                "com.docker.network.bridge.enable_icc" => parsed.icc = switch(key, value)?,
                "com.docker.network.bridge.enable_ip_masquerade" => {
                    parsed.masquerade = switch(key, value)?;
                }
                "com.docker.network.bridge.host_binding_ipv4" => {
                    parsed.host_binding = Some(address::<IpAddr>(key, value)?);
                }
                "com.docker.network.bridge.inhibit_ipv4" => {
                    parsed.inhibit_ipv4 = switch(key, value)?;
                }
                "com.docker.network.bridge.gateway_mode_ipv4" => {
                    parsed.gateway_mode_ipv4 = gateway_mode(key, value)?;
                }
                "com.docker.network.bridge.gateway_mode_ipv6" => {
                    parsed.gateway_mode_ipv6 = gateway_mode(key, value)?;
                }
                // What the default network says of itself.
                "com.docker.network.bridge.default_bridge" => {
                    switch(key, value)?;
                }
                "com.docker.network.host_ipv4" => parsed.host_ipv4 = Some(address(key, value)?),
                "com.docker.network.host_ipv6" => parsed.host_ipv6 = Some(address(key, value)?),
                MTU => parsed.mtu = mtu(key, value)?,
                INTERFACE_PREFIX => parsed.interface_prefix = interface_prefix(key, value)?,
                _ => return Err(unknown("bridge", key)),
            }
        }
        Ok(parsed)
    }
}

/// Of the driver `macvlan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacvlanOptions {
    /// The host's interface.
    pub parent: Option<String>,
    /// Who of them hears whom.
    pub mode: MacvlanMode,
    /// First part of the interfaces' names in containers.
    pub interface_prefix: String,
}

impl MacvlanOptions {
    /// Reads them; one that does not exist is an error.
    pub fn parse(options: &BTreeMap<String, String>) -> Result<Self> {
        let mut parsed =
            Self { parent: None, mode: MacvlanMode::Bridge, interface_prefix: "eth".into() };
        for (key, value) in options {
            match key.as_str() {
                "parent" => parsed.parent = Some(interface_name(key, value)?),
                "macvlan_mode" => {
                    parsed.mode = match value.as_str() {
                        "" | "bridge" => MacvlanMode::Bridge,
                        "private" => MacvlanMode::Private,
                        "vepa" => MacvlanMode::Vepa,
                        "passthru" => MacvlanMode::Passthru,
                        _ => return Err(invalid(key, value, "bridge, private, vepa or passthru")),
                    };
                }
                INTERFACE_PREFIX => parsed.interface_prefix = interface_prefix(key, value)?,
                _ => return Err(unknown("macvlan", key)),
            }
        }
        Ok(parsed)
    }
}

fn unknown(driver: &str, key: &str) -> Error {
    Error::invalid(format!("the network driver {driver} has no option \"{key}\""))
}

fn invalid(key: &str, value: &str, expected: &str) -> Error {
    Error::invalid(format!(
        "invalid value \"{value}\" of network option {key}: expected {expected}"
    ))
}

fn switch(key: &str, value: &str) -> Result<bool> {
    match value {
        "" | "true" | "1" | "t" | "T" | "TRUE" | "True" => Ok(true),
        "false" | "0" | "f" | "F" | "FALSE" | "False" => Ok(false),
        _ => Err(invalid(key, value, "true or false")),
    }
}

fn address<T: std::str::FromStr>(key: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| invalid(key, value, "an IP address"))
}

fn mtu(key: &str, value: &str) -> Result<Option<u32>> {
    match value.parse() {
        Ok(0) => Ok(None),
        Ok(mtu @ 68..=65535) => Ok(Some(mtu)),
        _ => Err(invalid(key, value, "a number of bytes from 68 to 65535")),
    }
}

fn gateway_mode(key: &str, value: &str) -> Result<GatewayMode> {
    match value {
        "" | "nat" => Ok(GatewayMode::Nat),
        "nat-unprotected" => Ok(GatewayMode::NatUnprotected),
        "routed" => Ok(GatewayMode::Routed),
        _ => Err(invalid(key, value, "nat, nat-unprotected or routed")),
    }
}

fn interface_name(key: &str, value: &str) -> Result<String> {
    let valid = !value.is_empty()
        && value.len() <= NAME_LIMIT
        && value != "."
        && value != ".."
        && !value.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control());
    if valid {
        Ok(value.to_owned())
    } else {
        Err(invalid(key, value, "a name of 1 to 15 bytes without slash, colon and space"))
    }
}

fn interface_prefix(key: &str, value: &str) -> Result<String> {
    interface_name(key, value).ok().filter(|name| name.len() < NAME_LIMIT - 2).ok_or_else(|| {
        invalid(key, value, "the first part of an interface's name, at most 12 bytes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(key: &str, value: &str) -> Result<BridgeOptions> {
        BridgeOptions::parse(&BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn options_are_docker_s() {
        assert!(!bridge("com.docker.network.bridge.enable_icc", "false").expect("valid").icc);
        assert_eq!(bridge(MTU, "1400").expect("valid").mtu, Some(1400));
        for (key, value) in [
            ("com.docker.network.bridge.enable_icc", "maybe"),
            ("com.docker.network.bridge.name", "a name that is too long"),
            ("com.docker.network.bridge.host_binding_ipv4", "1.2.3"),
            (MTU, "10"),
            ("bogus", "1"),
        ] {
            let error = bridge(key, value).expect_err(key).to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
