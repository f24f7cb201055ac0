//! Logs on their way to a daemon for logs: syslog, or the journal of systemd.
//!
//! A daemon that does not take them does not hold the container up for longer than
//! [`SEND_LIMIT`], and not at all when the log is non-blocking: then messages wait in memory
//! within a limit, and the oldest are dropped.

use crate::config::{OutletConfig, OutletKind, SyslogAddress, SyslogFormat};
use isopod_base::times::Timestamp;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one message may take.
const SEND_LIMIT: Duration = Duration::from_secs(1);
/// How long to leave a daemon alone that could not be reached.
const RETRY: Duration = Duration::from_secs(1);

const INFORMATION: u8 = 6;
const ERROR: u8 = 3;

/// A way out.
#[derive(Debug)]
pub(crate) struct Outlet {
    config: OutletConfig,
    socket: Option<Socket>,
    retry_at: Option<Instant>,
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: u64,
}

#[derive(Debug)]
enum Socket {
    Datagram(UnixDatagram),
    Udp(UdpSocket),
    Stream(UnixStream),
    Tcp(TcpStream),
}

impl Outlet {
    pub(crate) fn new(config: OutletConfig) -> Self {
        Self { config, socket: None, retry_at: None, waiting: VecDeque::new(), waiting_bytes: 0 }
    }

    /// Sends a line.
    pub(crate) fn send(&mut self, line: &[u8], stream: &str) -> io::Result<()> {
        let severity = if stream == "stderr" { ERROR } else { INFORMATION };
        let message = match &self.config.kind {
            OutletKind::Journal { fields, .. } => journal_message(line, severity, fields),
            OutletKind::Syslog { facility, format, tag, hostname, .. } => {
                let priority = facility * 8 + severity;
                syslog_message(line, priority, *format, tag, hostname, &Timestamp::now())
            }
        };
        let Some(limit) = self.config.buffer_bytes else {
            return self.deliver(&message);
        };
        self.waiting_bytes += message.len() as u64;
        self.waiting.push_back(message);
        while let Some(first) = self.waiting.pop_front() {
            match self.deliver(&first) {
                Ok(()) => self.waiting_bytes -= first.len() as u64,
                Err(_) => {
                    self.waiting.push_front(first);
                    break;
                }
            }
        }
        while self.waiting_bytes > limit {
            let Some(dropped) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= dropped.len() as u64;
        }
        Ok(())
    }

    fn deliver(&mut self, message: &[u8]) -> io::Result<()> {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.retry_at = None;
        let blocking = self.config.buffer_bytes.is_none();
        let outcome = match &mut self.socket {
            Some(socket) => socket.send(message),
            None => connect(&self.config.kind, blocking).and_then(|mut socket| {
                let outcome = socket.send(message);
                self.socket = Some(socket);
                outcome
            }),
        };
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !blocking => Err(error),
            Err(error) => {
                // Half of a message may be on its way: the next one begins a connection anew.
                self.socket = None;
                self.retry_at = Some(Instant::now() + RETRY);
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }
}

impl Socket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagram(socket) => socket.send(message).map(drop),
            Self::Udp(socket) => socket.send(message).map(drop),
            Self::Stream(socket) => socket.write_all(message),
            Self::Tcp(socket) => socket.write_all(message),
        }
    }
}

/// Connects to the daemon. Also tells an engine, before a container starts, whether it can be.
pub(crate) fn check(kind: &OutletKind) -> io::Result<()> {
    connect(kind, true).map(drop)
}

fn connect(kind: &OutletKind, blocking: bool) -> io::Result<Socket> {
    let datagram = |path: &Path| -> io::Result<Socket> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        socket.set_nonblocking(!blocking)?;
        socket.set_write_timeout(Some(SEND_LIMIT))?;
        Ok(Socket::Datagram(socket))
    };
    let stream = |path: &Path| -> io::Result<Socket> {
        let socket = UnixStream::connect(path)?;
        socket.set_write_timeout(Some(SEND_LIMIT))?;
        Ok(Socket::Stream(socket))
    };
    match kind {
        OutletKind::Journal { socket, .. } => datagram(socket),
        OutletKind::Syslog { address, .. } => match address {
            SyslogAddress::Unixgram(path) => datagram(path),
            SyslogAddress::Unix(path) => datagram(path).or_else(|_| stream(path)),
            SyslogAddress::Udp(address) => {
                let socket = UdpSocket::bind("0.0.0.0:0").or_else(|_| UdpSocket::bind("[::]:0"))?;
                socket.connect(address)?;
                Ok(Socket::Udp(socket))
            }
            SyslogAddress::Tcp(address) => {
                let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                let first = address.to_socket_addrs()?.next().ok_or_else(none)?;
                let socket = TcpStream::connect_timeout(&first, SEND_LIMIT)?;
                socket.set_write_timeout(Some(SEND_LIMIT))?;
                Ok(Socket::Tcp(socket))
            }
        },
    }
}

