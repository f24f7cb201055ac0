//! Rules: what the kernel's small machine does with a packet, instruction by instruction.

use crate::netlink::Writer;

/// A register: four of 16 bytes, or the same as sixteen of 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register(u32);

impl Register {
    /// The first of 16 bytes.
    pub(crate) const FIRST: Self = Self(1);

    /// The `index`th of 4 bytes; the 0th is where the first of 16 bytes begins.
    pub(crate) const fn word(index: u32) -> Self {
        Self(8 + index)
    }
}

/// Which end of the way of a packet is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Source,
    Destination,
}

const META_IIFNAME: u32 = 6;
const META_OIFNAME: u32 = 7;
const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;
const META_IIFGROUP: u32 = 21;
const META_OIFGROUP: u32 = 22;
const CT_STATE: u32 = 0;
const CT_STATUS: u32 = 2;
const ESTABLISHED_OR_RELATED: u32 = 0x6;
const DESTINATION_CHANGED: u32 = 0x20;
const LOCAL: u32 = 2;
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
const NAME_LENGTH: usize = 16;

/// A rule in the making: conditions first, then what to do.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    writer: Writer,
}

impl Rule {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.raw(self.writer.bytes());
    }

    fn expression(mut self, name: &str, body: impl FnOnce(&mut Writer)) -> Self {
        self.writer.nest(1, |w| {
            w.put_text(1, name);
            w.nest(2, body);
        });
        self
    }

    fn meta(self, key: u32, register: Register) -> Self {
        self.expression("meta", |w| {
            w.put_be32(2, key);
            w.put_be32(1, register.0);
        })
    }

    fn compare(self, register: Register, operator: u32, value: &[u8]) -> Self {
        self.expression("cmp", |w| {
            w.put_be32(1, register.0);
            w.put_be32(2, operator);
            w.nest(3, |w| w.put(1, value));
        })
    }

    fn mask(self, register: Register, mask: &[u8]) -> Self {
        self.expression("bitwise", |w| {
            w.put_be32(1, register.0);
            w.put_be32(2, register.0);
            w.put_be32(3, mask.len() as u32);
            w.nest(4, |w| w.put(1, mask));
            w.nest(5, |w| w.put(1, &vec![0; mask.len()]));
        })
    }

    fn payload(self, base: u32, offset: u32, length: u32, register: Register) -> Self {
        self.expression("payload", |w| {
            w.put_be32(1, register.0);
            w.put_be32(2, base);
            w.put_be32(3, offset);
            w.put_be32(4, length);
        })
    }

    /// Of IPv4 or of IPv6.
    pub(crate) fn family(self, v6: bool) -> Self {
        let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
        self.meta(META_NFPROTO, Register::FIRST).compare(Register::FIRST, EQUAL, &[family as u8])
    }

    /// Of a transport protocol by number.
    pub(crate) fn protocol(self, protocol: u8) -> Self {
        self.meta(META_L4PROTO, Register::FIRST).compare(Register::FIRST, EQUAL, &[protocol])
    }

    /// To a port, after `protocol`.
    pub(crate) fn port(self, port: u16) -> Self {
        self.load_port(Register::FIRST).compare(Register::FIRST, EQUAL, &port.to_be_bytes())
    }

    /// From or to this interface.
    pub(crate) fn interface(self, direction: Direction, name: &str) -> Self {
        self.compare_interface(direction, EQUAL, name)
    }

    /// From or to any other interface.
    pub(crate) fn other_interface(self, direction: Direction, name: &str) -> Self {
        self.compare_interface(direction, NOT_EQUAL, name)
    }

    fn compare_interface(self, direction: Direction, operator: u32, name: &str) -> Self {
        let key = match direction {
            Direction::Source => META_IIFNAME,
            Direction::Destination => META_OIFNAME,
        };
        let mut bytes = [0; NAME_LENGTH];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        self.meta(key, Register::FIRST).compare(Register::FIRST, operator, &bytes)
    }

    /// From or to an interface that is not in this group of interfaces.
    pub(crate) fn outside_group(self, direction: Direction, group: u32) -> Self {
        let key = match direction {
            Direction::Source => META_IIFGROUP,
            Direction::Destination => META_OIFGROUP,
        };
        self.meta(key, Register::FIRST).compare(Register::FIRST, NOT_EQUAL, &group.to_ne_bytes())
    }

    /// With an address in a network, after `family`.
    pub(crate) fn network(self, direction: Direction, network: &[u8], prefix: u8) -> Self {
        let mask = prefix_mask(network.len(), prefix);
        let masked: Vec<u8> = network.iter().zip(&mask).map(|(byte, mask)| byte & mask).collect();
        let rule = self.load_address(direction, network.len() == 16, Register::FIRST);
        let whole = usize::from(prefix) == network.len() * 8;
        let rule = if whole { rule } else { rule.mask(Register::FIRST, &mask) };
        rule.compare(Register::FIRST, EQUAL, &masked)
    }

    /// With any other address than this one, after `family`.
    pub(crate) fn other_address(self, direction: Direction, address: &[u8]) -> Self {
        self.load_address(direction, address.len() == 16, Register::FIRST).compare(
            Register::FIRST,
            NOT_EQUAL,
            address,
        )
    }

    /// To an address of this machine.
    pub(crate) fn destination_is_local(self) -> Self {
        const FIB_DESTINATION_ADDRESS: u32 = 2;
        const FIB_ADDRESS_TYPE: u32 = 3;
        self.expression("fib", |w| {
            w.put_be32(3, FIB_DESTINATION_ADDRESS);
            w.put_be32(2, FIB_ADDRESS_TYPE);
            w.put_be32(1, Register::FIRST.0);
        })
        .compare(Register::FIRST, EQUAL, &LOCAL.to_ne_bytes())
    }

    /// Of a connection that is known, or an answer to one.
    pub(crate) fn known_connection(self) -> Self {
        self.connection(CT_STATE, ESTABLISHED_OR_RELATED)
    }

    /// Of a connection whose destination was changed: to a published port.
    pub(crate) fn destination_changed(self) -> Self {
        self.connection(CT_STATUS, DESTINATION_CHANGED)
    }

    fn connection(self, key: u32, bits: u32) -> Self {
        self.expression("ct", |w| {
            w.put_be32(2, key);
            w.put_be32(1, Register::FIRST.0);
        })
        .mask(Register::FIRST, &bits.to_ne_bytes())
        .compare(Register::FIRST, NOT_EQUAL, &[0; 4])
    }

    /// Loads an address of the packet.
    pub(crate) fn load_address(self, direction: Direction, v6: bool, register: Register) -> Self {
        let (offset, length) = match (direction, v6) {
            (Direction::Source, false) => (12, 4),
            (Direction::Destination, false) => (16, 4),
            (Direction::Source, true) => (8, 16),
            (Direction::Destination, true) => (24, 16),
        };
        const NETWORK_HEADER: u32 = 1;
        self.payload(NETWORK_HEADER, offset, length, register)
    }

    /// Loads the transport protocol.
    pub(crate) fn load_protocol(self, register: Register) -> Self {
        self.meta(META_L4PROTO, register)
    }

    /// Loads the destination port.
    pub(crate) fn load_port(self, register: Register) -> Self {
        const TRANSPORT_HEADER: u32 = 2;
        self.payload(TRANSPORT_HEADER, 2, 2, register)
    }

    /// Goes on if the key that begins in the first register is in a map, whose data take its
    /// place.
    pub(crate) fn look_up(self, map: &str) -> Self {
        self.expression("lookup", |w| {
            w.put_text(1, map);
            w.put_be32(2, Register::FIRST.0);
            w.put_be32(3, Register::FIRST.0);
        })
    }

    /// Changes the destination to the address in the first register and the port in `port`.
    pub(crate) fn change_destination(self, v6: bool, port: Register) -> Self {
        self.nat(1, v6, Some(port))
    }

    /// Changes the destination to this address of IPv4 and this port.
    pub(crate) fn fixed_destination(self, address: &[u8; 4], port: u16) -> Self {
        let (address, port_bytes) = (address.to_vec(), port.to_be_bytes());
        let load = |register: Register, bytes: Vec<u8>| {
            move |w: &mut Writer| {
                w.put_be32(1, register.0);
                w.nest(2, |w| w.put(1, &bytes));
            }
        };
        self.expression("immediate", load(Register::FIRST, address))
            .expression("immediate", load(Register::word(1), port_bytes.to_vec()))
            .change_destination(false, Register::word(1))
    }

    /// Changes the source to an address.
    pub(crate) fn change_source(self, address: &[u8]) -> Self {
        let v6 = address.len() == 16;
        self.expression("immediate", |w| {
            w.put_be32(1, Register::FIRST.0);
            w.nest(2, |w| w.put(1, address));
        })
        .nat(0, v6, None)
    }

    fn nat(self, kind: u32, v6: bool, port: Option<Register>) -> Self {
        let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
        self.expression("nat", |w| {
            w.put_be32(1, kind);
            w.put_be32(2, family as u32);
            w.put_be32(3, Register::FIRST.0);
            if let Some(port) = port {
                w.put_be32(5, port.0);
            }
        })
    }

    /// Changes the source to the address of the interface that the packet leaves by.
    pub(crate) fn masquerade(self) -> Self {
        self.expression("masq", |_| {})
    }

    /// Lets it pass this table.
    pub(crate) fn accept(self) -> Self {
        self.verdict(ACCEPT)
    }

    /// Lets it vanish.
    pub(crate) fn drop(self) -> Self {
        self.verdict(DROP)
    }

    fn verdict(self, code: u32) -> Self {
        self.expression("immediate", |w| {
            w.put_be32(1, 0);
            w.nest(2, |w| w.nest(2, |w| w.put_be32(1, code)));
        })
    }
}

fn prefix_mask(length: usize, prefix: u8) -> Vec<u8> {
    (0..length)
        .map(|index| {
            let bits = usize::from(prefix).saturating_sub(index * 8).min(8);
            (0xff00_u32 >> bits) as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::prefix_mask;

    #[test]
    fn masks() {
        assert_eq!(prefix_mask(4, 12), [255, 0xf0, 0, 0]);
        assert_eq!(prefix_mask(4, 0), [0; 4]);
        assert_eq!(prefix_mask(4, 32), [255; 4]);
        assert_eq!(prefix_mask(16, 64)[7..9], [255, 0]);
    }
}
