//! Ranges of addresses, IPv4 and IPv6 alike.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address with the length of its network's prefix: `172.17.0.1/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

/// Text that is not an address with a prefix.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("invalid CIDR address: {0}")]
pub struct SubnetError(String);

impl Subnet {
    /// Of an address and the length of a prefix; `None` if it is too long.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        (prefix <= width(address)).then_some(Self { address, prefix })
    }

    /// The address that it was made of.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The length of the prefix.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is of IPv6.
    #[must_use]
    pub fn is_v6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// The same with the host's part of the address cleared.
    #[must_use]
    pub fn network(&self) -> Self {
        Self { address: self.with_bits(self.first()), prefix: self.prefix }
    }

    /// The same network with another address of it.
    #[must_use]
    pub fn with_address(&self, address: IpAddr) -> Self {
        Self { address, prefix: self.prefix }
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv6() == self.is_v6() && (self.first()..=self.last()).contains(&bits(address))
    }

    /// Whether all of another one is in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.is_v6() == other.is_v6()
            && self.first() <= other.first()
            && other.last() <= self.last()
    }

    /// Whether they have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_v6() == other.is_v6()
            && self.first() <= other.last()
            && other.first() <= self.last()
    }

    /// The number of its first address.
    pub(crate) fn first(&self) -> u128 {
        bits(self.address) & !self.host_mask()
    }

    /// The number of its last address.
    pub(crate) fn last(&self) -> u128 {
        self.first() | self.host_mask()
    }

    fn host_mask(&self) -> u128 {
        let host_bits = u32::from(width(self.address) - self.prefix);
        if host_bits == 128 { u128::MAX } else { (1 << host_bits) - 1 }
    }

    /// The address of its family that has a number.
    pub(crate) fn with_bits(&self, bits: u128) -> IpAddr {
        if self.is_v6() {
            Ipv6Addr::from_bits(bits).into()
        } else {
            Ipv4Addr::from_bits(bits as u32).into()
        }
    }

    /// The `index`th network of the given prefix in it.
    pub(crate) fn part(&self, prefix: u8, index: u128) -> Option<Self> {
        if prefix < self.prefix || prefix > width(self.address) {
            return None;
        }
        let size = u32::from(width(self.address) - prefix);
        let first = self.first().checked_add(index.checked_shl(size)?)?;
        (first <= self.last() && index.leading_zeros() >= size)
            .then(|| Self { address: self.with_bits(first), prefix })
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv6() { 128 } else { 32 }
}

/// The number of an address.
pub(crate) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let error = || SubnetError(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(error)?;
        let plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| plain).ok_or_else(error)?;
        Self::new(address.parse().map_err(|_| error())?, prefix).ok_or_else(error)
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

impl TryFrom<String> for Subnet {
    type Error = SubnetError;

    fn try_from(text: String) -> Result<Self, SubnetError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().expect(text)
    }

    #[test]
    fn parts_and_borders() {
        let net = subnet("172.17.5.9/16");
        assert_eq!(net.network().to_string(), "172.17.0.0/16");
        assert!(net.contains("172.17.255.255".parse().expect("valid")));
        assert!(!net.contains("172.18.0.0".parse().expect("valid")));
        assert!(net.covers(&subnet("172.17.3.0/24")) && !subnet("172.17.3.0/24").covers(&net));
        assert!(subnet("0.0.0.0/0").overlaps(&net) && !subnet("::/0").overlaps(&net));
        assert_eq!(
            subnet("192.168.0.0/16").part(20, 15).expect("in it").to_string(),
            "192.168.240.0/20"
        );
        assert_eq!(subnet("192.168.0.0/16").part(20, 16), None);
        assert_eq!(subnet("fd00::/8").part(64, 1).expect("in it").to_string(), "fd00:0:0:1::/64");
        assert_eq!(subnet("fd00::/8").part(64, 1 << 70), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "fe80::/129", "10.0.0.0/+8", "x/8"]
        {
            let error = text.parse::<Subnet>().expect_err(text);
            assert_eq!(error.to_string(), format!("invalid CIDR address: {text}"));
        }
    }
}
