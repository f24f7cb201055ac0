//! Commands that change a container's state: `start`, `kill`, `delete`, `pause`, `resume`.

use isopod_oci::runtime::Status;
use isopod_runtime::ErrorKind;
use isopod_sys::signal_fd;
use rustix::process::Signal;

use crate::error::Error;
use crate::globals::Globals;
use crate::notify::{self, Notify};
use crate::parse::Invocation;

pub(crate) fn start(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let container = globals.container(invocation)?;
    if let status @ (Status::Paused | Status::Creating) = container.status()? {
        return Err(Error::StartState { status });
    }
    let notify = match notify::host() {
        Some(host) => Notify::bind(globals.runtime.root(), container.id(), host)?,
        None => None,
    };
    container.start()?;
    if let Some(notify) = notify {
        notify.wait(container.state().pid, &globals.log);
    }
    Ok(0)
}

pub(crate) fn kill(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let text = invocation.rest().first().map_or("SIGTERM", String::as_str);
    let all = invocation.is_on("all");
    let container = globals.container(invocation)?;
    let Some(signal) = signal(text)? else {
        // Signal 0 only asks whether there is a process.
        return match container.init()? {
            Some(_) => Ok(0),
            None => Err(isopod_runtime::Error::NotRunning { id: container.id().to_owned() }.into()),
        };
    };
    match container.kill(signal, all) {
        // With --all the processes may be gone by themselves.
        Err(error) if all && error.kind() == ErrorKind::NotRunning => Ok(0),
        other => Ok(other.map(|()| 0)?),
    }
}

pub(crate) fn delete(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let id = invocation.id()?;
    let force = invocation.is_on("force");
    let container = match globals.runtime.load(id) {
        Ok(container) => container,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            globals.runtime.delete_remains(id)?;
            notify::clean_up(globals.runtime.root(), id);
            return if force { Ok(0) } else { Err(error.into()) };
        }
        Err(error) => return Err(error.into()),
    };
    // A container that was never started may be deleted as it is.
    let force = force || container.status()? == Status::Created;
    container.delete(force)?;
    notify::clean_up(globals.runtime.root(), id);
    Ok(0)
}

pub(crate) fn pause(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    globals.container(invocation)?.pause()?;
    Ok(0)
}

pub(crate) fn resume(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    globals.container(invocation)?.resume()?;
    Ok(0)
}

/// Reads a number, a name, or `RTMIN+n` and `RTMAX-n`; nothing for signal 0.
fn signal(text: &str) -> Result<Option<Signal>, Error> {
    let unknown = || Error::UnknownSignal { signal: text.to_owned() };
    let number = match text.trim_start_matches('-').parse::<i32>() {
        Ok(number) => number,
        Err(_) => isopod_base::signals::number(text).ok_or_else(unknown)?,
    };
    if number == 0 {
        return Ok(None);
    }
    signal_fd::from_number(number).map(Some).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals() {
        for (text, number) in [
            ("KILL", 9),
            ("SIGKILL", 9),
            ("sigterm", 15),
            ("hup", 1),
            ("9", 9),
            ("-9", 9),
            ("37", 37),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("rtmax", 64),
        ] {
            let found = signal(text).expect(text).expect("not 0").as_raw();
            assert_eq!(found, number, "{text}");
        }
        assert_eq!(signal("0").expect("valid"), None);
        for text in ["", "SIG", "FOO", "99", "RTMIN+31", "RTMIN+x", "32"] {
            assert_eq!(
                signal(text).expect_err(text).to_string(),
                format!("unknown signal {text:?}")
            );
        }
    }
}
