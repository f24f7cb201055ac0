//! Device rules as a program attached to the group.

use std::os::fd::{AsFd as _, OwnedFd};

use isopod_oci::runtime::LinuxDeviceCgroup;
use isopod_sys::bpf;
use rustix::fs::{Mode, OFlags};

use crate::devices::{Program, Rules, in_user_namespace};
use crate::error::{Error, Result};
use crate::group::Group;

pub(super) fn apply(group: &Group, rules: &[LinuxDeviceCgroup], rootless: bool) -> Result<()> {
    let rules = Rules::from_spec(rules)?;
    match attach(group, &Program::compile(&rules)) {
        // Loading needs privileges in the first user namespace; devices made in another one
        // cannot be opened anyway.
        Err(source) if is_denied(&source) && (rootless || in_user_namespace()) => Ok(()),
        // A kernel without such programs confines nobody; fine if all was to be allowed.
        Err(_) if rules == Rules::from_list("a *:* rwm").expect("a valid list") => Ok(()),
        other => {
            other.map_err(|source| Error::DeviceProgram { path: group.path().to_owned(), source })
        }
    }
}

fn is_denied(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}

/// All attached programs must agree to a request. One old program is replaced in one step;
/// several are detached once the new one is in force, so that the group is confined at every
/// moment.
fn attach(group: &Group, program: &Program) -> std::io::Result<()> {
    let program = bpf::load_cgroup_device(program.instructions())?;
    let directory: OwnedFd = rustix::fs::open(
        group.path(),
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let attached = bpf::attached_cgroup_device(directory.as_fd())?;
    let old = attached
        .into_iter()
        .map(bpf::program_by_id)
        .filter(
            |found| !matches!(found, Err(error) if error.kind() == std::io::ErrorKind::NotFound),
        )
        .collect::<std::io::Result<Vec<OwnedFd>>>()?;
    if let [only] = old.as_slice() {
        match bpf::attach_cgroup_device(directory.as_fd(), program.as_fd(), Some(only.as_fd())) {
            // Replacing is known since kernel 5.6.
            Err(error) if error.raw_os_error() == Some(22) => {}
            other => return other,
        }
    }
    bpf::attach_cgroup_device(directory.as_fd(), program.as_fd(), None)?;
    for program in &old {
        bpf::detach_cgroup_device(directory.as_fd(), program.as_fd())?;
    }
    Ok(())
}
