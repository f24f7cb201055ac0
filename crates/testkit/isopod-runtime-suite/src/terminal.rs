//! Terminals: the socket over which a runtime hands one over, and one of our own to call it from.

use std::fs::File;
use std::io::{IoSliceMut, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Waits this long for a connection or for output.
const LIMIT: Duration = Duration::from_secs(10);

/// A listening socket for descriptors.
#[derive(Debug)]
pub(crate) struct DescriptorSocket(UnixListener);

impl DescriptorSocket {
    /// Listens at `path`.
    pub(crate) fn listen(path: &Path) -> Result<Self> {
        let listener = UnixListener::bind(path).with_context(|| format!("{}", path.display()))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Takes the first connection's message and the descriptors that come with it.
    pub(crate) fn receive(&self) -> Result<(Vec<u8>, Vec<OwnedFd>)> {
        let deadline = Instant::now() + LIMIT;
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if Instant::now() > deadline {
                        bail!("nobody connected to the socket");
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.into()),
            }
        };
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(LIMIT))?;
        receive_from(&stream)
    }
}

fn receive_from(stream: &UnixStream) -> Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; 64 << 10];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = rustix::net::recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )
    .context("no message came over the socket")?;
    if message.flags.contains(ReturnFlags::CTRUNC) {
        bail!("more than 8 descriptors came over the socket");
    }
    let mut descriptors = Vec::new();
    for part in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = part {
            descriptors.extend(received);
        }
    }
    bytes.truncate(message.bytes);
    Ok((bytes, descriptors))
}

/// A new terminal: the side of the emulator, and the side for the program.
pub(crate) fn open() -> Result<(File, File)> {
    let emulator = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&emulator)?;
    unlockpt(&emulator)?;
    let name = ptsname(&emulator, Vec::new())?;
    let program =
        std::fs::OpenOptions::new().read(true).write(true).open(name.to_string_lossy().as_ref())?;
    Ok((File::from(emulator), program))
}

/// Reads from a terminal until `text` has come, or the time is up.
pub(crate) fn read_until(terminal: &File, text: &str) -> Result<String> {
    rustix::fs::fcntl_setfl(terminal, rustix::fs::OFlags::NONBLOCK)?;
    let deadline = Instant::now() + LIMIT;
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    let mut terminal = terminal;
    loop {
        match terminal.read(&mut buffer) {
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(2));
            }
            // The other side is closed: all has come.
            Err(_) => {
                let seen = String::from_utf8_lossy(&all).into_owned();
                if seen.contains(text) {
                    return Ok(seen);
                }
                bail!("the terminal closed after {seen:?}, without {text:?}");
            }
        }
        let seen = String::from_utf8_lossy(&all);
        if seen.contains(text) {
            return Ok(seen.into_owned());
        }
        if Instant::now() > deadline {
            bail!("{text:?} did not come over the terminal, only {seen:?}");
        }
    }
}
