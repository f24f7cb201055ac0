//! Connections that stop speaking HTTP and carry a container's streams instead.
//!
//! A client that asks for an upgrade gets `101 UPGRADED`, another one `200 OK` and the raw
//! stream. Either way the HTTP machinery is taken off the socket, so that bytes which the client
//! sent ahead are kept and each direction can be closed by itself.

use crate::connection::Connection;
use crate::detach::{DetachKeys, Scanner};
use crate::frame;
use crate::version::ApiVersion;
use crate::websocket;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use isopod_engine::{Attached, StreamKind};
use isopod_sys::socket_queue;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;

/// Bytes read from the client at once.
const READ_BYTES: usize = 32 << 10;

/// How long a client may take to read the head of the answer before output follows.
const HEAD_TIME: Duration = Duration::from_millis(200);

/// How long a client may take to close a connection whose output has ended.
const LINGER: Duration = Duration::from_secs(2);

/// How bytes travel on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// As they are: a terminal's.
    Raw,
    /// Output in frames that say where it comes from.
    Multiplexed,
    /// WebSocket messages both ways.
    WebSocket,
}

/// What is to happen on the connection after HTTP.
pub(crate) struct Hijack {
    head: Vec<u8>,
    attached: Result<Attached, String>,
    framing: Framing,
    /// For terminals only.
    detach_keys: Option<DetachKeys>,
}

impl fmt::Debug for Hijack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hijack").field("framing", &self.framing).finish_non_exhaustive()
    }
}

impl Hijack {
    /// Joins the connection with a container's streams. Without a terminal, output is framed.
    pub(crate) fn attach(
        headers: &HeaderMap,
        version: ApiVersion,
        attached: Attached,
        detach_keys: DetachKeys,
    ) -> Self {
        let tty = attached.tty;
        let (head, framing) = opening(headers, version, tty);
        Self { head, attached: Ok(attached), framing, detach_keys: tty.then_some(detach_keys) }
    }

    /// A stream that only says why there is nothing to join: clients of an exec session expect
    /// failures of its start there and the exit code in its inspect.
    pub(crate) fn refusal(
        headers: &HeaderMap,
        version: ApiVersion,
        tty: bool,
        message: String,
    ) -> Self {
        let (head, framing) = opening(headers, version, tty);
        Self { head, attached: Err(message), framing, detach_keys: None }
    }

    /// Likewise by WebSocket; `head` is the answer to the handshake.
    pub(crate) fn websocket(head: Vec<u8>, attached: Attached, detach_keys: DetachKeys) -> Self {
        let detach_keys = attached.tty.then_some(detach_keys);
        Self { head, attached: Ok(attached), framing: Framing::WebSocket, detach_keys }
    }

    /// Does it. `ahead` is what the client sent after its request.
    pub(crate) async fn run(self, mut stream: Connection, ahead: Bytes) -> io::Result<()> {
        let watch = PeerWatch::of(&stream)?;
        stream.write_all(&self.head).await?;
        stream.flush().await?;
        // Clients that buffer what they read of the head and take the raw socket from there on
        // (docker-py) would lose output that arrives together with it.
        let _ = tokio::time::timeout(HEAD_TIME, watch.until_read()).await;
        let (mut from_client, to_client) = tokio::io::split(stream);
        let Attached { output, input, .. } = match self.attached {
            Ok(attached) => attached,
            Err(message) => return say(message, from_client, to_client, self.framing).await,
        };
        let (answers, to_answer) = mpsc::channel(4);
        let mut delivering = pin!(deliver(output, to_answer, to_client, self.framing));
        {
            let feeder = Feeder {
                input,
                websocket: self.framing == Framing::WebSocket,
                scanner: self.detach_keys.map(DetachKeys::scanner),
                answers,
            };
            let mut feeding = pin!(feeder.feed(&mut from_client, ahead));
            let (mut fed, mut gone, mut delivered) = (false, false, false);
            loop {
                tokio::select! {
                    result = &mut delivering, if !delivered => match result {
                        Ok(()) => break,
                        // Nobody reads, but what the client sent still counts.
                        Err(_) if gone && !fed => delivered = true,
                        Err(error) => return Err(error),
                    },
                    detached = &mut feeding, if !fed => {
                        if detached || gone {
                            return Ok(());
                        }
                        fed = true;
                    }
                    () = watch.until_gone(), if !gone => {
                        if fed {
                            return Ok(());
                        }
                        gone = true;
                    }
                }
            }
        }
        // Closing a Unix socket with unread bytes resets it, and the client would take that for
        // a failure: let it close first.
        let _ = tokio::time::timeout(LINGER, drain(&mut from_client)).await;
        Ok(())
    }
}

