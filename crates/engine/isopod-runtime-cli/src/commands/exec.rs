//! `exec`.

use std::path::Path;

use isopod_cgroups::SubGroup;
use isopod_oci::runtime::{LinuxCapabilities, Process, Status};
use isopod_runtime::{Container, ExecOptions, Stdio};

use super::check_terminal;
use super::create::{load_spec, pid_file};
use crate::console;
use crate::error::Error;
use crate::foreground::Foreground;
use crate::globals::Globals;
use crate::parse::Invocation;
use crate::streams;

/// Whatever goes wrong before the process runs gives status 255, since every other one may be
/// the process's own.
pub(crate) fn exec(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    execute(invocation, globals).map_err(|error| Error::Exec(Box::new(error)))
}

fn execute(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let container = globals.container(invocation)?;
    let ignore_paused = invocation.is_on("ignore-paused");
    match container.status()? {
        Status::Stopped => return Err(isopod_runtime::Error::ExecStopped.into()),
        Status::Paused if !ignore_paused => return Err(isopod_runtime::Error::ExecPaused.into()),
        _ => {}
    }
    let detached = invocation.is_on("detach");
    let mut process = process(invocation, &container)?;
    let socket = invocation.value("console-socket").filter(|path| !path.is_empty());
    check_terminal(process.terminal, detached, socket.is_some())?;
    let terminal = process.terminal;
    if terminal && !detached {
        process.console_size = console::caller_size().or(process.console_size.take());
    }
    let mut options = ExecOptions::new(process);
    options.sub_groups = sub_groups(invocation.values("cgroup"))?;
    options.ignore_paused = ignore_paused;
    options.preserve_fds = super::preserved(invocation)?.total;
    options.pid_file = pid_file(invocation)?;
    options.pidfd_socket =
        streams::connect(invocation.value("pidfd-socket"), "connect to pidfd socket")?;
    if terminal {
        let console_socket = streams::connect(socket, "connect to console socket")?;
        options.stdio = Stdio::Terminal { console_socket };
    }
    let foreground = (!detached).then(|| Foreground::prepare(terminal)).transpose()?;
    let started = container.exec(options)?;
    for warning in &started.warnings {
        globals.log.warn(warning);
    }
    match foreground {
        Some(foreground) => foreground.stay(started.pid, started.terminal, None, &globals.log),
        None => Ok(0),
    }
}

/// The process of `--process`, or the container's own with what the flags change.
fn process(invocation: &Invocation, container: &Container) -> Result<Process, Error> {
    if let Some(path) = invocation.value("process").filter(|path| !path.is_empty()) {
        let path = Path::new(path);
        let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
        let process = Process::parse(&bytes)
            .map_err(|source| Error::Parse { path: path.to_owned(), source })?;
        return Ok(process);
    }
    let config = container.state().bundle.join("config.json");
    let mut process = load_spec(&config)?.process.ok_or(Error::NoProcess)?;
    if invocation.rest().is_empty() {
        return Err(Error::NoArguments);
    }
    process.args = invocation.rest().to_vec();
    process.terminal = invocation.is_on("tty");
    change(&mut process, invocation)?;
    Ok(process)
}

fn change(process: &mut Process, invocation: &Invocation) -> Result<(), Error> {
    let given = |name: &str| invocation.value(name).filter(|value| !value.is_empty());
    if let Some(cwd) = given("cwd") {
        process.cwd = cwd.to_owned();
    }
    if let Some(profile) = given("apparmor") {
        process.apparmor_profile = Some(profile.to_owned());
    }
    if let Some(label) = given("process-label") {
        process.selinux_label = Some(label.to_owned());
    }
    if invocation.value("no-new-privs").is_some() {
        process.no_new_privileges = invocation.is_on("no-new-privs");
    }
    process.env.extend(invocation.values("env").map(str::to_owned));
    add_capabilities(process, invocation.values("cap"));
    if let Some(user) = given("user") {
        let (uid, gid) = user.split_once(':').map_or((user, None), |(uid, gid)| (uid, Some(gid)));
        let number = |what: &str, text: &str| {
            text.parse::<u32>().map_err(|_| {
                Error::Argument(format!(
                    "bad {what}: {text:?} of --user {user:?}, expected a number"
                ))
            })
        };
        process.user.uid = number("uid", uid)?;
        if let Some(gid) = gid {
            process.user.gid = number("gid", gid)?;
        }
    }
    for gid in invocation.values("additional-gids").flat_map(|gids| gids.split(',')) {
        let gid = gid.trim().parse::<u32>().map_err(|_| {
            Error::Argument(format!("additional-gids must be a positive number {gid}"))
        })?;
        process.user.additional_gids.push(gid);
    }
    Ok(())
}

/// Adds to the sets that matter after an exec; to the ambient one only if the container uses
/// it, that is, if something can be inherited.
fn add_capabilities<'a>(process: &mut Process, names: impl Iterator<Item = &'a str>) {
    for name in names {
        let sets = process.capabilities.get_or_insert_with(LinuxCapabilities::default);
        let inherits = !sets.inheritable.is_empty();
        for set in [&mut sets.bounding, &mut sets.effective, &mut sets.permitted] {
            set.push(name.to_owned());
        }
        if inherits {
            sets.ambient.push(name.to_owned());
        }
    }
}

/// `PATH` on version 2, `CONTROLLER[,CONTROLLER…]:PATH` on version 1.
fn sub_groups<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Vec<SubGroup>, Error> {
    let mut groups: Vec<SubGroup> = Vec::new();
    for argument in arguments {
        let invalid = |why: String| {
            Err(Error::Argument(format!("invalid --cgroup argument: {argument} ({why})")))
        };
        let (controllers, path) = match argument.split_once(':') {
            Some((controllers, path)) => {
                (controllers.split(',').map(str::to_owned).collect(), path)
            }
            None => (Vec::new(), argument),
        };
        if controllers.iter().any(String::is_empty) {
            return invalid("empty <controller> prefix".to_owned());
        }
        let seen = |name: &String| groups.iter().any(|group| group.controllers.contains(name));
        if let Some(twice) = controllers.iter().find(|name| seen(name)) {
            return invalid(format!("controller {twice} specified multiple times"));
        }
        groups.push(SubGroup { controllers, path: path.into() });
    }
    if groups.len() > 1 && groups.iter().any(|group| group.controllers.is_empty()) {
        return Err(Error::Argument(
            "invalid --cgroup argument: missing <controller>: prefix".to_owned(),
        ));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_below() {
        let group = |controllers: &[&str], path: &str| SubGroup {
            controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
            path: path.into(),
        };
        for (arguments, expected) in [
            (&["sub"][..], vec![group(&[], "sub")]),
            (
                &["cpu,memory:a", "pids:b"],
                vec![group(&["cpu", "memory"], "a"), group(&["pids"], "b")],
            ),
            (&[], vec![]),
        ] {
            assert_eq!(sub_groups(arguments.iter().copied()).expect("valid"), expected);
        }
        for arguments in
            [&[":a"][..], &["cpu,:a"], &["a", "b"], &["cpu:a", "b"], &["cpu:a", "cpu:b"]]
        {
            sub_groups(arguments.iter().copied()).expect_err(arguments[0]);
        }
    }
}
