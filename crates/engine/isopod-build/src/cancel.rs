//! Giving a build up.

use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to end, shared by all who work on a build. A descriptor becomes readable with it, for
/// those who wait in `poll`.
#[derive(Debug, Clone)]
pub struct Cancel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    wanted: AtomicBool,
    event: OwnedFd,
}

impl Cancel {
    /// Not wished for yet.
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { inner: Arc::new(Inner { wanted: AtomicBool::new(false), event }) })
    }

    /// Wishes it.
    pub fn cancel(&self) {
        self.inner.wanted.store(true, Ordering::SeqCst);
        let _ = rustix::io::write(&self.inner.event, &1u64.to_ne_bytes());
    }

    /// Whether it is wished.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.wanted.load(Ordering::SeqCst)
    }

    /// Readable once it is wished.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.inner.event.as_fd()
    }
}
