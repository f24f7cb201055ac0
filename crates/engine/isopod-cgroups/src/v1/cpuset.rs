//! CPUs and memory nodes. A version 1 group starts with none of them and accepts no process
//! until it has some, so it inherits its parent's.

use std::path::Path;

use isopod_oci::runtime::{LinuxCpu, LinuxResources};

use crate::error::Result;
use crate::group::Group;

const CPUS: &str = "cpuset.cpus";
const MEMS: &str = "cpuset.mems";

pub(super) fn is_set(cpu: &LinuxCpu) -> bool {
    given(&cpu.cpus).is_some() || given(&cpu.mems).is_some()
}

pub(super) fn apply(group: &Group, cpu: &LinuxCpu) -> Result<()> {
    for (file, value) in [(CPUS, given(&cpu.cpus)), (MEMS, given(&cpu.mems))] {
        if let Some(value) = value {
            group.write(file, value)?;
        }
    }
    Ok(())
}

/// Fills a group, and those above it that are still empty; one that is `new` is known to be
/// so. What `resources` sets is not inherited first: it could conflict with an exclusive
/// neighbour.
pub(crate) fn inherit(group: &Group, resources: &LinuxResources, new: bool) -> Result<()> {
    let cpu = resources.cpu.as_ref();
    for (file, value) in
        [(CPUS, cpu.and_then(|cpu| given(&cpu.cpus))), (MEMS, cpu.and_then(|cpu| given(&cpu.mems)))]
    {
        match value {
            Some(value) => {
                fill(group.path().parent(), file)?;
                group.write(file, value)?;
            }
            None if new => {
                let inherited = fill(group.path().parent(), file)?;
                // With `cgroup.clone_children` the kernel has done it, and to the same end.
                if !inherited.is_empty() {
                    group.write(file, &inherited)?;
                }
            }
            None => {
                fill(Some(group.path()), file)?;
            }
        }
    }
    Ok(())
}

/// The value of `file` in `directory`, taken from the nearest group above that has one. The
/// root always has one.
fn fill(directory: Option<&Path>, file: &str) -> Result<String> {
    let Some(directory) = directory else { return Ok(String::new()) };
    let group = Group::new(directory.to_owned());
    let Some(value) = group.read_optional(file)? else {
        return Ok(String::new());
    };
    let value = value.trim();
    if !value.is_empty() {
        return Ok(value.to_owned());
    }
    let inherited = fill(directory.parent(), file)?;
    if !inherited.is_empty() {
        group.write(file, &inherited)?;
    }
    Ok(inherited)
}

fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}
