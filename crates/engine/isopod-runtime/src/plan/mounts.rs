//! `mounts`: what is mounted from where.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use isopod_oci::runtime::{IdMapping, Linux, Mount};

use crate::error::{Error, Result};
use crate::mapping;
use crate::mount_options::MountOptions;

/// What sort of mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MountKind {
    /// Something of the host, with the mounts below it or without.
    Bind {
        /// Its path on the host.
        source: PathBuf,
        recursive: bool,
    },
    /// The container's view of the cgroups.
    Cgroup,
    /// A change of what is mounted at the destination.
    Remount,
    /// A file system.
    FileSystem { kind: String, source: Option<String> },
}

/// One mount.
#[derive(Debug)]
pub(crate) struct MountPlan {
    /// Name of the field, for errors.
    pub(crate) field: String,
    pub(crate) destination: String,
    pub(crate) kind: MountKind,
    pub(crate) options: MountOptions,
    /// Ids are shifted by these; those of the container's user namespace if both are empty.
    pub(crate) uid_mappings: Vec<IdMapping>,
    pub(crate) gid_mappings: Vec<IdMapping>,
    /// The tree to attach, where it has to be opened outside the container's user namespace.
    pub(crate) prepared: Option<OwnedFd>,
}

impl MountPlan {
    /// Whether ids are shifted, and whether for the mounts below too.
    pub(crate) fn idmap(&self) -> Option<bool> {
        self.options.idmap.or((!self.uid_mappings.is_empty()).then_some(false))
    }
}

pub(super) fn plan(
    mounts: &[Mount],
    bundle: &Path,
    linux: &Linux,
    warnings: &mut Vec<String>,
) -> Result<Vec<MountPlan>> {
    mounts
        .iter()
        .enumerate()
        .map(|(index, mount)| one(index, mount, bundle, linux, warnings))
        .collect()
}

fn one(
    index: usize,
    mount: &Mount,
    bundle: &Path,
    linux: &Linux,
    warnings: &mut Vec<String>,
) -> Result<MountPlan> {
    let field = format!("mounts[{index}]");
    let refuse = |name: &str, reason: String| Error::config(format!("{field}.{name}"), reason);
    if mount.destination.trim_matches('/').is_empty() || mount.destination.contains('\0') {
        return Err(refuse(
            "destination",
            format!("{:?}: expected an absolute path below the root", mount.destination),
        ));
    }
    if !mount.destination.starts_with('/') {
        warnings.push(format!(
            "{field}: relative destination {:?} is taken from the root",
            mount.destination
        ));
    }
    let options = MountOptions::parse(&mount.options);
    let kind = match mount.kind.as_deref().unwrap_or("") {
        _ if options.remount => MountKind::Remount,
        kind if options.bind.is_some() || kind == "bind" => {
            let source = mount
                .source
                .as_deref()
                .filter(|source| !source.is_empty())
                .ok_or_else(|| refuse("source", "a bind mount needs a source".into()))?;
            MountKind::Bind {
                source: bundle.join(source),
                recursive: options.bind.unwrap_or(false),
            }
        }
        "cgroup" => MountKind::Cgroup,
        "" | "none" => {
            return Err(refuse(
                "type",
                "expected a file system type, or bind or rbind among the options".into(),
            ));
        }
        kind => MountKind::FileSystem { kind: kind.to_owned(), source: mount.source.clone() },
    };
    check_idmap(&field, mount, &options, &kind, linux)?;
    if options.copy_up && !matches!(&kind, MountKind::FileSystem { kind, .. } if kind == "tmpfs") {
        return Err(refuse("options", "tmpcopyup is for tmpfs only".into()));
    }
    Ok(MountPlan {
        field,
        destination: mount.destination.clone(),
        kind,
        options,
        uid_mappings: mount.uid_mappings.clone(),
        gid_mappings: mount.gid_mappings.clone(),
        prepared: None,
    })
}

fn check_idmap(
    field: &str,
    mount: &Mount,
    options: &MountOptions,
    kind: &MountKind,
    linux: &Linux,
) -> Result<()> {
    if mount.uid_mappings.is_empty() != mount.gid_mappings.is_empty() {
        return Err(Error::config(field, "both uidMappings and gidMappings must be given"));
    }
    let mapped = !mount.uid_mappings.is_empty();
    if !mapped && options.idmap.is_none() {
        return Ok(());
    }
    if !matches!(kind, MountKind::Bind { .. }) {
        return Err(Error::config(field, "id-mapped mounts are only supported for bind-mounts"));
    }
    if !mapped && linux.uid_mappings.is_empty() {
        return Err(Error::config(
            field,
            "idmap without mappings needs a user namespace with mappings",
        ));
    }
    mapping::check(&format!("{field}.uidMappings"), &mount.uid_mappings)?;
    mapping::check(&format!("{field}.gidMappings"), &mount.gid_mappings)
}
