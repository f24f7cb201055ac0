//! The last steps: who the process is, what it may do, and the program itself.
//!
//! Shared by the container's own process and by those that join it. The order matters: labels
//! are set while the rights to do so are there, ids change with capabilities kept, capabilities
//! are cut down last but for the filter, which is loaded as late as possible so that the
//! fewest system calls of ours run under it.

use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use isopod_oci::runtime::{Hook, State, Status};
use isopod_sys::{execute, scheduling};
use rustix::fs::{FileType, Mode};
use rustix::process::{Gid, Resource, Rlimit, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{ChildStdio, Setup, gone, program, wait};
use crate::capabilities;
use crate::channel::{Channel, ToParent};
use crate::error::{Error, Result};
use crate::hooks;
use crate::plan::{ProcessPlan, UserNamespace};
use crate::procfs::ProcFs;
use crate::seccomp::Filter;

/// A process that is about to become its program.
pub(crate) struct Becoming<'a> {
    pub(crate) process: &'a ProcessPlan,
    /// Where errors are reported; replaced by the starter's once there is one.
    pub(crate) channel: &'a mut Channel,
    pub(crate) proc: &'a ProcFs,
    pub(crate) root: OwnedFd,
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) preserve_fds: u32,
    /// Whether limits must be set by the parent, which has rights that this process gave up.
    pub(crate) limits_by_parent: bool,
    pub(crate) start: Option<OwnedFd>,
    /// Says that it is ready as soon as nothing of the host is open any more, so that the parent
    /// can do its part meanwhile. What fails after that is heard in the place of success.
    pub(crate) ready_early: bool,
    /// Hooks before the program, and the state for them.
    pub(crate) start_hooks: Option<(&'a [Hook], State)>,
}

/// The end of the container's own process.
pub(super) fn run(setup: &mut Setup<'_>, terminal: Option<OwnedFd>) -> Result<Infallible> {
    let plan = setup.plan;
    let stdio = std::mem::replace(&mut setup.stdio, ChildStdio::Inherit);
    take_streams(stdio, terminal, &plan.process)?;
    let root = rustix::fs::open(
        c"/",
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(Error::file("open", "/"))?;
    let hooks = plan.spec.hooks.as_ref().map(|hooks| hooks.start_container.as_slice());
    let mut becoming = Becoming {
        process: &plan.process,
        channel: &mut setup.channel,
        proc: setup.proc,
        root,
        filter: setup.filter,
        preserve_fds: setup.preserve_fds,
        limits_by_parent: plan.user != UserNamespace::Own,
        ready_early: setup.start.is_none(),
        start: setup.start.take(),
        start_hooks: hooks
            .filter(|hooks| !hooks.is_empty())
            .map(|hooks| (hooks, setup.state.clone())),
    };
    become_program(&mut becoming)
}

/// Makes the given streams the process's own, in a session of its own.
pub(crate) fn take_streams(
    stdio: ChildStdio,
    terminal: Option<OwnedFd>,
    process: &ProcessPlan,
) -> Result<()> {
    let failed = || Error::system("set up the standard streams");
    rustix::process::setsid().map_err(Error::system("make a session"))?;
    match (stdio, terminal) {
        (_, Some(slave)) => {
            for to in 0..3 {
                execute::become_stdio(slave.as_fd(), to).map_err(failed())?;
            }
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())
                .map_err(Error::system("make the terminal the controlling one"))?;
        }
        (ChildStdio::Fds(streams), None) => {
            // Moved above the targets first, so that none is overwritten before it is used.
            let mut moved = Vec::with_capacity(streams.len());
            for stream in &streams {
                let above = rustix::io::fcntl_dupfd_cloexec(stream, 3);
                moved.push(above.map_err(std::io::Error::from).map_err(failed())?);
            }
            for (to, stream) in (0..).zip(&moved) {
                execute::become_stdio(stream.as_fd(), to).map_err(failed())?;
            }
        }
        _ => {}
    }
    own_streams(process)
}

