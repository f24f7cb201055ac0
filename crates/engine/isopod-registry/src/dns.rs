//! Names to addresses: `/etc/hosts`, then the servers of `/etc/resolv.conf` (RFC 1035).
//!
//! In Rust since a static glibc binary cannot load the modules that `getaddrinfo` needs. No
//! cache: connections are reused, so names are asked for rarely.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use isopod_base::id::random_bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
const MAX_FILE_BYTES: u64 = 4 << 20;
const MAX_SERVERS: usize = 3;
const MAX_SEARCH: usize = 6;
const MAX_ADDRESSES: usize = 16;
const MAX_UDP_BYTES: usize = 4096;

/// A name has no address.
#[derive(Debug, thiserror::Error)]
#[error("lookup {host}: {reason}")]
pub struct LookupError {
    /// The name.
    pub host: String,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("no such host")]
    NoSuchHost,
    #[error("server misbehaving")]
    ServerFailed,
    #[error("i/o timeout")]
    Timeout,
    #[error("{0}")]
    Io(String),
    #[error("not a host name")]
    Malformed,
}

impl LookupError {
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.reason, Reason::ServerFailed | Reason::Timeout | Reason::Io(_))
    }
}

/// The addresses of a host, in the order in which to try them.
pub(crate) async fn lookup(host: &str) -> Result<Vec<IpAddr>, LookupError> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let hosts = read_bounded(Path::new("/etc/hosts"));
    let known = from_hosts(&hosts, host);
    if !known.is_empty() {
        return Ok(known);
    }
    if host.eq_ignore_ascii_case("localhost") || host.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let settings = Settings::parse(&read_bounded(Path::new("/etc/resolv.conf")));
    let mut reason = Reason::NoSuchHost;
    for name in settings.candidates(host) {
        match settings.ask(&name).await {
            Ok(addresses) if !addresses.is_empty() => return Ok(addresses),
            Ok(_) => {}
            Err(Reason::NoSuchHost) => {}
            Err(other) => reason = other,
        }
    }
    Err(LookupError { host: host.to_owned(), reason })
}

fn read_bounded(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() <= MAX_FILE_BYTES => {
            String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
        }
        _ => String::new(),
    }
}

fn from_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
        if words.any(|name| name.eq_ignore_ascii_case(host)) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

/// What resolv.conf(5) says.
#[derive(Debug, PartialEq)]
struct Settings {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: usize,
    timeout: Duration,
    attempts: usize,
}

impl Settings {
    fn parse(text: &str) -> Self {
        let mut settings = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().map(|word| word.split('%').next().unwrap_or(word));
                    if let Some(address) = address.and_then(|word| word.parse::<IpAddr>().ok()) {
                        settings.servers.push(SocketAddr::new(address, 53));
                    }
                }
                Some("search" | "domain") => {
                    settings.search = words
                        .map(|w| w.trim_end_matches('.').to_owned())
                        .take(MAX_SEARCH)
                        .collect();
                }
                Some("options") => words.for_each(|option| settings.option(option)),
                _ => {}
            }
        }
        settings.servers.truncate(MAX_SERVERS);
        if settings.servers.is_empty() {
            settings.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
        }
        settings
    }

    fn option(&mut self, option: &str) {
        let Some((name, value)) = option.split_once(':') else { return };
        let Ok(value) = value.parse::<usize>() else { return };
        match name {
            "ndots" => self.ndots = value.min(15),
            "timeout" => self.timeout = Duration::from_secs(value.clamp(1, 30) as u64),
            "attempts" => self.attempts = value.clamp(1, 5),
            _ => {}
        }
    }

    fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().filter(|d| !d.is_empty()).map(|d| format!("{host}.{d}"));
        if host.matches('.').count() >= self.ndots {
            std::iter::once(host.to_owned()).chain(searched).collect()
        } else {
            searched.chain(std::iter::once(host.to_owned())).collect()
        }
    }

    async fn ask(&self, name: &str) -> Result<Vec<IpAddr>, Reason> {
        let mut reason = Reason::Timeout;
        for _ in 0..self.attempts {
            for server in &self.servers {
                match timeout(self.timeout, ask_server(*server, name)).await {
                    Ok(Ok(addresses)) => return Ok(addresses),
                    Ok(Err(error @ (Reason::NoSuchHost | Reason::Malformed))) => return Err(error),
                    Ok(Err(error)) => reason = error,
                    Err(_) => reason = Reason::Timeout,
                }
            }
        }
        Err(reason)
    }
}

