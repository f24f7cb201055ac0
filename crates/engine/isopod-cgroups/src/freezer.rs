//! Stopping and continuing all processes of a container at once, and signalling them all.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode as FileMode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use crate::error::{Error, Result};
use crate::group::Group;
use crate::hierarchy::Mode;
use crate::manager::Manager;
use crate::processes;

/// How long a version 2 group may take to freeze.
const FREEZE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a version 1 group is told to freeze.
const FREEZE_TRIES: u32 = 1000;

/// Whether a container's processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezerState {
    /// They run.
    Thawed,
    /// None of them runs.
    Frozen,
}

impl Manager {
    /// Stops every process of the container, and returns when none runs any more.
    pub fn freeze(&self) -> Result<()> {
        let group = self.freezer().ok_or(Error::NoFreezer)?;
        match self.mode() {
            Mode::V2 => freeze_v2(group),
            Mode::V1 | Mode::Hybrid => freeze_v1(group),
        }
    }

    /// Lets the container's processes run again.
    pub fn thaw(&self) -> Result<()> {
        let group = self.freezer().ok_or(Error::NoFreezer)?;
        match self.mode() {
            Mode::V2 => group.write("cgroup.freeze", "0"),
            Mode::V1 | Mode::Hybrid => group.write("freezer.state", "THAWED"),
        }
    }

    /// Whether the container's processes run. Where there is no freezer, they do.
    pub fn freezer_state(&self) -> Result<FreezerState> {
        let Some(group) = self.freezer() else { return Ok(FreezerState::Thawed) };
        let frozen = match self.mode() {
            Mode::V2 => {
                group.read_optional("cgroup.freeze")?.is_some_and(|text| text.trim() == "1")
            }
            Mode::V1 | Mode::Hybrid => state_v1(group)?,
        };
        Ok(if frozen { FreezerState::Frozen } else { FreezerState::Thawed })
    }

    /// Signals every process in the container's groups and those below them. On version 2
    /// `SIGKILL` is one write to `cgroup.kill`; otherwise the container is frozen meanwhile, so
    /// that none escapes by forking.
    ///
    /// Groups that were only planned are left alone: they may be somebody else's.
    pub fn kill_all(&self, signal: Signal) -> Result<()> {
        if !self.is_made() {
            return Ok(());
        }
        if signal == Signal::KILL {
            let tree = self.group("").filter(|_| self.mode() == Mode::V2).or(self.hybrid_tree());
            match tree.map(|group| group.write("cgroup.kill", "1")) {
                Some(Ok(())) => return Ok(()),
                // Kernels before 5.14 lack the file, a removed group lacks it too.
                Some(Err(error)) if error.is(Errno::NOENT) || error.is(Errno::NODEV) => {}
                Some(Err(error)) if !error.is(Errno::OPNOTSUPP) => return Err(error),
                Some(Err(_)) | None => {}
            }
        }
        let was_frozen = self.freezer_state().is_ok_and(|state| state == FreezerState::Frozen);
        let frozen = was_frozen || self.freeze().is_ok();
        let result = self.signal_each(signal);
        // A frozen process dies only when thawed, so SIGKILL thaws what was paused too.
        if frozen && (!was_frozen || signal == Signal::KILL) {
            match self.thaw() {
                Err(error) if error.is(Errno::NOENT) || error.is(Errno::NODEV) => {}
                other => other?,
            }
        }
        result
    }

    fn signal_each(&self, signal: Signal) -> Result<()> {
        let Some(group) = self.main() else { return Ok(()) };
        for pid in processes::list(group, true)? {
            let Some(pid) = Pid::from_raw(pid) else { continue };
            match rustix::process::kill_process(pid, signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(errno) => {
                    return Err(Error::Signal {
                        pid: pid.as_raw_nonzero().get(),
                        source: errno.into(),
                    });
                }
            }
        }
        Ok(())
    }

    fn freezer(&self) -> Option<&Group> {
        self.group("freezer")
    }
}

fn state_v1(group: &Group) -> Result<bool> {
    // A group reads FREEZING while some of its processes still run. Whoever froze it is
    // still at work, or was killed at it.
    Ok(group.read_optional("freezer.state")?.is_some_and(|text| text.trim() != "THAWED"))
}

/// A version 1 group may stay half frozen while processes are born into it, and no retry
/// helps then; thawing it now and again does.
fn freeze_v1(group: &Group) -> Result<()> {
    let attempt = || -> Result<()> {
        for try_number in 1..=FREEZE_TRIES {
            if try_number % 50 == 0 {
                group.write("freezer.state", "THAWED")?;
                std::thread::sleep(Duration::from_millis(10));
            }
            group.write("freezer.state", "FROZEN")?;
            if try_number % 25 == 24 {
                std::thread::sleep(Duration::from_micros(10));
            }
            match group.read("freezer.state")?.trim() {
                "FROZEN" => return Ok(()),
                "FREEZING" => {}
                other => return Err(group.content("freezer.state", other, "FROZEN or FREEZING")),
            }
        }
        Err(Error::Freeze { path: group.path().to_owned(), tries: FREEZE_TRIES })
    };
    attempt().inspect_err(|_| {
        // Half frozen is worse than not at all.
        let _failed_anyway = group.write("freezer.state", "THAWED");
    })
}

fn freeze_v2(group: &Group) -> Result<()> {
    const EVENTS: &str = "cgroup.events";
    group.write("cgroup.freeze", "1")?;
    let path = group.path().join(EVENTS);
    let events = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, FileMode::empty())
        .map_err(|errno| Error::read(&path, errno))?;
    let deadline = Instant::now() + FREEZE_TIMEOUT;
    loop {
        let mut text = [0_u8; 256];
        let length =
            rustix::io::pread(&events, &mut text, 0).map_err(|errno| Error::read(&path, errno))?;
        if text[..length].split(|b| *b == b'\n').any(|line| line == b"frozen 1") {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let _failed_anyway = group.write("cgroup.freeze", "0");
            return Err(Error::Freeze { path: group.path().to_owned(), tries: 1 });
        }
        // The file becomes "exceptional" when one of its values has changed since the read.
        let timeout = Timespec::try_from(left).expect("seconds fit");
        let mut waited = [PollFd::new(&events, PollFlags::PRI)];
        match rustix::event::poll(&mut waited, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::read(&path, errno)),
        }
    }
}