/// Lets the user open `/dev/stdout` again: the streams are made theirs.
fn own_streams(process: &ProcessPlan) -> Result<()> {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let Ok(stat) = rustix::fs::fstat(stream) else { continue };
        let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
        let null =
            FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && device == (1, 3);
        if null || stat.st_uid == process.uid {
            continue;
        }
        let uid = Uid::from_raw(process.uid);
        match rustix::fs::fchown(stream, Some(uid), None) {
            // Owned by nobody who is known here, or on a file system that does not allow it.
            Ok(())
            | Err(
                rustix::io::Errno::INVAL
                | rustix::io::Errno::PERM
                | rustix::io::Errno::ROFS
                | rustix::io::Errno::ACCESS,
            ) => {}
            Err(error) => {
                return Err(Error::system("give the standard streams to the user")(error));
            }
        }
    }
    Ok(())
}

/// Everything from here to the program. `becoming.channel` is the one to report errors on.
pub(crate) fn become_program(becoming: &mut Becoming<'_>) -> Result<Infallible> {
    let process = becoming.process;
    schedule(process)?;
    limit(becoming)?;
    label(becoming)?;
    if process.no_new_privileges {
        rustix::thread::set_no_new_privs(true).map_err(Error::system("set no_new_privs"))?;
    }
    let env = program::environment(&becoming.root, process);
    // Nothing of the host may stay open from here on: the working directory and the program
    // could be named by way of it (CVE-2024-21626), and whoever enters the container while this
    // process waits for start could reach it.
    let mut kept = vec![becoming.channel.as_fd()];
    kept.extend(becoming.start.as_ref().map(AsFd::as_fd));
    let first = becoming.preserve_fds.saturating_add(3);
    execute::close_others(first, &kept).map_err(Error::system("close descriptors"))?;
    // The owners of what was closed must not be dropped, so there is no way back.
    let Err(error) = go_on(becoming, &env);
    let _ = becoming.channel.tell_by_write(&ToParent::failed(&error));
    isopod_sys::clone::exit_now(1)
}

fn go_on(becoming: &mut Becoming<'_>, env: &[CString]) -> Result<Infallible> {
    let process = becoming.process;
    if becoming.ready_early {
        becoming.channel.tell(&ToParent::Ready, None)?;
    }
    let refused = match enter_directory(process) {
        Err(error) if may_need_user(&error) => true,
        result => result.map(|()| false)?,
    };
    change_user(process)?;
    if refused {
        enter_directory(process)?;
    }
    check_directory(process)?;
    rustix::process::umask(Mode::from_raw_mode(process.umask));
    let late = prepare_capabilities(becoming)?;
    let path = program::find(process)?;
    if !becoming.ready_early {
        becoming.channel.tell(&ToParent::Ready, None)?;
    }
    if !becoming.channel.wait_go()? {
        return Err(gone());
    }
    if let Some(listener) = becoming.start.take() {
        *becoming.channel = wait::for_start(listener)?;
    }
    if let Some((hooks, mut state)) = becoming.start_hooks.take() {
        state.pid = Some(rustix::process::getpid().as_raw_nonzero().get());
        state.status = Status::Created;
        hooks::run_all("startContainer", hooks, &state)?;
    }
    late_limits(process)?;
    execute::reset_signals().map_err(Error::system("reset signals"))?;
    let kept = becoming.preserve_fds.saturating_add(3);
    execute::close_on_exec_from(kept).map_err(Error::system("close descriptors on exec"))?;
    becoming.channel.tell(&ToParent::Executing, None)?;
    load_filter(becoming)?;
    if late {
        set_capabilities(process)?;
    }
    execute(&path, process, env)
}

fn execute(path: &CString, process: &ProcessPlan, env: &[CString]) -> Result<Infallible> {
    let error = execute::execve(path, &process.args, env);
    Err(program::failed_exec(path, &error))
}

