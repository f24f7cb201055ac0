//! The set of containers under one root directory, and the handle of one container.

use std::path::{Path, PathBuf};

use isopod_oci::runtime::{LinuxResources, Status};
use rustix::process::Signal;

use crate::error::{Error, Result};
use crate::options::{CreateOptions, Created, Exec, ExecOptions};
use crate::state::State;
use crate::{create, exec, lifecycle};

/// Longest id accepted; its directory and the groups named after it must be possible.
const ID_LIMIT: usize = 255;

/// The containers whose state lies under one directory.
#[derive(Debug, Clone)]
pub struct Runtime {
    root: PathBuf,
    systemd_cgroup: bool,
    rootless: Option<bool>,
}

impl Runtime {
    /// A runtime that keeps its state under `root`; nothing is touched yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), systemd_cgroup: false, rootless: None }
    }

    /// Asks systemd for cgroups instead of making them in the file system.
    #[must_use]
    pub fn systemd_cgroup(mut self, on: bool) -> Self {
        self.systemd_cgroup = on;
        self
    }

    /// Overrides what is found out by the effective user id: whether failures that come from
    /// not being root are to be expected and, where nothing was asked for, ignored.
    #[must_use]
    pub fn rootless(mut self, on: Option<bool>) -> Self {
        self.rootless = on;
        self
    }

    /// The directory that holds the state.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a container; its process waits for [`Container::start`].
    pub fn create(&self, id: &str, options: CreateOptions) -> Result<Created> {
        create::create(self, id, options, create::Mode::Create)
    }

    /// Makes a container and starts its process.
    pub fn run(&self, id: &str, options: CreateOptions) -> Result<Created> {
        create::create(self, id, options, create::Mode::Run)
    }

    /// Finds a container, whole or half-made.
    pub fn load(&self, id: &str) -> Result<Container> {
        check_id(id)?;
        let directory = self.directory(id);
        match State::read(&directory)? {
            Some(state) => Ok(Container { directory, state: Box::new(state) }),
            None => Err(Error::NotFound { id: id.to_owned() }),
        }
    }

    /// Removes what a crash during `create` left of a container that [`Runtime::load`] does
    /// not find. Gives whether there was anything.
    pub fn delete_remains(&self, id: &str) -> Result<bool> {
        check_id(id)?;
        lifecycle::delete_remains(&self.directory(id))
    }

    /// Every container, by id; those whose state cannot be read come with the error.
    pub fn list(&self) -> Result<Vec<(String, Result<Container>)>> {
        let entries = match std::fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", &self.root)(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("read", &self.root))?;
            if let Ok(name) = entry.file_name().into_string()
                && check_id(&name).is_ok()
                && entry.path().is_dir()
            {
                ids.push(name);
            }
        }
        ids.sort_unstable();
        Ok(ids
            .into_iter()
            .filter_map(|id| match self.load(&id) {
                Err(Error::NotFound { .. }) => None,
                found => Some((id, found)),
            })
            .collect())
    }

    pub(crate) fn directory(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    pub(crate) fn uses_systemd(&self) -> bool {
        self.systemd_cgroup
    }

    pub(crate) fn is_rootless(&self) -> bool {
        self.rootless.unwrap_or_else(|| !rustix::process::geteuid().is_root())
    }
}

/// One container.
#[derive(Debug)]
pub struct Container {
    directory: PathBuf,
    state: Box<State>,
}

impl Container {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.state.id
    }

    /// What is stored about it.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The directory that holds its state.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where it is in its life now.
    pub fn status(&self) -> Result<Status> {
        lifecycle::status(self)
    }

    /// The state as the specification has it, for `state` and for hooks.
    pub fn oci_state(&self) -> Result<isopod_oci::runtime::State> {
        let status = self.status()?;
        Ok(lifecycle::oci_state(&self.state, status, self.state.pid))
    }

    /// Process id of the init; `None` once it has ended.
    pub fn init(&self) -> Result<Option<i32>> {
        Ok(lifecycle::live_init(&self.state)?.map(|_| self.state.pid))
    }

    /// Lets the process of a created container go.
    pub fn start(&self) -> Result<()> {
        lifecycle::start(self)
    }

    /// Sends a signal to the init, or with `all` to every process of the container.
    pub fn kill(&self, signal: Signal, all: bool) -> Result<()> {
        lifecycle::kill(self, signal, all)
    }

    /// Removes a stopped container; with `force` its processes are killed first, and one that
    /// is gone already is no error.
    pub fn delete(self, force: bool) -> Result<()> {
        lifecycle::delete(self, force)
    }

    /// Runs one more process in the container.
    pub fn exec(&self, options: ExecOptions) -> Result<Exec> {
        exec::exec(self, options)
    }

    /// Freezes its processes.
    pub fn pause(&self) -> Result<()> {
        lifecycle::pause(self)
    }

    /// Thaws its processes.
    pub fn resume(&self) -> Result<()> {
        lifecycle::resume(self)
    }

    /// Changes its limits.
    pub fn update(&self, resources: &LinuxResources) -> Result<()> {
        Ok(self.cgroup()?.apply(resources)?)
    }

    /// Process ids of all its processes, in sub-groups too.
    pub fn processes(&self) -> Result<Vec<i32>> {
        lifecycle::processes(self)
    }

    /// Its cgroups: statistics, OOM events and paths are read there.
    pub fn cgroup(&self) -> Result<isopod_cgroups::Manager> {
        match &self.state.cgroup {
            Some(paths) => Ok(isopod_cgroups::Manager::load(paths)?),
            None => Err(Error::unsupported(
                "cgroups",
                format!("container {:?} has none", self.state.id),
            )),
        }
    }
}

/// Whether `id` may name a container: what runc accepts, so that ids and directories are one.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let reason = if id.is_empty() {
        "expected at least one character"
    } else if id.len() > ID_LIMIT {
        "expected at most 255 characters"
    } else if id == "." || id == ".." || id.starts_with('.') {
        "must not begin with a dot"
    } else if !id
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-' | b'.'))
    {
        "expected only letters, digits, _, +, - and ."
    } else {
        return Ok(());
    };
    Err(Error::InvalidId { id: id.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_names_of_directories_and_nothing_else() {
        for id in ["a", "A.b_c+d-9", "x..y", "9"] {
            assert!(check_id(id).is_ok(), "{id}");
        }
        for id in ["", ".", "..", ".cache", "a/b", "../a", "a b", "ä", "a\0"] {
            assert!(check_id(id).is_err(), "{id}");
        }
        assert!(check_id(&"a".repeat(256)).is_err());
    }
}
