//! Making a container: the parent's side.
//!
//! The order, so that a crash at any point leaves something that `delete --force` removes:
//! state directory; a draft of the state, which says where the cgroups are; cgroups; preparation
//! of the process with the parent at hand; the state; then the process is let go on, to wait for
//! start or to execute its program. A process whose parent is gone before that last word leaves
//! by itself.
//!
//! The process is cloned as soon as it can be: before draft and cgroups where it need not be
//! born into the latter, so that it makes its namespaces and mounts in the meantime.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use isopod_base::times;
use isopod_cgroups::{Config as CgroupConfig, Driver, Hierarchy, Join, Manager};
use isopod_oci::runtime::{NamespaceKind, Status};
use isopod_sys::clone::{self, Side};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::channel::{Channel, ToParent};
use crate::container::{Runtime, check_id};
use crate::conversation::{self, Child, Conversation, Listening};
use crate::error::{Error, Result};
use crate::init::{self, ChildStdio, Setup};
use crate::options::{CreateOptions, Created, Stdio};
use crate::plan::{Plan, ProcessPlan, UserNamespace};
use crate::procfs::ProcFs;
use crate::seccomp::{self, Filter};
use crate::state::{self, State};
use crate::{hooks, lifecycle, prepared};

/// Name of the socket on which a created container waits for start.
pub(crate) const START_SOCKET: &str = "start.sock";

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The process waits for start.
    Create,
    /// The process is started.
    Run,
}

/// What is removed again when making the container fails.
struct Undo {
    directory: PathBuf,
    cgroup: Option<Manager>,
    armed: bool,
}

