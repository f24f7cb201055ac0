//! nftables over netlink: batches that the kernel applies whole or not at all.

mod expression;

pub(crate) use expression::{Direction, Register, Rule};

use crate::error::{Error, Result};
use crate::netlink::{self, Socket, Writer};
use rustix::net::netlink::NETFILTER;

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = 0;
const GET_TABLE: u16 = 1;
const DEL_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const DEL_RULE: u16 = 8;
const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
const DEL_ELEMENT: u16 = 14;

/// Rules for IPv4 and IPv6 in one table.
pub(crate) const INET: u8 = 1;
/// Rules for IPv4.
pub(crate) const IPV4: u8 = 2;

const MAP: u32 = 8;
/// Attributes' values are shorter than 64 KiB, so elements go in portions.
const ELEMENTS_A_MESSAGE: usize = 500;

/// Where in its way through the kernel a packet meets a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Prerouting = 0,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

/// What nft(8) calls the types of keys and data; the kernel keeps the numbers for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DataType {
    Ipv4 = 7,
    Ipv6 = 8,
    Protocol = 12,
    Service = 13,
}

impl DataType {
    fn length(self) -> u32 {
        match self {
            Self::Ipv4 => 4,
            Self::Ipv6 => 16,
            // Every part of a concatenation takes whole registers.
            Self::Protocol | Self::Service => 4,
        }
    }
}

/// A concatenation of types: its number for nft(8), and its length.
fn concatenation(types: &[DataType]) -> (u32, u32) {
    types.iter().fold((0, 0), |(number, length), &part| {
        ((number << 6) | part as u32, length + part.length())
    })
}

/// Changes to one table, applied together.
#[derive(Debug)]
pub(crate) struct Batch {
    writer: Writer,
    family: u8,
    table: String,
    sets: u32,
}

impl Batch {
    pub(crate) fn new(family: u8, table: &str) -> Self {
        let mut writer = Writer::default();
        writer.message(BATCH_BEGIN, 0, |w| w.raw(&header(0, SUBSYSTEM)));
        Self { writer, family, table: table.to_owned(), sets: 0 }
    }

    fn message(&mut self, kind: u16, flags: u16, body: impl FnOnce(&mut Writer)) {
        let family = self.family;
        // Failures are told unasked; asking for every success could overrun the socket.
        self.writer.message((SUBSYSTEM << 8) | kind, flags, |w| {
            w.raw(&header(family, 0));
            body(w);
        });
    }

    /// Makes the table if it is not there.
    pub(crate) fn add_table(&mut self) {
        let table = self.table.clone();
        self.message(NEW_TABLE, netlink::CREATE, |w| w.put_text(1, &table));
    }

    /// Removes the table with all that is in it.
    pub(crate) fn delete_table(&mut self) {
        let table = self.table.clone();
        self.message(DEL_TABLE, 0, |w| w.put_text(1, &table));
    }

    /// Makes a chain that packets meet at a hook; what it does not decide goes on.
    pub(crate) fn add_chain(&mut self, name: &str, kind: &str, hook: Hook, priority: i32) {
        let table = self.table.clone();
        self.message(NEW_CHAIN, netlink::CREATE, |w| {
            w.put_text(1, &table);
            w.put_text(3, name);
            w.nest(4, |w| {
                w.put_be32(1, hook as u32);
                w.put_be32(2, priority as u32);
            });
            w.put_text(7, kind);
        });
    }

    /// Removes all rules of a chain.
    pub(crate) fn flush_chain(&mut self, chain: &str) {
        let table = self.table.clone();
        self.message(DEL_RULE, 0, |w| {
            w.put_text(1, &table);
            w.put_text(2, chain);
        });
    }

    /// Adds a rule at the end of a chain.
    pub(crate) fn add_rule(&mut self, chain: &str, rule: &Rule) {
        let table = self.table.clone();
        self.message(NEW_RULE, netlink::CREATE | netlink::APPEND, |w| {
            w.put_text(1, &table);
            w.put_text(2, chain);
            w.nest(4, |w| rule.write(w));
        });
    }

