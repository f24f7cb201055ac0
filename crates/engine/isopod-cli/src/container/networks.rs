//! `--network` and the addresses and names in it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use isopod_docker_types::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};

use super::values::pairs;
use crate::args::{Parsed, unquote};

/// The network of `HostConfig`.
pub(super) fn mode(flags: &Parsed) -> Result<String> {
    match flags.list("network").first() {
        Some(spec) => Ok(attachment(spec)?.0),
        None => Ok("default".to_owned()),
    }
}

/// The networks to join, with what is asked for in each.
pub(super) fn networking(flags: &Parsed) -> Result<NetworkingConfig> {
    let specs = flags.list("network");
    let mut endpoints: BTreeMap<String, Option<EndpointSettings>> = BTreeMap::new();
    for (at, spec) in specs.iter().enumerate() {
        let (name, mut settings) = attachment(spec)?;
        if at == 0 {
            add_flags(flags, &mut settings)?;
        }
        let own = is_user_defined(&name);
        if !own && !settings.aliases.is_empty() {
            bail!("network-scoped aliases are only supported for user-defined networks");
        }
        if endpoints.contains_key(&name) {
            bail!("network {name:?} is specified multiple times");
        }
        if specs.len() > 1 || settings != EndpointSettings::default() {
            endpoints.insert(name, Some(settings));
        }
    }
    if specs.is_empty() {
        let mut settings = EndpointSettings::default();
        add_flags(flags, &mut settings)?;
        if settings != EndpointSettings::default() {
            endpoints.insert("default".to_owned(), Some(settings));
        }
    }
    let own = endpoints.keys().filter(|name| is_user_defined(name)).count();
    if own > 0 && own < endpoints.len() {
        bail!(
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes"
        );
    }
    Ok(NetworkingConfig { endpoints_config: endpoints })
}

fn is_user_defined(name: &str) -> bool {
    !matches!(name, "default" | "bridge" | "host" | "none") && !name.starts_with("container:")
}

fn add_flags(flags: &Parsed, settings: &mut EndpointSettings) -> Result<()> {
    if !flags.list("network-alias").is_empty() {
        if !settings.aliases.is_empty() {
            bail!("conflicting options: cannot specify both --network-alias and per-network alias");
        }
        settings.aliases = flags.list("network-alias").to_vec();
    }
    for (flag, key) in [("ip", "IPv4"), ("ip6", "IPv6")] {
        let Some(address) = flags.get(flag) else { continue };
        let ipam = settings.ipam_config.get_or_insert_default();
        let place = if flag == "ip" { &mut ipam.ipv4_address } else { &mut ipam.ipv6_address };
        if !place.is_empty() {
            bail!(
                "conflicting options: cannot specify both --{flag} and per-network {key} address"
            );
        }
        address.parse::<std::net::IpAddr>().map_err(|_| {
            anyhow!("invalid argument {address:?} for \"--{flag}\" flag: invalid IP address")
        })?;
        *place = address.to_owned();
    }
    if !flags.list("link-local-ip").is_empty() {
        settings.ipam_config.get_or_insert_default().link_local_ips =
            flags.list("link-local-ip").to_vec();
    }
    if let Some(address) = flags.get("mac-address") {
        let bytes = address.split([':', '-']).filter(|byte| u8::from_str_radix(byte, 16).is_ok());
        if bytes.count() != 6 {
            bail!("{address} is not a valid mac address");
        }
        settings.mac_address = address.to_owned();
    }
    Ok(())
}

/// `NAME`, or `name=NAME,alias=x,ip=...`.
fn attachment(spec: &str) -> Result<(String, EndpointSettings)> {
    let mut settings = EndpointSettings::default();
    if !spec.contains('=') {
        return Ok((spec.to_owned(), settings));
    }
    let mut name = String::new();
    let mut options = vec![];
    for field in unquote(spec).map_err(|problem| anyhow!(problem))? {
        let Some((key, value)) = field.split_once('=') else {
            bail!("invalid network field: {field}: must be a key=value pair");
        };
        let ipam = |settings: &mut EndpointSettings, set: fn(&mut EndpointIpamConfig, String)| {
            set(settings.ipam_config.get_or_insert_default(), value.to_owned());
        };
        match key.trim().to_lowercase().as_str() {
            "name" => name = value.trim().to_owned(),
            "alias" => settings.aliases.push(value.to_owned()),
            "driver-opt" => options.push(value.to_owned()),
            "ip" => ipam(&mut settings, |ipam, value| ipam.ipv4_address = value),
            "ip6" => ipam(&mut settings, |ipam, value| ipam.ipv6_address = value),
            "link-local-ip" => ipam(&mut settings, |ipam, value| ipam.link_local_ips.push(value)),
            "mac-address" => settings.mac_address = value.to_owned(),
            "gw-priority" => {
                settings.gw_priority =
                    value.parse().map_err(|_| anyhow!("invalid gw-priority: {value}"))?;
            }
            _ => bail!("invalid field key {key}"),
        }
    }
    settings.driver_opts = pairs(&options);
    if name.is_empty() {
        bail!("network name/id is not specified");
    }
    Ok((name, settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments() {
        let (name, settings) = attachment("name=web,alias=a,alias=b,ip=10.0.0.2").expect("good");
        assert_eq!((name.as_str(), settings.aliases.len()), ("web", 2));
        assert_eq!(settings.ipam_config.expect("set").ipv4_address, "10.0.0.2");
        assert!(attachment("alias=a").is_err());
        assert!(attachment("name=a,bogus=1").is_err());
        assert_eq!(attachment("host").expect("good").0, "host");
    }
}
