//! Connections: names, addresses, proxies and TLS, up to a stream that HTTP can be spoken on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::dns;
use crate::error::{ConnectError, RequestError};
use crate::proxy::Proxy;
use crate::tls::{TlsSettings, handshake_error};
use crate::url::{Scheme, Url, bracketed};

/// How long one address is waited for before the next is tried beside it (RFC 8305).
const STAGGER: Duration = Duration::from_millis(300);
const MAX_PROXY_HEAD: usize = 16 << 10;

/// A stream of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the server of `url`, through `proxy` if there is one. For plain HTTP a proxy is
/// connected to only: it takes requests for other servers.
pub(crate) async fn dial(
    url: &Url,
    proxy: Option<&Proxy>,
    tls: &TlsSettings,
    insecure: bool,
) -> Result<Box<dyn Stream>, RequestError> {
    let target = || tls.for_host(&url.authority(), insecure);
    let Some(proxy) = proxy else {
        let stream = connect(url.host(), url.port()).await?;
        return match url.scheme() {
            Scheme::Http => Ok(Box::new(stream)),
            Scheme::Https => secure(Box::new(stream), url, target()?).await,
        };
    };
    let mut stream: Box<dyn Stream> = Box::new(connect(proxy.url.host(), proxy.url.port()).await?);
    if proxy.url.scheme() == Scheme::Https {
        let settings = tls.for_host(&proxy.url.authority(), false)?;
        stream = secure(stream, &proxy.url, settings).await?;
    }
    if url.scheme() == Scheme::Https {
        tunnel(&mut stream, url, proxy).await?;
        stream = secure(stream, url, target()?).await?;
    }
    Ok(stream)
}

async fn secure(
    stream: Box<dyn Stream>,
    url: &Url,
    settings: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, RequestError> {
    let name = ServerName::try_from(url.host().to_owned())
        .map_err(|_| RequestError::Tls(format!("{:?} is not a valid server name", url.host())))?;
    let connector = TlsConnector::from(settings);
    let stream = connector.connect(name, stream).await.map_err(handshake_error)?;
    Ok(Box::new(stream))
}

/// Tries all addresses of a host, each a little after the one before, and takes the first that
/// accepts. The error is the one of the first address.
async fn connect(host: &str, port: u16) -> Result<TcpStream, RequestError> {
    let mut addresses = dns::lookup(host).await.map_err(RequestError::Lookup)?.into_iter();
    let mut tries = JoinSet::new();
    let mut first_error = None;
    loop {
        match addresses.next() {
            Some(address) => {
                tries.spawn(connect_to(SocketAddr::new(address, port)));
            }
            None if tries.is_empty() => break,
            None => {}
        }
        let more = addresses.len() > 0;
        tokio::select! {
            Some(done) = tries.join_next() => match done {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => { first_error.get_or_insert(error); }
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
            () = tokio::time::sleep(STAGGER), if more => {}
        }
    }
    Err(first_error.unwrap_or_else(|| RequestError::Dial {
        address: format!("{}:{port}", bracketed(host)),
        source: ConnectError(io::ErrorKind::AddrNotAvailable.into()),
    }))
}

async fn connect_to(address: SocketAddr) -> Result<TcpStream, RequestError> {
    let fail =
        |source| RequestError::Dial { address: address.to_string(), source: ConnectError(source) };
    let stream = TcpStream::connect(address).await.map_err(fail)?;
    stream.set_nodelay(true).map_err(fail)?;
    Ok(stream)
}

/// Asks a proxy to pass everything on to the server of `url` (RFC 9110, section 9.3.6).
async fn tunnel(
    stream: &mut Box<dyn Stream>,
    url: &Url,
    proxy: &Proxy,
) -> Result<(), RequestError> {
    let target = format!("{}:{}", bracketed(url.host()), url.port());
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(RequestError::Io)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // Byte by byte, so that nothing of what the server says is taken.
        let byte = stream.read_u8().await.map_err(RequestError::Io)?;
        head.push(byte);
        if head.len() > MAX_PROXY_HEAD {
            return Err(RequestError::Io(io::Error::other("the proxy's answer is too long")));
        }
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    match line.split(' ').nth(1) {
        Some(status) if status.len() == 3 && status.starts_with('2') => Ok(()),
        _ => Err(RequestError::Proxy {
            proxy: proxy.url.authority(),
            status: line.chars().filter(|c| !c.is_control()).take(200).collect(),
        }),
    }
}
