//! What runs in the container's process between `clone3(2)` and `execve(2)`.
//!
//! The process is a copy of the runtime, single-threaded, so this is plain Rust code that may
//! allocate. It must not return into the runtime's own code and must not run destructors that
//! act for the parent: [`run`] ends in the program or in `_exit(2)`.

pub(crate) mod attach;
mod cgroup_mount;
pub(crate) mod console;
mod copy_up;
mod devices;
mod namespaces;
mod paths;
pub(crate) mod process;
mod program;
mod rootfs;
mod wait;

use std::convert::Infallible;
use std::os::fd::OwnedFd;

use isopod_cgroups::{Hierarchy, Join, Manager};
use isopod_oci::runtime::{NamespaceKind, State};
use isopod_sys::clone;

use crate::channel::{Channel, ToParent};
use crate::error::{Error, Result};
use crate::plan::{Plan, UserNamespace};
use crate::procfs::ProcFs;
use crate::seccomp::Filter;

pub(crate) use namespaces::{
    become_root, become_root_if_mapped, enter as enter_namespace, flag as namespace_flag,
};

/// Standard streams, as the child finds them.
#[derive(Debug)]
pub(crate) enum ChildStdio {
    Inherit,
    Fds([OwnedFd; 3]),
    Terminal,
}

/// Everything that the child needs, made ready by the parent.
pub(crate) struct Setup<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) id: &'a str,
    pub(crate) channel: Channel,
    /// Waits for the parent before anything else: ids are to be mapped, or the process is to
    /// be moved into its cgroup.
    pub(crate) must_wait: bool,
    /// The cgroups are made while the process prepares itself; it is given what gets it into
    /// them when they are there.
    pub(crate) late_groups: bool,
    pub(crate) stdio: ChildStdio,
    pub(crate) proc: &'a ProcFs,
    pub(crate) hierarchy: Option<&'a Hierarchy>,
    pub(crate) cgroup: Option<&'a Manager>,
    /// Detached mount of the root file system.
    pub(crate) rootfs: Option<OwnedFd>,
    pub(crate) filter: Option<&'a Filter>,
    /// Listening socket on which `start` is awaited; started at once without.
    pub(crate) start: Option<OwnedFd>,
    pub(crate) preserve_fds: u32,
    pub(crate) no_pivot: bool,
    pub(crate) new_keyring: bool,
    /// State for hooks, status and process id to be filled in.
    pub(crate) state: State,
}

/// Namespaces that a process with late cgroups makes for itself, instead of being born in them:
/// those that take their time, the network's above all.
pub(crate) const MADE_LATER: u64 =
    clone::NEW_NETWORK | clone::NEW_MOUNT | clone::NEW_IPC | clone::NEW_UTS;

/// Becomes the container's process. `join` holds the cgroups that are still to be entered.
pub(crate) fn run(mut setup: Setup<'_>, join: Option<&Join>) -> ! {
    let Err(error) = prepare(&mut setup, join);
    // Nobody may be left to hear it.
    let _ = setup.channel.tell_by_write(&ToParent::failed(&error));
    clone::exit_now(1)
}

fn prepare(setup: &mut Setup<'_>, join: Option<&Join>) -> Result<Infallible> {
    let plan = setup.plan;
    if let Some(join) = join {
        join.enter()?;
    }
    if setup.must_wait && !setup.channel.wait_go()? {
        return Err(gone());
    }
    if setup.late_groups {
        clone::unshare(plan.clone_flags() & MADE_LATER)
            .map_err(Error::system("make the container's namespaces"))?;
    }
    if !plan.needs_intermediate() {
        for joined in &plan.joined {
            namespaces::enter(joined)?;
        }
    }
    if plan.user == UserNamespace::New {
        become_root(&plan.linux)?;
    }
    namespaces::set_clocks(plan)?;
    if !setup.late_groups {
        namespaces::hide_cgroups(plan)?;
    }
    if setup.new_keyring {
        namespaces::new_session_keyring(setup.id)?;
    }
    if plan.is_new(NamespaceKind::Network) {
        isopod_sys::loopback::bring_up()
            .map_err(Error::system("bring up the loopback interface"))?;
    }
    namespaces::set_names(plan)?;
    let root = rootfs::prepare(setup)?;
    for sysctl in &plan.sysctls {
        setup.proc.write(&sysctl.path, sysctl.value.as_bytes())?;
    }
    let terminal = match setup.stdio {
        ChildStdio::Terminal => Some(console::open(&root, plan.process.console_size)?),
        _ => None,
    };
    if let Some((master, slave)) = &terminal {
        setup.channel.tell(&ToParent::Terminal, Some(std::os::fd::AsFd::as_fd(master)))?;
        if plan.isolated(NamespaceKind::Mount) {
            console::mount(&root, slave)?;
        }
    }
    rootfs::finish(setup, &root)?;
    process::run(setup, terminal.map(|(_, slave)| slave))
}

/// Waits for cgroups that are made late, and enters them. To be called before anything that
/// shows them, runs a program or takes much memory.
pub(crate) fn enter_late_groups(setup: &mut Setup<'_>) -> Result<()> {
    let Some(cgroup) = setup.cgroup.filter(|_| std::mem::take(&mut setup.late_groups)) else {
        return Ok(());
    };
    let Some(descriptors) = setup.channel.take()? else { return Err(gone()) };
    cgroup.join_by(descriptors).enter()?;
    namespaces::hide_cgroups(setup.plan)
}

/// The parent ended before its work was done: so does the child.
pub(crate) fn gone() -> Error {
    Error::system("prepare the container")(std::io::Error::other("the runtime is gone"))
}
