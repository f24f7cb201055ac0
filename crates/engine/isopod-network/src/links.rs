//! Network interfaces, addresses and routes: rtnetlink.
//!
//! Each function is one call of the kernel, or one batch of requests in one call. An interface of
//! a container is made in its namespace rather than moved there, since moving waits for a grace
//! period of the kernel's.

use crate::error::{Error, Result};
use crate::mac::Mac;
use crate::netlink::{self, Attributes, Socket, Writer, number, text};
use crate::subnet::Subnet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

const NEW_LINK: u16 = 16;
const DEL_LINK: u16 = 17;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_ROUTE: u16 = 24;
const DEL_ROUTE: u16 = 25;
const GET_ROUTE: u16 = 26;

/// The group of interfaces that all engines' bridges are in, by which their rules know each
/// other's: "isop" as a number.
pub(crate) const BRIDGE_GROUP: u32 = 0x6973_6f70;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_GROUP: u16 = 27;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const VETH_INFO_PEER: u16 = 1;
const IFLA_MACVLAN_MODE: u16 = 1;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const ADDR_GEN_NONE: u8 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const IFA_FLAGS: u16 = 8;
/// No duplicate address detection: we know who has which address, and it takes a second.
const IFA_F_NODAD: u32 = 0x02;

const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_TABLE: u16 = 15;
const RT_TABLE_MAIN: u32 = 254;
const RTPROT_STATIC: u8 = 4;
const RTN_UNICAST: u8 = 1;
const RT_SCOPE_LINK: u8 = 253;

const IFF_UP: u32 = 1;
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const ROUTE_HEADER: usize = 12;

/// Length of an interface's name, without the zero at its end.
pub(crate) const NAME_LIMIT: usize = 15;

/// An interface as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) kind: String,
    /// The index of the bridge that it is a port of, or 0.
    pub(crate) master: u32,
    pub(crate) mtu: u32,
    pub(crate) mac: Option<Mac>,
    pub(crate) is_up: bool,
}

/// A pair of virtual interfaces: one on a bridge, one in a container.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) name: &'a str,
    /// Index of the bridge.
    pub(crate) bridge: u32,
    pub(crate) peer_name: &'a str,
    pub(crate) peer_namespace: BorrowedFd<'a>,
    pub(crate) peer_mac: Mac,
    pub(crate) mtu: u32,
    /// Whether the port cannot speak with other such ports.
    pub(crate) isolated: bool,
}

/// rtnetlink in one network namespace.
#[derive(Debug)]
pub(crate) struct Links {
    socket: Socket,
}

impl Links {
    /// In the namespace of the calling thread.
    pub(crate) fn open() -> Result<Self> {
        Socket::open(None)
            .map(|socket| Self { socket })
            .map_err(Error::system("open an rtnetlink socket"))
    }

    fn execute(&self, action: impl Into<String>, requests: &Writer) -> Result<()> {
        self.socket
            .execute(requests)
            .map_err(|(_, source)| Error::System { action: action.into(), source })
    }

    /// Makes a bridge and brings it up.
    pub(crate) fn add_bridge(&self, name: &str, mac: Mac, mtu: u32, alias: &str) -> Result<()> {
        let mut requests = Writer::default();
        let flags = netlink::ACK | netlink::CREATE | netlink::EXCLUSIVE;
        requests.message(NEW_LINK, flags, |w| {
            w.raw(&link_header(0, IFF_UP));
            w.put_text(IFLA_IFNAME, name);
            w.put(IFLA_ADDRESS, &mac.0);
            w.put_u32(IFLA_MTU, mtu);
            w.put_u32(IFLA_GROUP, BRIDGE_GROUP);
            w.nest(IFLA_LINKINFO, |w| w.put(IFLA_INFO_KIND, b"bridge"));
        });
        // A name alone is enough to find it, and an alias can only be set on what exists.
        requests.message(NEW_LINK, netlink::ACK, |w| {
            w.raw(&link_header(0, 0));
            w.put_text(IFLA_IFNAME, name);
            w.put(IFLA_IFALIAS, alias.as_bytes());
        });
        self.execute(format!("make bridge {name}"), &requests)
    }

