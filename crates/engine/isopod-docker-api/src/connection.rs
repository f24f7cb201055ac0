//! A connection to a client: over a Unix socket, or over TCP under TLS.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take to agree on TLS.
const TLS_TIME: Duration = Duration::from_secs(10);

/// What a client that speaks no TLS is told, in the words of dockerd's HTTP library.
const NO_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// A client that was accepted and may have to agree on TLS first.
pub(crate) enum Accepted {
    Unix(UnixStream),
    Tcp(TcpStream, TlsAcceptor),
}

/// A connection that HTTP can be spoken on.
pub(crate) enum Connection {
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Accepted {
    /// Agrees on TLS where there is to be TLS.
    pub(crate) async fn establish(self) -> io::Result<Connection> {
        let (stream, acceptor) = match self {
            Self::Unix(stream) => return Ok(Connection::Unix(stream)),
            Self::Tcp(stream, acceptor) => (stream, acceptor),
        };
        let agreed = async {
            stream.set_nodelay(true)?;
            let mut first = [0];
            // A handshake begins with the byte 22, a request with a letter.
            if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
                return refuse_plain(stream).await;
            }
            acceptor.accept(stream).await
        };
        let stream = tokio::time::timeout(TLS_TIME, agreed)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "TLS took too long"))??;
        Ok(Connection::Tls(Box::new(stream)))
    }
}

/// Tells a client that speaks no TLS so, and gives its request the time to arrive: a socket that
/// is closed with unread bytes would take the answer back.
async fn refuse_plain(mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    stream.write_all(NO_TLS).await?;
    stream.shutdown().await?;
    let mut request = tokio::io::AsyncReadExt::take(stream, 64 << 10);
    tokio::io::copy(&mut request, &mut tokio::io::sink()).await?;
    Err(io::Error::new(io::ErrorKind::InvalidData, "the client speaks no TLS"))
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tls(stream) => stream.get_ref().0.as_fd(),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
