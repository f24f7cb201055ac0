//! From `exec` to the loop: what a supervisor does before it serves.

use crate::config::{Config, file};
use crate::container::Passed;
use crate::server::{Server, note};
use rustix::fs::{FileType, FlockOperation, Mode as FileMode, OFlags};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long to wait for a predecessor to be gone.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// The most mounts that can be passed along.
const PASSED_MOUNTS: usize = 200;

/// What a supervisor is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To start a container whose root is the path in its configuration.
    Start,
    /// To start a container whose root is the detached mount that is standard output.
    StartOnMount,
    /// To take over a running container.
    Adopt,
    /// Likewise, and standard output is its terminal's master.
    AdoptTerminal,
}

impl Mode {
    /// The word for it on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::StartOnMount => "start-on-mount",
            Self::Adopt => "adopt",
            Self::AdoptTerminal => "adopt-terminal",
        }
    }

    fn parse(word: &OsStr) -> Option<Self> {
        [Self::Start, Self::StartOnMount, Self::Adopt, Self::AdoptTerminal]
            .into_iter()
            .find(|mode| word == mode.as_str())
    }
}

pub(crate) fn main(args: &[OsString]) -> i32 {
    let [_, mode, directory] = args else {
        return usage();
    };
    let Some(mode) = Mode::parse(mode) else {
        return usage();
    };
    match supervise(mode, Path::new(directory)) {
        Ok(()) => 0,
        Err(error) => {
            note("supervisor", &error.to_string());
            1
        }
    }
}

fn usage() -> i32 {
    let _ = writeln!(
        io::stderr(),
        "Usage: isopod supervisor {{start|start-on-mount|adopt|adopt-terminal}} DIRECTORY\n\
         The engine starts supervisors; there is no use for them by hand."
    );
    2
}

fn supervise(mode: Mode, directory: &Path) -> io::Result<()> {
    let listener = io::stdin().as_fd().try_clone_to_owned()?;
    let passed = match mode {
        Mode::Start | Mode::Adopt => None,
        Mode::StartOnMount | Mode::AdoptTerminal => {
            Some(io::stdout().as_fd().try_clone_to_owned()?)
        }
    };
    let mounts = received_mounts(io::stderr().as_fd())?;
    detach()?;
    rustix::process::chdir(directory)?;
    let _lock = lock()?;
    let config = read_config()?;
    let (rootfs, terminal) = match mode {
        Mode::Start | Mode::StartOnMount => (passed, None),
        Mode::Adopt | Mode::AdoptTerminal => (None, passed),
    };
    let mut server = Server::new(config, listener, Passed { rootfs, mounts })?;
    if matches!(mode, Mode::Adopt | Mode::AdoptTerminal) {
        server.adopt(terminal)?;
    }
    server.run()
}

/// Sends detached mounts over a socket that becomes a supervisor's standard error.
pub fn send_mounts(socket: BorrowedFd<'_>, mounts: &[OwnedFd]) -> io::Result<()> {
    if mounts.len() > PASSED_MOUNTS {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} mounts are to be passed, {PASSED_MOUNTS} can be", mounts.len()),
        ));
    }
    let fds: Vec<BorrowedFd<'_>> = mounts.iter().map(AsFd::as_fd).collect();
    let mut space = vec![MaybeUninit::uninit(); SendAncillaryMessage::ScmRights(&fds).size()];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(socket, &[io::IoSlice::new(b"m")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes them; whoever has no socket as its standard error gets none.
fn received_mounts(stderr: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut mounts = Vec::new();
    if FileType::from_raw_mode(rustix::fs::fstat(stderr)?.st_mode) != FileType::Socket {
        return Ok(mounts);
    }
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PASSED_MOUNTS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(stderr, &mut [io::IoSliceMut::new(&mut byte)], &mut control, flags)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            mounts.extend(fds);
        }
    }
    Ok(mounts)
}

/// Nothing of the engine's session, terminal or streams is kept.
fn detach() -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, FileMode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    // It fails for the leader of a process group, which a started program is not usually.
    let _ = rustix::process::setsid();
    let _ = rustix::thread::set_name(c"isopod-super");
    // Orphans of a container without a PID namespace of its own come to us.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    // The kernel should look elsewhere for memory; without the right to say so it is not said.
    let _ = std::fs::write("/proc/self/oom_score_adj", "-999");
    Ok(())
}

/// One supervisor for a container at a time.
fn lock() -> io::Result<OwnedFd> {
    let mut file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file::LOCK)?;
    // A predecessor that is being killed needs a moment to let go.
    let limit = Instant::now() + LOCK_LIMIT;
    while let Err(error) = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != Errno::WOULDBLOCK || Instant::now() > limit {
            return Err(error.into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    file.set_len(0)?;
    write!(file, "{}", std::process::id())?;
    Ok(file.into())
}

fn read_config() -> io::Result<Config> {
    let bytes = std::fs::read(file::CONFIG)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file::CONFIG))
    })
}