fn schedule(process: &ProcessPlan) -> Result<()> {
    if let Some(domain) = process.personality {
        scheduling::set_personality(domain).map_err(Error::system("set the personality"))?;
    }
    if let Some(attr) = &process.scheduler {
        scheduling::set_scheduler(attr).map_err(Error::system("set the scheduler"))?;
    }
    if let Some((class, priority)) = process.io_priority {
        scheduling::set_io_priority(class, priority)
            .map_err(Error::system("set the IO priority"))?;
    }
    Ok(())
}

fn limit(becoming: &Becoming<'_>) -> Result<()> {
    if becoming.process.rlimits.is_empty() {
        return Ok(());
    }
    if becoming.limits_by_parent {
        becoming.channel.tell(&ToParent::Limits, None)?;
        return if becoming.channel.wait_go()? { Ok(()) } else { Err(gone()) };
    }
    early_limits(&becoming.process.rlimits)
        .try_for_each(|(resource, limit)| set_limit(resource, limit))
}

/// The limits that are set while this process still prepares itself: the number of files may
/// only be cut down at the very end.
pub(crate) fn early_limits(
    limits: &[(Resource, Rlimit)],
) -> impl Iterator<Item = (Resource, Rlimit)> + '_ {
    limits.iter().map(|(resource, limit)| match resource {
        Resource::Nofile => (*resource, Rlimit { current: limit.maximum, maximum: limit.maximum }),
        _ => (*resource, *limit),
    })
}

fn late_limits(process: &ProcessPlan) -> Result<()> {
    process
        .rlimits
        .iter()
        .filter(|(resource, _)| *resource == Resource::Nofile)
        .try_for_each(|(resource, limit)| set_limit(*resource, *limit))
}

fn set_limit(resource: Resource, limit: Rlimit) -> Result<()> {
    let text = format!("set rlimit {resource:?} to {:?}, {:?}", limit.current, limit.maximum);
    rustix::process::setrlimit(resource, limit).map_err(Error::system(text))
}

/// Security labels for the program, taken up by the exec.
fn label(becoming: &Becoming<'_>) -> Result<()> {
    if let Some(profile) = &becoming.process.apparmor_profile {
        let value = format!("exec {profile}");
        becoming
            .proc
            .write("self/attr/apparmor/exec", value.as_bytes())
            .or_else(|_| becoming.proc.write("self/attr/exec", value.as_bytes()))?;
    }
    if let Some(label) = &becoming.process.selinux_label {
        becoming.proc.write("self/attr/exec", label.as_bytes())?;
    }
    Ok(())
}

fn enter_directory(process: &ProcessPlan) -> Result<()> {
    rustix::process::chdir(process.cwd.as_str()).map_err(Error::system(format!(
        "chdir to cwd ({:?}) set in config.json failed",
        process.cwd
    )))
}

/// A directory on a network file system may be closed to root but open to the user.
fn may_need_user(error: &Error) -> bool {
    matches!(error, Error::System { source, .. }
        if source.kind() == std::io::ErrorKind::PermissionDenied)
}

/// The working directory must be inside the root: one that was reached through a descriptor
/// of the host would let the container walk out (CVE-2024-21626).
fn check_directory(process: &ProcessPlan) -> Result<()> {
    let outside = |reason: String| Error::Unsafe {
        what: format!("working directory {:?}", process.cwd),
        reason,
    };
    let cwd = rustix::process::getcwd(Vec::new()).map_err(|error| {
        outside(format!(
            "current working directory is outside of container mount namespace root: {error}"
        ))
    })?;
    if cwd.as_bytes().first() == Some(&b'/') {
        Ok(())
    } else {
        Err(outside(
            "current working directory is outside of container mount namespace root".into(),
        ))
    }
}

