//! `sd_notify(3)` from inside a container: a socket of its own is mounted into it, and when it
//! says `READY=1` the service manager outside is told so, and which process to watch.

use std::io::{self, IoSlice, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isopod_oci::runtime::{Mount, Spec};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::error::Error;
use crate::log::Log;

const IN_CONTAINER: &str = "/run/notify";
const SOCKET: &str = "notify.sock";
/// A message is a few lines; longer ones are cut, as systemd does.
const MESSAGE_BYTES: usize = 4096;
/// How often a detached container is looked after while it gets ready.
const TICK_MS: i64 = 100;
const BARRIER_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the container's socket lies, beside the containers' state; the leading dot keeps it
/// apart from them.
pub(crate) fn directory(root: &Path, id: &str) -> PathBuf {
    root.join(".notify").join(id)
}

/// The service manager's socket, if there is one to tell.
pub(crate) fn host() -> Option<String> {
    std::env::var("NOTIFY_SOCKET").ok().filter(|path| !path.is_empty())
}

/// Lets the container see a socket, before it is made.
pub(crate) fn set_up(spec: &mut Spec, root: &Path, id: &str) -> Result<(), Error> {
    let directory = directory(root, id);
    std::fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
    // Containers with mapped users look into it too.
    for open in [directory.parent().unwrap_or(&directory), &directory] {
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755))
            .map_err(Error::file("set permissions of", open))?;
    }
    spec.mounts.push(Mount {
        destination: IN_CONTAINER.to_owned(),
        source: Some(directory.to_string_lossy().into_owned()),
        options: ["bind", "nosuid", "noexec", "nodev", "ro"].map(str::to_owned).to_vec(),
        ..Mount::default()
    });
    if let Some(process) = &mut spec.process {
        process.env.push(format!("NOTIFY_SOCKET={IN_CONTAINER}/{SOCKET}"));
    }
    Ok(())
}

/// Removes what [`set_up`] and [`Notify::bind`] have made.
pub(crate) fn clean_up(root: &Path, id: &str) {
    let directory = directory(root, id);
    if directory.exists() {
        // A leftover is an empty socket that the next container of that id replaces.
        let _leftover = std::fs::remove_dir_all(&directory);
        let _used_by_others = directory.parent().map(std::fs::remove_dir);
    }
}

/// A bound socket that has not heard `READY=` yet.
#[derive(Debug)]
pub(crate) struct Notify {
    socket: UnixDatagram,
    host: String,
}

impl Notify {
    /// Binds the container's socket. Nothing if the container was made without one.
    pub(crate) fn bind(root: &Path, id: &str, host: String) -> Result<Option<Self>, Error> {
        let path = directory(root, id).join(SOCKET);
        if !path.parent().is_some_and(Path::exists) {
            return Ok(None);
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &path)(error));
            }
            _ => {}
        }
        let socket = UnixDatagram::bind(&path).map_err(Error::file("bind", &path))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777))
            .map_err(Error::file("set permissions of", &path))?;
        socket.set_nonblocking(true).map_err(Error::file("set up", &path))?;
        Ok(Some(Self { socket, host }))
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads one message; once the container is ready, tells the host, whose service is
    /// process `main` from then on. Gives itself back while there is more to wait for.
    pub(crate) fn step(self, main: i32, log: &Log) -> Option<Self> {
        let mut buffer = [0; MESSAGE_BYTES];
        let Ok(length) = self.socket.recv(&mut buffer) else { return Some(self) };
        let ready =
            buffer[..length].split(|b| *b == b'\n').find(|line| line.starts_with(b"READY="));
        let Some(ready) = ready else { return Some(self) };
        if let Err(error) = self.tell(ready, main) {
            log.warn(&format!("telling {} that the container is ready: {error}", self.host));
        }
        None
    }

    /// Waits until the container is ready, or its process `pid` has ended.
    pub(crate) fn wait(self, pid: i32, log: &Log) {
        let mut waiting = Some(self);
        while let Some(notify) = waiting {
            let tick = Timespec { tv_sec: 0, tv_nsec: TICK_MS * 1_000_000 };
            let ready =
                rustix::event::poll(&mut [PollFd::new(&notify.socket, PollFlags::IN)], Some(&tick));
            if matches!(ready, Ok(1..)) {
                waiting = notify.step(pid, log);
            } else if Path::new(&format!("/proc/{pid}")).exists() {
                waiting = Some(notify);
            } else {
                return;
            }
        }
    }

    fn tell(&self, ready: &[u8], main: i32) -> io::Result<()> {
        let client = UnixDatagram::unbound()?;
        match self.host.strip_prefix('@') {
            Some(name) => {
                use std::os::linux::net::SocketAddrExt as _;
                let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
                client.connect_addr(&address)?;
            }
            None => client.connect(&self.host)?,
        }
        client.send(&[ready, b"\n"].concat())?;
        client.send(format!("MAINPID={main}\n").as_bytes())?;
        barrier(&client)
    }
}

/// Waits until the service manager has taken in what was sent before: it closes the descriptor
/// that comes with `BARRIER=1` (`sd_notify_barrier(3)`).
fn barrier(client: &UnixDatagram) -> io::Result<()> {
    let (mut reader, writer) = io::pipe()?;
    {
        let descriptors = [writer.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        rustix::net::sendmsg(
            client,
            &[IoSlice::new(b"BARRIER=1")],
            &mut control,
            SendFlags::empty(),
        )?;
    }
    drop(writer);
    let timeout = Timespec::try_from(BARRIER_TIMEOUT).expect("seconds fit");
    let ready = rustix::event::poll(&mut [PollFd::new(&reader, PollFlags::IN)], Some(&timeout))?;
    if ready == 0 {
        // An older service manager does not know barriers and keeps the descriptor.
        return Ok(());
    }
    match reader.read(&mut [0; 1])? {
        0 => Ok(()),
        _ => Err(io::Error::other("the service manager wrote to the barrier's pipe")),
    }
}
