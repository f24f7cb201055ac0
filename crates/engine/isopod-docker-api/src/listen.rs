//! Sockets that the API is served on.

use crate::connection::Accepted;
use isopod_sys::activation;
use rustix::fs::{AtFlags, CWD, Gid, Mode, Uid, chmodat, chownat};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use rustls::ServerConfig;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net as std_unix;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Why a socket could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process serves it.
    #[error("{}: another process already listens on this socket", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else is in the way.
    #[error("{}: exists and is no socket; remove it or choose another path", path.display())]
    NotASocket {
        /// What is in the way.
        path: PathBuf,
    },
    /// A system call failed.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What failed.
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on tcp://{address}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No sockets were passed by the service manager.
    #[error("no sockets found via socket activation: make sure the service was started by systemd")]
    NoneActivated,
    /// The service manager passed something else.
    #[error("file descriptor {index} passed by the service manager is no listening Unix socket")]
    BadActivated {
        /// Which, counted from the first one passed.
        index: usize,
        /// Why.
        source: io::Error,
    },
}

/// Who may use a socket, beside root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    /// The file's owner; who makes it if there is none.
    pub user: Option<u32>,
    /// The group that may connect.
    pub group: Option<u32>,
}

/// A listening socket. One that has a path of its own removes it when dropped.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    place: Option<Place>,
}

enum Socket {
    Unix(UnixListener),
    Tls(TcpListener, TlsAcceptor),
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(socket) => socket.fmt(f),
            Self::Tls(socket, _) => socket.fmt(f),
        }
    }
}

/// Where a socket lies, and which file it is.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.socket, &self.place) {
            (_, Some(place)) => place.path.display().fmt(f),
            (Socket::Unix(_), None) => f.write_str("fd://"),
            (Socket::Tls(socket, _), None) => match socket.local_addr() {
                Ok(address) => write!(f, "tcp://{address}"),
                Err(_) => f.write_str("tcp://"),
            },
        }
    }
}

impl Listener {
    /// Listens on a path, which only its owner, root and the group may use. A socket left there by a
    /// process that is gone is replaced. Must be called within a tokio runtime.
    pub fn bind(path: &Path, owner: Owner) -> Result<Self, ListenError> {
        let fail = |action| {
            move |source: io::Error| ListenError::Io { path: path.to_owned(), action, source }
        };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(fail("create its directory"))?;
        }
        clear(path)?;
        let os = |action| move |errno: rustix::io::Errno| fail(action)(errno.into());
        let address = SocketAddrUnix::new(path).map_err(os("listen: the path is too long"))?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(os("make a socket"))?;
        bind(&socket, &address).map_err(os("bind"))?;
        // Nobody can connect before `listen`, so that there is no moment of looser rights.
        let mode = if owner.group.is_some() { 0o660 } else { 0o600 };
        chmodat(CWD, path, Mode::from_raw_mode(mode), AtFlags::empty())
            .map_err(os("set its mode"))?;
        if owner != Owner::default() {
            let user = owner.user.map(Uid::from_raw);
            chownat(CWD, path, user, owner.group.map(Gid::from_raw), AtFlags::empty())
                .map_err(os("set its owner"))?;
        }
        listen(&socket, BACKLOG).map_err(os("listen"))?;
        let socket = adopt(socket).map_err(fail("register with the event loop"))?;
        let metadata = std::fs::symlink_metadata(path).map_err(fail("look at it"))?;
        let place = Place { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() };
        Ok(Self { socket: Socket::Unix(socket), place: Some(place) })
    }

    /// Listens on an address for clients that prove who they are, as the settings demand.
    pub async fn bind_tls(
        address: SocketAddr,
        settings: Arc<ServerConfig>,
    ) -> Result<Self, ListenError> {
        let socket = TcpListener::bind(address)
            .await
            .map_err(|source| ListenError::Address { address, source })?;
        Ok(Self { socket: Socket::Tls(socket, settings.into()), place: None })
    }

    /// The sockets that a service manager passed (systemd's socket activation).
    pub fn activated() -> Result<Vec<Self>, ListenError> {
        let passed = activation::listen_fds();
        if passed.is_empty() {
            return Err(ListenError::NoneActivated);
        }
        passed
            .into_iter()
            .enumerate()
            .map(|(index, fd)| {
                let socket =
                    adopt(fd).map_err(|source| ListenError::BadActivated { index, source })?;
                Ok(Self { socket: Socket::Unix(socket), place: None })
            })
            .collect()
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Socket::Unix(socket) => Ok(Accepted::Unix(socket.accept().await?.0)),
            Socket::Tls(socket, acceptor) => {
                Ok(Accepted::Tcp(socket.accept().await?.0, acceptor.clone()))
            }
        }
    }
}

/// Makes a listening socket one of the event loop's.
fn adopt(fd: OwnedFd) -> io::Result<UnixListener> {
    if !rustix::net::sockopt::socket_acceptconn(&fd)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not listen"));
    }
    let socket = std_unix::UnixListener::from(fd);
    socket.local_addr()?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket)
}

/// Removes a socket that nobody serves any more.
fn clear(path: &Path) -> Result<(), ListenError> {
    use std::os::unix::fs::FileTypeExt;

    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(ListenError::NotASocket { path: path.to_owned() });
    }
    if std_unix::UnixStream::connect(path).is_ok() {
        return Err(ListenError::InUse { path: path.to_owned() });
    }
    std::fs::remove_file(path).map_err(|source| ListenError::Io {
        path: path.to_owned(),
        action: "remove the stale socket",
        source,
    })
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(place) = &self.place else { return };
        let ours = std::fs::symlink_metadata(&place.path)
            .is_ok_and(|now| now.dev() == place.device && now.ino() == place.inode);
        if ours {
            let _ = std::fs::remove_file(&place.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_served_one_is_not() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("run/api.sock");
        let first = Listener::bind(&path, Owner::default()).expect("free path");
        let mode = std::fs::metadata(&path).expect("bound").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(Listener::bind(&path, Owner::default()), Err(ListenError::InUse { .. })));
        drop(first);
        assert!(!path.exists(), "cleaned up");
        drop(std_unix::UnixListener::bind(&path).expect("free path"));
        assert!(path.exists(), "left behind as by a killed process");
        let second = Listener::bind(&path, Owner::default()).expect("stale path");
        drop(second);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn other_files_are_left_alone() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("file");
        std::fs::write(&path, "precious").expect("writable");
        let error = Listener::bind(&path, Owner::default()).expect_err("in the way");
        assert!(matches!(error, ListenError::NotASocket { .. }));
        assert!(path.exists());
    }
}
