//! One more process in a running container.
//!
//! Two processes are made: the first enters the container's cgroups and then, by the pidfd of
//! the init and in one call, all of its namespaces; the second, made from there as a child of
//! the caller, is in the process id namespace too and becomes the program.

use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

use isopod_cgroups::Join;
use isopod_oci::runtime::{NamespaceKind, Process, Status};
use isopod_sys::clone::{self, Side};
use rustix::fs::{Mode, OFlags};
use rustix::process::DumpableBehavior;

use crate::channel::{Channel, ToParent};
use crate::container::Container;
use crate::conversation::{self, Child, Conversation, Listening};
use crate::create::{child_stdio, set_oom_score};
use crate::error::{Error, Result};
use crate::init::process::{Becoming, become_program, take_streams};
use crate::init::{self, ChildStdio};
use crate::lifecycle;
use crate::options::{Exec, ExecOptions};
use crate::plan::ProcessPlan;
use crate::procfs::ProcFs;
use crate::seccomp::{self, Filter};
use crate::state::ProcessDefaults;

/// What the child needs.
struct Joining<'a> {
    process: &'a ProcessPlan,
    channel: Channel,
    stdio: ChildStdio,
    proc: &'a ProcFs,
    filter: Option<&'a Filter>,
    init: &'a OwnedFd,
    /// Namespaces of the init that the caller is not in, as flags.
    namespaces: u64,
    preserve_fds: u32,
}

pub(crate) fn exec(container: &Container, options: ExecOptions) -> Result<Exec> {
    if !clone::is_single_threaded() {
        return Err(Error::Threads { operation: "executing in a container" });
    }
    let state = container.state();
    match container.status()? {
        Status::Running | Status::Created => {}
        Status::Paused if options.ignore_paused => {}
        Status::Paused => return Err(Error::ExecPaused),
        Status::Stopped | Status::Creating => return Err(Error::ExecStopped),
    }
    let init = lifecycle::live_init(state)?.ok_or(Error::ExecStopped)?;
    let mut warnings = Vec::new();
    let process = take_over(options.process, &state.defaults);
    let process = ProcessPlan::new("process", &process, state.defaults.personality, &mut warnings)?;
    let (stdio, console_socket) = child_stdio(&process, options.stdio)?;
    let proc = ProcFs::open()?;
    let filter = match &state.seccomp {
        Some(stored) => Some(seccomp::kept(stored).ok_or_else(|| Error::Unsafe {
            what: format!("state of container {:?}", state.id),
            reason: "it lacks the filter that the container was made with".into(),
        })?),
        None => None,
    };
    let join = match &state.cgroup {
        Some(_) => container.cgroup()?.join_for_exec(&options.sub_groups, state.pid)?,
        None => Join::default(),
    };
    let (ours, theirs) = Channel::pair()?;
    let joining = Joining {
        process: &process,
        channel: theirs,
        stdio,
        proc: &proc,
        filter: filter.as_ref(),
        init: &init,
        namespaces: foreign_namespaces(&state.namespaces, state.pid)?,
        preserve_fds: options.preserve_fds,
    };
    let (child, ours) = spawn(joining, &join, ours)?;
    let mut conversation = Conversation {
        channel: &ours,
        proc: &proc,
        child: Some(child),
        intermediate: true,
        mappings: (&[], &[]),
        rlimits: process.rlimits.clone(),
        terminal: None,
    };
    conversation.until_ready(
        &mut |child, channel| {
            set_oom_score(&proc, child.pid, process.oom_score_adj)?;
            channel.go()
        },
        &mut |_| Ok(()),
    )?;
    let child = conversation.child.take().expect("there until it is taken here");
    if let Some(socket) = &console_socket
        && let Some(master) = conversation.terminal.take()
    {
        conversation::send_terminal(socket, &master)?;
    }
    if let Some(path) = &options.pid_file {
        conversation::write_pid_file(path, child.pid)?;
    }
    if let Some(socket) = &options.pidfd_socket {
        conversation::send_pidfd(socket, child.pidfd())?;
    }
    ours.go()?;
    let listening = Listening {
        seccomp: state.seccomp.as_ref(),
        pid: child.pid,
        state: lifecycle::oci_state(state, Status::Running, state.pid),
    };
    conversation::until_executed(&ours, child.pidfd(), &listening)?;
    Ok(Exec { pid: child.pid, pidfd: child.release(), terminal: conversation.terminal, warnings })
}

