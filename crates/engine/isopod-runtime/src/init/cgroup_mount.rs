//! The `cgroup` mount type: the container's view of the control groups.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isopod_cgroups::{Hierarchy, Mode, V1Mount};
use isopod_sys::mount_attr::{ATIME, MountAttr, NODEV, NOEXEC, NOSUID, PRIVATE, mount_setattr};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Setup, attach};
use crate::error::{Error, Result};
use crate::plan::MountPlan;
use crate::resolve;

/// Mounts version 2 as one tree, or a directory with one mount for every version 1 hierarchy.
pub(super) fn mount(setup: &Setup<'_>, root: BorrowedFd<'_>, mount: &MountPlan) -> Result<()> {
    let hierarchy = setup.hierarchy.ok_or_else(|| {
        Error::unsupported(format!("{}.type", mount.field), "no cgroups are mounted on the host")
    })?;
    match hierarchy.mode() {
        Mode::V2 => unified(setup, root, mount),
        Mode::V1 | Mode::Hybrid => legacy(setup, hierarchy, root, mount),
    }
}

fn unified(setup: &Setup<'_>, root: BorrowedFd<'_>, mount: &MountPlan) -> Result<()> {
    let failed = || Error::system(format!("mount cgroup2 to {}", mount.destination));
    let attr = mount.options.attr.set;
    // A user namespace without a cgroup namespace of its own may not mount the tree; it gets
    // the container's group alone then.
    let tree =
        attach::new_file_system("cgroup2", None, &mount.options.data, attr).or_else(|error| {
            match setup.cgroup.and_then(|cgroup| cgroup.paths().of("")) {
                Some(group) => {
                    let tree = attach::open_tree(group, true)?;
                    set(tree.as_fd(), attr).map_err(failed())?;
                    Ok(tree)
                }
                None => Err(failed()(error)),
            }
        })?;
    let target = resolve::make_directory(root, &mount.destination).map_err(failed())?;
    attach::attach(tree.as_fd(), target.as_fd()).map_err(failed())
}

fn set(tree: BorrowedFd<'_>, attributes: u64) -> std::io::Result<()> {
    let attr = MountAttr { set: attributes, ..MountAttr::default() };
    if attr.set == 0 { Ok(()) } else { mount_setattr(tree, c"", false, &attr, None) }
}

fn legacy(
    setup: &Setup<'_>,
    hierarchy: &Hierarchy,
    root: BorrowedFd<'_>,
    mount: &MountPlan,
) -> Result<()> {
    let failed = || Error::system(format!("mount cgroups to {}", mount.destination));
    let target = resolve::make_directory(root, &mount.destination).map_err(failed())?;
    let mode = [("mode".to_owned(), Some("0755".to_owned()))];
    let base = attach::new_file_system("tmpfs", Some("cgroup"), &mode, NOSUID | NODEV | NOEXEC)
        .map_err(failed())?;
    attach::attach(base.as_fd(), target.as_fd()).map_err(failed())?;
    for v1 in hierarchy.v1_mounts() {
        controller(setup, base.as_fd(), mount, v1)?;
    }
    // All get their attributes at once. Nothing that the host mounts below one of its groups
    // appears here, nor the other way round.
    let set = mount.options.attr.set;
    let clear = if set & ATIME == 0 { 0 } else { ATIME };
    let attr = MountAttr { set, clear, propagation: PRIVATE };
    mount_setattr(base.as_fd(), c"", true, &attr, None).map_err(failed())
}

/// Makes a directory for a hierarchy and opens it. The one that it is made in is fresh and
/// nobody else's, so that names in it can be trusted.
fn place(base: BorrowedFd<'_>, name: &str) -> std::io::Result<OwnedFd> {
    match rustix::fs::mkdirat(base, name, rustix::fs::Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(base, name, flags, rustix::fs::Mode::empty())?)
}

fn controller(
    setup: &Setup<'_>,
    base: BorrowedFd<'_>,
    mount: &MountPlan,
    v1: &V1Mount,
) -> Result<()> {
    let Some(name) = v1.mountpoint.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    let failed = || Error::system(format!("mount cgroup {name} to {}", mount.destination));
    let group = v1.controllers.first().and_then(|controller| setup.cgroup?.paths().of(controller));
    // A hierarchy that the container has no group in stays out of its sight.
    let Some(group) = group else { return Ok(()) };
    // With a cgroup namespace a mount of the hierarchy would show the same, at the price of a
    // file system of its own that is made and torn down for each.
    let tree = attach::open_tree(group, true)?;
    let target = place(base, name).map_err(failed())?;
    attach::attach(tree.as_fd(), target.as_fd()).map_err(failed())?;
    if v1.controllers.len() > 1 {
        // `cpu` leads to `cpu,cpuacct`, as programs expect.
        for controller in v1.controllers.iter().filter(|controller| *controller != name) {
            match rustix::fs::symlinkat(name, base, controller.as_str()) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed()(error.into())),
            }
        }
    }
    Ok(())
}