/// A message in the journal's native format.
fn journal_message(line: &[u8], severity: u8, fields: &[(String, String)]) -> Vec<u8> {
    let whole = line.strip_suffix(b"\n");
    let mut message = Vec::with_capacity(line.len() + 256);
    let mut field = |key: &str, value: &[u8]| {
        message.extend_from_slice(key.as_bytes());
        if value.contains(&b'\n') {
            message.push(b'\n');
            message.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            message.push(b'=');
        }
        message.extend_from_slice(value);
        message.push(b'\n');
    };
    field("MESSAGE", whole.unwrap_or(line));
    field("PRIORITY", severity.to_string().as_bytes());
    if whole.is_none() {
        field("CONTAINER_PARTIAL_MESSAGE", b"true");
    }
    for (key, value) in fields {
        field(key, value.as_bytes());
    }
    message
}

fn syslog_message(
    line: &[u8],
    priority: u8,
    format: SyslogFormat,
    tag: &str,
    hostname: &str,
    now: &Timestamp,
) -> Vec<u8> {
    let process = std::process::id();
    let head = match format {
        SyslogFormat::Unix => format!("<{priority}>{} {tag}[{process}]: ", stamp(now)),
        SyslogFormat::Rfc3164 => {
            format!("<{priority}>{} {hostname} {tag}[{process}]: ", stamp(now))
        }
        SyslogFormat::Rfc5424 { micro } => {
            let time = now.rfc3339_nanos();
            // `2026-11-24T16:31:12` and the fraction, if it is wanted.
            let (seconds, nanos) =
                time.trim_end_matches('Z').split_once('.').unwrap_or((&time, ""));
            let fraction = if micro { format!(".{:0<6.6}", nanos) } else { String::new() };
            format!("<{priority}>1 {seconds}{fraction}Z {hostname} {tag} {process} {tag} - ")
        }
    };
    let mut message = head.into_bytes();
    message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
    message.push(b'\n');
    message
}

/// `Nov  4 16:31:12`, in UTC.
fn stamp(now: &Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = now.rfc3339_nanos();
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse().ok());
    let month: usize = number(5..7).unwrap_or(1);
    let day: usize = number(8..10).unwrap_or(1);
    format!("{} {day:2} {}", MONTHS[(month - 1).min(11)], text.get(11..19).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_syslog() {
        let now = Timestamp::parse("2026-11-04T16:31:12.123456789Z").expect("a time");
        let message = |format| {
            let bytes = syslog_message(b"hello\n", 158, format, "tag", "box", &now);
            let text = String::from_utf8(bytes).expect("text");
            text.replace(&std::process::id().to_string(), "PID")
        };
        assert_eq!(message(SyslogFormat::Unix), "<158>Nov  4 16:31:12 tag[PID]: hello\n");
        assert_eq!(message(SyslogFormat::Rfc3164), "<158>Nov  4 16:31:12 box tag[PID]: hello\n");
        assert_eq!(
            message(SyslogFormat::Rfc5424 { micro: false }),
            "<158>1 2026-11-04T16:31:12Z box tag PID tag - hello\n"
        );
        assert_eq!(
            message(SyslogFormat::Rfc5424 { micro: true }),
            "<158>1 2026-11-04T16:31:12.123456Z box tag PID tag - hello\n"
        );
    }

    #[test]
    fn messages_of_the_journal() {
        let fields = [("CONTAINER_ID".to_owned(), "abc".to_owned()), ("X".into(), "a\nb".into())];
        let message = journal_message(b"hello\n", 6, &fields);
        assert_eq!(
            message,
            b"MESSAGE=hello\nPRIORITY=6\nCONTAINER_ID=abc\nX\n\x03\0\0\0\0\0\0\0a\nb\n"
        );
    }

    #[test]
    fn a_daemon_that_is_away_holds_nobody_up() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("socket");
        let kind = OutletKind::Syslog {
            address: SyslogAddress::Unixgram(path.clone()),
            facility: 3,
            format: SyslogFormat::Unix,
            tag: "t".into(),
            hostname: "h".into(),
        };
        let mut outlet = Outlet::new(OutletConfig { kind, buffer_bytes: Some(100) });
        for number in 0..20 {
            outlet.send(format!("{number}\n").as_bytes(), "stdout").expect("waits");
        }
        assert!(outlet.waiting_bytes <= 100 && !outlet.waiting.is_empty());
        let daemon = UnixDatagram::bind(&path).expect("binds");
        outlet.retry_at = None;
        outlet.send(b"last\n", "stdout").expect("sends");
        assert!(outlet.waiting.is_empty());
        let mut buffer = [0; 100];
        let length = daemon.recv(&mut buffer).expect("a message");
        assert!(String::from_utf8_lossy(&buffer[..length]).starts_with("<30>"));
    }
}
