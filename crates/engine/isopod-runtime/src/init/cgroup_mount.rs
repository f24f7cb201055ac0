//! The `cgroup` mount type: the container's view of the control groups.

use std::os::fd::{AsFd, BorrowedFd};

use isopod_cgroups::{Hierarchy, Mode, V1Mount};
use isopod_oci::runtime::NamespaceKind;
use isopod_sys::mount_attr::{MountAttr, NODEV, NOEXEC, NOSUID, RDONLY, mount_setattr};

use super::{Setup, attach};
use crate::error::{Error, Result};
use crate::plan::{MountPlan, UserNamespace};
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
    // What the configuration wants of the whole holds for the directory too.
    set(base.as_fd(), mount.options.attr.set & RDONLY).map_err(failed())
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
    let attributes = mount.options.attr.set;
    let own_view =
        setup.plan.is_new(NamespaceKind::Cgroup) && setup.plan.user == UserNamespace::Own;
    let tree = if own_view {
        let data: Vec<(String, Option<String>)> = v1
            .controllers
            .iter()
            .map(|controller| match controller.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (controller.clone(), None),
            })
            .chain(
                // A named hierarchy has no controllers, which must be said.
                v1.controllers
                    .iter()
                    .all(|controller| controller.contains('='))
                    .then(|| ("none".to_owned(), None)),
            )
            .collect();
        attach::new_file_system("cgroup", Some("cgroup"), &data, attributes).map_err(failed())?
    } else {
        let group =
            v1.controllers.first().and_then(|controller| setup.cgroup?.paths().of(controller));
        // A hierarchy that the container has no group in stays out of its sight.
        let Some(group) = group else { return Ok(()) };
        let tree = attach::open_tree(group, true)?;
        set(tree.as_fd(), attributes).map_err(failed())?;
        tree
    };
    let target = resolve::make_directory(base, name).map_err(failed())?;
    attach::attach(tree.as_fd(), target.as_fd()).map_err(failed())?;
    if v1.controllers.len() > 1 {
        // `cpu` leads to `cpu,cpuacct`, as programs expect.
        for controller in v1.controllers.iter().filter(|controller| *controller != name) {
            match rustix::fs::symlinkat(name, base, controller.as_str()) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(failed()(error.into())),
            }
        }
    }
    Ok(())
}
