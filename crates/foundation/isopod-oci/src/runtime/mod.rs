//! `config.json`: the OCI runtime specification 1.2, Linux part.
//!
//! Field names and meanings follow `config.md` and `config-linux.md` of the specification.
//! Absent and `null` are the same; unknown fields are ignored, as the specification asks.

mod hooks;
mod linux;
mod process;
mod resources;
mod seccomp;
mod state;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ParseError, null_is_default};

pub use hooks::{Hook, Hooks};
pub use linux::{
    IdMapping, Linux, LinuxDevice, LinuxIntelRdt, LinuxNetDevice, LinuxPersonality,
    LinuxTimeOffset, Namespace, NamespaceKind, TimeOffsets,
};
pub use process::{
    ConsoleSize, CpuAffinity, IoPriority, IoPriorityClass, LinuxCapabilities, Process, Rlimit,
    Scheduler, User,
};
pub use resources::{
    LinuxBlockIo, LinuxCpu, LinuxDeviceCgroup, LinuxHugepageLimit, LinuxInterfacePriority,
    LinuxMemory, LinuxNetwork, LinuxPids, LinuxRdma, LinuxResources, LinuxThrottleDevice,
    LinuxWeightDevice,
};
pub use seccomp::{LinuxSeccomp, SeccompArg, SeccompRule};
pub use state::{ContainerProcessState, State, Status};

/// The newest version of the runtime specification that these types describe.
pub const VERSION: &str = "1.2.0";

/// A whole `config.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// Version of the specification that the document was written for.
    pub oci_version: String,
    /// The container's process; absent for containers that are only created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The root file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// Host name, set in the container's UTS namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// NIS domain name, set in the container's UTS namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domainname: Option<String>,
    /// Mounts in the order in which they are made.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Programs to run at the stages of the container's life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// Free-form annotations.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// All that is particular to Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux: Option<Linux>,
}

impl Spec {
    /// Reads a `config.json`; the error names line and column.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        crate::parse("config.json", bytes)
    }
}

/// The root file system of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Root {
    /// Path of the root file system, relative to the bundle unless absolute.
    pub path: String,
    /// Whether the root is remounted read-only before the process starts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub readonly: bool,
}

/// One mount of `mounts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mount {
    /// Where it is mounted, inside the container.
    pub destination: String,
    /// File system type; absent or `none` for bind mounts.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Device, file or directory to mount; relative to the bundle for bind mounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Options as in fstab, and the runtime's own (`rbind`, `rro`, `idmap`, `tmpcopyup` ...).
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// User id mappings of an idmapped mount.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub uid_mappings: Vec<IdMapping>,
    /// Group id mappings of an idmapped mount.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub gid_mappings: Vec<IdMapping>,
}

#[cfg(test)]
mod tests;
