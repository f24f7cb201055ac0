//! Which processes are in a group.

use rustix::io::Errno;

use crate::error::Result;
use crate::group::Group;

/// Groups below each other deeper than this are not followed.
const DEPTH: usize = 128;

/// Process ids in `group`, and in the groups below it if `recursive`. A group that is gone, or
/// goes meanwhile, has none.
pub(crate) fn list(group: &Group, recursive: bool) -> Result<Vec<i32>> {
    let mut found = Vec::new();
    collect(group, if recursive { DEPTH } else { 0 }, &mut found)?;
    Ok(found)
}

fn collect(group: &Group, depth: usize, found: &mut Vec<i32>) -> Result<()> {
    let text = match group.read("cgroup.procs") {
        // A threaded group lists threads only.
        Err(error) if error.is(Errno::OPNOTSUPP) => group.read("cgroup.threads"),
        other => other,
    };
    match text {
        Ok(text) => {
            for line in text.lines() {
                let pid = line
                    .parse()
                    .map_err(|_| group.content("cgroup.procs", line, "a process id"))?;
                // A process of another pid namespace reads as 0.
                if pid != 0 {
                    found.push(pid);
                }
            }
        }
        Err(error) if error.is(Errno::NOENT) || error.is(Errno::NODEV) => return Ok(()),
        Err(error) => return Err(error),
    }
    if depth == 0 {
        return Ok(());
    }
    for below in children(group) {
        collect(&below, depth - 1, found)?;
    }
    Ok(())
}

/// The groups directly below a group.
pub(crate) fn children(group: &Group) -> Vec<Group> {
    let Ok(entries) = std::fs::read_dir(group.path()) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| Group::new(entry.path()))
        .collect()
}
