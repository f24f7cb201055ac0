//! What a container wants of the control groups, and where its groups are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isopod_oci::runtime::LinuxResources;

use crate::error::{Error, Result};
use crate::hierarchy::{Hierarchy, Mode};
use crate::systemd::Unit;

/// Who makes the groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// Directories are made directly.
    #[default]
    Cgroupfs,
    /// systemd is asked for a transient unit.
    Systemd,
}

/// The groups of a new container.
#[derive(Debug, Clone, Copy)]
pub struct Config<'a> {
    /// The container.
    pub id: &'a str,
    /// `linux.cgroupsPath`: for [`Driver::Cgroupfs`] a path, from the root of the mounts if
    /// absolute, else from the group of this process; for [`Driver::Systemd`]
    /// `slice:prefix:name`. Absent or empty: made from `id`.
    pub path: Option<&'a str>,
    /// `linux.resources`.
    pub resources: &'a LinuxResources,
    /// Who makes the groups.
    pub driver: Driver,
    /// Whether missing permission is no error as long as no limit was asked for.
    pub rootless: bool,
    /// The host user to whom a version 2 group is delegated, for a container with a user
    /// namespace, a cgroup namespace and a writable cgroup mount.
    pub owner: Option<u32>,
    /// Further properties of the systemd unit, as `(name, value)` with the value in the
    /// syntax of GVariant text, from the annotations `org.systemd.property.NAME`.
    pub properties: &'a [(String, String)],
}

/// Where a container's groups are: what is stored to find them again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paths {
    /// How the machine mounted its control groups when they were made.
    pub mode: Mode,
    /// Directory by controller; `""` is the version 2 tree.
    pub groups: BTreeMap<String, PathBuf>,
    /// The systemd unit that they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Whether missing permission is no error.
    #[serde(default)]
    pub rootless: bool,
}

impl Paths {
    /// The directory of a controller's group; the version 2 group serves them all.
    pub fn of(&self, controller: &str) -> Option<&Path> {
        match self.mode {
            Mode::V2 => self.groups.get(""),
            Mode::V1 | Mode::Hybrid => self.groups.get(controller),
        }
        .map(PathBuf::as_path)
    }

    pub(crate) fn plan(hierarchy: &Hierarchy, config: &Config<'_>) -> Result<Self> {
        let given = config.path.unwrap_or("");
        if given.contains('\0') {
            return Err(Error::InvalidPath { path: given.to_owned(), reason: "contains NUL" });
        }
        let (unit, path) = match config.driver {
            Driver::Systemd => {
                let unit = Unit::parse(given, config.id, config.rootless)?;
                let path = unit.group_path(config.rootless)?;
                (Some(unit), path)
            }
            Driver::Cgroupfs if given.is_empty() => (None, PathBuf::from(config.id)),
            Driver::Cgroupfs => (None, PathBuf::from(given)),
        };
        let mut groups = BTreeMap::new();
        for mount in hierarchy.v1_mounts() {
            for controller in &mount.controllers {
                groups.insert(controller.clone(), mount.directory(&path));
            }
        }
        if let Some(v2) = hierarchy.v2().filter(|_| v2_is_wanted(hierarchy, config.resources)) {
            groups.insert(String::new(), v2.directory(&path));
        }
        let planned = Self { mode: hierarchy.mode(), groups, unit, rootless: config.rootless };
        if planned.groups.values().any(|dir| is_a_mountpoint(hierarchy, dir)) {
            return Err(Error::InvalidPath {
                path: given.to_owned(),
                reason: "names the root of the control groups",
            });
        }
        Ok(planned)
    }
}

/// Beside version 1 hierarchies the version 2 tree is entered only for a controller that is
/// nowhere else: it would cost each container a directory for nothing.
fn v2_is_wanted(hierarchy: &Hierarchy, resources: &LinuxResources) -> bool {
    let only_there = |controller| hierarchy.v1_mount(controller).is_none();
    match hierarchy.mode() {
        Mode::V1 => false,
        Mode::V2 => true,
        Mode::Hybrid => {
            (!resources.hugepage_limits.is_empty() && only_there("hugetlb"))
                || (!resources.rdma.is_empty() && only_there("rdma"))
        }
    }
}

fn is_a_mountpoint(hierarchy: &Hierarchy, directory: &Path) -> bool {
    hierarchy.v1_mounts().iter().any(|mount| mount.mountpoint == directory)
        || hierarchy.v2().is_some_and(|mount| mount.mountpoint == directory)
}
