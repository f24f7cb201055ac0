//! `state.json`: what is known of a container between two calls.
//!
//! One JSON document, `<root>/<id>/state.json`, replaced as a whole by rename so that a reader
//! never sees half of it. It is not synced to the disk: after a power cut no process that it
//! speaks of exists any more. [`State::version`] tells the layout; a newer one is refused.
//!
//! While a container is being made, the same document is called `creating.json`. It is there
//! before anything that would have to be removed by somebody else after a crash. A reader may
//! find it half written, which is before that, and counts as none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isopod_oci::runtime::{Hook, LinuxCapabilities, NamespaceKind, Rlimit};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::procfs;

/// Layout of the state that this code writes.
pub(crate) const VERSION: u32 = 2;

/// Name of the state's file in the container's directory.
const FILE: &str = "state.json";
/// Its name while the container is being made.
const DRAFT: &str = "creating.json";

/// Everything durable about a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Layout of this document.
    pub version: u32,
    /// `ociVersion` of the configuration.
    pub oci_version: String,
    /// The container's id.
    pub id: String,
    /// Process id of its init; 0 while there is none yet.
    pub pid: i32,
    /// Start time of the init in clock ticks since boot (`/proc/PID/stat`, field 22), by which
    /// a reused process id is recognised.
    pub start_time: u64,
    /// When it was made, RFC 3339 in UTC.
    pub created: String,
    /// Absolute path of the bundle.
    pub bundle: PathBuf,
    /// Absolute path of the root file system.
    pub rootfs: PathBuf,
    /// Annotations of the configuration.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// User id of who made it.
    pub owner: u32,
    /// Whether it was made without the host's root rights.
    pub rootless: bool,
    /// Its cgroups; absent where there are none to be had.
    pub cgroup: Option<isopod_cgroups::Paths>,
    /// Namespaces that it does not share with who made it.
    pub namespaces: Vec<NamespaceKind>,
    /// What a process joining the container takes over.
    pub defaults: ProcessDefaults,
    /// Hooks that are still to run.
    #[serde(default)]
    pub poststart: Vec<Hook>,
    /// Hooks for after the container is gone.
    #[serde(default)]
    pub poststop: Vec<Hook>,
    /// The loaded filter, if there is one.
    pub seccomp: Option<SeccompState>,
    /// Whether the container is still being made.
    #[serde(skip)]
    pub(crate) is_draft: bool,
}

/// What a joining process takes over when it does not say otherwise.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessDefaults {
    /// Capability sets.
    pub capabilities: Option<LinuxCapabilities>,
    /// Resource limits.
    pub rlimits: Vec<Rlimit>,
    /// `no_new_privs`.
    pub no_new_privileges: bool,
    /// AppArmor profile.
    pub apparmor_profile: Option<String>,
    /// SELinux label.
    pub selinux_label: Option<String>,
    /// OOM score adjustment.
    pub oom_score_adj: Option<i32>,
    /// Value for `personality(2)`.
    pub personality: Option<u32>,
}

/// How to load the container's filter again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeccompState {
    /// Flags for `seccomp(2)`.
    pub flags: u32,
    /// Its instructions, as the kernel takes them (`struct sock_filter`).
    #[serde(default)]
    pub program: Vec<u64>,
    /// Whether its notifications go to a listener.
    #[serde(default)]
    pub wants_listener: bool,
    /// Socket for the notify descriptor.
    pub listener_path: Option<String>,
    /// Data sent along.
    pub listener_metadata: Option<String>,
}