/// Asks one server for IPv4 and IPv6 addresses at once.
async fn ask_server(server: SocketAddr, name: &str) -> Result<Vec<IpAddr>, Reason> {
    let io = |error: io::Error| Reason::Io(crate::error::io_words(&error));
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await.map_err(io)?;
    socket.connect(server).await.map_err(io)?;
    let mut open = Vec::new();
    for kind in [TYPE_A, TYPE_AAAA] {
        let query = Query::new(name, kind)?;
        socket.send(&query.bytes).await.map_err(io)?;
        open.push(query);
    }
    let mut answers = [Vec::new(), Vec::new()];
    let mut failure = None;
    let mut buffer = vec![0; MAX_UDP_BYTES];
    while !open.is_empty() {
        let length = socket.recv(&mut buffer).await.map_err(io)?;
        let message = &buffer[..length];
        // What does not belong to an open query is ignored: it may be forged or late.
        let Some(at) = open.iter().position(|query| query.is_answered_by(message)) else {
            continue;
        };
        let query = open.swap_remove(at);
        let slot = usize::from(query.kind == TYPE_AAAA);
        let answer = match parse_answer(message, query.kind) {
            Ok(Answer::Truncated) => ask_by_tcp(server, &query).await.map_err(io).and_then(
                |message| match parse_answer(&message, query.kind)? {
                    Answer::Addresses(addresses) => Ok(addresses),
                    Answer::Truncated => Err(Reason::ServerFailed),
                },
            ),
            Ok(Answer::Addresses(addresses)) => Ok(addresses),
            Err(reason) => Err(reason),
        };
        match answer {
            Ok(addresses) => answers[slot] = addresses,
            Err(reason) => failure = Some(reason),
        }
    }
    let [v4, v6] = answers;
    let mut addresses = v4;
    addresses.extend(v6);
    addresses.truncate(MAX_ADDRESSES);
    match failure {
        Some(reason) if addresses.is_empty() => Err(reason),
        _ => Ok(addresses),
    }
}

async fn ask_by_tcp(server: SocketAddr, query: &Query) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&query.bytes).await?;
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    if !query.is_answered_by(&message) {
        return Err(io::Error::other("the answer is to another question"));
    }
    Ok(message)
}

struct Query {
    kind: u16,
    bytes: Vec<u8>,
}

impl Query {
    fn new(name: &str, kind: u16) -> Result<Self, Reason> {
        let mut bytes = random_bytes::<2>().to_vec();
        // Recursion desired; one question.
        bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in name.split('.') {
            let length = u8::try_from(label.len()).map_err(|_| Reason::Malformed)?;
            if length == 0 || length > 63 {
                return Err(Reason::Malformed);
            }
            bytes.push(length);
            bytes.extend(label.bytes());
        }
        if name.len() > 253 {
            return Err(Reason::Malformed);
        }
        bytes.push(0);
        bytes.extend(kind.to_be_bytes());
        bytes.extend(CLASS_IN.to_be_bytes());
        Ok(Self { kind, bytes })
    }

    /// Same identifier and, letter case aside, the same question.
    fn is_answered_by(&self, message: &[u8]) -> bool {
        let end = self.bytes.len();
        message.len() >= end
            && message[..2] == self.bytes[..2]
            && message[2] & 0x80 != 0
            && message[4..6] == [0, 1]
            && message[12..end].eq_ignore_ascii_case(&self.bytes[12..])
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Addresses(Vec<IpAddr>),
    Truncated,
}

fn parse_answer(message: &[u8], kind: u16) -> Result<Answer, Reason> {
    let word = |at: usize| -> Option<u16> {
        Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?))
    };
    let flags = word(2).ok_or(Reason::ServerFailed)?;
    match flags & 0xf {
        0 => {}
        3 => return Err(Reason::NoSuchHost),
        _ => return Err(Reason::ServerFailed),
    }
    if flags & 0x0200 != 0 {
        return Ok(Answer::Truncated);
    }
    let records = || -> Option<Vec<IpAddr>> {
        let mut at = skip_name(message, 12)? + 4;
        let mut addresses = Vec::new();
        for _ in 0..word(6)? {
            at = skip_name(message, at)?;
            let (found, length) = (word(at)?, usize::from(word(at + 8)?));
            let data = message.get(at + 10..at + 10 + length)?;
            at += 10 + length;
            // The server follows aliases; their names need no comparison as it is trusted to.
            if found == kind && addresses.len() < MAX_ADDRESSES {
                match (kind, length) {
                    (TYPE_A, 4) => addresses.push(<[u8; 4]>::try_from(data).ok()?.into()),
                    (TYPE_AAAA, 16) => addresses.push(<[u8; 16]>::try_from(data).ok()?.into()),
                    _ => return None,
                }
            }
        }
        Some(addresses)
    };
    records().map(Answer::Addresses).ok_or(Reason::ServerFailed)
}