/// The head of the answer, and how bytes travel after it.
fn opening(headers: &HeaderMap, version: ApiVersion, tty: bool) -> (Vec<u8>, Framing) {
    let framing = if tty { Framing::Raw } else { Framing::Multiplexed };
    let upgrade = headers.contains_key(http::header::UPGRADE);
    // Clients before 1.42 do not know the media type of frames.
    let known = upgrade && version >= ApiVersion::new(1, 42);
    let content_type = if framing == Framing::Multiplexed && known {
        "application/vnd.docker.multiplexed-stream"
    } else {
        "application/vnd.docker.raw-stream"
    };
    let head = if upgrade {
        format!(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: {content_type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        )
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n")
    };
    (head.into_bytes(), framing)
}

/// Says one line and ends.
async fn say(
    message: String,
    mut from_client: ReadHalf<Connection>,
    mut to_client: WriteHalf<Connection>,
    framing: Framing,
) -> io::Result<()> {
    let line = format!("{message}\r\n");
    let mut bytes = BytesMut::new();
    match framing {
        Framing::Multiplexed => frame::append(&mut bytes, StreamKind::Stdout, line.as_bytes()),
        Framing::Raw | Framing::WebSocket => bytes.extend_from_slice(line.as_bytes()),
    }
    to_client.write_all(&bytes).await?;
    to_client.shutdown().await?;
    let _ = tokio::time::timeout(LINGER, drain(&mut from_client)).await;
    Ok(())
}

/// Carries the process's output to the client, then closes that direction.
async fn deliver(
    mut output: isopod_engine::OutputStream,
    mut answers: mpsc::Receiver<Bytes>,
    mut to_client: WriteHalf<Connection>,
    framing: Framing,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        let piece = tokio::select! {
            piece = output.next() => piece,
            Some(answer) = answers.recv() => {
                to_client.write_all(&answer).await?;
                to_client.flush().await?;
                continue;
            }
        };
        let Some(piece) = piece.transpose()? else { break };
        match framing {
            Framing::Raw => to_client.write_all(&piece.data).await?,
            Framing::Multiplexed => {
                buffer.clear();
                frame::append(&mut buffer, piece.stream, &piece.data);
                to_client.write_all(&buffer).await?;
            }
            Framing::WebSocket => to_client.write_all(&websocket::encode(&piece.data)).await?,
        }
        to_client.flush().await?;
    }
    if framing == Framing::WebSocket {
        to_client.write_all(&websocket::encode_close()).await?;
    }
    to_client.shutdown().await
}

/// Carries the client's bytes to the process's stdin, its end of file included.
struct Feeder {
    input: Option<isopod_engine::InputSink>,
    websocket: bool,
    scanner: Option<Scanner>,
    /// Frames that the client must get in answer to its own.
    answers: mpsc::Sender<Bytes>,
}

/// Why feeding stops before the client's end of file.
enum Stop {
    /// The client typed the detach keys.
    Detached,
    /// The client said that it ends.
    Closed,
    /// The process closed its stdin; its output still matters.
    Deaf,
}

