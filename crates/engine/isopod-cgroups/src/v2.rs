//! The version 2 tree: making a group with its controllers, delegating it, and its limits.

mod cpu;
mod devices;
mod io;
mod memory;

use std::path::{Path, PathBuf};

use isopod_oci::runtime::LinuxResources;
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::group::Group;

pub(crate) use cpu::weight_from_shares;
pub(crate) use io::is_set as io_is_set;
pub(crate) use memory::swap_alone;

const CONTROLLERS: &str = "cgroup.controllers";
const SUBTREE: &str = "cgroup.subtree_control";

/// Makes a group and hands it every controller that the tree offers.
pub(crate) fn create(
    group: &Group,
    resources: &LinuxResources,
    made: &mut Vec<PathBuf>,
) -> Result<()> {
    let parent = Group::new(group.path().parent().unwrap_or(group.path()).to_owned());
    let top = top_of(parent.path());
    let offered = top.read(CONTROLLERS)?;
    let passed = passes_on_all(&parent, &offered);
    if !passed {
        enable_from(&top, &parent, &offered, made)?;
    }
    let made_before = made.len();
    group.create(made)?;
    // Whoever removed the last group below the parent may have removed the parent too, at any
    // point of the above: what is there now is a new one that passes nothing on.
    let parent_made = made.len() > made_before + 1;
    if (!passed || parent_made) && !passes_on_all(&parent, &offered) {
        enable_from(&top, &parent, &offered, made)?;
    }
    check_type(group, resources)
}

/// The highest directory of the tree above `path`.
fn top_of(path: &Path) -> Group {
    let top = path
        .ancestors()
        .take_while(|dir| dir.join(CONTROLLERS).exists() || !dir.exists())
        .last()
        .unwrap_or(path);
    Group::new(top.to_owned())
}

fn passes_on_all(parent: &Group, offered: &str) -> bool {
    let Ok(passed) = parent.read(SUBTREE) else { return false };
    let passed: Vec<&str> = passed.split_ascii_whitespace().collect();
    offered.split_ascii_whitespace().all(|controller| passed.contains(&controller))
}

/// Makes the groups from `top` down to `parent` and lets each pass its controllers on. One
/// that cannot is no error here: the limits that need it say so when they are written.
fn enable_from(top: &Group, parent: &Group, offered: &str, made: &mut Vec<PathBuf>) -> Result<()> {
    let wanted: Vec<String> =
        offered.split_ascii_whitespace().map(|controller| format!("+{controller}")).collect();
    let all = wanted.join(" ");
    let mut chain: Vec<&Path> =
        parent.path().ancestors().take_while(|dir| dir.starts_with(top.path())).collect();
    chain.reverse();
    for directory in chain {
        let group = Group::new(directory.to_owned());
        group.create(made)?;
        if !wanted.is_empty() && group.write(SUBTREE, &all).is_err() {
            for one in &wanted {
                let _unavailable = group.write(SUBTREE, one);
            }
        }
    }
    Ok(())
}

/// A group below a threaded one takes only controllers that know threads.
fn check_type(group: &Group, resources: &LinuxResources) -> Result<()> {
    const TYPE: &str = "cgroup.type";
    let Some(kind) = group.read_optional(TYPE)? else { return Ok(()) };
    let kind = kind.trim();
    let needs_domain = resources.memory.as_ref().is_some_and(memory::is_set)
        || resources.block_io.as_ref().is_some_and(io::is_set)
        || resources.cpu.as_ref().is_some_and(cpu::is_set)
        || !resources.hugepage_limits.is_empty();
    match kind {
        "domain" => Ok(()),
        _ if needs_domain => {
            Err(Error::Threaded { path: group.path().to_owned(), kind: kind.to_owned() })
        }
        "domain invalid" => group.write(TYPE, "threaded"),
        _ => Ok(()),
    }
}

/// Gives the group to the user who is root in the container.
pub(crate) fn delegate(group: &Group, owner: u32) -> Result<()> {
    // The kernel lists the files since 4.15; the list before that is in cgroups(7).
    let listed = std::fs::read_to_string("/sys/kernel/cgroup/delegate")
        .unwrap_or_else(|_| "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n".to_owned());
    let uid = Some(rustix::fs::Uid::from_raw(owner));
    let chown = |path: &Path| match rustix::fs::chown(path, uid, None) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(Error::Write {
            path: path.to_owned(),
            value: format!("owner {owner}"),
            source: errno.into(),
        }),
    };
    chown(group.path())?;
    listed.lines().try_for_each(|file| chown(&group.path().join(file)))
}

/// Whether a limit asks for any controller.
pub(crate) fn needs_controllers(resources: &LinuxResources) -> bool {
    resources.pids.and_then(|pids| pids.limit).is_some_and(|limit| limit != 0)
        || resources.memory.as_ref().is_some_and(memory::is_set)
        || resources.block_io.as_ref().is_some_and(io::is_set)
        || resources.cpu.as_ref().is_some_and(|cpu| cpu::is_set(cpu) || cpu::has_set(cpu))
        || !resources.hugepage_limits.is_empty()
        || !resources.rdma.is_empty()
        || !resources.unified.is_empty()
}

