//! What happens to a container after it was made: start, signals, pause, removal.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use isopod_cgroups::FreezerState;
use isopod_oci::runtime::{NamespaceKind, State as OciState, Status};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::channel::Channel;
use crate::container::Container;
use crate::conversation::{self, Listening};
use crate::create::{START_SOCKET, start_address};
use crate::error::{Error, Result};
use crate::state::{self, State};
use crate::{hooks, procfs};

/// How long a killed process is waited for.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The state as the specification has it.
pub(crate) fn oci_state(state: &State, status: Status, pid: i32) -> OciState {
    OciState {
        oci_version: state.oci_version.clone(),
        id: state.id.clone(),
        status,
        pid: (pid > 0 && status != Status::Stopped).then_some(pid),
        bundle: state.bundle.to_string_lossy().into_owned(),
        annotations: state.annotations.clone(),
    }
}

/// A descriptor of the init, if it is still the process that was made and has not ended.
///
/// The descriptor is opened before the start time is compared, so that what is then done with
/// it meets that process and no other.
pub(crate) fn live_init(state: &State) -> Result<Option<OwnedFd>> {
    let Some(pid) = Pid::from_raw(state.pid).filter(|_| state.pid > 0) else { return Ok(None) };
    let pidfd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(Errno::SRCH | Errno::INVAL) => return Ok(None),
        Err(error) => return Err(Error::system(format!("open process {}", state.pid))(error)),
    };
    Ok((procfs::start_time(state.pid)? == Some(state.start_time)).then_some(pidfd))
}

pub(crate) fn status(container: &Container) -> Result<Status> {
    let state = container.state();
    if state.pid == 0 || state.is_draft {
        return Ok(Status::Creating);
    }
    if live_init(state)?.is_none() {
        return Ok(Status::Stopped);
    }
    if state.cgroup.is_some()
        && container.cgroup()?.freezer_state().is_ok_and(|state| state == FreezerState::Frozen)
    {
        return Ok(Status::Paused);
    }
    if container.directory().join(START_SOCKET).exists() {
        return Ok(Status::Created);
    }
    Ok(Status::Running)
}

pub(crate) fn start(container: &Container) -> Result<()> {
    match status(container)? {
        Status::Created => {}
        Status::Stopped => return Err(Error::Stopped),
        Status::Creating => return Err(not_running(container)),
        Status::Running | Status::Paused => return Err(Error::AlreadyRunning),
    }
    let state = container.state();
    let pidfd = live_init(state)?.ok_or(Error::Stopped)?;
    let channel = connect(container.directory())?;
    match channel.go() {
        Ok(()) => {}
        // Somebody else's start came first, or the process is gone.
        Err(_) => return Err(not_waiting(container)),
    }
    let listening = Listening {
        seccomp: state.seccomp.as_ref(),
        pid: state.pid,
        state: oci_state(state, Status::Created, state.pid),
    };
    match conversation::until_executed(&channel, &pidfd, &listening) {
        Ok(()) => {}
        Err(Error::InitDied { how }) => {
            return Err(match status(container)? {
                Status::Stopped => Error::InitDied { how },
                _ => Error::AlreadyRunning,
            });
        }
        Err(error) => return Err(error),
    }
    let socket = container.directory().join(START_SOCKET);
    std::fs::remove_file(&socket).map_err(Error::file("remove", socket))?;
    let running = oci_state(state, Status::Running, state.pid);
    if let Err(error) = hooks::run_all("poststart", &state.poststart, &running) {
        // A container whose hooks failed must not run on.
        let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
        return Err(error);
    }
    Ok(())
}

fn connect(directory: &Path) -> Result<Channel> {
    let (_fd, address) = start_address(directory)?;
    let failed = || Error::file("connect to the start socket in", directory);
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(failed())?;
    match rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &address)) {
        Ok(()) => Ok(Channel::over(socket)),
        // Its process has been started or is gone.
        Err(Errno::CONNREFUSED | Errno::NOENT) => Err(Error::AlreadyRunning),
        Err(error) => Err(failed()(error)),
    }
}

fn not_waiting(container: &Container) -> Error {
    match status(container) {
        Ok(Status::Stopped) => Error::Stopped,
        Ok(_) => Error::AlreadyRunning,
        Err(error) => error,
    }
}

