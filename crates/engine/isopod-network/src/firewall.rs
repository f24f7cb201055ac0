//! The rules of containers' networks, in a table of our own.
//!
//! A packet passes every table of the machine. Ours only ever drops, or changes addresses: it
//! cannot let through what the host's own firewall drops. What it accepts, it accepts for itself.
//!
//! Which port is published where is in maps, so that publishing one is adding an element; the
//! rules are few and change only with the networks, and then all at once.

use crate::error::Result;
use crate::links::{BRIDGE_GROUP, octets};
use crate::nft::{self, Batch, DataType, Direction, Hook, INET, Register, Rule};
use crate::ports::{Protocol, Publication};
use crate::subnet::Subnet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What the rules need to know of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its bridge.
    pub bridge: String,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Nothing leaves it, nothing comes in.
    pub internal: bool,
    /// Whether the source of what leaves it is changed to the host's.
    pub masquerade: bool,
    /// The address it is changed to; otherwise that of the interface that it leaves by.
    pub source_v4: Option<IpAddr>,
    /// Likewise of IPv6.
    pub source_v6: Option<IpAddr>,
    /// How containers are reached from outside, in IPv4.
    pub gateway_v4: GatewayMode,
    /// Likewise in IPv6.
    pub gateway_v6: GatewayMode,
}

/// How containers are reached from outside of their network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GatewayMode {
    /// By published ports of the host only.
    #[default]
    Nat,
    /// Likewise, or at their own address and any port.
    NatUnprotected,
    /// At their own address, at published ports only; nothing is changed on the way.
    Routed,
}

const PREROUTING: &str = "prerouting";
const OUTPUT: &str = "output";
const POSTROUTING: &str = "postrouting";
const FORWARD: &str = "forward";
const SPOOFED: &str = "raw";
const DESTINATION_NAT: i32 = -100;
const SOURCE_NAT: i32 = 100;
const RAW: i32 = -300;
const LOOPBACK_V6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// The maps of published ports: whether by address, whether IPv6, and the name.
const MAPS: [(bool, bool, &str); 4] = [
    (true, false, "published4"),
    (false, false, "published4-any"),
    (true, true, "published6"),
    (false, true, "published6-any"),
];
/// Ports of containers that are open to those who reach them at their own address.
const OPEN: [(bool, &str); 2] = [(false, "open4"), (true, "open6")];

/// Our table.
#[derive(Debug)]
pub(crate) struct Firewall {
    table: String,
    /// Whether this machine forwards only for us: what else would pass is dropped then.
    pub(crate) guard_forwarding: bool,
}

impl Firewall {
    pub(crate) fn new(table: String) -> Self {
        Self { table, guard_forwarding: false }
    }

    /// Puts everything in the place of whatever is there.
    pub(crate) fn rebuild(&self, zones: &[Zone], published: &[Publication]) -> Result<()> {
        let mut batch = self.batch();
        batch.add_table();
        batch.delete_table();
        batch.add_table();
        batch.add_chain(SPOOFED, "filter", Hook::Prerouting, RAW);
        batch.add_chain(PREROUTING, "nat", Hook::Prerouting, DESTINATION_NAT);
        batch.add_chain(OUTPUT, "nat", Hook::Output, DESTINATION_NAT);
        batch.add_chain(FORWARD, "filter", Hook::Forward, 0);
        batch.add_chain(POSTROUTING, "nat", Hook::Postrouting, SOURCE_NAT);
        for (by_address, v6, map) in MAPS {
            let address = if v6 { DataType::Ipv6 } else { DataType::Ipv4 };
            let key = [address, DataType::Protocol, DataType::Service];
            batch.add_map(map, &key[usize::from(!by_address)..], &[address, DataType::Service]);
        }
        for (v6, map) in OPEN {
            let address = if v6 { DataType::Ipv6 } else { DataType::Ipv4 };
            let key = [address, DataType::Protocol, DataType::Service];
            batch.add_map(map, &key, &[DataType::Service]);
        }
        self.add_rules(&mut batch, zones);
        add_publications(&mut batch, published);
        batch.commit("build the rules of containers' networks")
    }

    /// Whether our table is there.
    pub(crate) fn exists(&self) -> Result<bool> {
        nft::has_table(INET, &self.table)
    }