impl Feeder {
    /// Returns whether the client detached.
    async fn feed(mut self, from_client: &mut ReadHalf<Connection>, ahead: Bytes) -> bool {
        let mut buffer = BytesMut::from(&ahead[..]);
        loop {
            match self.consume(&mut buffer).await {
                Ok(()) => {}
                Err(Stop::Detached) => return true,
                Err(Stop::Closed) => break,
                Err(Stop::Deaf) => {
                    drain(from_client).await;
                    return false;
                }
            }
            buffer.reserve(READ_BYTES);
            // An error is the end of what the client had to say, as an end of file is.
            if !matches!(from_client.read_buf(&mut buffer).await, Ok(length) if length > 0) {
                break;
            }
        }
        if let Some(input) = self.input {
            let _ = input.close().await;
        }
        false
    }

    /// Passes on what is whole in the buffer.
    async fn consume(&mut self, buffer: &mut BytesMut) -> Result<(), Stop> {
        if !self.websocket {
            return if buffer.is_empty() { Ok(()) } else { self.pass(buffer.split()).await };
        }
        while let Some(message) = websocket::decode(buffer) {
            match message {
                websocket::Message::Data(data) => self.pass(data.into()).await?,
                // A client that sends pings faster than it reads the answers gets fewer.
                websocket::Message::Answer(frame) => drop(self.answers.try_send(frame)),
                websocket::Message::Nothing => {}
                websocket::Message::Close => return Err(Stop::Closed),
            }
        }
        Ok(())
    }

    async fn pass(&mut self, mut data: BytesMut) -> Result<(), Stop> {
        let detached = self.scanner.as_mut().is_some_and(|scanner| scanner.filter(&mut data));
        if let Some(input) = &mut self.input
            && !data.is_empty()
        {
            input.write(&data).await.map_err(|_| Stop::Deaf)?;
        }
        if detached { Err(Stop::Detached) } else { Ok(()) }
    }
}

/// Reads until the client closes its half.
async fn drain(from_client: &mut ReadHalf<Connection>) {
    let mut buffer = [0; 4096];
    while matches!(from_client.read(&mut buffer).await, Ok(length) if length > 0) {}
}

/// Sees what reading and writing cannot tell of the client. The second descriptor has a
/// registration of its own, so that clearing its readiness does not disturb the stream's.
enum PeerWatch {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl PeerWatch {
    fn of(stream: &Connection) -> io::Result<Self> {
        let fd = stream.as_fd().try_clone_to_owned()?;
        match stream {
            Connection::Unix(_) => UnixStream::from_std(fd.into()).map(Self::Unix),
            Connection::Tls(_) => TcpStream::from_std(fd.into()).map(Self::Tcp),
        }
    }

    /// Waits until the client has read all that was sent. Over TCP nobody can see that.
    async fn until_read(&self) {
        let Self::Unix(socket) = self else { return };
        loop {
            self.clear();
            if !socket_queue::unread(socket.as_fd()).is_ok_and(|bytes| bytes > 0) {
                return;
            }
            if self.is_gone().await.unwrap_or(false) {
                return;
            }
        }
    }

    /// Waits until the client closed both halves; a half-close leaves the other usable.
    async fn until_gone(&self) {
        while let Ok(gone) = self.is_gone().await {
            if gone {
                return;
            }
            self.clear();
        }
    }

    /// Waits until something has changed, the client reads or leaves, since the last `clear`.
    async fn is_gone(&self) -> io::Result<bool> {
        let ready = match self {
            Self::Unix(socket) => socket.ready(Interest::WRITABLE).await?,
            Self::Tcp(socket) => socket.ready(Interest::WRITABLE).await?,
        };
        Ok(ready.is_write_closed())
    }

    fn clear(&self) {
        let again = || -> io::Result<()> { Err(io::ErrorKind::WouldBlock.into()) };
        let _ = match self {
            Self::Unix(socket) => socket.try_io(Interest::WRITABLE, again),
            Self::Tcp(socket) => socket.try_io(Interest::WRITABLE, again),
        };
    }
}
