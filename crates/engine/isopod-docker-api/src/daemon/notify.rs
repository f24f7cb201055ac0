//! Tells a service manager how far the daemon is (`sd_notify(3)`).

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends a state such as `READY=1`, if a service manager listens. Nothing depends on it.
pub(crate) fn send(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send_to(&path, state) {
        tracing::warn!(%error, "the service manager could not be notified");
    }
}

fn send_to(path: &OsString, state: &str) -> io::Result<()> {
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrives() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("free path");
        send_to(&path.into_os_string(), "READY=1").expect("somebody listens");
        let mut buffer = [0; 32];
        let length = socket.recv(&mut buffer).expect("sent");
        assert_eq!(&buffer[..length], b"READY=1");
    }
}
