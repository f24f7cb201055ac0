//! The process of a container, and those of exec sessions.

use super::mounts::INIT_PATH;
use super::{Security, passwd};
use crate::containers::Record;
use crate::error::{Error, Result};
use crate::{CreateExec, Engine, PidMode, Ulimit};
use isopod_oci::runtime::{ConsoleSize, LinuxCapabilities, Process, Rlimit, User};
use std::os::fd::BorrowedFd;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(crate) fn build(
    engine: &Engine,
    record: &Record,
    root: BorrowedFd<'_>,
    security: &Security,
    capabilities: &[String],
    init: bool,
) -> Result<Process> {
    let user = passwd::resolve(root, &record.config.user, &record.host.group_add)?;
    let mut args = record.command_line();
    if init && record.host.pid_mode == PidMode::Private {
        let before = [INIT_PATH, "container-init", "--"];
        args.splice(..0, before.map(str::to_owned));
    }
    Ok(Process {
        terminal: record.config.tty,
        console_size: console_size(record.host.console_size),
        capabilities: Some(sets(capabilities, &user)),
        user,
        args,
        env: environment(engine, record),
        cwd: directory(&record.config.working_dir),
        rlimits: rlimits(&engine.config.ulimits, &record.host.resources.ulimits)?,
        no_new_privileges: security.no_new_privileges,
        apparmor_profile: security.apparmor_profile.clone(),
        selinux_label: security.process_label.clone(),
        oom_score_adj: Some(record.host.oom_score_adj),
        ..Process::default()
    })
}

/// Checks what needs no root file system.
pub(crate) fn check(record: &Record) -> Result<()> {
    if !(-1000..=1000).contains(&record.host.oom_score_adj) {
        return Err(Error::invalid(format_args!(
            "Invalid value {}, range for oom score adj is [-1000, 1000]",
            record.host.oom_score_adj
        )));
    }
    rlimits(&[], &record.host.resources.ulimits).map(|_| ())
}

/// The process of an exec session.
pub(crate) fn exec_process(
    engine: &Engine,
    record: &Record,
    root: BorrowedFd<'_>,
    request: &CreateExec,
    console: Option<[u32; 2]>,
) -> Result<Process> {
    let user = if request.user.is_empty() { &record.config.user } else { &request.user };
    let user = passwd::resolve(root, user, &record.host.group_add)?;
    let security = Security::parse(&record.host)?;
    let mut host = record.host.clone();
    host.privileged |= request.privileged;
    let capabilities = super::capabilities::of(&host)?;
    let mut env = environment(engine, record);
    if request.tty && !record.config.tty {
        set_default(&mut env, "TERM=xterm");
    }
    for entry in &request.env {
        set(&mut env, entry);
    }
    let cwd = if request.working_dir.is_empty() {
        &record.config.working_dir
    } else {
        &request.working_dir
    };
    Ok(Process {
        terminal: request.tty,
        console_size: console_size(console.unwrap_or(request.console_size)),
        capabilities: Some(sets(&capabilities, &user)),
        user,
        args: request.cmd.clone(),
        env,
        cwd: directory(cwd),
        rlimits: rlimits(&engine.config.ulimits, &record.host.resources.ulimits)?,
        no_new_privileges: security.no_new_privileges,
        apparmor_profile: security.apparmor_profile,
        selinux_label: security.process_label,
        oom_score_adj: Some(record.host.oom_score_adj),
        ..Process::default()
    })
}

/// The environment of a container's processes.
pub(crate) fn environment(engine: &Engine, record: &Record) -> Vec<String> {
    let mut env = vec![PATH.to_owned(), format!("HOSTNAME={}", engine.hostname_of(record))];
    if record.config.tty {
        env.push("TERM=xterm".into());
    }
    for entry in &record.config.env {
        set(&mut env, entry);
    }
    env
}

/// Sets `KEY=value`; a bare `KEY` removes it.
fn set(env: &mut Vec<String>, entry: &str) {
    let key = entry.split('=').next().unwrap_or_default();
    let place = env.iter().position(|present| present.split('=').next() == Some(key));
    match (entry.contains('='), place) {
        (true, Some(place)) => entry.clone_into(&mut env[place]),
        (true, None) => env.push(entry.to_owned()),
        (false, Some(place)) => _ = env.remove(place),
        (false, None) => {}
    }
}

fn set_default(env: &mut Vec<String>, entry: &str) {
    let key = entry.split('=').next();
    if !env.iter().any(|present| present.split('=').next() == key) {
        env.push(entry.to_owned());
    }
}

fn directory(path: &str) -> String {
    if path.is_empty() { "/".into() } else { path.to_owned() }
}

/// Who is not root has only the bounding set, as after any exec.
fn sets(capabilities: &[String], user: &User) -> LinuxCapabilities {
    let held = if user.uid == 0 { capabilities.to_vec() } else { Vec::new() };
    LinuxCapabilities {
        bounding: capabilities.to_vec(),
        effective: held.clone(),
        permitted: held,
        ..LinuxCapabilities::default()
    }
}

fn console_size(size: [u32; 2]) -> Option<ConsoleSize> {
    let [height, width] = size.map(|number| u16::try_from(number).unwrap_or(u16::MAX));
    (height != 0 && width != 0).then_some(ConsoleSize { height, width })
}

fn rlimits(defaults: &[Ulimit], own: &[Ulimit]) -> Result<Vec<Rlimit>> {
    let inherited =
        defaults.iter().filter(|default| !own.iter().any(|ulimit| ulimit.name == default.name));
    let limit = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    inherited
        .chain(own)
        .map(|ulimit| {
            if !isopod_base::ulimit::NAMES.contains(&ulimit.name.as_str()) {
                return Err(Error::invalid(format_args!("invalid ulimit type: {}", ulimit.name)));
            }
            let (soft, hard) = (limit(ulimit.soft), limit(ulimit.hard));
            if soft > hard {
                return Err(Error::invalid(format_args!(
                    "ulimit soft limit must be less than or equal to hard limit: {} > {}",
                    ulimit.soft, ulimit.hard
                )));
            }
            Ok(Rlimit { kind: format!("RLIMIT_{}", ulimit.name.to_ascii_uppercase()), soft, hard })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_set_replaced_and_removed() {
        let mut env = vec!["A=1".to_owned(), "B=2".to_owned()];
        for entry in ["A=3", "B", "C=x=y", "D"] {
            set(&mut env, entry);
        }
        assert_eq!(env, ["A=3", "C=x=y"]);
    }

    #[test]
    fn ulimits_are_checked() {
        let ulimit = |name: &str, soft, hard| Ulimit { name: name.into(), soft, hard };
        let limits =
            rlimits(&[ulimit("nofile", 1, 2), ulimit("core", 0, 0)], &[ulimit("nofile", 5, -1)])
                .expect("valid");
        assert_eq!(limits.len(), 2);
        assert_eq!((limits[1].soft, limits[1].hard), (5, u64::MAX));
        assert!(rlimits(&[], &[ulimit("nofile", 3, 2)]).is_err());
        assert!(rlimits(&[], &[ulimit("flights", 1, 2)]).is_err());
    }
}