    /// Makes a pair of interfaces: one a port of a bridge and up, the other in another namespace.
    pub(crate) fn add_pair(&self, pair: &Pair<'_>) -> Result<()> {
        let mut requests = Writer::default();
        let flags = netlink::ACK | netlink::CREATE | netlink::EXCLUSIVE;
        requests.message(NEW_LINK, flags, |w| {
            w.raw(&link_header(0, 0));
            w.put_text(IFLA_IFNAME, pair.name);
            w.put_u32(IFLA_MTU, pair.mtu);
            w.put_u32(IFLA_MASTER, pair.bridge);
            w.nest(IFLA_LINKINFO, |w| {
                w.put(IFLA_INFO_KIND, b"veth");
                w.nest(IFLA_INFO_DATA, |w| {
                    w.nest(VETH_INFO_PEER, |w| {
                        w.raw(&link_header(0, 0));
                        w.put_text(IFLA_IFNAME, pair.peer_name);
                        w.put(IFLA_ADDRESS, &pair.peer_mac.0);
                        w.put_u32(IFLA_MTU, pair.mtu);
                        w.put_u32(IFLA_NET_NS_FD, pair.peer_namespace.as_raw_fd() as u32);
                    });
                });
            });
        });
        put_no_automatic_addresses(&mut requests, |w| {
            w.raw(&link_header(0, 0));
            w.put_text(IFLA_IFNAME, pair.name);
        });
        requests.message(NEW_LINK, netlink::ACK, |w| {
            w.raw(&link_header(0, IFF_UP));
            w.put_text(IFLA_IFNAME, pair.name);
            w.nest(IFLA_LINKINFO, |w| {
                w.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
                w.nest(IFLA_INFO_SLAVE_DATA, |w| {
                    // Where the kernel passes bridged packets to nftables, a container that asks
                    // itself by the host's address gets its packets back by the same port.
                    w.put(IFLA_BRPORT_MODE, &[1]);
                    w.put(IFLA_BRPORT_ISOLATED, &[u8::from(pair.isolated)]);
                });
            });
        });
        self.execute(format!("make interfaces {} and {}", pair.name, pair.peer_name), &requests)
    }

    /// Makes an interface of a container that is another face of one of the host's.
    pub(crate) fn add_macvlan(
        &self,
        parent: u32,
        name: &str,
        mac: Mac,
        mode: u32,
        namespace: BorrowedFd<'_>,
    ) -> Result<()> {
        let mut requests = Writer::default();
        let flags = netlink::ACK | netlink::CREATE | netlink::EXCLUSIVE;
        requests.message(NEW_LINK, flags, |w| {
            w.raw(&link_header(0, 0));
            w.put_text(IFLA_IFNAME, name);
            w.put(IFLA_ADDRESS, &mac.0);
            w.put_u32(IFLA_LINK, parent);
            w.put_u32(IFLA_NET_NS_FD, namespace.as_raw_fd() as u32);
            w.nest(IFLA_LINKINFO, |w| {
                w.put(IFLA_INFO_KIND, b"macvlan");
                w.nest(IFLA_INFO_DATA, |w| w.put_u32(IFLA_MACVLAN_MODE, mode));
            });
        });
        self.execute(format!("make macvlan interface {name}"), &requests)
    }

    /// Brings an interface up.
    pub(crate) fn set_up(&self, index: u32) -> Result<()> {
        let mut requests = Writer::default();
        requests.message(NEW_LINK, netlink::ACK, |w| w.raw(&link_header(index, IFF_UP)));
        self.execute(format!("bring up interface {index}"), &requests)
    }

    /// Makes an interface a port of a bridge and brings it up.
    pub(crate) fn set_master(&self, index: u32, bridge: u32) -> Result<()> {
        let mut requests = Writer::default();
        requests.message(NEW_LINK, netlink::ACK, |w| {
            w.raw(&link_header(index, IFF_UP));
            w.put_u32(IFLA_MASTER, bridge);
        });
        self.execute(format!("put interface {index} on its bridge"), &requests)
    }

