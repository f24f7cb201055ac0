//! Connections to one endpoint: TCP or a unix socket, with TLS or without.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::transport::Uri;
use tower_service::Service;

use crate::error::Error;
use crate::options::TlsOptions;

/// A connection of any kind.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Tcp(String),
    Unix(PathBuf),
}

/// Dials one endpoint, again and again.
#[derive(Clone)]
pub(crate) struct Dialer {
    address: Address,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl Dialer {
    pub(crate) fn new(
        endpoint: &str,
        tls: Option<&TlsOptions>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let (address, secure) = parse(endpoint, tls.is_some())
            .map_err(|reason| Error::Endpoint { endpoint: endpoint.to_owned(), reason })?;
        let tls = match secure {
            true => Some(secured(endpoint, &address, &tls.cloned().unwrap_or_default())?),
            false => None,
        };
        Ok(Self { address, tls, timeout })
    }

    /// What requests name as their destination.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match &self.address {
            Address::Tcp(address) => format!("{scheme}://{address}"),
            Address::Unix(_) => format!("{scheme}://localhost"),
        }
    }

    async fn dial(self) -> io::Result<Box<dyn Connection>> {
        let connection: Box<dyn Connection> = match &self.address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        match self.tls {
            None => Ok(connection),
            Some((connector, name)) => Ok(Box::new(connector.connect(name, connection).await?)),
        }
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Box<dyn Connection>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move {
            let timeout = dialer.timeout;
            match tokio::time::timeout(timeout, dialer.dial()).await {
                Ok(dialled) => dialled.map(TokioIo::new),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "dial timed out")),
            }
        })
    }
}

/// The address in an endpoint, and whether TLS is spoken there.
fn parse(endpoint: &str, secure: bool) -> Result<(Address, bool), String> {
    let (scheme, rest) = match endpoint.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None if secure => ("https", endpoint),
        None => ("http", endpoint),
    };
    match scheme {
        "unix" | "unixs" if rest.is_empty() => Err("expected a path".to_owned()),
        "unix" | "unixs" => Ok((Address::Unix(rest.into()), scheme == "unixs")),
        "http" | "https" => {
            let address = rest.trim_end_matches('/');
            let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            match port {
                Some(Ok(_)) => Ok((Address::Tcp(address.to_owned()), scheme == "https")),
                _ => Err("expected HOST:PORT".to_owned()),
            }
        }
        other => Err(format!("scheme {other:?}: expected http, https, unix or unixs")),
    }
}

fn secured(
    endpoint: &str,
    address: &Address,
    options: &TlsOptions,
) -> Result<(TlsConnector, ServerName<'static>), Error> {
    let host = match (&options.server_name, address) {
        (Some(name), _) => name.as_str(),
        (None, Address::Tcp(address)) => {
            address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host)
        }
        (None, Address::Unix(_)) => "localhost",
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::Endpoint {
        endpoint: endpoint.to_owned(),
        reason: format!("{host:?} is not a name that a certificate can have"),
    })?;
    Ok((TlsConnector::from(Arc::new(settings(options)?)), name))
}

fn settings(options: &TlsOptions) -> Result<ClientConfig, Error> {
    let identity = match &options.identity {
        Some((certificate, key)) => Some(isopod_tls::read_identity(certificate, key)?),
        None => None,
    };
    let mut config = if options.skip_verify {
        isopod_tls::client_of_any(identity)?
    } else {
        let roots = match &options.authorities {
            None => isopod_tls::system_roots(),
            Some(path) => {
                let mut roots = rustls::RootCertStore::empty();
                isopod_tls::add_authorities(&mut roots, path)?;
                roots
            }
        };
        isopod_tls::client(roots, identity)?
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let tcp = |text: &str, secure| Ok((Address::Tcp(text.to_owned()), secure));
        assert_eq!(parse("localhost:2379", false), tcp("localhost:2379", false));
        assert_eq!(parse("localhost:2379", true), tcp("localhost:2379", true));
        assert_eq!(parse("http://[::1]:2379/", true), tcp("[::1]:2379", false));
        assert_eq!(parse("https://a:1", false), tcp("a:1", true));
        assert_eq!(parse("unix:///run/s", true), Ok((Address::Unix("/run/s".into()), false)));
        for wrong in ["", "a", "a:b", "ftp://a:1", "unix://", "http://a:99999"] {
            assert!(parse(wrong, false).is_err(), "{wrong}");
        }
    }
}
