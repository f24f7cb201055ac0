//! A client of D-Bus that speaks as much of it as systemd needs to hear.
//!
//! Little-endian messages of protocol version 1 over a stream socket, authenticated by the
//! user id that the kernel tells the other side (`EXTERNAL`). No descriptors are passed.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Error, Result};

/// How long systemd may take to answer a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages of systemd are small; a longer one is a sign of a confused peer.
const MESSAGE_LIMIT_BYTES: usize = 1 << 20;
/// Messages set aside while an answer is waited for.
const BACKLOG: usize = 1024;

const DESTINATION: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

/// A value of a call or of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Str(String),
    Bool(bool),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    Bytes(Vec<u8>),
    U32s(Vec<u32>),
    Strings(Vec<String>),
    /// `a(ss)`.
    Pairs(Vec<(String, String)>),
    /// `a(sv)`: properties with their names.
    Properties(Vec<(String, Value)>),
    /// An empty `a(sa(sv))`.
    NoAuxiliaryUnits,
}

impl Value {
    fn signature(&self) -> &'static str {
        match self {
            Self::Str(_) => "s",
            Self::Bool(_) => "b",
            Self::I32(_) => "i",
            Self::U32(_) => "u",
            Self::I64(_) => "x",
            Self::U64(_) => "t",
            Self::Bytes(_) => "ay",
            Self::U32s(_) => "au",
            Self::Strings(_) => "as",
            Self::Pairs(_) => "a(ss)",
            Self::Properties(_) => "a(sv)",
            Self::NoAuxiliaryUnits => "a(sa(sv))",
        }
    }
}

/// Bytes of a message or body, each value at its natural alignment.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn align(&mut self, to: usize) {
        while !self.bytes.len().is_multiple_of(to) {
            self.bytes.push(0);
        }
    }

    fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.align(8);
        self.bytes.extend(value.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.u32(length(text.len()));
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    fn signature(&mut self, text: &str) {
        self.bytes.push(u8::try_from(text.len()).expect("signatures here are short"));
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    fn variant(&mut self, value: &Value) {
        self.signature(value.signature());
        self.value(value);
    }

    /// An array: its length in bytes, padding that does not count, and its elements.
    fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.u32(0);
        let length_at = self.bytes.len() - 4;
        self.align(alignment);
        let start = self.bytes.len();
        elements(self);
        let size = length(self.bytes.len() - start);
        self.bytes[length_at..length_at + 4].copy_from_slice(&size.to_le_bytes());
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Str(text) => self.string(text),
            Value::Bool(flag) => self.u32(u32::from(*flag)),
            Value::I32(number) => self.u32(number.cast_unsigned()),
            Value::U32(number) => self.u32(*number),
            Value::I64(number) => self.u64(number.cast_unsigned()),
            Value::U64(number) => self.u64(*number),
            Value::Bytes(bytes) => self.array(1, |w| w.bytes.extend(bytes)),
            Value::U32s(numbers) => {
                self.array(4, |w| numbers.iter().for_each(|number| w.u32(*number)));
            }
            Value::Strings(texts) => self.array(4, |w| texts.iter().for_each(|t| w.string(t))),
            Value::Pairs(pairs) => self.array(8, |w| {
                for (first, second) in pairs {
                    w.align(8);
                    w.string(first);
                    w.string(second);
                }
            }),
            Value::Properties(properties) => self.array(8, |w| {
                for (name, value) in properties {
                    w.align(8);
                    w.string(name);
                    w.variant(value);
                }
            }),
            Value::NoAuxiliaryUnits => self.array(8, |_| {}),
        }
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("messages here are far below 4 GiB")
}

/// The bytes of a method call.
pub(super) fn call_message(
    serial: u32,
    (destination, path): (&str, &str),
    (interface, method): (&str, &str),
    args: &[Value],
) -> Vec<u8> {
    let mut body = Writer::default();
    args.iter().for_each(|arg| body.value(arg));
    let signature: String = args.iter().map(Value::signature).collect();
    let mut message = Writer { bytes: vec![b'l', METHOD_CALL, 0, 1] };
    message.u32(length(body.bytes.len()));
    message.u32(serial);
    message.array(8, |w| {
        for (code, kind, text) in [
            (1, "o", path),
            (2, "s", interface),
            (3, "s", method),
            (6, "s", destination),
            (8, "g", signature.as_str()),
        ] {
            if text.is_empty() {
                continue;
            }
            w.align(8);
            w.bytes.push(code);
            w.signature(kind);
            if kind == "g" { w.signature(text) } else { w.string(text) }
        }
    });
    message.align(8);
    message.bytes.extend(body.bytes);
    message.bytes
}