    /// Replaces the rules; what is published stays.
    pub(crate) fn set_zones(&self, zones: &[Zone]) -> Result<()> {
        let mut batch = self.batch();
        for chain in [SPOOFED, PREROUTING, OUTPUT, FORWARD, POSTROUTING] {
            batch.flush_chain(chain);
        }
        self.add_rules(&mut batch, zones);
        batch.commit("change the rules of containers' networks")
    }

    /// Publishes ports.
    pub(crate) fn publish(&self, published: &[Publication]) -> Result<()> {
        if published.is_empty() {
            return Ok(());
        }
        let mut batch = self.batch();
        add_publications(&mut batch, published);
        batch.commit("publish ports")
    }

    /// Withdraws ports that are published; `staying` are those of the same containers that are
    /// not.
    pub(crate) fn withdraw(
        &self,
        published: &[Publication],
        staying: &[Publication],
    ) -> Result<()> {
        if published.is_empty() {
            return Ok(());
        }
        let mut batch = self.batch();
        for (by_address, v6, map) in MAPS {
            let keys: Vec<_> = of_map(published, by_address, v6).map(host_key).collect();
            batch.delete_elements(map, &keys);
        }
        for (v6, map) in OPEN {
            let mut keys: BTreeSet<_> = of_family(published, v6).map(container_key).collect();
            for key in of_family(staying, v6).map(container_key) {
                keys.remove(&key);
            }
            batch.delete_elements(map, &Vec::from_iter(keys));
        }
        batch.commit("withdraw published ports")
    }

    /// Removes everything, if there is anything.
    pub(crate) fn remove(&self) -> Result<()> {
        let mut batch = self.batch();
        batch.delete_table();
        match batch.commit("remove the rules of containers' networks") {
            Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::EPERM)) => Ok(()),
            done => done,
        }
    }

    fn batch(&self) -> Batch {
        Batch::new(INET, &self.table)
    }

    fn add_rules(&self, batch: &mut Batch, zones: &[Zone]) {
        use Direction::{Destination, Source};
        for chain in [PREROUTING, OUTPUT] {
            for (by_address, v6, map) in MAPS {
                let rule = Rule::new().family(v6);
                let rule = if v6 && !by_address {
                    // The kernel does not route from ::1 to anywhere else; who tries it there is
                    // refused, and goes on to 127.0.0.1.
                    rule.other_address(Destination, &LOOPBACK_V6)
                } else {
                    rule
                };
                let rule = if by_address {
                    let after = if v6 { 4 } else { 1 };
                    rule.load_address(Destination, v6, Register::FIRST)
                        .load_protocol(Register::word(after))
                        .load_port(Register::word(after + 1))
                } else {
                    rule.destination_is_local()
                        .load_protocol(Register::word(0))
                        .load_port(Register::word(1))
                };
                let port = Register::word(if v6 { 4 } else { 1 });
                batch.add_rule(chain, &rule.look_up(map).change_destination(v6, port));
            }
        }
        batch.add_rule(FORWARD, &Rule::new().known_connection().accept());
        for zone in zones {
            // The bridge routes for 127.0.0.1, so that ports published there work; its containers
            // must not reach the host's loopback that way.
            let to_loopback = Rule::new().interface(Source, &zone.bridge).family(false).network(
                Destination,
                &[127, 0, 0, 0],
                8,
            );
            batch.add_rule(SPOOFED, &to_loopback.drop());
            let bridge = |direction| Rule::new().interface(direction, &zone.bridge);
            batch.add_rule(FORWARD, &bridge(Source).interface(Destination, &zone.bridge).accept());
            if zone.internal {
                batch.add_rule(FORWARD, &bridge(Source).drop());
                batch.add_rule(FORWARD, &bridge(Destination).drop());
            }
        }
        for zone in zones.iter().filter(|zone| !zone.internal) {
            self.add_forwarding(batch, zone);
            add_source_changes(batch, zone);
        }
        if self.guard_forwarding {
            for zone in zones {
                batch.add_rule(FORWARD, &Rule::new().interface(Source, &zone.bridge).accept());
            }
            // Other engines of this machine have rules of their own for their bridges.
            let foreign = Rule::new()
                .outside_group(Source, BRIDGE_GROUP)
                .outside_group(Destination, BRIDGE_GROUP);
            batch.add_rule(FORWARD, &foreign.drop());
        }
    }

    /// What may come in from outside of a network.
    fn add_forwarding(&self, batch: &mut Batch, zone: &Zone) {
        use Direction::Destination;
        for (v6, mode) in [(false, zone.gateway_v4), (true, zone.gateway_v6)] {
            let into = || Rule::new().interface(Destination, &zone.bridge).family(v6);
            match mode {
                GatewayMode::Nat => {
                    batch.add_rule(FORWARD, &into().destination_changed().accept());
                }
                GatewayMode::NatUnprotected => batch.add_rule(FORWARD, &into().accept()),
                GatewayMode::Routed => {
                    let after = if v6 { 4 } else { 1 };
                    let open = into()
                        .load_address(Destination, v6, Register::FIRST)
                        .load_protocol(Register::word(after))
                        .load_port(Register::word(after + 1))
                        .look_up(OPEN[usize::from(v6)].1);
                    batch.add_rule(FORWARD, &open.accept());
                    let ping = if v6 { libc::IPPROTO_ICMPV6 } else { libc::IPPROTO_ICMP };
                    batch.add_rule(FORWARD, &into().protocol(ping as u8).accept());
                }
            }
        }
        batch.add_rule(FORWARD, &Rule::new().interface(Destination, &zone.bridge).drop());
    }
}

