//! Where the engine listens.

use std::env;
use std::path::PathBuf;

use crate::error::ClientError;

/// The port of engines that speak plainly.
pub const PLAIN_PORT: u16 = 2375;

/// The port of engines under TLS.
pub const TLS_PORT: u16 = 2376;

/// An address of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// TCP, `host:port`; whether under TLS is the client's to say.
    Tcp(String),
}

impl Endpoint {
    /// Reads `unix:///path`, `tcp://host:port`, or an absolute path. Without a port it is
    /// `default_port`, which is [`PLAIN_PORT`] or [`TLS_PORT`] by custom.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, ClientError> {
        let text = text.trim();
        let bad = |reason| ClientError::Host { host: text.to_owned(), reason };
        if let Some(path) = text.strip_prefix("unix://") {
            if path.is_empty() {
                return Err(bad("expected a path after unix://"));
            }
            return Ok(Self::Unix(path.into()));
        }
        if let Some(address) = text.strip_prefix("tcp://").or(text.strip_prefix("http://")) {
            let address = address.trim_end_matches('/');
            let (host, port) = match address.rsplit_once(':') {
                // The colons of an IPv6 address without a port.
                Some((_, rest)) if rest.ends_with(']') => (address, None),
                Some((host, port)) => (host, Some(port)),
                None => (address, None),
            };
            let host = if host.is_empty() { "127.0.0.1" } else { host };
            let port = port.map_or(Ok(default_port), str::parse);
            let port = port.map_err(|_| bad("expected a port from 0 to 65535 after the colon"))?;
            return Ok(Self::Tcp(format!("{host}:{port}")));
        }
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        Err(bad("expected unix:///PATH or tcp://HOST:PORT"))
    }

    /// The socket that is used when nothing is said: `/run/isopod.sock` for root,
    /// `$XDG_RUNTIME_DIR/isopod.sock` for others.
    pub fn default_socket() -> Self {
        if rustix::process::geteuid().is_root() {
            return Self::Unix("/run/isopod.sock".into());
        }
        let directory =
            env::var_os("XDG_RUNTIME_DIR").filter(|directory| !directory.is_empty()).map_or_else(
                || PathBuf::from(format!("/run/user/{}", rustix::process::getuid().as_raw())),
                PathBuf::from,
            );
        Self::Unix(directory.join("isopod.sock"))
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let parse =
            |text| Endpoint::parse(text, PLAIN_PORT).map(|endpoint| endpoint.to_string()).ok();
        for (text, endpoint) in [
            ("unix:///run/x.sock", Some("unix:///run/x.sock")),
            ("/run/x.sock", Some("unix:///run/x.sock")),
            ("tcp://:2375", Some("tcp://127.0.0.1:2375")),
            ("tcp://box", Some("tcp://box:2375")),
            ("tcp://[::1]:99", Some("tcp://[::1]:99")),
            ("tcp://[::1]", Some("tcp://[::1]:2375")),
            ("unix://", None),
            ("ssh://x", None),
            ("tcp://box:http", None),
        ] {
            assert_eq!(parse(text).as_deref(), endpoint, "{text}");
        }
    }
}
