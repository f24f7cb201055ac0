//! Settings of TLS. An engine's API is root on the machine, so TCP is served to clients that prove
//! who they are, or not at all.

use crate::daemon::error::DaemonError;
use crate::daemon::flags::Values;
use crate::daemon::settings::{Host, invalid, switch};
use isopod_tls::{SERVER_DIRECTORY, SideFiles};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The port by custom.
const PORT: u16 = 2376;

/// Why TCP is refused, and what to do.
const UNVERIFIED: &str = "whoever reaches the engine is root on this machine, so TCP is served \
     only to clients with a certificate: make certificates by 'isopod cert create', then give \
     --tlsverify (\"tlsverify\": true in daemon.json)";

/// What is said about TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    verify: bool,
    files: SideFiles,
}

impl Tls {
    /// From flags and file.
    pub(crate) fn new(values: &Values, as_dockerd: bool) -> Result<Self, DaemonError> {
        let one = |flag: &str| values.get(flag).and_then(|values| values.last());
        let on = |flag: &str| one(flag).map_or(Ok(false), |text| switch(flag, text));
        on("tls")?;
        let default = if as_dockerd {
            dockerd_files()
        } else {
            SideFiles::of_server(Path::new(SERVER_DIRECTORY))
        };
        let file = |flag: &str, default| one(flag).map_or(default, PathBuf::from);
        Ok(Self {
            verify: on("tlsverify")?,
            files: SideFiles {
                authority: file("tlscacert", default.authority),
                certificate: file("tlscert", default.certificate),
                key: file("tlskey", default.key),
            },
        })
    }

    /// A host `tcp://ADDRESS`, with its certificates.
    pub(crate) fn host(&self, host: &str, address: &str) -> Result<Host, DaemonError> {
        let address = socket_address(address).ok_or_else(|| {
            invalid("host", host, "expected tcp://ADDRESS:PORT, by an IP address")
        })?;
        if !self.verify {
            return Err(invalid("host", host, UNVERIFIED));
        }
        let mut tls = self
            .files
            .server()
            .map_err(|source| DaemonError::Tls { host: host.to_owned(), source })?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Host::Tcp { address, tls: Arc::new(tls) })
    }
}

/// dockerd looks where docker's clients look.
fn dockerd_files() -> SideFiles {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let directory = variable("DOCKER_CERT_PATH").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(variable("HOME").unwrap_or_else(|| "/root".into())).join(".docker")
    });
    SideFiles::of_client(&directory)
}

/// `10.0.0.7:2376`, `[::1]:2376`; without a host the loopback address, as dockerd has it.
fn socket_address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => {
            (host, port.parse().ok()?)
        }
        _ => (text, PORT),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = match host {
        "" | "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok()?,
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, address) in [
            ("10.0.0.7:99", Some("10.0.0.7:99")),
            ("10.0.0.7", Some("10.0.0.7:2376")),
            (":99", Some("127.0.0.1:99")),
            ("", Some("127.0.0.1:2376")),
            ("localhost:99", Some("127.0.0.1:99")),
            ("[::]:99", Some("[::]:99")),
            ("[::1]", Some("[::1]:2376")),
            ("box:99", None),
            ("10.0.0.7:http", None),
            ("10.0.0.7:99/path", None),
        ] {
            let found = socket_address(text).map(|address| address.to_string());
            assert_eq!(found.as_deref(), address, "{text}");
        }
    }

    #[test]
    fn nobody_gets_in_unverified() {
        let values = |pairs: &[(&'static str, &str)]| -> Values {
            pairs.iter().map(|(flag, value)| (*flag, vec![(*value).to_owned()])).collect()
        };
        for given in [values(&[]), values(&[("tls", "true")]), values(&[("tlsverify", "false")])] {
            let tls = Tls::new(&given, false).expect("nothing is wrong");
            let error = tls.host("tcp://:99", ":99").expect_err("refused").to_string();
            assert!(error.contains("cert create") && error.contains("tcp://:99"), "{error}");
        }
        let given = values(&[("tlsverify", "true"), ("tlscacert", "/nonexistent/ca.pem")]);
        let tls = Tls::new(&given, false).expect("nothing is wrong");
        let error = tls.host("tcp://:99", ":99").expect_err("no such file");
        let error = isopod_base::chain(&error).to_string();
        assert!(error.contains("/nonexistent/ca.pem"), "{error}");
        assert!(Tls::new(&values(&[("tlsverify", "maybe")]), false).is_err());
    }
}
