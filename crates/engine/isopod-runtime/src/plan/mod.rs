//! The configuration, checked as a whole and translated to what the kernel is told, before
//! anything is made.

mod linux;
mod mounts;
mod process;
mod sysctl;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use isopod_oci::runtime::{Linux, NamespaceKind, Spec};
use isopod_sys::clone;

use crate::error::{Error, Result};
use crate::options::Config;

pub(crate) use mounts::{MountKind, MountPlan};
pub(crate) use process::ProcessPlan;
pub(crate) use sysctl::Sysctl;

/// How the container gets its user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserNamespace {
    /// It stays in the runtime's.
    Own,
    /// A new one, with mappings.
    New,
    /// Joined by path.
    Joined,
}

/// A namespace to join.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) kind: NamespaceKind,
    pub(crate) path: String,
    pub(crate) file: OwnedFd,
}

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The configuration as it was given, with `linux` and `process` taken out.
    pub(crate) spec: Spec,
    pub(crate) linux: Linux,
    pub(crate) bundle: PathBuf,
    pub(crate) rootfs: PathBuf,
    pub(crate) readonly_root: bool,
    /// Namespaces to make.
    pub(crate) new: Vec<NamespaceKind>,
    /// Namespaces to join.
    pub(crate) joined: Vec<Joined>,
    pub(crate) user: UserNamespace,
    /// Text for `timens_offsets`.
    pub(crate) time_offsets: Option<String>,
    /// Propagation of the root: kind, and whether recursive.
    pub(crate) propagation: Option<(u64, bool)>,
    pub(crate) mounts: Vec<MountPlan>,
    pub(crate) sysctls: Vec<Sysctl>,
    pub(crate) process: ProcessPlan,
    pub(crate) warnings: Vec<String>,
}

impl Plan {
    /// Checks a configuration. Whoever is `rootless` needs a user namespace.
    pub(crate) fn new(config: Config, rootless: bool) -> Result<Self> {
        let (mut spec, bundle) = read(config)?;
        check_version(&spec.oci_version)?;
        let linux = spec.linux.take().unwrap_or_default();
        let process = spec
            .process
            .take()
            .ok_or_else(|| Error::config("process", "process property must not be empty"))?;
        let root = spec.root.as_ref().filter(|root| !root.path.is_empty()).ok_or_else(|| {
            Error::config("root.path", "expected the path of the root file system")
        })?;
        let rootfs = bundle.join(&root.path);
        check_rootfs(&rootfs)?;
        let readonly_root = root.readonly;
        let mut warnings = Vec::new();
        let (new, joined) = linux::namespaces(&linux.namespaces)?;
        let user = linux::user_namespace(&linux, &new, &joined, rootless)?;
        linux::check(&spec, &linux, &|kind| isolated(&new, &joined, kind))?;
        let time_offsets = linux::time_offsets(&linux, &new)?;
        let propagation = linux::propagation(&linux)?;
        let mounts = mounts::plan(&spec.mounts, &bundle, &linux, &mut warnings)?;
        if !mounts.is_empty() && !isolated(&new, &joined, NamespaceKind::Mount) {
            return Err(Error::config("mounts", "unable to mount without a private MNT namespace"));
        }
        let sysctls = sysctl::plan(&linux, &spec, &|kind| isolated(&new, &joined, kind), &joined)?;
        let personality = linux::personality(&linux)?;
        let process = ProcessPlan::new("process", &process, personality, &mut warnings)?;
        Ok(Self {
            spec,
            linux,
            bundle,
            rootfs,
            readonly_root,
            new,
            joined,
            user,
            time_offsets,
            propagation,
            mounts,
            sysctls,
            process,
            warnings,
        })
    }

    /// Whether the container has a namespace of that kind apart from the runtime's.
    pub(crate) fn isolated(&self, kind: NamespaceKind) -> bool {
        isolated(&self.new, &self.joined, kind)
    }

    pub(crate) fn is_new(&self, kind: NamespaceKind) -> bool {
        self.new.contains(&kind)
    }

    /// Flags for `clone3(2)`.
    ///
    /// The cgroup namespace is made later, when the process is in its group; so is a time
    /// namespace whose clocks are to be set, which is possible only as long as nobody is in it.
    pub(crate) fn clone_flags(&self) -> u64 {
        self.new
            .iter()
            .map(|kind| match kind {
                NamespaceKind::Pid => clone::NEW_PID,
                NamespaceKind::Network => clone::NEW_NETWORK,
                NamespaceKind::Mount => clone::NEW_MOUNT,
                NamespaceKind::Ipc => clone::NEW_IPC,
                NamespaceKind::Uts => clone::NEW_UTS,
                NamespaceKind::User => clone::NEW_USER,
                NamespaceKind::Time if self.time_offsets.is_none() => clone::NEW_TIME,
                NamespaceKind::Time | NamespaceKind::Cgroup => 0,
            })
            .fold(0, |flags, flag| flags | flag)
    }

    /// Whether namespaces must be entered by a process of its own before the container's is
    /// made: a user or process id namespace that is joined, or any that is joined from outside
    /// a new user namespace.
    pub(crate) fn needs_intermediate(&self) -> bool {
        self.joined
            .iter()
            .any(|joined| matches!(joined.kind, NamespaceKind::User | NamespaceKind::Pid))
            || (self.user == UserNamespace::New && !self.joined.is_empty())
    }

    /// Host user id of the container's root.
    pub(crate) fn host_root(&self) -> Option<u32> {
        match self.user {
            UserNamespace::Own => Some(0),
            UserNamespace::New => crate::mapping::to_host(&self.linux.uid_mappings, 0),
            UserNamespace::Joined => None,
        }
    }

    /// Whether mounts made for the container shall be shared with the host.
    pub(crate) fn shares_mounts(&self) -> bool {
        self.propagation.is_some_and(|(kind, _)| kind == isopod_sys::mount_attr::SHARED)
    }
}

fn isolated(new: &[NamespaceKind], joined: &[Joined], kind: NamespaceKind) -> bool {
    new.contains(&kind) || joined.iter().any(|joined| joined.kind == kind)
}

fn read(config: Config) -> Result<(Spec, PathBuf)> {
    let (spec, bundle) = match config {
        Config::Parsed { spec, bundle } => (*spec, bundle),
        Config::Bundle(bundle) => {
            let path = bundle.join("config.json");
            let bytes = std::fs::read(&path).map_err(Error::file("open", &path))?;
            let spec = Spec::parse(&bytes).map_err(|source| Error::Parse { path, source })?;
            (spec, bundle)
        }
    };
    let bundle = std::path::absolute(&bundle).map_err(Error::file("find", &bundle))?;
    Ok((spec, bundle))
}

/// Versions of the specification are compatible within the first number.
fn check_version(version: &str) -> Result<()> {
    if version.is_empty() || version.starts_with("1.") {
        return Ok(());
    }
    Err(Error::config("ociVersion", format!("{version:?} is not supported, expected 1.x.y")))
}

fn check_rootfs(path: &Path) -> Result<()> {
    let about = |reason: String| {
        Error::config("root.path", format!("invalid rootfs {}: {reason}", path.display()))
    };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(about("not a directory".into())),
        Err(error) => Err(about(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