/// A message from systemd.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    kind: u8,
    reply_to: u32,
    member: String,
    error: String,
    signature: String,
    body: Vec<u8>,
}

/// Reads values; running off the end is an error.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(Error::Protocol("a value ends beyond its message"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn align(&mut self, to: usize) -> Result<()> {
        self.take(self.at.next_multiple_of(to) - self.at).map(drop)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32> {
        self.align(4)?;
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn text(&mut self, length: usize) -> Result<String> {
        let text = String::from_utf8(self.take(length)?.to_vec())
            .map_err(|_| Error::Protocol("a string is not UTF-8"))?;
        self.take(1)?;
        Ok(text)
    }

    fn string(&mut self) -> Result<String> {
        let length = self.u32()?;
        self.text(length as usize)
    }

    fn signature(&mut self) -> Result<String> {
        let length = self.byte()?;
        self.text(usize::from(length))
    }
}

impl Message {
    /// Size of the part with a known length, and of the whole message it announces.
    pub(super) const FIXED: usize = 16;

    pub(super) fn announced(fixed: &[u8; Self::FIXED]) -> Result<usize> {
        if fixed[0] != b'l' || fixed[3] != 1 {
            return Err(Error::Protocol("not a little-endian message of version 1"));
        }
        let mut reader = Reader { bytes: fixed, at: 4 };
        let body = reader.u32()? as usize;
        let _serial = reader.u32()?;
        let fields = reader.u32()? as usize;
        let whole = fields
            .checked_add(Self::FIXED)
            .map(|n| n.next_multiple_of(8))
            .and_then(|n| n.checked_add(body))
            .filter(|n| *n <= MESSAGE_LIMIT_BYTES);
        whole.ok_or(Error::Protocol("a message is too long"))
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { bytes, at: 1 };
        let mut message = Self { kind: reader.byte()?, ..Self::default() };
        reader.at = 12;
        let fields_end = reader.u32()? as usize + Self::FIXED;
        while reader.at < fields_end {
            reader.align(8)?;
            let code = reader.byte()?;
            match (code, reader.signature()?.as_str()) {
                (3, "s") => message.member = reader.string()?,
                (4, "s") => message.error = reader.string()?,
                (5, "u") => message.reply_to = reader.u32()?,
                (8, "g") => message.signature = reader.signature()?,
                (_, "s" | "o") => drop(reader.string()?),
                (_, "u") => drop(reader.u32()?),
                (_, "g") => drop(reader.signature()?),
                _ => return Err(Error::Protocol("a header field of unknown type")),
            }
        }
        reader.align(8)?;
        message.body = bytes[reader.at..].to_vec();
        Ok(message)
    }

    fn expect(&self, signature: &str) -> Result<Reader<'_>> {
        if self.signature == signature {
            Ok(Reader { bytes: &self.body, at: 0 })
        } else {
            Err(Error::Protocol("an answer of another type than expected"))
        }
    }

    /// The path in an answer of type `o`.
    pub(super) fn object_path(&self) -> Result<String> {
        self.expect("o")?.string()
    }

    /// The string in an answer of type `v`.
    pub(super) fn string_variant(&self) -> Result<String> {
        let mut reader = self.expect("v")?;
        if reader.signature()? != "s" {
            return Err(Error::Protocol("a property of another type than expected"));
        }
        reader.string()
    }

    /// Job and result of the signal `JobRemoved`.
    pub(super) fn job_removed(&self) -> Result<(String, String)> {
        let mut reader = self.expect("uoss")?;
        reader.u32()?;
        let job = reader.string()?;
        reader.string()?;
        Ok((job, reader.string()?))
    }
}

/// A connection to systemd.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    serial: u32,
    signals: Vec<Message>,
}

/// A socket, and whether a bus is behind it, which has to be greeted and asked for signals.
struct Address {
    path: PathBuf,
    bus: bool,
}

impl Connection {
    /// Connects to the system's systemd, or to the user's.
    pub(super) fn open(user: bool) -> Result<Self> {
        let mut failed = None;
        for address in addresses(user) {
            match UnixStream::connect(&address.path) {
                Ok(stream) => return Self::begin(stream, address.bus),
                Err(source) => failed = Some(Error::Connect { path: address.path, source }),
            }
        }
        Err(failed.unwrap_or(Error::NotRunning))
    }

