//! Learning of processes that the kernel killed for want of memory.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode as FileMode, OFlags, inotify};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::group::Group;
use crate::hierarchy::Mode;
use crate::manager::Manager;

/// A source of out-of-memory events. Its descriptor is readable when there is news; then
/// [`OomEvents::read`] says which.
#[derive(Debug)]
pub struct OomEvents {
    fd: OwnedFd,
    group: Group,
    version: Version,
}

#[derive(Debug)]
enum Version {
    One,
    Two { killed: u64 },
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomNews {
    /// The kernel ran out of memory for the container so many times.
    Events(u64),
    /// The group has no process any more, or is gone: no more events will come.
    Ended,
}

impl AsFd for OomEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Manager {
    /// Starts to watch for out-of-memory events.
    pub fn oom_events(&self) -> Result<OomEvents> {
        let group =
            self.group("memory").ok_or(Error::ControllerMissing { controller: "memory" })?;
        match self.mode() {
            Mode::V2 => watch_v2(group),
            Mode::V1 | Mode::Hybrid => watch_v1(group),
        }
    }

    /// How many processes the kernel has killed for want of memory so far.
    pub fn oom_kills(&self) -> Result<u64> {
        let Some(group) = self.group("memory") else { return Ok(0) };
        let file = if self.mode() == Mode::V2 { "memory.events" } else { "memory.oom_control" };
        Ok(group.read_key(file, "oom_kill")?.unwrap_or(0))
    }
}

impl OomEvents {
    /// Takes the news; with none there, zero events.
    pub fn read(&mut self) -> Result<OomNews> {
        match &mut self.version {
            Version::One => read_v1(&self.fd, &self.group),
            Version::Two { killed } => read_v2(&self.fd, &self.group, killed),
        }
    }
}

/// The kernel is told which descriptor to make readable for which file.
fn watch_v1(group: &Group) -> Result<OomEvents> {
    const CONTROL: &str = "memory.oom_control";
    let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|errno| Error::read(group.path(), errno))?;
    let path = group.path().join(CONTROL);
    let control = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, FileMode::empty())
        .map_err(|errno| Error::read(&path, errno))?;
    group.write("cgroup.event_control", &format!("{} {}", fd.as_raw_fd(), control.as_raw_fd()))?;
    Ok(OomEvents { fd, group: group.clone(), version: Version::One })
}

fn read_v1(fd: &OwnedFd, group: &Group) -> Result<OomNews> {
    let mut count = [0_u8; 8];
    match rustix::io::read(fd, &mut count) {
        // The descriptor also becomes readable when the group is removed.
        Ok(_) if !group.has("cgroup.event_control") => Ok(OomNews::Ended),
        Ok(_) => Ok(OomNews::Events(u64::from_ne_bytes(count))),
        Err(Errno::AGAIN | Errno::INTR) => Ok(OomNews::Events(0)),
        Err(errno) => Err(Error::read(group.path(), errno)),
    }
}

fn watch_v2(group: &Group) -> Result<OomEvents> {
    let fd = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
        .map_err(|errno| Error::read(group.path(), errno))?;
    for file in ["memory.events", "cgroup.events"] {
        let path = group.path().join(file);
        inotify::add_watch(&fd, &path, inotify::WatchFlags::MODIFY)
            .map_err(|errno| Error::read(&path, errno))?;
    }
    let killed = group.read_key("memory.events", "oom_kill")?.unwrap_or(0);
    Ok(OomEvents { fd, group: group.clone(), version: Version::Two { killed } })
}

fn read_v2(fd: &OwnedFd, group: &Group, killed: &mut u64) -> Result<OomNews> {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 1024];
    let mut events = inotify::Reader::new(fd, &mut buffer);
    let mut changed = false;
    loop {
        match events.next() {
            Ok(_) => changed = true,
            Err(Errno::AGAIN) => break,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::read(group.path(), io::Error::from(errno))),
        }
    }
    if !changed {
        return Ok(OomNews::Events(0));
    }
    let Some(now) = group.read_key("memory.events", "oom_kill")? else {
        return Ok(OomNews::Ended);
    };
    let new = now.saturating_sub(*killed);
    *killed = now;
    if new == 0 && group.read_key("cgroup.events", "populated")? != Some(1) {
        return Ok(OomNews::Ended);
    }
    Ok(OomNews::Events(new))
}