impl Drop for Undo {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        // The first error is the one to report. The process is gone already: its guard is
        // dropped before this one.
        if let Some(cgroup) = &self.cgroup {
            let _ = cgroup.kill_all(rustix::process::Signal::KILL);
            let _ = cgroup.delete();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(crate) fn create(
    runtime: &Runtime,
    id: &str,
    options: CreateOptions,
    mode: Mode,
) -> Result<Created> {
    check_id(id)?;
    if !clone::is_single_threaded() {
        return Err(Error::Threads { operation: "creating a container" });
    }
    let CreateOptions {
        config,
        stdio,
        mut rootfs_mount,
        prepared_mounts,
        pid_file,
        pidfd_socket,
        ..
    } = options;
    let mut plan = Plan::new(config, runtime.is_rootless())?;
    let (stdio, console_socket) = child_stdio(&plan.process, stdio)?;
    let proc = ProcFs::open()?;
    let filter = filter(runtime, &plan)?;
    let directory = make_directory(runtime, id)?;
    let mut undo = Undo { directory: directory.clone(), cgroup: None, armed: true };
    let hierarchy = hierarchy(runtime, &plan)?;
    if let Some(hierarchy) = &hierarchy {
        undo.cgroup = Some(cgroup(runtime, id, hierarchy, &plan)?);
    }
    let mut state = first_state(runtime, id, &plan, undo.cgroup.as_ref(), filter.as_ref());
    let intermediate = plan.needs_intermediate();
    let own_user = plan.user == UserNamespace::Own;
    let late_groups =
        own_user && !intermediate && undo.cgroup.as_ref().is_some_and(Manager::can_be_late);
    let mut draft = None;
    if !late_groups {
        draft = Some(state.draft(&directory)?);
        undo.cgroup.as_mut().map_or(Ok(()), Manager::make)?;
    }
    for (destination, tree) in prepared_mounts {
        let place = plan.mounts.iter_mut().find(|mount| mount.destination == destination);
        let mount = place.ok_or_else(|| Error::InvalidConfig {
            field: "mounts".into(),
            reason: format!("expected one at {destination}, for which a mount was prepared"),
        })?;
        mount.prepared = Some(tree);
    }
    prepared::mounts(&mut plan, &mut rootfs_mount)?;
    let start = match mode {
        Mode::Create => Some(listen(&directory)?),
        Mode::Run => None,
    };
    let join = undo.cgroup.as_ref().filter(|_| !late_groups).map(Manager::join).transpose()?;
    let needs_attach = undo.cgroup.as_ref().is_some_and(Manager::needs_attach);
    // A process that is made by an intermediate one waits until the parent knows it: it might be
    // faster with its own words.
    let must_wait = needs_attach || intermediate || plan.user == UserNamespace::New;
    let (ours, theirs) = Channel::pair()?;
    let oci_state = lifecycle::oci_state(&state, Status::Creating, 0);
    let setup = Setup {
        plan: &plan,
        id,
        channel: theirs,
        must_wait,
        late_groups,
        stdio,
        proc: &proc,
        hierarchy: hierarchy.as_ref(),
        cgroup: undo.cgroup.as_ref(),
        rootfs: rootfs_mount,
        filter: filter.as_ref(),
        start,
        preserve_fds: options.preserve_fds,
        no_pivot: options.no_pivot,
        new_keyring: !options.no_new_keyring,
        state: oci_state.clone(),
    };
    let (child, ours) = spawn(setup, &join.unwrap_or_default(), ours)?;
    let mut conversation = Conversation {
        channel: &ours,
        proc: &proc,
        child: Some(child),
        intermediate,
        mappings: (&plan.linux.uid_mappings, &plan.linux.gid_mappings),
        rlimits: plan.process.rlimits.clone(),
        terminal: None,
    };
    let cgroup = &mut undo.cgroup;
    let draft = &mut draft;
    conversation.until_ready(
        &mut |child, channel| {
            if plan.user == UserNamespace::New && !intermediate {
                crate::mapping::write(
                    &proc,
                    child.pid,
                    &plan.linux.uid_mappings,
                    &plan.linux.gid_mappings,
                )?;
            }
            if let (true, Some(cgroup)) = (needs_attach, cgroup.as_mut()) {
                cgroup.attach(child.pid)?;
            }
            if let (true, Some(cgroup)) = (late_groups, cgroup.as_mut()) {
                state.set_process(child.pid)?;
                *draft = Some(state.draft(&directory)?);
                cgroup.make()?;
                channel.give(&cgroup.join()?.descriptors())?;
            }
            set_oom_score(&proc, child.pid, plan.process.oom_score_adj)?;
            if must_wait { channel.go() } else { Ok(()) }
        },
        &mut |pid| run_runtime_hooks(&plan, &oci_state, pid),
    )?;
    let child = conversation.child.take().expect("there until it is taken here");
    if let (Some(socket), Some(master)) =
        (&console_socket, conversation.terminal.take_if(|_| console_socket.is_some()))
    {
        conversation::send_terminal(socket, &master)?;
    }
    if !late_groups {
        state.set_process(child.pid)?;
        state.cgroup = undo.cgroup.as_ref().map(|cgroup| cgroup.paths().clone());
    }
    draft
        .take()
        .expect("stored by the time that the process is ready")
        .publish(&state, &directory)?;
    if let (Mode::Create, Some(path)) = (mode, &pid_file) {
        conversation::write_pid_file(path, child.pid)?;
    }
    if let Some(socket) = &pidfd_socket {
        conversation::send_pidfd(socket, child.pidfd())?;
    }
    // One that failed in the meantime says why when it is listened to.
    ours.give(&[])?;
    if mode == Mode::Run {
        let listening = Listening {
            seccomp: state.seccomp.as_ref(),
            pid: child.pid,
            state: lifecycle::oci_state(&state, Status::Creating, child.pid),
        };
        conversation::until_executed(&ours, child.pidfd(), &listening)?;
        if let Some(path) = &pid_file {
            conversation::write_pid_file(path, child.pid)?;
        }
        let running = lifecycle::oci_state(&state, Status::Running, child.pid);
        hooks::run_all("poststart", &state.poststart, &running)?;
    }
    undo.armed = false;
    Ok(Created {
        pid: child.pid,
        pidfd: child.release(),
        terminal: conversation.terminal,
        warnings: plan.warnings,
    })
}

/// Splits the streams into what the child gets and where a terminal is sent.
pub(crate) fn child_stdio(
    process: &ProcessPlan,
    stdio: Stdio,
) -> Result<(ChildStdio, Option<OwnedFd>)> {
    let wants_terminal = matches!(stdio, Stdio::Terminal { .. });
    if wants_terminal != process.terminal {
        return Err(Error::config(
            "process.terminal",
            if process.terminal {
                "a terminal is asked for, but other standard streams were given"
            } else {
                "a terminal was given, but none is asked for"
            },
        ));
    }
    Ok(match stdio {
        Stdio::Inherit => (ChildStdio::Inherit, None),
        Stdio::Fds { stdin, stdout, stderr } => (ChildStdio::Fds([stdin, stdout, stderr]), None),
        Stdio::Terminal { console_socket } => (ChildStdio::Terminal, console_socket),
    })
}

fn filter(runtime: &Runtime, plan: &Plan) -> Result<Option<Filter>> {
    let Some(profile) = &plan.linux.seccomp else { return Ok(None) };
    let filter = seccomp::prepare(runtime.root(), profile)?;
    if filter.wants_listener && profile.listener_path.as_deref().is_none_or(str::is_empty) {
        return Err(Error::config(
            "linux.seccomp.listenerPath",
            "must be set for a profile with SCMP_ACT_NOTIFY",
        ));
    }
    Ok(Some(filter))
}

fn make_directory(runtime: &Runtime, id: &str) -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let directory = runtime.directory(id);
    let mut builder = std::fs::DirBuilder::new();
    builder.mode(0o711);
    let made = match builder.create(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(runtime.root())
                .map_err(Error::file("make", runtime.root()))?;
            builder.create(&directory)
        }
        made => made,
    };
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::AlreadyExists { id: id.to_owned() },
        _ => Error::file("make", &directory)(error),
    })?;
    Ok(directory)
}

