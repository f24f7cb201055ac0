//! What the host has, what the engine is, and what it stores.

use crate::error::{Error, Result};
use crate::{DiskUsage, Engine, Info, ListContainers, ListImages, Status, Version};
use isopod_base::times::Timestamp;
use isopod_cgroups::{Hierarchy, Mode};
use std::fs::read_to_string;
use std::path::Path;

/// What the host can do, found out once.
#[derive(Debug)]
pub(crate) struct Host {
    /// Major and minor number of the kernel's release.
    pub(crate) kernel: (u32, u32),
    pub(crate) cgroup_version: u32,
    pub(crate) swap_limit: bool,
    memory: bool,
    cpu: bool,
    cpuset: bool,
    pids: bool,
}

impl Host {
    pub(crate) fn detect() -> Result<Self> {
        let hierarchy = Hierarchy::detect()
            .map_err(|source| Error::internal("look at the host's cgroups").because(source))?;
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let mut numbers =
            release.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
        let kernel = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if hierarchy.mode() == Mode::V2 {
            let root = hierarchy.v2().map(|v2| v2.mountpoint.clone()).unwrap_or_default();
            let controllers = read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
            let has = |name: &str| {
                controllers.split_ascii_whitespace().any(|controller| controller == name)
            };
            return Ok(Self {
                kernel,
                cgroup_version: 2,
                swap_limit: has("memory"),
                memory: has("memory"),
                cpu: has("cpu"),
                cpuset: has("cpuset"),
                pids: has("pids"),
            });
        }
        let mount = |name: &str| hierarchy.v1_mount(name).map(|mount| mount.mountpoint.clone());
        Ok(Self {
            kernel,
            cgroup_version: 1,
            swap_limit: mount("memory")
                .is_some_and(|path| path.join("memory.memsw.limit_in_bytes").exists()),
            memory: mount("memory").is_some(),
            cpu: mount("cpu").is_some(),
            cpuset: mount("cpuset").is_some(),
            pids: mount("pids").is_some(),
        })
    }
}

impl Engine {
    /// The engine and its host.
    pub async fn info(&self) -> Result<Info> {
        let statuses: Vec<_> =
            self.containers.all().iter().map(|container| container.status()).collect();
        let count = |status: Status| statuses.iter().filter(|&&s| s == status).count();
        let images = self.images(ListImages::default()).await?.len();
        let uname = rustix::system::uname();
        let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
        let (operating_system, os_version) = distribution();
        let mut security_options = vec!["seccomp".to_owned()];
        if Path::new("/sys/kernel/security/apparmor/profiles").exists() {
            security_options.push("apparmor".into());
        }
        if self.config.rootless {
            security_options.push("rootless".into());
        }
        if self.host.cgroup_version == 2 {
            security_options.push("cgroupns".into());
        }
        let mut warnings = Vec::new();
        if !self.host.swap_limit {
            warnings.push("WARNING: No swap limit support".into());
        }
        let (running, paused) = (count(Status::Running), count(Status::Paused));
        Ok(Info {
            id: self.id.clone(),
            containers: statuses.len(),
            running,
            paused,
            stopped: statuses.len() - running - paused,
            images,
            driver: self.store.snapshots().name().to_owned(),
            driver_status: Vec::new(),
            data_root: self.config.data_root.clone(),
            memory_limit: self.host.memory,
            swap_limit: self.host.swap_limit,
            oom_kill_disable: self.host.cgroup_version == 1 && self.host.memory,
            cpu_cfs: self.host.cpu,
            cpu_shares: self.host.cpu,
            cpuset: self.host.cpuset,
            pids_limit: self.host.pids,
            ipv4_forwarding: read_to_string("/proc/sys/net/ipv4/ip_forward")
                .is_ok_and(|v| v.trim() == "1"),
            cgroup_driver: if self.config.systemd_cgroups { "systemd" } else { "cgroupfs" }.into(),
            cgroup_version: self.host.cgroup_version.to_string(),
            kernel_version: text(uname.release()),
            operating_system,
            os_version,
            architecture: text(uname.machine()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: total_memory(),
            hostname: text(uname.nodename()),
            started_at: self.started_at,
            system_time: Timestamp::now(),
            open_fds: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            event_listeners: self.events.listeners(),
            security_options,
            warnings,
            rootless: self.config.rootless,
            labels: self.config.labels.clone(),
            log_driver: self.config.log_driver.clone(),
            log_drivers: crate::containers::LogDriver::NAMES.map(str::to_owned).to_vec(),
            network_drivers: ["bridge", "host", "macvlan", "null"].map(str::to_owned).to_vec(),
            insecure_registries: self.config.insecure_registries.clone(),
            registry_mirrors: self.config.registry_mirrors.clone(),
        })
    }

    /// Versions.
    #[must_use]
    pub fn version(&self) -> Version {
        Version {
            version: env!("CARGO_PKG_VERSION").into(),
            commit: option_env!("ISOPOD_COMMIT").unwrap_or("unknown").into(),
            kernel_version: rustix::system::uname().release().to_string_lossy().into_owned(),
            os: "linux".into(),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            }
            .into(),
        }
    }

    /// What is stored.
    pub async fn disk_usage(&self) -> Result<DiskUsage> {
        let store = std::sync::Arc::clone(&self.store);
        let layers_bytes = crate::engine::blocking(move || {
            let usage = store
                .df()
                .map_err(|source| Error::internal("measure the image store").because(source))?;
            Ok(usage.layers_bytes)
        })
        .await?;
        let list = ListContainers { all: true, size: true, ..ListContainers::default() };
        Ok(DiskUsage {
            images: self.images(ListImages { shared_size: true, ..ListImages::default() }).await?,
            layers_bytes,
            containers: self.containers(list).await?,
            volumes: self.volumes_usage().await?,
        })
    }
}

pub(crate) fn total_memory() -> u64 {
    let info = read_to_string("/proc/meminfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

/// Name and version of the host's distribution.
fn distribution() -> (String, String) {
    let release = read_to_string("/etc/os-release")
        .or_else(|_| read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    let value = |key: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    (
        value("PRETTY_NAME").unwrap_or_else(|| "Linux".into()),
        value("VERSION_ID").unwrap_or_default(),
    )
}
