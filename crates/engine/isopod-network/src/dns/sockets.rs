//! The sockets of a container's name service, in its namespace.
//!
//! They have ports of the kernel's choice, and a rule in the namespace sends there what is sent to
//! port 53: so the container can run a name server of its own on all of its addresses.

use super::ADDRESS;
use crate::error::{Error, Result};
use crate::namespace::Namespace;
use crate::nft::{Batch, Direction, Hook, IPV4, Rule};
use crate::ports::Protocol;
use std::net::{TcpListener, UdpSocket};

const TABLE: &str = "isopod-dns";
const CHAIN: &str = "output";
const DESTINATION_NAT: i32 = -100;
const PORT: u16 = 53;

/// Bound and not read from yet.
#[derive(Debug)]
pub struct Sockets {
    pub(super) udp: UdpSocket,
    pub(super) tcp: TcpListener,
}

impl Sockets {
    /// Opens them, in the place of whatever an engine before this one has left.
    pub fn open(namespace: &Namespace) -> Result<Self> {
        namespace.run(|| {
            let failed = || Error::system("listen for a container's questions about names");
            let udp = UdpSocket::bind((ADDRESS, 0)).map_err(failed())?;
            let tcp = TcpListener::bind((ADDRESS, 0)).map_err(failed())?;
            udp.set_nonblocking(true).map_err(failed())?;
            tcp.set_nonblocking(true).map_err(failed())?;
            let ports = [
                (Protocol::Udp, udp.local_addr().map_err(failed())?.port()),
                (Protocol::Tcp, tcp.local_addr().map_err(failed())?.port()),
            ];
            let mut batch = Batch::new(IPV4, TABLE);
            batch.add_table();
            batch.delete_table();
            batch.add_table();
            batch.add_chain(CHAIN, "nat", Hook::Output, DESTINATION_NAT);
            for (protocol, port) in ports {
                let rule = Rule::new()
                    .network(Direction::Destination, &ADDRESS.octets(), 32)
                    .protocol(protocol.number())
                    .port(PORT)
                    .fixed_destination(&ADDRESS.octets(), port);
                batch.add_rule(CHAIN, &rule);
            }
            batch.commit("send a container's questions about names to the engine")?;
            Ok(Self { udp, tcp })
        })
    }
}
