//! Choosing a subnet for a network that asks for none: docker's default pools.

use crate::error::{Error, Result};
use crate::subnet::Subnet;
use std::net::{IpAddr, Ipv6Addr};

/// A range to cut subnets of one size from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The range.
    pub base: Subnet,
    /// The prefix of the subnets cut from it.
    pub size: u8,
}

/// How many subnets of a pool are looked at: a wide IPv6 pool has more than there is time for.
const ATTEMPTS: u128 = 1 << 16;

/// Docker's pools: 172.17.0.0/16 and on to 172.31.0.0/16, then parts of 192.168.0.0/16.
#[must_use]
pub fn default_pools() -> Vec<Pool> {
    let v4 = |a: u8, b: u8, prefix: u8| {
        Subnet::new(IpAddr::from([a, b, 0, 0]), prefix).expect("at most 32")
    };
    let mut pools: Vec<_> = (17..=31).map(|b| Pool { base: v4(172, b, 16), size: 16 }).collect();
    pools.push(Pool { base: v4(192, 168, 16), size: 20 });
    pools
}

/// The range of unique local addresses (RFC 4193) that belongs to `seed`: its 40 bits take the
/// place of random ones, so that an engine has the same range always.
#[must_use]
pub fn local_pool(seed: [u8; 5]) -> Pool {
    let mut octets = [0; 16];
    octets[0] = 0xfd;
    octets[1..6].copy_from_slice(&seed);
    let base = Subnet::new(Ipv6Addr::from(octets).into(), 48).expect("at most 128");
    Pool { base, size: 64 }
}

/// The first subnet of the pools that overlaps nothing in `taken`.
pub fn choose(pools: &[Pool], v6: bool, taken: &[Subnet]) -> Result<Subnet> {
    for pool in pools.iter().filter(|pool| pool.base.is_v6() == v6) {
        let mut index = 0;
        while index < ATTEMPTS
            && let Some(candidate) = pool.base.part(pool.size, index)
        {
            if !taken.iter().any(|other| other.overlaps(&candidate)) {
                return Ok(candidate);
            }
            index += 1;
        }
    }
    Err(Error::Exhausted(
        "all predefined address pools have been fully subnetted: give a --subnet, or more default-address-pools".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<Subnet> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    #[test]
    fn the_first_that_overlaps_nothing() {
        let pools = default_pools();
        let chosen = |taken: &[&str]| choose(&pools, false, &nets(taken)).map(|s| s.to_string());
        assert_eq!(chosen(&[]).expect("free"), "172.17.0.0/16");
        assert_eq!(chosen(&["172.17.4.0/24"]).expect("free"), "172.18.0.0/16");
        assert_eq!(chosen(&["172.16.0.0/12"]).expect("free"), "192.168.0.0/20");
        assert_eq!(chosen(&["172.16.0.0/12", "192.168.1.7/32"]).expect("free"), "192.168.16.0/20");
        assert!(chosen(&["0.0.0.0/0"]).is_err());
    }

    #[test]
    fn local_ranges() {
        let pool = local_pool([1, 2, 3, 4, 5]);
        let taken = nets(&["fd01:203:405::/64"]);
        let chosen = choose(&[pool], true, &taken).expect("free");
        assert_eq!(chosen.to_string(), "fd01:203:405:1::/64");
    }
}
