//! Serving a container's questions.

use super::answer::{Answer, Names, answer, failure};
use super::sockets::Sockets;
use crate::error::{Error, Result};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Questions of one container that are answered at the same time; more wait in the socket.
const CONCURRENT: usize = 128;
/// Connections of one container at the same time.
const CONNECTIONS: usize = 32;
/// How long a name server may take before the next one is asked.
const UPSTREAM_LIMIT: Duration = Duration::from_secs(4);
/// How long a connection may be silent.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
/// Name servers that are asked, as many as the C library asks.
const SERVERS: usize = 3;
const LARGEST: usize = 65535;

/// Where questions go that are not answered here.
pub trait Upstream: Names + Send + Sync + 'static {
    /// The name servers; none means that nothing is asked elsewhere, and other names do not exist.
    fn servers(&self) -> Vec<IpAddr>;
}

/// A container's name service. It ends when this is dropped.
#[derive(Debug)]
pub struct Resolver {
    tasks: [JoinHandle<()>; 2],
}

impl Resolver {
    /// Serves from now on.
    pub fn start(sockets: Sockets, upstream: Arc<dyn Upstream>) -> Result<Self> {
        let failed = || Error::system("serve a container's questions about names");
        let udp = UdpSocket::from_std(sockets.udp).map_err(failed())?;
        let tcp = TcpListener::from_std(sockets.tcp).map_err(failed())?;
        Ok(Self {
            tasks: [
                tokio::spawn(serve_udp(Arc::new(udp), Arc::clone(&upstream))),
                tokio::spawn(serve_tcp(tcp, upstream)),
            ],
        })
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for dyn Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstream")
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, upstream: Arc<dyn Upstream>) {
    let room = Arc::new(Semaphore::new(CONCURRENT));
    // Ends with the service, and what it waits for with it.
    let mut questions = tokio::task::JoinSet::new();
    let mut buffer = vec![0; LARGEST];
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (length, client) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // A client that did not wait for its answer.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => continue,
            Err(_) => return,
        };
        while questions.try_join_next().is_some() {}
        let query = buffer[..length].to_vec();
        let reply = match answer(&query, &*upstream) {
            Answer::Reply(reply) => reply,
            Answer::Ignore => continue,
            Answer::Forward => {
                let (socket, upstream) = (Arc::clone(&socket), Arc::clone(&upstream));
                questions.spawn(async move {
                    if let Some(reply) = ask(&query, &*upstream, false).await {
                        let _ = socket.send_to(&reply, client).await;
                    }
                    drop(permit);
                });
                continue;
            }
        };
        let _ = socket.send_to(&reply, client).await;
    }
}

async fn serve_tcp(listener: TcpListener, upstream: Arc<dyn Upstream>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let upstream = Arc::clone(&upstream);
        connections.spawn(async move {
            let _ = serve_connection(stream, &*upstream).await;
            drop(permit);
        });
    }
}

async fn serve_connection(mut stream: TcpStream, upstream: &dyn Upstream) -> std::io::Result<()> {
    while let Ok(Ok(query)) = timeout(IDLE_LIMIT, read_message(&mut stream)).await {
        let reply = match answer(&query, upstream) {
            Answer::Reply(reply) => Some(reply),
            Answer::Forward => ask(&query, upstream, true).await,
            Answer::Ignore => None,
        };
        let Some(reply) = reply else { break };
        write_message(&mut stream, &reply).await?;
    }
    Ok(())
}

/// Asks one name server after the other. An answer that there is none, if nobody has one.
async fn ask(query: &[u8], upstream: &dyn Upstream, by_tcp: bool) -> Option<Vec<u8>> {
    let servers = upstream.servers();
    if servers.is_empty() {
        return failure(query, true);
    }
    for server in servers.into_iter().take(SERVERS) {
        let server = SocketAddr::new(server, 53);
        let asked = async {
            if by_tcp { ask_tcp(query, server).await } else { ask_udp(query, server).await }
        };
        if let Ok(Ok(reply)) = timeout(UPSTREAM_LIMIT, asked).await {
            return Some(reply);
        }
    }
    failure(query, false)
}

async fn ask_udp(query: &[u8], server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let any: IpAddr =
        if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    // A port of its own for each question, and only from the server: hard to guess from outside.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut reply = vec![0; LARGEST];
    loop {
        let length = socket.recv(&mut reply).await?;
        if length >= 12 && reply[..2] == query[..2] {
            reply.truncate(length);
            return Ok(reply);
        }
    }
}

async fn ask_tcp(query: &[u8], server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    write_message(&mut stream, query).await?;
    read_message(&mut stream).await
}

async fn read_message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; length.into()];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_message(stream: &mut TcpStream, message: &[u8]) -> std::io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| std::io::ErrorKind::InvalidData)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed).await
}