    /// Makes a map, which is looked up by hashing.
    pub(crate) fn add_map(&mut self, name: &str, key: &[DataType], data: &[DataType]) {
        self.sets += 1;
        let (table, id) = (self.table.clone(), self.sets);
        self.message(NEW_SET, netlink::CREATE, |w| {
            let (key_type, key_length) = concatenation(key);
            let (data_type, data_length) = concatenation(data);
            w.put_text(1, &table);
            w.put_text(2, name);
            w.put_be32(3, MAP);
            w.put_be32(4, key_type);
            w.put_be32(5, key_length);
            w.put_be32(6, data_type);
            w.put_be32(7, data_length);
            w.put_be32(10, id);
        });
    }

    /// Adds elements to a map: keys with what they lead to.
    pub(crate) fn add_elements(&mut self, map: &str, elements: &[(Vec<u8>, Vec<u8>)]) {
        for portion in elements.chunks(ELEMENTS_A_MESSAGE) {
            let table = self.table.clone();
            self.message(NEW_ELEMENT, netlink::CREATE, |w| {
                w.put_text(1, &table);
                w.put_text(2, map);
                w.nest(3, |w| {
                    for (key, data) in portion {
                        w.nest(1, |w| {
                            w.nest(1, |w| w.put(1, key));
                            w.nest(2, |w| w.put(1, data));
                        });
                    }
                });
            });
        }
    }

    /// Removes elements of a map; all of them must be there.
    pub(crate) fn delete_elements(&mut self, map: &str, keys: &[Vec<u8>]) {
        for portion in keys.chunks(ELEMENTS_A_MESSAGE) {
            let table = self.table.clone();
            self.message(DEL_ELEMENT, 0, |w| {
                w.put_text(1, &table);
                w.put_text(2, map);
                w.nest(3, |w| {
                    for key in portion {
                        w.nest(1, |w| w.nest(1, |w| w.put(1, key)));
                    }
                });
            });
        }
    }

    /// Applies all of it or nothing, in the network namespace of the calling thread.
    pub(crate) fn commit(mut self, action: &str) -> Result<()> {
        self.writer.message(BATCH_END, 0, |w| w.raw(&header(0, SUBSYSTEM)));
        let socket =
            Socket::open(Some(NETFILTER)).map_err(Error::system("open a socket for nftables"))?;
        socket.execute(&self.writer).map_err(|(number, source)| Error::System {
            action: format!("{action} (change {number} of a transaction of nftables)"),
            source,
        })
    }
}

/// Whether a table exists.
pub(crate) fn has_table(family: u8, table: &str) -> Result<bool> {
    let failed = || Error::system("look for a table of nftables");
    let mut request = Writer::default();
    request.message((SUBSYSTEM << 8) | GET_TABLE, 0, |w| {
        w.raw(&header(family, 0));
        w.put_text(1, table);
    });
    let socket = Socket::open(Some(NETFILTER)).map_err(failed())?;
    Ok(socket.get(&request).map_err(failed())?.is_some())
}

/// Hears when somebody removes a table, ours perhaps.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
}

impl Watch {
    /// In the namespace of the calling thread.
    pub fn open() -> Result<Self> {
        const CHANGES: u32 = 1 << 6;
        Socket::open_groups(Some(NETFILTER), CHANGES)
            .map(|socket| Self { socket })
            .map_err(Error::system("listen for changes of nftables"))
    }

    /// Waits, half a minute at most; whether a table was removed.
    pub fn wait(&self) -> Result<bool> {
        self.socket
            .hears((SUBSYSTEM << 8) | DEL_TABLE)
            .map_err(Error::system("listen for changes of nftables"))
    }
}

/// `struct nfgenmsg`.
fn header(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}