/// What the process does not say is as for the container's own.
fn take_over(mut process: Process, defaults: &ProcessDefaults) -> Process {
    if process.capabilities.is_none() {
        process.capabilities.clone_from(&defaults.capabilities);
    }
    if process.rlimits.is_empty() {
        process.rlimits.clone_from(&defaults.rlimits);
    }
    let missing = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
    if missing(&process.apparmor_profile) {
        process.apparmor_profile.clone_from(&defaults.apparmor_profile);
    }
    if missing(&process.selinux_label) {
        process.selinux_label.clone_from(&defaults.selinux_label);
    }
    process.oom_score_adj = process.oom_score_adj.or(defaults.oom_score_adj);
    process
}

/// Flags of those namespaces in which the init differs from the caller.
fn foreign_namespaces(kinds: &[NamespaceKind], pid: i32) -> Result<u64> {
    let mut flags = 0;
    for kind in kinds {
        let name = kind.proc_name();
        let stat = |path: String| rustix::fs::stat(&path).map_err(Error::file("stat", path));
        let own = stat(format!("/proc/self/ns/{name}"))?;
        let other = stat(format!("/proc/{pid}/ns/{name}"))?;
        if (own.st_dev, own.st_ino) != (other.st_dev, other.st_ino) {
            flags |= init::namespace_flag(*kind);
        }
    }
    Ok(flags)
}

fn spawn(joining: Joining<'_>, join: &Join, ours: Channel) -> Result<(Child, Channel)> {
    let side = clone::clone(0, join.clone_into())
        .map_err(Error::system("clone a process for the container"))?;
    match side {
        Side::Parent { pid, pidfd } => Ok((Child::new(pid, pidfd), ours)),
        Side::Child(_guard) => {
            drop(ours);
            first(joining, join)
        }
    }
}

/// Enters the container and makes the process there.
fn first(joining: Joining<'_>, join: &Join) -> ! {
    let result = enter(&joining, join).and_then(|()| {
        clone::clone(clone::SIBLING, None)
            .map_err(Error::system("clone a process in the container"))
    });
    let told = match result {
        Ok(Side::Child(_guard)) => second(joining),
        Ok(Side::Parent { pid, .. }) => joining.channel.tell(&ToParent::Final { pid }, None),
        Err(error) => joining.channel.tell(&ToParent::failed(&error), None),
    };
    clone::exit_now(i32::from(told.is_err()))
}

fn enter(joining: &Joining<'_>, join: &Join) -> Result<()> {
    let (before, after) = &joining.process.affinity;
    let set = |cpus: &Option<rustix::thread::CpuSet>| match cpus {
        Some(cpus) => rustix::thread::sched_setaffinity(None, cpus)
            .map_err(Error::system("set the CPU affinity")),
        None => Ok(()),
    };
    set(before)?;
    join.enter()?;
    set(after)?;
    // Nobody in the container may look into this process, which still has files of the host
    // open; the exec makes it visible again.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(Error::system("become undumpable"))?;
    if joining.namespaces != 0 {
        clone::enter_namespaces(joining.init.as_fd(), joining.namespaces)
            .map_err(Error::system("join the container's namespaces"))?;
    }
    if joining.namespaces & clone::NEW_USER != 0 {
        init::become_root_if_mapped()?;
    }
    Ok(())
}

fn second(mut joining: Joining<'_>) -> ! {
    let Err(error) = become_joined(&mut joining);
    let _ = joining.channel.tell_by_write(&ToParent::failed(&error));
    clone::exit_now(1)
}

fn become_joined(joining: &mut Joining<'_>) -> Result<Infallible> {
    // Until the parent knows this process; it might be faster with its own words.
    if !joining.channel.wait_go()? {
        return Err(init::gone());
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(c"/", flags, Mode::empty()).map_err(Error::file("open", "/"))?;
    let terminal = match joining.stdio {
        ChildStdio::Terminal => {
            let (master, slave) = init::console::open(&root, joining.process.console_size)?;
            joining.channel.tell(&ToParent::Terminal, Some(master.as_fd()))?;
            Some(slave)
        }
        _ => None,
    };
    let stdio = std::mem::replace(&mut joining.stdio, ChildStdio::Inherit);
    take_streams(stdio, terminal, joining.process)?;
    become_program(&mut Becoming {
        process: joining.process,
        channel: &mut joining.channel,
        proc: joining.proc,
        root,
        filter: joining.filter,
        preserve_fds: joining.preserve_fds,
        limits_by_parent: joining.namespaces & clone::NEW_USER != 0,
        start: None,
        ready_early: false,
        start_hooks: None,
    })
}
