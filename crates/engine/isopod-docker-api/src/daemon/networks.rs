//! Settings of networks.

use crate::daemon::error::DaemonError;
use crate::daemon::settings::{invalid, switch};
use isopod_engine::NetworkOptions;
use std::net::IpAddr;

/// Takes a setting; `false` if it does not concern networks.
pub(crate) fn configure(
    options: &mut NetworkOptions,
    flag: &str,
    texts: &[String],
) -> Result<bool, DaemonError> {
    let last = texts.last().map(String::as_str).unwrap_or_default();
    match flag {
        "bridge" if last == "none" => options.default_bridge = false,
        "bridge" => options.bridge_name = Some(last.to_owned()).filter(|name| !name.is_empty()),
        "bip" => options.bridge_address = Some(parse(flag, last, "ADDRESS/PREFIX")?),
        "bip6" => options.bridge_address_v6 = Some(parse(flag, last, "ADDRESS/PREFIX")?),
        "fixed-cidr" => options.fixed_range = Some(parse(flag, last, "a subnet")?),
        "fixed-cidr-v6" => options.fixed_range_v6 = Some(parse(flag, last, "a subnet")?),
        "default-gateway" => options.default_gateway = Some(address(flag, last)?),
        "default-gateway-v6" => options.default_gateway_v6 = Some(address(flag, last)?),
        "ipv6" => options.ipv6 = switch(flag, last)?,
        "mtu" => {
            let mtu: u32 = parse(flag, last, "a number of bytes")?;
            options.mtu = Some(mtu).filter(|mtu| *mtu != 0);
        }
        "icc" => options.icc = switch(flag, last)?,
        "ip" => options.host_binding = Some(address(flag, last)?),
        "ip-masq" => options.masquerade = switch(flag, last)?,
        "default-address-pool" => {
            options.pools = texts.iter().map(|text| pool(flag, text)).collect::<Result<_, _>>()?;
        }
        "dns" => {
            for text in texts {
                address(flag, text)?;
            }
            options.dns = texts.to_vec();
        }
        "dns-opt" => options.dns_options = texts.to_vec(),
        "dns-search" => options.dns_search = texts.to_vec(),
        "host-gateway-ip" => {
            let addresses = last.split(',').map(|text| address(flag, text));
            options.host_gateways = addresses.collect::<Result<_, _>>()?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn parse<T: std::str::FromStr>(flag: &str, text: &str, expected: &str) -> Result<T, DaemonError> {
    text.parse().map_err(|_| invalid(flag, text, format!("expected {expected}")))
}

fn address(flag: &str, text: &str) -> Result<IpAddr, DaemonError> {
    parse(flag, text, "an IP address")
}

/// `base=10.10.0.0/16,size=24`, in either order.
fn pool(flag: &str, text: &str) -> Result<isopod_engine::AddressPool, DaemonError> {
    let bad = || invalid(flag, text, "expected base=SUBNET,size=PREFIX");
    let (mut base, mut size) = (None, None);
    for part in text.split(',') {
        match part.split_once('=').ok_or_else(bad)? {
            ("base", value) => base = value.parse::<isopod_engine::Subnet>().ok(),
            ("size", value) => size = value.parse::<u8>().ok(),
            _ => return Err(bad()),
        }
    }
    let (Some(base), Some(size)) = (base, size) else { return Err(bad()) };
    let width = if base.is_v6() { 128 } else { 32 };
    if size < base.prefix() || size > width {
        return Err(invalid(flag, text, "the size is the prefix of a part of the base"));
    }
    Ok(isopod_engine::AddressPool { base: base.network(), size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let mut options = NetworkOptions::default();
        let mut set = |flag: &str, text: &str| configure(&mut options, flag, &[text.to_owned()]);
        for (flag, text) in [
            ("bip", "10.7.0.1/24"),
            ("mtu", "1400"),
            ("dns", "10.0.0.53"),
            ("default-address-pool", "base=10.10.0.0/16,size=24"),
            ("default-address-pool", "size=64,base=fd00:1::/48"),
        ] {
            assert!(set(flag, text).expect(flag), "{flag}");
        }
        for (flag, text) in [
            ("bip", "10.7.0.1"),
            ("mtu", "big"),
            ("dns", "example"),
            ("default-address-pool", "base=10.10.0.0/16,size=8"),
            ("default-address-pool", "10.10.0.0/16"),
            ("icc", "maybe"),
        ] {
            let error = set(flag, text).expect_err(flag).to_string();
            assert!(error.contains(flag) && error.contains(text), "{error}");
        }
        assert!(!set("label", "a=b").expect("not ours"));
    }
}
