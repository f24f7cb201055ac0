//! Where an engine keeps its things and how it makes containers.

use crate::error::{Error, Result};
use std::path::PathBuf;

/// Configuration of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Durable data: images, containers, volumes, the journal.
    pub data_root: PathBuf,
    /// What need not survive a reboot: supervisors' sockets, FIFOs, runtime state.
    pub exec_root: PathBuf,
    /// The program that holds `supervisor` and `init` modes; `None` means the running one.
    pub program: Option<PathBuf>,
    /// Parent of the containers' cgroups.
    pub cgroup_parent: String,
    /// Whether cgroups are made by systemd.
    pub systemd_cgroups: bool,
    /// Default log driver.
    pub log_driver: String,
    /// Its options.
    pub log_options: std::collections::BTreeMap<String, String>,
    /// Network of containers that name none.
    pub default_network: crate::NetworkMode,
    /// What networks are like.
    pub network: crate::NetworkOptions,
    /// Whether containers get an init by default.
    pub init: bool,
    /// Default ulimits.
    pub ulimits: Vec<crate::Ulimit>,
    /// Default size of `/dev/shm`.
    pub shm_size_bytes: u64,
    /// Labels of the engine.
    pub labels: Vec<String>,
    /// Registries that may be spoken to without TLS.
    pub insecure_registries: Vec<String>,
    /// Mirrors of Docker Hub.
    pub registry_mirrors: Vec<String>,
    /// Whether the engine runs without root's rights.
    pub rootless: bool,
}

impl Config {
    /// The usual places: those of root, or those of the user who runs this.
    pub fn for_host() -> Result<Self> {
        let rootless = !rustix::process::geteuid().is_root();
        let (data_root, exec_root) = if rootless {
            user_directories()?
        } else {
            ("/var/lib/isopod".into(), "/run/isopod".into())
        };
        Ok(Self::in_directories(data_root, exec_root))
    }

    /// The usual settings with everything below two directories.
    #[must_use]
    pub fn in_directories(data_root: PathBuf, exec_root: PathBuf) -> Self {
        let rootless = !rustix::process::geteuid().is_root();
        Self {
            data_root,
            exec_root,
            program: None,
            cgroup_parent: "/isopod".into(),
            systemd_cgroups: false,
            // Clients know what they can read by this name (docker-py prints nothing of others).
            log_driver: "json-file".into(),
            log_options: std::collections::BTreeMap::new(),
            default_network: if rootless {
                crate::NetworkMode::None
            } else {
                crate::NetworkMode::Named("bridge".into())
            },
            network: crate::NetworkOptions::default(),
            init: false,
            ulimits: Vec::new(),
            shm_size_bytes: 64 << 20,
            labels: Vec::new(),
            insecure_registries: Vec::new(),
            registry_mirrors: Vec::new(),
            rootless,
        }
    }
}

/// `$XDG_DATA_HOME/isopod` and `$XDG_RUNTIME_DIR/isopod`.
fn user_directories() -> Result<(PathBuf, PathBuf)> {
    let directory =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = directory("XDG_DATA_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".local/share")))
        .ok_or_else(|| Error::invalid("neither XDG_DATA_HOME nor HOME is set"))?;
    let runtime = directory("XDG_RUNTIME_DIR").ok_or_else(|| {
        Error::invalid(
            "XDG_RUNTIME_DIR is not set: log in again or set it to a directory of your own",
        )
    })?;
    Ok((data.join("isopod"), runtime.join("isopod")))
}