    /// Removes an interface; one that is gone already is fine.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let mut requests = Writer::default();
        requests.message(DEL_LINK, netlink::ACK, |w| {
            w.raw(&link_header(0, 0));
            w.put_text(IFLA_IFNAME, name);
        });
        match self.execute(format!("remove interface {name}"), &requests) {
            Err(error) if error.errno() == Some(libc::ENODEV) => Ok(()),
            done => done,
        }
    }

    /// Gives an interface addresses, brings it up, and adds default routes.
    pub(crate) fn configure(
        &self,
        index: u32,
        addresses: &[Subnet],
        gateways: &[IpAddr],
    ) -> Result<()> {
        let mut requests = Writer::default();
        if !addresses.iter().any(Subnet::is_v6) {
            put_no_automatic_addresses(&mut requests, |w| w.raw(&link_header(index, 0)));
        }
        for address in addresses {
            put_address(&mut requests, index, *address);
        }
        requests.message(NEW_LINK, netlink::ACK, |w| w.raw(&link_header(index, IFF_UP)));
        for gateway in gateways {
            put_default_route(&mut requests, index, *gateway);
        }
        self.execute(format!("give interface {index} its addresses and routes"), &requests)
    }

    /// Adds an address; one that is there already is fine.
    pub(crate) fn add_address(&self, index: u32, address: Subnet) -> Result<()> {
        let mut requests = Writer::default();
        put_address(&mut requests, index, address);
        match self.execute(format!("give interface {index} the address {address}"), &requests) {
            Err(error) if error.errno() == Some(libc::EEXIST) => Ok(()),
            done => done,
        }
    }

    /// Makes this the default route of its family.
    pub(crate) fn set_default_route(&self, index: u32, gateway: IpAddr) -> Result<()> {
        let mut requests = Writer::default();
        put_default_route(&mut requests, index, gateway);
        self.execute(format!("set the default route by {gateway}"), &requests)
    }

    /// Removes the default routes of a family.
    pub(crate) fn remove_default_routes(&self, v6: bool) -> Result<()> {
        for _ in 0..16 {
            let mut requests = Writer::default();
            requests.message(DEL_ROUTE, netlink::ACK, |w| {
                w.raw(&route_header(family(v6), 0, RT_TABLE_MAIN as u8, 0, 0, 0));
            });
            match self.execute("remove the default route", &requests) {
                Ok(()) => {}
                Err(error) if matches!(error.errno(), Some(libc::ESRCH | libc::ENOENT)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One interface by name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Link>> {
        let mut request = Writer::default();
        request.message(GET_LINK, 0, |w| {
            w.raw(&link_header(0, 0));
            w.put_text(IFLA_IFNAME, name);
        });
        let found = self
            .socket
            .get(&request)
            .map_err(Error::system(format!("look for interface {name}")))?;
        Ok(found.as_deref().and_then(read_link))
    }

    /// The index of an interface that must exist.
    pub(crate) fn index(&self, name: &str) -> Result<u32> {
        self.find(name)?
            .map(|link| link.index)
            .ok_or_else(|| Error::NotFound(format!("there is no interface {name}")))
    }

    /// All interfaces.
    pub(crate) fn list(&self) -> Result<Vec<Link>> {
        let entries = self.table(GET_LINK, LINK_HEADER, "list the interfaces")?;
        Ok(entries.iter().filter_map(|body| read_link(body)).collect())
    }

    /// All addresses, with the index of the interface that has them.
    pub(crate) fn addresses(&self) -> Result<Vec<(u32, Subnet)>> {
        let entries = self.table(GET_ADDRESS, ADDRESS_HEADER, "list the addresses")?;
        Ok(entries.iter().filter_map(|body| read_address(body)).collect())
    }

    /// The destinations of all routes but default ones, and the interfaces that they lead to.
    pub(crate) fn routes(&self) -> Result<Vec<(u32, Subnet)>> {
        let entries = self.table(GET_ROUTE, ROUTE_HEADER, "list the routes")?;
        Ok(entries.iter().filter_map(|body| read_route(body)).collect())
    }

    fn table(&self, kind: u16, header: usize, action: &str) -> Result<Vec<Vec<u8>>> {
        let mut request = Writer::default();
        request.message(kind, netlink::DUMP, |w| w.raw(&vec![0; header]));
        self.socket.dump(&request).map_err(Error::system(action))
    }
}

/// `struct ifinfomsg`; `flags` are those to set.
fn link_header(index: u32, flags: u32) -> [u8; LINK_HEADER] {
    let mut header = [0; LINK_HEADER];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&flags.to_ne_bytes());
    header
}

/// No link-local address, and none of the traffic that comes with it. The kernel takes that for an
/// interface that exists already only, and it has to be said before that is up.
fn put_no_automatic_addresses(requests: &mut Writer, target: impl FnOnce(&mut Writer)) {
    if !std::path::Path::new("/proc/sys/net/ipv6").exists() {
        return;
    }
    requests.message(NEW_LINK, netlink::ACK, |w| {
        target(w);
        w.nest(IFLA_AF_SPEC, |w| {
            w.nest(libc::AF_INET6 as u16, |w| w.put(IFLA_INET6_ADDR_GEN_MODE, &[ADDR_GEN_NONE]));
        });
    });
}

fn family(v6: bool) -> u8 {
    (if v6 { libc::AF_INET6 } else { libc::AF_INET }) as u8
}

pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn put_address(requests: &mut Writer, index: u32, subnet: Subnet) {
    let flags = netlink::ACK | netlink::CREATE | netlink::EXCLUSIVE;
    requests.message(NEW_ADDRESS, flags, |w| {
        let mut header = [0; ADDRESS_HEADER];
        header[0] = family(subnet.is_v6());
        header[1] = subnet.prefix();
        header[4..8].copy_from_slice(&index.to_ne_bytes());
        w.raw(&header);
        let address = octets(subnet.address());
        w.put(IFA_LOCAL, &address);
        w.put(IFA_ADDRESS, &address);
        if subnet.is_v6() {
            w.put_u32(IFA_FLAGS, IFA_F_NODAD);
        } else if subnet.prefix() < 31 {
            w.put(IFA_BROADCAST, &octets(subnet.with_bits(subnet.last())));
        }
    });
}

fn route_header(
    family: u8,
    prefix: u8,
    table: u8,
    protocol: u8,
    scope: u8,
    kind: u8,
) -> [u8; ROUTE_HEADER] {
    let mut header = [0; ROUTE_HEADER];
    header[0] = family;
    header[1] = prefix;
    header[4] = table;
    header[5] = protocol;
    header[6] = scope;
    header[7] = kind;
    header
}

/// An unspecified gateway stands for "on this link".
fn put_default_route(requests: &mut Writer, index: u32, gateway: IpAddr) {
    let flags = netlink::ACK | netlink::CREATE | netlink::REPLACE;
    requests.message(NEW_ROUTE, flags, |w| {
        let scope = if gateway.is_unspecified() { RT_SCOPE_LINK } else { 0 };
        w.raw(&route_header(
            family(gateway.is_ipv6()),
            0,
            RT_TABLE_MAIN as u8,
            RTPROT_STATIC,
            scope,
            RTN_UNICAST,
        ));
        if !gateway.is_unspecified() {
            w.put(RTA_GATEWAY, &octets(gateway));
        }
        w.put_u32(RTA_OIF, index);
    });
}

fn read_link(body: &[u8]) -> Option<Link> {
    let mut link = Link {
        index: number(body.get(4..8)?)?,
        is_up: number(body.get(8..12)?)? & IFF_UP != 0,
        ..Link::default()
    };
    for (kind, value) in Attributes::after(body, LINK_HEADER) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_IFALIAS => link.alias = text(value),
            IFLA_MTU => link.mtu = number(value)?,
            IFLA_MASTER => link.master = number(value)?,
            IFLA_ADDRESS => link.mac = <[u8; 6]>::try_from(value).ok().map(Mac),
            IFLA_LINKINFO => {
                link.kind =
                    Attributes::find(value, 0, IFLA_INFO_KIND).map(text).unwrap_or_default();
            }
            _ => {}
        }
    }
    Some(link)
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|octets| Ipv6Addr::from(octets).into())
}

fn read_address(body: &[u8]) -> Option<(u32, Subnet)> {
    let prefix = *body.get(1)?;
    let index = number(body.get(4..8)?)?;
    let find = |kind| Attributes::find(body, ADDRESS_HEADER, kind);
    let address = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS)).and_then(ip)?;
    Some((index, Subnet::new(address, prefix)?))
}

fn read_route(body: &[u8]) -> Option<(u32, Subnet)> {
    let (prefix, kind) = (*body.get(1)?, *body.get(7)?);
    let find = |kind| Attributes::find(body, ROUTE_HEADER, kind);
    let table = find(RTA_TABLE).and_then(number).unwrap_or_else(|| u32::from(body[4]));
    if kind != RTN_UNICAST || table != RT_TABLE_MAIN || prefix == 0 {
        return None;
    }
    let destination = find(RTA_DST).and_then(ip)?;
    let index = find(RTA_OIF).and_then(number).unwrap_or(0);
    Some((index, Subnet::new(destination, prefix)?))
}