fn add_source_changes(batch: &mut Batch, zone: &Zone) {
    use Direction::{Destination, Source};
    for subnet in &zone.subnets {
        let v6 = subnet.is_v6();
        let (mode, source) =
            if v6 { (zone.gateway_v6, zone.source_v6) } else { (zone.gateway_v4, zone.source_v4) };
        if mode == GatewayMode::Routed {
            continue;
        }
        let network = octets(subnet.network().address());
        let from = || Rule::new().family(v6).network(Source, &network, subnet.prefix());
        // Back into the network by way of the host's address: were the source kept, the answer
        // would take the short way, unchanged, and nobody would know it.
        let back = from().interface(Destination, &zone.bridge).destination_changed();
        batch.add_rule(POSTROUTING, &back.masquerade());
        if zone.masquerade {
            let out = from().other_interface(Destination, &zone.bridge);
            let out = match source {
                Some(address) => out.change_source(&octets(address)),
                None => out.masquerade(),
            };
            batch.add_rule(POSTROUTING, &out);
        }
    }
    // From the host's loopback addresses, which mean something else on the other side.
    let from_loopback = Rule::new().interface(Destination, &zone.bridge).family(false).network(
        Source,
        &[127, 0, 0, 0],
        8,
    );
    batch.add_rule(POSTROUTING, &from_loopback.masquerade());
}

fn of_family(published: &[Publication], v6: bool) -> impl Iterator<Item = &Publication> {
    published.iter().filter(move |one| one.container.is_ipv6() == v6)
}

fn of_map(
    published: &[Publication],
    by_address: bool,
    v6: bool,
) -> impl Iterator<Item = &Publication> {
    of_family(published, v6).filter(move |one| one.host.is_unspecified() != by_address)
}

fn add_publications(batch: &mut Batch, published: &[Publication]) {
    for (by_address, v6, map) in MAPS {
        let elements: Vec<_> = of_map(published, by_address, v6)
            .map(|one| {
                let mut data = octets(one.container);
                data.extend(word(&one.container_port.to_be_bytes()));
                (host_key(one), data)
            })
            .collect();
        batch.add_elements(map, &elements);
    }
    for (v6, map) in OPEN {
        let keys: BTreeSet<_> = of_family(published, v6).map(container_key).collect();
        let elements: Vec<_> = keys.into_iter().map(|key| (key, word(&[0, 0]))).collect();
        batch.add_elements(map, &elements);
    }
}

/// Fills up to a register.
fn word(bytes: &[u8]) -> Vec<u8> {
    let mut word = bytes.to_vec();
    word.resize(4, 0);
    word
}

fn key(address: Option<IpAddr>, protocol: Protocol, port: u16) -> Vec<u8> {
    let mut key = address.map(octets).unwrap_or_default();
    key.extend(word(&[protocol.number()]));
    key.extend(word(&port.to_be_bytes()));
    key
}

fn host_key(one: &Publication) -> Vec<u8> {
    let address = Some(one.host).filter(|address| !address.is_unspecified());
    key(address, one.protocol, one.host_port)
}

fn container_key(one: &Publication) -> Vec<u8> {
    key(Some(one.container), one.protocol, one.container_port)
}
