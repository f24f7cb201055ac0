//! Where the engine listens.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// An address of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// Plain TCP, `host:port`.
    Tcp(String),
}

impl Endpoint {
    /// Reads `unix:///path`, `tcp://host:port`, or an absolute path.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix://") {
            if path.is_empty() {
                bail!("invalid host {text:?}: expected a path after unix://");
            }
            return Ok(Self::Unix(path.into()));
        }
        if let Some(address) = text.strip_prefix("tcp://").or(text.strip_prefix("http://")) {
            let address = address.trim_end_matches('/');
            let (host, port) = address.rsplit_once(':').unwrap_or((address, "2375"));
            let host = if host.is_empty() { "127.0.0.1" } else { host };
            port.parse::<u16>().with_context(|| format!("invalid port in host {text:?}"))?;
            return Ok(Self::Tcp(format!("{host}:{port}")));
        }
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        bail!("unable to parse host {text:?}: expected unix:///PATH or tcp://HOST:PORT")
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
        let parse = |text| Endpoint::parse(text).map(|endpoint| endpoint.to_string()).ok();
        for (text, endpoint) in [
            ("unix:///run/x.sock", Some("unix:///run/x.sock")),
            ("/run/x.sock", Some("unix:///run/x.sock")),
            ("tcp://:2375", Some("tcp://127.0.0.1:2375")),
            ("tcp://box", Some("tcp://box:2375")),
            ("tcp://[::1]:99", Some("tcp://[::1]:99")),
            ("unix://", None),
            ("ssh://x", None),
            ("tcp://box:http", None),
        ] {
            assert_eq!(parse(text).as_deref(), endpoint, "{text}");
        }
    }
}
