//! The parent's side of the channel: serves what the child asks for until it is ready, and
//! until it has become its program.

use std::os::fd::{AsFd, OwnedFd};

use isopod_oci::runtime::IdMapping;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, WaitId, WaitIdOptions};

use crate::channel::{self, Channel, ToParent};
use crate::error::{Error, Result};
use crate::procfs::ProcFs;
use crate::seccomp;
use crate::state::SeccompState;

/// A child process and a descriptor of it; killed and reaped on drop unless let go.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: i32,
    pidfd: Option<OwnedFd>,
}

impl Child {
    pub(crate) fn new(pid: i32, pidfd: OwnedFd) -> Self {
        Self { pid, pidfd: Some(pidfd) }
    }

    /// Opens a process that is a child of the caller, so that its id cannot have been reused.
    fn open(pid: i32) -> Result<Self> {
        let failed = || Error::system(format!("open process {pid}"));
        let id =
            rustix::process::Pid::from_raw(pid).ok_or_else(|| failed()(rustix::io::Errno::SRCH))?;
        let pidfd = rustix::process::pidfd_open(id, PidfdFlags::empty()).map_err(failed())?;
        Ok(Self::new(pid, pidfd))
    }

    pub(crate) fn pidfd(&self) -> &OwnedFd {
        self.pidfd.as_ref().expect("taken only when the child is let go")
    }

    /// It is the caller's from now on.
    pub(crate) fn release(mut self) -> OwnedFd {
        self.pidfd.take().expect("taken only when the child is let go")
    }

    /// Waits for its end and says how it ended.
    fn reap(mut self) -> String {
        match self.pidfd.take() {
            Some(pidfd) => reap(&pidfd),
            None => "unknown".into(),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(pidfd) = &self.pidfd {
            let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
            reap(pidfd);
        }
    }
}

fn reap(pidfd: &OwnedFd) -> String {
    let status = rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
    });
    match status {
        Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => "unknown".into(),
        },
        _ => "unknown".into(),
    }
}

/// What the parent serves during the preparation.
pub(crate) struct Conversation<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) proc: &'a ProcFs,
    pub(crate) child: Option<Child>,
    /// Whether `child` only prepares the way for the one that stays.
    pub(crate) intermediate: bool,
    pub(crate) mappings: (&'a [IdMapping], &'a [IdMapping]),
    pub(crate) rlimits: Vec<(Resource, Rlimit)>,
    pub(crate) terminal: Option<OwnedFd>,
}

impl Conversation<'_> {
    /// Serves the child until it is ready. `arrived` is called once with the process that
    /// stays; `hooks` runs the hooks of the runtime's namespaces.
    pub(crate) fn until_ready(
        &mut self,
        arrived: &mut dyn FnMut(&Child, &Channel) -> Result<()>,
        hooks: &mut dyn FnMut(i32) -> Result<()>,
    ) -> Result<()> {
        if !self.intermediate {
            arrived(self.child(), self.channel)?;
        }
        loop {
            let Some((message, fd)) = self.channel.hear()? else {
                return Err(self.died());
            };
            match message {
                ToParent::Map => {
                    let (uids, gids) = self.mappings;
                    crate::mapping::write(self.proc, self.child().pid, uids, gids)?;
                    self.channel.go()?;
                }
                ToParent::Final { pid } => {
                    let child = Child::open(pid)?;
                    if let Some(intermediate) = self.child.replace(child) {
                        intermediate.reap();
                    }
                    arrived(self.child(), self.channel)?;
                }
                ToParent::RuntimeHooks => {
                    hooks(self.child().pid)?;
                    self.channel.go()?;
                }
                ToParent::Limits => {
                    self.set_limits()?;
                    self.channel.go()?;
                }
                ToParent::Terminal => self.terminal = fd,
                ToParent::Ready => return Ok(()),
                ToParent::Failed { text, kind } => {
                    return Err(Error::Init { text, kind: kind.into() });
                }
                ToParent::Listener { .. } | ToParent::Executing => {
                    return Err(Error::system("prepare the container's process")(
                        std::io::Error::other("it went ahead before its time"),
                    ));
                }
            }
        }
    }

    fn child(&self) -> &Child {
        self.child.as_ref().expect("there from the start, and replaced but never taken")
    }

    fn died(&mut self) -> Error {
        let how = self.child.take().map_or_else(String::new, Child::reap);
        Error::InitDied { how }
    }

    fn set_limits(&self) -> Result<()> {
        let pid = rustix::process::Pid::from_raw(self.child().pid);
        for (resource, limit) in crate::init::process::early_limits(&self.rlimits) {
            rustix::process::prlimit(pid, resource, limit)
                .map_err(Error::system(format!("set rlimit {resource:?}")))?;
        }
        Ok(())
    }
}

/// Who gets the notify descriptor of a filter.
pub(crate) struct Listening<'a> {
    pub(crate) seccomp: Option<&'a SeccompState>,
    pub(crate) pid: i32,
    pub(crate) state: isopod_oci::runtime::State,
}

/// Serves a child that was let go until it has become its program.
pub(crate) fn until_executed(
    channel: &Channel,
    pidfd: &OwnedFd,
    listening: &Listening<'_>,
) -> Result<()> {
    let mut executing = false;
    loop {
        match channel.hear()? {
            // The channel was closed by the exec, or by death, which is the program's own.
            None if executing => return Ok(()),
            None => return Err(Error::InitDied { how: "before it executed its program".into() }),
            Some((ToParent::Executing, _)) => executing = true,
            Some((ToParent::Listener { fd }, _)) => {
                let listener = rustix::process::pidfd_getfd(pidfd, fd, PidfdGetfdFlags::empty())
                    .map_err(Error::system("fetch the seccomp notify descriptor"))?;
                if let Some(seccomp) = listening.seccomp {
                    seccomp::send_listener(
                        seccomp,
                        &listener,
                        listening.pid,
                        listening.state.clone(),
                    )?;
                }
                channel.go()?;
            }
            Some((ToParent::Failed { text, kind }, _)) => {
                return Err(Error::Init { text, kind: kind.into() });
            }
            Some(_) => {
                return Err(Error::system("start the container's process")(std::io::Error::other(
                    "it asked for what is over",
                )));
            }
        }
    }
}

/// Sends the master end of a terminal over `socket`, with a name as runc sends it.
pub(crate) fn send_terminal(socket: &OwnedFd, master: &OwnedFd) -> Result<()> {
    channel::send(socket.as_fd(), b"/dev/ptmx", Some(master.as_fd()))
        .map_err(Error::system("send the terminal over the console socket"))
}

/// Sends a process's pidfd over `socket`.
pub(crate) fn send_pidfd(socket: &OwnedFd, pidfd: &OwnedFd) -> Result<()> {
    channel::send(socket.as_fd(), b"pidfd", Some(pidfd.as_fd()))
        .map_err(Error::system("send the pidfd over its socket"))
}

/// Writes the process id, whole or not at all.
pub(crate) fn write_pid_file(path: &std::path::Path, pid: i32) -> Result<()> {
    isopod_base::files::replace_volatile(path, pid.to_string().as_bytes(), 0o644).map_err(|error| {
        Error::File { action: error.action, path: error.path, source: error.source }
    })
}