/// Groups, group and user, with capabilities kept.
fn change_user(process: &ProcessPlan) -> Result<()> {
    drop_bounding(process)?;
    rustix::thread::set_keep_capabilities(true).map_err(Error::system("keep capabilities"))?;
    let groups: Vec<Gid> = process.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    match rustix::thread::set_thread_groups(&groups) {
        Ok(()) => {}
        // In a user namespace made without privileges groups cannot be set; none were asked for.
        Err(rustix::io::Errno::PERM) if groups.is_empty() => {}
        Err(rustix::io::Errno::PERM) => {
            return Err(Error::config(
                "process.user.additionalGids",
                "cannot set any additional groups in a rootless container",
            ));
        }
        Err(error) => {
            return Err(Error::system(format!("set groups {:?}", process.groups))(error));
        }
    }
    let gid = Gid::from_raw(process.gid);
    rustix::thread::set_thread_res_gid(gid, gid, gid)
        .map_err(Error::system(format!("set group id {}", process.gid)))?;
    let uid = Uid::from_raw(process.uid);
    rustix::thread::set_thread_res_uid(uid, uid, uid)
        .map_err(Error::system(format!("set user id {}", process.uid)))?;
    rustix::thread::set_keep_capabilities(false).map_err(Error::system("keep capabilities"))
}

fn drop_bounding(process: &ProcessPlan) -> Result<()> {
    for capability in capabilities::each() {
        if process.capabilities.bounding.contains(capability) {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The first number that the kernel does not know.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(Error::system("drop from the bounding set")(error)),
        }
    }
    Ok(())
}

/// Sets capabilities now if nothing later needs more; tells whether it is still to be done.
///
/// A filter without `no_new_privs` can only be loaded with CAP_SYS_ADMIN, so that right is
/// kept until then.
fn prepare_capabilities(becoming: &Becoming<'_>) -> Result<bool> {
    let process = becoming.process;
    let keeps_admin = process.no_new_privileges
        || process.capabilities.thread.effective.contains(CapabilitySet::SYS_ADMIN);
    if becoming.filter.is_none() || keeps_admin {
        set_capabilities(process)?;
        raise_ambient(process)?;
        return Ok(false);
    }
    let failed = || Error::system("unable to apply caps");
    let current = rustix::thread::capabilities(None).map_err(failed())?;
    let wanted = process.capabilities.thread;
    if !current.permitted.contains(wanted.permitted) {
        return Err(failed()(rustix::io::Errno::PERM));
    }
    let kept = wanted.permitted | CapabilitySet::SYS_ADMIN;
    let sets = CapabilitySets {
        effective: kept & current.permitted,
        permitted: kept & current.permitted,
        inheritable: wanted.inheritable,
    };
    rustix::thread::set_capabilities(None, sets).map_err(failed())?;
    raise_ambient(process)?;
    Ok(true)
}

fn set_capabilities(process: &ProcessPlan) -> Result<()> {
    rustix::thread::set_capabilities(None, process.capabilities.thread)
        .map_err(Error::system("unable to apply caps"))
}

fn raise_ambient(process: &ProcessPlan) -> Result<()> {
    rustix::thread::clear_ambient_capability_set()
        .map_err(Error::system("unable to clear ambient caps"))?;
    for capability in capabilities::each() {
        if process.capabilities.ambient.contains(capability) {
            rustix::thread::configure_capability_in_ambient_set(capability, true)
                .map_err(Error::system("unable to set ambient caps"))?;
        }
    }
    Ok(())
}

/// Loads the filter; with a listener its descriptor is handed to the parent by number, since
/// only `write(2)` and `read(2)` may be counted on under the filter.
fn load_filter(becoming: &Becoming<'_>) -> Result<()> {
    let Some(filter) = becoming.filter else { return Ok(()) };
    let mut flags = filter.flags;
    if filter.wants_listener {
        flags |= isopod_sys::seccomp::NEW_LISTENER;
    }
    let listener = isopod_sys::seccomp::load_filter(&filter.program, flags)
        .map_err(Error::system("load the seccomp filter"))?;
    if let Some(listener) = listener {
        becoming.channel.tell_by_write(&ToParent::Listener { fd: listener.as_raw_fd() })?;
        if !becoming.channel.wait_go()? {
            return Err(gone());
        }
    }
    Ok(())
}
