//! Giving out the addresses of a subnet.
//!
//! What is durable is with whoever has an address; this is made anew from that when an engine
//! starts, so that an address cannot be lost to a crash.

use crate::error::{Error, Result};
use crate::subnet::{Subnet, bits};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The addresses of a subnet: who may have one, and which are taken.
#[derive(Clone, Debug)]
pub struct Addresses {
    subnet: Subnet,
    /// The part that is given out to those who ask for none in particular.
    range: Subnet,
    taken: BTreeSet<u128>,
}

impl Addresses {
    /// All free but the ones that nobody may have: of IPv4 the network's own and its broadcast.
    #[must_use]
    pub fn new(subnet: Subnet, range: Option<Subnet>) -> Self {
        let mut taken = BTreeSet::new();
        // A network of one or two addresses (RFC 3021) has neither.
        let wide = if subnet.is_v6() { subnet.prefix() < 127 } else { subnet.prefix() < 31 };
        if wide {
            taken.insert(subnet.first());
            if !subnet.is_v6() {
                taken.insert(subnet.last());
            }
        }
        Self { subnet: subnet.network(), range: range.unwrap_or(subnet).network(), taken }
    }

    /// The subnet.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        self.subnet
    }

    /// Takes the lowest free address of the range.
    pub fn take_any(&mut self) -> Result<IpAddr> {
        let mut candidate = self.range.first();
        for &taken in self.taken.range(candidate..) {
            if taken != candidate {
                break;
            }
            candidate = candidate.checked_add(1).ok_or_else(|| {
                Error::Exhausted("no available IP addresses on this address pool".into())
            })?;
        }
        if candidate > self.range.last() {
            return Err(Error::Exhausted("no available IP addresses on this address pool".into()));
        }
        self.taken.insert(candidate);
        Ok(self.subnet.with_bits(candidate))
    }

    /// Takes this address.
    pub fn take(&mut self, address: IpAddr) -> Result<()> {
        if !self.subnet.contains(address) {
            return Err(Error::invalid(format!(
                "no configured subnet or ip-range contain the IP address {address}"
            )));
        }
        if self.taken.insert(bits(address)) {
            Ok(())
        } else {
            Err(Error::Forbidden("Address already in use".into()))
        }
    }

    /// Whether nobody has this address.
    #[must_use]
    pub fn is_free(&self, address: IpAddr) -> bool {
        self.subnet.contains(address) && !self.taken.contains(&bits(address))
    }

    /// Gives an address back.
    pub fn release(&mut self, address: IpAddr) {
        if self.subnet.contains(address) {
            self.taken.remove(&bits(address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(subnet: &str, range: Option<&str>) -> Addresses {
        Addresses::new(subnet.parse().expect(subnet), range.map(|r| r.parse().expect(r)))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn the_lowest_free_one_is_given() {
        let mut pool = pool("10.0.0.0/29", None);
        pool.take(ip("10.0.0.1")).expect("the gateway");
        pool.take(ip("10.0.0.3")).expect("somebody");
        let given: Vec<_> = (0..4).map(|_| pool.take_any().expect("free").to_string()).collect();
        assert_eq!(given, ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        assert!(matches!(pool.take_any(), Err(Error::Exhausted(_))));
        pool.release(ip("10.0.0.4"));
        assert_eq!(pool.take_any().expect("free"), ip("10.0.0.4"));
        assert!(matches!(pool.take(ip("10.0.0.4")), Err(Error::Forbidden(_))));
        assert!(matches!(pool.take(ip("10.0.1.4")), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_range_is_kept_to() {
        let mut pool = pool("10.0.0.0/16", Some("10.0.5.0/30"));
        let given: Vec<_> = (0..4).map(|_| pool.take_any().expect("free").to_string()).collect();
        assert_eq!(given, ["10.0.5.0", "10.0.5.1", "10.0.5.2", "10.0.5.3"]);
        assert!(pool.take_any().is_err());
        pool.take(ip("10.0.9.9")).expect("by name it may be outside of the range");
    }

    #[test]
    fn the_end_of_all_addresses() {
        let mut all = pool("255.255.255.252/30", None);
        assert_eq!(all.take_any().expect("free"), ip("255.255.255.253"));
        let mut last = pool("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", None);
        last.take_any().expect("free");
        assert!(last.take_any().is_err());
        let mut pair = pool("10.0.0.0/31", None);
        assert_eq!((pair.take_any().is_ok(), pair.take_any().is_ok()), (true, true));
    }
}