fn hierarchy(runtime: &Runtime, plan: &Plan) -> Result<Option<Hierarchy>> {
    match Hierarchy::detect() {
        Ok(hierarchy) => Ok(Some(hierarchy)),
        Err(isopod_cgroups::Error::NotMounted)
            if runtime.is_rootless() && plan.linux.resources.is_none() =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn cgroup(runtime: &Runtime, id: &str, hierarchy: &Hierarchy, plan: &Plan) -> Result<Manager> {
    const PROPERTY: &str = "org.systemd.property.";
    let resources = plan.linux.resources.clone().unwrap_or_default();
    let properties: Vec<(String, String)> = plan
        .spec
        .annotations
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PROPERTY)?.to_owned(), value.clone())))
        .collect();
    let delegated = plan.user != UserNamespace::Own
        && plan.isolated(NamespaceKind::Cgroup)
        && plan.mounts.iter().any(|mount| {
            matches!(mount.kind, crate::plan::MountKind::Cgroup) && !mount.options.is_readonly()
        });
    Ok(Manager::plan(
        hierarchy,
        &CgroupConfig {
            id,
            path: plan.linux.cgroups_path.as_deref(),
            resources: &resources,
            driver: if runtime.uses_systemd() { Driver::Systemd } else { Driver::Cgroupfs },
            rootless: runtime.is_rootless(),
            owner: if delegated { plan.host_root() } else { None },
            properties: &properties,
        },
    )?)
}

fn first_state(
    runtime: &Runtime,
    id: &str,
    plan: &Plan,
    cgroup: Option<&Manager>,
    filter: Option<&Filter>,
) -> State {
    let hooks = plan.spec.hooks.clone().unwrap_or_default();
    let version = if plan.spec.oci_version.is_empty() {
        isopod_oci::runtime::VERSION
    } else {
        &plan.spec.oci_version
    };
    State {
        version: state::VERSION,
        oci_version: version.to_owned(),
        id: id.to_owned(),
        pid: 0,
        start_time: 0,
        created: times::Timestamp::now().rfc3339_nanos(),
        bundle: plan.bundle.clone(),
        rootfs: plan.rootfs.clone(),
        annotations: plan.spec.annotations.clone(),
        owner: rustix::process::geteuid().as_raw(),
        rootless: runtime.is_rootless(),
        cgroup: cgroup.map(|cgroup| cgroup.paths().clone()),
        namespaces: plan
            .new
            .iter()
            .copied()
            .chain(plan.joined.iter().map(|joined| joined.kind))
            .collect(),
        defaults: plan.process.defaults.clone(),
        poststart: hooks.poststart,
        poststop: hooks.poststop,
        seccomp: plan
            .linux
            .seccomp
            .as_ref()
            .zip(filter)
            .map(|(profile, filter)| seccomp::keep(profile, filter)),
        is_draft: false,
    }
}