/// Writes what `resources` asks for.
pub(crate) fn apply(group: &Group, resources: &LinuxResources, rootless: bool) -> Result<()> {
    if let Some(limit) = resources.pids.and_then(|pids| pids.limit).filter(|limit| *limit != 0) {
        write(group, "pids", "pids.max", &number_or_max(limit))?;
    }
    if let Some(memory) = resources.memory.as_ref().filter(|memory| memory::is_set(memory)) {
        memory::apply(group, memory)?;
    }
    if let Some(block_io) = resources.block_io.as_ref().filter(|block_io| io::is_set(block_io)) {
        io::apply(group, block_io)?;
    }
    if let Some(cpu) = &resources.cpu {
        cpu::apply(group, cpu)?;
    }
    if !resources.devices.is_empty() {
        devices::apply(group, &resources.devices, rootless)?;
    }
    if let Some(cpu) = &resources.cpu {
        cpu::apply_set(group, cpu)?;
    }
    apply_hugetlb(group, resources, "max")?;
    if !resources.rdma.is_empty() {
        apply_rdma(group, resources)?;
    }
    apply_unified(group, resources)
}

/// Writes a limit, and says so when it is the controller that is missing.
pub(crate) fn write(
    group: &Group,
    controller: &'static str,
    file: &str,
    value: &str,
) -> Result<()> {
    match group.write(file, value) {
        Err(error) if error.is(Errno::NOENT) || error.is_permission() => {
            if has_controller(group, controller) {
                Err(error)
            } else {
                Err(Error::ControllerMissing { controller })
            }
        }
        other => other,
    }
}

fn has_controller(group: &Group, controller: &str) -> bool {
    group
        .read(CONTROLLERS)
        .is_ok_and(|list| list.split_ascii_whitespace().any(|name| name == controller))
}

/// Huge pages of both versions; they differ in the name of the limit's file.
pub(crate) fn apply_hugetlb(group: &Group, resources: &LinuxResources, limit: &str) -> Result<()> {
    for (index, pages) in resources.hugepage_limits.iter().enumerate() {
        let size = pages.page_size.as_str();
        let digits = size.trim_end_matches("KB").trim_end_matches("MB").trim_end_matches("GB");
        if digits.len() + 2 != size.len() || digits.parse::<u64>().is_err() {
            return Err(Error::invalid(
                format!("linux.resources.hugepageLimits[{index}].pageSize"),
                size,
                "a size such as \"64KB\", \"2MB\" or \"1GB\"",
            ));
        }
        let value = pages.limit.to_string();
        write(group, "hugetlb", &format!("hugetlb.{size}.{limit}"), &value)?;
        // Reservations are limited too since kernel 5.7.
        match group.write(&format!("hugetlb.{size}.rsvd.{limit}"), &value) {
            Err(error) if error.is(Errno::NOENT) => {}
            other => other?,
        }
    }
    Ok(())
}

/// RDMA devices of both versions.
pub(crate) fn apply_rdma(group: &Group, resources: &LinuxResources) -> Result<()> {
    for (device, limits) in &resources.rdma {
        let mut line = device.clone();
        if let Some(handles) = limits.hca_handles {
            line.push_str(&format!(" hca_handle={handles}"));
        }
        if let Some(objects) = limits.hca_objects {
            line.push_str(&format!(" hca_object={objects}"));
        }
        write(group, "rdma", "rdma.max", &line)?;
    }
    Ok(())
}

fn apply_unified(group: &Group, resources: &LinuxResources) -> Result<()> {
    for (file, value) in &resources.unified {
        let field = format!("linux.resources.unified[{file:?}]");
        if file.contains('/') {
            return Err(Error::invalid(field, value, "a file name (no slashes) as key"));
        }
        let Some((controller, _)) = file.split_once('.') else {
            return Err(Error::invalid(field, value, "a key of the form CONTROLLER.PARAMETER"));
        };
        // Files such as io.max take one line for a write.
        for line in value.lines() {
            match group.write(file, line) {
                Err(error)
                    if (error.is(Errno::NOENT) || error.is_permission())
                        && controller != "cgroup"
                        && !has_controller(group, controller) =>
                {
                    return Err(Error::UnifiedController {
                        file: file.clone(),
                        controller: controller.to_owned(),
                    });
                }
                other => other?,
            }
        }
    }
    Ok(())
}

/// A limit as the kernel's files have it; below zero is none.
pub(crate) fn number_or_max(limit: i64) -> String {
    if limit < 0 { "max".to_owned() } else { limit.to_string() }
}

#[cfg(test)]
mod tests;
