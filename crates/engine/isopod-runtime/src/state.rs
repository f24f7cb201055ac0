//! `state.json`: what is known of a container between two calls.
//!
//! One JSON document, `<root>/<id>/state.json`, replaced as a whole by rename so that a reader
//! never sees half of it. It is not synced to the disk: after a power cut no process that it
//! speaks of exists any more. [`State::version`] tells the layout; a newer one is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isopod_oci::runtime::{Hook, LinuxCapabilities, NamespaceKind, Rlimit};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Layout of the state that this code writes.
pub(crate) const VERSION: u32 = 1;

/// Name of the state's file in the container's directory.
const FILE: &str = "state.json";

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

/// How to load the container's filter again; the program lies beside the state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeccompState {
    /// Flags for `seccomp(2)`.
    pub flags: u32,
    /// Socket for the notify descriptor.
    pub listener_path: Option<String>,
    /// Data sent along.
    pub listener_metadata: Option<String>,
}

impl State {
    /// Reads the state from a container's directory; `None` when there is none.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", path)(error)),
        };
        let parsed: Self = serde_json::from_slice(&bytes).map_err(|error| Error::Parse {
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
        Ok(Some(parsed))
    }

    /// Replaces the state in a container's directory.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        let bytes = serde_json::to_vec(self).expect("maps with string keys only");
        isopod_base::files::replace_volatile(&path, &bytes, 0o600).map_err(|error| Error::File {
            action: error.action,
            path: error.path,
            source: error.source,
        })
    }
}
