//! Where clients come in: TCP or a unix socket, with TLS or without.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::peer::Peer;
use crate::settings::url::Url;
use crate::x509;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// A place where clients come in.
pub(crate) struct Listener {
    socket: Socket,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Listens at every address that the URL's host means.
    pub(crate) async fn bind(url: &Url, tls: Option<&TlsAcceptor>) -> io::Result<Vec<Self>> {
        let tls = if url.is_secure() { tls.cloned() } else { None };
        if url.is_unix() {
            let path = PathBuf::from(url.address());
            // What an earlier run left: a socket that nobody listens at.
            if UnixStream::connect(&path).await.is_err() {
                std::fs::remove_file(&path).ok();
            }
            let socket = Socket::Unix(UnixListener::bind(&path)?, path);
            return Ok(vec![Self { socket, tls }]);
        }
        let mut listeners = Vec::new();
        let mut failure = None;
        for address in tokio::net::lookup_host(url.address()).await? {
            match bind(address) {
                Ok(listener) => {
                    listeners.push(Self { socket: Socket::Tcp(listener), tls: tls.clone() });
                }
                Err(error) => failure = Some(error),
            }
        }
        match (listeners.is_empty(), failure) {
            (true, Some(error)) => Err(error),
            // `localhost` may mean an address of a family that the machine does not have.
            (false, Some(error)) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
            _ => Ok(listeners),
        }
    }

    /// The next client, whose TLS is still to be agreed on.
    pub(crate) async fn accept(&self) -> io::Result<Arrival> {
        let socket = match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
            Socket::Unix(listener, _) => Stream::Unix(listener.accept().await?.0),
        };
        Ok(Arrival { stream: socket, tls: self.tls.clone() })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.socket {
            std::fs::remove_file(path).ok();
        }
    }
}

fn bind(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = match address.is_ipv4() {
        true => tokio::net::TcpSocket::new_v4()?,
        false => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A client at the door.
pub(crate) struct Arrival {
    stream: Stream,
    tls: Option<TlsAcceptor>,
}

impl Arrival {
    /// Agrees on TLS, and says who it is.
    pub(crate) async fn enter(self) -> io::Result<(Stream, Peer)> {
        let Some(acceptor) = self.tls else { return Ok((self.stream, Peer::default())) };
        let stream = acceptor.accept(Box::new(self.stream)).await?;
        let certificates = stream.get_ref().1.peer_certificates();
        let own = certificates.and_then(<[CertificateDer<'_>]>::first);
        let certificate_name = own.and_then(|it| x509::common_name(it)).map(Arc::from);
        Ok((Stream::Tls(Box::new(stream)), Peer { certificate_name }))
    }
}

/// A connection of any kind.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<Box<Stream>>>),
}

macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Tcp(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
            Stream::Unix(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
            Stream::Tls(inner) => {
                let $inner = Pin::new(&mut **inner);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, inner => inner.poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, inner => inner.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => inner.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => inner.poll_shutdown(context))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, inner => inner.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
