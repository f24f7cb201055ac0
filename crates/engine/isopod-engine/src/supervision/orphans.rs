//! Supervisors that are of no use any more, and orphans of those that were killed.

use isopod_supervisor::file;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::path::Path;
use std::time::Duration;

/// Ends a supervisor that cannot be reached, or has nothing to supervise. It is known by the lock
/// that it holds. Blocks until it is gone.
pub(crate) fn end_supervisor(directory: &Path) {
    let path = directory.join(file::LOCK);
    let Ok(lock) = std::fs::File::open(&path) else {
        return;
    };
    for _ in 0..200 {
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return;
        }
        let pid = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reaps children that the engine got from supervisors which died: containers' first processes
/// and those of exec sessions.
pub(crate) fn reap_orphans(orphans: &[i32]) {
    for &pid in orphans {
        if let Some(pid) = Pid::from_raw(pid) {
            // Somebody else's child, or alive still: either is fine.
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}
