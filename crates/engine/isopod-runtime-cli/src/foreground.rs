//! Staying with a process until it ends: signals, terminal, readiness, exit status.
//!
//! One loop over descriptors; there is no thread and no signal handler.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use isopod_sys::signal_fd::{self, SignalFd};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus};

use crate::console::{self, HostTerminal, Moved};
use crate::error::Error;
use crate::log::Log;
use crate::notify::Notify;

const SIGCHLD: i32 = rustix::process::Signal::CHILD.as_raw();
const SIGWINCH: i32 = rustix::process::Signal::WINCH.as_raw();
/// Goes to and fro inside language runtimes and is none of the container's business.
const SIGURG: i32 = rustix::process::Signal::URG.as_raw();

/// Signals from before the process is made, so that none is lost.
#[derive(Debug)]
pub(crate) struct Foreground {
    signals: SignalFd,
    terminal: Option<HostTerminal>,
}

impl Foreground {
    /// To be made before the process: holds signals back from now on, and finds the caller's
    /// terminal if the process is to have one.
    pub(crate) fn prepare(with_terminal: bool) -> Result<Self, Error> {
        let terminal = with_terminal.then(HostTerminal::find).transpose()?;
        isopod_sys::signals::hold_signals().map_err(Error::system("hold back signals"))?;
        let signals = SignalFd::new().map_err(Error::system("open a descriptor for signals"))?;
        Ok(Self { signals, terminal })
    }

    /// Stays until process `pid` ends, and gives its exit status, or 128 and its signal.
    pub(crate) fn stay(
        self,
        pid: i32,
        master: Option<OwnedFd>,
        mut notify: Option<Notify>,
        log: &Log,
    ) -> Result<i32, Error> {
        let master = master.as_ref().map(OwnedFd::as_fd);
        if let (Some(terminal), Some(master)) = (&self.terminal, master) {
            console::keep_line_feeds(master)?;
            terminal.copy_size(master);
            terminal.make_raw()?;
        }
        let mut input = master.is_some();
        let mut output = master.is_some();
        // A process may have ended before its signal was held back by someone else's handler.
        let mut status = reap(pid)?;
        while status.is_none() {
            let stdin = rustix::stdio::stdin();
            let mut waited = vec![PollFd::new(&self.signals, PollFlags::IN)];
            let from_container = add(&mut waited, master.filter(|_| output));
            let from_caller = add(&mut waited, Some(stdin).filter(|_| input));
            let from_notify = add(&mut waited, notify.as_ref().map(Notify::as_fd));
            match rustix::event::poll(&mut waited, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::system("wait for events")(errno)),
            }
            let ready =
                |index: Option<usize>| index.is_some_and(|i| !waited[i].revents().is_empty());
            let (container, caller, told) =
                (ready(from_container), ready(from_caller), ready(from_notify));
            drop(waited);
            if let Some(master) = master {
                if container {
                    output = console::move_bytes(master, rustix::stdio::stdout()) != Moved::End;
                }
                if caller {
                    input = console::move_bytes(stdin, master) != Moved::End;
                }
            }
            if told && let Some(waiting) = notify.take() {
                notify = waiting.step(std::process::id().cast_signed(), log);
            }
            status = self.take_signals(pid, master)?;
        }
        if let Some(master) = master.filter(|_| output) {
            drain(master);
        }
        Ok(status.unwrap_or(1))
    }

    fn take_signals(&self, pid: i32, master: Option<BorrowedFd<'_>>) -> Result<Option<i32>, Error> {
        let mut ended = None;
        while let Some(signal) = self.signals.take().map_err(Error::system("read signals"))? {
            match signal.number {
                SIGCHLD => ended = ended.or(reap(pid)?),
                SIGWINCH => {
                    if let (Some(terminal), Some(master)) = (&self.terminal, master) {
                        terminal.copy_size(master);
                    } else {
                        forward(pid, signal.number);
                    }
                }
                SIGURG => {}
                number => forward(pid, number),
            }
        }
        Ok(ended)
    }
}

/// Waits for one more descriptor, if there is one; gives its place in the list.
fn add<'fd>(waited: &mut Vec<PollFd<'fd>>, fd: Option<BorrowedFd<'fd>>) -> Option<usize> {
    waited.push(PollFd::from_borrowed_fd(fd?, PollFlags::IN));
    Some(waited.len() - 1)
}

fn forward(pid: i32, number: i32) {
    if let (Some(pid), Some(signal)) = (Pid::from_raw(pid), signal_fd::from_number(number)) {
        // It may just have ended; its status is on the way then.
        let _ended = rustix::process::kill_process(pid, signal);
    }
}

/// Collects ended children, those that were left to us by their parents included; gives the
/// status of `pid` if it is among them.
fn reap(pid: i32) -> Result<Option<i32>, Error> {
    let mut found = None;
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((ended, status))) if ended.as_raw_nonzero().get() == pid => {
                found = Some(exit_status(status));
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(found),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::system("wait for a child")(errno)),
        }
    }
}

fn exit_status(status: WaitStatus) -> i32 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 255,
    }
}

/// What the process has written before it ended is still to be shown; what others still have
/// open does not keep us.
fn drain(master: BorrowedFd<'_>) {
    // Should this fail, the first read that finds nothing blocks until the last user of the
    // terminal is gone, as it would without.
    let _blocks = rustix::io::ioctl_fionbio(master, true);
    while console::move_bytes(master, rustix::stdio::stdout()) == Moved::Some {}
}