fn not_running(container: &Container) -> Error {
    Error::NotRunning { id: container.id().to_owned() }
}

pub(crate) fn kill(container: &Container, signal: Signal, all: bool) -> Result<()> {
    let state = container.state();
    let init = live_init(state)?;
    let shares_pids = !state.namespaces.contains(&NamespaceKind::Pid);
    // Without a namespace of its own the end of the init is not that of the others.
    if (all || (shares_pids && signal == Signal::KILL)) && state.cgroup.is_some() {
        let cgroup = container.cgroup()?;
        if all && init.is_none() && cgroup.processes(true)?.is_empty() {
            return Err(not_running(container));
        }
        cgroup.kill_all(signal)?;
        if signal == Signal::KILL {
            let _ = cgroup.thaw();
        }
        return Ok(());
    }
    let Some(init) = init else { return Err(not_running(container)) };
    match rustix::process::pidfd_send_signal(&init, signal) {
        Ok(()) => {}
        Err(Errno::SRCH) => return Err(not_running(container)),
        Err(error) => {
            return Err(Error::system(format!("send {signal:?} to process {}", state.pid))(error));
        }
    }
    if signal == Signal::KILL && state.cgroup.is_some() {
        // A frozen process does not die before it is thawed. One that is not frozen, or whose
        // group is gone with it, needs nothing.
        let cgroup = container.cgroup()?;
        if cgroup.freezer_state().is_ok_and(|state| state != FreezerState::Thawed) {
            let _ = cgroup.thaw();
        }
    }
    Ok(())
}

pub(crate) fn pause(container: &Container) -> Result<()> {
    match status(container)? {
        Status::Running | Status::Created => Ok(container.cgroup()?.freeze()?),
        _ => Err(not_running(container)),
    }
}

pub(crate) fn resume(container: &Container) -> Result<()> {
    match status(container)? {
        Status::Paused => Ok(container.cgroup()?.thaw()?),
        _ => Err(Error::NotPaused),
    }
}

pub(crate) fn processes(container: &Container) -> Result<Vec<i32>> {
    let cgroup = container.cgroup()?;
    if cgroup.exists() { Ok(cgroup.processes(true)?) } else { Ok(Vec::new()) }
}

pub(crate) fn delete(container: Container, force: bool) -> Result<()> {
    let state = container.state();
    let status = status(&container)?;
    let stopped = status == Status::Stopped || status == Status::Created;
    if !stopped && !force {
        return Err(Error::NotStopped { id: state.id.clone(), status });
    }
    if let Some(init) = live_init(state)? {
        end(&container, &init)?;
    }
    if state.cgroup.is_some() {
        let cgroup = container.cgroup()?;
        let shares_pids = !state.namespaces.contains(&NamespaceKind::Pid);
        if cgroup.exists() {
            if shares_pids || status == Status::Creating {
                cgroup.kill_all(Signal::KILL)?;
            }
            cgroup.delete()?;
        }
    }
    state::remove(container.directory())?;
    let gone = oci_state(state, Status::Stopped, 0);
    // The specification has their failures logged at most, and there is nothing left to undo.
    let _ = hooks::run_every("poststop", &state.poststop, &gone);
    Ok(())
}

/// Kills the init and waits for its end, which needs no reaping.
fn end(container: &Container, init: &OwnedFd) -> Result<()> {
    match kill(container, Signal::KILL, false) {
        Ok(()) | Err(Error::NotRunning { .. }) => {}
        Err(error) => return Err(error),
    }
    let deadline = Instant::now() + KILL_TIMEOUT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).expect("at most ten seconds");
        let mut fds = [PollFd::from_borrowed_fd(init.as_fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => {
                return Err(Error::system(format!("kill process {}", container.state().pid))(
                    std::io::Error::from(std::io::ErrorKind::TimedOut),
                ));
            }
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(Error::system("wait for a killed process")(error)),
        }
    }
}

/// Removes a directory in which `create` was cut before it wrote a state.
pub(crate) fn delete_remains(directory: &Path) -> Result<bool> {
    match File::open(directory) {
        Ok(_) => state::remove(directory).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::file("open", directory)(error)),
    }
}
