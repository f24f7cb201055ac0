//! Groups made by systemd: one transient scope (or slice) for a container.
//!
//! systemd must know of the groups below its own, or it may move or remove them, so it is
//! asked to make them, over its private socket (or the bus), by a client of D-Bus that knows
//! just what is needed. What systemd has no property for is written to the files afterwards.

mod annotation;
mod dbus;
mod device_properties;
mod properties;
mod unit;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use isopod_oci::runtime::LinuxResources;

use crate::config::Paths;
use dbus::{Connection, Value};

pub(crate) use annotation::parse as annotated;
pub use unit::Unit;

const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT_EXISTS: &str = "org.freedesktop.systemd1.UnitExists";
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";

/// How long a unit may take to start or stop.
const JOB_TIMEOUT: Duration = Duration::from_secs(30);

/// What can go wrong with systemd.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine was not booted with systemd.
    #[error("systemd is not running on this host (no directory /run/systemd/system)")]
    NotRunning,
    /// systemd cannot make version 1 groups for an ordinary user.
    #[error("cannot use rootless systemd cgroups manager on cgroup v1")]
    RootlessV1,
    /// No socket of systemd could be reached.
    #[error("connecting to systemd at {path}")]
    Connect {
        /// The last socket that was tried.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// The connection failed.
    #[error("talking to systemd: {during}")]
    Io {
        /// What was being done.
        during: &'static str,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// systemd said something that is not D-Bus.
    #[error("systemd's answer is not understood: {0}")]
    Protocol(&'static str),
    /// systemd refused.
    #[error("systemd: {method}: {message} ({name})")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// Name of the error.
        name: String,
        /// Its text.
        message: String,
    },
    /// The unit did not start.
    #[error("error creating systemd unit `{unit}`: got `{result}`")]
    Job {
        /// The unit.
        unit: String,
        /// What became of the job.
        result: String,
    },
    /// The unit took too long.
    #[error("timeout of {} seconds waiting for systemd to handle unit `{unit}`", JOB_TIMEOUT.as_secs())]
    Timeout {
        /// The unit.
        unit: String,
    },
    /// `cgroupsPath` is not of the systemd driver's form.
    #[error(
        "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got {path:?} instead"
    )]
    Path {
        /// The path.
        path: String,
    },
    /// A slice's name makes no sense.
    #[error("invalid slice name: {name:?}")]
    Slice {
        /// The name.
        name: String,
    },
    /// An annotation for a property makes no sense.
    #[error("annotation org.systemd.property.{name}: {value:?} is not valid, expected {expected}")]
    Annotation {
        /// The property.
        name: String,
        /// Its value.
        value: String,
        /// What would do.
        expected: &'static str,
    },
}

type Result<T> = std::result::Result<T, Error>;

/// What is still to be done when the container's first process is there.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) id: String,
    pub(crate) resources: LinuxResources,
    pub(crate) properties: Vec<(String, Value)>,
    pub(crate) owner: Option<u32>,
}

/// Fails unless the machine was booted with systemd.
pub(crate) fn require() -> Result<()> {
    if Path::new("/run/systemd/system").is_dir() { Ok(()) } else { Err(Error::NotRunning) }
}

/// Starts the unit around process `pid`.
pub(crate) fn start(
    unit: &Unit,
    pending: &Pending,
    paths: &Paths,
    pid: i32,
) -> std::result::Result<(), crate::Error> {
    let mut connection = Connection::open(paths.rootless)?;
    let version = version(&mut connection);
    let mut all = properties::for_start(unit, &pending.id, paths, pid);
    all.extend(properties::for_resources(&pending.resources, paths.mode, version)?);
    all.extend(pending.properties.iter().cloned());
    let args = [
        Value::Str(unit.name().to_owned()),
        Value::Str("replace".to_owned()),
        Value::Properties(all),
        Value::NoAuxiliaryUnits,
    ];
    let job = match connection.call(MANAGER, "StartTransientUnit", &args) {
        // A failed unit of the same name may have been left behind.
        Err(Error::Refused { name, .. }) if name == UNIT_EXISTS => {
            reset_failed(&mut connection, unit);
            connection.call(MANAGER, "StartTransientUnit", &args)?
        }
        other => other?,
    };
    let result = wait(&mut connection, unit, &job.object_path()?)?;
    if result != "done" {
        reset_failed(&mut connection, unit);
        return Err(Error::Job { unit: unit.name().to_owned(), result }.into());
    }
    Ok(())
}

/// Tells systemd of changed limits.
pub(crate) fn update(
    unit: &Unit,
    resources: &LinuxResources,
    paths: &Paths,
) -> std::result::Result<(), crate::Error> {
    let mut connection = Connection::open(paths.rootless)?;
    let version = version(&mut connection);
    let changed = properties::for_resources(resources, paths.mode, version)?;
    let args = [Value::Str(unit.name().to_owned()), Value::Bool(true), Value::Properties(changed)];
    connection.call(MANAGER, "SetUnitProperties", &args)?;
    Ok(())
}

/// Stops the unit; one that is gone is no error.
pub(crate) fn stop(unit: &Unit, rootless: bool) -> Result<()> {
    let mut connection = Connection::open(rootless)?;
    let args = [Value::Str(unit.name().to_owned()), Value::Str("replace".to_owned())];
    match connection.call(MANAGER, "StopUnit", &args) {
        Ok(job) => {
            // Whatever became of the job, what is left of the groups is removed afterwards.
            wait(&mut connection, unit, &job.object_path()?)?;
        }
        Err(Error::Refused { name, .. }) if name == NO_SUCH_UNIT => {}
        Err(error) => return Err(error),
    }
    reset_failed(&mut connection, unit);
    Ok(())
}

/// The group of the user's own systemd, below which it makes its units.
pub(crate) fn user_manager_group() -> Result<PathBuf> {
    let mut connection = Connection::open(true)?;
    Ok(property(&mut connection, "ControlGroup")?.into())
}

fn property(connection: &mut Connection, name: &str) -> Result<String> {
    let args = [Value::Str(MANAGER.to_owned()), Value::Str(name.to_owned())];
    connection.call("org.freedesktop.DBus.Properties", "Get", &args)?.string_variant()
}

/// The number in `252.39-1~deb12u1` or `v245`; 0, the oldest, if it cannot be had.
fn version(connection: &mut Connection) -> u32 {
    property(connection, "Version").map_or(0, |text| parse_version(&text))
}

fn parse_version(text: &str) -> u32 {
    let text = text.trim_start_matches(['"', 'v']);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}

/// Lets systemd forget a failed unit; there may be none, so the answer does not matter.
fn reset_failed(connection: &mut Connection, unit: &Unit) {
    let args = [Value::Str(unit.name().to_owned())];
    let _none_to_forget = connection.call(MANAGER, "ResetFailedUnit", &args);
}

/// Waits for `JobRemoved(id, job, unit, result)`.
fn wait(connection: &mut Connection, unit: &Unit, job: &str) -> Result<String> {
    let deadline = Instant::now() + JOB_TIMEOUT;
    loop {
        let Some(signal) = connection.next_signal("JobRemoved", deadline)? else {
            return Err(Error::Timeout { unit: unit.name().to_owned() });
        };
        let (finished, result) = signal.job_removed()?;
        if finished == job {
            return Ok(result);
        }
    }
}

#[cfg(test)]
mod tests;
