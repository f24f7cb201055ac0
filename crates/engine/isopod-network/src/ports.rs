//! Ports of the host: which are taken, and by what of a container.
//!
//! A taken port is bound to a socket, so that no other program of the host takes it meanwhile and
//! one that has it is noticed. Nothing is ever received there: packets are sent on to the
//! container before they come that far.

use crate::error::{Error, Result};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// A transport protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Its number in the header of IP.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// A port of a container: `80/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerPort {
    /// Its number, not 0.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

impl fmt::Display for ContainerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

impl FromStr for ContainerPort {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = match protocol.to_ascii_lowercase().as_str() {
            "" | "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "sctp" => Protocol::Sctp,
            _ => return Err(Error::invalid(format!("invalid proto: {protocol}"))),
        };
        number(port)
            .filter(|&port| port != 0)
            .map(|port| Self { port, protocol })
            .ok_or_else(|| Error::invalid(format!("invalid port specification: \"{text}\"")))
    }
}

fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Reads a port of the host or a range of them; empty and 0 mean "any", which is `None`.
pub fn host_ports(text: &str) -> Result<Option<RangeInclusive<u16>>> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first != 0 && first <= last => Ok(Some(first..=last)),
        _ => Err(Error::invalid(format!("invalid port specification: \"{text}\""))),
    }
}

/// A port of the host that leads to one of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Publication {
    /// Address on the host; the unspecified one stands for all.
    pub host: IpAddr,
    /// Port on the host.
    pub host_port: u16,
    /// Address of the container, of the same family.
    pub container: IpAddr,
    /// Port of the container.
    pub container_port: u16,
    /// Protocol of both.
    pub protocol: Protocol,
}

/// What is asked for: a port of a container, on one or more addresses of the host.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// Addresses on the host, each with the container's of the same family. All of them get the
    /// same port.
    pub addresses: Vec<(IpAddr, IpAddr)>,
    /// Which ports of the host to choose from; `None` is any.
    pub host_ports: Option<RangeInclusive<u16>>,
    /// The container's.
    pub port: ContainerPort,
}

type Key = (Protocol, u16, IpAddr);

/// The ports that are taken.
#[derive(Debug)]
pub struct Ports {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    taken: BTreeMap<Key, Option<OwnedFd>>,
    ephemeral: RangeInclusive<u16>,
    next: u16,
}

impl Default for Ports {
    fn default() -> Self {
        let ephemeral = ephemeral_range();
        let next = *ephemeral.start();
        Self { inner: Mutex::new(Inner { taken: BTreeMap::new(), ephemeral, next }) }
    }
}

impl Ports {
    /// Takes ports for all requests, or none.
    pub fn take(&self, requests: &[PublishRequest]) -> Result<Vec<Publication>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        for request in requests {
            match inner.take(request) {
                Ok(published) => taken.extend(published),
                Err(error) => {
                    inner.release(&taken);
                    return Err(error);
                }
            }
        }
        Ok(taken)
    }

    /// Takes ports that are published already, as far as they can be bound.
    pub fn retake(&self, published: &[Publication]) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for one in published {
            let address = SocketAddr::new(one.host, one.host_port);
            let socket = bind(one.protocol, address).unwrap_or_else(|error| {
                tracing::warn!(%address, %error, "another program has a published port");
                None
            });
            inner.taken.insert((one.protocol, one.host_port, one.host), socket);
        }
    }

    /// Gives ports back.
    pub fn release(&self, published: &[Publication]) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).release(published);
    }
}

impl Inner {
    fn take(&mut self, request: &PublishRequest) -> Result<Vec<Publication>> {
        match &request.host_ports {
            Some(ports) => {
                if ports.start() == ports.end() {
                    return self.take_port(request, *ports.start());
                }
                for port in ports.clone() {
                    match self.take_port(request, port) {
                        Err(Error::Conflict(_)) => {}
                        done => return done,
                    }
                }
                Err(Error::Exhausted("all ports are allocated".into()))
            }
            None => {
                for _ in self.ephemeral.clone() {
                    let port = self.next;
                    self.next = if port >= *self.ephemeral.end() {
                        *self.ephemeral.start()
                    } else {
                        port + 1
                    };
                    match self.take_port(request, port) {
                        Err(Error::Conflict(_)) => {}
                        done => return done,
                    }
                }
                Err(Error::Exhausted("all ports are allocated".into()))
            }
        }
    }

    fn take_port(&mut self, request: &PublishRequest, port: u16) -> Result<Vec<Publication>> {
        let protocol = request.port.protocol;
        let mut published = Vec::new();
        for &(host, container) in &request.addresses {
            let outcome = if self.is_taken(protocol, port, host) {
                Err(Error::Conflict(format!(
                    "Bind for {} failed: port is already allocated",
                    SocketAddr::new(host, port)
                )))
            } else {
                bind(protocol, SocketAddr::new(host, port)).map_err(|errno| {
                    let text = format!(
                        "failed to bind host port for {}:{}: {}",
                        SocketAddr::new(host, port),
                        SocketAddr::new(container, request.port.port),
                        reason(errno)
                    );
                    if errno == Errno::ADDRINUSE {
                        Error::Conflict(text)
                    } else {
                        Error::System { action: text, source: errno.into() }
                    }
                })
            };
            match outcome {
                Ok(socket) => {
                    self.taken.insert((protocol, port, host), socket);
                    published.push(Publication {
                        host,
                        host_port: port,
                        container,
                        container_port: request.port.port,
                        protocol,
                    });
                }
                Err(error) => {
                    self.release(&published);
                    return Err(error);
                }
            }
        }
        Ok(published)
    }

