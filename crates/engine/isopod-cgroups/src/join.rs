//! Entering groups the fast way.
//!
//! Writing a process id to `cgroup.procs` takes a lock of the whole machine and waits for an
//! RCU grace period: 10 to 20 ms. Two ways avoid it. On version 2 the process is born in its
//! group (`CLONE_INTO_CGROUP`). On version 1 the process, while it has one thread, writes `0`
//! to the `tasks` file of each group: the kernel takes no lock for the calling thread.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::group::Group;

/// Open descriptors by which a process that is about to be made gets into its groups.
#[derive(Debug, Default)]
pub struct Join {
    tree: Option<OwnedFd>,
    tasks: Vec<(OwnedFd, PathBuf)>,
}

impl Join {
    /// The version 2 group for `CLONE_INTO_CGROUP`; nothing where version 1 alone is used.
    pub fn clone_into(&self) -> Option<BorrowedFd<'_>> {
        self.tree.as_ref().map(OwnedFd::as_fd)
    }

    /// Moves the calling thread into the version 1 groups; to be called by the new process
    /// while it has one thread. What it starts later is born in the same groups.
    pub fn enter(&self) -> Result<()> {
        for (fd, group) in &self.tasks {
            rustix::io::retry_on_intr(|| rustix::io::write(fd, b"0")).map_err(|errno| {
                Error::Move { path: group.clone(), pid: 0, source: errno.into() }
            })?;
        }
        Ok(())
    }

    /// What gets a process into the version 1 groups, to be sent to one that was made before
    /// they were; there [`crate::Manager::join_by`] takes it.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.tasks.iter().map(|(fd, _)| fd.as_fd()).collect()
    }

    pub(crate) fn from_tasks<'a>(tasks: impl Iterator<Item = (OwnedFd, &'a Group)>) -> Self {
        Self { tree: None, tasks: tasks.map(|(fd, group)| (fd, group.path().into())).collect() }
    }

    pub(crate) fn add_tree(&mut self, group: &Group) -> Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(group.path(), flags, Mode::empty())
            .map_err(|errno| Error::Open { path: group.path().to_owned(), source: errno.into() })?;
        self.tree = Some(fd);
        Ok(())
    }

    pub(crate) fn add_tasks(&mut self, group: &Group) -> Result<()> {
        let fd = group
            .open_writable("tasks")
            .map_err(|errno| Error::Open { path: group.path().to_owned(), source: errno.into() })?;
        self.tasks.push((fd, group.path().to_owned()));
        Ok(())
    }
}

/// Moves another process, the slow way, for the systemd driver: systemd wants to see the
/// process before it makes the unit.
pub(crate) fn move_process(group: &Group, pid: i32) -> Result<()> {
    let value = pid.to_string();
    let moved = |errno: Errno| Error::Move {
        path: group.path().to_owned(),
        pid,
        source: io::Error::from(errno),
    };
    let fd = group.open_writable("cgroup.procs").map_err(moved)?;
    // EINVAL is what the kernel answers for a task that is not fully made yet.
    for _ in 0..5 {
        match rustix::io::write(&fd, value.as_bytes()) {
            Ok(_) => return Ok(()),
            Err(Errno::INVAL) => std::thread::sleep(std::time::Duration::from_millis(30)),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(moved(errno)),
        }
    }
    Err(moved(Errno::INVAL))
}
