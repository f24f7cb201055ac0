//! Entering namespaces and what is set once inside them.

use std::ffi::CString;
use std::os::fd::AsFd;

use isopod_oci::runtime::{Linux, NamespaceKind};
use isopod_sys::clone;
use rustix::process::{Gid, Uid};

use crate::error::{Error, Result};
use crate::mapping;
use crate::plan::{Joined, Plan};

/// Enters a namespace given by path.
pub(crate) fn enter(joined: &Joined) -> Result<()> {
    clone::enter_namespaces(joined.file.as_fd(), flag(joined.kind)).map_err(Error::system(format!(
        "join {} namespace {}",
        joined.kind.proc_name(),
        joined.path
    )))
}

/// The flag of a kind for `clone3(2)` and `setns(2)`.
pub(crate) fn flag(kind: NamespaceKind) -> u64 {
    match kind {
        NamespaceKind::Pid => clone::NEW_PID,
        NamespaceKind::Network => clone::NEW_NETWORK,
        NamespaceKind::Mount => clone::NEW_MOUNT,
        NamespaceKind::Ipc => clone::NEW_IPC,
        NamespaceKind::Uts => clone::NEW_UTS,
        NamespaceKind::User => clone::NEW_USER,
        NamespaceKind::Cgroup => clone::NEW_CGROUP,
        NamespaceKind::Time => clone::NEW_TIME,
    }
}

/// Becomes root of a user namespace that was just entered, where it maps root: the process's
/// old ids stand for nobody there.
pub(crate) fn become_root(linux: &Linux) -> Result<()> {
    if mapping::to_host(&linux.gid_mappings, 0).is_some() {
        rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)
            .map_err(Error::system("become group 0 of the user namespace"))?;
    }
    if mapping::to_host(&linux.uid_mappings, 0).is_some() {
        rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)
            .map_err(Error::system("become user 0 of the user namespace"))?;
    }
    Ok(())
}

/// The same for a user namespace whose mappings are not known.
pub(crate) fn become_root_if_mapped() -> Result<()> {
    let groups = rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT);
    let users = rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT);
    for result in [groups, users] {
        match result {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => {
                return Err(Error::system("become root of the user namespace")(error));
            }
        }
    }
    Ok(())
}

/// Makes the cgroup namespace, whose root are the groups that the process is in by now.
pub(super) fn hide_cgroups(plan: &Plan) -> Result<()> {
    if plan.is_new(NamespaceKind::Cgroup) {
        clone::unshare(clone::NEW_CGROUP).map_err(Error::system("make a cgroup namespace"))?;
    }
    Ok(())
}

/// Makes a time namespace whose clocks are to be set, which its future inhabitant has to do.
pub(super) fn set_clocks(plan: &Plan) -> Result<()> {
    if let Some(offsets) = &plan.time_offsets {
        // The namespace is made for children first; its clocks can be set until somebody
        // enters it, which this process then does.
        let failed = || Error::system("make a time namespace");
        clone::unshare(clone::NEW_TIME).map_err(failed())?;
        std::fs::write("/proc/self/timens_offsets", offsets)
            .map_err(Error::file("write", "/proc/self/timens_offsets"))?;
        let path = "/proc/self/ns/time_for_children";
        let file = std::fs::File::open(path).map_err(Error::file("open", path))?;
        clone::enter_namespaces(file.as_fd(), clone::NEW_TIME).map_err(failed())?;
    }
    Ok(())
}

/// Leaves the caller's session keyring, so that its keys are out of reach.
pub(super) fn new_session_keyring(id: &str) -> Result<()> {
    let name = CString::new(format!("_ses.{id}")).expect("ids hold no NUL");
    match isopod_sys::keyring::join_session_keyring(&name) {
        // A kernel without keyrings has none to leave. Where a filter forbids the call, as in a
        // container that we run in, or the quota is used up, the container shares the keyring
        // as it would with every other runtime.
        Ok(_) => Ok(()),
        Err(error) => match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(
                rustix::io::Errno::NOSYS
                | rustix::io::Errno::PERM
                | rustix::io::Errno::ACCESS
                | rustix::io::Errno::DQUOT,
            ) => Ok(()),
            _ => Err(Error::system("join a new session keyring")(error)),
        },
    }
}

/// Sets host and domain name.
pub(super) fn set_names(plan: &Plan) -> Result<()> {
    if let Some(name) = plan.spec.hostname.as_deref().filter(|name| !name.is_empty()) {
        rustix::system::sethostname(name.as_bytes())
            .map_err(Error::system(format!("set hostname {name:?}")))?;
    }
    if let Some(name) = plan.spec.domainname.as_deref().filter(|name| !name.is_empty()) {
        rustix::system::setdomainname(name.as_bytes())
            .map_err(Error::system(format!("set domainname {name:?}")))?;
    }
    Ok(())
}
