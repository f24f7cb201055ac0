//! The root file system: attached, filled with mounts and devices, and made the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use isopod_oci::runtime::{NamespaceKind, Status};
use isopod_sys::mount_attr::{MountAttr, RDONLY, mount_setattr};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountPropagationFlags, UnmountFlags};

use super::{Setup, attach, devices, gone, paths};
use crate::channel::ToParent;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::{hooks, resolve};

/// Makes the container's root the process's own, and gives a descriptor of it.
pub(super) fn prepare(setup: &mut Setup<'_>) -> Result<OwnedFd> {
    let plan = setup.plan;
    if !plan.isolated(NamespaceKind::Mount) {
        super::enter_late_groups(setup)?;
        run_hooks(setup)?;
        return change_root(&plan.rootfs);
    }
    set_propagation(plan)?;
    let root = attach_root(plan, setup.rootfs.take())?;
    for mount in &plan.mounts {
        if attach::needs_groups(mount) {
            super::enter_late_groups(setup)?;
        }
        attach::mount(setup, root.as_fd(), mount)?;
    }
    if sets_up_dev(plan) {
        devices::make(root.as_fd(), plan)?;
    }
    resolve::make_directory(root.as_fd(), &plan.process.cwd)
        .map_err(Error::file("make working directory", &plan.process.cwd))?;
    super::enter_late_groups(setup)?;
    run_hooks(setup)?;
    let null = paths::host_null()?;
    if setup.no_pivot {
        move_root(&root)?;
    } else {
        pivot(root.as_fd())?;
    }
    if let Some((kind, recursive)) = plan.propagation {
        let attr = MountAttr { propagation: kind, ..MountAttr::default() };
        mount_setattr(root.as_fd(), c"", recursive, &attr, None)
            .map_err(Error::system("set the propagation of the root"))?;
    }
    paths::restrict(root.as_fd(), &plan.linux, null)?;
    Ok(root)
}

/// What has to wait until the terminal is there: read-only mounts and root.
pub(super) fn finish(setup: &Setup<'_>, root: &OwnedFd) -> Result<()> {
    let plan = setup.plan;
    if !plan.isolated(NamespaceKind::Mount) {
        return Ok(());
    }
    let readonly = MountAttr { set: RDONLY, ..MountAttr::default() };
    for mount in plan.mounts.iter().filter(|mount| attach::readonly_is_deferred(mount)) {
        let target = resolve::handle(root.as_fd(), &mount.destination)
            .map_err(Error::file("open", &mount.destination))?;
        mount_setattr(target.as_fd(), c"", false, &readonly, None)
            .map_err(Error::file("make read-only", &mount.destination))?;
    }
    if plan.readonly_root {
        mount_setattr(root.as_fd(), c"", false, &readonly, None)
            .map_err(Error::system("make the root file system read-only"))?;
    }
    Ok(())
}

/// A `/dev` that comes from the host is left as it is.
fn sets_up_dev(plan: &Plan) -> bool {
    !plan.mounts.iter().any(|mount| {
        matches!(mount.kind, crate::plan::MountKind::Bind { .. })
            && mount.destination.trim_end_matches('/') == "/dev"
    })
}

/// What is mounted in the container must not appear on the host unless it was asked for.
fn set_propagation(plan: &Plan) -> Result<()> {
    let (kind, recursive) = plan.propagation.unwrap_or((isopod_sys::mount_attr::SLAVE, true));
    let attr = MountAttr { propagation: kind, ..MountAttr::default() };
    mount_setattr(rustix::fs::CWD, c"/", recursive, &attr, None)
        .map_err(Error::system("set the propagation of the mounts"))
}

