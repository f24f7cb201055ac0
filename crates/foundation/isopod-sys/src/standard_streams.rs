//! Which standard streams were closed when the program started.
//!
//! Rust's start-up code opens `/dev/null` in their place, so that a filter whose output goes
//! nowhere would seem to succeed. The question is asked before that.

use std::sync::atomic::{AtomicBool, Ordering};

static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed when the program started.
#[must_use]
pub fn stdout_was_closed() -> bool {
    STDOUT_CLOSED.load(Ordering::Relaxed)
}

extern "C" fn look() {
    // SAFETY: F_GETFD takes no further argument and changes nothing.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    STDOUT_CLOSED.store(flags < 0, Ordering::Relaxed);
}

// SAFETY: the C library calls what is in this section once, before `main`, on the only thread;
// `look` needs nothing of Rust's run time.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;