/// The offset after a name; compressed names end in a two-byte pointer.
fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some(at + 1),
            1..=63 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(query: &Query, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = query.bytes.clone();
        message[2] = 0x81;
        message[3] = 0x80;
        message[7] = records.len() as u8;
        for (kind, data) in records {
            message.extend([0xc0, 12]);
            message.extend(kind.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 60]);
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(*data);
        }
        message
    }

    #[test]
    fn reads_answers_and_survives_cut_ones() {
        let query = Query::new("Registry.example", TYPE_A).unwrap();
        let message =
            answer_to(&query, &[(5, b"\x01a\x00"), (1, &[10, 0, 0, 1]), (1, &[10, 0, 0, 2])]);
        assert!(query.is_answered_by(&message));
        assert_eq!(
            parse_answer(&message, TYPE_A),
            Ok(Answer::Addresses(vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()]))
        );
        for end in 0..message.len() {
            assert!(parse_answer(&message[..end], TYPE_A).is_err(), "cut at {end}");
        }
        let mut other = message.clone();
        other[0] ^= 1;
        assert!(!query.is_answered_by(&other));
        let mut truncated = message.clone();
        truncated[2] |= 2;
        assert_eq!(parse_answer(&truncated, TYPE_A), Ok(Answer::Truncated));
        let mut missing = message;
        missing[3] |= 3;
        assert_eq!(parse_answer(&missing, TYPE_A), Err(Reason::NoSuchHost));
    }

    #[test]
    fn refuses_names_that_are_none() {
        for name in ["", "a..b", &"a".repeat(64), &"a.".repeat(130)] {
            assert!(Query::new(name, TYPE_A).is_err(), "{name}");
        }
    }

    #[test]
    fn reads_system_files() {
        let hosts = "127.0.0.1 localhost # x\n::1 localhost ip6\n10.0.0.9 Reg.example reg\nbad";
        assert_eq!(from_hosts(hosts, "reg.EXAMPLE").len(), 1);
        assert_eq!(from_hosts(hosts, "localhost").len(), 2);
        let settings = Settings::parse(
            "nameserver 10.0.0.1\nnameserver fe80::1%eth0\nsearch a.example b.example.\noptions ndots:2 timeout:1 attempts:9 rotate\n",
        );
        assert_eq!(settings.servers.len(), 2);
        assert_eq!((settings.ndots, settings.attempts), (2, 5));
        assert_eq!(settings.candidates("x.y"), ["x.y.a.example", "x.y.b.example", "x.y"]);
        assert_eq!(settings.candidates("x.y.z")[0], "x.y.z");
        assert_eq!(settings.candidates("x."), ["x"]);
        assert_eq!(Settings::parse("").servers.len(), 1);
    }

    #[tokio::test]
    async fn asks_a_server() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            for _ in 0..2 {
                let (length, peer) = server.recv_from(&mut buffer).await.unwrap();
                let kind = u16::from(buffer[length - 3]);
                let query = Query { kind, bytes: buffer[..length].to_vec() };
                let records: &[(u16, &[u8])] =
                    if kind == TYPE_A { &[(1, &[192, 0, 2, 1])] } else { &[] };
                server.send_to(b"noise", peer).await.unwrap();
                server.send_to(&answer_to(&query, records), peer).await.unwrap();
            }
        });
        assert_eq!(ask_server(address, "x.example").await, Ok(vec![[192, 0, 2, 1].into()]));
    }
}