/// Mounts the root file system at its own path, in this namespace only.
fn attach_root(plan: &Plan, given: Option<OwnedFd>) -> Result<OwnedFd> {
    if plan.propagation.is_some() {
        make_parent_private(&plan.rootfs)?;
    }
    let tree = match given {
        Some(tree) => tree,
        None => attach::open_tree(&plan.rootfs, true)?,
    };
    let target = rustix::fs::open(&plan.rootfs, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let target = match target {
        Ok(target) => target,
        // Root of a user namespace may lack the right to pass the directories above, which
        // does not matter: the root of this namespace serves as well to be covered.
        Err(rustix::io::Errno::ACCESS) => {
            rustix::fs::open(c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                .map_err(Error::file("open", "/"))?
        }
        Err(error) => return Err(Error::file("open", &plan.rootfs)(error)),
    };
    attach::attach(tree.as_fd(), target.as_fd())
        .map_err(Error::file("mount the root file system at", &plan.rootfs))?;
    Ok(tree)
}

/// `pivot_root(2)` asks that neither the new root nor the mount that holds it is shared, and a
/// mount that is not to be bound cannot become a root. The root's own propagation is set later.
fn make_parent_private(rootfs: &Path) -> Result<()> {
    for path in rootfs.ancestors() {
        match rustix::mount::mount_change(path, MountPropagationFlags::PRIVATE) {
            Ok(()) => return Ok(()),
            // Not the root of a mount: the one that it lies on is further up.
            Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(Error::file("make private the mount of", path)(error)),
        }
    }
    Ok(())
}

/// Hooks of the runtime's namespaces run in the parent, those of the container's here.
fn run_hooks(setup: &mut Setup<'_>) -> Result<()> {
    let Some(hooks) = &setup.plan.spec.hooks else { return Ok(()) };
    if !hooks.prestart.is_empty() || !hooks.create_runtime.is_empty() {
        setup.channel.tell(&ToParent::RuntimeHooks, None)?;
        if !setup.channel.wait_go()? {
            return Err(gone());
        }
    }
    if hooks.create_container.is_empty() {
        return Ok(());
    }
    rustix::process::chdir(&setup.plan.rootfs)
        .map_err(Error::file("change directory to", &setup.plan.rootfs))?;
    setup.state.pid = Some(rustix::process::getpid().as_raw_nonzero().get());
    setup.state.status = Status::Creating;
    hooks::run_all("createContainer", &hooks.create_container, &setup.state)
}

/// Makes `root` the root of the namespace and lets go of the old one.
///
/// Both old and new root are the same directory for a moment, stacked, so that no directory
/// has to be made in the container for the old one.
fn pivot(root: BorrowedFd<'_>) -> Result<()> {
    let failed = || Error::system("pivot_root");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let old = rustix::fs::open(c"/", flags, Mode::empty()).map_err(failed())?;
    rustix::process::fchdir(root).map_err(failed())?;
    rustix::process::pivot_root(c".", c".").map_err(failed())?;
    rustix::process::fchdir(&old).map_err(failed())?;
    // The removal must not reach the host.
    rustix::mount::mount_change(
        c".",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )
    .map_err(Error::system("detach the old root from the host"))?;
    rustix::mount::unmount(c".", UnmountFlags::DETACH)
        .map_err(Error::system("unmount the old root"))?;
    rustix::process::chdir(c"/").map_err(failed())
}

/// For roots that `pivot_root(2)` refuses, such as a ramdisk: the new root is moved over the
/// old one. The host's `/proc` and `/sys` are unmounted first; left below, they would allow
/// fresh mounts of them that show everything.
fn move_root(root: &OwnedFd) -> Result<()> {
    let failed = || Error::system("move the root mount");
    for path in [c"/proc", c"/sys"] {
        loop {
            match rustix::mount::unmount(path, UnmountFlags::DETACH) {
                Ok(()) => {}
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => break,
                // Locked by a user namespace: covered instead by an empty file system.
                Err(rustix::io::Errno::PERM) => {
                    attach::cover(path).map_err(Error::system("cover a mount of the host"))?;
                    break;
                }
                Err(error) => return Err(failed()(error)),
            }
        }
    }
    rustix::process::fchdir(root).map_err(failed())?;
    rustix::mount::mount_move(c".", c"/").map_err(failed())?;
    rustix::process::chroot(c".").map_err(failed())?;
    rustix::process::chdir(c"/").map_err(failed())
}

/// Without a mount namespace only the process's root changes.
fn change_root(rootfs: &Path) -> Result<OwnedFd> {
    let failed = || Error::file("change root to", rootfs);
    rustix::process::chdir(rootfs).map_err(failed())?;
    rustix::process::chroot(c".").map_err(failed())?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(c"/", flags, Mode::empty()).map_err(failed())
}
