//! Mounts that only the runtime itself may make: those whose source a user namespace's root
//! cannot reach, and those whose ids are shifted.

use std::os::fd::{AsFd, OwnedFd};

use isopod_oci::runtime::IdMapping;
use isopod_sys::clone::{self, Side};
use isopod_sys::mount_attr::{MountAttr, PRIVATE, SLAVE, mount_setattr};
use rustix::fs::{Mode, OFlags};

use crate::conversation::Child;
use crate::error::{Error, Result};
use crate::init::attach::open_tree;
use crate::plan::{MountKind, Plan, UserNamespace};
use crate::procfs::ProcFs;

/// Clones, detached, what the container's process could not.
pub(crate) fn mounts(plan: &mut Plan, rootfs: &mut Option<OwnedFd>) -> Result<()> {
    let foreign = plan.user != UserNamespace::Own && rustix::process::geteuid().is_root();
    let shares = plan.shares_mounts();
    if foreign && rootfs.is_none() {
        let tree = open_tree(&plan.rootfs, true)?;
        // Nothing that happens below it may reach the host.
        let propagation = if shares { PRIVATE } else { SLAVE };
        let attr = MountAttr { propagation, ..MountAttr::default() };
        mount_setattr(tree.as_fd(), c"", true, &attr, None)
            .map_err(Error::file("prepare", &plan.rootfs))?;
        *rootfs = Some(tree);
    }
    for index in 0..plan.mounts.len() {
        let mount = &plan.mounts[index];
        let MountKind::Bind { source, recursive } = &mount.kind else { continue };
        let idmap = mount.idmap();
        if mount.prepared.is_some() || (!foreign && idmap.is_none()) {
            continue;
        }
        let tree = open_tree(source, *recursive)?;
        if let Some(whole) = idmap {
            let (uids, gids) = if mount.uid_mappings.is_empty() {
                (&plan.linux.uid_mappings, &plan.linux.gid_mappings)
            } else {
                (&mount.uid_mappings, &mount.gid_mappings)
            };
            let namespace = user_namespace(uids, gids)?;
            mount_setattr(tree.as_fd(), c"", whole, &MountAttr::default(), Some(namespace.as_fd()))
                .map_err(Error::system(format!(
                    "shift the ids of {} ({})",
                    source.display(),
                    mount.field
                )))?;
        }
        plan.mounts[index].prepared = Some(tree);
    }
    Ok(())
}

/// A user namespace with these mappings, held by nothing but the descriptor.
fn user_namespace(uids: &[IdMapping], gids: &[IdMapping]) -> Result<OwnedFd> {
    let failed = || Error::system("make a user namespace for an id-mapped mount");
    let (parked, release) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(failed())?;
    match clone::clone(clone::NEW_USER, None)
        .map_err(Error::system("clone a process for an id-mapped mount"))?
    {
        Side::Child(_guard) => {
            drop(release);
            // Until the parent is done or gone.
            let _ = rustix::io::read(&parked, &mut [0]);
            clone::exit_now(0)
        }
        Side::Parent { pid, pidfd } => {
            let child = Child::new(pid, pidfd);
            crate::mapping::write(&ProcFs::open()?, child.pid, uids, gids)?;
            let path = format!("/proc/{pid}/ns/user");
            rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                .map_err(Error::file("open", path))
        }
    }
}