    fn is_taken(&self, protocol: Protocol, port: u16, host: IpAddr) -> bool {
        let lowest = IpAddr::from([0; 4]);
        let highest = IpAddr::from([0xff; 16]);
        self.taken.range((protocol, port, lowest)..=(protocol, port, highest)).any(
            |((_, _, other), _)| {
                other.is_ipv6() == host.is_ipv6()
                    && (*other == host || other.is_unspecified() || host.is_unspecified())
            },
        )
    }

    fn release(&mut self, published: &[Publication]) {
        for one in published {
            self.taken.remove(&(one.protocol, one.host_port, one.host));
        }
    }
}

fn reason(errno: Errno) -> &'static str {
    match errno {
        Errno::ADDRINUSE => "address already in use",
        Errno::ADDRNOTAVAIL => "cannot assign requested address",
        Errno::ACCESS => "permission denied",
        _ => "bind failed",
    }
}

/// Binds a port. `None` where the kernel has no sockets of a protocol.
fn bind(protocol: Protocol, address: SocketAddr) -> Result<Option<OwnedFd>, Errno> {
    match bind_once(protocol, address, false) {
        // Connections that ended a moment ago may be all that holds it.
        Err(Errno::ADDRINUSE) if protocol == Protocol::Tcp => bind_once(protocol, address, true),
        done => done,
    }
}

fn bind_once(
    protocol: Protocol,
    address: SocketAddr,
    reuse: bool,
) -> Result<Option<OwnedFd>, Errno> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let (kind, number) = match protocol {
        Protocol::Tcp => (SocketType::STREAM, ipproto::TCP),
        Protocol::Udp => (SocketType::DGRAM, ipproto::UDP),
        Protocol::Sctp => (SocketType::STREAM, ipproto::SCTP),
    };
    let socket = match rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, Some(number)) {
        Err(Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT | Errno::SOCKTNOSUPPORT) => {
            return Ok(None);
        }
        socket => socket?,
    };
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    if protocol == Protocol::Udp {
        // What comes here all the same is not kept.
        sockopt::set_socket_recv_buffer_size(&socket, 1)?;
    }
    sockopt::set_socket_reuseaddr(&socket, reuse)?;
    rustix::net::bind(&socket, &address)?;
    Ok(Some(socket))
}

/// The ports that the kernel itself chooses from.
fn ephemeral_range() -> RangeInclusive<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let read = |text: String| {
        let mut numbers = text.split_ascii_whitespace().map(str::parse);
        let range = numbers.next()?.ok()?..=numbers.next()?.ok()?;
        (!range.is_empty()).then_some(range)
    };
    text.ok().and_then(read).unwrap_or(32768..=60999)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, ports: &str, port: &str) -> PublishRequest {
        PublishRequest {
            addresses: vec![(host.parse().expect(host), "127.0.0.9".parse().expect("valid"))],
            host_ports: host_ports(ports).expect(ports),
            port: port.parse().expect(port),
        }
    }

    #[test]
    fn ports_are_read() {
        assert_eq!("80".parse::<ContainerPort>().expect("valid").to_string(), "80/tcp");
        assert_eq!("53/UDP".parse::<ContainerPort>().expect("valid").to_string(), "53/udp");
        for bad in ["", "0", "80/x", "+80", "65536", "8 0", "80-90"] {
            assert!(bad.parse::<ContainerPort>().is_err(), "{bad}");
        }
        assert_eq!(host_ports("8000-8002").expect("valid"), Some(8000..=8002));
        assert_eq!(host_ports("").expect("valid"), None);
        assert!(host_ports("9-8").is_err() && host_ports("x").is_err());
    }

    #[test]
    fn a_port_is_taken_once() {
        let ports = Ports::default();
        let first = ports.take(&[request("127.0.0.1", "", "80")]).expect("any port");
        let same = first[0].host_port.to_string();
        let error = ports.take(&[request("127.0.0.1", &same, "81")]).expect_err("taken");
        assert_eq!(
            error.to_string(),
            format!("Bind for 127.0.0.1:{same} failed: port is already allocated")
        );
        assert!(ports.take(&[request("0.0.0.0", &same, "81")]).is_err(), "all includes it");
        ports.take(&[request("127.0.0.2", &same, "81")]).expect("another address");
        ports.take(&[request("127.0.0.1", &same, "81/udp")]).expect("another protocol");
        let holder = std::net::TcpListener::bind(("127.0.0.1", first[0].host_port));
        assert!(holder.is_err(), "no other program can have it");
        ports.release(&first);
        let holder = std::net::TcpListener::bind(("127.0.0.1", first[0].host_port)).expect("free");
        let error = ports.take(&[request("127.0.0.1", &same, "81")]).expect_err("a program's");
        assert!(error.to_string().ends_with("address already in use"), "{error}");
        drop(holder);
    }

    #[test]
    fn all_or_none() {
        let ports = Ports::default();
        let first = ports.take(&[request("127.0.0.3", "", "80")]).expect("any port")[0];
        let other = ports.take(&[request("127.0.0.3", "", "80")]).expect("any port");
        ports.release(&other);
        let (taken, free) = (first.host_port.to_string(), other[0].host_port.to_string());
        let both = [request("127.0.0.3", &free, "1"), request("127.0.0.3", &taken, "2")];
        assert!(ports.take(&both).is_err());
        ports.take(&both[..1]).expect("it was given back");
    }
}