impl State {
    /// Reads the state from a container's directory; `None` when there is none.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>> {
        // In this order again: it may have been renamed between the two looks.
        for name in [FILE, DRAFT, FILE] {
            let path = directory.join(name);
            match std::fs::read(&path) {
                Ok(bytes) if name == FILE => return Self::parse(path, &bytes).map(Some),
                Ok(bytes) => {
                    return Ok(Self::parse(path, &bytes)
                        .ok()
                        .map(|state| Self { is_draft: true, ..state }));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::file("read", path)(error)),
            }
        }
        Ok(None)
    }

    fn parse(path: PathBuf, bytes: &[u8]) -> Result<Self> {
        let parsed: Self = serde_json::from_slice(bytes).map_err(|error| Error::Parse {
            path: path.clone(),
            source: isopod_oci::ParseError {
                document: "container state",
                line: error.line(),
                column: error.column(),
                message: error.to_string(),
            },
        })?;
        if parsed.version > VERSION {
            return Err(Error::unsupported(
                path.display().to_string(),
                format!(
                    "written in layout {} by a newer version, expected {VERSION} or older",
                    parsed.version
                ),
            ));
        }
        Ok(parsed)
    }

    /// Notes the process that was made.
    pub(crate) fn set_process(&mut self, pid: i32) -> Result<()> {
        self.pid = pid;
        self.start_time = procfs::start_time(pid)?
            .ok_or_else(|| Error::InitDied { how: "during its preparation".into() })?;
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("maps with string keys only")
    }

    /// Stores the state of a container that is being made, in its fresh directory.
    pub(crate) fn draft(&self, directory: &Path) -> Result<Draft> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = directory.join(DRAFT);
        let bytes = self.encode();
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(Error::file("write", &path))?;
        Ok(Draft { path, bytes })
    }
}

/// A state that was stored while its container was being made.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Draft {
    /// From now on the container is made, and this is its state.
    pub(crate) fn publish(self, state: &State, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        let bytes = state.encode();
        if bytes == self.bytes {
            return std::fs::rename(&self.path, &path).map_err(Error::file("rename", self.path));
        }
        isopod_base::files::replace_volatile(&path, &bytes, 0o600).map_err(|error| {
            Error::File { action: error.action, path: error.path, source: error.source }
        })?;
        std::fs::remove_file(&self.path).map_err(Error::file("remove", self.path))
    }
}

/// Removes a container's directory; one that is gone already is no error.
pub(crate) fn remove(directory: &Path) -> Result<()> {
    // Usually there is nothing but the state, and nothing to look for.
    let _other_files = std::fs::remove_file(directory.join(FILE));
    match std::fs::remove_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
            std::fs::remove_dir_all(directory)
        }
        other => other,
    }
    .or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(Error::file("remove", directory)(error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(pid: i32) -> State {
        State {
            version: VERSION,
            oci_version: "1.2.0".into(),
            id: "x".into(),
            pid,
            start_time: 1,
            created: String::new(),
            bundle: "/b".into(),
            rootfs: "/b/r".into(),
            annotations: BTreeMap::new(),
            owner: 0,
            rootless: false,
            cgroup: None,
            namespaces: Vec::new(),
            defaults: ProcessDefaults::default(),
            poststart: Vec::new(),
            poststop: Vec::new(),
            seccomp: None,
            is_draft: false,
        }
    }

    fn read(directory: &Path) -> Option<(i32, bool)> {
        State::read(directory).expect("reads").map(|state| (state.pid, state.is_draft))
    }

    #[test]
    fn a_draft_is_one_until_it_is_published() {
        for pid_in_the_end in [7, 8] {
            let dir = tempfile::tempdir().expect("temporary directory");
            assert_eq!(read(dir.path()), None);
            let draft = state(7).draft(dir.path()).expect("stores");
            assert_eq!(read(dir.path()), Some((7, true)));
            draft.publish(&state(pid_in_the_end), dir.path()).expect("publishes");
            assert_eq!(read(dir.path()), Some((pid_in_the_end, false)));
            assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1);
        }
    }

    #[test]
    fn half_a_draft_is_none() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let bytes = state(7).encode();
        for length in 0..bytes.len() {
            std::fs::write(dir.path().join(DRAFT), &bytes[..length]).expect("writes");
            assert_eq!(read(dir.path()), None, "{length}");
        }
        std::fs::write(dir.path().join(FILE), &bytes[..9]).expect("writes");
        assert!(State::read(dir.path()).is_err(), "half a state is damage");
    }

    #[test]
    fn whatever_is_in_a_directory_is_removed_with_it() {
        let dir = tempfile::tempdir().expect("temporary directory");
        for files in [&[][..], &[FILE], &[DRAFT], &[FILE, DRAFT, "start.sock"]] {
            let container = dir.path().join("c");
            std::fs::create_dir(&container).expect("makes");
            for file in files {
                std::fs::write(container.join(file), b"x").expect("writes");
            }
            remove(&container).expect("removes");
            assert!(!container.exists(), "{files:?}");
        }
        remove(&dir.path().join("c")).expect("is gone already");
    }
}
