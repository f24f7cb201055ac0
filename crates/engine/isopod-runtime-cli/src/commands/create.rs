//! `create` and `run`.

use std::path::{Path, PathBuf};

use isopod_oci::runtime::Spec;
use isopod_runtime::{CreateOptions, Created, Stdio};

use super::{Preserved, check_terminal};
use crate::console;
use crate::error::Error;
use crate::foreground::Foreground;
use crate::globals::{self, Globals};
use crate::notify::{self, Notify};
use crate::parse::Invocation;
use crate::streams;

pub(crate) fn create(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let id = invocation.id()?;
    let options = options(invocation, globals, true)?;
    match globals.runtime.create(id, options) {
        Ok(created) => {
            warn(&created, globals);
            Ok(0)
        }
        Err(error) => {
            clean_up_after(&error, globals, id);
            Err(Error::Create(error))
        }
    }
}

pub(crate) fn run_container(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let id = invocation.id()?;
    let detached = invocation.is_on("detach");
    let options = options(invocation, globals, detached)?;
    if !invocation.is_on("no-subreaper") {
        // Without it, what a container leaves behind goes to the machine's init instead.
        let subreaper = rustix::process::getpid();
        if let Err(errno) = rustix::process::set_child_subreaper(Some(subreaper)) {
            globals.log.warn(&format!("becoming the reaper of the container's orphans: {errno}"));
        }
    }
    let notify = match notify::host() {
        Some(host) => Notify::bind(globals.runtime.root(), id, host)?,
        None => None,
    };
    let terminal = matches!(options.stdio, Stdio::Terminal { .. });
    let foreground = (!detached).then(|| Foreground::prepare(terminal)).transpose()?;
    let created = match globals.runtime.run(id, options) {
        Ok(created) => created,
        Err(error) => {
            clean_up_after(&error, globals, id);
            return Err(Error::Run(error));
        }
    };
    warn(&created, globals);
    let Some(foreground) = foreground else {
        if let Some(notify) = notify {
            notify.wait(created.pid, &globals.log);
        }
        return Ok(0);
    };
    // Read while the process runs, for there is nothing else to do then.
    let container = globals.runtime.load(id);
    let status = foreground.stay(created.pid, created.terminal, notify, &globals.log);
    if !invocation.is_on("keep") {
        let removed = container.and_then(|container| container.delete(true));
        if let Err(error) = removed {
            globals.log.warn(&isopod_base::chain(&error).to_string());
        }
        notify::clean_up(globals.runtime.root(), id);
    }
    status
}

/// A container that was there before keeps its socket.
fn clean_up_after(error: &isopod_runtime::Error, globals: &Globals, id: &str) {
    if error.kind() != isopod_runtime::ErrorKind::AlreadyExists {
        notify::clean_up(globals.runtime.root(), id);
    }
}

fn warn(created: &Created, globals: &Globals) {
    for warning in &created.warnings {
        globals.log.warn(warning);
    }
}

fn options(
    invocation: &Invocation,
    globals: &Globals,
    detached: bool,
) -> Result<CreateOptions, Error> {
    let bundle = globals::absolute(Path::new(invocation.value("bundle").unwrap_or("")))?;
    let mut spec = load_spec(&bundle.join("config.json"))?;
    let process = spec.process.as_mut().ok_or(Error::NoProcess)?;
    let socket = invocation.value("console-socket").filter(|path| !path.is_empty());
    check_terminal(process.terminal, detached, socket.is_some())?;
    let Preserved { listening, total } = super::preserved(invocation)?;
    if listening > 0 {
        process.env.extend([format!("LISTEN_FDS={listening}"), "LISTEN_PID=1".to_owned()]);
    }
    let terminal = process.terminal;
    if terminal && !detached {
        process.console_size = console::caller_size().or(process.console_size.take());
    }
    if notify::host().is_some() {
        notify::set_up(&mut spec, globals.runtime.root(), invocation.id()?)?;
    }
    let mut options = CreateOptions::parsed(spec, bundle);
    if terminal {
        let console_socket = streams::connect(socket, "connect to console socket")?;
        options.stdio = Stdio::Terminal { console_socket };
    }
    options.pid_file = pid_file(invocation)?;
    options.pidfd_socket =
        streams::connect(invocation.value("pidfd-socket"), "connect to pidfd socket")?;
    options.preserve_fds = total;
    options.no_pivot = invocation.is_on("no-pivot");
    options.no_new_keyring = invocation.is_on("no-new-keyring");
    Ok(options)
}

/// The file for the process id, absolute.
pub(super) fn pid_file(invocation: &Invocation) -> Result<Option<PathBuf>, Error> {
    invocation
        .value("pid-file")
        .filter(|path| !path.is_empty())
        .map(|path| globals::absolute(Path::new(path)))
        .transpose()
}

/// Reads a `config.json`.
pub(super) fn load_spec(path: &Path) -> Result<Spec, Error> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NoSpec { path: path.to_owned() });
        }
        other => other.map_err(Error::file("read", path))?,
    };
    Spec::parse(&bytes).map_err(|source| Error::Parse { path: path.to_owned(), source })
}