    pub(super) fn begin(mut stream: UnixStream, bus: bool) -> Result<Self> {
        let during = |during| move |source| Error::Io { during, source };
        stream.set_read_timeout(Some(CALL_TIMEOUT)).map_err(during("setting up"))?;
        stream.set_write_timeout(Some(CALL_TIMEOUT)).map_err(during("setting up"))?;
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
        // All in one: systemd does not look at a message that arrives together with the line
        // BEGIN until something else arrives, so that line must not be the last before one.
        stream
            .write_all(format!("\0AUTH EXTERNAL {hex}\r\nBEGIN\r\n").as_bytes())
            .map_err(during("authenticating"))?;
        let answer = read_line(&mut stream).map_err(during("authenticating"))?;
        if !answer.starts_with("OK ") {
            return Err(Error::Protocol("authentication by user id was refused"));
        }
        let mut connection = Self { stream, serial: 0, signals: Vec::new() };
        if bus {
            let daemon = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
            let rule =
                "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
            connection.call_at(daemon, ("org.freedesktop.DBus", "Hello"), &[])?;
            let args = [Value::Str(rule.to_owned())];
            connection.call_at(daemon, ("org.freedesktop.DBus", "AddMatch"), &args)?;
            connection.call(super::MANAGER, "Subscribe", &[])?;
        }
        Ok(connection)
    }

    /// Calls a method of systemd and waits for its answer.
    pub(super) fn call(
        &mut self,
        interface: &'static str,
        method: &'static str,
        args: &[Value],
    ) -> Result<Message> {
        self.call_at((DESTINATION, PATH), (interface, method), args)
    }

    fn call_at(
        &mut self,
        target: (&str, &str),
        (interface, method): (&str, &'static str),
        args: &[Value],
    ) -> Result<Message> {
        self.serial += 1;
        let message = call_message(self.serial, target, (interface, method), args);
        self.stream.write_all(&message).map_err(|source| Error::Io { during: method, source })?;
        let deadline = Instant::now() + CALL_TIMEOUT;
        loop {
            let Some(message) = self.receive(deadline)? else {
                let source = io::Error::from(io::ErrorKind::TimedOut);
                return Err(Error::Io { during: method, source });
            };
            match message.kind {
                METHOD_RETURN if message.reply_to == self.serial => return Ok(message),
                ERROR if message.reply_to == self.serial => {
                    let text = if message.signature.starts_with('s') {
                        Reader { bytes: &message.body, at: 0 }.string()?
                    } else {
                        String::new()
                    };
                    return Err(Error::Refused { method, name: message.error, message: text });
                }
                SIGNAL if self.signals.len() < BACKLOG => self.signals.push(message),
                _ => {}
            }
        }
    }

    /// The next signal of a name; nothing if none has come by then.
    pub(super) fn next_signal(
        &mut self,
        member: &str,
        deadline: Instant,
    ) -> Result<Option<Message>> {
        if let Some(at) = self.signals.iter().position(|signal| signal.member == member) {
            return Ok(Some(self.signals.remove(at)));
        }
        while let Some(message) = self.receive(deadline)? {
            if message.kind == SIGNAL && message.member == member {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn receive(&mut self, deadline: Instant) -> Result<Option<Message>> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let failed = |source| Error::Io { during: "waiting for an answer", source };
        self.stream.set_read_timeout(Some(left)).map_err(failed)?;
        let mut fixed = [0; Message::FIXED];
        match self.stream.read_exact(&mut fixed) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                return Ok(None);
            }
            other => other.map_err(failed)?,
        }
        let mut bytes = fixed.to_vec();
        bytes.resize(Message::announced(&fixed)?, 0);
        self.stream.read_exact(&mut bytes[Message::FIXED..]).map_err(failed)?;
        Message::parse(&bytes).map(Some)
    }
}

fn addresses(user: bool) -> Vec<Address> {
    let at = |path: &str, bus| Address { path: path.into(), bus };
    if !user {
        return vec![at("/run/systemd/private", false), at("/run/dbus/system_bus_socket", true)];
    }
    let runtime = std::env::var("XDG_RUNTIME_DIR")
        .unwrap_or_else(|_| format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    let mut found = vec![at(&format!("{runtime}/systemd/private"), false)];
    if let Some(bus) = std::env::var("DBUS_SESSION_BUS_ADDRESS")
        .ok()
        .and_then(|address| Some(address.strip_prefix("unix:path=")?.split(',').next()?.to_owned()))
    {
        found.push(at(&bus, true));
    }
    found.push(at(&format!("{runtime}/bus"), true));
    found
}

/// A line of the authentication, byte by byte: what follows it is not text.
fn read_line(stream: &mut UnixStream) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
        if line.len() > 4096 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}
