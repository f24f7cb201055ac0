//! Network namespaces: made ahead of their containers, and entered for what has to be done inside.
//!
//! A namespace is held by a descriptor of the engine's until its container's process runs in it,
//! and by that process from then on. There is nothing on the disk and no mount: an engine that is
//! killed cannot leave one behind, and the next one finds it by the process.

use crate::error::{Error, Result};
use crate::links::Links;
use isopod_sys::clone;
use rustix::fs::{Mode, OFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A network namespace with its loopback interface up.
#[derive(Debug)]
pub struct Namespace {
    fd: OwnedFd,
    pub(crate) links: Links,
}

impl Namespace {
    /// Makes one.
    pub fn new() -> Result<Self> {
        on_a_thread(|| {
            clone::unshare(clone::NEW_NETWORK)
                .map_err(Error::system("make a network namespace"))?;
            let namespace = Self::current()?;
            namespace.links.set_up(LOOPBACK)?;
            Ok(namespace)
        })
    }

    /// That of a process.
    pub fn of_process(pid: i32) -> Result<Self> {
        let fd = open(&format!("/proc/{pid}/ns/net"))?;
        let links = on_a_thread(|| {
            enter(fd.as_fd())?;
            Links::open()
        })?;
        Ok(Self { fd, links })
    }

    /// That of the calling thread.
    fn current() -> Result<Self> {
        Ok(Self { fd: open("/proc/thread-self/ns/net")?, links: Links::open()? })
    }

    /// A path by which other processes can open it, as long as this value lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.fd.as_raw_fd()).into()
    }

    /// Runs something inside, on a thread of its own.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_a_thread(|| {
            enter(self.fd.as_fd())?;
            work()
        })
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The index of the loopback interface is 1 in every namespace.
const LOOPBACK: u32 = 1;

fn open(path: &str) -> Result<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(Error::system(format!("open {path}")))
}

fn enter(namespace: BorrowedFd<'_>) -> Result<()> {
    clone::enter_namespaces(namespace, clone::NEW_NETWORK)
        .map_err(Error::system("enter a network namespace"))
}

/// Threads change their namespace for good, so each such task has one that ends with it.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("network".into())
            .spawn_scoped(scope, work)
            .map_err(Error::system("start a thread"))?;
        thread.join().unwrap_or_else(|_| {
            Err(Error::System {
                action: "work in a network namespace".into(),
                source: std::io::Error::other("the thread panicked"),
            })
        })
    })
}

/// Namespaces made ahead of time: making one takes longer than all else in a container's start.
#[derive(Debug, Default)]
pub struct Pool {
    ready: Mutex<Vec<Namespace>>,
}

impl Pool {
    /// A prepared namespace, or a new one if there is none.
    pub fn take(&self) -> Result<Namespace> {
        let ready = self.lock().pop();
        ready.map_or_else(Namespace::new, Ok)
    }

    /// Makes namespaces until `count` are ready.
    pub fn fill(&self, count: usize) -> Result<()> {
        while self.lock().len() < count {
            let namespace = Namespace::new()?;
            self.lock().push(namespace);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Namespace>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
