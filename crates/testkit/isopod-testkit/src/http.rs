//! Plain HTTP of tests: one request a connection.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The largest answer that is read.
const ANSWER_BYTES: u64 = 64 << 20;

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Address {
    /// At a socket in the file system.
    Unix(PathBuf),
    /// At a port.
    Tcp(SocketAddr),
}

impl Address {
    /// A connection on which reading and writing have a time limit.
    pub fn connect(&self) -> Result<Box<dyn Stream>> {
        let connected = || -> std::io::Result<Box<dyn Stream>> {
            match self {
                Self::Unix(path) => {
                    let stream = UnixStream::connect(path)?;
                    stream.set_read_timeout(Some(LIMIT))?;
                    stream.set_write_timeout(Some(LIMIT))?;
                    Ok(Box::new(stream))
                }
                Self::Tcp(address) => {
                    let stream = TcpStream::connect_timeout(address, LIMIT)?;
                    stream.set_read_timeout(Some(LIMIT))?;
                    stream.set_write_timeout(Some(LIMIT))?;
                    Ok(Box::new(stream))
                }
            }
        };
        connected().with_context(|| format!("cannot connect to {self}"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

/// A connection.
pub trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, without any transfer encoding.
    pub body: Vec<u8>,
}

/// Sends a request and reads the answer to its end.
pub fn request(
    address: &Address,
    method: &str,
    path: &str,
    headers: &[String],
    body: Option<&[u8]>,
) -> Result<Answer> {
    parse(&exchange(address, &head_and_body(method, path, headers, body))?)
}

/// A request's bytes.
pub fn head_and_body(method: &str, path: &str, headers: &[String], body: Option<&[u8]>) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    if let Some(body) = body {
        let typed = headers.iter().any(|h| h.to_ascii_lowercase().starts_with("content-type:"));
        if !typed {
            head.push_str("Content-Type: application/json\r\n");
        }
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes
}

/// Sends bytes as they are and returns what comes until the server closes.
pub fn exchange(address: &Address, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut stream = address.connect()?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).context("no end of the answer")?;
    Ok(answer)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .with_context(|| format!("no answer: {:?}", String::from_utf8_lossy(bytes)))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok())
        .context("no status line")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let chunked =
        headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunk(body)? } else { body.to_vec() };
    Ok(Answer { status, headers, body })
}

fn unchunk(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
            bail!("the answer breaks off")
        };
        let size = std::str::from_utf8(&bytes[..end])?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16)?;
        let rest = &bytes[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(rest.get(..size).context("the answer breaks off")?);
        bytes = rest.get(size + 2..).context("the answer breaks off")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer = parse(
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        )
        .expect("well-formed");
        assert_eq!((answer.status, &answer.body[..]), (201, &b"abc"[..]));
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na").is_err());
        assert!(parse(b"").is_err());
    }
}