/// The socket is named through a descriptor of its directory, since a socket's path may have
/// no more than 107 bytes.
pub(crate) fn start_address(directory: &Path) -> Result<(OwnedFd, SocketAddrUnix)> {
    use std::os::fd::AsRawFd;
    let flags =
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    let fd = rustix::fs::open(directory, flags, rustix::fs::Mode::empty())
        .map_err(Error::file("open", directory))?;
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{START_SOCKET}", fd.as_raw_fd()))
        .map_err(Error::file("name the socket in", directory))?;
    Ok((fd, address))
}

fn listen(directory: &Path) -> Result<OwnedFd> {
    let failed = || Error::file("listen in", directory);
    let (_fd, address) = start_address(directory)?;
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(failed())?;
    rustix::net::bind(&socket, &address).map_err(failed())?;
    rustix::net::listen(&socket, 8).map_err(failed())?;
    Ok(socket)
}

/// Clones the container's process, or the one that makes it.
fn spawn(setup: Setup<'_>, join: &Join, ours: Channel) -> Result<(Child, Channel)> {
    let plan = setup.plan;
    let intermediate = plan.needs_intermediate();
    let flags = match (intermediate, setup.late_groups) {
        (true, _) => 0,
        (false, true) => plan.clone_flags() & !init::MADE_LATER,
        (false, false) => plan.clone_flags(),
    };
    let side = clone::clone(flags, join.clone_into())
        .map_err(Error::system("clone the container's process"))?;
    match side {
        Side::Parent { pid, pidfd } => Ok((Child::new(pid, pidfd), ours)),
        Side::Child(_guard) => {
            // Or the end of the parent would never be noticed.
            drop(ours);
            if intermediate { prepare_way(setup, join) } else { init::run(setup, Some(join)) }
        }
    }
}

/// Enters what has to be entered first and makes the container's process from there, as a
/// child of the runtime.
fn prepare_way(setup: Setup<'_>, join: &Join) -> ! {
    let result = enter_first(&setup, join).and_then(|()| {
        clone::clone(clone::SIBLING | setup.plan.clone_flags() & !clone::NEW_USER, None)
            .map_err(Error::system("clone the container's process"))
    });
    let told = match result {
        Ok(Side::Child(_guard)) => init::run(setup, None),
        Ok(Side::Parent { pid, .. }) => setup.channel.tell(&ToParent::Final { pid }, None),
        Err(error) => setup.channel.tell(&ToParent::failed(&error), None),
    };
    clone::exit_now(i32::from(told.is_err()))
}

fn enter_first(setup: &Setup<'_>, join: &Join) -> Result<()> {
    let plan = setup.plan;
    join.enter()?;
    let (user, others): (Vec<_>, Vec<_>) =
        plan.joined.iter().partition(|joined| joined.kind == NamespaceKind::User);
    // Namespaces of the host can be entered only before the user namespace, those that belong
    // to the user namespace only after it.
    let mut later = Vec::new();
    for joined in others {
        if let Err(error) = init::enter_namespace(joined) {
            if user.is_empty() {
                return Err(error);
            }
            later.push(joined);
        }
    }
    for joined in &user {
        init::enter_namespace(joined)?;
    }
    if plan.user == UserNamespace::New {
        clone::unshare(clone::NEW_USER).map_err(Error::system("make a user namespace"))?;
        setup.channel.tell(&ToParent::Map, None)?;
        if !setup.channel.wait_go()? {
            return Err(init::gone());
        }
    } else if !user.is_empty() {
        init::become_root_if_mapped()?;
    }
    later.into_iter().try_for_each(init::enter_namespace)
}

/// Written by the parent, which may lower it.
pub(crate) fn set_oom_score(proc: &ProcFs, pid: i32, score: Option<i32>) -> Result<()> {
    match score {
        Some(score) => proc.write(&format!("{pid}/oom_score_adj"), score.to_string().as_bytes()),
        None => Ok(()),
    }
}

fn run_runtime_hooks(plan: &Plan, state: &isopod_oci::runtime::State, pid: i32) -> Result<()> {
    let Some(hooks) = &plan.spec.hooks else { return Ok(()) };
    let state = isopod_oci::runtime::State { pid: Some(pid), ..state.clone() };
    hooks::run_all("prestart", &hooks.prestart, &state)?;
    hooks::run_all("createRuntime", &hooks.create_runtime, &state)
}
