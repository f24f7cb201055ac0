//! Removing groups, whatever state they are in.

use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::group::Group;
use crate::processes;

/// Waits between tries, doubling from the first to the last: 10 tries, one second in all.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const TRIES: u32 = 10;

/// Removes a group and those below it. Killed processes leave their group a moment after they
/// are gone from view, hence the retries.
pub(crate) fn tree(group: &Group) -> Result<()> {
    match rustix::fs::rmdir(group.path()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // A read-only mount answers so even for what does not exist.
        Err(Errno::ROFS) if !group.exists() => return Ok(()),
        Err(_) => {}
    }
    for file in ["freezer.state", "cgroup.freeze"] {
        if group.has(file) {
            let thawed = if file == "freezer.state" { "THAWED" } else { "0" };
            let _gone_or_not_frozen = group.write(file, thawed);
        }
    }
    for below in processes::children(group) {
        tree(&below)?;
    }
    let mut wait = FIRST_WAIT;
    for _ in 0..TRIES {
        match rustix::fs::rmdir(group.path()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) => std::thread::sleep(wait),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(group, errno)),
        }
        wait *= 2;
    }
    Err(failed(group, Errno::BUSY))
}

/// Removes the directories that a failed creation has made, last first.
pub(crate) fn undo(made: &[PathBuf]) {
    for path in made.iter().rev() {
        let _taken_by_another_container = rustix::fs::rmdir(path);
    }
}

fn failed(group: &Group, errno: Errno) -> Error {
    Error::Remove { path: group.path().to_owned(), source: errno.into() }
}
